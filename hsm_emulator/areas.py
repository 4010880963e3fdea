"""Commands on the module's NVRAM: looked at and written freely, set aside, given up, saved and restored by a quorum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hsm_emulator import acl, nvram, quorum, worlds
from hsm_emulator.acl import NvMemOpPerms, NvRight, Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.state import State, demand, recall
from hsm_emulator.world_messages import AreaChanged, AreaFact, AreaRead, AreasListed

if TYPE_CHECKING:
    from hsm_emulator.nvram import Area
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory
    from hsm_emulator.world_messages import AllocateArea, FreeArea, ReadArea, RestoreArea, SaveArea, WriteArea


class Delegated(Struct, frozen=True, kw_only=True):
    """A quorum opened KNV: the state after it, KNV's hash, and the serials of the cards."""

    state: State
    hknv: str
    serials: tuple[str, ...]


def delegate(state: State, call: Call) -> Delegated:
    """Read the quorum that NVRAM needs.

    Raises:
        Refused: InvalidParameter in a world without NVRAM; Cancelled and those of wrong PINs and changed files.
    """
    memory = recall(state)
    world = worlds.load(state, memory)
    if "KNV" not in world.keys:
        raise Refused(Status.INVALID_PARAMETER, "this world was made without NVRAM")
    state, tokens, cards = quorum.read_quorum(state, world.card_set(memory, "LTNV"), world.checks, call)
    world.use_key("KNV", tokens, Right.USE_AS_CERTIFICATE)
    return Delegated(state=state, hknv=world.keys["KNV"].hash, serials=tuple(card.serial for card in cards))


def list_areas(state: State) -> AreasListed:
    """Say which areas there are.

    Raises:
        Refused: InvalidState, no world.
    """
    _ready(state)
    areas = nvram.recall(state)
    taken = sum(len(area.content) for area in areas.values())
    facts = tuple(AreaFact(name=name, size=len(areas[name].content)) for name in sorted(areas))
    return AreasListed(areas=facts, free=nvram.CAPACITY - taken)


def read_area(state: State, command: ReadArea) -> AreaRead:
    """Read an area.

    Raises:
        Refused: InvalidState, UnknownID, AccessDenied.
    """
    memory = _ready(state)
    area = nvram.find(nvram.recall(state), command.name)
    _authorise(state, memory, area, NvRight.READ, frozenset())
    return AreaRead(content=area.content)


def write_area(state: State, command: WriteArea, call: Call) -> tuple[State, AreaChanged]:
    """Write an area.

    Raises:
        Refused: InvalidState, UnknownID, AccessDenied; InvalidParameter, it is smaller than that.
    """
    memory = _ready(state)
    areas = nvram.recall(state)
    area = nvram.find(areas, command.name)
    _authorise(state, memory, area, NvRight.WRITE, frozenset())
    size = len(area.content)
    if len(command.content) > size:
        words = f"NVRAM area {command.name} has {size} bytes, not {len(command.content)}"
        raise Refused(Status.INVALID_PARAMETER, words)
    written = replace(area, content=command.content.ljust(size, b"\0"))
    state = nvram.remember(state, {**areas, command.name: written}, call.draw)
    return state, AreaChanged(name=command.name, size=size, serials=())


def allocate_area(state: State, command: AllocateArea, call: Call) -> tuple[State, AreaChanged]:
    """Set an area aside.

    Raises:
        Refused: InvalidState; InvalidParameter for another name or size; AlreadyExists; those of `delegate`.
    """
    _ready(state)
    nvram.check_name(command.name)
    areas = nvram.recall(state)
    if command.name in areas:
        raise Refused(Status.ALREADY_EXISTS, f"there is an NVRAM area {command.name} already")
    if not 1 <= command.size <= nvram.CAPACITY:
        raise Refused(Status.INVALID_PARAMETER, f"an area has 1 to {nvram.CAPACITY} bytes, not {command.size}")
    done = delegate(state, call)
    made = nvram.Area(content=bytes(command.size), acl=nvram.permissions(done.hknv))
    state = nvram.remember(done.state, {**areas, command.name: made}, call.draw)
    return state, AreaChanged(name=command.name, size=command.size, serials=done.serials)


def free_area(state: State, command: FreeArea, call: Call) -> tuple[State, AreaChanged]:
    """Give an area up.

    Raises:
        Refused: InvalidState, UnknownID, AccessDenied; those of `delegate`.
    """
    memory = _ready(state)
    areas = nvram.recall(state)
    area = nvram.find(areas, command.name)
    done = delegate(state, call)
    _authorise(state, memory, area, NvRight.FREE, frozenset({done.hknv}))
    rest = {name: other for name, other in areas.items() if name != command.name}
    state = nvram.remember(done.state, rest, call.draw)
    return state, AreaChanged(name=command.name, size=len(area.content), serials=done.serials)


def save_area(state: State, command: SaveArea, call: Call) -> tuple[State, AreaChanged]:
    """Save an area; an older copy gives way.

    Raises:
        Refused: InvalidState, UnknownID; those of `delegate`.
    """
    memory = _ready(state)
    area = nvram.find(nvram.recall(state), command.name)
    done = delegate(state, call)
    state = nvram.save(done.state, memory, command.name, area, call.draw)
    return state, AreaChanged(name=command.name, size=len(area.content), serials=done.serials)


def restore_area(state: State, command: RestoreArea, call: Call) -> tuple[State, AreaChanged]:
    """Bring an area back from its saved copy, where the module has none of that name.

    Raises:
        Refused: InvalidState, AlreadyExists, and those of `nvram.saved` and `delegate`.
    """
    memory = _ready(state)
    areas = nvram.recall(state)
    nvram.check_name(command.name)
    if command.name in areas:
        raise Refused(Status.ALREADY_EXISTS, f"there is an NVRAM area {command.name} already; delete it first")
    area = nvram.saved(state, memory, command.name)
    done = delegate(state, call)
    state = nvram.remember(done.state, {**areas, command.name: area}, call.draw)
    return state, AreaChanged(name=command.name, size=len(area.content), serials=done.serials)


def _ready(state: State) -> Memory:
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "NVRAM")
    worlds.load(state, memory)
    return memory


def _authorise(state: State, memory: Memory, area: Area, right: NvRight, shown: frozenset[str]) -> None:
    wanted = NvMemOpPerms(rights=frozenset({right}))
    acl.authorise(area.acl, wanted, presented=shown, fresh=shown, esn=state.esn, used=memory.used)
