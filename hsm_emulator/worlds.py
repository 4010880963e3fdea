"""Security Worlds: the administrator keys, the tokens that protect them, and the world file.

    LTNSO ──> KNSO                  LTM ──> KM, KMC                 shares under a well-known key: no secrecy from it
    LTR ──> KRE, KRA   LTP ──> KP   LTNV ──> KNV   LTRTC, LTFTO, LTDSEE alike          shares under KM

KNSO, KMC, KRA, KNV, KRTC, KFTO and KDSEE sign (P-521), KRE is RSA-3072, KM and KP are 32 random bytes. The whole world
file is signed by KNSO, whose hash the module keeps in its memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import attestation, byok, chain, crypto, encoding, sharing
from hsm_emulator.attestation import Kind
from hsm_emulator.dialogue import ACS
from hsm_emulator.errors import Refused, Status
from hsm_emulator.quorum import CardSet
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, State, km_hash, number, parse, render, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import Memory

WELL_KNOWN: Final = crypto.sha256(b"SIMULATED well-known module key, no secrecy")
"""Protects the shares of LTNSO and LTM, which are read before a module knows KM."""

TOKENS: Final = {
    "LTNSO": ("KNSO",),
    "LTM": ("KM", "KMC"),
    "LTR": ("KRE", "KRA"),
    "LTP": ("KP",),
    "LTNV": ("KNV",),
    "LTRTC": ("KRTC",),
    "LTFTO": ("KFTO",),
    "LTDSEE": ("KDSEE",),
}
"""Each token of the Administrator Card Set and the keys it protects."""

BEFORE_KM: Final = frozenset({"LTNSO", "LTM"})
"""The tokens that are read before a module knows KM."""

FIELDS: Final = frozenset(
    {"suite", "set_name", "set_id", "k", "n", "lockout", "tokens", "keys", "binding", "signature"}
)
"""The fields of a world file."""

MODULE_FIELDS: Final = frozenset({"warrant", "module_state", "kmc", "kmc_signature"})
"""The fields of a module file."""

PATH: Final = f"{LOCAL}world"
"""Where the world file is."""

_KEY: Final = frozenset({"token", "hash", "public", "blob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminKey:
    """A key of the world: its hash, its public half (SubjectPublicKeyInfo, b"" for a symmetric key), its secret."""

    token: str
    hash: str
    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A key of the world as the file has it: the secret sealed under its token."""

    token: str
    hash: str
    public: bytes
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A world file that KNSO signed. `hkm` is the hash of the module key that it binds; `lockout`: see `tries.py`."""

    hknso: str
    hkm: str
    suite: str
    set_id: str
    quorum: Quorum
    lockout: int
    checks: Mapping[str, str]
    keys: Mapping[str, SealedKey]

    def card_set(self, memory: Memory, *tokens: str) -> CardSet:
        """Return the Administrator Card Set, with these of its tokens; those of `BEFORE_KM` need no world in memory."""
        keys = {name: WELL_KNOWN if name in BEFORE_KM else memory.module_key for name in tokens}
        known = frozenset(card.serial for card in memory.cards)
        return CardSet(
            world=self.hknso,
            set_id=self.set_id,
            name=ACS,
            quorum=self.quorum,
            module_keys=keys,
            known=known,
            lockout=self.lockout,
        )

    def open_key(self, name: str, tokens: Mapping[str, bytes]) -> bytes:
        """Return an administrator key's secret, from the token assembled of a quorum.

        Raises:
            Refused: DecryptFailed, the blob was changed.
        """
        sealed = self.keys[name]
        key = _blob_key(tokens[sealed.token], name)
        secret = crypto.unseal(key, sealed.blob, _blob_label(self.hknso, name, sealed.token, sealed.hash))
        if secret is None:
            raise Refused(Status.DECRYPT_FAILED, f"the blob of {name} does not open under {sealed.token}")
        return secret

    def admin_key(self, name: str, tokens: Mapping[str, bytes]) -> AdminKey:
        """Return an administrator key, opened as `open_key` does."""
        sealed = self.keys[name]
        return AdminKey(token=sealed.token, hash=sealed.hash, public=sealed.public, secret=self.open_key(name, tokens))

    def open_knso(self, tokens: Mapping[str, bytes]) -> bytes:
        """Return KNSO, after checking that it is the one whose hash is the world's.

        Raises:
            Refused: DecryptFailed, the blob was changed; VerifyFailed, it is another key.
        """
        knso = self.open_key("KNSO", tokens)
        if byok.knso_hash(crypto.verify_key(knso)) != self.hknso:
            raise Refused(Status.VERIFY_FAILED, "the quorum opened another KNSO than the world's")
        return knso

    def open_km(self, tokens: Mapping[str, bytes]) -> bytes:
        """Return KM, opened together with KNSO, after checking that both are the keys that the file binds.

        Raises:
            Refused: DecryptFailed, a blob was changed; VerifyFailed, they are other keys.
        """
        knso, km = self.open_key("KNSO", tokens), self.open_key("KM", tokens)
        if (byok.knso_hash(crypto.verify_key(knso)), km_hash(km)) != (self.hknso, self.hkm):
            raise Refused(Status.VERIFY_FAILED, "the quorum opened other keys than the world file binds")
        return km


def load(state: State, memory: Memory) -> World:
    """Return the world the module is in, after checking that its file is the one KNSO signed.

    Raises:
        Refused: UnknownID for no world, HostDataInvalid for a damaged file, IncorrectToken for another world's,
            VerifyFailed for a changed one.
    """
    if memory.km is None or PATH not in state.files:
        raise Refused(Status.UNKNOWN_ID, "there is no Security World; create one first")
    hknso, _ = parse(state.files[PATH], "world", FIELDS)
    if hknso != memory.hknso:
        raise Refused(Status.INCORRECT_TOKEN, f"the world file is of world {hknso}, the module is in {memory.hknso}")
    world = read(state.files[PATH])
    if world.hkm != memory.hkm:
        raise Refused(Status.UNKNOWN_KM, "the world file binds another module key than the module holds")
    return world


def read(content: bytes) -> World:
    """Return a world after checking that its file is as its own KNSO signed it; whose world it is is not asked.

    Raises:
        Refused: HostDataInvalid for a damaged file, VerifyFailed for a changed one.
    """
    hknso, data = parse(content, "world", FIELDS)
    keys = {name: _sealed_key(value) for name, value in encoding.fields(data["keys"], _key_names(), "the keys").items()}
    knso = keys["KNSO"].public
    signature = encoding.untext(data["signature"], "the world file's signature")
    unsigned = {name: value for name, value in data.items() if name != "signature"}
    if byok.knso_hash(knso) != hknso or not crypto.verify(knso, signature, _signed(hknso, unsigned)):
        raise Refused(Status.VERIFY_FAILED, "the world file is not as KNSO signed it")
    binding = attestation.from_data(data["binding"], Kind.WORLD_BINDING)
    body = attestation.check(binding, Kind.WORLD_BINDING, knso, "the world's KNSO")
    if (body["hknso"], body["suite"]) != (hknso, data["suite"]):
        raise Refused(Status.VERIFY_FAILED, "the world file and its binding certificate are of different worlds")
    return World(
        hknso=hknso,
        hkm=word(body, "hkm"),
        suite=word(data, "suite"),
        set_id=word(data, "set_id"),
        quorum=Quorum(k=number(data, "k"), n=number(data, "n")),
        lockout=number(data, "lockout"),
        checks=encoding.fields(data["tokens"], frozenset(TOKENS), "the tokens"),
        keys=keys,
    )


def new_card_set(hknso: str, needed: Quorum, tokens: Mapping[str, bytes], km: bytes, *, lockout: int) -> CardSet:
    """Return the set that cards are written for: these tokens, protected as in a world with this module key."""
    return CardSet(
        world=hknso,
        set_id=crypto.key_hash("token", tokens["LTNSO"]),
        name=ACS,
        quorum=needed,
        module_keys={name: WELL_KNOWN if name in BEFORE_KM else km for name in TOKENS},
        lockout=lockout,
    )


def render_world(
    suite: str, made: CardSet, tokens: Mapping[str, bytes], keys: Mapping[str, AdminKey], draw: Draw
) -> bytes:
    """Return the bytes of a world file: every key sealed under its token, all of it signed by KNSO."""
    hknso, knso = made.world, keys["KNSO"]
    body = {f"hk{name.lower()[1:]}": keys[name].hash for name in ("KNSO", "KM", "KMC", "KRE", "KRA")}
    body |= {"suite": suite, "knso": encoding.text(knso.public)}
    content: dict[str, Any] = {
        "suite": suite,
        "set_name": made.name,
        "set_id": made.set_id,
        "k": made.quorum.k,
        "n": made.quorum.n,
        "lockout": made.lockout,
        "tokens": {name: sharing.check_value(token, name, made.set_id) for name, token in tokens.items()},
        "keys": {name: _seal_key(hknso, name, key, tokens[key.token], draw) for name, key in keys.items()},
        "binding": attestation.to_data(attestation.issue(Kind.WORLD_BINDING, body, knso.secret)),
    }
    content["signature"] = encoding.text(crypto.sign(knso.secret, _signed(hknso, content)))
    return render("world", hknso, content)


def _seal_key(hknso: str, name: str, key: AdminKey, token: bytes, draw: Draw) -> dict[str, str]:
    label = _blob_label(hknso, name, key.token, key.hash)
    return {
        "token": key.token,
        "hash": key.hash,
        "public": encoding.text(key.public),
        "blob": encoding.text(crypto.seal(_blob_key(token, name), key.secret, label, draw)),
    }


def render_module(esn: str, memory: Memory, kmc: AdminKey) -> bytes:
    """Return the bytes of a module file: the module's certificates, and KMC's signature that it is in the world."""
    kml = encoding.text(crypto.verify_key(memory.kml))
    body = {"esn": esn, "kml": kml, "hknso": memory.hknso, "hkm": memory.hkm}
    content = {
        "warrant": memory.warrant,
        "module_state": attestation.to_data(attestation.issue(Kind.MODULE_STATE, body, memory.klf2)),
        "kmc": encoding.text(kmc.public),
        "kmc_signature": encoding.text(chain.join(kmc.secret, esn, kml)),
    }
    return render("module", memory.hknso, content)


def _sealed_key(value: object) -> SealedKey:
    data = encoding.fields(value, _KEY, "a key of the world")
    return SealedKey(
        token=word(data, "token"),
        hash=word(data, "hash"),
        public=encoding.untext(data["public"], "a public key of the world"),
        blob=encoding.untext(data["blob"], "a blob of the world"),
    )


def _key_names() -> frozenset[str]:
    return frozenset(name for names in TOKENS.values() for name in names)


def _blob_key(token: bytes, name: str) -> bytes:
    return crypto.hkdf(token, b"SIMULATED administrator key blob 1\0" + name.encode())


def _blob_label(hknso: str, name: str, token: str, digest: str) -> bytes:
    return b"SIMULATED administrator key blob 1\0" + encoding.encode([hknso, name, token, digest])


def _signed(hknso: str, content: dict[str, Any]) -> bytes:
    return b"SIMULATED world file 1\0" + encoding.encode([hknso, content])
