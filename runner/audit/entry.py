"""Entries of the log: their envelope, the closed data of every type, and the one line each becomes.

`docs/record.md` gives the form. What does not fit is refused when it is written, so that nothing unforeseen, and so no
secret, finds a place in the log.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner import canonical
from runner.audit.shapes import (
    Shape,
    anything,
    count,
    exactly,
    fields,
    flag,
    hexadecimal,
    many,
    optional,
    pattern,
    scalar,
    text,
    whole,
)
from runner.canonical import NotCanonical
from runner.errors import Defect
from runner.vocabulary import ID, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
LONGEST: Final = 65_535
"""Bytes of a line with its line feed; the bundle format of C2SP tlog-tiles has a 16-bit length."""
_FROM_OUTSIDE: Final = 2_048
"""Bytes of a value from outside; entry 0 has a few of them, and much else."""

BEFORE_FIRST: Final = "0" * 64
"""`prev` of entry 0."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_BOOT: Final = re.compile(r"[0-9a-f]{16}\Z")


class EntryType(StrEnum):
    """Every type of entry the format knows."""

    CEREMONY_OPENED = "ceremony.opened"
    PERSON_PRESENT = "person.present"
    PERSON_LEFT = "person.left"
    STEP_BEGUN = "step.begun"
    REQUEST = "request"
    REPLY = "reply"
    ATTESTED = "attested"
    CHECKPOINT = "checkpoint"
    STEP_DONE = "step.done"
    STEP_FAILED = "step.failed"
    STEP_DECLINED = "step.declined"
    EXCEPTION = "exception"
    SUBSTITUTION = "substitution"
    BREAK_BEGUN = "break.begun"
    BREAK_ENDED = "break.ended"
    CLOCK_STEPPED = "clock.stepped"
    STATION_HANDED_OVER = "station.handed_over"
    LOG_RECOVERED = "log.recovered"
    CEREMONY_RESUMED = "ceremony.resumed"
    STEP_RESOLVED = "step.resolved"
    CEREMONY_SUSPENDED = "ceremony.suspended"
    CEREMONY_ABORTED = "ceremony.aborted"
    CEREMONY_CLOSED = "ceremony.closed"


class Entry(Struct, frozen=True, kw_only=True):
    """One entry, before it is a line.

    Attributes:
        seq: its number, from 0.
        prev: the leaf hash of the line before, 64 hex; `BEFORE_FIRST` at 0.
        time: UTC, `2026-11-25T18:23:05.123456Z`.
        mono_us: microseconds of a clock that never goes back, comparable within one `boot`.
        boot: 16 hex, one per process.
        type: what happened.
        step: the step it happened in, None outside steps.
        attempt: from 1, None outside steps.
        actors: ids of the people who did it, sorted, each once.
        data: what is known of it, closed by its type.
    """

    seq: int
    prev: str
    time: str
    mono_us: int
    boot: str
    type: EntryType
    step: str | None
    attempt: int | None
    actors: tuple[str, ...]
    data: Mapping[str, Any]


def encode_entry(entry: Entry) -> bytes:
    """Return the line of an entry, canonical, without its line feed.

    Raises:
        Defect: the envelope or the data do not fit, have no canonical form, or are too long.
    """
    _check_envelope(entry)
    data = dict(entry.data)
    SHAPES[entry.type](data, entry.type.value)
    value = {
        "v": VERSION,
        "seq": entry.seq,
        "prev": entry.prev,
        "time": entry.time,
        "mono_us": entry.mono_us,
        "boot": entry.boot,
        "type": entry.type.value,
        "step": entry.step,
        "attempt": entry.attempt,
        "actors": list(entry.actors),
        "data": data,
    }
    try:
        line = canonical.encode(value)
    except NotCanonical as error:
        raise Defect(f"{entry.type}: {error}") from None
    if len(line) + 1 > LONGEST:
        raise Defect(f"{entry.type} takes {len(line) + 1} bytes, more than {LONGEST}")
    return line


def fits(shape: Shape, value: object) -> bool:
    """Say whether a value from outside can stand in an entry: it has the shape, a canonical form, and is not long."""
    try:
        shape(value, "")
        return len(canonical.encode(value)) <= _FROM_OUTSIDE
    except (Defect, NotCanonical):
        return False


def decode_entry(line: bytes) -> Entry:
    """Return the entry of a line that this program wrote, without its line feed.

    Raises:
        NotCanonical: other bytes than `encode_entry` gives for what they say.
    """
    value = canonical.decode(line)
    try:
        if type(value) is not dict or value.pop("v") != VERSION:
            raise NotCanonical("not an entry of this version")
        given = {**value, "type": EntryType(value["type"]), "actors": tuple(value["actors"])}
        entry = Entry(**given)
        spelled = encode_entry(entry)
    except (KeyError, TypeError, ValueError, Defect):
        raise NotCanonical("not an entry") from None
    if spelled != line:
        raise NotCanonical("not an entry as it is written")
    return entry


def _check_envelope(entry: Entry) -> None:
    faults = {
        "seq": type(entry.seq) is int and entry.seq >= 0,
        "prev": _HASH.match(entry.prev) is not None and (entry.seq > 0 or entry.prev == BEFORE_FIRST),
        "time": _TIME.match(entry.time) is not None,
        "mono_us": type(entry.mono_us) is int and entry.mono_us >= 0,
        "boot": _BOOT.match(entry.boot) is not None,
        "attempt": (entry.step is None) is (entry.attempt is None) and (entry.attempt is None or entry.attempt >= 1),
        "step": entry.step is None or re.fullmatch(ID, entry.step) is not None,
        "actors": list(entry.actors) == sorted(set(entry.actors)),
    }
    wrong = sorted(name for name, holds in faults.items() if not holds)
    if wrong:
        raise Defect(f"{entry.type}: {', '.join(wrong)} of the envelope does not fit")


_ID: Final = pattern(ID)
_NAME: Final = pattern(NAME)
_RULE: Final = pattern(r"[A-Z]{3}\d{3}")
_DIGEST: Final = hexadecimal(64)
_EMPTY: Final = fields()

_DEVICE: Final = fields(
    id=_ID,
    backend=exactly("emulator"),
    serial=text,
    audit=fields(size=count, head=_DIGEST),
    inventory=fields(mode=text, world=text, keys=many(text, ordered=True), cards=many(text, ordered=True)),
)
_FILE: Final = fields(artefact=_ID, file=text, store=exactly("station", "device"), at=_ID, size=count, sha256=_DIGEST)
_COMPARISON: Final = fields(
    result=_NAME,
    found=scalar,
    expected=scalar,
    against=exactly("plan", "published", "simulated", "step", "record"),
    published=optional(scalar),
)
_RUNNER: Final = fields(version=text, bundle_sha256=_DIGEST)
_ORIGIN: Final = pattern(r"[^\s+]+")
BEACON: Final = fields(source=text, value=text)
PREVIOUS: Final = fields(origin=_ORIGIN, size=count, root=text)
"""What entry 0 binds that comes from outside: a public value, and the last checkpoint of the ceremony before."""
_OPENED: Final = fields(
    record=exactly("record/1"),
    ceremony=hexadecimal(32),
    origin=_ORIGIN,
    rehearsal=flag,
    sitting=exactly(0),
    stations=many(_ID),
    plan_sha256=_DIGEST,
    manifest_sha256=_DIGEST,
    approvals=many(fields(person=_ID, sha256=_DIGEST)),
    signers=exactly("roster", "simulated"),
    allowed_signers_sha256=_DIGEST,
    trust=fields(list_=exactly("published", "simulated"), sha256=_DIGEST),
    environment_sha256=optional(_DIGEST),
    runner=_RUNNER,
    log_key=text,
    devices=many(_DEVICE),
    beacon=optional(BEACON),
    previous=optional(PREVIOUS),
)
_RESUMED: Final = fields(
    sitting=count,
    log_key=text,
    stations=many(_ID),
    environment_sha256=optional(_DIGEST),
    runner=_RUNNER,
    unsigned=count,
    devices=many(_DEVICE),
)
_ATTESTED: Final = fields(
    person=_ID,
    role=_ID,
    about=exactly("consent", "result", "close", "handover", "recovery", "resolution"),
    how=exactly("signed", "typed"),
    size=count,
    statement_sha256=_DIGEST,
    signature_sha256=optional(_DIGEST),
)

SHAPES: Final[Mapping[EntryType, Shape]] = {
    EntryType.CEREMONY_OPENED: _OPENED,
    EntryType.CEREMONY_RESUMED: _RESUMED,
    EntryType.LOG_RECOVERED: fields(offset=count, size=count, sha256=_DIGEST),
    EntryType.PERSON_PRESENT: fields(person=_ID, roles=many(_ID)),
    EntryType.PERSON_LEFT: fields(person=_ID),
    EntryType.SUBSTITUTION: fields(absent=_ID, instead=_ID, by=_ID, reason=text),
    EntryType.EXCEPTION: fields(rule=_RULE, about=text, people=many(_ID, ordered=True), reason=text),
    EntryType.CLOCK_STEPPED: fields(by_us=whole),
    EntryType.STEP_BEGUN: fields(title=text),
    EntryType.ATTESTED: _ATTESTED,
    EntryType.REQUEST: fields(kind=_NAME, device=optional(_ID), mutates=flag, request=anything),
    EntryType.REPLY: fields(to=count, kind=_NAME, reply=anything, device=optional(_DEVICE)),
    EntryType.STEP_DONE: fields(
        results=many(fields(name=_NAME, value=scalar)),
        made=many(_FILE),
        destroyed=many(_ID),
        comparisons=many(_COMPARISON),
    ),
    EntryType.STEP_FAILED: fields(
        rule=_RULE,
        status=optional(text),
        result=optional(_NAME),
        expected=optional(scalar),
        found=optional(scalar),
    ),
    EntryType.STEP_DECLINED: fields(person=_ID, reason=text),
    EntryType.STEP_RESOLVED: fields(
        decision=exactly("happened", "redo", "abandon"),
        read_back=flag,
        people=many(_ID, ordered=True),
        reason=text,
        devices=many(_DEVICE),
    ),
    EntryType.BREAK_BEGUN: fields(by=_ID, reason=text),
    EntryType.BREAK_ENDED: _EMPTY,
    EntryType.CHECKPOINT: fields(size=count, note=text),
    EntryType.STATION_HANDED_OVER: fields(to=_ID, step=_ID, devices=many(_DEVICE)),
    EntryType.CEREMONY_SUSPENDED: fields(rule=_RULE, devices=many(_DEVICE)),
    EntryType.CEREMONY_ABORTED: fields(rule=_RULE, by=optional(_ID), reason=optional(text), devices=many(_DEVICE)),
    EntryType.CEREMONY_CLOSED: fields(outcome=exactly("completed", "aborted"), devices=many(_DEVICE)),
}
"""The data of every type."""
