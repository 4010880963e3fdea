"""Characters that look like nothing, or like something else: refused wherever they stand.

A reviewer signs what the screen shows. A character without a shape, or one that turns the reading direction, lets the
file say something else (CVE-2021-42574); a non-breaking space makes a second, invisible spelling of a key. Accepted
are the line feed, and the carriage return before one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from runner.spoken import UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED: Final = re.compile(f"[{UNSEEN}]")
_NAMES: Final = {
    0x00: "NULL",
    0x0B: "LINE TABULATION",
    0x0C: "FORM FEED",
    0x0D: "CARRIAGE RETURN without a line feed",
    0x1B: "ESCAPE",
    0x7F: "DELETE",
    0x85: "NEXT LINE",
}


def refused(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the name of every refused character; tabs have a rule of their own."""
    for match in _REFUSED.finditer(text):
        yield match.start(), name_of(match[0])


def name_of(character: str) -> str:
    """Return what a character is called: `U+200B ZERO WIDTH SPACE`."""
    code = ord(character)
    name = _NAMES.get(code) or unicodedata.name(character, "") or _kind(character)
    return f"U+{code:04X} {name}"


def shown(text: str) -> str:
    r"""Return text for a screen: every refused character and tab as an escape such as `\u200b`."""
    return _REFUSED.sub(_escape, text.replace("\t", "\\t"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 (the end of the basic plane)


def _kind(character: str) -> str:
    kinds = {"Cc": "control character", "Cs": "half of a surrogate pair", "Co": "private use character"}
    return kinds.get(unicodedata.category(character), "character without a shape")
