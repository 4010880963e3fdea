"""The scripted holders of cards at the slot of a rehearsal, and what one of them may do wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from runner.backends.interface import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.backends.interface import CardWanted, PinWanted


class SimulatedCard(Struct, frozen=True, kw_only=True):
    """A card of a rehearsal: who holds which number of which set, the serial of the plastic, and its PIN."""

    set: str
    number: int
    person: str
    serial: str
    pin: Secret


class Slip(Struct, frozen=True, kw_only=True):
    """What a person does wrong at the card slot in a step, where cards are read.

    They put in no card; another than their own, `card` by its serial; or they type a PIN that is not the card's.
    """

    step: str
    person: str
    does: Literal["no_card", "other_card", "wrong_pin"]
    card: str = ""


class SimulatedSlot:
    """Scripted holders at the card slot: each puts in their own card, and types its PIN once the card looks at it.

    Where the device asks again for the card that was put in, it did not take it; the script knows no other and cancels.
    """

    def __init__(
        self, cards: tuple[SimulatedCard, ...], wait: Callable[[float], None], slip: Slip | None = None
    ) -> None:
        self._cards = cards
        self._wait = wait
        self._slip = slip
        self._here: Slip | None = None
        self._put_in: CardWanted | None = None

    def step(self, step: str) -> None:
        """Take it that a step begins."""
        self._here = self._slip if self._slip is not None and self._slip.step == step else None
        self._put_in = None

    def card(self, wanted: CardWanted) -> str | None:
        """Put in the next card: the one that is to be written, or the next one of the holders who came."""
        if self._put_in == wanted:
            return None
        self._put_in = wanted
        mine = [card for card in self._cards if card.set == wanted.card_set]
        if wanted.number is not None:
            return next((card.serial for card in mine if card.number == wanted.number), None)
        if wanted.done >= len(wanted.holders):
            return None
        holder, slip = wanted.holders[wanted.done], self._here
        if slip is not None and slip.person == holder.person and slip.does != "wrong_pin":
            return slip.card or None
        return next((card.serial for card in mine if card.number == holder.number), None)

    def pin(self, wanted: PinWanted) -> Secret:
        """Type the PIN of the card that is in the slot."""
        self._put_in = None
        if wanted.wait_seconds:  # a try that a crash cut off counts as one
            self._wait(wanted.wait_seconds)
        card, slip = next(card for card in self._cards if card.serial == wanted.serial), self._here
        if slip is not None and slip.person == card.person and slip.does == "wrong_pin":
            return Secret(f"not {card.pin.reveal()}")
        return card.pin

    def tell(self, words: str) -> None:
        """Nobody reads it."""
