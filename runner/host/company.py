"""The people in the room as they speak at the terminal: who is here, and the few words that mean something anywhere.

What happens in the room is kept until it is asked for (`happened`), so it is an entry of the log right behind the
answer to the question at which it was said. A break therefore begins when that question is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from runner.exchange import BreakBegun, BreakEnded, Declined, PersonLeft, PersonPresent, Substituted
from runner.host.console import TRIES
from runner.host.room import StopAsked
from runner.quorum import in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.exchange import RoomEvent
    from runner.host.console import Console
    from runner.plan import Person, Plan

    T = TypeVar("T")

WORDS: Final = {
    "help": "shows these words",
    "come": "somebody of the roster comes in",
    "leave": "somebody leaves the room",
    "break": "the ceremony pauses when this question is answered",
    "substitute": "a stand-in of the roster takes the place of somebody who is not here",
    "decline": "somebody does not agree; it is recorded with the reason, and the ceremony ends",
    "stop": "the sitting ends here; it can go on later",
}
"""What can be typed at nearly every question instead of an answer."""

EVERY_WORD: Final = frozenset(WORDS)
OPEN: Final = EVERY_WORD - {"decline"}
"""Where there is nothing that could be declined."""
ALWAYS: Final = frozenset({"help", "stop"})
"""Where nothing may happen in the room meanwhile."""

LONGEST_REASON: Final = 500
"""Characters of a reason."""


class DeclinedInRoom(Exception):
    """Somebody declined what was asked."""

    def __init__(self, declined: Declined) -> None:
        super().__init__(declined.person)
        self.declined = declined


class Wrong(Struct, frozen=True, kw_only=True):
    """What was typed is no answer, and why: a sentence without its full stop."""

    words: str


class Company:
    """Talks with the people in the room, and keeps who is here.

    Args:
        console: the terminal.
        plan: the roster.
        present: who is in the room.
        instead: who stands in for whom: the absent person's id to the stand-in's.
    """

    def __init__(self, console: Console, plan: Plan, *, present: frozenset[str], instead: Mapping[str, str]) -> None:
        self.console = console
        self.plan = plan
        self.present = set(present)
        self.instead = dict(instead)
        self._events: list[RoomEvent] = []
        self._breaking = False

    def happened(self) -> tuple[RoomEvent, ...]:
        """Return what happened since last asked, in order."""
        events, self._events = tuple(self._events), []
        self._breaking = False
        return events

    def here(self) -> list[Person]:
        """Return who is in the room, in the roster's order."""
        return [person for person in self.plan.people if person.id in self.present]

    def describe(self, person: Person) -> str:
        """Return a person's id, name, roles, cards, and whom they stand in for."""
        cards = "".join(f", card {card.number} of {card.set}" for card in person.cards)
        stands = f", stands in for {person.stands_in_for}" if person.stands_in_for else ""
        return f"{person.id}: {person.name}, {', '.join(person.roles)}{cards}{stands}"

    # -- asking --------------------------------------------------------------------------------------------------------

    def hear(self, prompt: str, *, words: frozenset[str], waiting: str = "") -> str | None:
        """Ask once. Return what was typed, or None where it was one of the words, which is dealt with by then.

        Raises:
            DeclinedInRoom: somebody declined.
            StopAsked: people asked to stop.
        """
        typed = self.console.ask(prompt, waiting=waiting)
        word = typed.casefold()
        if word not in words:
            return typed
        match word:
            case "help":
                self._help(words)
            case "come":
                self.come()
            case "leave":
                self.leave()
            case "break":
                self._break()
            case "substitute":
                self._substitute()
            case "decline":
                self._decline()
            case _:
                self.console.tell("Stopping here. The ceremony can go on later.")
                raise StopAsked
        return None

    def ask(
        self, prompt: str, judge: Callable[[str], T | Wrong], *, words: frozenset[str] = ALWAYS, waiting: str = ""
    ) -> T:
        """Ask until an answer fits, and return what `judge` makes of it.

        Raises:
            DeclinedInRoom: somebody declined.
            StopAsked: it did not fit three times, or people asked to stop.
        """
        tries = 0
        while True:
            typed = self.hear(prompt, words=words, waiting=waiting)
            if typed is None:
                continue
            answer = judge(typed)
            if not isinstance(answer, Wrong):
                return answer
            tries += 1
            self.wrong(answer, tries)

    def wrong(self, answer: Wrong, tries: int) -> None:
        """Say what is wrong with an answer.

        Raises:
            StopAsked: it was the last try.
        """
        self.console.tell(f"No: {answer.words}.")
        if tries >= TRIES:
            self.console.tell(f"That was the wrong answer {TRIES} times. Stopping here.")
            raise StopAsked

    def one_here(self, prompt: str, *, among: frozenset[str] | None = None, words: frozenset[str] = ALWAYS) -> str:
        """Return who types their id: somebody who is in the room and, where given, `among` these."""

        def judge(typed: str) -> str | Wrong:
            found = self.known(typed)
            if isinstance(found, Wrong):
                return found
            if found.id not in self.present:
                return Wrong(words=f"{found.id} is not in the room")
            if among is not None and found.id not in among:
                return Wrong(words=f"{found.id} is not asked here, only {', '.join(sorted(among))}")
            return found.id

        return self.ask(prompt, judge, words=words)

    def known(self, typed: str) -> Person | Wrong:
        """Return the person of the roster with that id."""
        person = self.plan.person(typed.casefold())
        return person or Wrong(words=f"`{typed}` is not the id of anybody on the roster")

    def reason(self, prompt: str = "Why? One line:") -> str:
        """Return a reason in the words of those who give it."""

        def judge(typed: str) -> str | Wrong:
            if not typed.isprintable():
                return Wrong(words="there is a character in it that cannot be seen")
            if len(typed) > LONGEST_REASON:
                return Wrong(words=f"it has more than {LONGEST_REASON} characters")
            return typed

        return self.ask(prompt, judge)

    # -- what happens --------------------------------------------------------------------------------------------------

    def arrive(self, person: Person) -> None:
        """Note that somebody of the roster is in the room from now on."""
        self.present.add(person.id)
        self._events.append(PersonPresent(person=person.id))
        self.console.tell(f"Here: {self.describe(person)}")

    def go(self, person: str) -> None:
        """Note that somebody is in the room no more."""
        self.present.discard(person)
        self._events.append(PersonLeft(person=person))
        self.console.tell(f"Gone: {person}")

    def come(self) -> None:
        """Ask who comes in, and note it."""

        def judge(typed: str) -> Person | Wrong:
            found = self.known(typed)
            if isinstance(found, Wrong) or found.id not in self.present:
                return found
            return Wrong(words=f"{found.id} is here already")

        self.arrive(self.ask("Who comes in? Type your id:", judge))

    def leave(self) -> None:
        """Ask who leaves, and note it."""
        if not self.present:
            self.console.tell("Nobody is in the room.")
            return
        self.go(self.one_here("Who leaves? Type your id:"))

    def wait_for_end_of_break(self) -> None:
        """Wait until something happens in a break: somebody comes or leaves, or it is over."""
        words = frozenset({"help", "stop", "come", "leave"})
        before = len(self._events)
        while len(self._events) == before:
            typed = self.hear("In a break. `back` goes on:", words=words, waiting="In a break")
            if typed is not None and typed.casefold() == "back":
                self._events.append(BreakEnded())
            elif typed is not None:
                self.console.tell("No: in a break there are `back`, `come`, `leave`, `stop` and `help`.")

    def _break(self) -> None:
        if self._breaking:
            self.console.tell("The break begins when this question is answered.")
            return
        by = self.one_here("Who asks for the break? Type your id:")
        self._events.append(BreakBegun(by=by, reason=self.reason()))
        self._breaking = True
        self.console.tell("Noted. The break begins when this question is answered.")

    def _substitute(self) -> None:
        absent = self.ask("Who is absent? Their id:", self._replaceable)
        able = sorted(person.id for person in self.plan.people if person.stands_in_for == absent)

        def stand_in(typed: str) -> str | Wrong:
            if typed.casefold() in able:
                return typed.casefold()
            return Wrong(words=f"only {' or '.join(able)} stands in for {absent}")

        instead = self.ask(f"Who acts instead of {absent}? Their id:", stand_in)
        others = frozenset(self.present) - {instead}
        if not others:
            self.console.tell(f"Not done: somebody other than {instead} must be here to say so.")
            return
        by = self.one_here("Who says so? Type your id:", among=others)
        self._events.append(Substituted(absent=absent, instead=instead, by=by, reason=self.reason()))
        self.instead[absent] = instead
        self.console.tell(f"From now on {instead} acts instead of {absent}, who acts no more.")

    def _replaceable(self, typed: str) -> str | Wrong:
        found = self.known(typed)
        if isinstance(found, Wrong):
            return found
        if found.id in self.present:
            return Wrong(words=f"{found.id} is in the room")
        if not in_place(found, self.instead):
            return Wrong(words=f"{found.id} does not act: somebody else does, or did not need a stand-in")
        if not any(person.stands_in_for == found.id for person in self.plan.people):
            return Wrong(words=f"nobody on the roster stands in for {found.id}")
        return found.id

    def _decline(self) -> None:
        if not self.present:
            self.console.tell("Nobody is in the room.")
            return
        person = self.one_here("Who declines? Type your id:")
        raise DeclinedInRoom(Declined(person=person, reason=self.reason()))

    def _help(self, words: frozenset[str]) -> None:
        self.console.tell("These words can be typed here instead of an answer:")
        for word, meaning in WORDS.items():
            if word in words:
                self.console.tell(f"  {word}: {meaning}")
