"""The card slot of an emulated module, and the people at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hsm_emulator.device import CardAsk, Pin, PinAsk
from runner.backends.interface import CardWanted, PinWanted

if TYPE_CHECKING:
    from runner.backends.interface import CardDialogue
    from runner.exchange import Holder


class Held(Struct, frozen=True, kw_only=True):
    """A card set as the plan calls it, and who of those who act holds which card of it."""

    card_set: str
    holders: tuple[Holder, ...]


class Slot:
    """The card slot as the emulator sees it, for one request: cards of one set are read, of one set are written."""

    def __init__(self, dialogue: CardDialogue, read: Held, written: Held) -> None:
        self._dialogue = dialogue
        self._read = read
        self._written = written

    def card(self, ask: CardAsk) -> str | None:
        """Ask whoever of the set is to act for a card."""
        held = self._written if ask.purpose == "write" else self._read
        return self._dialogue.card(
            CardWanted(card_set=held.card_set, number=ask.number, done=ask.done, total=ask.total, holders=held.holders)
        )

    def pin(self, ask: PinAsk) -> Pin:
        """Ask for the PIN of the card."""
        wanted = PinWanted(
            card_set=(self._written if ask.new else self._read).card_set,
            number=ask.number,
            serial=ask.serial,
            new=ask.new,
            attempt=ask.attempt,
            left=ask.left,
            wait_seconds=ask.wait_seconds,
        )
        return Pin(self._dialogue.pin(wanted).reveal())

    def tell(self, words: str) -> None:
        """Show what the device says."""
        self._dialogue.tell(words)
