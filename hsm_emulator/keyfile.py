"""The file of an application key, and the one way to get a private key out of it.

    working blob   AES-256-GCM under HKDF(KM; application, identifier, key hash); additional data = the rest of the file
                   LTU takes KM's place where a card set or softcard protects the key
    recovery blob  RSA-OAEP-SHA256(KRE; KR), AES-256-GCM under KR

A key in NVRAM has its working blob in an area of the module's memory, and none in the file.
Both hold {private_key, acl, appdata}. The additional data names version, world, application, identifier, key hash, kind
of blob and the key it is under, so a blob moved to another name, or a file with one byte changed, does not open.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from hsm_emulator import acl, attestation, byok, crypto, encoding, nvram
from hsm_emulator.attestation import Certificate, Kind
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import KeyFact
from hsm_emulator.state import LOCAL, State, number, parse, render, word
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.acl import Acl
    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import Memory

KEY_TYPE: Final = "RSA"

MODULE: Final = "module"
CARDS: Final = "token"
SOFTCARD: Final = "softcard"
PROTECTIONS: Final = (MODULE, CARDS, SOFTCARD)
"""What protects a key: the module alone, a card set, or a softcard."""

_NO_TOKENS: Final[Mapping[str, bytes]] = MappingProxyType({})

_IDENT: Final = re.compile(r"[0-9a-z-]{1,80}")
_FIELDS: Final = frozenset(
    {"app", "ident", "plainname", "type", "size", "hash", "public", "protect", "hkm", "hkltu"}
    | {"working", "recovery", "certificate", "authority"}
)


class KeyFile(Struct, frozen=True, kw_only=True):
    """What a key file says. `recovery` is (hkre, wrapped KR, sealed key), () where there is none.

    `protect` is one of `PROTECTIONS`; `hkltu` is the hash of the token that protects it, "" for the module.
    `certificate` is the module's about the generation, `authority` the signature of KNSO that allowed a copy.
    """

    hknso: str
    app: str
    ident: str
    plainname: str
    size: int
    hash: str
    public: bytes
    protect: str
    hkm: str
    hkltu: str
    working: bytes
    recovery: tuple[str, bytes, bytes] | tuple[()]
    certificate: Certificate
    authority: bytes

    @property
    def path(self) -> str:
        """Where the file belongs."""
        return path_of(self.app, self.ident)

    @property
    def under(self) -> str:
        """The hash of what the working blob is under: the token, or the module key."""
        return self.hkltu or self.hkm

    def fact(self) -> KeyFact:
        """Return what is said of the key in a list."""
        return KeyFact(app=self.app, ident=self.ident, key_hash=self.hash, protect=self.protect, hkltu=self.hkltu)

    def content(self) -> dict[str, Any]:
        """Return the file's fields as they are stored."""
        recovery: dict[str, str] | None = None
        if self.recovery:
            hkre, wrapped, sealed = self.recovery
            recovery = {"hkre": hkre, "wrapped": encoding.text(wrapped), "sealed": encoding.text(sealed)}
        return {
            "app": self.app,
            "ident": self.ident,
            "plainname": self.plainname,
            "type": KEY_TYPE,
            "size": self.size,
            "hash": self.hash,
            "public": encoding.text(self.public),
            "protect": self.protect,
            "hkm": self.hkm,
            "hkltu": self.hkltu,
            "working": encoding.text(self.working),
            "recovery": recovery,
            "certificate": attestation.to_data(self.certificate),
            "authority": encoding.text(self.authority),
        }

    @property
    def working_label(self) -> bytes:
        """The additional data of the working blob: everything else in the file."""
        return b"SIMULATED key working blob 1\0" + encoding.encode([self.hknso, {**self.content(), "working": ""}])

    def recovery_label(self, hkre: str) -> bytes:
        """Return the additional data of the recovery blob."""
        parts = [self.hknso, self.app, self.ident, self.hash, hkre]
        return b"SIMULATED key recovery blob 1\0" + encoding.encode(parts)


class Loaded(Unshown, frozen=True, kw_only=True):
    """A key out of its authenticated blob. Every use of `private` (PKCS#8 DER) asks `acl.authorise` first."""

    file: KeyFile
    acl: Acl
    private: bytes


def path_of(app: str, ident: str) -> str:
    """Return the path of a key file."""
    return f"{LOCAL}key_{app}_{ident}"


def check_ident(ident: str) -> None:
    """Refuse an identifier no key can have.

    Raises:
        Refused: InvalidHostDataIdentifier.
    """
    if not _IDENT.fullmatch(ident):
        words = f"{ident!r} is no key identifier: 1 to 80 lower-case letters, digits and -"
        raise Refused(Status.INVALID_HOST_DATA_IDENTIFIER, words)


def open_key(state: State, memory: Memory, app: str, ident: str, tokens: Mapping[str, bytes] = _NO_TOKENS) -> Loaded:
    """Return a key out of its working blob; `tokens` are those of card sets and softcards that are loaded, by hkltu.

    Raises:
        Refused: UnknownKey; UnknownKM for another world's file; KeyNotLoaded where its token is not loaded, or this
            module's NVRAM does not have its blob; DecryptFailed for a changed file.
    """
    file = find(state, app, ident)
    if file.hknso != memory.hknso or file.hkm != memory.hkm:
        raise Refused(Status.UNKNOWN_KM, f"key {app} {ident} is of another Security World")
    key = _working_key(file, memory, tokens)
    payload = crypto.unseal(key, file.working or _blob_in_nvram(state, file), file.working_label)
    if payload is None or file.hash != byok.public_key_hash(file.public):
        raise Refused(Status.DECRYPT_FAILED, f"the blob of key {app} {ident} does not open: the file was changed")
    permissions, private = read_payload(payload)
    return Loaded(file=file, acl=permissions, private=private)


def demand_module(file: KeyFile) -> None:
    """Refuse a key that more than the module protects: the transfer's toolset supports no other.

    Raises:
        Refused: InvalidParameter.
    """
    if file.protect != MODULE:
        words = (
            f"key {file.app} {file.ident} is protected by a {'card set' if file.protect == CARDS else file.protect},"
            " and the toolset does not support that: a key for transfer is generated with protect=module"
        )
        raise Refused(Status.INVALID_PARAMETER, words)


def demand_own(key: Loaded, memory: Memory) -> None:
    """Refuse a key that this module did not generate since it joined its world: it can certify no other.

    Raises:
        Refused: VerifyFailed.
    """
    attestation.check(key.file.certificate, Kind.KEY_GENERATION, crypto.verify_key(memory.kml), "this module")


def listing(state: State) -> tuple[KeyFact, ...]:
    """Return all key files of the world, by path; a damaged one is left out."""
    facts = []
    for path in state.local():
        if path.startswith(f"{LOCAL}key_"):
            try:
                file = parse_file(state.files[path])
            except DamagedFile:
                continue
            facts.append(file.fact())
    return tuple(facts)


def find(state: State, app: str, ident: str) -> KeyFile:
    """Return a key file as parsed; its blobs are not opened.

    Raises:
        Refused: UnknownKey, saying which there are; HostDataInvalid for a damaged file or one under another name.
    """
    data = state.files.get(path_of(app, ident))
    if data is None:
        there = ", ".join(f"{fact.app} {fact.ident}" for fact in listing(state)) or "none"
        hint = " (the application is written with a small L: xferacld)" if app == "xferacId" else ""
        raise Refused(Status.UNKNOWN_KEY, f"there is no key {app} {ident}{hint}; there are: {there}")
    file = parse_file(data)
    if (file.app, file.ident) != (app, ident):
        raise DamagedFile(f"the file of key {app} {ident} is that of {file.app} {file.ident}")
    return file


def payload_of(private: bytes, permissions: Acl) -> bytes:
    """Return what a blob or a transfer package seals: the private key with its permissions."""
    return encoding.encode({"private_key": encoding.text(private), "acl": acl.to_data(permissions), "appdata": ""})


def read_payload(payload: bytes) -> tuple[Acl, bytes]:
    """Return the permissions and the private key (PKCS#8 DER) that `payload_of` gave the bytes of.

    Raises:
        DamagedFile: it did not.
    """
    names = frozenset({"private_key", "acl", "appdata"})
    data = encoding.fields(encoding.decode(payload, "the key's blob"), names, "the key's blob")
    return acl.from_data(data["acl"]), encoding.untext(data["private_key"], "the private key")


def seal_working(
    file: KeyFile, payload: bytes, memory: Memory, draw: Draw, tokens: Mapping[str, bytes] = _NO_TOKENS
) -> KeyFile:
    """Return the finished file with its working blob under what protects it. The caller has asked `acl.authorise`."""
    key = _working_key(file, memory, tokens)
    return replace(file, working=crypto.seal(key, payload, file.working_label, draw))


def render_file(file: KeyFile) -> bytes:
    """Return the bytes of a key file."""
    return render("key", file.hknso, file.content())


def parse_file(data: bytes) -> KeyFile:
    """Return a key file from its bytes; nothing of it is authenticated yet.

    Raises:
        DamagedFile: it does not parse.
    """
    hknso, content = parse(data, "key", _FIELDS)
    protect, hkltu = word(content, "protect"), word(content, "hkltu")
    if content["type"] != KEY_TYPE or protect not in PROTECTIONS or (protect == MODULE) != (hkltu == ""):
        raise DamagedFile("the key file is of a type or protection that is not made here")
    return KeyFile(
        hknso=hknso,
        app=word(content, "app"),
        ident=word(content, "ident"),
        plainname=word(content, "plainname"),
        size=number(content, "size"),
        hash=word(content, "hash"),
        public=encoding.untext(content["public"], "the public key"),
        protect=protect,
        hkm=word(content, "hkm"),
        hkltu=hkltu,
        working=encoding.untext(content["working"], "the working blob"),
        recovery=_recovery(content["recovery"]),
        certificate=attestation.from_data(content["certificate"], Kind.KEY_GENERATION),
        authority=encoding.untext(content["authority"], "the authority"),
    )


def _recovery(value: object) -> tuple[str, bytes, bytes] | tuple[()]:
    if value is None:
        return ()
    data: dict[str, Any] = encoding.fields(value, frozenset({"hkre", "wrapped", "sealed"}), "the recovery blob")
    wrapped = encoding.untext(data["wrapped"], "the recovery blob")
    return word(data, "hkre"), wrapped, encoding.untext(data["sealed"], "the recovery blob")


def _blob_in_nvram(state: State, file: KeyFile) -> bytes:
    area = nvram.recall(state).get(nvram.area_of_key(file.hash))
    if area is None:
        words = f"key {file.app} {file.ident} is in NVRAM, in an area that this module does not have: restore it first"
        raise Refused(Status.KEY_NOT_LOADED, words)
    return area.content


def _working_key(file: KeyFile, memory: Memory, tokens: Mapping[str, bytes]) -> bytes:
    secret = tokens.get(file.hkltu) if file.hkltu else memory.module_key
    if secret is None:
        what = "card set" if file.protect == CARDS else "softcard"
        words = f"key {file.app} {file.ident} is protected by {what} {file.hkltu}, which is not loaded: preload it"
        raise Refused(Status.KEY_NOT_LOADED, words)
    return crypto.hkdf(secret, b"SIMULATED key blob 1\0" + encoding.encode([file.app, file.ident, file.hash]))
