"""Security Worlds: the administrator keys, the tokens that protect them, and the world file.

    LTNSO ──> KNSO                  LTM ──> KM, KMC                 shares under a well-known key: no secrecy from it
    LTR ──> KRE, KRA   LTP ──> KP   LTNV ──> KNV   LTRTC, LTFTO, LTDSEE alike          shares under KM
    LTFIPS ──> KFIPS   in a strict FIPS world only: any one card opens it              shares under KM

KNSO, KMC, KRA, KNV, KRTC, KFTO, KDSEE and KFIPS sign (P-521), KRE and KP are RSA-3072, KM is 32 random bytes. A world
has the tokens of the features it was made with. The whole world file is signed by KNSO, whose hash the module keeps in
its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hsm_emulator import administrators, attestation, byok, chain, crypto, encoding, sharing
from hsm_emulator.acl import OpPermissions
from hsm_emulator.administrators import AdminKey, SealedKey
from hsm_emulator.attestation import Kind
from hsm_emulator.dialogue import ACS
from hsm_emulator.errors import Refused, Status
from hsm_emulator.limits import LOADED
from hsm_emulator.profiles import ALWAYS, FIPS, TOKENS, Profile
from hsm_emulator.quorum import CardSet
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, State, km_hash, number, parse, render, word
from hsm_emulator.world_messages import WorldMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.acl import Action, Right
    from hsm_emulator.crypto import Draw
    from hsm_emulator.limits import Since
    from hsm_emulator.state import Memory

WELL_KNOWN: Final = crypto.sha256(b"SIMULATED well-known module key, no secrecy")
"""Protects the shares of LTNSO and LTM, which are read before a module knows KM."""


BEFORE_KM: Final = frozenset({"LTNSO", "LTM"})
"""The tokens that are read before a module knows KM."""

FIELDS: Final = frozenset(
    {"suite", "mode", "nso_timeout", "set_name", "set_id", "k", "n", "lockout", "thresholds"}
    | {"tokens", "keys", "binding", "signature"}
)
"""The fields of a world file."""

MODULE_FIELDS: Final = frozenset({"warrant", "module_state", "kmc", "kmc_signature"})
"""The fields of a module file."""

PATH: Final = f"{LOCAL}world"
"""Where the world file is."""

_KEY: Final = frozenset({"token", "hash", "public", "blob"})


class World(Struct, frozen=True, kw_only=True):
    """A world file that KNSO signed. `hkm` is the hash of the module key that it binds."""

    hknso: str
    hkm: str
    profile: Profile
    set_id: str
    quorum: Quorum
    checks: Mapping[str, str]
    keys: Mapping[str, SealedKey]

    @property
    def suite(self) -> str:
        """The name of the world's cipher suite."""
        return self.profile.suite

    def card_set(self, memory: Memory, *tokens: str) -> CardSet:
        """Return the Administrator Card Set, with those of these tokens that the world has.

        Those of `BEFORE_KM` need no world in memory.
        """
        here = [name for name in tokens if name in self.checks]
        keys = {name: WELL_KNOWN if name in BEFORE_KM else memory.module_key for name in here}
        known = frozenset(card.serial for card in memory.cards)
        return CardSet(
            world=self.hknso,
            set_id=self.set_id,
            name=ACS,
            quorum=self.quorum,
            thresholds=self.profile.thresholds,
            module_keys=keys,
            known=known,
        )

    def demand_use(self, name: str, wanted: Action, since: Since) -> None:
        """Refuse a use of an administrator key that its permissions do not allow.

        Raises:
            Refused: AccessDenied, or TimeLimitExceeded where KNSO was loaded too long ago.
        """
        administrators.demand(name, self.keys[name].token, self.profile.nso_timeout, wanted, since)

    def use_key(self, name: str, tokens: Mapping[str, bytes], right: Right, since: Since = LOADED) -> bytes:
        """Return an administrator key's secret for one use, if its permissions allow that.

        `tokens` are assembled of a quorum; `since` is what happened since it was loaded, nothing by default.

        Raises:
            Refused: as `demand_use` and `open_key`.
        """
        self.demand_use(name, OpPermissions(rights=frozenset({right})), since)
        return self.open_key(name, tokens)

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
    tokens = _tokens_of(data["tokens"])
    names = frozenset(name for token in tokens for name in TOKENS[token])
    keys = {name: _sealed_key(value) for name, value in encoding.fields(data["keys"], names, "the keys").items()}
    knso = keys["KNSO"].public
    signature = encoding.untext(data["signature"], "the world file's signature")
    unsigned = {name: value for name, value in data.items() if name != "signature"}
    if byok.knso_hash(knso) != hknso or not crypto.verify(knso, signature, _signed(hknso, unsigned)):
        raise Refused(Status.VERIFY_FAILED, "the world file is not as KNSO signed it")
    kind = Kind.FIPS_WORLD_BINDING if FIPS in tokens else Kind.WORLD_BINDING
    body = attestation.check(attestation.from_data(data["binding"], kind), kind, knso, "the world's KNSO")
    if (body["hknso"], body["suite"]) != (hknso, data["suite"]):
        raise Refused(Status.VERIFY_FAILED, "the world file and its binding certificate are of different worlds")
    return World(
        hknso=hknso,
        hkm=word(body, "hkm"),
        profile=Profile(
            suite=word(data, "suite"),
            mode=WorldMode(data["mode"]),
            nso_timeout=number(data, "nso_timeout"),
            tokens=tokens,
            thresholds={token: number(data["thresholds"], token) for token in data["thresholds"]},
            lockout=number(data, "lockout"),
        ),
        set_id=word(data, "set_id"),
        quorum=Quorum(k=number(data, "k"), n=number(data, "n")),
        checks=data["tokens"],
        keys=keys,
    )


def new_card_set(hknso: str, needed: Quorum, profile: Profile, tokens: Mapping[str, bytes], km: bytes) -> CardSet:
    """Return the set that cards are written for: these tokens, protected as in a world with this module key."""
    return CardSet(
        world=hknso,
        set_id=crypto.key_hash("token", tokens["LTNSO"]),
        name=ACS,
        quorum=needed,
        thresholds=profile.thresholds,
        module_keys={name: WELL_KNOWN if name in BEFORE_KM else km for name in tokens},
        lockout=profile.lockout,
    )


def render_world(
    profile: Profile, made: CardSet, tokens: Mapping[str, bytes], keys: Mapping[str, AdminKey], draw: Draw
) -> bytes:
    """Return the bytes of a world file: every key sealed under its token, all of it signed by KNSO."""
    hknso, knso = made.world, keys["KNSO"]
    strict = FIPS in profile.tokens
    bound = ("KNSO", "KM", "KMC", "KRE", "KRA", *(("KFIPS",) if strict else ()))
    body = {f"hk{name.lower()[1:]}": keys[name].hash if name in keys else "" for name in bound}
    body |= {"suite": profile.suite, "knso": encoding.text(knso.public)}
    kind = Kind.FIPS_WORLD_BINDING if strict else Kind.WORLD_BINDING
    content: dict[str, Any] = {
        "suite": profile.suite,
        "mode": profile.mode.value,
        "nso_timeout": profile.nso_timeout,
        "thresholds": dict(profile.thresholds),
        "set_name": made.name,
        "set_id": made.set_id,
        "k": made.quorum.k,
        "n": made.quorum.n,
        "lockout": profile.lockout,
        "tokens": {name: sharing.check_value(token, name, made.set_id) for name, token in tokens.items()},
        "keys": {name: _seal_key(hknso, name, key, tokens[key.token], draw) for name, key in keys.items()},
        "binding": attestation.to_data(attestation.issue(kind, body, knso.secret)),
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


def _tokens_of(value: object) -> tuple[str, ...]:
    """Return the tokens that a world file has, in the order of `TOKENS`."""
    names = frozenset(value) if isinstance(value, dict) else frozenset()
    encoding.fields(value, (names | frozenset(ALWAYS)) & frozenset(TOKENS), "the tokens")
    return tuple(token for token in TOKENS if token in names)


def _blob_key(token: bytes, name: str) -> bytes:
    return crypto.hkdf(token, b"SIMULATED administrator key blob 1\0" + name.encode())


def _blob_label(hknso: str, name: str, token: str, digest: str) -> bytes:
    return b"SIMULATED administrator key blob 1\0" + encoding.encode([hknso, name, token, digest])


def _signed(hknso: str, content: dict[str, Any]) -> bytes:
    return b"SIMULATED world file 1\0" + encoding.encode([hknso, content])
