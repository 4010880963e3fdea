"""The card slot as the operator of one command sees it: a card that is in it already is read before he is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator import ram

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.dialogue import CardAsk, Dialogue, Pin, PinAsk
    from hsm_emulator.state import State


class Slot:
    """A dialogue that stands between a command and the operator.

    Args:
        operator: who is asked.
        inside: the serial of the card in the slot, "" for none.
    """

    def __init__(self, operator: Dialogue, inside: str) -> None:
        self._operator = operator
        self._inside = inside
        self._put_in = ""

    def card(self, ask: CardAsk) -> str | None:
        """Return the serial of the card that is in the slot already, once; after that what the operator puts in."""
        if self._inside:
            serial, self._inside = self._inside, ""
            self._operator.tell(f"card {serial} is in the slot")
            return serial
        put_in = self._operator.card(ask)
        self._put_in = put_in or self._put_in
        return put_in

    def pin(self, ask: PinAsk) -> Pin:
        """Return what the operator typed."""
        return self._operator.pin(ask)

    def tell(self, words: str) -> None:
        """Show a sentence to the operator."""
        self._operator.tell(words)

    def after(self, state: State, draw: Draw) -> State:
        """Return the state after a command: a card that had to make room for others is out, and so are they.

        A command that keeps its last card in the slot has said so itself.
        """
        memory = ram.recall(state)
        if self._put_in in {"", memory.slot}:
            return state
        return ram.remember(state, memory.with_card(""), draw)
