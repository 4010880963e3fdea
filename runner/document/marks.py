"""Where every key and value of a document stands."""

from __future__ import annotations

from runner.document.findings import Span

Extent = tuple[int, int, int, int]
"""First line and column, last line and column, from 0; the end exclusive."""


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


def trimmed(extent: Extent, lines: tuple[str, ...]) -> Extent:
    """Return the extent of a block of text without the empty lines after it."""
    line, column, last, end = extent
    while last > line and not (lines[last] if last < len(lines) else "")[:end].strip():
        last -= 1
        end = len(lines[last])
    return line, column, last, end
