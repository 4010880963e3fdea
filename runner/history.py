"""The log as the history: what the engine says as entries, and the engine rebuilt from entries.

`docs/record.md` gives the data of each entry. Rebuilding feeds replies and room events back in log order and demands
that the engine says and asks exactly what the log holds, compared as canonical bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from runner import canonical
from runner.audit.entry import EntryType
from runner.canonical import NotCanonical
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, Mark, StepBegun, StepDone, StepFailed, Turn
from runner.errors import ControlFault, EvidenceFault
from runner.exchange import BreakBegun, BreakEnded, PersonLeft, PersonPresent, Request, RoomEvent, parse_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.audit.entry import Entry
    from runner.plan import CheckedPlan, Plan, TrustList


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
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
        case Finished():
            return None
        case _:
            assert_never(mark)


def request_entry(request: Request, step: str) -> Said:
    """Return the entry a request is."""
    data = {
        "kind": kind_of(type(request)),
        "device": getattr(request, "device", None),
        "mutates": request.mutates,
        "request": to_data(request),
    }
    return Said(type=EntryType.REQUEST, step=step, attempt=1, data=data)


def event_entry(event: RoomEvent, plan: Plan) -> Said:
    """Return the entry a room event is."""
    match event:
        case PersonPresent(person=person):
            found = plan.person(person)
            roles = list(found.roles) if found else []
            return Said(type=EntryType.PERSON_PRESENT, step=None, attempt=None, data={"person": person, "roles": roles})
        case PersonLeft(person=person):
            return Said(type=EntryType.PERSON_LEFT, step=None, attempt=None, data={"person": person})
        case BreakBegun():
            return Said(type=EntryType.BREAK_BEGUN, step=None, attempt=None, data={})
        case BreakEnded():
            return Said(type=EntryType.BREAK_ENDED, step=None, attempt=None, data={})
        case _:
            assert_never(event)


def rebuild(checked: CheckedPlan, trust: TrustList, entries: Iterable[Entry]) -> tuple[Engine, Turn]:
    """Return the engine as it was at the end of the log, and its last turn with what the log already holds taken off.

    Args:
        checked: the plan the record says it followed.
        trust: the trust list entry 0 binds.
        entries: the log's entries in order.

    Raises:
        EvidenceFault: LOG070 where the log holds something else than the engine says, LOG071 where a reply does not
            answer the request before it; both name the entry.
    """
    engine = Engine(checked, trust)
    expected: list[Said] = []
    turn = Turn(marks=(), request=None)
    started = False
    for entry in entries:
        event = _event(entry)
        if event is not None:
            _happened(engine, event, entry)
            continue
        if entry.type not in _COURSE:
            continue
        if not started:
            turn, started = engine.start(), True
            expected = _entries(turn, engine)
        if entry.type is EntryType.REPLY:
            turn = engine.answer(_reply(engine, entry, expected))
            expected = _entries(turn, engine)
            continue
        if entry.type is EntryType.STEP_FAILED and (stopped := engine.reconsider()) is not None:
            turn, expected = stopped, _entries(stopped, engine)
        said = Said(type=entry.type, step=entry.step, attempt=entry.attempt, data=entry.data)
        if not expected or not _same(expected[0], said):
            engine.close()
            raise EvidenceFault(f"entry {entry.seq} ({entry.type}) is not what the plan leads to here", rule="LOG070")
        expected.pop(0)
    if not started:
        turn = engine.start()
        expected = _entries(turn, engine)
    kept = tuple(mark for mark in turn.marks if isinstance(mark, Finished) or mark_entry(mark) in expected)
    return engine, Turn(marks=kept, request=turn.request)


_COURSE = frozenset(
    {EntryType.STEP_BEGUN, EntryType.REQUEST, EntryType.REPLY, EntryType.STEP_DONE, EntryType.STEP_FAILED}
)


def _entries(turn: Turn, engine: Engine) -> list[Said]:
    said = [entry for mark in turn.marks if (entry := mark_entry(mark)) is not None]
    if turn.request is not None and engine.step is not None:
        said.append(request_entry(turn.request, engine.step.id))
    return said


def _reply(engine: Engine, entry: Entry, expected: list[Said]) -> Any:
    if expected or engine.pending is None:
        engine.close()
        raise EvidenceFault(f"entry {entry.seq} is a reply to a request the log does not hold", rule="LOG070")
    try:
        return parse_reply(engine.pending, entry.data["kind"], entry.data["reply"])
    except NotCanonical as fault:
        engine.close()
        raise EvidenceFault(f"entry {entry.seq}: {fault}", rule="LOG071") from None


def _happened(engine: Engine, event: RoomEvent, entry: Entry) -> None:
    try:
        engine.happened(event)
    except ControlFault as fault:
        engine.close()
        raise EvidenceFault(f"entry {entry.seq}: {fault.words}", rule="LOG070") from None


def _event(entry: Entry) -> RoomEvent | None:
    match entry.type:
        case EntryType.PERSON_PRESENT:
            return PersonPresent(person=entry.data["person"])
        case EntryType.PERSON_LEFT:
            return PersonLeft(person=entry.data["person"])
        case EntryType.BREAK_BEGUN:
            return BreakBegun()
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
