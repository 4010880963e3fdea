"""Make the worlds and exchange keys of the simulated regions: run once, output committed, checked by a test.

    python scripts/make_regions.py [TOKEN ...]

Deterministic: every byte comes from a constant seed and the world's token, so anybody can make the files again. That
is no loss: a simulated region has no secrets, and its `silicon` part is shipped beside the public one.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from Crypto.PublicKey import RSA

from hsm_emulator import acl, attestation, byok, chain, crypto, encoding
from hsm_emulator.acl import Group, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Kind
from hsm_emulator.region import catalogue

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

SEED: Final = b"SIMULATED regions of the HSM emulator, 1"
SUITE: Final = "DLf3072s256mRijndael"
DATA: Final = Path(catalogue.__file__).parent / "data"


class SeededDraw:
    """A stream of SHA-256(seed ‖ token ‖ counter): repeatable, and so fit for nothing but simulated regions."""

    def __init__(self, token: str) -> None:
        """Begin the stream of one token."""
        self._prefix = SEED + b"\0" + token.encode() + b"\0"
        self._counter = 0
        self._left = b""

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes of the stream."""
        while len(self._left) < size:
            self._left += hashlib.sha256(self._prefix + self._counter.to_bytes(8)).digest()
            self._counter += 1
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def rsa(self, bits: int) -> rsa.RSAPrivateKey:
        """Return an RSA key made from the stream by pycryptodome."""
        return crypto.rsa_load(RSA.generate(bits, self.take).export_key("DER", pkcs=8))


def make(token: str) -> catalogue.World:
    """Return the world of one token with its KEK, attested up to the emulated maker's root."""
    draw = SeededDraw(token)
    esn = f"SIMULATED-{token}"
    klf2, kml, knso = (crypto.signing_key(draw) for _ in range(3))
    km, kmc, kre, kra = (draw.take(32) for _ in range(4))
    kek = draw.rsa(byok.KEK_BITS)
    public = crypto.rsa_public_der(kek)
    knso_public = crypto.verify_key(knso)
    place = {"hknso": chain.knso_hash(knso_public), "hkm": crypto.key_hash("km", km)}
    warrant = attestation.issue(
        Kind.WARRANT, {"esn": esn, "klf2": encoding.text(crypto.verify_key(klf2))}, attestation.ROOT_PRIVATE
    )
    state = attestation.issue(
        Kind.MODULE_STATE, {"esn": esn, "kml": encoding.text(crypto.verify_key(kml)), **place}, klf2
    )
    others = {name: crypto.key_hash(name[1:], key) for name, key in (("hkmc", kmc), ("hkre", kre), ("hkra", kra))}
    binding = attestation.issue(
        Kind.WORLD_BINDING, {"suite": SUITE, "knso": encoding.text(knso_public), **place, **others}, knso
    )
    generation = attestation.issue(
        Kind.KEY_GENERATION,
        {
            "key_type": "RSA",
            "public_key": encoding.text(public),
            "key_hash": chain.public_key_hash(public),
            "acl": acl.to_data(kek_acl(place["hkm"])),
            "protection": "module",
            "esn": esn,
            "counter": 1,
            **place,
        },
        kml,
    )
    certifier = byok.Certifier(
        region=token, root=attestation.root_public(), warrant=warrant, module_state=state, kml=kml
    )
    return catalogue.World(
        kek_package=byok.build_kek_package(certifier, generation),
        world_package=byok.build_world_package(certifier, binding),
        silicon=catalogue.Silicon(kek_private=crypto.rsa_private_der(kek), km=km),
    )


def kek_acl(hkm: str) -> acl.Acl:
    """Return what a KEK may do: decrypt, show its permissions, be stored in its own world, and nothing else."""
    rights = frozenset({Right.DECRYPT, Right.GET_ACL, Right.REDUCE_ACL})
    return acl.Acl(groups=(Group(actions=(OpPermissions(rights=rights),)), Group(actions=(MakeBlob(under=hkm),))))


def main(tokens: list[str]) -> None:
    """Write the files of these tokens, or of all."""
    DATA.mkdir(exist_ok=True)
    for token in tokens or sorted({item.token for item in catalogue.REGIONS}):
        path = DATA / f"{token}.json"
        path.write_bytes(catalogue.world_file(make(token)))
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
