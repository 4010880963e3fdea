"""Everything that is wrong in a playbook and its files, in every region of every edition at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from runner.check import faults
from runner.document.control_rules import check_review
from runner.document.findings import Finding, Severity, in_order
from runner.document.release_rules import check_release
from runner.document.shape import Report
from runner.document.templated import templates_in
from runner.document.texts import people_texts
from runner.parameters import Given
from runner.planning import choices, placed, rendered_for
from runner.render import faults_of_prose, faults_of_texts, names_for
from runner.template import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.plan import EarlierRecord
    from runner.planning import Documents
    from runner.render import Choice


def lint(
    documents: Documents,
    *,
    today: str,
    region: str | None,
    edition: str | None,
    language: str | None = None,
    level: Literal["draft", "release"] = "draft",
    records: tuple[EarlierRecord, ...] | None = None,
) -> tuple[Finding, ...]:
    """Return everything that is wrong, in every region of every edition the playbook follows.

    `today` is the UTC date, `2026-11-25`, by which the playbook's review may be overdue (RUN010, a warning). At level
    release a warning is an error, and what a draft may leave open must be said (SHP002). Without `records`, the earlier
    records that the playbook names, references to them are checked for their form only.

    Raises:
        WrongUse: there is no such edition (REG005), region (REG010) or language (TXT004), or other records than the
            playbook names (LOG020).
        PlaybookFault: REG004, the region is not offered in the edition.
    """
    found = _found(documents, region=region, edition=edition, language=language, records=records)
    report = Report(documents.playbook.source)
    if documents.playbook.draft is not None:
        check_review(documents.playbook.draft, report, today=today)
        if level == "release":
            check_release(documents.playbook.draft, report)
    everything = in_order([*found, *report.findings()])
    if level == "draft":
        return tuple(everything)
    return tuple(replace(one, severity=Severity.ERROR) for one in everything)


def _found(
    documents: Documents,
    *,
    region: str | None,
    edition: str | None,
    language: str | None,
    records: tuple[EarlierRecord, ...] | None,
) -> tuple[Finding, ...]:
    findings = list(documents.findings())
    if any(finding.severity is Severity.ERROR for finding in findings):
        return tuple(findings)
    in_choice = _EveryChoice(documents, language).findings
    given = Given(values={}, examples=True)
    for choice in choices(documents, region=region, edition=edition, given=given, language=language, records=records):
        findings.extend(in_choice(choice))
    return tuple(in_order(findings))


class _Filled:
    """What some places of the documents are filled in with, choice by choice."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._taken = sorted({name for text in texts for name in names_in(text)})

    def values(self, choice: Choice, names: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
        """Return the values, with the region they are for."""
        return choice.region, *(names.get(root, {}).get(name) for root, name in self._taken)


class _EveryChoice:
    """Finds what is wrong in one choice after the other, without doing the same work twice.

    Regions and editions differ mostly in what people read and in digests. Where the structure (all that is filled in
    elsewhere) is that of a choice without faults, only these are filled in, and each of them once for the same values.
    """

    def __init__(self, documents: Documents, language: str | None) -> None:
        self._documents = documents
        prose = {text.path for text in people_texts(documents.written)}
        places = [*templates_in(documents.playbook.source.data)]
        self._structure = _Filled(text for path, text in places if path not in prose and path[0] != "trust")
        self._prose = _Filled(text for path, text in places if path in prose or path[0] == "trust")
        self._read = {code: texts for code, texts in documents.texts.items() if language in {None, code}}
        self._texts = {
            code: _Filled(text for _path, text in templates_in(texts.source.data)) for code, texts in self._read.items()
        }
        self._sound: dict[tuple[Any, ...], bool] = {}
        self._done: set[tuple[str | None, tuple[Any, ...]]] = set()

    def findings(self, choice: Choice) -> Iterator[Finding]:
        """Yield what is wrong in one choice, but not what was found before in the same words and places."""
        documents = self._documents
        names = names_for(documents.written, choice)
        _region, *structure = self._structure.values(choice, names)
        if self._sound.get(tuple(structure)):
            if self._anew(None, self._prose.values(choice, names)):
                yield from faults_of_prose(documents.playbook, choice)
        else:
            rendered = rendered_for(documents, choice)
            found = rendered.findings
            if rendered.plan is not None:
                found = (*found, *placed(documents, choice, faults(rendered.plan)))
            self._sound[tuple(structure)] = not found
            yield from found
        for language, texts in self._read.items():
            if self._anew(language, self._texts[language].values(choice, names)):
                yield from faults_of_texts(documents.written, choice, texts)

    def _anew(self, language: str | None, values: tuple[Any, ...]) -> bool:
        """Say whether texts were not filled in with these values before."""
        known = (language, values) in self._done
        self._done.add((language, values))
        return not known
