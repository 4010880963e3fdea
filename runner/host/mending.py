"""Making the fixes that findings carry, in the files they are about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.document.fixes import applied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.document.findings import Finding, Fix
    from runner.host.disk import Disk
    from runner.planning import Documents


def mend(disk: Disk, documents: Documents, findings: Sequence[Finding]) -> tuple[Fix, ...]:
    """Make the fixes of findings in the files that the documents were read from, and return those that were made.

    A file that cannot be read as YAML is touched only where every such fault in it has a fix: what the rest of it means
    is not known. Each file is replaced whole; of two fixes that overlap the second waits for the next look.

    Raises:
        WrongUse: a file is not what it was when it was read; that one is not written, nor are those after it.
        StepFault: RUN030, a file cannot be written.
    """
    made: list[Fix] = []
    for name, fixes in _by_file(findings).items():
        path = Path(name)
        was = documents.contents[path.name]
        content, done = applied(was, fixes)
        if done:
            disk.replace(path, content, was=was)
            made.extend(done)
    return tuple(made)


def _by_file(findings: Sequence[Finding]) -> Mapping[str, list[Fix]]:
    unreadable = {finding.place.file for finding in findings if finding.code.startswith("YAM") and not finding.fixes}
    by_file: dict[str, list[Fix]] = {}
    for finding in findings:
        for fix in finding.fixes:
            if not {finding.place.file, fix.place.file} & unreadable:
                by_file.setdefault(fix.place.file, []).append(fix)
    return by_file
