"""Templates of one playbook filled in for one choice, with what is wrong reported where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from runner import template
from runner.errors import PlaybookFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.document.findings import Path
    from runner.document.shape import Report
    from runner.values import Value


class Values(Struct, kw_only=True):
    """Fills in templates.

    Attributes:
        report: where faults go.
        regions: the region this is for, named in findings; empty without one.
        names: what templates know: `region`, `params`, `names`, `ceremony`, each plain data.
        whole: whether everything so far could be filled in.
        translation: the texts for people in the plan's language; None where that is the playbook's own.
    """

    report: Report
    regions: tuple[str, ...]
    names: Mapping[str, Mapping[str, Any]]
    whole: bool = field(default=True)
    translation: Translation | None = None

    def value(self, written: Value, path: Path) -> Value:
        """Return a value with its templates filled in; one that is a single template keeps its type."""
        if not isinstance(written, str) or not template.is_template(written):
            return written
        problems = template.problems(written, self.names)
        if problems:
            self.whole = False
            for problem in problems:
                self.report.add(
                    problem.code,
                    problem.message,
                    path,
                    help_=problem.help,
                    within=(problem.offset, 1),
                    regions=self.regions,
                )
            return written
        try:
            return template.filled(written, self.names)
        except PlaybookFault as fault:
            self.whole = False
            self.report.add(fault.rule, fault.words, path, regions=self.regions)
            return written

    def text(self, written: str, path: Path) -> str:
        """Return text with its templates filled in."""
        found = self.value(written, path)
        return str(found).lower() if isinstance(found, bool) else str(found)

    def optional(self, written: str | None, path: Path) -> str | None:
        """Return text with its templates filled in, or None where none was written."""
        return None if written is None else self.text(written, path)

    def said(self, written: str, path: Path) -> str:
        """Return a text for people with its templates filled in, in the language of the plan."""
        return self.text(written, path) if self.translation is None else self.translation.text(path)

    def said_if_any(self, written: str | None, path: Path) -> str | None:
        """Return a text for people as `said` does, or None where none was written."""
        return None if written is None else self.said(written, path)


class Translation(Struct, frozen=True, kw_only=True):
    """The texts for people in another language.

    Attributes:
        values: fills in their templates; faults go to the texts file.
        texts: by its place in the playbook, each text and its place in the texts file.
    """

    values: Values
    texts: Mapping[Path, tuple[str, Path]]

    def text(self, path: Path) -> str:
        """Return the text that stands for the one at a place of the playbook, filled in."""
        return self.values.text(*self.texts[path])
