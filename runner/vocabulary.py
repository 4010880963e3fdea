"""Value types used everywhere, each with one spelling.

Ids are `[a-z][a-z0-9-]*`, names of values and results `[a-z][a-z0-9_]*`. Digests are lower-case hex without spaces,
however people wrote them. Sizes are bytes.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

StepId = NewType("StepId", str)
RoleId = NewType("RoleId", str)
PersonId = NewType("PersonId", str)
StationId = NewType("StationId", str)
DeviceId = NewType("DeviceId", str)
MediumId = NewType("MediumId", str)
CardSetId = NewType("CardSetId", str)
ArtefactId = NewType("ArtefactId", str)
RuleId = NewType("RuleId", str)

ID: Final = r"[a-z][a-z0-9-]*"
NAME: Final = r"[a-z][a-z0-9_]*"

_SIZE: Final = re.compile(r"(\d{1,9}) ?(B|kB|MB|GB)\Z", re.ASCII)
_UNITS: Final = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_MOST: Final = 2**53 - 1  # no larger number has one spelling in every JSON parser
_SPACES: Final = re.compile(r"[\s:]+")
_RULE: Final = re.compile(r"(?P<family>[A-Za-z]{3})[ _-]?(?P<number>\d{1,6})\Z", re.ASCII)


_SAME: Final = {
    "backup": "back_up",
    "description": "note",
    "duration": "minutes",
    "inputs": "uses",
    "name": "title",
    "outputs": "produces",
    "people": "quorum",
    "save_files": "back_up",
    "time": "minutes",
}
"""What others call a key or an action, and what it is called here."""

_LONG_WORD: Final = 6
_CERTAIN: Final = 0.8


def hex_digits(text: str) -> str:
    """Return digest text as it is compared: without spaces and colons, in lower case."""
    return _SPACES.sub("", text).lower()


def size_in_bytes(text: str) -> int | None:
    """Return the bytes of a size such as `16 MB` (decimal units, SI), or None where it is no size."""
    match = _SIZE.match(text)
    size = int(match[1]) * _UNITS[match[2]] if match else None
    return None if size is None or size > _MOST else size


def misspelling(word: str, names: Iterable[str]) -> str:
    """Return the name that `word` certainly is a misspelling of: very like it, and the only one; else ""."""
    near = difflib.get_close_matches(word, sorted(set(names)), n=2, cutoff=_CERTAIN)
    return near[0] if len(near) == 1 else ""


def meant(word: str, names: Iterable[str]) -> str:
    """Return the name that somebody means who writes `word`: one for the same thing, or the most alike; else ""."""
    there = set(names)
    same = _SAME.get(word, "")
    return same if same in there else closest(word, there)


def closest(word: str, names: Iterable[str]) -> str:
    """Return the name most like `word`, first of all the same in another case; "" where none is near."""
    there = sorted(set(names))
    if same := [name for name in there if name.casefold() == word.casefold()]:
        return word if word in same else same[0]
    likeness = 0.6 if len(word) < _LONG_WORD else 0.7
    near = difflib.get_close_matches(word, there, n=1, cutoff=likeness)
    return near[0] if near else ""


def closest_rule(code: str, codes: Iterable[str]) -> str:
    """Return the rule most like `code`: the nearest number of its family, else by spelling; "" where none is near."""
    there = sorted(set(codes))
    match = _RULE.match(code)
    family = [other for other in there if match and other.startswith(match["family"].upper())]
    if match and family:
        return min(family, key=lambda other: abs(int(other[3:]) - int(match["number"])))
    return closest(code, there)
