"""Application keys of a world: made, listed, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import (
    acl,
    areas,
    attestation,
    byok,
    crypto,
    encoding,
    fips,
    keyfile,
    loading,
    nvram,
    ram,
    tokens,
    worlds,
)
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Certificate, Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.keyfile import KEY_TYPE, KeyFile
from hsm_emulator.messages import DeleteKey, GenerateKey, KeyDeleted, KeyGenerated, KeyProved, ProveKey
from hsm_emulator.recovery_blob import seal_recovery
from hsm_emulator.state import State, demand, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory
    from hsm_emulator.tokens import Token

SIMPLE: Final = "simple"
COPY: Final = "xferacld"
SIZES: Final = frozenset({2048, 3072, 4096})

_KINDS: Final = "keys are RSA of 2048, 3072 or 4096 bits"
_LONGEST_NAME: Final = 256
_USE: Final = frozenset({Right.SIGN, Right.VERIFY, Right.ENCRYPT, Right.DECRYPT})
_MANAGE: Final = frozenset(
    {
        Right.GET_ACL,
        Right.REDUCE_ACL,
        Right.DUPLICATE_HANDLE,
        Right.GET_APP_DATA,
        Right.SET_APP_DATA,
        Right.USE_AS_BLOB_KEY,
    }
)


def generate_key(state: State, command: GenerateKey, call: Call) -> tuple[State, KeyGenerated]:
    """Generate an application key, recoverable by the administrators' cards where the world and the command say so.

    1. Mode, world and parameters; what is to protect the key is there.
    2. Cards: one that authorises in a strict FIPS world; those of NVRAM, where the key is to be in it; a card set's
       quorum or a softcard's PIN, where it is not the module alone.
    3. The key, its permissions and certificate; its blobs, if the permissions allow them.

    Raises:
        Refused: InvalidState, InvalidParameter, InvalidHostDataIdentifier, AlreadyExists, UnknownID, or no usable
            world; Cancelled, StrictFIPS140 and those of wrong PINs. Nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "generatekey")  # 1
    world = worlds.load(state, memory)
    _check_parameters(command)
    if keyfile.path_of(command.app, command.ident) in state.files:
        raise Refused(Status.ALREADY_EXISTS, f"there is a key {command.app} {command.ident} already")
    protector = _protector(state, memory, command)
    hknv = ""
    state, _ = fips.authorise(state, memory, world, call)  # 2
    if command.nvram:
        done = areas.delegate(state, call)
        state, hknv = done.state, done.hknv
    secrets: dict[str, bytes] = {}
    if protector is not None:
        state, secrets[protector.hkltu], _ = loading.load(state, memory, protector, call)
    key = call.draw.rsa(command.size)  # 3
    public, private = crypto.rsa_public_der(key), crypto.rsa_private_der(key)
    kre = world.keys.get("KRE") if command.recovery else None
    hkltu = "" if protector is None else protector.hkltu
    permissions = default_acl(hkltu or memory.hkm, "" if kre is None else kre.hash, world.hknso)
    memory = replace(memory, generated=memory.generated + 1)
    file = KeyFile(
        hknso=world.hknso,
        app=command.app,
        ident=command.ident,
        plainname=command.plainname,
        size=command.size,
        hash=byok.public_key_hash(public),
        public=public,
        protect=command.protect,
        hkm=memory.hkm,
        hkltu=hkltu,
        working=b"",
        recovery=(),
        certificate=_certify(state.esn, memory, public, permissions, command.protect),
        authority=b"",
    )
    payload = keyfile.payload_of(private, permissions)
    if kre is not None:
        archive = MakeArchiveBlob(under=kre.hash)
        acl.authorise(permissions, archive, presented=frozenset(), esn=state.esn, used=memory.used)
        file = seal_recovery(file, payload, kre.hash, kre.public, call.draw)
    store = MakeBlob(under=file.under)
    acl.authorise(permissions, store, presented=frozenset(), esn=state.esn, used=memory.used)
    file = keyfile.seal_working(file, payload, memory, call.draw, secrets)
    if hknv:
        state, file = _into_nvram(state, file, hknv, call.draw)
    state = remember(state.put({file.path: keyfile.render_file(file)}), memory, call.draw)
    return state, KeyGenerated(key_hash=file.hash, public_key=encoding.text(public), file=state.fact(file.path))


def delete_key(state: State, command: DeleteKey) -> tuple[State, KeyDeleted]:
    """Remove a reduced copy's file. Its used-up rights stay used up.

    Raises:
        Refused: InvalidState, InvalidParameter for another application, UnknownKey.
    """
    demand(recall(state), Mode.OPERATIONAL, "deleting a key")
    if command.app != COPY:
        words = f"only the copies of application {COPY} are deleted here, not a key of {command.app!r}"
        raise Refused(Status.INVALID_PARAMETER, words)
    file = keyfile.find(state, command.app, command.ident)
    return state.without(frozenset({file.path})), KeyDeleted(key_hash=file.hash, file=state.fact(file.path))


def prove_key(state: State, command: ProveKey, now_ms: int) -> KeyProved:
    """Sign a challenge with a key, if its permissions allow that; what protects it is loaded (`Preload`).

    Raises:
        Refused: InvalidState, UnknownKey, UnknownKM, KeyNotLoaded, DecryptFailed, AccessDenied.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "signing")
    worlds.load(state, memory)
    key = keyfile.open_key(state, memory, command.app, command.ident, ram.recall(state).secrets(now_ms))
    sign = OpPermissions(rights=frozenset({Right.SIGN}))
    acl.authorise(key.acl, sign, presented=frozenset(), esn=state.esn, used=memory.used)
    return KeyProved(
        key_hash=key.file.hash,
        public_key=encoding.text(key.file.public),
        signature=encoding.text(crypto.rsa_sign(key.private, command.challenge)),
    )


def default_acl(under: str, hkre: str, hknso: str) -> Acl:
    """Return the permissions of a freshly generated key.

    `under` is the hash of what protects it, `hkre` is "" for a key without recovery.
    """
    archive = (Group(actions=(MakeArchiveBlob(under=hkre),)),) if hkre else ()
    return Acl(
        groups=(
            Group(actions=(OpPermissions(rights=_USE | _MANAGE),)),
            Group(actions=(MakeBlob(under=under),)),
            *archive,
            Group(
                actions=(OpPermissions(rights=frozenset({Right.EXPAND_ACL})), MakeBlob(under=under)), certifier=hknso
            ),
        )
    )


def _into_nvram(state: State, file: KeyFile, hknv: str, draw: Draw) -> tuple[State, KeyFile]:
    """Return the state with a key's working blob in an area of its own, and the key's file without it."""
    there, name = nvram.recall(state), nvram.area_of_key(file.hash)
    if name in there:
        raise Refused(Status.ALREADY_EXISTS, f"there is an NVRAM area {name} already")
    area = nvram.Area(content=file.working, acl=nvram.key_permissions(hknv))
    return nvram.remember(state, {**there, name: area}, draw), replace(file, working=b"")


def check_parameter(name: str, value: str) -> None:
    """Refuse a value that no key can have for a parameter of its generation, whatever the others are.

    Raises:
        Refused: InvalidParameter; InvalidHostDataIdentifier for the identifier.
    """
    match name:
        case "ident":
            keyfile.check_ident(value)
        case "protect" if value not in keyfile.PROTECTIONS:
            raise _wrong(f"a key is protected by {', '.join(keyfile.PROTECTIONS)}, not by {value!r}")
        case "type" if value != KEY_TYPE:
            raise _wrong(f"{_KINDS}, not {value!r}")
        case "size" if value not in {str(size) for size in SIZES}:
            raise _wrong(f"{_KINDS}, not of {value}")
        case "pubexp" if value not in {"", "65537"}:
            raise _wrong(f"the public exponent is 65537, not {value!r}")
        case "plainname" if len(value) > _LONGEST_NAME or not value.isprintable():
            raise _wrong(f"a plainname is up to {_LONGEST_NAME} printable characters")
        case _:
            pass


def _check_parameters(command: GenerateKey) -> None:
    if command.app != SIMPLE:
        raise _wrong(f"keys are generated for application {SIMPLE}, not {command.app!r}")
    for name in ("ident", "protect", "type", "size", "pubexp", "plainname"):
        check_parameter(name, str(getattr(command, name)))
    if (command.protect == keyfile.MODULE) != (command.token == ""):
        raise _wrong("protect=token needs a card set, protect=softcard a softcard, and protect=module neither")


def _protector(state: State, memory: Memory, command: GenerateKey) -> Token | None:
    """Return what is to protect the key besides the module."""
    if command.protect == keyfile.MODULE:
        return None
    find = tokens.find_cards if command.protect == keyfile.CARDS else tokens.find_softcard
    return find(state, memory, command.token)


def _certify(esn: str, memory: Memory, public: bytes, permissions: Acl, protect: str) -> Certificate:
    body = {
        "key_type": KEY_TYPE,
        "public_key": encoding.text(public),
        "key_hash": byok.public_key_hash(public),
        "acl": acl.to_data(permissions),
        "protection": protect,
        "hkm": memory.hkm,
        "hknso": memory.hknso,
        "esn": esn,
        "counter": memory.generated,
    }
    return attestation.issue(Kind.KEY_GENERATION, body, memory.kml)


def _wrong(words: str) -> Refused:
    return Refused(Status.INVALID_PARAMETER, words)
