"""Findings as one line each, for editors and problem matchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.characters import shown
from runner.document.printing.text import where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.document.findings import Finding


def oneline(findings: Iterable[Finding]) -> str:
    """Return `file:line:column: error CODE message` for every finding, each with a line feed."""
    return "".join(f"{_line(finding)}\n" for finding in findings)


def _line(finding: Finding) -> str:
    regions = f" (regions {', '.join(finding.regions)})" if finding.regions else ""
    advice = f"; {finding.help}" if finding.help else ""
    said = f"{where(finding.place)}: {finding.severity} {finding.code} {finding.message}{advice}{regions}"
    return " ".join(shown(said).split("\n"))
