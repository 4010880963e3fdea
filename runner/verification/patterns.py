"""The patterns of typed answers (docs/record.md, "Answers"), matched in time that grows with pattern times text.

A record is read by whoever gets it, so a pattern in it may be anybody's: it is never handed to a regular expression
engine, which some patterns keep busy for years.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from runner.verification.reading import ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 200
"""Characters of a pattern."""

_ESCAPED: Final = r"\\[!-/:-@\[-`{-~]"
_MEMBER: Final = rf"(?:[^\\\[\]^&~|-]|{_ESCAPED})"
_RANGE: Final = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?|(-)", re.DOTALL)
_PIECE: Final = re.compile(
    rf"(?:\[(?P<but>\^?)(?P<members>(?:{_MEMBER}(?:-{_MEMBER})?)+-?)\]|(?P<one>[^\\\[\](){{}}*+?|^$]|{_ESCAPED}))"
    r"(?:(?P<sign>[*+?])|\{(?P<least>[0-9]{1,3})(?P<most>,(?P<to>[0-9]{0,3}))?\})?",
    re.DOTALL,
)
_SIGNS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Characters from any of `ranges`, or from none of them where `but`; `least` to `most` times, None: no end."""

    ranges: tuple[tuple[str, str], ...]
    but: bool
    least: int
    most: int | None

    def takes(self, character: str) -> bool:
        """Say whether a character is one of those."""
        return any(first <= character <= last for first, last in self.ranges) is not self.but


Pattern = tuple[Piece, ...]


def read_pattern(text: str) -> Pattern:
    """Return the pieces of a pattern.

    Raises:
        ShapeError: it is no such pattern.
    """
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or len(text) > LONGEST:
            raise ShapeError("an answer has a pattern that the format has not")
        pieces.append(_piece(match))
        at = match.end()
    return tuple(pieces)


def _piece(match: re.Match[str]) -> Piece:
    if match["one"] is None:
        ranges, but = tuple(_ranges(match["members"])), match["but"] == "^"
    elif match["one"] == ".":
        ranges, but = (("\n", "\n"),), True
    else:
        ranges, but = ((match["one"][-1],) * 2,), False
    if match["sign"] is not None:
        least, most = _SIGNS[match["sign"]]
    else:
        least = int(match["least"] or 1)
        most = least if match["most"] is None else int(match["to"]) if match["to"] else None
    if (most is not None and least > most) or any(first > last for first, last in ranges):
        raise ShapeError("an answer has a pattern with a range that ends before it begins")
    return Piece(ranges=ranges, but=but, least=least, most=most)


def _ranges(members: str) -> Iterator[tuple[str, str]]:
    for match in _RANGE.finditer(members):
        first = (match[1] or match[3])[-1]
        yield first, match[2][-1] if match[2] else first


def matches(pattern: Pattern, text: str) -> bool:
    """Say whether all of a text fits a pattern."""
    reached = {0}
    for piece in pattern:
        reached = _beyond(piece, text, reached)
    return len(text) in reached


def _beyond(piece: Piece, text: str, reached: set[int]) -> set[int]:
    """Return where a piece may end that begins at one of these places.

    From each place it goes on as far as its characters do. What all of them reach is added up as stretches: one more
    where a stretch begins, one less behind its end.
    """
    run = [0] * (len(text) + 1)
    for at in range(len(text) - 1, -1, -1):
        run[at] = run[at + 1] + 1 if piece.takes(text[at]) else 0
    steps = [0] * (len(text) + 2)
    for at in reached:
        longest = run[at] if piece.most is None else min(run[at], piece.most)
        if longest >= piece.least:
            steps[at + piece.least] += 1
            steps[at + longest + 1] -= 1
    return {at for at, over in enumerate(accumulate(steps)) if over}
