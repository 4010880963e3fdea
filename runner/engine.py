"""The state machine: a checked plan and replies in, requests and marks out. Pure and deterministic.

The engine holds no state that the log does not hold. Its inputs are replies and room events; all are entries of the
log, so feeding them back in order rebuilds it (`runner.history`), which is resume, replay, and the proof that a
record belongs to its plan.

A step that failed may begin again as a new attempt (`retry`), as may one whose result nobody knows (`redo`); that too
is an entry of the log, and fed back from it.

The module is longer than others because marks and machine are read together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from runner.actions.interface import Failed, FileFact, Outcome, Work, brought
from runner.actions.registry import BY_PIN
from runner.errors import ControlFault, Defect
from runner.exchange import (
    REQUESTS,
    Acting,
    AskException,
    AskValue,
    BreakBegun,
    BreakEnded,
    Declined,
    DeviceRefused,
    GatherPeople,
    PeopleGathered,
    PersonLeft,
    PersonPresent,
    Reply,
    Request,
    RoomEvent,
    Substituted,
    answers_to,
)
from runner.plan import TRIES, UNMET, Literal, RecordFileRef, RecordResultRef, ResultRef, TrustRef
from runner.quorum import in_place, quorum_fault
from runner.values import answered, outside, same_spelling

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from runner.plan import Ask, CheckedPlan, Expectation, PlannedStep, TrustList
    from runner.values import Value


DIGESTS: Final = frozenset({"sha256", "key_hash", "public_key"})
"""Types of results that nobody may let pass where they are not as expected."""


class StepBegun(Struct, frozen=True, kw_only=True):
    """A step begins."""

    step: str
    attempt: int
    title: str


class Comparison(Struct, frozen=True, kw_only=True):
    """A result, and what it was compared with. `published` is the plan's value where it was not compared."""

    result: str
    found: str | int | bool
    expected: str | int | bool
    against: str
    published: str | None


class StepDone(Struct, frozen=True, kw_only=True):
    """A step is done: its results in name order, the files it made or moved, what it destroyed, what it compared."""

    step: str
    attempt: int
    results: tuple[tuple[str, str | int | bool], ...]
    seen: tuple[tuple[str, FileFact], ...]
    destroyed: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


class StepFailed(Struct, frozen=True, kw_only=True):
    """A step failed; unless it begins again the ceremony ends. `words` are for the room and not part of the record."""

    step: str
    attempt: int
    rule: str
    words: str
    status: str | None = None
    result: str | None = None
    expected: str | int | bool | None = None
    found: str | int | bool | None = None


class StepDeclined(Struct, frozen=True, kw_only=True):
    """Somebody declined; the ceremony ends."""

    step: str
    attempt: int
    person: str
    reason: str


class Finished(Struct, frozen=True, kw_only=True):
    """There is nothing more to ask: `completed`, or `aborted` under this rule."""

    outcome: str
    rule: str | None


Mark = StepBegun | StepDone | StepFailed | StepDeclined | Finished


class Turn(Struct, frozen=True, kw_only=True):
    """What the engine says next: marks, in order, and then one request, or None at the end."""

    marks: tuple[Mark, ...]
    request: Request | None


class Engine:
    """Drives the plan's steps one after the other."""

    def __init__(self, checked: CheckedPlan, trust: TrustList) -> None:
        self._plan = checked.plan
        self._trust = trust
        self._steps = checked.plan.active_steps()
        self._index = 0
        self._course: Coroutine[Any, Any, StepDone | StepFailed] | None = None
        self._pending: Request | None = None
        self._started = False
        self._facts = brought(checked.plan)
        self._results: dict[tuple[str, str], Value] = {}
        self._present: set[str] = set()
        self._acted: dict[str, frozenset[str]] = {}
        self._people: tuple[Acting, ...] = ()
        self._on_break = False
        self._instead: dict[str, str] = {}
        self._attempt = 1
        self._changed = False
        self._failed: StepFailed | None = None
        self._done: StepDone | None = None

    @property
    def actors(self) -> tuple[str, ...]:
        """The people of the current step, sorted; empty until they are gathered."""
        return tuple(sorted(acting.person for acting in self._people))

    @property
    def people(self) -> tuple[Acting, ...]:
        """The people of the current step with the role each acts in."""
        return self._people

    @property
    def present(self) -> frozenset[str]:
        """Who is in the room."""
        return frozenset(self._present)

    @property
    def pending(self) -> Request | None:
        """The request that waits for its reply."""
        return self._pending

    @property
    def step(self) -> PlannedStep | None:
        """The current step; None before the start and after the end."""
        return self._steps[self._index] if self._course is not None else None

    @property
    def facts(self) -> Mapping[str, FileFact]:
        """Where every file that exists is, by artefact."""
        return dict(self._facts)

    @property
    def attempt(self) -> int:
        """Which attempt at the current step this is, from 1."""
        return self._attempt

    @property
    def failed(self) -> StepFailed | None:
        """The step that failed just now, None where none did."""
        return self._failed

    @property
    def may_retry(self) -> bool:
        """Whether the step that failed may begin again: it is safe to, or no device was changed in the attempt."""
        return self._failed is not None and (self._steps[self._index].repeat == "safe" or not self._changed)

    def start(self) -> Turn:
        """Begin the first step.

        Raises:
            Defect: the engine was started before.
        """
        if self._started:
            raise Defect("the engine was started twice")
        self._started = True
        return self._begin([])

    def answer(self, reply: Reply) -> Turn:
        """Feed the reply to the pending request.

        Raises:
            Defect: no request waits, or the reply is of a kind it does not allow.
        """
        if self._pending is None:
            raise Defect("no request waits for a reply")
        if not isinstance(reply, answers_to(self._pending)):
            raise Defect(f"{type(reply).__name__} does not answer {type(self._pending).__name__}")
        self._changed |= self._pending.mutates and not isinstance(reply, DeviceRefused)
        self._pending = self._done = None
        if isinstance(reply, Declined):
            return self.decline(reply.person, reply.reason)
        return self._go_on(reply, [])

    def decline(self, person: str, reason: str, *, result: StepDone | None = None) -> Turn:
        """End the ceremony because somebody declines in the step under way, or to attest what came out of one.

        Args:
            person: who.
            reason: why.
            result: of the last step, where it was told and does not count as done yet; the engine went on from it.

        Raises:
            Defect: no step is under way, or that was not the result of the last one.
        """
        step = self.step
        if result is not None and result is self._done:
            at = (result.step, result.attempt)
        elif result is None and step is not None:
            at = (step.id, self._attempt)
        else:
            raise Defect("no step is under way")
        self._drop()
        self._done = None
        declined = StepDeclined(step=at[0], attempt=at[1], person=person, reason=reason)
        return Turn(marks=(declined, Finished(outcome="aborted", rule="RUN040")), request=None)

    def retry(self) -> Turn:
        """Begin the step that failed again, as a new attempt.

        Raises:
            ControlFault: RUN001, no step failed, or a device was changed and the step is never repeated.
        """
        if not self.may_retry:
            raise ControlFault("the step is not repeated after what was done in it", rule="RUN001")
        return self._again()

    def redo(self) -> Turn:
        """Begin the step under way again: people decided that what it asked last did not happen.

        Raises:
            Defect: no step is under way.
        """
        if self.step is None:
            raise Defect("no step is under way")
        return self._again()

    def _again(self) -> Turn:
        self._drop()
        self._failed = None
        self._attempt += 1
        return self._begin([])

    def _drop(self) -> None:
        self.close()
        self._pending = None

    @property
    def on_break(self) -> bool:
        """Whether the ceremony pauses; nothing may be asked before it goes on."""
        return self._on_break

    def happened(self, event: RoomEvent) -> None:
        """Take note of something that happened in the room.

        Raises:
            ControlFault: RUN041, it cannot have: somebody who is not on the roster, who came twice or left without
                having come, a break in a break, a substitution the roster does not have. Nothing is noted.
        """
        match event:
            case PersonPresent(person=person):
                _demand(self._plan.person(person) is not None, f"{person} is not on the roster")
                _demand(person not in self._present, f"{person} is here already")
                self._present.add(person)
            case PersonLeft(person=person):
                _demand(person in self._present, f"{person} is not here")
                self._present.discard(person)
            case Substituted():
                self._substitute(event)
            case BreakBegun() | BreakEnded():
                begins = isinstance(event, BreakBegun)
                _demand(begins is not self._on_break, "a break begins in a break, or ends outside one")
                self._on_break = begins
            case _:
                assert_never(event)

    def _substitute(self, event: Substituted) -> None:
        """Put a stand-in in somebody's place; whoever holds a card has none on any roster (QUO014)."""
        stand_in = self._plan.person(event.instead)
        absent = self._plan.person(event.absent)
        fits = stand_in is not None and absent is not None and stand_in.stands_in_for == event.absent
        _demand(fits, f"{event.instead} does not stand in for {event.absent} on the roster")
        _demand(event.absent not in self._instead, f"{event.absent} has been replaced already")
        _demand(event.absent not in self._present, f"{event.absent} is here")
        _demand(event.by in self._present - {event.instead}, f"{event.by} is not here, or is the stand-in")
        self._instead[event.absent] = event.instead

    @property
    def instead(self) -> Mapping[str, str]:
        """Who stands in for whom: the absent person's id to the stand-in's."""
        return dict(self._instead)

    def reconsider(self) -> Turn | None:
        """Look again, before a request that changes a device is made, whether those who act in the step are still here.

        Returns:
            None where they are, or nothing that changes a device is asked; else the turn in which the step fails.
        """
        request, step = self._pending, self.step
        if request is None or step is None or not request.mutates:
            return None
        gone = [person for person in self.actors if person not in self._present]
        if not gone:
            return None
        self._drop()
        words = f"{', '.join(gone)} left the room"
        self._failed = StepFailed(step=step.id, attempt=self._attempt, rule="QUO008", words=words)
        return Turn(marks=(self._failed, Finished(outcome="aborted", rule="QUO008")), request=None)

    def close(self) -> None:
        """Drop what is under way, so that nothing is left suspended."""
        if self._course is not None:
            self._course.close()
            self._course = None

    def _begin(self, marks: list[Mark]) -> Turn:
        if self._index == len(self._steps):
            marks.append(Finished(outcome="completed", rule=None))
            return Turn(marks=tuple(marks), request=None)
        step = self._steps[self._index]
        self._people = ()
        self._changed = False
        marks.append(StepBegun(step=step.id, attempt=self._attempt, title=step.title))
        self._course = self._conduct(step)
        return self._go_on(None, marks)

    def _go_on(self, reply: Reply | None, marks: list[Mark]) -> Turn:
        if self._course is None:
            raise Defect("no step is under way")
        try:
            asked = self._course.send(reply)
        except StopIteration as end:
            self._course = None
            return self._end(end.value, marks)
        if not isinstance(asked, REQUESTS):
            self.close()
            raise Defect(f"an action awaited {type(asked).__name__}, which is no request")
        self._pending = asked
        return Turn(marks=tuple(marks), request=asked)

    def _end(self, mark: StepDone | StepFailed, marks: list[Mark]) -> Turn:
        marks.append(mark)
        if isinstance(mark, StepFailed):
            self._failed = mark
            marks.append(Finished(outcome="aborted", rule=mark.rule))
            return Turn(marks=tuple(marks), request=None)
        for artefact in mark.destroyed:
            self._facts.pop(artefact, None)
        self._facts.update(mark.seen)
        self._results.update({(mark.step, name): value for name, value in mark.results})
        self._index += 1
        self._attempt = 1
        self._done = mark
        return self._begin(marks)

    async def _conduct(self, step: PlannedStep) -> StepDone | StepFailed:
        gathered = await GatherPeople(needs=step.quorum)
        if words := quorum_fault(
            self._plan, step, gathered.acting, present=self._present, acted=self._acted, instead=self._instead
        ):
            return self._failure(step, "QUO008", words)
        self._gather(gathered)
        action = BY_PIN[step.action]
        work = Work(
            plan=self._plan,
            step=step,
            settings=action.settings.model_validate(step.settings),
            people=gathered.acting,
            facts=dict(self._facts),
        )
        outcome: Outcome = await action.perform(work)
        if isinstance(outcome, Failed):
            return replace(self._failure(step, outcome.rule, outcome.words), status=outcome.status)
        results = dict(outcome.results)
        for ask in step.asks:
            value = await self._ask(ask)
            if value is None:
                words = f"`{ask.name}` did not fit {TRIES} times"
                return replace(self._failure(step, "RUN003", words), result=ask.name)
            results[ask.name] = value
        done = StepDone(
            step=step.id,
            attempt=self._attempt,
            results=tuple(sorted(results.items())),
            seen=tuple(sorted(outcome.seen.items())),
            destroyed=outcome.destroyed,
            comparisons=(),
        )
        return await self._compare(step, results, done)

    def _failure(self, step: PlannedStep, rule: str, words: str) -> StepFailed:
        return StepFailed(step=step.id, attempt=self._attempt, rule=rule, words=words)

    def _gather(self, gathered: PeopleGathered) -> None:
        self._people = gathered.acting
        for acting in gathered.acting:
            self._acted[acting.person] = self._acted.get(acting.person, frozenset()) | {acting.role}

    async def _ask(self, ask: Ask) -> Value | None:
        for _ in range(TRIES):
            given = await AskValue(name=ask.name, ask=ask.ask, type=ask.type)
            value = answered(ask.type, given.value)
            if value is None or outside(ask, value):
                continue
            if ask.twice:
                again = await AskValue(name=ask.name, ask=ask.ask, type=ask.type)
                if answered(ask.type, again.value) != value:
                    continue
            return value
        return None

    async def _compare(self, step: PlannedStep, results: Mapping[str, Value], done: StepDone) -> StepDone | StepFailed:
        kinds = {result.name: result.type for result in BY_PIN[step.action].results}
        kinds.update({ask.name: ask.type for ask in step.asks})
        comparisons: list[Comparison] = []
        for expectation in step.expect:
            name = expectation.result
            kind, found = kinds[name], results[name]
            expected, against, shown = self._expected(expectation)
            unmet = same_spelling(kind, found) != same_spelling(kind, expected) or type(found) is not type(expected)
            if unmet and not await self._excepted(name, kind, found, expected):
                words = f"`{name}` is {found}, and {expected} was expected"
                failed = self._failure(step, UNMET, words)
                return replace(failed, result=name, expected=expected, found=found)
            comparisons.append(
                Comparison(result=name, found=found, expected=expected, against=against, published=shown)
            )
        return replace(done, comparisons=tuple(comparisons))

    async def _excepted(self, result: str, kind: str, found: Value, expected: Value) -> bool:
        """Ask whether a result that is not as expected may pass; a digest never may."""
        allowed = next((item for item in self._plan.exceptions if item.rule == UNMET), None)
        if allowed is None or kind in DIGESTS:
            return False
        granted = await AskException(
            rule=UNMET,
            result=result,
            found=str(found),
            expected=str(expected),
            role=allowed.role,
            people=allowed.people,
        )
        able = {
            person.id
            for person in self._plan.people
            if allowed.role in person.roles and person.id in self._present and in_place(person, self._instead)
        }
        return len(set(granted.people)) >= allowed.people and able.issuperset(granted.people)

    def _expected(self, expectation: Expectation) -> tuple[Value, str, str | None]:
        match expectation.equals:
            case Literal(value=value):
                return value, "plan", None
            case ResultRef(step=step, result=result):
                return self._results[step, result], "step", None
            case RecordResultRef() | RecordFileRef():
                return self._plan.recorded(expectation.equals), "record", None
            case TrustRef(trust=name):
                if self._trust.list == "published":
                    return self._trust.value(name), "published", None
                published = next(item.value for item in self._plan.trust if item.name == name)
                return self._trust.value(name), self._trust.list, published
            case _:
                assert_never(expectation.equals)


def _demand(holds: bool, words: str) -> None:  # noqa: FBT001 (it reads as an assertion)
    if not holds:
        raise ControlFault(words, rule="RUN041")
