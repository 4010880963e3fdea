"""A file of faults: read, and held against how the rehearsal with them ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.faults import parse_faults
from runner.document.shape import Report
from runner.document.source import read_source
from runner.host.documents import shown
from runner.host.replay_stage import exit_of
from runner.host.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from runner.document.faults import FaultScript
    from runner.document.findings import Finding
    from runner.document.playbook import Playbook
    from runner.document.shape import Parsed
    from runner.host.disk import Disk
    from runner.host.mishaps import Mishaps
    from runner.host.session import Ended


def read_faults(disk: Disk, path: Path, playbook: Playbook) -> Parsed[FaultScript]:
    """Return the faults in a file.

    Raises:
        WrongUse: there is no such file.
    """
    return parse_faults(read_source(shown(path), disk.read(path)), playbook, rules=load_rules())


def judge(parsed: Parsed[FaultScript], script: FaultScript, mishaps: Mishaps, ended: Ended) -> tuple[Finding, ...]:
    """Return what came otherwise: FLT002, a fault never came; FLT003, the rehearsal ended in another way."""
    report = Report(parsed.source)
    for number in mishaps.missed:
        fault = script.faults[number]
        words = f"`{fault.what}` never came in attempt {fault.attempt} at `{fault.at}`"
        report.add("FLT002", words, ("faults", number, "what"))
    wanted, code = script.ends, int(exit_of(ended))
    failed = ended.failed if ended.failed is not None and ended.failed.rule == ended.rule else None
    came = (code, ended.rule, None if failed is None else failed.step)
    if came != (wanted.exit, wanted.rule, wanted.step):
        where = f" at `{came[2]}`" if came[2] else ""
        words = f"it ended with exit code {code}" + (f" by {ended.rule}{where}" if ended.rule else "")
        report.add("FLT003", words, ("ends",), key=True)
    return report.findings()
