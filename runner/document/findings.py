"""A finding: one cause, one message, where it is in the author's file.

Codes are stable ids in families: YAM reading, SHP shape, TPL templates, REG regions, QUO people, ART artefacts, SIT the
room, DEV device, SEC secrets, RUN execution, LOG evidence. The catalogue with the reasons is `runner/rules.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Path = tuple[str | int, ...]
"""The way from a document's root to a value: keys and list positions from 0."""


class Severity(StrEnum):
    """How much a finding weighs: an error refuses the document, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file: lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stretch of a named file."""

    file: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault.

    Attributes:
        code: the rule, such as SHP001.
        message: what is wrong, in the author's words.
        place: where, in the author's file.
        path: the way to the value in words, such as `steps > create-world > with`; "" at the top.
        regions: the regions it holds in, sorted; empty where no region matters.
        related: other places that matter, each with a word on why.
        help: what to write instead; "" where nothing certain can be said.
    """

    code: str
    message: str
    place: Place
    path: str = ""
    severity: Severity = Severity.ERROR
    regions: tuple[str, ...] = ()
    related: tuple[tuple[str, Place], ...] = field(default=())
    help: str = ""

    def sort_key(self) -> tuple[str, Span, str, str]:
        """File order: by file, place, code, message."""
        return (self.place.file, self.place.span, self.code, self.message)


def in_order(findings: list[Finding]) -> list[Finding]:
    """Return findings in file order, the same fault in several regions merged into one."""
    merged: dict[tuple[str, Place, str], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.place, finding.message)
        seen = merged.get(key)
        if seen is None:
            merged[key] = finding
        elif finding.regions:
            both = tuple(sorted({*seen.regions, *finding.regions}))
            merged[key] = Finding(
                code=seen.code,
                message=seen.message,
                place=seen.place,
                path=seen.path,
                severity=seen.severity,
                regions=both,
                related=seen.related,
                help=seen.help,
            )
    return sorted(merged.values(), key=Finding.sort_key)
