"""Findings as SARIF 2.1.0 (OASIS standard), for viewers of code and for code scanning.

One run for each invocation. The rules that were broken are listed with their text, and each result has the place, the
related places, the fixes and a fingerprint that stays when lines move.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.document.findings import Finding, Fix, Place, Span
    from runner.document.printing.rule_text import RuleText

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_BASE: Final = "%SRCROOT%"
"""What relative names of files count from: where the command was started."""

_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
"""Bytes that stand for themselves in the path of a URI (RFC 3986); of the others, none needs to."""


def sarif(findings: Sequence[Finding], rules: Mapping[str, RuleText], *, version: str) -> str:
    """Return findings as a SARIF log in ASCII, with a line feed at its end.

    Args:
        findings: in the order to print them; none is left out.
        rules: the catalogue, by the id of a rule.
        version: this program's.
    """
    broken = sorted({finding.code for finding in findings})
    driver = {"name": "ceremony", "version": version, "rules": [_rule(code, rules[code]) for code in broken]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The folder in which the command was started."}}},
        "results": [_result(finding, broken.index(finding.code)) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, rule: RuleText) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\nWhat to do: {rule.fix}",
            "markdown": f"{rule.why}\n\n**What to do:** {rule.fix}",
        },
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    location = _location(finding.place)
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": _words(finding)},
        "locations": [location],
        "partialFingerprints": {"causeAndPath/v1": _fingerprint(finding)},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": why}, **_location(place)}
            for number, (why, place) in enumerate(finding.related, 1)
        ]
    if finding.fixes:
        result["fixes"] = [_fix(fix) for fix in finding.fixes]
    if finding.regions:
        result["properties"] = {"regions": list(finding.regions)}
    return result


def _words(finding: Finding) -> str:
    advice = f"; {finding.help}" if finding.help else ""
    regions = f" (regions {', '.join(finding.regions)})" if finding.regions else ""
    return f"{finding.message}{advice}{regions}"


def _fingerprint(finding: Finding) -> str:
    parts = (finding.code, finding.place.file, finding.path, finding.message)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _location(place: Place) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(place.file), "region": _region(place.span)}}


def _fix(fix: Fix) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.place.span), "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": _artifact(fix.place.file), "replacements": [replacement]}
    return {"description": {"text": fix.words}, "artifactChanges": [change]}


def _artifact(file: str) -> dict[str, str]:
    """Return where a file is: relative to where the command was started, or by its whole path."""
    path = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in file.encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{path}"} if file.startswith("/") else {"uri": path, "uriBaseId": _BASE}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
