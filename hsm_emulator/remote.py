"""Remote slots: cards that are read from afar, if the installation's list authorises them.

The list is a file of the installation, `kmdata/config/cardlist`, that people edit: its first line, then how many
dynamic slots the module has beside slot 0, then `*` for every card or the serials of cards, one a line.

    SIMULATED HSM, authorised card list, version 1
    dynamic-slots 2
    SIM-CARD-0001

Whoever answers with `#1 SIM-CARD-0001` has that card in dynamic slot 1. Without the file there are none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator.cards import SERIAL
from hsm_emulator.errors import DamagedFile

if TYPE_CHECKING:
    from hsm_emulator.dialogue import CardAsk, Dialogue, Pin, PinAsk

PATH: Final = "kmdata/config/cardlist"
"""Where the list is."""

LINE: Final = "SIMULATED HSM, authorised card list, version 1"
MOST: Final = 16
"""Dynamic slots a module can have."""

_SLOTS: Final = re.compile(r"dynamic-slots ([1-9][0-9]?)")
_ANSWER: Final = re.compile(r"#([0-9]{1,2}) (.{1,60})")


class CardList(Struct, frozen=True, kw_only=True):
    """How many dynamic slots there are, and the cards they read; None is every card."""

    slots: int
    serials: frozenset[str] | None

    def allows(self, serial: str) -> bool:
        """Say whether a dynamic slot reads the card."""
        return self.serials is None or serial in self.serials


NOTHING: Final = CardList(slots=0, serials=frozenset())
"""What an installation without the file has."""


def parse(content: bytes | None) -> CardList:
    """Return the list of its file's bytes; `NOTHING` where there is none.

    Raises:
        DamagedFile: it is not in the form above, to the letter.
    """
    if content is None:
        return NOTHING
    what = "the authorised card list"
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise DamagedFile(f"{what} is not plain text") from None
    lines = text.split("\n")
    if lines[0] != LINE or lines[-1] or len(lines) < len((LINE, "slots", "")):
        raise DamagedFile(f"{what} does not begin with the line of its kind, or does not end with a line")
    slots = _SLOTS.fullmatch(lines[1])
    if slots is None or int(slots[1]) > MOST:
        raise DamagedFile(f"the second line of {what} is not dynamic-slots and a number from 1 to {MOST}")
    names = lines[2:-1]
    if names == ["*"]:
        return CardList(slots=int(slots[1]), serials=None)
    for name in names:
        if not SERIAL.fullmatch(name):
            raise DamagedFile(f"{what} names {name!r}, which is no card's serial")
    if len(set(names)) != len(names):
        raise DamagedFile(f"{what} names a card twice")
    return CardList(slots=int(slots[1]), serials=frozenset(names))


class RemoteSlots:
    """A dialogue that looks at which slot a card is in, and passes on what an authorised one is.

    Args:
        operator: who is asked.
        listed: the list.
        esn: the module's serial number, which the holder of a remote card is told.
    """

    def __init__(self, operator: Dialogue, listed: CardList, esn: str) -> None:
        self._operator = operator
        self._listed = listed
        self._esn = esn

    def card(self, ask: CardAsk) -> str | None:
        """Return the serial of the card that was put in; of a dynamic slot, once it is an authorised one."""
        while True:
            answer = self._operator.card(ask)
            remote = _ANSWER.fullmatch(answer or "")
            if answer is None or remote is None or int(remote[1]) == 0:
                return answer if remote is None else remote[2]
            number, serial = int(remote[1]), remote[2]
            if number > self._listed.slots:
                self._operator.tell(f"module 1 has no slot {number}")
            elif not self._listed.allows(serial):
                self._operator.tell(f"card {serial} is not recognised in dynamic slot {number}: it is not on the list")
            else:
                self._operator.tell(f"card {serial} is in dynamic slot {number} of module {self._esn}, read from afar")
                return serial

    def pin(self, ask: PinAsk) -> Pin:
        """Return what the operator typed."""
        return self._operator.pin(ask)

    def tell(self, words: str) -> None:
        """Show a sentence to the operator."""
        self._operator.tell(words)
