"""What erases: a module (initunit) and cards (bulkerase)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import cards, crypto, fips, nvram, ram, worlds
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.quorum import LTU
from hsm_emulator.state import LOCAL, State, demand, recall, remember
from hsm_emulator.world_messages import CardsErased, ModuleErased

if TYPE_CHECKING:
    from hsm_emulator.cards import Membership
    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory
    from hsm_emulator.world_messages import EraseCards
    from hsm_emulator.worlds import World


def erase_module(state: State, draw: Draw) -> tuple[State, ModuleErased]:
    """Forget the world: module key, NVRAM, use counters. Fresh KM0 and KML; the world's files stay where they are.

    Raises:
        Refused: InvalidState.
    """
    memory = recall(state)
    demand(memory, Mode.INITIALIZATION, "initunit")
    was = memory.hknso
    memory = replace(memory, kml=crypto.signing_key(draw), km0=draw.take(32), km=None, hknso="", cards=(), counters={})
    return remember(nvram.wipe(state), memory, draw), ModuleErased(hknso=was)


def erase_cards(state: State, command: EraseCards, call: Call) -> tuple[State, CardsErased]:
    """Make cards blank, all that are named or none; their chips get new secrets.

    1. Each card is there, and is none that is kept: of the world's own set of administrators, or of operators of
       another world.
    2. A card of the world authorises it in a strict FIPS world.
    3. With the last card of an operators' set go the set's files.

    Raises:
        Refused: InvalidState; InvalidParameter, a card is named twice, or none is; UnknownID; HostDataInvalid for an
            unreadable card; AccessDenied for one that is kept; StrictFIPS140 and those of wrong PINs. Nothing was
            changed but PIN tries.
    """
    memory = recall(state)
    if memory.mode is not Mode.INITIALIZATION:
        demand(memory, Mode.OPERATIONAL, "bulkerase")
    if not command.serials or len(set(command.serials)) != len(command.serials):
        raise Refused(Status.INVALID_PARAMETER, "one card at least is erased, and none twice")
    world = worlds.load(state, memory) if memory.km is not None else None
    sets = {_erasable(state, serial, memory, world) for serial in command.serials}  # 1
    if world is not None:
        state, _ = fips.authorise(state, memory, world, call)  # 2
    for serial in command.serials:
        state = cards.blank(cards.without(state, serial), (serial,), call.draw)
    state = ram.remember(state, ram.recall(state).with_blank(command.serials), call.draw)
    last = [set_id for set_id in sorted(sets) if set_id and not _there(state, set_id)]  # 3
    gone = [path for set_id in last for path in _files(state, set_id)]
    names = tuple(path.removeprefix(LOCAL) for path in gone)
    return state.without(frozenset(gone)), CardsErased(serials=command.serials, names=names)


def _erasable(state: State, serial: str, memory: Memory, world: World | None) -> str:
    """Return the set that a card is of, "" for a blank one; refuse a card that is kept."""
    if not cards.known(state, serial):
        raise Refused(Status.UNKNOWN_ID, f"there is no card {serial}")
    membership = cards.read(state, serial)
    if membership is None:
        return ""
    if world is not None and (membership.world, membership.set_id) == (world.hknso, world.set_id):
        words = f"card {serial} is of this world's Administrator Card Set, which is never erased"
        raise Refused(Status.ACCESS_DENIED, words)
    if LTU in membership.shares and membership.world != memory.hknso:
        words = f"card {serial} is of operators of world {membership.world}, and is erased in that world only"
        raise Refused(Status.ACCESS_DENIED, words)
    return membership.set_id


def _written(state: State, serial: str) -> Membership | None:
    try:
        return cards.read(state, serial)
    except Refused:
        return None


def _there(state: State, set_id: str) -> bool:
    written = (_written(state, serial) for serial in cards.serials(state))
    return any(membership is not None and membership.set_id == set_id for membership in written)


def _files(state: State, set_id: str) -> list[str]:
    names = (f"{LOCAL}cards_{set_id}", f"{LOCAL}card_{set_id}_")
    return [path for path in state.local() if path == names[0] or path.startswith(names[1])]
