"""The shape of scripted ceremonies: `format: replay/1`, a base case that is carried out and variants that must fail.

A variant changes one thing of the base case and says by which rule, at which step and with which exit code it fails.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from runner.document.fields import (
    Checked,
    Date,
    FileName,
    Id,
    Name,
    Named,
    Setting,
    Several,
    Text,
    Value,
    fault,
    nothing,
)
from runner.document.shape import Parsed, Report, Written, validated
from runner.vocabulary import closest_rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.roster import Roster
    from runner.document.source import Source

CHANGES: Final = ("set", "drop", "plan", "absent", "answers", "fault")
"""What a variant can change; each has exactly one."""

FAULTS: Final = ("damage", "no_card", "other_card", "wrong_pin")
"""What can go wrong in a step; a fault is exactly one of them."""

_RULE: Final = r"^[A-Z]{3}\d{3}$"


def _rule(value: Any) -> str:
    if not isinstance(value, str) or not re.search(_RULE, value):
        raise fault("this must be the id of a rule", "write it as findings show it: QUO004")
    return value


Rule = Annotated[str, Checked(_rule, {"type": "string", "pattern": _RULE})]
"""The id of a rule."""

Typed = Named[Id, Named[Name, Value]]
"""Values by step and name."""


class PlanFor(Written):
    """What the plan is made for; what is not said is the playbook's own, or its examples.

    `records` says whose base case leaves each earlier record: another file of scripted ceremonies in the same folder.
    """

    region: Id | None = None
    edition: Date | None = None
    params: Named[Name, Value] = Field(default_factory=nothing)
    records: Named[Name, FileName] = Field(default_factory=nothing)


class Gives(Written):
    """How the base case ends: it is carried out, with these results among its own."""

    exit: Literal[0]
    results: Typed = Field(default_factory=nothing)


class Fails(Written):
    """How a variant fails: by a rule, at a step (none: before or outside all steps), with an exit code."""

    rule: Rule
    step: Id | None = None
    exit: Literal[2, 3, 4, 5, 6, 7]


class OtherCard(Written):
    """Somebody puts in another card than their own: one that is there, by its serial, or one of another world."""

    person: Id
    card: Text


class Fault(Written):
    """What goes wrong in a step.

    One byte of an artefact changes where it lies when the step begins; or, where cards are read, somebody puts in none,
    or another one than theirs, or types a PIN that is not the card's.
    """

    at: Id
    damage: Id | None = None
    no_card: Id | None = None
    other_card: OtherCard | None = None
    wrong_pin: Id | None = None

    def there(self) -> tuple[str, ...]:
        """Return which of `FAULTS` stand here."""
        return tuple(key for key in FAULTS if getattr(self, key) is not None)


class Variant(Written):
    """The base case with one thing changed."""

    name: Text
    set: Annotated[Named[Text, Setting], Field(min_length=1)] | None = None
    drop: Text | None = None
    plan: PlanFor | None = None
    absent: Annotated[Several[Id], Field(min_length=1)] | None = None
    answers: Typed | None = None
    fault: Fault | None = None
    fails: Fails

    def changed(self) -> tuple[str, ...]:
        """Return which of `CHANGES` stand here, each value that is set counted."""
        there = tuple(key for key in CHANGES if getattr(self, key) is not None)
        return (*("set" for _ in self.set or ()), *(key for key in there if key != "set"))


class Replay(Written):
    """A playbook tried out: who plays, what they answer, what comes out, and what must not work."""

    format: Literal["replay/1"]
    playbook: FileName
    roster: FileName | None = None
    plan: PlanFor = Field(default_factory=PlanFor)
    answers: Typed = Field(default_factory=nothing)
    gives: Gives
    variants: Several[Variant] = ()


def parse_replay(source: Source) -> Parsed[Replay]:
    """Return the scripted ceremonies in a source; what they name is looked at by `check_replay`."""
    report = Report(source)
    draft = validated(Replay, source, report)
    if draft is not None and not report.findings():
        _variants(draft, report)
    return Parsed(source=source, draft=draft, findings=(*source.findings, *report.findings()))


def _variants(replay: Replay, report: Report) -> None:
    """RPL001: a variant changes exactly one thing; SHP004: no two have one name, nor that of the base case."""
    seen: dict[str, Path] = {"base": ("gives",)}
    for index, variant in enumerate(replay.variants):
        changed = variant.changed()
        if len(changed) != 1:
            what = f"changes {' and '.join(f'`{key}`' for key in changed)}" if changed else "changes nothing"
            advice = "keep one of them, and make another variant" if changed else f"one of: {', '.join(CHANGES)}"
            report.add("RPL001", f"this variant {what}", ("variants", index, "name"), help_=advice)
        if variant.fault is not None and len(variant.fault.there()) != 1:
            advice = f"one of: {', '.join(FAULTS)}"
            report.add("RPL001", "a fault is exactly one thing", ("variants", index, "fault"), key=True, help_=advice)
        first = seen.setdefault(variant.name, ("variants", index, "name"))
        if first != ("variants", index, "name"):
            related = [("first written here", first)]
            report.add("SHP004", f"`{variant.name}` is there twice", ("variants", index, "name"), related=related)


def check_replay(
    replay: Replay, playbook: Playbook, roster: Roster | None, report: Report, *, rules: Collection[str]
) -> None:
    """SHP008: every step, answer, artefact, record and person is one of playbook or roster, and every rule is one."""
    asks = {step.id: tuple(step.asks) for _, _, step in playbook.numbered_steps()}
    people = () if roster is None else tuple(roster.people)
    _answers(replay.answers, asks, ("answers",), report)
    _records(replay.plan, playbook, ("plan",), report)
    for step in replay.gives.results:
        report.declared("SHP008", "step", step, asks, path=("gives", "results", step), key=True)
    for index, variant in enumerate(replay.variants):
        here: Path = ("variants", index)
        known_rule(variant.fails.rule, rules, (*here, "fails", "rule"), report)
        if variant.fails.step is not None:
            report.declared("SHP008", "step", variant.fails.step, asks, path=(*here, "fails", "step"))
        for number, person in enumerate(variant.absent or ()):
            report.declared("SHP008", "person", person, people, path=(*here, "absent", number))
        if variant.plan is not None:
            _records(variant.plan, playbook, (*here, "plan"), report)
        if variant.answers is not None:
            _answers(variant.answers, asks, (*here, "answers"), report)
        if variant.fault is not None:
            report.declared("SHP008", "step", variant.fault.at, asks, path=(*here, "fault", "at"))
            _fault(variant.fault, playbook, people, (*here, "fault"), report)


def known_rule(rule: str, rules: Collection[str], path: Path, report: Report) -> None:
    """SHP008: a rule that something is to fail by is one of `rules`."""
    if rule not in rules:
        near = closest_rule(rule, rules)
        report.add("SHP008", f"there is no rule `{rule}`", path, help_=f"write `{near}`" if near else "")


def _fault(fault: Fault, playbook: Playbook, people: tuple[str, ...], path: Path, report: Report) -> None:
    if fault.damage is not None:
        report.declared("SHP008", "artefact", fault.damage, playbook.artefacts(), path=(*path, "damage"))
    if fault.other_card is not None:
        report.declared("SHP008", "person", fault.other_card.person, people, path=(*path, "other_card", "person"))
    for key, person in (("no_card", fault.no_card), ("wrong_pin", fault.wrong_pin)):
        if person is not None:
            report.declared("SHP008", "person", person, people, path=(*path, key))


def _records(plan: PlanFor, playbook: Playbook, path: Path, report: Report) -> None:
    for name in plan.records:
        report.declared("SHP008", "record", name, playbook.records, path=(*path, "records", name), key=True)


def _answers(
    answers: Mapping[str, Mapping[str, Any]], asks: Mapping[str, tuple[str, ...]], path: Path, report: Report
) -> None:
    for step, values in answers.items():
        if report.declared("SHP008", "step", step, asks, path=(*path, step), key=True):
            for name in values:
                report.declared("SHP008", "question", name, asks[step], path=(*path, step, name), key=True)
