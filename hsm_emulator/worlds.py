"""Security Worlds: the administrator keys, the tokens that protect them, the world file, and `new-world`.

    LTNSO ──> KNSO                  LTM ──> KM, KMC                 shares under a well-known key: no secrecy from it
    LTR ──> KRE, KRA   LTP ──> KP   LTNV ──> KNV   LTRTC, LTFTO, LTDSEE alike          shares under KM

KNSO, KMC, KRA, KNV, KRTC, KFTO and KDSEE sign (P-521), KRE is RSA-3072, KM and KP are 32 random bytes. The whole world
file is signed by KNSO, whose hash the module keeps in its memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import attestation, byok, crypto, encoding, quorum, sharing
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.messages import Mode, NewWorld, WorldMade
from hsm_emulator.quorum import CardSet
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, State, demand, km_hash, number, parse, recall, remember, render, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory

SUITES: Final = frozenset(
    {
        "DLf1024s160mDES3",
        "DLf1024s160mRijndael",
        "DLf3072s256mRijndael",
        "DLf3072s256mAEScSP800131Ar1",
        "ECp521mAES",
    }
)
"""Cipher suites a world can be made with; the name is kept and changes no algorithm here (declared)."""

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

ACS: Final = "Administrator Card Set"
KRE_BITS: Final = 3072

_BEFORE_KM: Final = frozenset({"LTNSO", "LTM"})
FIELDS: Final = frozenset({"suite", "set_name", "set_id", "k", "n", "tokens", "keys", "binding", "signature"})
"""The fields of a world file."""

MODULE_FIELDS: Final = frozenset({"warrant", "module_state", "kmc", "kmc_signature"})
"""The fields of a module file."""

_KEY: Final = frozenset({"token", "hash", "public", "blob"})
_WORLD: Final = f"{LOCAL}world"


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
    """A world file that KNSO signed and that is the one the module is in."""

    hknso: str
    suite: str
    set_id: str
    quorum: Quorum
    checks: Mapping[str, str]
    keys: Mapping[str, SealedKey]

    def card_set(self, memory: Memory, *tokens: str) -> CardSet:
        """Return the Administrator Card Set, with these of its tokens."""
        keys = {name: _share_protection(name, memory.module_key) for name in tokens}
        return CardSet(world=self.hknso, set_id=self.set_id, name=ACS, quorum=self.quorum, module_keys=keys)

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


def new_world(state: State, command: NewWorld, call: Call) -> tuple[State, WorldMade]:
    """Create a world and its card set, erasing the one the module holds.

    1. Mode, suite and quorum.
    2. Fresh KML, KM0 and administrator keys; what the old world left is gone.
    3. All cards written, read back and recombined.
    4. World file, module file and the module's memory, for one commit.

    Raises:
        Refused: InvalidState, InvalidParameter, Cancelled, TokenAssemblyFailed. Nothing was changed.
    """
    memory = recall(state)
    demand(memory, Mode.INITIALIZATION, "new-world")  # 1
    if command.cipher_suite not in SUITES:
        words = f"there is no cipher suite {command.cipher_suite!r}; there are {', '.join(sorted(SUITES))}"
        raise Refused(Status.INVALID_PARAMETER, words)
    needed = Quorum(k=command.threshold, n=command.cards)
    keys = _make_keys(call.draw)  # 2
    tokens = {name: call.draw.take(sharing.TOKEN) for name in TOKENS}
    hknso, km = keys["KNSO"].hash, keys["KM"].secret
    made = CardSet(
        world=hknso,
        set_id=crypto.key_hash("token", tokens["LTNSO"]),
        name=ACS,
        quorum=needed,
        module_keys={name: _share_protection(name, km) for name in TOKENS},
    )
    state, written = quorum.write_set(state.without(frozenset(state.local())), made, tokens, memory.scrypt_n, call)  # 3
    memory = replace(  # 4
        memory,
        kml=crypto.signing_key(call.draw),
        km0=call.draw.take(32),
        km=km,
        hknso=hknso,
        cards=written,
        counters={},
    )
    world = _render_world(command, made, tokens, keys, call.draw)
    state = state.put({_WORLD: world, f"{LOCAL}module_{state.esn}": _render_module(state.esn, memory, keys)})
    load(state, memory)
    return remember(state, memory, call.draw), WorldMade(
        hknso=hknso, hkm=keys["KM"].hash, hkre=keys["KRE"].hash, cards=written, world=state.fact(_WORLD)
    )


def load(state: State, memory: Memory) -> World:
    """Return the world the module is in, after checking that its file is the one KNSO signed.

    Raises:
        Refused: UnknownID for no world, HostDataInvalid for a damaged file, IncorrectToken for another world's,
            VerifyFailed for a changed one.
    """
    if memory.km is None or _WORLD not in state.files:
        raise Refused(Status.UNKNOWN_ID, "there is no Security World; create one first")
    hknso, data = parse(state.files[_WORLD], "world", FIELDS)
    if hknso != memory.hknso:
        raise Refused(Status.INCORRECT_TOKEN, f"the world file is of world {hknso}, the module is in {memory.hknso}")
    keys = {name: _sealed_key(value) for name, value in encoding.fields(data["keys"], _key_names(), "the keys").items()}
    knso = keys["KNSO"].public
    signature = encoding.untext(data["signature"], "the world file's signature")
    unsigned = {name: value for name, value in data.items() if name != "signature"}
    if byok.knso_hash(knso) != hknso or not crypto.verify(knso, signature, _signed(hknso, unsigned)):
        raise Refused(Status.VERIFY_FAILED, "the world file is not as KNSO signed it")
    binding = attestation.from_data(data["binding"], Kind.WORLD_BINDING)
    body = attestation.check(binding, Kind.WORLD_BINDING, knso, "the world's KNSO")
    if (body["hknso"], body["hkm"], body["suite"]) != (hknso, memory.hkm, data["suite"]):
        raise Refused(Status.UNKNOWN_KM, "the world file binds another module key than the module holds")
    return World(
        hknso=hknso,
        suite=word(data, "suite"),
        set_id=word(data, "set_id"),
        quorum=Quorum(k=number(data, "k"), n=number(data, "n")),
        checks=encoding.fields(data["tokens"], frozenset(TOKENS), "the tokens"),
        keys=keys,
    )


def _make_keys(draw: Draw) -> dict[str, AdminKey]:
    kre = draw.rsa(KRE_BITS)
    keys = {}
    for token, names in TOKENS.items():
        for name in names:
            if name == "KRE":
                public, secret = crypto.rsa_public_der(kre), crypto.rsa_private_der(kre)
                digest = byok.public_key_hash(public)
            elif name in {"KM", "KP"}:
                public, secret = b"", draw.take(32)
                digest = km_hash(secret) if name == "KM" else crypto.key_hash("kp", secret)
            else:
                secret = crypto.signing_key(draw)
                public = crypto.verify_key(secret)
                digest = byok.knso_hash(public) if name == "KNSO" else crypto.key_hash(name.lower(), public)
            keys[name] = AdminKey(token=token, hash=digest, public=public, secret=secret)
    return keys


def _render_world(
    command: NewWorld, made: CardSet, tokens: Mapping[str, bytes], keys: Mapping[str, AdminKey], draw: Draw
) -> bytes:
    hknso, knso = made.world, keys["KNSO"]
    body = {f"hk{name.lower()[1:]}": keys[name].hash for name in ("KNSO", "KM", "KMC", "KRE", "KRA")}
    body |= {"suite": command.cipher_suite, "knso": encoding.text(knso.public)}
    content: dict[str, Any] = {
        "suite": command.cipher_suite,
        "set_name": made.name,
        "set_id": made.set_id,
        "k": made.quorum.k,
        "n": made.quorum.n,
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


def _render_module(esn: str, memory: Memory, keys: Mapping[str, AdminKey]) -> bytes:
    kml = encoding.text(crypto.verify_key(memory.kml))
    body = {"esn": esn, "kml": kml, "hknso": memory.hknso, "hkm": memory.hkm}
    joined = b"SIMULATED module certificate 1\0" + encoding.encode({"esn": esn, "kml": kml})
    content = {
        "warrant": memory.warrant,
        "module_state": attestation.to_data(attestation.issue(Kind.MODULE_STATE, body, memory.klf2)),
        "kmc": encoding.text(keys["KMC"].public),
        "kmc_signature": encoding.text(crypto.sign(keys["KMC"].secret, joined)),
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


def _share_protection(token: str, km: bytes) -> bytes:
    return WELL_KNOWN if token in _BEFORE_KM else km


def _blob_key(token: bytes, name: str) -> bytes:
    return crypto.hkdf(token, b"SIMULATED administrator key blob 1\0" + name.encode())


def _blob_label(hknso: str, name: str, token: str, digest: str) -> bytes:
    return b"SIMULATED administrator key blob 1\0" + encoding.encode([hknso, name, token, digest])


def _signed(hknso: str, content: dict[str, Any]) -> bytes:
    return b"SIMULATED world file 1\0" + encoding.encode([hknso, content])
