"""From the raw bytes of a log to entries that are in order, one line at a time.

For each line, in this order: (1) it ends, and is not over-long; (2) its bytes are hashed as they are; (3) they are the
canonical spelling of (4) an entry of a known type and shape; (5) its number is its place; (6) it names the line before;
(7) its clock did not go back, unless another process begins a sitting. The first line that fails ends the reading:
nothing after it is in a known place.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner import canonical
from runner.canonical import NotCanonical
from runner.verification.forms import fit_data
from runner.verification.reading import HASH, ID, ShapeError, fit, positive, rising, whole
from runner.verification.tree import leaf_hash
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 65_535
"""Bytes of a line with its line feed."""

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_ENVELOPE: Final = {
    "v": lambda value: type(value) is int and value == 1,
    "seq": whole,
    "prev": HASH,
    "time": _TIME,
    "mono_us": whole,
    "boot": re.compile("[0-9a-f]{16}"),
    "type": str,
    "step": (ID, None),
    "attempt": (positive, None),
    "actors": [ID],
    "data": dict,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it was read; `leaf` is the hash of its raw line, `start` the place of its first byte in the log."""

    seq: int
    prev: str
    time: str
    mono_us: int
    boot: str
    type: str
    step: str | None
    attempt: int | None
    actors: tuple[str, ...]
    data: dict[str, Any]
    leaf: bytes
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseEnd:
    """The last line does not follow the one before it, and only a checkpoint over both can say which was changed.

    Attributes:
        seq: the last line's number.
        mended: what its leaf hash would be if it named the line before it.
    """

    seq: int
    mended: bytes

    def finding(self, *, last: bool) -> Finding:
        """Return rule LOG006 about the last line, or the one before it."""
        if last:
            return Finding(rule="LOG006", seq=self.seq, words=f"it does not follow entry {self.seq - 1}")
        return Finding(rule="LOG006", seq=self.seq - 1, words=f"it is not the one that entry {self.seq} follows")


def read_log(pieces: Iterator[bytes]) -> Iterator[Entry | Finding | LooseEnd]:
    """Give the entries of a log in order; the first fault is the last thing given, as a finding or a loose end.

    Args:
        pieces: the lines with their line feeds; a piece may be cut off beyond `LONGEST` bytes.
    """
    before: Entry | None = None
    start = 0
    for place, piece in enumerate(pieces):
        entry = _read_line(place, piece, start)
        start += len(piece)
        fault = entry if isinstance(entry, Finding) else _follows(entry, before, pieces)
        if fault is not None:
            yield fault
            return
        if isinstance(entry, Entry):
            yield entry
            before = entry


def _read_line(place: int, piece: bytes, start: int) -> Entry | Finding:
    """Return a line as an entry: rules LOG001 (its end), LOG002 (length), LOG003 (canonical), LOG004 (shape)."""
    if len(piece) > LONGEST:
        return Finding(rule="LOG002", seq=place, words=f"a line of more than {LONGEST} bytes")
    if not piece.endswith(b"\n"):
        words = "the last line has no end, so it is no entry: the log was torn while it was written"
        return Finding(rule="LOG001", seq=place, words=words, means=Outcome.OPEN)
    line = piece[:-1]
    leaf = leaf_hash(line)
    try:
        value = canonical.decode(line)
        fit(value, _ENVELOPE, "entry")
        _fit_envelope(value)
        fit_data(value["type"], value["data"])
    except NotCanonical as error:
        return Finding(rule="LOG003", seq=place, words=f"the line is not canonical: {error}")
    except ShapeError as error:
        return Finding(rule="LOG004", seq=place, words=str(error))
    value["actors"] = tuple(value["actors"])
    return Entry(leaf=leaf, start=start, **{name: item for name, item in value.items() if name != "v"})


def _fit_envelope(value: dict[str, Any]) -> None:
    try:
        dt.datetime.fromisoformat(value["time"])
    except ValueError:
        raise ShapeError("entry.time is no moment") from None
    if (value["step"] is None) is not (value["attempt"] is None):
        raise ShapeError("entry.step and entry.attempt stand together or not at all")
    if not rising(value["actors"]):
        raise ShapeError("entry.actors are not sorted, each once")


def _follows(entry: Entry | Finding, before: Entry | None, rest: Iterator[bytes]) -> Finding | LooseEnd | None:
    """Check an entry against the one before: rules LOG005 (number), LOG006 (chain), LOG007 (clock)."""
    if isinstance(entry, Finding):
        return entry
    place = 0 if before is None else before.seq + 1
    fault: Finding | LooseEnd | None = None
    if entry.seq != place:
        fault = Finding(rule="LOG005", seq=place, words=f"entry {entry.seq} stands in the place of entry {place}")
    elif before is None:
        if entry.prev != "0" * 64:
            fault = Finding(rule="LOG006", seq=0, words="the first entry follows something")
    elif entry.prev != before.leaf.hex():
        fault = _broken_link(entry, before, rest)
    elif entry.boot != before.boot:
        if entry.type != "ceremony.resumed":
            fault = Finding(rule="LOG007", seq=place, words="one sitting is one process, and here another one writes")
    elif entry.mono_us < before.mono_us:
        fault = Finding(rule="LOG007", seq=place, words="a clock that never goes back went back")
    return fault


def _broken_link(entry: Entry, before: Entry, rest: Iterator[bytes]) -> Finding | LooseEnd:
    """Say which side of a broken link changed: if the entry after still names this one, the one before did."""
    after = next(rest, None)
    loose = LooseEnd(seq=entry.seq, mended=_mended(entry, before))
    if after is None:
        return loose
    following = _read_line(entry.seq + 1, after, 0)
    return loose.finding(last=not (isinstance(following, Entry) and following.prev == entry.leaf.hex()))


def _mended(entry: Entry, before: Entry) -> bytes:
    line = {name: getattr(entry, name) for name in _ENVELOPE if name != "v"}
    return leaf_hash(canonical.encode({**line, "v": 1, "actors": list(entry.actors), "prev": before.leaf.hex()}))
