"""From documents to checked plans, and the choices of region and edition that a playbook offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner.check import check
from runner.document.control_rules import in_force
from runner.document.editions import (
    NotOffered,
    Offered,
    check_editions,
    check_waived_editions,
    nearest_edition,
    offered,
    offered_regions,
    values_at,
)
from runner.document.findings import Finding, Severity, Waived, in_order
from runner.document.shape import Report
from runner.errors import Defect, PlaybookFault, WrongUse
from runner.parameters import Given, given_again, take
from runner.plan import CheckedPlan, Plan
from runner.render import Choice, Rendered, render
from runner.taken_records import require_records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.check_people import Fault
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.roster import Roster
    from runner.document.shape import Parsed
    from runner.document.source import Source
    from runner.document.texts import Texts
    from runner.plan import EarlierRecord, SourceFile
    from runner.values import Value


class Documents(Struct, frozen=True, kw_only=True):
    """What a ceremony is written in: the parsed files, and each as the record will name it; `texts` by language."""

    playbook: Parsed[Playbook]
    regions: Parsed[Regions] | None
    roster: Parsed[Roster] | None
    texts: Mapping[str, Parsed[Texts]]
    sources: tuple[SourceFile, ...]
    contents: dict[str, bytes]

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong in the files themselves, before any region is chosen."""
        found = list(self.playbook.findings)
        for parsed in (self.regions, self.roster, *self.texts.values()):
            if parsed is not None:
                found.extend(parsed.findings)
        found.extend(self._languages())
        if self.regions is not None and self.regions.value is not None:
            found.extend(check_editions(self.playbook, self.regions.value.editions))
            found.extend(check_waived_editions(self.playbook, self.regions.value))
        return tuple(in_order(found))

    def waived(self, today: str) -> tuple[Waived, ...]:
        """Return what the playbook lets be on a day, in its order; nothing where it has no shape."""
        draft = self.playbook.draft
        return tuple(
            Waived(
                rule=waiver.rule,
                step=waiver.step,
                because=waiver.because,
                until=waiver.until,
                place=self.playbook.place(("waivers", position)),
            )
            for position, waiver in enumerate(draft.waivers if draft is not None else ())
            if in_force(waiver, today)
        )

    def by_name(self) -> dict[str, Source]:
        """Return every file by the name findings call it; for excerpts."""
        parsed = [self.playbook, self.regions, self.roster, *self.texts.values()]
        return {item.source.name: item.source for item in parsed if item is not None}

    def _languages(self) -> tuple[Finding, ...]:
        """TXT001: a language that is listed has a file of texts."""
        report = Report(self.playbook.source)
        languages = () if self.playbook.draft is None else self.playbook.draft.languages
        for index, language in enumerate(languages):
            if index and language not in self.texts:
                report.add("TXT001", f"there is no file with the texts in `{language}`", ("languages", index))
        return report.findings()

    def examples(self) -> dict[tuple[str, str], str]:
        """Return what the playbook gives as examples of typed values, by step and name."""
        return {
            (step.id, name): str(ask.example).lower() if isinstance(ask.example, bool) else str(ask.example)
            for _position, _part, step in self.written.numbered_steps()
            for name, ask in step.asks.items()
            if ask.example is not None
        }

    @property
    def written(self) -> Playbook:
        """The playbook; only asked for where it has no faults."""
        if self.playbook.value is None:
            raise PlaybookFault("the playbook has faults")
        return self.playbook.value


class Made(Struct, frozen=True, kw_only=True):
    """A plan, checked where nothing is wrong, and what is wrong."""

    plan: Plan | None
    checked: CheckedPlan | None
    findings: tuple[Finding, ...]


def choose_edition(playbook: Playbook, wanted: str | None) -> str | None:
    """Return the edition a plan follows.

    Raises:
        WrongUse: REG005, the playbook was not checked against it; names the nearest one that it was.
    """
    if playbook.follows is None:
        if wanted is not None:
            raise WrongUse("the playbook follows no published procedure, so it has no editions", rule="REG005")
        return None
    if wanted is None:
        return playbook.follows.edition
    editions = playbook.follows.editions()
    if wanted not in editions:
        near = nearest_edition(wanted, editions)
        raise WrongUse(
            f"the playbook was not checked against edition {wanted}; the nearest it was is {near}"
            if near
            else f"the playbook was not checked against edition {wanted}; it was against {', '.join(editions)}",
            rule="REG005",
        )
    return wanted


def choose_language(playbook: Playbook, wanted: str | None) -> str:
    """Return the language of a plan; None takes the playbook's own.

    Raises:
        WrongUse: TXT004, the playbook has no texts in it.
    """
    if wanted is None:
        return playbook.languages[0]
    if wanted not in playbook.languages:
        there = ", ".join(playbook.languages)
        raise WrongUse(f"the playbook has no texts in `{wanted}`; it has them in {there}", rule="TXT004")
    return wanted


def choose(
    documents: Documents,
    *,
    region: str | None,
    edition: str | None,
    given: Given,
    language: str | None = None,
    records: tuple[EarlierRecord, ...] | None = (),
) -> Choice:
    """Return what a plan is made for.

    `records` are those the playbook names, verified; None where nobody has them, and then no plan can be made.

    Raises:
        WrongUse: no such edition (REG005), region (REG010) or language (TXT004), a parameter that does not fit
            (SHP006), or a record that the playbook names is missing (LOG020).
        PlaybookFault: REG004, the region is not offered in the edition; LOG020, a record is another ceremony's.
    """
    playbook = documents.written
    edition = choose_edition(playbook, edition)
    language = choose_language(playbook, language)
    regions = documents.regions.value if documents.regions is not None else None
    values: Mapping[str, Value] = {}
    if regions is None:
        if region is not None:
            raise WrongUse("the playbook has no regions", rule="REG010")
    elif region is None:
        raise WrongUse(f"say which region: --region {' | '.join(regions.regions)}", rule="REG010")
    else:
        values = values_at(regions, region, edition or max(regions.editions))
    parameters = take(playbook, given)
    if records is not None:
        require_records(playbook, records)
    return Choice(
        language=language, edition=edition, region=region, values=values, parameters=parameters, records=records
    )


def make_plan(documents: Documents, choice: Choice, *, absent: Collection[str] = ()) -> Made:
    """Render and check the plan for one choice, which has all records that the playbook names."""
    if choice.records is None and documents.written.records:
        raise Defect("a plan was to be made without the records it takes values from")
    rendered = rendered_for(documents, choice)
    if rendered.plan is None:
        return Made(plan=None, checked=None, findings=rendered.findings)
    result = check(rendered.plan, absent=absent)
    if isinstance(result, CheckedPlan):
        return Made(plan=rendered.plan, checked=result, findings=rendered.findings)
    findings = (*rendered.findings, *placed(documents, choice, result))
    return Made(plan=rendered.plan, checked=None, findings=tuple(in_order(list(findings))))


def rendered_for(documents: Documents, choice: Choice) -> Rendered:
    """Return the plan for one choice, not checked yet, and what is wrong in its values."""
    roster = documents.roster.value if documents.roster is not None else None
    texts = documents.texts.get(choice.language)
    return render(documents.playbook, choice, roster=roster, sources=documents.sources, texts=texts)


def placed(documents: Documents, choice: Choice, found: tuple[Fault, ...]) -> tuple[Finding, ...]:
    """Return faults of a plan as findings: those of people at their place in the roster, others in the playbook."""
    playbook = Report(documents.playbook.source)
    roster = playbook if documents.roster is None else Report(documents.roster.source)
    numbers = {step.id: position for position, _part, step in documents.written.numbered_steps()}
    regions = () if choice.region is None else (choice.region,)
    for fault in found:
        report = roster if fault.key[0] == "people" else playbook
        report.add(fault.rule, fault.words, _path(fault, numbers), regions=regions, help_=fault.help, also=fault.also)
    return (*playbook.findings(), *(roster.findings() if roster is not playbook else ()))


def _path(fault: Fault, positions: dict[str, int]) -> tuple[str | int, ...]:
    return fault.key if fault.step is None else ("steps", positions[fault.step], *fault.key)


def choices(
    documents: Documents,
    *,
    region: str | None,
    edition: str | None,
    given: Given,
    language: str | None = None,
    records: tuple[EarlierRecord, ...] | None = None,
) -> Iterator[Choice]:
    """Return every choice the playbook offers: every edition with every region, or those that were asked for.

    `records`: as `choose` has them; None where nobody has them.
    """
    playbook = documents.written
    regions = documents.regions.value if documents.regions is not None else None
    if edition is not None or playbook.follows is None:
        editions: tuple[str | None, ...] = (choose_edition(playbook, edition),)
    else:
        editions = playbook.follows.editions()
    if regions is not None and region is not None:
        offering = [
            one for one in editions if isinstance(offered(regions, region, one or max(regions.editions)), Offered)
        ]
        editions = tuple(offering) or editions[-1:]  # where none offers it, `choose` says why
    for one in editions:
        if regions is None or region is not None:
            yield choose(documents, region=region, edition=one, given=given, language=language, records=records)
            continue
        for code in offered_regions(regions, one or max(regions.editions)):
            yield choose(documents, region=code, edition=one, given=given, language=language, records=records)


def reproduce(documents: Documents, plan: Plan) -> CheckedPlan | None:
    """Return the plan that the documents give today for the same choice; None: they give none.

    The caller compares its bytes with those of `plan`: files, people and this version of the runner are all in them.
    What the plan takes from earlier records is taken from the plan: they need not be there.

    Raises:
        WrongUse: there is no such edition (REG005), region (REG010) or language (TXT004), a parameter does not fit
            (SHP006), or the plan lacks a record that the playbook names (LOG020).
        PlaybookFault: REG004, the region is not offered in the edition; LOG020, a record is another ceremony's.
    """
    if any(finding.severity is Severity.ERROR for finding in documents.findings()):
        return None
    given = given_again(plan.parameters)
    ceremony = plan.ceremony
    choice = choose(
        documents,
        region=plan.region,
        edition=ceremony.edition,
        given=given,
        language=ceremony.language,
        records=plan.records,
    )
    return make_plan(documents, choice).checked


def refused_regions(documents: Documents, edition: str | None) -> dict[str, str]:
    """Return the regions an edition does not offer, each with the published reason."""
    regions = documents.regions.value if documents.regions is not None else None
    if regions is None:
        return {}
    date = choose_edition(documents.written, edition) or max(regions.editions)
    refused: dict[str, str] = {}
    for code in regions.regions:
        if isinstance(found := offered(regions, code, date), NotOffered):
            refused[code] = str(found.as_error().words)
    return refused
