"""`rocs`: keys of a lost card set or softcard are put under another one, by the administrators' quorum.

The key itself comes out of its recovery blob, so the old cards are not needed; the public key stays what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import acl, byok, crypto, encoding, keyfile, loading, quorum, tokens, worlds
from hsm_emulator.acl import Acl, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.limits import Since
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.operator_messages import KeysRecovered
from hsm_emulator.recovery_blob import open_recovery, seal_recovery
from hsm_emulator.state import demand, recall
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.keyfile import KeyFile
    from hsm_emulator.operator_messages import RecoverKeys
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory, State
    from hsm_emulator.tokens import Token
    from hsm_emulator.worlds import World

_TOKENS: Final = ("LTNSO", "LTR")
"""What recovery opens: KNSO, which may give a key other permissions, and KRE, which opens recovery blobs."""


def recover_keys(state: State, command: RecoverKeys, call: Call) -> tuple[State, KeysRecovered]:
    """Put keys under another card set or softcard: all that are named, or none.

    1. Mode, world, target; each key has a recovery blob of this world, and is not under the target already.
    2. A quorum of administrators opens KNSO and KRE.
    3. The target's quorum or PIN.
    4. Each key comes out of its recovery blob, is the one of its file, and gets blobs and permissions that name the
       target; for one commit.

    Raises:
        Refused: InvalidState, UnknownID, UnknownKey, InvalidParameter, Cancelled, DecryptFailed, AccessDenied,
            TimeLimitExceeded and those of wrong PINs. Nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "rocs")  # 1
    world = worlds.load(state, memory)
    target = tokens.find(state, memory, command.target)
    files = _files(state, command, world, target)
    wanted = world.card_set(memory, *_TOKENS)
    state, opened, read = quorum.read_quorum(state, wanted, world.checks, call)  # 2
    world.open_knso(opened)
    kre, loaded_ms = world.use_key("KRE", opened, Right.DECRYPT), call.now_ms()
    state, secret, cards = loading.load(state, memory, target, call)  # 3
    here = _Here(
        esn=state.esn, memory=memory, kre_public=world.keys["KRE"].public, kre=kre, target=target, secret=secret
    )
    certify = OpPermissions(rights=frozenset({Right.USE_AS_CERTIFICATE}))  # 4
    world.demand_use("KNSO", certify, Since(uses=0, age_ms=call.now_ms() - loaded_ms))
    recovered = [_move(file, here, call.draw) for file in files]
    state = state.put({file.path: keyfile.render_file(file) for file in recovered})
    return state, KeysRecovered(
        hkltu=target.hkltu,
        read=read,
        cards=cards,
        keys=tuple(file.fact() for file in recovered),
        files=tuple(state.fact(file.path) for file in recovered),
    )


def _files(state: State, command: RecoverKeys, world: World, target: Token) -> list[KeyFile]:
    """Return the files of the keys that are named, all of which can be recovered to the target."""
    if not command.keys or len(set(command.keys)) != len(command.keys):
        raise Refused(Status.INVALID_PARAMETER, "one key at least is recovered, and none twice")
    if (kre := world.keys.get("KRE")) is None:
        raise Refused(Status.INVALID_PARAMETER, "this world was made without recovery")
    files = [keyfile.find(state, app, ident) for app, ident in command.keys]
    kind = keyfile.CARDS if isinstance(target, OperatorCards) else keyfile.SOFTCARD
    for file in files:
        name = f"key {file.app} {file.ident}"
        if file.hknso != world.hknso:
            raise Refused(Status.UNKNOWN_KM, f"{name} is of another Security World")
        if file.protect != kind:
            words = f"{name} is protected by a {file.protect}, and keys go from cards to cards, softcard to softcard"
            raise Refused(Status.INVALID_PARAMETER, words)
        if file.hkltu == target.hkltu:
            raise Refused(Status.INVALID_PARAMETER, f"{name} is protected by {target.words} already")
        if not file.working:
            raise Refused(Status.INVALID_PARAMETER, f"{name} is in NVRAM, and only keys in files are recovered")
        if not file.recovery or file.recovery[0] != kre.hash:
            raise Refused(Status.INVALID_PARAMETER, f"{name} has no recovery blob for this world's KRE")
    return files


class _Here(Unshown, frozen=True, kw_only=True):
    """What keys are moved with: the module, both halves of KRE, the target and its token."""

    esn: str
    memory: Memory
    kre_public: bytes
    kre: bytes
    target: Token
    secret: bytes


def _move(file: KeyFile, here: _Here, draw: Draw) -> KeyFile:
    """Return a key's file with the key under the target, after checking that it is the key of the file."""
    memory, target = here.memory, here.target
    payload = open_recovery(file, here.kre)
    permissions, private = keyfile.read_payload(payload)
    key = crypto.rsa_load_foreign(private)  # anybody can encrypt to KRE: its arithmetic is checked
    public = b"" if key is None else crypto.rsa_public_der(key)
    if (public, byok.public_key_hash(public)) != (file.public, file.hash) or not _certified(file):
        raise Refused(Status.DECRYPT_FAILED, f"the recovery blob of key {file.app} {file.ident} holds another key")
    presented = frozenset({memory.hknso})
    after = retarget(permissions, file.hkltu, target.hkltu)
    archive = MakeArchiveBlob(under=byok.public_key_hash(here.kre_public))
    for granted, wanted in (
        (permissions, OpPermissions(rights=frozenset({Right.EXPAND_ACL}))),
        (after, MakeBlob(under=target.hkltu)),
        (after, archive),
    ):
        acl.authorise(granted, wanted, presented=presented, esn=here.esn, used=memory.used)
    fresh = keyfile.payload_of(private, after)
    moved = replace(file, hkltu=target.hkltu)
    moved = seal_recovery(moved, fresh, archive.under, here.kre_public, draw)
    return keyfile.seal_working(moved, fresh, memory, draw, {target.hkltu: here.secret})


def _certified(file: KeyFile) -> bool:
    """Say whether the certificate in the file is of the key in it; who signed it is for nfkmverify."""
    body = file.certificate.body
    return (body["key_hash"], body["public_key"]) == (file.hash, encoding.text(file.public))


def retarget(permissions: Acl, old: str, new: str) -> Acl:
    """Return the permissions with every right to a blob under `old` in favour of `new`; nothing else changes."""
    return Acl(
        groups=tuple(
            replace(
                group,
                actions=tuple(
                    MakeBlob(under=new) if action == MakeBlob(under=old) else action for action in group.actions
                ),
            )
            for group in permissions.groups
        )
    )
