"""Characters that look like nothing, or like something else: refused wherever they stand.

A reviewer signs what the screen shows. A character without a shape, or one that turns the reading direction, lets the
file say something else (CVE-2021-42574); a non-breaking space makes a second, invisible spelling of a key. Accepted
are the line feed, and the carriage return before one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\xa0\xad"  # controls, no-break space, soft hyphen
    "\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f"  # spaces of other widths, zero width, bidirectional controls
    "\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\ud800-\udfff"  # halves of surrogate pairs; they come only from escapes
    "\ue000-\uf8ff"  # private use: no two screens agree
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff"  # tags, variation selectors, private use
    "]"
)
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
