"""Faults on demand: what goes wrong with a device, at a place that is counted and the same in every run.

They come in through the three seams every device has: its disk (`Faults.announce`), the card slot (`Faults.at_slot`)
and its clock (`Faults.now`). No command knows of them.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from hsm_emulator.errors import PowerCut, Refused, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hsm_emulator.dialogue import CardAsk, Dialogue, Pin, PinAsk
    from hsm_emulator.disk import Operation

BLANK: Final = "SIM-BLANK-0001"
OTHER: Final = "SIM-OTHER-0001"
WORN: Final = "SIM-WORN-0001"


class CardPulled(Struct, frozen=True, kw_only=True):
    """The card is taken out of the slot at the `ask`-th ask, for a card or a PIN, counted from 1."""

    ask: int


class AnotherCard(Struct, frozen=True, kw_only=True):
    """At the `ask`-th ask for a card, counted from 1, the card `serial` is put in, and not the one that belongs there.

    `serial` is `BLANK`, `OTHER` (of another Security World) or `WORN` (unreadable). `cancels`: whoever holds the right
    one does not put it in afterwards, but cancels the command.
    """

    ask: int
    serial: str
    cancels: bool = False


class DiskFails(Struct, frozen=True, kw_only=True):
    """The `change`-th change of a file, counted from 1, is not made: the power is cut, or there is no space for it."""

    change: int
    how: Literal["power", "full"]


class Slow(Struct, frozen=True, kw_only=True):
    """The device takes so many seconds more before it first asks for something or changes a file."""

    seconds: int


class ClockStep(Struct, frozen=True, kw_only=True):
    """The device's clock jumps by so many seconds, forward or back, and stays there."""

    seconds: int


Fault = CardPulled | AnotherCard | DiskFails | Slow | ClockStep


class Faults:
    """The faults ahead of a device; each comes once.

    Args:
        clock: seconds since 1970, right.
        wait: lets so many seconds pass.
    """

    def __init__(self, *, clock: Callable[[], float], wait: Callable[[float], None]) -> None:
        self._clock = clock
        self._wait = wait
        self._ahead: dict[int, Fault] = {}
        self._came: set[int] = set()
        self._offset = 0
        self._changes = 0

    def arm(self, faults: Mapping[int, Fault]) -> None:
        """Begin to count anew, with these ahead, each under a number of the caller's; what came before stays away."""
        self._ahead = {number: fault for number, fault in faults.items() if number not in self._came}
        self._offset += sum(fault.seconds for fault in self._ahead.values() if isinstance(fault, ClockStep))
        self._changes = 0

    @property
    def came(self) -> frozenset[int]:
        """The numbers of those that came; a step of the clock comes when the device first looks at it."""
        return frozenset(self._came)

    def now(self) -> float:
        """Return what the device's clock says."""
        for number, fault in tuple(self._ahead.items()):
            if isinstance(fault, ClockStep):
                self._comes(number)
        return self._clock() + self._offset

    def announce(self, _: Operation) -> None:
        """Take note of a change that is about to be made: the hook of the device's disk.

        Raises:
            PowerCut: the power is cut just before it.
            OSError: ENOSPC, there is no space for it.
        """
        self._be_slow()
        self._changes += 1
        for number, fault in tuple(self._ahead.items()):
            if isinstance(fault, DiskFails) and fault.change == self._changes:
                self._comes(number)
                if fault.how == "power":
                    raise PowerCut("the power was cut while the device worked")
                raise OSError(errno.ENOSPC, "No space left on device")

    def at_slot(self, dialogue: Dialogue) -> Dialogue:
        """Return the operator of one command as he acts with these faults."""
        return _Slot(self, dialogue)

    def pulled(self, ask: int) -> bool:
        """Say whether the card is taken out at this ask."""
        self._be_slow()
        for number, fault in tuple(self._ahead.items()):
            if isinstance(fault, CardPulled) and fault.ask == ask:
                self._comes(number)
                return True
        return False

    def another(self, ask: int, purpose: str) -> AnotherCard | None:
        """Return which other card is put in at this ask for a card; a blank one is not another where one is written."""
        for number, fault in tuple(self._ahead.items()):
            if isinstance(fault, AnotherCard) and fault.ask == ask and (purpose, fault.serial) != ("write", BLANK):
                self._comes(number)
                return fault
        return None

    def _be_slow(self) -> None:
        for number, fault in tuple(self._ahead.items()):
            if isinstance(fault, Slow):
                self._comes(number)
                self._wait(fault.seconds)

    def _comes(self, number: int) -> None:
        del self._ahead[number]
        self._came.add(number)


class _Slot:
    """The operator at the slot, within one command."""

    def __init__(self, faults: Faults, dialogue: Dialogue) -> None:
        self._faults = faults
        self._dialogue = dialogue
        self._asks = 0
        self._cards = 0
        self._cancels = False

    def card(self, ask: CardAsk) -> str | None:
        self._ask("the card")
        if self._cancels:
            return None
        self._cards += 1
        if (other := self._faults.another(self._cards, ask.purpose)) is not None:
            self._cancels = other.cancels
            return other.serial
        return self._dialogue.card(ask)

    def pin(self, ask: PinAsk) -> Pin:
        self._ask(f"card {ask.serial}")
        return self._dialogue.pin(ask)

    def tell(self, words: str) -> None:
        self._dialogue.tell(words)

    def _ask(self, what: str) -> None:
        self._asks += 1
        if self._faults.pulled(self._asks):
            raise Refused(Status.PHYS_TOKEN_NOT_PRESENT, f"{what} was taken out of the slot; nothing was changed")
