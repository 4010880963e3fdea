"""The people in the room, as the session meets them; and the scripted people of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, assert_never

from msgspec import Struct

from runner.exchange import (
    Acting,
    AskException,
    AskValue,
    BreakEnded,
    Declined,
    DoByHand,
    GatherPeople,
    HandsDone,
    PeopleGathered,
    PersonPresent,
    RoomRequest,
    ValueGiven,
)
from runner.host.simulated_slot import SimulatedSlot
from runner.plan import Literal, RecordFileRef, RecordResultRef
from runner.quorum import fill
from runner.values import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.backends.interface import CardDialogue
    from runner.engine import StepFailed
    from runner.exchange import ExceptionGranted, Need, RoomEvent
    from runner.host.simulated_slot import SimulatedCard, Slip
    from runner.plan import Plan, PlannedStep
    from runner.values import Value

    RoomReply = PeopleGathered | ValueGiven | HandsDone | ExceptionGranted | Declined


class StopAsked(Exception):
    """People asked to stop while somebody was waited for; nothing is under way, and the ceremony can go on later."""


class StatementWanted(Struct, frozen=True, kw_only=True):
    """A statement one person is asked to make.

    Attributes:
        person: who.
        role: the one role they act in.
        about: consent, result, close, handover, recovery or resolution.
        namespace: of the signature.
        text: the statement, whole; what is signed is these bytes.
        how: `signed`, or `typed` where agreeing at the keyboard is enough.
    """

    person: str
    role: str
    about: str
    namespace: str
    text: bytes
    how: str


class Attestation(Struct, frozen=True, kw_only=True):
    """A statement made: the armoured SSHSIG over its bytes, or None where it was typed."""

    signature: bytes | None


class Undecided(Struct, frozen=True, kw_only=True):
    """A step whose result is not known, as people see it who must decide.

    Attributes:
        step: the step.
        request: the kind of the request that waits; None where none does and a device was used beside the record.
        why: what does not fit, in words.
        holds: lines that say what the devices hold now.
        needs: the step's quorum.
        decisions: what may be decided: of happened, redo, abandon.
    """

    step: str
    request: str | None
    why: str
    holds: tuple[str, ...]
    needs: tuple[Need, ...]
    decisions: tuple[str, ...]


class Decision(Struct, frozen=True, kw_only=True):
    """What the people of the step's quorum decided, and why."""

    decision: str
    people: tuple[Acting, ...]
    reason: str


class Room(Protocol):
    """Who answers what only people can.

    Every method that waits for people may raise `StopAsked`.
    """

    def arrivals(self) -> tuple[RoomEvent, ...]:
        """Return what happened in the room since last asked, in order; in a break, not before something happened."""
        ...

    def answer(
        self, request: RoomRequest, step: PlannedStep, people: tuple[Acting, ...], present: frozenset[str]
    ) -> RoomReply:
        """Return what people say."""
        ...

    def attest(self, wanted: StatementWanted) -> Attestation | Declined:
        """Let one person make a statement; what comes back was not checked yet."""
        ...

    def again(self, mark: StepFailed) -> bool:
        """Say whether the people want to begin a failed step again."""
        ...

    def decide(self, wanted: Undecided, present: frozenset[str]) -> Decision:
        """Let the step's quorum decide what an unknown result counts as."""
        ...

    def stopping(self) -> bool:
        """Say whether the people asked to stop at the next safe point."""
        ...

    @property
    def cards(self) -> CardDialogue:
        """The people at the card slot."""
        ...


class ScriptedRoom:
    """The people of a rehearsal: everybody who is not absent comes, agrees, signs, and reads out what is expected.

    Args:
        plan: the plan; who is on its roster and what its steps expect.
        answers: what is typed, by step and name; where nothing is said, the expected value or one of the right kind.
        absent: who does not come.
        cards: the cards and PINs of the rehearsal.
        sign: makes a person's signature in a namespace over a statement.
        present: who is in the room already.
        on_break: whether the ceremony pauses.
        slip: what somebody does wrong at the card slot.
        wait: lets so many seconds pass.
        again: says whether a failed step begins again.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        answers: Mapping[tuple[str, str], str],
        absent: frozenset[str],
        cards: tuple[SimulatedCard, ...],
        sign: Callable[[str, str, bytes], bytes],
        present: frozenset[str] = frozenset(),
        on_break: bool = False,
        slip: Slip | None = None,
        wait: Callable[[float], None],
        again: Callable[[StepFailed], bool],
    ) -> None:
        self._again = again
        self._plan = plan
        self._answers = answers
        self._coming = [person for person in plan.people if person.id not in absent | present]
        self._on_break = on_break
        self._slot = SimulatedSlot(cards, wait, slip)
        self._sign = sign

    @property
    def cards(self) -> CardDialogue:
        """The scripted holders."""
        return self._slot

    def arrivals(self) -> tuple[RoomEvent, ...]:
        """Return the end of a break, and everybody's arrival who is needed, the first time; stand-ins stay away."""
        needed = {need.role for step in self._plan.active_steps() for need in step.quorum}
        needed |= {wanted.role for wanted in self._plan.approvals.close}
        here = tuple(
            PersonPresent(person=one.id)
            for one in self._coming
            if needed.intersection(one.roles) and one.stands_in_for is None
        )
        back = (BreakEnded(),) if self._on_break else ()
        self._coming, self._on_break = [], False
        return (*back, *here)

    def answer(
        self, request: RoomRequest, step: PlannedStep, people: tuple[Acting, ...], present: frozenset[str]
    ) -> RoomReply:
        """Return what the script says."""
        match request:
            case GatherPeople():
                self._slot.step(step.id)
                able = [person for person in self._plan.people if person.id in present]
                return PeopleGathered(acting=_acting(fill(able, request.needs)))
            case AskValue():
                return ValueGiven(value=self._value(request, step), person=_speaker(people))
            case DoByHand():
                return HandsDone(person=_speaker(people))
            case AskException():
                return Declined(person=_speaker(people), reason="a rehearsal lets nothing pass")
            case _:
                assert_never(request)

    def attest(self, wanted: StatementWanted) -> Attestation:
        """Sign, or agree where that is enough."""
        if wanted.how == "typed":
            return Attestation(signature=None)
        return Attestation(signature=self._sign(wanted.person, wanted.namespace, wanted.text))

    def again(self, mark: StepFailed) -> bool:
        """Begin a failed step again where the script says so."""
        return self._again(mark)

    def decide(self, wanted: Undecided, present: frozenset[str]) -> Decision:
        """Decide the first thing that can be."""
        able = [person for person in self._plan.people if person.id in present]
        people = _acting(fill(able, wanted.needs))
        return Decision(decision=wanted.decisions[0], people=people, reason="decided by the script of a rehearsal")

    def stopping(self) -> bool:
        """Nobody asks to stop."""
        return False

    def _value(self, request: AskValue, step: PlannedStep) -> str:
        if (given := self._answers.get((step.id, request.name))) is not None:
            return given
        for expectation in step.expect:
            if expectation.result != request.name:
                continue
            match expectation.equals:
                case Literal(value=value):
                    return _as_typed(request.type, value)
                case RecordResultRef() | RecordFileRef() as of:
                    return _as_typed(request.type, self._plan.recorded(of))
                case _:
                    pass  # what no reply has said yet is not known to the script
        if request.type == "choice":
            return next(ask.of[0] for ask in step.asks if ask.name == request.name)
        return "SIMULATED" if request.type == "text" else WORDS[request.type].rpartition(" ")[2]


def _as_typed(kind: str, value: Value) -> str:
    if kind == "size":
        return f"{value} B"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _acting(chosen: Mapping[str, str] | None) -> tuple[Acting, ...]:
    return tuple(Acting(person=person, role=role) for person, role in sorted((chosen or {}).items()))


def _speaker(people: tuple[Acting, ...]) -> str:
    operators = [one.person for one in people if one.role == "operator"]
    return (operators or [one.person for one in people])[0]
