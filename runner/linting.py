"""Everything that is wrong in a playbook and its files, in every region of every edition at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from runner.check import faults
from runner.document.control_rules import check_day
from runner.document.findings import Finding, Severity, in_order
from runner.document.release_rules import check_release
from runner.document.shape import Report
from runner.document.templated import templates_in
from runner.document.texts import people_texts
from runner.parameters import Given
from runner.planning import choices, placed, rendered_for
from runner.render import faults_of_texts, faults_of_trust, names_for
from runner.template import names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.source import Source
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

    Parameters take their default or example, so each needs one (SHP006). A flag that a `when` takes is looked at with
    its other value too, each flag by itself, in the first region of the playbook's own edition, and in all regions
    where that finds anything.

    `today` is the UTC date, `2026-11-25`, by which the playbook's review may be overdue (RUN010, a warning) and waivers
    may have ended. At level release a warning is an error, and what a draft may leave open must be said (SHP002).
    Without `records`, the earlier records that the playbook names, references to them are checked for their form only.

    Raises:
        WrongUse: there is no such edition (REG005), region (REG010) or language (TXT004), or other records than the
            playbook names (LOG020).
        PlaybookFault: REG004, the region is not offered in the edition.
    """
    found = _found(documents, region=region, edition=edition, language=language, records=records)
    report = Report(documents.playbook.source)
    if documents.playbook.draft is not None:
        check_day(documents.playbook.draft, report, today=today)
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
    if without := _without_example(documents):
        return tuple(in_order([*findings, *without]))
    in_choice = _EveryChoice(documents, language).findings
    given = Given(values={}, examples=True)
    offered = choices(documents, region=region, edition=edition, given=given, language=language, records=records)
    every: list[Choice] = []
    for choice in offered:
        every.append(choice)
        findings.extend(in_choice(choice))
    findings.extend(_with_other_flags(documents.written, every, in_choice, findings))
    return tuple(in_order(findings))


def _without_example(documents: Documents) -> tuple[Finding, ...]:
    """SHP006: a parameter has neither default nor example, so that nothing can be tried with it."""
    report = Report(documents.playbook.source)
    for name, declared in documents.written.parameters.items():
        if declared.default is None and declared.example is None:
            words = f"`{name}` has neither a default nor an example, and nothing can be tried without one"
            report.add("SHP006", words, ("parameters", name), key=True, help_="write an example of what people give")
    return report.findings()


def _with_other_flags(
    playbook: Playbook,
    every: Sequence[Choice],
    in_choice: Callable[[Choice], Iterator[Finding]],
    known: Sequence[Finding],
) -> Iterator[Finding]:
    """Yield what is wrong only where one flag that a `when` takes has its other value; the message says which.

    What is `known` at a place by the same rule holds for both values. Sound playbooks cost one choice more per flag.
    """
    told = {(finding.code, finding.place) for finding in known}
    own = None if playbook.follows is None else playbook.follows.edition
    ordered = sorted(every, key=lambda choice: choice.edition != own)
    for flag in _flags_of_when(playbook):
        for choice in ordered:
            value = not next(one.value for one in choice.parameters if one.name == flag)
            found = [one for one in in_choice(_with(choice, flag, value)) if (one.code, one.place) not in told]
            if not found and choice is ordered[0]:
                break
            for one in found:
                yield replace(one, message=f"{one.message}, where `{flag}` is {str(value).lower()}")


def _flags_of_when(playbook: Playbook) -> tuple[str, ...]:
    """Return the flags that decide which steps are left out, in the playbook's order."""
    whens = [step.when for _position, _part, step in playbook.numbered_steps() if isinstance(step.when, str)]
    taken = {name for when in whens for root, name in names_in(when) if root == "params"}
    return tuple(name for name, declared in playbook.parameters.items() if declared.type == "flag" and name in taken)


def _with(choice: Choice, flag: str, value: bool) -> Choice:  # noqa: FBT001 - it is the value of a flag
    changed = (replace(one, value=value) if one.name == flag else one for one in choice.parameters)
    return replace(choice, parameters=tuple(changed))


class _Filled:
    """The texts at some places of a source, and what they are filled in with, choice by choice."""

    def __init__(self, source: Source, places: Iterable[tuple[Path, str]]) -> None:
        self.source = source
        self.places = tuple(places)
        self._taken = sorted({name for _path, text in self.places for name in names_in(text)})
        self._seen: set[tuple[Any, ...]] = set()

    def values(self, names: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
        """Return the values."""
        return tuple(names.get(root, {}).get(name) for root, name in self._taken)

    def anew(self, choice: Choice, names: Mapping[str, Mapping[str, Any]]) -> bool:
        """Say whether it is the first time that the region fills in these values."""
        values = (choice.region, *self.values(names))
        first = values not in self._seen
        self._seen.add(values)
        return first


class _EveryChoice:
    """Finds what is wrong in one choice after the other, without doing the same work twice.

    Regions and editions differ mostly in what people read and in digests. Where the structure (all that is filled in
    elsewhere) is that of a choice without faults, only these are filled in, and each of them once for the same values.
    """

    def __init__(self, documents: Documents, language: str | None) -> None:
        self._documents = documents
        source = documents.playbook.source
        prose = {text.path for text in people_texts(documents.written)}
        places = [*templates_in(source.data)]
        self._structure = _Filled(source, ((path, text) for path, text in places if not _apart(path, prose)))
        self._trust = _Filled(source, ((path, text) for path, text in places if path[0] == "trust"))
        self._prose = _Filled(source, ((path, text) for path, text in places if path in prose))
        read = (texts.source for code, texts in documents.texts.items() if language in {None, code})
        self._texts = tuple(_Filled(source, templates_in(source.data)) for source in read)
        self._sound: dict[tuple[Any, ...], bool] = {}

    def findings(self, choice: Choice) -> Iterator[Finding]:
        """Yield what is wrong in one choice, but not what was found before in the same words and places."""
        documents = self._documents
        names = names_for(documents.written, choice)
        structure = self._structure.values(names)
        texts = self._texts
        if self._sound.get(structure):
            texts = (self._prose, *texts)
            if self._trust.anew(choice, names):
                yield from faults_of_trust(documents.playbook, choice)
        else:
            rendered = rendered_for(documents, choice)
            found = rendered.findings
            if rendered.plan is not None:
                found = (*found, *placed(documents, choice, faults(rendered.plan)))
            self._sound[structure] = not found
            yield from found
        for one in texts:
            if one.anew(choice, names):
                yield from faults_of_texts(documents.written, choice, one.source, one.places)


def _apart(path: Path, prose: Collection[Path]) -> bool:
    """Say whether what is filled in at a place cannot change what else there is in a plan."""
    return path in prose or path[0] == "trust"
