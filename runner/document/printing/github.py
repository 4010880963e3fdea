"""Findings as workflow commands, which GitHub shows as annotations beside the lines of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.document.findings import Finding


def github(findings: Iterable[Finding]) -> str:
    """Return `::error file=…,line=…,col=…,endLine=…,endColumn=…,title=…::message` for every finding, a line each.

    Columns are given only where the place is within one line, as the format demands.
    """
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    span = finding.place.span
    properties = {"file": finding.place.file, "line": str(span.line)}
    if span.line == span.end_line:
        properties["col"] = str(span.column)
    properties["endLine"] = str(span.end_line)
    if span.line == span.end_line:
        properties["endColumn"] = str(span.end_column)
    properties["title"] = finding.code
    said = [finding.message, *([finding.help] if finding.help else [])]
    if finding.regions:
        said.append(f"regions {', '.join(finding.regions)}")
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{finding.severity} {written}::{_data(shown(chr(10).join(said)))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
