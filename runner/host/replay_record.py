"""A record replayed against its plan, with no device: the same requests in the same order, or the first difference.

Replaying says that this plan leads to this log, given the replies in it. Who wrote the log, and whether the signatures
are good, is what verification says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner import canonical
from runner.audit.entry import EntryType, decode_entry
from runner.engine import Finished
from runner.errors import EvidenceFault, WrongUse
from runner.history import Said, mark_entry, request_entry
from runner.host.past import read_past, whole_lines
from runner.host.resumption import STOPPED_BY_PEOPLE
from runner.host.session import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.audit.entry import Entry
    from runner.host.disk import Disk
    from runner.host.past import Past

DIFFERENT: Final = "LOG070"
"""Replaying leads somewhere else than the log."""

_BY_PEOPLE: Final = frozenset({STOPPED_BY_PEOPLE, UNKNOWN})
"""Rules under which people end a ceremony that could have gone on."""

_STEPS: Final = frozenset({EntryType.STEP_BEGUN, EntryType.STEP_DONE, EntryType.STEP_FAILED, EntryType.STEP_DECLINED})

_MOST: Final = 200
"""Characters of a value that a difference shows."""


class Same(Struct, frozen=True, kw_only=True):
    """The log is what the plan leads to.

    Attributes:
        entries: how many entries there are.
        done: steps that are done.
        steps: steps of the plan that are not left out.
        ended: the outcome of the closing; None where the record is open.
        at: the step under way, or the next where none is; None where the ceremony is over.
        attempt: which attempt at it.
        waiting: the request that has no reply, and its entry; None where none waits.
        torn: bytes behind the last whole entry, which are not looked at.
    """

    entries: int
    done: int
    steps: int
    ended: str | None
    at: str | None
    attempt: int
    waiting: tuple[str, int] | None
    torn: int


class Different(Struct, frozen=True, kw_only=True):
    """The first difference.

    Attributes:
        rule: LOG070, LOG071 or LOG073.
        seq: the entry; None where the record cannot be replayed at all.
        words: what is wrong with it.
        wanted: what the plan leads to there; "" where nothing can be said.
        found: what the log holds there.
    """

    rule: str
    seq: int | None
    words: str
    wanted: str = ""
    found: str = ""


def replay_record(disk: Disk, record: Path) -> Same | Different:
    """Feed a record's replies and room events to its plan, and compare what it says with the log.

    Raises:
        WrongUse: there is no record, or a file of it cannot be read.
    """
    log = record / "log.jsonl"
    if not disk.exists(log):
        raise WrongUse(f"there is no record {record}")
    content = disk.read(log)
    lines = whole_lines(content)
    try:
        past = read_past(disk, record, content)
    except EvidenceFault as fault:
        return _difference(disk, record, lines, fault)
    past.course.engine.close()
    entries = [json.loads(line) for line in lines]  # read and checked once already
    return _end(past, entries) or _same(past, entries, torn=len(content) - len(_joined(lines)))


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _same(past: Past, entries: Sequence[Mapping[str, Any]], *, torn: int) -> Same:
    asked = past.course.asked
    over = past.closed is not None or past.aborted is not None
    steps = [entry for entry in entries if entry["type"] in _STEPS]
    begun = steps[-1] if steps and steps[-1]["type"] == EntryType.STEP_BEGUN else None
    at, attempt = (past.at, past.course.engine.attempt) if begun is None else (begun["step"], begun["attempt"])
    return Same(
        entries=len(entries),
        done=sum(1 for entry in entries if entry["type"] == EntryType.STEP_DONE),
        steps=len(past.checked.plan.active_steps()),
        ended=past.closed,
        at=None if over else at,
        attempt=attempt,
        waiting=None if asked is None else (str(entries[asked.seq]["data"]["kind"]), asked.seq),
        torn=torn,
    )


def _end(past: Past, entries: Sequence[Mapping[str, Any]]) -> Different | None:
    """Compare how the log says the ceremony ended with where the course is: nobody closes what still goes on."""
    finished = next((mark for mark in past.course.turn.marks if isinstance(mark, Finished)), None)
    last = {entry["type"]: entry for entry in entries}
    closed, aborted = last.get(EntryType.CEREMONY_CLOSED), last.get(EntryType.CEREMONY_ABORTED)
    wanted = "the ceremony goes on" if finished is None else f"the ceremony is {finished.outcome}"
    if past.closed == "completed" and closed is not None and (finished is None or finished.outcome != "completed"):
        return _ended(closed, wanted, "the ceremony is closed as completed")
    rule = None if aborted is None else aborted["data"]["rule"]
    if aborted is not None and rule not in _BY_PEOPLE and (finished is None or finished.rule != rule):
        return _ended(aborted, wanted, f"the ceremony is aborted by {rule}")
    return None


def _ended(entry: Mapping[str, Any], wanted: str, found: str) -> Different:
    words = f"entry {entry['seq']} ({entry['type']}) is not the end that the plan leads to"
    return Different(rule=DIFFERENT, seq=entry["seq"], words=words, wanted=wanted, found=found)


# -- the first difference --------------------------------------------------------------------------------------------


def _difference(disk: Disk, record: Path, lines: Sequence[bytes], fault: EvidenceFault) -> Different:
    """Find the first entry up to which the log does not replay: halving what is left takes a few replays."""
    good, bad = 0, len(lines)
    while good + 1 < bad:
        middle = (good + bad) // 2
        try:
            read_past(disk, record, _joined(lines[:middle])).course.engine.close()
            good = middle
        except EvidenceFault as earlier:
            fault, bad = earlier, middle
    if good == 0:  # not even the opening alone: it is about the record, or about entry 0
        return Different(rule=fault.rule, seq=None, words=fault.words)
    if fault.rule != DIFFERENT:
        return Different(rule=fault.rule, seq=good, words=fault.words)
    before = read_past(disk, record, _joined(lines[:good]))
    try:
        wanted, found = _shown(before, decode_entry(lines[good]))
    finally:
        before.course.engine.close()
    return Different(rule=fault.rule, seq=good, words=fault.words, wanted=wanted, found=found)


def _shown(before: Past, entry: Entry) -> tuple[str, str]:
    """Return what the plan leads to after `before`, and what the log has there, with the first data that differ."""
    found = Said(type=entry.type, step=entry.step, attempt=entry.attempt, data=entry.data)
    wanted = _due(before)
    if wanted is None:
        return _waited(before), _named(found)
    if (wanted.type, wanted.step, wanted.attempt) != (found.type, found.step, found.attempt):
        return _named(wanted), _named(found)
    there, here = _first(wanted.data, found.data, "")
    return f"{_named(wanted)}{there}", f"{_named(found)}{here}"


def _due(before: Past) -> Said | None:
    """Return the entry the course says next, None where it waits for a reply or is over."""
    for mark in before.course.turn.marks:
        if (said := mark_entry(mark)) is not None:
            return said
    request, step = before.course.turn.request, before.course.engine.step
    if request is None or step is None or before.course.asked is not None:
        return None
    return request_entry(request, step.id, before.course.engine.attempt)


def _waited(before: Past) -> str:
    asked = before.course.asked
    return "nothing more" if asked is None else f"the reply to entry {asked.seq}"


def _named(said: Said) -> str:
    kind = f" {said.data['kind']}" if "kind" in said.data else ""
    where = "" if said.step is None else f" in {said.step}, attempt {said.attempt}"
    return f"{said.type}{kind}{where}"


def _first(wanted: Any, found: Any, way: str) -> tuple[str, str]:
    """Return the first place where two values differ, as text of both."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        for key in sorted(wanted):
            if canonical.encode(wanted[key]) != canonical.encode(found[key]):
                return _first(wanted[key], found[key], f"{way}.{key}" if way else key)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            if canonical.encode(one) != canonical.encode(other):
                return _first(one, other, f"{way}.{index + 1}")
    return f": {way} = {_text(wanted)}", f": {way} = {_text(found)}"


def _text(value: Any) -> str:
    text = canonical.encode(value).decode()
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
