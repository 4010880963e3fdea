"""A finding: one cause, one message, where it is in the author's file.

Codes are stable ids in families: YAM reading, SHP shape, TPL templates, REG regions, QUO people, ART artefacts, SIT the
room, DEV device, SEC secrets, RUN execution, LOG evidence. The catalogue with the reasons is `runner/rules.d`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

Path = tuple[str | int, ...]
"""The way from a document's root to a value: keys and list positions from 0."""


class Severity(StrEnum):
    """How much a finding weighs: an error refuses the document, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Span(Struct, frozen=True, order=True):
    """A stretch of a file: lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(Struct, frozen=True, kw_only=True):
    """A stretch of a named file."""

    file: str
    span: Span


class Fix(Struct, frozen=True, kw_only=True):
    """A change of a file that is certain enough to be made without a person: these characters become that text.

    Attributes:
        words: what it does, such as "write `minutes`".
        place: the characters that are replaced, on one line.
        text: what stands there afterwards.
    """

    words: str
    place: Place
    text: str


class Finding(Struct, frozen=True, kw_only=True):
    """One fault.

    Attributes:
        code: the rule, such as SHP001.
        message: what is wrong, in the author's words.
        place: where, in the author's file.
        path: the way to the value in words, such as `steps > create-world > with`; "" at the top.
        regions: the regions it holds in, sorted; empty where no region matters.
        related: other places that matter, each with a word on why.
        help: what to write instead; "" where nothing certain can be said.
        fixes: what `ceremony lint --fix` would do about it.
        also: ids of other steps for which the same is so, by the same cause; `help` names them.
    """

    code: str
    message: str
    place: Place
    path: str = ""
    severity: Severity = Severity.ERROR
    regions: tuple[str, ...] = ()
    related: tuple[tuple[str, Place], ...] = field(default=())
    help: str = ""
    fixes: tuple[Fix, ...] = ()
    also: tuple[str, ...] = ()

    def sort_key(self) -> tuple[str, Span, str, str]:
        """File order: by file, place, code, message."""
        return (self.place.file, self.place.span, self.code, self.message)


class Waived(Struct, frozen=True, kw_only=True):
    """A rule that a playbook lets be, where it says so, and why; `step` None: everywhere, `until` None: for ever."""

    rule: str
    step: str | None
    because: str
    until: str | None
    place: Place


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
            merged[key] = replace(seen, regions=both)
    return sorted(merged.values(), key=Finding.sort_key)
