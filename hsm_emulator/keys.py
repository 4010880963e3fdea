"""Application keys of a world: made, listed, removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hsm_emulator import acl, areas, attestation, byok, crypto, encoding, fips, keyfile, nvram, worlds
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Certificate, Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.keyfile import KEY_TYPE, KeyFile
from hsm_emulator.messages import DeleteKey, GenerateKey, KeyDeleted, KeyGenerated, KeyProved, Mode, ProveKey
from hsm_emulator.state import State, demand, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory

SIMPLE: Final = "simple"
COPY: Final = "xferacld"
SIZES: Final = frozenset({2048, 3072, 4096})

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
    """Generate an application key, protected by the module, recoverable by the card set where the world is.

    Raises:
        Refused: InvalidState, InvalidParameter, InvalidHostDataIdentifier, AlreadyExists, or no usable world; in a
            strict FIPS world as `fips.demand_card`, for a key in NVRAM as `areas.delegate`.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "generatekey")
    world = worlds.load(state, memory)
    _check_parameters(command)
    if keyfile.path_of(command.app, command.ident) in state.files:
        raise Refused(Status.ALREADY_EXISTS, f"there is a key {command.app} {command.ident} already")
    state, hknv = fips.demand_card(state, memory, world, call), ""
    if command.nvram:
        done = areas.delegate(state, call)
        state, hknv = done.state, done.hknv
    key = call.draw.rsa(command.size)
    public, private = crypto.rsa_public_der(key), crypto.rsa_private_der(key)
    kre = world.keys.get("KRE")
    permissions = default_acl(memory.hkm, "" if kre is None else kre.hash, world.hknso)
    memory = replace(memory, generated=memory.generated + 1)
    file = KeyFile(
        hknso=world.hknso,
        app=command.app,
        ident=command.ident,
        plainname=command.plainname,
        size=command.size,
        hash=byok.public_key_hash(public),
        public=public,
        hkm=memory.hkm,
        working=b"",
        recovery=(),
        certificate=_certify(state.esn, memory, public, permissions),
        authority=b"",
    )
    payload = keyfile.payload_of(private, permissions)
    if kre is not None:
        archive = MakeArchiveBlob(under=kre.hash)
        acl.authorise(permissions, archive, presented=frozenset(), esn=state.esn, used=memory.used)
        file = keyfile.seal_recovery(file, payload, kre.hash, kre.public, call.draw)
    store = MakeBlob(under=memory.hkm)
    acl.authorise(permissions, store, presented=frozenset(), esn=state.esn, used=memory.used)
    file = keyfile.seal_working(file, payload, memory, call.draw)
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


def prove_key(state: State, command: ProveKey) -> KeyProved:
    """Sign a challenge with a key, if its permissions allow that.

    Raises:
        Refused: InvalidState, UnknownKey, UnknownKM, DecryptFailed, AccessDenied.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "signing")
    worlds.load(state, memory)
    key = keyfile.open_key(state, memory, command.app, command.ident)
    sign = OpPermissions(rights=frozenset({Right.SIGN}))
    acl.authorise(key.acl, sign, presented=frozenset(), esn=state.esn, used=memory.used)
    return KeyProved(
        key_hash=key.file.hash,
        public_key=encoding.text(key.file.public),
        signature=encoding.text(crypto.rsa_sign(key.private, command.challenge)),
    )


def default_acl(hkm: str, hkre: str, hknso: str) -> Acl:
    """Return the permissions of a freshly generated key; `hkre` is "" in a world without recovery."""
    archive = (Group(actions=(MakeArchiveBlob(under=hkre),)),) if hkre else ()
    return Acl(
        groups=(
            Group(actions=(OpPermissions(rights=_USE | _MANAGE),)),
            Group(actions=(MakeBlob(under=hkm),)),
            *archive,
            Group(actions=(OpPermissions(rights=frozenset({Right.EXPAND_ACL})), MakeBlob(under=hkm)), certifier=hknso),
        )
    )


def _into_nvram(state: State, file: KeyFile, hknv: str, draw: Draw) -> tuple[State, KeyFile]:
    """Return the state with a key's working blob in an area of its own, and the key's file without it."""
    there, name = nvram.recall(state), nvram.area_of_key(file.hash)
    if name in there:
        raise Refused(Status.ALREADY_EXISTS, f"there is an NVRAM area {name} already")
    area = nvram.Area(content=file.working, acl=nvram.key_permissions(hknv))
    return nvram.remember(state, {**there, name: area}, draw), replace(file, working=b"")


def _check_parameters(command: GenerateKey) -> None:
    keyfile.check_ident(command.ident)
    if command.app != SIMPLE:
        raise _wrong(f"keys are generated for application {SIMPLE}, not {command.app!r}")
    if command.protect != "module":
        raise _wrong(f"a key for transfer is protected by the module, not by {command.protect!r}")
    if command.type != KEY_TYPE or command.size not in SIZES:
        raise _wrong(f"keys are RSA of 2048, 3072 or 4096 bits, not {command.type!r} of {command.size}")
    if command.pubexp not in {"", "65537"}:
        raise _wrong(f"the public exponent is 65537, not {command.pubexp!r}")
    if len(command.plainname) > _LONGEST_NAME or not command.plainname.isprintable():
        raise _wrong(f"a plainname is up to {_LONGEST_NAME} printable characters")


def _certify(esn: str, memory: Memory, public: bytes, permissions: Acl) -> Certificate:
    body = {
        "key_type": KEY_TYPE,
        "public_key": encoding.text(public),
        "key_hash": byok.public_key_hash(public),
        "acl": acl.to_data(permissions),
        "protection": "module",
        "hkm": memory.hkm,
        "hknso": memory.hknso,
        "esn": esn,
        "counter": memory.generated,
    }
    return attestation.issue(Kind.KEY_GENERATION, body, memory.kml)


def _wrong(words: str) -> Refused:
    return Refused(Status.INVALID_PARAMETER, words)
