"""A world restored from its backup: its files put back, and a module brought into it (`new-world --program`).

The module is a new one to the world: it gets a KML of its own, and its memory, counters and audit log know nothing of
what another module did. Which cards the set has it does not know either; only those that were read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import attestation, crypto, keyfile, nvram, operator_cards, quorum, softcards, worlds
from hsm_emulator.acl import OpPermissions, Right
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.limits import LOADED
from hsm_emulator.messages import FileRestored, LoadWorld, RestoreFile, WorldLoaded
from hsm_emulator.state import LOCAL, State, demand, parse, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.keyfile import KeyFile
    from hsm_emulator.operator_cards import OperatorCards
    from hsm_emulator.quorum import Call
    from hsm_emulator.softcards import Softcard

_NAME: Final = re.compile(
    r"world|module_[0-9A-Z-]{4,40}|key_[a-z]{1,20}_[0-9a-z-]{1,80}|nvram_[0-9a-z-]{1,11}"
    r"|(cards|softcard)_[0-9a-f]{40}|card_[0-9a-f]{40}_[0-9]{1,2}"
)
"""Names of the files that a backup can hold."""


def restore_file(state: State, command: RestoreFile) -> tuple[State, FileRestored]:
    """Put a file of a backup into the folder of a module that is in no world. What is there is never overwritten.

    Raises:
        Refused: InvalidState where the module is in a world; InvalidParameter for another name; HostDataInvalid or
            VerifyFailed for a file that is not what its name says; AlreadyExists for other bytes under that name;
            IncorrectToken for a file of another world than those that are there.
    """
    memory = recall(state)
    if memory.km is not None:
        raise Refused(Status.INVALID_STATE, "the module is in a Security World, and a backup is restored without one")
    if not _NAME.fullmatch(command.name):
        raise Refused(Status.INVALID_PARAMETER, f"{command.name!r} is no file of a world's backup")
    hknso = _world_of(command.name, command.content)
    for path in state.local():
        there = _world_of(path.removeprefix(LOCAL), state.files[path])
        if there != hknso:
            words = f"{command.name} is of world {hknso}, and the files that are there are of world {there}"
            raise Refused(Status.INCORRECT_TOKEN, words)
    path = LOCAL + command.name
    if state.files.get(path, command.content) != command.content:
        raise Refused(Status.ALREADY_EXISTS, f"there is another {command.name} already")
    state = state.put({path: command.content})
    return state, FileRestored(file=state.fact(path))


def load_world(state: State, command: LoadWorld, call: Call) -> tuple[State, WorldLoaded]:
    """Bring the module into the world whose file is in its folder.

    1. Mode; no world in the module; a world file that its own KNSO signed, of the quorum that the asker knows.
    2. A quorum of its card set opens KNSO, KM and KMC, and they are the ones that the file binds.
    3. A fresh KML and KM0; KMC certifies the module; for one commit.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter for another quorum, HostDataInvalid, VerifyFailed, Cancelled,
            DecryptFailed, TokenAuthFailed, TokenAssemblyFailed. Nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.INITIALIZATION, "new-world --program")  # 1
    if memory.km is not None:
        raise Refused(Status.INVALID_STATE, "the module is in a Security World already")
    if worlds.PATH not in state.files:
        raise Refused(Status.UNKNOWN_ID, "there is no existing world to load")
    world = worlds.read(state.files[worlds.PATH])
    if command.threshold not in {0, world.quorum.k}:
        words = f"{world.quorum.k} of {world.quorum.n} cards open the world in the folder, not {command.threshold}"
        raise Refused(Status.INVALID_PARAMETER, words)
    wanted = world.card_set(memory, *sorted(worlds.BEFORE_KM))
    state, tokens, read = quorum.read_quorum(state, wanted, world.checks, call)  # 2
    km, kmc = world.open_km(tokens), world.admin_key("KMC", tokens)
    world.demand_use("KMC", OpPermissions(rights=frozenset({Right.SIGN_MODULE_CERT})), LOADED)
    memory = replace(  # 3
        memory,
        kml=crypto.signing_key(call.draw),
        km0=call.draw.take(32),
        km=km,
        hknso=world.hknso,
        cards=(),
        counters={},
    )
    module = worlds.render_module(state.esn, memory, kmc)
    state = nvram.wipe(state.put({f"{LOCAL}module_{state.esn}": module}))
    worlds.load(state, memory)
    reply = WorldLoaded(hknso=world.hknso, hkm=memory.hkm, cards=read, world=state.fact(worlds.PATH))
    return remember(state, memory, call.draw), reply


def _world_of(name: str, content: bytes) -> str:
    """Return hknso of the world that a file says it is of, after checking that it is what its name says."""
    if name == "world":
        return worlds.read(content).hknso
    if name.startswith("module_"):
        hknso, module = parse(content, "module", worlds.MODULE_FIELDS)
        state = attestation.from_data(module["module_state"], attestation.Kind.MODULE_STATE)
        if f"module_{state.body['esn']}" != name:
            raise DamagedFile(f"{name} is the file of module {state.body['esn']}")
        return hknso
    hknso, path = _owner(name, content)
    if path != LOCAL + name:
        raise DamagedFile(f"{name} is the file {path.removeprefix(LOCAL)}")
    return hknso


def _owner(name: str, content: bytes) -> tuple[str, str]:
    """Return hknso of the file of a key, card set, card, softcard or NVRAM area, and the path it belongs to."""
    made: KeyFile | OperatorCards | Softcard
    match name.partition("_")[0]:
        case "card":
            return operator_cards.parse_card(content)
        case "cards":
            made = operator_cards.parse_cards(content)
        case "softcard":
            made = softcards.parse_softcard(content)
        case "nvram":
            hknso, area = parse(content, nvram.SAVED, nvram.SAVED_FIELDS)
            return hknso, nvram.saved_path(str(area["name"]))
        case _:
            made = keyfile.parse_file(content)
    return made.hknso, made.path
