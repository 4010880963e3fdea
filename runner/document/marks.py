"""Where every key and value of a document stands."""

from __future__ import annotations

import re
from typing import Final

from runner.document.findings import Span

Extent = tuple[int, int, int, int]
"""First line and column, last line and column, from 0; the end exclusive."""

_BEFORE_A_VALUE: Final = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +)*)(?P<key>[A-Za-z0-9_-]+:(?: |$))?")
_BLOCK: Final = re.compile(r"[|>][-+]?(?: +#.*)?\Z")
_ENDS_IN_BRACES: Final = re.compile(r" *[,}\]]")


class Node:
    """The place of a value, and of the keys and values in it."""

    __slots__ = ("extent", "items", "keys")

    def __init__(self, extent: Extent) -> None:
        self.extent = extent
        self.keys: dict[str, Extent] | None = None
        self.items: dict[str, Node] | list[Node] | None = None

    def span(self) -> Span:
        """Return the place, counted from 1."""
        return as_span(self.extent)

    def child(self, part: str | int) -> Node | None:
        """Return the place of the value under a key or at a position."""
        if isinstance(self.items, dict):
            return self.items.get(part) if isinstance(part, str) else None
        if isinstance(self.items, list) and isinstance(part, int) and 0 <= part < len(self.items):
            return self.items[part]
        return None

    def key(self, part: str | int) -> tuple[int, int, int, int] | None:
        """Return line, column, end line and end column of a key, counted from 1."""
        extent = self.keys.get(part) if self.keys and isinstance(part, str) else None
        return None if extent is None else (extent[0] + 1, extent[1] + 1, extent[2] + 1, extent[3] + 1)


def as_span(extent: Extent) -> Span:
    """Return an extent counted from 1."""
    return Span(extent[0] + 1, extent[1] + 1, extent[2] + 1, extent[3] + 1)


def within_block(text: str, lines: tuple[str, ...], whole: Span, offset: int, length: int) -> Extent | None:
    """Return the extent of characters of a block of text (`|` or `>`), up to the end of their line.

    Args:
        text: what the block means.
        lines: of the file.
        whole: where the block stands, with the sign that begins it.
        offset: of the first character in `text`.
        length: how many there are.

    None where the lines and the text cannot be matched with certainty, and for a line end that is no character of one.
    """
    if not _BLOCK.match(lines[whole.line - 1], whole.column - 1):
        return None  # with an indentation of its own, which counts from a line elsewhere
    at, indent = 0, -1
    for number in range(whole.line, min(whole.end_line, len(lines))):
        line = lines[number]
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip(" ")) if indent < 0 else indent
        while not text.startswith(line[indent:], at):
            if text[at : at + 1] not in {" ", "\n"}:
                return None
            at += 1
        if at <= offset < at + len(line) - indent:
            first = indent + offset - at
            return number, first, number, min(first + length, len(line))
        at += len(line) - indent
    return None


def goes_on(lines: tuple[str, ...], line: int, end: int) -> bool:
    """Return whether a text without quotes that is read up to `end` may go on in the lines below.

    It does where the next line that is neither empty nor a comment is indented deeper than what the text belongs to;
    not within brackets, where a comma or the bracket ends it.
    """
    if _ENDS_IN_BRACES.match(lines[line], end):
        return False
    before = _BEFORE_A_VALUE.match(lines[line])
    assert before is not None  # noqa: S101 (it matches the empty text)
    indent = len(before["indent"])
    if before["key"]:
        indent += len(before["dashes"])
    elif before["dashes"]:
        indent += len(before["dashes"].rstrip()) - 1
    else:
        indent -= 1
    for below in lines[line + 1 :]:
        if below.strip() and not below.lstrip().startswith("#"):
            return len(below) - len(below.lstrip()) > indent
    return False


def trimmed(extent: Extent, lines: tuple[str, ...]) -> Extent:
    """Return the extent of a block of text without the empty lines after it."""
    line, column, last, end = extent
    while last > line and not (lines[last] if last < len(lines) else "")[:end].strip():
        last -= 1
        end = len(lines[last])
    return line, column, last, end
