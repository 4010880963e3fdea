"""Findings as JSON, for programs: one object, the same for the same findings.

Its form is `"version": 1`. A later version of the runner may add keys; one that changes or drops a key has another
number. Lines and columns count from 1, columns in code points, and the end is exclusive.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from runner.document.findings import Severity
from runner.document.printing.rule_text import doc_anchor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.document.findings import Finding, Place, Waived
    from runner.document.printing.rule_text import RuleText

VERSION: Final = 1


def structured(findings: Sequence[Finding], rules: Mapping[str, RuleText], waived: Sequence[Waived] = ()) -> str:
    """Return findings as one JSON object in ASCII, with a line feed at its end.

    Args:
        findings: in the order to print them; none is left out.
        rules: the catalogue, by the id of a rule.
        waived: what the playbooks let be.
    """
    errors = sum(1 for finding in findings if finding.severity is Severity.ERROR)
    data = {
        "version": VERSION,
        "findings": [_finding(finding, rules[finding.code]) for finding in findings],
        "waived": [
            {"rule": one.rule, "step": one.step, "because": one.because, "until": one.until, "place": _place(one.place)}
            for one in waived
        ],
        "summary": {
            "errors": errors,
            "warnings": len(findings) - errors,
            "fixable": sum(1 for finding in findings if finding.fixes),
            "waived": len(waived),
        },
    }
    return json.dumps(data, indent=2) + "\n"


def _finding(finding: Finding, rule: RuleText) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        "path": finding.path,
        "regions": list(finding.regions),
        "place": _place(finding.place),
        "related": [{"why": why, "place": _place(place)} for why, place in finding.related],
        "fixes": [{"words": fix.words, "place": _place(fix.place), "text": fix.text} for fix in finding.fixes],
        "why": rule.why,
        "doc": doc_anchor(finding.code, rule),
    }


def _place(place: Place) -> dict[str, Any]:
    span = place.span
    return {
        "file": place.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
