"""From the raw bytes of a log to entries that are in order, one line at a time.

For each line, in this order: (1) it ends, and is not over-long; (2) its bytes are hashed as they are; (3) they are the
canonical spelling of (4) an entry of a known type and shape; (5) its number is its place; (6) it names the line before;
(7) its clock did not go back, unless another process begins a sitting. The first line that fails ends the reading:
nothing after it is in a known place.

Nearly every line of a log is one of a few kinds in one spelling, and is recognised by it: what `Recogniser` returns
is what the reading step by step gives, only sooner. What it does not recognise is read step by step.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner import canonical
from runner.canonical import NotCanonical
from runner.verification.forms import fit_data
from runner.verification.proofs import PROVED_BY
from runner.verification.quick_shapes import quick_forms
from runner.verification.reading import HASH, ID, ShapeError, fit, positive, rising, whole
from runner.verification.tree import leaf_hash
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.verification.spelling import Spelling

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


_NUMBER: Final = "0|[1-9][0-9]{0,14}"
_QUOTED: Final = f'"{ID.pattern}"'
_LINE: Final = re.compile(
    rf'\{{"actors":\[((?:{_QUOTED}(?:,{_QUOTED})*)?)\],"attempt":(null|[1-9][0-9]{{0,14}}),"boot":"([0-9a-f]{{16}})",'
    rf'"data":(\{{.*\}}),"mono_us":({_NUMBER}),"prev":"([0-9a-f]{{64}})","seq":({_NUMBER}),"step":(null|{_QUOTED}),'
    rf'"time":"({_TIME.pattern})","type":"([a-z.]+)","v":1\}}\n',
    re.DOTALL,
)
"""A line in its one spelling. What stands for `data` is read as a whole by itself, so no part of it passes for more."""

_OFTEN: Final = frozenset({"step.begun", "request"})
_KEPT: Final = 1024
_SHORT: Final = 4096
"""Of data that come often so many are kept, none of so many characters."""


class Entry(NamedTuple):
    """One entry as it was read; `leaf` is the hash of its raw line, `start` the place of its first byte in the log.

    `fitted` says that a request or reply is known to have the fields of its kind.
    """

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
    fitted: bool = False


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


def read_log(pieces: Iterable[bytes], spelling: Spelling) -> Iterator[Entry | Finding | LooseEnd]:
    """Give the entries of a log in order; the first fault is the last thing given, as a finding or a loose end.

    Args:
        pieces: the lines with their line feeds; a piece may be cut off beyond `LONGEST` bytes.
        spelling: what parses and spells JSON.
    """
    rest = iter(pieces)
    before: Entry | None = None
    start = 0
    recognise = Recogniser(spelling).recognise
    for place, piece in enumerate(rest):
        entry = recognise(piece, start) or read_line(place, piece, start)
        start += len(piece)
        fault = _follows(entry, before, rest)
        if fault is not None:
            yield fault
            return
        if isinstance(entry, Entry):
            yield entry
            before = entry


def take_entry(piece: bytes, start: int, spelling: Spelling) -> Entry:
    """Return a line that was read before, and found in order, as the entry it is.

    Its `leaf` is left empty, but for a request whose reply is held to it.
    """
    value = spelling.parse(piece)
    named = value["type"] == "request" and value["data"]["kind"] == PROVED_BY
    return Entry(
        value["seq"],
        value["prev"],
        value["time"],
        value["mono_us"],
        value["boot"],
        value["type"],
        value["step"],
        value["attempt"],
        tuple(value["actors"]),
        value["data"],
        leaf_hash(piece[:-1]) if named else b"",
        start,
        True,  # noqa: FBT003 (its fields in their order, which takes half as long as by their names)
    )


class Recogniser:
    """Reads lines of the ordinary kinds.

    What is asked is mostly asked again in the same words, so data that may well come again are kept for a while.
    """

    def __init__(self, spelling: Spelling) -> None:
        self._parse, self._spell = spelling.parse, spelling.spell
        self._forms = quick_forms()
        self._again = lru_cache(_KEPT)(self._data)

    def recognise(self, piece: bytes, start: int) -> Entry | None:
        """Return a line as the entry it is; None where that takes a closer look."""
        try:
            line = piece.decode()
            match = _LINE.fullmatch(line)
            if match is None or len(piece) > LONGEST or "\x7f" in line:
                return None
            actors, attempt, boot, spelt, mono_us, prev, seq, step, time, kind = match.groups()
            dt.datetime.fromisoformat(time)
        except ValueError:
            return None
        often = kind in _OFTEN and len(spelt) < _SHORT
        data = self._again(kind, spelt) if often else self._data(kind, spelt)
        named = _named(actors)
        if data is None or named is None or (step == "null") is not (attempt == "null"):
            return None
        return Entry(  # its fields in their order, which takes half as long as by their names
            int(seq),
            prev,
            time,
            int(mono_us),
            boot,
            kind,
            None if step == "null" else step[1:-1],
            None if attempt == "null" else int(attempt),
            named,
            data,
            leaf_hash(piece[:-1]),
            start,
            True,  # noqa: FBT003 (as above)
        )

    def _data(self, kind: str, spelt: str) -> dict[str, Any] | None:
        form = self._forms.get(kind)
        if form is None:
            return None
        try:
            value: dict[str, Any] = self._parse(spelt)
            return value if self._spell(value) == spelt and form(value) else None
        except (ValueError, TypeError, RecursionError):
            return None


@lru_cache(256)
def _named(actors: str) -> tuple[str, ...] | None:
    """Return the ids of a list without its brackets; None where they do not rise."""
    named = tuple(actors[1:-1].split('","')) if actors else ()
    return named if rising(named) else None


def read_line(place: int, piece: bytes, start: int) -> Entry | Finding:
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
    if not _is_moment(value["time"]):
        raise ShapeError("entry.time is no moment")
    if (value["step"] is None) is not (value["attempt"] is None):
        raise ShapeError("entry.step and entry.attempt stand together or not at all")
    if not rising(value["actors"]):
        raise ShapeError("entry.actors are not sorted, each once")


def _is_moment(time: str) -> bool:
    try:
        dt.datetime.fromisoformat(time)
    except ValueError:
        return False
    return True


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
    following = read_line(entry.seq + 1, after, 0)
    return loose.finding(last=not (isinstance(following, Entry) and following.prev == entry.leaf.hex()))


def _mended(entry: Entry, before: Entry) -> bytes:
    line = {name: item for name, item in entry._asdict().items() if name in _ENVELOPE}
    return leaf_hash(canonical.encode({**line, "v": 1, "actors": list(entry.actors), "prev": before.leaf.hex()}))
