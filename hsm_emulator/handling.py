"""What people do with their hands, and no command does: cards copied or lost, the power cut, the clock set.

None of it asks the module for anything; also that it fails happens to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from hsm_emulator import cards, module, ram
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.messages import ChangeMode
from hsm_emulator.state import parse, recall, render

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import State

FARTHEST: Final = 10**10
"""Seconds that a module's clock can be set off by: some 300 years."""


class CopyCard(Struct, frozen=True, kw_only=True):
    """Copy what can be read of the card `serial` onto a new plastic `copy`, whose chip has a secret of its own."""

    serial: str
    copy: str


class LoseCard(Struct, frozen=True, kw_only=True):
    """Lose the card `serial` for good, chip and all."""

    serial: str


class SwitchPower(Struct, frozen=True, kw_only=True):
    """Cut the module's power, or switch it `on` again. What it held in its memory is lost when it is cut."""

    on: bool


class FailModule(Struct, frozen=True, kw_only=True):
    """Let the module fail: it answers what it is, and does nothing until it is cleared."""


class SetClock(Struct, frozen=True, kw_only=True):
    """Set the module's clock off from the machine's by so many `seconds`."""

    seconds: int


Act = CopyCard | LoseCard | SwitchPower | FailModule | SetClock


def handle(state: State, act: Act, draw: Draw) -> State:
    """Return the state after it.

    Raises:
        Refused: UnknownID, there is no such card; AlreadyExists, there is one with the copy's serial; HostDataInvalid,
            the card is unreadable; InvalidParameter, a serial or a number that cannot be; InvalidState, a module
            without power that is to fail.
    """
    match act:
        case CopyCard():
            return _copy(state, act, draw)
        case LoseCard():
            _demand_card(state, act.serial)
            return ram.taken_out(cards.without(state, act.serial), act.serial, draw)
        case SwitchPower():
            cleared, _ = module.change_mode(state, ChangeMode(mode=module.cleared_mode(recall(state).mode)), draw)
            return _switch(cleared, on=act.on)
        case FailModule():
            demand_power(state)
            return module.fail(state, draw)
        case SetClock():
            if abs(act.seconds) > FARTHEST:
                raise Refused(Status.INVALID_PARAMETER, f"a clock is off by {FARTHEST} seconds at most")
            file = render("module clock", "", {"seconds": act.seconds})
            return state.put({_clock(state): file}) if act.seconds else state.without(frozenset({_clock(state)}))
        case _:
            assert_never(act)


def demand_power(state: State) -> None:
    """Refuse what needs the module while it has no power.

    Raises:
        Refused: InvalidState.
    """
    if _power(state) in state.files:
        raise Refused(Status.INVALID_STATE, "the module has no power; switch it on again (emu power on)")


def clock_off(state: State) -> int:
    """Return by how many seconds the module's clock is off.

    Raises:
        DamagedFile: the file that says so is none.
    """
    if _clock(state) not in state.files:
        return 0
    _, file = parse(state.files[_clock(state)], "module clock", frozenset({"seconds"}))
    if type(file["seconds"]) is not int:
        raise DamagedFile("the module's clock is not off by a whole number of seconds")
    return int(file["seconds"])


def _copy(state: State, act: CopyCard, draw: Draw) -> State:
    """Everything but the serial is copied; that of the chip cannot be read."""
    _demand_card(state, act.serial)
    membership = cards.read(state, act.serial)
    state = cards.blank(state, (act.copy,), draw)
    return state if membership is None else cards.write(state, act.copy, membership)


def _demand_card(state: State, serial: str) -> None:
    if not cards.known(state, serial):
        raise Refused(Status.UNKNOWN_ID, f"there is no card {serial}")


def _switch(state: State, *, on: bool) -> State:
    if on:
        return state.without(frozenset({_power(state)}))
    return state.put({_power(state): render("module power", "", {"power": "off"})})


def _power(state: State) -> str:
    return f"silicon/{state.esn}/power"


def _clock(state: State) -> str:
    return f"silicon/{state.esn}/clock"
