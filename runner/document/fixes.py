"""Fixes: what can be put right in a file without a person, as replacements of characters on one line.

A fix renames a misspelt name to the one that is near it, or puts text in quotes; nothing of a file is ever written
anew around it. Where the characters in question cannot be found for certain, there is no fix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.findings import Fix, Place, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MARK = b"\xef\xbb\xbf"


def renaming(lines: Sequence[str], place: Place, old: str, new: str) -> tuple[Fix, ...]:
    """Return the fix that writes `new` for `old` within a place; none where `old` is not there exactly once."""
    raw = _raw(lines, place)
    if raw.count(old) != 1:
        return ()
    span = place.span
    first = span.column + raw.index(old)
    where = Place(file=place.file, span=Span(span.line, first, span.line, first + len(old)))
    return (Fix(words=f"write `{new}` for `{old}`", place=where, text=new),)


def quoting(lines: Sequence[str], place: Place, text: str) -> tuple[Fix, ...]:
    """Return the fix that puts the text at a place in quotes; none where the place holds anything else."""
    if not text or _raw(lines, place) != text or "\\" in text:
        return ()
    mark = "'" if '"' in text else '"'
    if mark in text:
        return ()
    return (Fix(words="put it in quotes", place=place, text=f"{mark}{text}{mark}"),)


def applied(content: bytes, fixes: Iterable[Fix]) -> tuple[bytes, tuple[Fix, ...]]:
    """Return a file with fixes made, and those that were: of two that overlap only the first.

    Every byte outside the places stays: the byte order mark and the ends of lines, too.

    Args:
        content: the file's bytes, as they were read when the fixes were found; UTF-8.
        fixes: of this file.
    """
    mark = _MARK if content.startswith(_MARK) else b""
    lines = content.removeprefix(_MARK).decode().split("\n")
    made: list[Fix] = []
    for fix in sorted(set(fixes), key=lambda fix: (fix.place.span, fix.text)):
        last = made[-1].place.span if made else None
        if last is None or (last.end_line, last.end_column) <= (fix.place.span.line, fix.place.span.column):
            made.append(fix)
    for fix in reversed(made):
        span = fix.place.span
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + fix.text + line[span.end_column - 1 :]
    return mark + "\n".join(lines).encode(), tuple(made)


def _raw(lines: Sequence[str], place: Place) -> str:
    """Return the characters at a place, or "" where it is not within one line."""
    span = place.span
    if span.line != span.end_line or span.line > len(lines):
        return ""
    return lines[span.line - 1][span.column - 1 : span.end_column - 1]
