"""A playbook, a region, an edition and parameters to a plan: every value fixed, every fault collected.

Faults name the author's own file and place. Nothing here looks at the room; that is `check`'s.
The module is longer than others because a plan is made of many kinds of things, a few lines each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.actions.interface import NO_FACTS, Work, allow
from runner.actions.registry import BY_PIN
from runner.codec import kind_of
from runner.document.findings import Severity
from runner.document.playbook import Condition, Playbook
from runner.document.shape import Parsed, Report
from runner.document.texts import people_texts
from runner.errors import Defect
from runner.exchange import AskException, AskValue, GatherPeople
from runner.plan import (
    FORMAT,
    TRIES,
    UNMET,
    AllowedRequest,
    Approvals,
    CardHeld,
    CardSet,
    Ceremony,
    Device,
    EndState,
    ExceptionAllowed,
    Item,
    Medium,
    Parameter,
    Person,
    Plan,
    PlannedStep,
    Role,
    SourceFile,
    StartState,
    Station,
    Trusted,
    Waiver,
    Wanted,
)
from runner.render_records import Records
from runner.render_steps import StepRenderer
from runner.template_values import Translation, Values
from runner.values import WORDS, as_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.document.findings import Finding, Path
    from runner.document.roster import Roster
    from runner.document.source import Source
    from runner.document.texts import Texts
    from runner.plan import EarlierRecord
    from runner.render_steps import Steps
    from runner.values import Value


class Choice(Struct, frozen=True, kw_only=True):
    """What a plan is made for: an edition of the procedure, a region with its values then, parameters, a language.

    `records` are the earlier records that the playbook names; None where nobody has them: then there is no plan, and
    only the form of references to them can be wrong.
    """

    language: str
    edition: str | None
    region: str | None
    values: Mapping[str, Value]
    parameters: tuple[Parameter, ...]
    records: tuple[EarlierRecord, ...] | None


class Rendered(Struct, frozen=True, kw_only=True):
    """The plan, or None where any finding is an error."""

    plan: Plan | None
    findings: tuple[Finding, ...]


def render(
    playbook: Parsed[Playbook],
    choice: Choice,
    *,
    roster: Roster | None,
    sources: tuple[SourceFile, ...],
    texts: Parsed[Texts] | None = None,
) -> Rendered:
    """Return the plan of a playbook for one choice.

    Args:
        playbook: a playbook without faults of its own.
        choice: what the plan is for.
        roster: the people; None leaves the plan without any, and such a plan cannot be carried out.
        sources: the files it is rendered from, for the record.
        texts: the texts in the language of the choice; None where that is the playbook's own.
    """
    written = playbook.value
    if written is None:
        return Rendered(plan=None, findings=playbook.findings)
    report = Report(playbook.source)
    values = _values(written, choice, report)
    if texts is not None:
        values.translation = _translation(written, choice, texts)
    title = values.said(written.title, ("title",))
    trust = _trust(written, values)
    records = Records(written.records, choice.records, values)
    steps = StepRenderer(written, values, trust, records).render()
    if steps is not None:
        _unused(written, steps, report)
    abroad = () if values.translation is None else values.translation.values.report.findings()
    findings = (*report.findings(), *abroad)
    if steps is None or any(finding.severity is Severity.ERROR for finding in findings):
        return Rendered(plan=None, findings=findings)
    follows = written.follows
    plan = Plan(
        format=FORMAT,
        ceremony=Ceremony(
            id=written.id,
            title=title,
            version=written.version,
            owner=written.owner,
            review_by=written.review_by,
            procedure=follows.procedure if follows else None,
            edition=choice.edition,
            language=choice.language,
        ),
        region=choice.region,
        parameters=choice.parameters,
        sources=sources,
        trust=trust,
        records=records.taken(),
        stations=tuple(
            Station(id=name, title=station.title, network=station.network) for name, station in written.stations.items()
        ),
        devices=tuple(Device(id=name, kind=device.kind, at=device.at) for name, device in written.devices.items()),
        media=tuple(
            Medium(id=name, title=medium.title, at=medium.at, free=medium.free, keeps=medium.keeps)
            for name, medium in written.media.items()
        ),
        roles=tuple(Role(id=name, title=role.title) for name, role in written.roles.items()),
        separation=tuple(tuple(line) for line in written.separation),
        card_sets=tuple(
            CardSet(id=name, kind=item.kind, threshold=item.threshold, cards=item.cards, held_by=item.held_by)
            for name, item in written.card_sets.items()
        ),
        people=() if roster is None else _people(roster),
        starts_with=tuple(_start(written, name, state) for name, state in written.starts_with.items()),
        ends_with=tuple(_end(written, name, state) for name, state in written.ends_with.items()),
        artefacts=steps.artefacts,
        approvals=_approvals(written),
        inventory=tuple(Item(item=item.item, count=item.count) for item in written.inventory),
        exceptions=tuple(
            ExceptionAllowed(rule=item.rule, role=item.role, people=item.people) for item in written.exceptions
        ),
        waivers=tuple(
            Waiver(rule=item.rule, step=item.step, because=item.because, until=item.until) for item in written.waivers
        ),
        minutes=sum(step.minutes or 0 for step in steps.steps if step.left_out is None),
        steps=steps.steps,
    )
    plan = _with_commands(plan, written, report)
    findings = (*report.findings(), *abroad)
    wrong = any(finding.severity is Severity.ERROR for finding in findings)
    return Rendered(plan=None if wrong else plan, findings=findings)


def faults_of_texts(
    written: Playbook, choice: Choice, source: Source, texts: Iterable[tuple[Path, str]]
) -> tuple[Finding, ...]:
    """Return what is wrong with texts of a source, each with its place, where they are filled in for one choice."""
    report = Report(source)
    values = _values(written, choice, report)
    for path, text in texts:
        values.text(text, path)
    return report.findings()


def faults_of_trust(playbook: Parsed[Playbook], choice: Choice) -> tuple[Finding, ...]:
    """Return what is wrong with the trusted values where they are filled in for one choice."""
    if playbook.value is None:
        return ()
    report = Report(playbook.source)
    _trust(playbook.value, _values(playbook.value, choice, report))
    return report.findings()


def names_for(written: Playbook, choice: Choice) -> dict[str, Mapping[str, Any]]:
    """Return what templates are filled in with, by the two parts of its name: `region`, and then `label`."""
    return {
        "region": choice.values,
        "params": {parameter.name: parameter.value for parameter in choice.parameters},
        "names": dict(written.names),
        "ceremony": {
            "id": written.id,
            "version": written.version,
            "edition": choice.edition or "",
            "language": choice.language,
        },
    }


def _values(written: Playbook, choice: Choice, report: Report) -> Values:
    regions = () if choice.region is None else (choice.region,)
    return Values(report=report, regions=regions, names=names_for(written, choice))


def _translation(written: Playbook, choice: Choice, texts: Parsed[Texts]) -> Translation:
    found: dict[Path, tuple[str, Path]] = {}
    for text in people_texts(written):
        here = None if texts.value is None else texts.value.at(text.elsewhere)
        if here is None:
            raise Defect(f"the texts in {texts.source.name} were not found complete before they were used")
        found[text.path] = (here, text.elsewhere)
    return Translation(values=_values(written, choice, Report(texts.source)), texts=found)


def _with_commands(plan: Plan, written: Playbook, report: Report) -> Plan:
    """Fill in what each action derives from the planned step: its requests, and the vendor's command line (DEV020)."""
    positions = {step.id: position for position, _part, step in written.numbered_steps()}
    steps: list[PlannedStep] = []
    for step in plan.steps:
        action = BY_PIN[step.action]
        work = Work(plan=plan, step=step, settings=action.settings.model_validate(step.settings), facts=NO_FACTS)
        command = action.command(work)
        if command is not None and step.command is not None and step.command != command:
            path = ("steps", positions[step.id], "command")
            regions = () if plan.region is None else (plan.region,)
            report.add("DEV020", f"the action types `{command}`", path, help_="write it so", regions=regions)
        requests = (allow(GatherPeople), *action.requests(work), *_asking(step), *_letting_pass(plan, step))
        steps.append(replace(step, command=command or step.command, requests=requests))
    return replace(plan, steps=tuple(steps))


def _asking(step: PlannedStep) -> tuple[AllowedRequest, ...]:
    least = sum(2 if ask.twice else 1 for ask in step.asks)
    if not least:
        return ()
    return (AllowedRequest(kind=kind_of(AskValue), mutates=False, least=least, most=least * TRIES),)


def _letting_pass(plan: Plan, step: PlannedStep) -> tuple[AllowedRequest, ...]:
    """What the engine asks where results are not as expected and people may let that pass (RUN002)."""
    if not step.expect or all(exception.rule != UNMET for exception in plan.exceptions):
        return ()
    return (AllowedRequest(kind=kind_of(AskException), mutates=False, least=0, most=len(step.expect)),)


def _unused(written: Playbook, steps: Steps, report: Report) -> None:
    """SHP010: a waiver of QUO012 that no step needs; whether the others are needed is known on the day only."""
    for number, waiver in enumerate(written.waivers):
        if waiver.rule == "QUO012" and number not in steps.waived:
            where = "this step" if waiver.step is not None else "any step"
            report.add("SHP010", f"the sign-off of {where} is no weaker than it has to be", ("waivers", number))


def _approvals(written: Playbook) -> Approvals:
    if written.approvals is None:
        return Approvals(plan=(), close=(), days=None)
    return Approvals(
        plan=tuple(Wanted(role=role, count=count) for role, count in written.approvals.plan.items()),
        close=tuple(Wanted(role=role, count=count) for role, count in written.approvals.close.items()),
        days=written.approvals.days,
    )


def _trust(written: Playbook, values: Values) -> tuple[Trusted, ...]:
    trusted: list[Trusted] = []
    for name, item in written.trust.items():
        path = ("trust", name, "value")
        found = as_value(item.type, values.text(item.value, path))
        if isinstance(found, str):
            said_by = values.text(item.said_by, ("trust", name, "said_by"))
            trusted.append(Trusted(name=name, type=item.type, value=found, said_by=said_by))
        elif values.whole:
            values.report.add("SHP003", f"this must be {WORDS[item.type]}", path, regions=values.regions)
    return tuple(trusted)


def _people(roster: Roster) -> tuple[Person, ...]:
    return tuple(
        Person(
            id=name,
            name=person.name,
            roles=tuple(person.roles),
            key=person.key.text if person.key is not None else None,
            cards=tuple(CardHeld(set=card_set, number=number) for card_set, number in person.cards.items()),
            stands_in_for=person.stands_in_for,
        )
        for name, person in roster.people.items()
    )


def _subject(written: Playbook, name: str) -> str:
    if name in written.devices:
        return "device"
    if name in written.card_sets:
        return "card_set"
    return "artefact" if name in written.artefacts() else "medium"


def _start(written: Playbook, name: str, state: Any) -> StartState:
    end = _end(written, name, state)
    return StartState(subject=end.subject, id=name, mode=end.mode, world=end.world, state=end.state)


def _end(written: Playbook, name: str, state: Any) -> EndState:
    subject = _subject(written, name)
    if not isinstance(state, Condition):
        return EndState(subject=subject, id=name, mode=None, world=None, state=state, at=None, custody=None)
    return EndState(
        subject=subject,
        id=name,
        mode=state.mode,
        world=state.world,
        state="written" if state.written else None,
        at=state.at,
        custody=state.custody,
    )
