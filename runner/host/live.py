"""The room of a live ceremony: people at one terminal answer what only people can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.errors import CeremonyError
from runner.exchange import (
    AskException,
    AskValue,
    BreakBegun,
    BreakEnded,
    Declined,
    DoByHand,
    ExceptionGranted,
    GatherPeople,
    HandsDone,
    Need,
    PeopleGathered,
    ValueGiven,
)
from runner.host.company import ALWAYS, EVERY_WORD, OPEN, Company, DeclinedInRoom, Wrong
from runner.host.console import TRIES
from runner.host.gathering import Gathering
from runner.host.room import Attestation, Decision, StopAsked
from runner.host.slot import LiveSlot
from runner.quorum import NOBODY, fill, shortfall
from runner.spoken import unlike
from runner.values import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.backends.interface import CardDialogue
    from runner.engine import StepFailed
    from runner.exchange import Acting, RoomEvent, RoomRequest
    from runner.host.console import Console
    from runner.host.room import RoomReply, StatementWanted, Undecided
    from runner.plan import Plan, PlannedStep

RULE: Final = "-" * 40
"""Stands above and below a statement."""


class LiveRoom:
    """People at a terminal.

    Args:
        console: the terminal.
        plan: the roster, and what the steps need.
        signer: makes a person's signature in a namespace over a statement, and sees that it is theirs; a
            `CeremonyError` of its is shown and the person asked again.
        present: who is in the room, as the log has it.
        instead: who stands in for whom, as the log has it.
        on_break: whether the ceremony pauses, as the log has it.
        card_minutes: how long a card is waited for.
    """

    def __init__(
        self,
        console: Console,
        plan: Plan,
        *,
        signer: Callable[[str, str, bytes], bytes],
        present: frozenset[str] = frozenset(),
        instead: Mapping[str, str] = NOBODY,
        on_break: bool = False,
        card_minutes: int = 10,
    ) -> None:
        self.company = Company(console, plan, present=present, instead=instead)
        self._console = console
        self._plan = plan
        self._signer = signer
        self._on_break = on_break
        self._slot = LiveSlot(console, plan, card_minutes=card_minutes)

    @property
    def cards(self) -> CardDialogue:
        """The holders at the slot."""
        return self._slot

    def stopping(self) -> bool:
        """Say whether the people asked to stop."""
        return self._console.stopping

    # -- who is here ---------------------------------------------------------------------------------------------------

    def attend(self) -> None:
        """Let everybody who is here type their id; who was here before and does not is gone.

        Raises:
            StopAsked: three wrong answers in a row, or people asked to stop.
        """
        company = self.company
        before, here = frozenset(company.present), set[str]()
        self._console.tell("\nAttendance: everybody who is here types their own id.")
        tries = 0
        while True:
            typed = company.hear("Your id, or `done`:", words=ALWAYS, waiting=f"{len(here)} here")
            if typed is None:
                continue
            if typed.casefold() == "done" and here:
                break
            wrong = self._attends(typed, here, before)
            tries = 0 if wrong is None else tries + 1
            if wrong is not None:
                company.wrong(wrong, tries)
        for person in sorted(before - here):
            company.go(person)
        self._say_who_is_missing()

    def _attends(self, typed: str, here: set[str], before: frozenset[str]) -> Wrong | None:
        person = self.company.known(typed)
        if typed.casefold() == "done":
            return Wrong(words="nobody is here yet")
        if isinstance(person, Wrong):
            return person
        if person.id in here:
            return Wrong(words=f"{person.id} is here already; each person counts once")
        here.add(person.id)
        if person.id in before:
            self._console.tell(f"Still here: {self.company.describe(person)}")
        else:
            self.company.arrive(person)
        return None

    def _say_who_is_missing(self) -> None:
        here = self.company.here()
        for step in self._plan.active_steps():
            if fill(here, step.quorum, self.company.instead) is None:
                words = shortfall(here, step.quorum, self.company.instead)
                self._console.tell(f"Note: with these people step {step.id} cannot be done yet: {words}.")
                return

    def arrivals(self) -> tuple[RoomEvent, ...]:
        """Return what happened in the room since last asked; in a break, not before somebody said something."""
        company = self.company
        events = company.happened()
        if self._on_break and not events:
            company.wait_for_end_of_break()
            events = company.happened()
        for event in events:
            if isinstance(event, BreakBegun | BreakEnded):
                self._on_break = isinstance(event, BreakBegun)
        return events

    # -- what is asked -------------------------------------------------------------------------------------------------

    def answer(
        self, request: RoomRequest, step: PlannedStep, people: tuple[Acting, ...], present: frozenset[str]
    ) -> RoomReply:
        """Return what people say.

        Raises:
            StopAsked: people asked to stop, or gave three wrong answers.
        """
        self.company.present = set(present)
        acting = frozenset(one.person for one in people)
        try:
            match request:
                case GatherPeople():
                    return self._gather(request, step)
                case AskValue():
                    return self._value(request, step, acting)
                case DoByHand():
                    self._console.tell(f"\nBy hand: {request.title}")
                    who = self.company.one_here("Done? Who did it types their id:", among=acting, words=EVERY_WORD)
                    return HandsDone(person=who)
                case AskException():
                    return self._exception(request)
                case _:
                    assert_never(request)
        except DeclinedInRoom as said:
            return said.declined

    def _gather(self, request: GatherPeople, step: PlannedStep) -> PeopleGathered:
        acting = Gathering(self.company, request.needs).run()
        if step.repeat == "never":

            def judge(typed: str) -> str | Wrong:
                slip = unlike(typed, step.id)
                return typed if slip is None else Wrong(words=f"that is not {step.id}: {slip.words}")

            self.company.ask("This step is never repeated. One of you types its id:", judge, words=EVERY_WORD)
        return PeopleGathered(acting=acting)

    def _value(self, request: AskValue, step: PlannedStep, acting: frozenset[str]) -> ValueGiven:
        ask = next(ask for ask in step.asks if ask.name == request.name)
        self._console.tell(f"\n{request.ask} ({wanted(ask.type, ask)})")
        value = self.company.ask(f"{request.name}:", str, words=EVERY_WORD)
        who = self.company.one_here("Who read it out types their id:", among=acting, words=EVERY_WORD)
        return ValueGiven(value=value, person=who)

    def _exception(self, request: AskException) -> ExceptionGranted:
        self._console.tell(
            f"\nNot as expected ({request.rule}): {request.result}\n"
            f"  found:    {request.found}\n  expected: {request.expected}\n"
            f"It passes if {request.people} {request.role} of those here let it; `decline` ends the ceremony."
        )
        people = Gathering(self.company, (Need(role=request.role, count=request.people, holders_of=None),)).run()
        return ExceptionGranted(people=tuple(one.person for one in people), reason=self.company.reason())

    def attest(self, wanted: StatementWanted) -> Attestation | Declined:
        """Show one person a statement, and let them sign it, or agree by typing their id where that is enough.

        Raises:
            StopAsked: people asked to stop, gave three wrong answers, or three signatures failed.
        """
        self._console.tell(f"\n{RULE}\n{wanted.text.decode().rstrip()}\n{RULE}")
        sign = wanted.how == "signed"
        what = "to sign this" if sign else "to say this"
        only = frozenset({wanted.person})
        try:
            for _ in range(TRIES):
                self.company.one_here(f"{wanted.person} types their id {what}:", among=only, words=EVERY_WORD)
                if not sign:
                    return Attestation(signature=None)
                try:
                    return Attestation(signature=self._signer(wanted.person, wanted.namespace, wanted.text))
                except CeremonyError as fault:
                    self._console.tell(f"That is no signature of {wanted.person}: {fault.words}.")
        except DeclinedInRoom as said:
            return said.declined
        self._console.tell(f"It was not signed {TRIES} times. Stopping here.")
        raise StopAsked

    def again(self, mark: StepFailed) -> bool:
        """Say whether the people begin a failed step again."""
        self._console.tell(f"\nStep {mark.step} failed, {mark.rule}: {mark.words}")

        def judge(typed: str) -> bool | Wrong:
            answers: dict[str, bool] = {"again": True, "end": False}
            return answers.get(typed.casefold(), Wrong(words="type `again` or `end`"))

        return self.company.ask("`again` begins the step again, `end` ends the ceremony:", judge, words=OPEN)

    def decide(self, wanted: Undecided, present: frozenset[str]) -> Decision:
        """Let the step's quorum decide what an unknown result counts as, and say why."""
        self.company.present = set(present)
        lines = "".join(f"\n  {line}" for line in wanted.holds)
        self._console.tell(f"\nIt is not known what happened in step {wanted.step}: {wanted.why}.\nNow:{lines}")

        def judge(typed: str) -> str | Wrong:
            decision = typed.casefold()
            return decision if decision in wanted.decisions else Wrong(words=f"that cannot be decided here: {typed}")

        decision = self.company.ask(f"Decide: {' or '.join(wanted.decisions)}:", judge)
        people = Gathering(self.company, wanted.needs, words=ALWAYS).run()
        return Decision(decision=decision, people=people, reason=self.company.reason())
