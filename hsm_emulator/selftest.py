"""What a module tries on itself: its cryptography against published answers, and that it can read what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import cards, crypto, keyfile, sharing, worlds
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import CARDSTORE, recall

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import State

_DIGEST: Final = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of `abc` (FIPS 180-4, example of NIST)."""

_DERIVED: Final = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
"""HKDF-SHA256 of 22 bytes 0b, no salt, no info: the first 32 bytes (RFC 5869, A.3)."""

_STRETCHED: Final = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
"""scrypt of `pleaseletmein`, `SodiumChloride`, N = 2^14, r = 8, p = 1: the first 32 bytes (RFC 7914, section 12)."""

_SEALED: Final = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
"""AES-256-GCM of 16 zeros under a key and a nonce of zeros: ciphertext and tag (GCM specification, test case 14)."""

_PRIVATE: Final = (
    "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89"
    "ec0c08b0e996b83538"
)
_SIGNATURE: Final = (
    "30818702"
    "4200c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f"
    "9b15bf05ec36e377fa0241617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff07"
    "77b1a20f8ccb1dccc43997f1ee0e44da4a67a"
)
"""ECDSA P-521 with SHA-512 over `sample`, deterministic (RFC 6979, A.2.7), in DER."""


def run(state: State, draw: Draw) -> tuple[str, ...]:
    """Return what was tried and holds, in words.

    Raises:
        Refused: VerifyFailed, naming the first that does not.
    """
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("SHA-256, HKDF and scrypt give the published answers", _hashes),
        ("AES-256-GCM gives the published answer, and opens nothing that was changed", lambda: _seals(draw)),
        ("ECDSA P-521 gives the published signature, and verifies no other", _signatures),
        ("RSA opens what was encrypted to it, and verifies what it signed", lambda: _rsa(draw)),
        ("every 2 of 3 shares give the token, and one does not", lambda: _shares(draw)),
        ("the module's memory opens", lambda: bool(recall(state).klf2)),
        ("the world, its keys and the cards can be read", lambda: _read(state)),
    )
    for name, holds in tests:
        try:
            good = holds()
        except (Refused, StoreBroken) as fault:
            raise Refused(Status.VERIFY_FAILED, f"self test: not so: {name} ({fault})") from None
        if not good:
            raise Refused(Status.VERIFY_FAILED, f"self test: not so: {name}")
    return tuple(name for name, _ in tests)


def _hashes() -> bool:
    return (
        crypto.sha256(b"abc").hex() == _DIGEST
        and crypto.hkdf(b"\x0b" * 22, b"").hex() == _DERIVED
        and crypto.scrypt(b"pleaseletmein", b"SodiumChloride", 1 << 14).hex() == _STRETCHED
    )


def _seals(draw: Draw) -> bool:
    key, sealed = bytes(32), bytes(crypto.NONCE) + bytes.fromhex(_SEALED)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    again = crypto.seal(key, b"again", b"label", draw)
    return (
        crypto.unseal(key, sealed, b"") == bytes(16)
        and crypto.unseal(key, changed, b"") is None
        and crypto.unseal(key, again, b"label") == b"again"
        and crypto.unseal(key, again, b"another") is None
    )


def _signatures() -> bool:
    private, signature = bytes.fromhex(_PRIVATE), bytes.fromhex(_SIGNATURE)
    public = crypto.verify_key(private)
    return (
        crypto.sign(private, b"sample") == signature
        and crypto.verify(public, signature, b"sample")
        and not crypto.verify(public, signature, b"simple")
    )


def _rsa(draw: Draw) -> bool:
    key = draw.rsa(2048)
    private, public = crypto.rsa_private_der(key), crypto.rsa_public_der(key)
    secret = draw.take(32)
    signature = crypto.rsa_sign(private, secret)
    return (
        crypto.oaep_decrypt(private, crypto.oaep_encrypt(public, secret, draw)) == secret
        and crypto.rsa_verify(public, signature, secret)
        and not crypto.rsa_verify(public, signature, secret[1:])
    )


def _shares(draw: Draw) -> bool:
    token, quorum = draw.take(sharing.TOKEN), Quorum(k=2, n=3)
    check = sharing.check_value(token, "self test", "")
    shares = sharing.split(token, quorum, draw)
    whole = all(
        sharing.assemble([shares[one], shares[two]], quorum, "self test", "", check) == token
        for one, two in ((0, 1), (0, 2), (1, 2))
    )
    return whole and all(share.value != token for share in shares)


def _read(state: State) -> bool:
    memory = recall(state)
    if memory.km is not None:
        worlds.load(state, memory)
    keyfile.listing(state)
    for path in state.files:
        if path.startswith(CARDSTORE):
            cards.read(state, path.removeprefix(CARDSTORE).removesuffix(".card"))
    return True
