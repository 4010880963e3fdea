"""The people in the room, as the session meets them; and the scripted people of a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, assert_never

from runner.exchange import (
    Acting,
    AskValue,
    Declined,
    DoByHand,
    GatherPeople,
    HandsDone,
    PeopleGathered,
    PersonPresent,
    RoomRequest,
    ValueGiven,
)
from runner.plan import Literal
from runner.quorum import fill
from runner.values import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.backends.interface import CardDialogue, CardWanted, PinWanted, Secret
    from runner.exchange import RoomEvent
    from runner.plan import Plan, PlannedStep

    RoomReply = PeopleGathered | ValueGiven | HandsDone | Declined


class Room(Protocol):
    """Who answers what only people can."""

    def arrivals(self) -> tuple[RoomEvent, ...]:
        """Return what happened in the room since last asked, in order; in a break, not before something happened."""
        ...

    def answer(
        self, request: RoomRequest, step: PlannedStep, people: tuple[Acting, ...], present: frozenset[str]
    ) -> RoomReply:
        """Return what people say."""
        ...

    @property
    def cards(self) -> CardDialogue:
        """The people at the card slot."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCard:
    """A card of a rehearsal: who holds which number of which set, the serial of the plastic, and its PIN."""

    set: str
    number: int
    person: str
    serial: str
    pin: Secret


class SimulatedSlot:
    """Scripted holders at the card slot: each puts in their own card, and types its PIN."""

    def __init__(self, cards: tuple[SimulatedCard, ...]) -> None:
        self._cards = cards

    def card(self, wanted: CardWanted) -> str | None:
        """Put in the next card: the one that is to be written, or the next one of the holders who came."""
        mine = [card for card in self._cards if card.set == wanted.card_set]
        if wanted.number is not None:
            return next((card.serial for card in mine if card.number == wanted.number), None)
        if wanted.done >= len(wanted.holders):
            return None
        number = wanted.holders[wanted.done].number
        return next((card.serial for card in mine if card.number == number), None)

    def pin(self, wanted: PinWanted) -> Secret:
        """Type the PIN of the card that is in the slot."""
        return next(card.pin for card in self._cards if card.serial == wanted.serial)

    def tell(self, words: str) -> None:
        """Nobody reads it."""


class ScriptedRoom:
    """The people of a rehearsal: everybody who is not absent comes, agrees, and reads out what is expected.

    Args:
        plan: the plan; who is on its roster and what its steps expect.
        answers: what is typed, by step and name; where nothing is said, the expected value or one of the right kind.
        absent: who does not come.
        cards: the cards and PINs of the rehearsal.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        answers: Mapping[tuple[str, str], str],
        absent: frozenset[str],
        cards: tuple[SimulatedCard, ...],
    ) -> None:
        self._plan = plan
        self._answers = answers
        self._coming = [person for person in plan.people if person.id not in absent]
        self._slot = SimulatedSlot(cards)

    @property
    def cards(self) -> CardDialogue:
        """The scripted holders."""
        return self._slot

    def arrivals(self) -> tuple[RoomEvent, ...]:
        """Return everybody's arrival, the first time."""
        needed = {need.role for step in self._plan.active_steps() for need in step.quorum}
        here = tuple(PersonPresent(person=one.id) for one in self._coming if needed.intersection(one.roles))
        self._coming = []
        return here

    def answer(
        self, request: RoomRequest, step: PlannedStep, people: tuple[Acting, ...], present: frozenset[str]
    ) -> RoomReply:
        """Return what the script says."""
        match request:
            case GatherPeople():
                able = [person for person in self._plan.people if person.id in present]
                chosen = fill(able, request.needs) or {}
                return PeopleGathered(
                    acting=tuple(Acting(person=person, role=role) for person, role in sorted(chosen.items()))
                )
            case AskValue():
                return ValueGiven(value=self._value(request, step), person=_speaker(people))
            case DoByHand():
                return HandsDone(person=_speaker(people))
            case _:
                assert_never(request)

    def _value(self, request: AskValue, step: PlannedStep) -> str:
        if (given := self._answers.get((step.id, request.name))) is not None:
            return given
        for expectation in step.expect:
            if expectation.result == request.name and isinstance(expectation.equals, Literal):
                return str(expectation.equals.value)
        return "SIMULATED" if request.type == "text" else WORDS[request.type].rpartition(" ")[2]


def _speaker(people: tuple[Acting, ...]) -> str:
    operators = [one.person for one in people if one.role == "operator"]
    return (operators or [one.person for one in people])[0]
