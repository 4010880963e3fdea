"""Everything that is wrong in a playbook and its files, in every region of every edition at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from runner.check import faults
from runner.document.findings import Finding, Severity, in_order
from runner.document.release_rules import check_release
from runner.document.shape import Report
from runner.parameters import Given
from runner.planning import choices, placed, rendered_for
from runner.render import faults_of_texts

if TYPE_CHECKING:
    from runner.planning import Documents


def lint(
    documents: Documents,
    *,
    region: str | None,
    edition: str | None,
    language: str | None = None,
    level: Literal["draft", "release"] = "draft",
) -> tuple[Finding, ...]:
    """Return everything that is wrong, in every region of every edition the playbook follows.

    At level release a warning is an error, and what a draft may leave open must be said (SHP002).

    Raises:
        WrongUse: there is no such edition (REG005), region (REG010) or language (TXT004).
        PlaybookFault: REG004, the region is not offered in the edition.
    """
    found = _found(documents, region=region, edition=edition, language=language)
    if level == "draft":
        return found
    report = Report(documents.playbook.source)
    if documents.playbook.draft is not None:
        check_release(documents.playbook.draft, report)
    return tuple(in_order([replace(one, severity=Severity.ERROR) for one in (*found, *report.findings())]))


def _found(
    documents: Documents, *, region: str | None, edition: str | None, language: str | None
) -> tuple[Finding, ...]:
    findings = list(documents.findings())
    if any(finding.severity is Severity.ERROR for finding in findings):
        return tuple(findings)
    given = Given(values={}, examples=True)
    read = [texts for code, texts in documents.texts.items() if language in {None, code}]
    for choice in choices(documents, region=region, edition=edition, given=given, language=language):
        rendered = rendered_for(documents, choice)
        findings.extend(rendered.findings)
        for texts in read:
            findings.extend(faults_of_texts(documents.written, choice, texts))
        if rendered.plan is not None:
            findings.extend(placed(documents, choice, faults(rendered.plan)))
    return tuple(in_order(findings))
