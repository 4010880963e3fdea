"""Findings as text for people, with an excerpt and a caret.

Text of the file is shown with every character that hides or turns others as an escape, and carets are placed by screen
cells, since wide and combining characters make columns and cells differ.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from runner.document.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.document.findings import Finding, Place, Span
    from runner.document.source import Source

MOST_SHOWN: Final = 50
"""Findings printed for one run; the rest are counted."""

MOST_CELLS: Final = 120
"""Cells of a line that are shown; a longer one is cut around the caret."""

_BEFORE: Final = 40


def text(findings: Iterable[Finding], sources: Mapping[str, Source], *, every: bool = False) -> str:
    """Return findings for people.

    Args:
        findings: in the order to print them.
        sources: the files they are in, by name; a file that is not there gives no excerpt.
        every: print them all, and not only the first `MOST_SHOWN`.
    """
    found = list(findings)
    shown_now = found if every else found[:MOST_SHOWN]
    blocks = [_block(finding, sources) for finding in shown_now]
    if len(found) > len(shown_now):
        blocks.append(f"and {len(found) - len(shown_now)} more\n")
    return "\n".join(blocks)


def cells(line: str) -> int:
    """Return how many cells of a screen a text takes: wide characters two, combining ones none."""
    return sum(_cells_of(character) for character in line)


def _cells_of(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def where(place: Place) -> str:
    """Return a place as editors jump to it: `file:line:column`, with what does not show as an escape."""
    return f"{shown(place.file)}:{place.span.line}:{place.span.column}"


def _block(finding: Finding, sources: Mapping[str, Source]) -> str:
    lines = [f"{finding.severity}[{finding.code}]: {shown(finding.message)}"]
    path = f"   {shown(finding.path)}" if finding.path else ""
    regions = f"   (regions {', '.join(finding.regions)})" if finding.regions else ""
    lines.append(f"  --> {where(finding.place)}{path}{regions}")
    lines += _excerpt(finding.place, sources)
    for why, place in finding.related:
        lines.append(f"  {shown(why)}: {where(place)}")
        lines += _excerpt(place, sources)
    if finding.help:
        certain = "   (safe fix: ceremony lint --fix)" if finding.fixes else ""
        lines.append(f"  help: {shown(finding.help)}{certain}")
    lines.append(f"  more: ceremony explain {finding.code}")
    return "\n".join(lines) + "\n"


def _excerpt(place: Place, sources: Mapping[str, Source]) -> list[str]:
    source = sources.get(place.file)
    span = place.span
    if source is None or span.line > len(source.lines):
        return []
    line = source.lines[span.line - 1]
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    before, marked, after = _cut(line, span, end)
    number = str(span.line).rjust(5)
    caret = " " * cells(before) + "^" * max(1, cells(marked))
    return [f"{number} | {before}{marked}{after}", f"      | {caret}"]


def _cut(line: str, span: Span, end: int) -> tuple[str, str, str]:
    """Return what is before, in and after the marked stretch, cut so that the stretch is in view."""
    start = min(span.column - 1, len(line))
    before, marked, after = shown(line[:start]), shown(line[start:end]), shown(line[end:])
    if cells(before) + cells(marked) > MOST_CELLS:
        before = "…" + before[-_BEFORE:] if len(before) > _BEFORE else before
        marked = marked[: MOST_CELLS - _BEFORE]
        after = "…"
    room = max(0, MOST_CELLS - cells(before) - cells(marked))
    return before, marked, after if cells(after) <= room else after[:room] + "…"
