"""What a plan takes from the records of earlier ceremonies: only what the playbook refers to, each value once.

The records were verified before; here their values are found. Without the records (`lint`) only the form of a reference
and the name of its record can be wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.document.fields import RecordFile
from runner.plan import RecordedFile, RecordedResult, RecordFileRef, RecordResultRef
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.document.fields import RecordResult
    from runner.document.findings import Path
    from runner.document.playbook import Earlier
    from runner.plan import EarlierRecord
    from runner.template_values import Values


class Records:
    """Finds values in earlier records, and keeps which were taken.

    Args:
        declared: those that the playbook names.
        known: each of them with all there is in it; None where nobody has them.
        values: with the report that faults go to.
    """

    def __init__(
        self, declared: Mapping[str, Earlier], known: tuple[EarlierRecord, ...] | None, values: Values
    ) -> None:
        self._declared = declared
        self._known = None if known is None else {record.name: record for record in known}
        self._values = values
        self._results: dict[tuple[str, str, str], RecordedResult] = {}
        self._files: dict[tuple[str, str], RecordedFile] = {}

    def file(self, of: RecordFile, path: Path) -> str | None:
        """Return the digest of a file, "" where nobody has the record; None: there is none (TPL010)."""
        if not self._named(of.record, path):
            return None
        if self._known is None:
            return ""
        files = {item.artefact: item for item in self._known[of.record].files}
        if of.artefact not in files:
            words = f"the record `{of.record}` has no artefact `{of.artefact}` at its end"
            self._missing(words, of.artefact, files, path)
            return None
        self._files[of.record, of.artefact] = files[of.artefact]
        return files[of.artefact].sha256

    def equals(self, of: RecordResult | RecordFile, path: Path) -> tuple[RecordResultRef | RecordFileRef, str] | None:
        """Return what is compared with and its type ("" where nobody has the record); None: there is none (TPL010)."""
        if isinstance(of, RecordFile):
            if self.file(of, path) is None:
                return None
            return RecordFileRef(record=of.record, artefact=of.artefact), "sha256"
        ref = RecordResultRef(record=of.record, step=of.step, result=of.result)
        if not self._named(of.record, path):
            return None
        if self._known is None:
            return ref, ""
        steps: dict[str, dict[str, RecordedResult]] = {}
        for item in self._known[of.record].results:
            steps.setdefault(item.step, {})[item.result] = item
        if of.step not in steps:
            words = f"no step `{of.step}` with results was done in the record `{of.record}`"
            self._missing(words, of.step, steps, path)
        elif of.result not in steps[of.step]:
            words = f"`{of.step}` has no result `{of.result}` in the record `{of.record}`"
            self._missing(words, of.result, steps[of.step], path)
        else:
            found = steps[of.step][of.result]
            self._results[of.record, of.step, of.result] = found
            return ref, found.type
        return None

    def taken(self) -> tuple[EarlierRecord, ...]:
        """Return the records in the playbook's order, each with what was taken from it in the order it was."""
        known = self._known or {}
        return tuple(
            replace(
                known[name],
                results=tuple(item for (record, *_), item in self._results.items() if record == name),
                files=tuple(item for (record, _), item in self._files.items() if record == name),
            )
            for name in self._declared
            if name in known
        )

    def _named(self, name: str, path: Path) -> bool:
        if name in self._declared:
            return True
        self._missing(f"`records` has no `{name}`", name, self._declared, path)
        return False

    def _missing(self, words: str, name: str, known: Collection[str], path: Path) -> None:
        near = closest(name, known)
        advice = f"there is `{near}`" if near else f"there is: {', '.join(sorted(known))}" if known else ""
        self._values.report.add("TPL010", words, path, help_=advice, regions=self._values.regions)
