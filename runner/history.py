"""The log as the history: what the engine says as entries, and the engine rebuilt from entries.

`docs/record.md` gives the data of each entry. Rebuilding feeds replies and room events back in log order and demands
that the engine says and asks exactly what the log holds, compared as canonical bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from msgspec import Struct

from runner import canonical
from runner.audit.entry import EntryType
from runner.canonical import NotCanonical
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, Mark, StepBegun, StepDeclined, StepDone, StepFailed, Turn
from runner.errors import ControlFault, EvidenceFault
from runner.exchange import (
    BreakBegun,
    BreakEnded,
    PersonLeft,
    PersonPresent,
    Request,
    RoomEvent,
    Substituted,
    parse_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.audit.entry import Entry
    from runner.plan import CheckedPlan, Plan, TrustList


class Said(Struct, frozen=True, kw_only=True):
    """An entry's own part, before the log gives it its place: type, step, attempt, data."""

    type: EntryType
    step: str | None
    attempt: int | None
    data: Mapping[str, Any]


def mark_entry(mark: Mark) -> Said | None:
    """Return the entry a mark is, or None for the end, which the session writes with what the devices say."""
    match mark:
        case StepBegun():
            return Said(type=EntryType.STEP_BEGUN, step=mark.step, attempt=mark.attempt, data={"title": mark.title})
        case StepDone():
            return Said(type=EntryType.STEP_DONE, step=mark.step, attempt=mark.attempt, data=_done(mark))
        case StepFailed():
            data = {
                "rule": mark.rule,
                "status": mark.status,
                "result": mark.result,
                "expected": mark.expected,
                "found": mark.found,
            }
            return Said(type=EntryType.STEP_FAILED, step=mark.step, attempt=mark.attempt, data=data)
        case StepDeclined(person=person, reason=reason):
            data = {"person": person, "reason": reason}
            return Said(type=EntryType.STEP_DECLINED, step=mark.step, attempt=mark.attempt, data=data)
        case Finished():
            return None
        case _:
            assert_never(mark)


def request_entry(request: Request, step: str, attempt: int) -> Said:
    """Return the entry a request is."""
    data = {
        "kind": kind_of(type(request)),
        "device": getattr(request, "device", None),
        "mutates": request.mutates,
        "request": to_data(request),
    }
    return Said(type=EntryType.REQUEST, step=step, attempt=attempt, data=data)


def event_entry(event: RoomEvent, plan: Plan) -> Said:
    """Return the entry a room event is."""
    match event:
        case PersonPresent(person=person):
            found = plan.person(person)
            roles = list(found.roles) if found else []
            return Said(type=EntryType.PERSON_PRESENT, step=None, attempt=None, data={"person": person, "roles": roles})
        case PersonLeft(person=person):
            return Said(type=EntryType.PERSON_LEFT, step=None, attempt=None, data={"person": person})
        case Substituted():
            return Said(type=EntryType.SUBSTITUTION, step=None, attempt=None, data=to_data(event))
        case BreakBegun():
            return Said(type=EntryType.BREAK_BEGUN, step=None, attempt=None, data=to_data(event))
        case BreakEnded():
            return Said(type=EntryType.BREAK_ENDED, step=None, attempt=None, data={})
        case _:
            assert_never(event)


def rebuild(checked: CheckedPlan, trust: TrustList, entries: Iterable[Entry]) -> tuple[Engine, Turn]:
    """Return the engine as it was at the end of the log, and its last turn with what the log already holds taken off.

    Where the log ends with a request that has no reply, that request is the turn's and stands in the engine as pending.

    Args:
        checked: the plan the record says it followed.
        trust: the trust list entry 0 binds.
        entries: the log's entries in order.

    Raises:
        EvidenceFault: LOG070 where the log holds something else than the engine says, LOG071 where a reply does not
            answer the request before it; both name the entry.
    """
    engine = Engine(checked, trust)
    try:
        return engine, _Replay(engine).run(entries)
    except BaseException:
        engine.close()
        raise


class _Replay:
    """One log being fed back: what the engine is due to say is compared with what the log holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Turn(marks=(), request=None)
        self._due: list[Said] = []
        self._started = False

    def run(self, entries: Iterable[Entry]) -> Turn:
        for entry in entries:
            event = _event(entry)
            if event is not None:
                _happened(self._engine, event, entry)
            elif entry.type in _COURSE:
                self._start()
                self._course(entry)
        self._start()
        kept = tuple(mark for mark in self._turn.marks if isinstance(mark, Finished) or mark_entry(mark) in self._due)
        return Turn(marks=kept, request=self._turn.request)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._says(self._engine.start())

    def _says(self, turn: Turn) -> None:
        self._turn, self._due = turn, _entries(turn, self._engine)

    def _course(self, entry: Entry) -> None:
        """Take an entry that is part of the course; what people decided is fed in just before it is compared."""
        match entry.type:
            case EntryType.REPLY:
                self._says(self._engine.answer(_reply(self._engine, entry, self._due)))
                return
            case EntryType.STEP_RESOLVED:
                self._resolved(entry)
                return
            case EntryType.STEP_FAILED if (stopped := self._engine.reconsider()) is not None:
                self._says(stopped)
            case EntryType.STEP_DECLINED if not self._is_due(entry):
                self._declined(entry)
            case EntryType.STEP_BEGUN if self._engine.may_retry:
                self._says(self._engine.retry())
            case _:
                pass
        if not self._is_due(entry):
            raise EvidenceFault(f"entry {entry.seq} ({entry.type}) is not what the plan leads to here", rule="LOG070")
        self._due.pop(0)

    def _declined(self, entry: Entry) -> None:
        """Take it that somebody would not attest: to a step under way, or to a result that the log does not hold."""
        due = [mark for mark in self._turn.marks if isinstance(mark, StepDone) and mark_entry(mark) in self._due]
        if due or self._engine.step is not None:
            result = due[0] if due else None
            self._says(self._engine.decline(entry.data["person"], entry.data["reason"], result=result))

    def _resolved(self, entry: Entry) -> None:
        if entry.data["decision"] == "abandon":
            return
        if self._engine.pending is None or self._due:
            raise EvidenceFault(f"entry {entry.seq} resolves a step that nothing is open in", rule="LOG070")
        if entry.data["decision"] == "redo":
            self._says(self._engine.redo())

    def _is_due(self, entry: Entry) -> bool:
        said = Said(type=entry.type, step=entry.step, attempt=entry.attempt, data=entry.data)
        return bool(self._due) and _same(self._due[0], said)


_COURSE = frozenset(
    {
        EntryType.STEP_BEGUN,
        EntryType.REQUEST,
        EntryType.REPLY,
        EntryType.STEP_DONE,
        EntryType.STEP_FAILED,
        EntryType.STEP_DECLINED,
        EntryType.STEP_RESOLVED,
    }
)


def _entries(turn: Turn, engine: Engine) -> list[Said]:
    said = [entry for mark in turn.marks if (entry := mark_entry(mark)) is not None]
    if turn.request is not None and engine.step is not None:
        said.append(request_entry(turn.request, engine.step.id, engine.attempt))
    return said


def _reply(engine: Engine, entry: Entry, expected: list[Said]) -> Any:
    if expected or engine.pending is None:
        raise EvidenceFault(f"entry {entry.seq} is a reply to a request the log does not hold", rule="LOG070")
    try:
        return parse_reply(engine.pending, entry.data["kind"], entry.data["reply"])
    except NotCanonical as fault:
        raise EvidenceFault(f"entry {entry.seq}: {fault}", rule="LOG071") from None


def _happened(engine: Engine, event: RoomEvent, entry: Entry) -> None:
    try:
        engine.happened(event)
    except ControlFault as fault:
        raise EvidenceFault(f"entry {entry.seq}: {fault.words}", rule="LOG070") from None


def _event(entry: Entry) -> RoomEvent | None:
    match entry.type:
        case EntryType.PERSON_PRESENT:
            return PersonPresent(person=entry.data["person"])
        case EntryType.PERSON_LEFT:
            return PersonLeft(person=entry.data["person"])
        case EntryType.SUBSTITUTION:
            return Substituted(**entry.data)
        case EntryType.BREAK_BEGUN:
            return BreakBegun(**entry.data)
        case EntryType.BREAK_ENDED:
            return BreakEnded()
        case _:
            return None


def _same(left: Said, right: Said) -> bool:
    places = (left.type, left.step, left.attempt) == (right.type, right.step, right.attempt)
    return places and canonical.encode(dict(left.data)) == canonical.encode(dict(right.data))


def _done(mark: StepDone) -> dict[str, Any]:
    return {
        "results": [{"name": name, "value": value} for name, value in mark.results],
        "made": [
            {
                "artefact": artefact,
                "file": fact.file,
                "store": fact.store,
                "at": fact.at,
                "size": fact.size,
                "sha256": fact.sha256,
            }
            for artefact, fact in mark.seen
        ],
        "destroyed": list(mark.destroyed),
        "comparisons": [to_data(comparison) for comparison in mark.comparisons],
    }
