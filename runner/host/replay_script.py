"""Scripted ceremonies from a `*.replay.yaml`: base case and variants tried, and what came otherwise as findings.

The playbook is read once and changed in memory only; every finding has the place of the file as it is. The module is
longer than others because reading, changing and judging a case are one matter.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from runner.actions.registry import BY_NAME
from runner.document.edited import nearest_way, with_value, without
from runner.document.parse import parse_playbook, parse_roster
from runner.document.replay import PlanFor, check_replay, parse_replay
from runner.document.shape import Report
from runner.document.source import read_source
from runner.errors import Exit, WrongUse
from runner.host.documents import load, shown
from runner.host.replay_stage import Came, Refusal, Scene, perform
from runner.host.rules import load_rules
from runner.values import as_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.document.findings import Finding, Place
    from runner.document.findings import Path as Way
    from runner.document.replay import Replay, Variant
    from runner.document.source import Source
    from runner.host.disk import Disk
    from runner.planning import Documents

ENDING: Final = ".replay.yaml"

_AS_IT_IS: Final = "what is shown of the playbook is the file as it is, without the change of the variant"

_BEFORE: Final = frozenset({Exit.REFUSED, Exit.CONTROL})
"""Exit codes of a refusal that leaves everything as it was."""


class Case(Struct, frozen=True, kw_only=True):
    """The base case, or a variant by its number; `place` is where it is written."""

    name: str
    place: Place
    number: int | None


class Loaded(Struct, frozen=True, kw_only=True):
    """A file of scripted ceremonies with the playbook it is about.

    Attributes:
        source: the file.
        folder: where it lies, with the playbook and what is brought.
        replay: what it says.
        documents: the playbook, its regions and roster.
        cases: what can be tried, in the file's order.
        earlier: the files of scripted ceremonies whose base cases leave earlier records, by name.
    """

    source: Source
    folder: Path
    replay: Replay
    documents: Documents
    cases: tuple[Case, ...]
    earlier: Mapping[str, Loaded]


class Unreadable(Struct, frozen=True, kw_only=True):
    """A file of scripted ceremonies that cannot be tried: what is wrong with it."""

    source: Source
    findings: tuple[Finding, ...]

    def by_name(self) -> dict[str, Source]:
        """Return the file by its name; for excerpts."""
        return {self.source.name: self.source}


class Tried(Struct, frozen=True, kw_only=True):
    """What came otherwise than a case says; nothing where it is as it says."""

    findings: tuple[Finding, ...]
    sources: Mapping[str, Source]


def load_replay(disk: Disk, path: Path, *, after: tuple[str, ...] = ()) -> Loaded | Unreadable:
    """Read a file of scripted ceremonies, the playbook it names beside it, and those that leave its earlier records.

    Args:
        disk: the only way to files.
        path: the file.
        after: the names of the files it is to leave an earlier record for.

    Raises:
        WrongUse: the file itself cannot be read.
    """
    source = read_source(shown(path), disk.read(path))
    parsed = parse_replay(source)
    replay = parsed.value
    if replay is None:
        return Unreadable(source=source, findings=parsed.findings)
    report = Report(source)
    try:
        roster = None if replay.roster is None else path.parent / replay.roster
        documents = load(disk, path.parent / replay.playbook, roster=roster)
    except WrongUse as fault:
        report.add("RPL002", fault.words, ("playbook",))
        return Unreadable(source=source, findings=report.findings())
    if documents.playbook.draft is not None:
        people = documents.roster.draft if documents.roster is not None else None
        check_replay(replay, documents.playbook.draft, people, report, rules=load_rules())
        if findings := report.findings():
            return Unreadable(source=source, findings=findings)
    earlier = _earlier(disk, path, replay, after, report)
    if findings := report.findings():
        return Unreadable(source=source, findings=findings)
    base = Case(name="base", place=source.place_of(("gives",), key=True), number=None)
    variants = (
        Case(name=variant.name, place=source.place_of(("variants", index)), number=index)
        for index, variant in enumerate(replay.variants)
    )
    return Loaded(
        source=source,
        folder=path.parent,
        replay=replay,
        documents=documents,
        cases=(base, *variants),
        earlier=earlier,
    )


def _earlier(disk: Disk, path: Path, replay: Replay, after: tuple[str, ...], report: Report) -> dict[str, Loaded]:
    """RPL002: each file that is to leave an earlier record can be tried, and needs none of those that come after it."""
    found: dict[str, Loaded] = {}
    plans: list[tuple[Way, PlanFor]] = [(("plan",), replay.plan)]
    plans += [
        (("variants", index, "plan"), variant.plan)
        for index, variant in enumerate(replay.variants)
        if variant.plan is not None
    ]
    for here, plan in plans:
        for name, file in plan.records.items():
            place = (*here, "records", name)
            if file in (*after, path.name):
                report.add("RPL002", f"{file} cannot come before itself", place)
                continue
            if file in found:
                continue
            try:
                loaded = load_replay(disk, path.parent / file, after=(*after, path.name))
            except WrongUse as fault:
                report.add("RPL002", fault.words, place)
                continue
            if isinstance(loaded, Unreadable):
                report.add("RPL002", f"{file} cannot be tried: {loaded.findings[0].message}", place)
            else:
                found[file] = loaded
    return found


def try_case(disk: Disk, loaded: Loaded, case: Case) -> Tried:
    """Try a case in a temporary folder, which is gone afterwards."""
    report = Report(loaded.source)
    variant = None if case.number is None else loaded.replay.variants[case.number]
    scene = _base(loaded) if variant is None else _changed(loaded, variant, case.number or 0, report)
    if scene is None:
        return Tried(findings=report.findings(), sources={loaded.source.name: loaded.source})
    with tempfile.TemporaryDirectory(prefix="ceremony-replay-") as folder:
        came = perform(disk, scene, Path(folder))
    if variant is None:
        _judge_base(loaded, came, report)
    else:
        _judge(variant, case.number or 0, came, report)
    found = report.findings()
    sources = {loaded.source.name: loaded.source, **scene.documents.by_name()}
    return Tried(findings=(*found, *came.findings) if found else (), sources=sources)


# -- what is tried ---------------------------------------------------------------------------------------------------


def _base(loaded: Loaded) -> Scene:
    replay = loaded.replay
    return Scene(
        documents=loaded.documents,
        folder=loaded.folder,
        plan=replay.plan,
        answers=_typed(replay.answers),
        earlier=_scenes(loaded, replay.plan),
    )


def _scenes(loaded: Loaded, plan: PlanFor) -> dict[str, Scene]:
    scenes = {file: _base(loaded.earlier[file]) for file in plan.records.values()}
    return {name: scenes[file] for name, file in plan.records.items()}


def _changed(loaded: Loaded, variant: Variant, number: int, report: Report) -> Scene | None:
    """Return the base case with the variant's change, or None with the reason in the report."""
    base = _base(loaded)
    if variant.plan is not None:
        own = loaded.replay.plan
        plan = PlanFor(
            region=variant.plan.region or own.region,
            edition=variant.plan.edition or own.edition,
            params={**own.params, **variant.plan.params},
            records={**own.records, **variant.plan.records},
        )
        return replace(base, plan=plan, earlier=_scenes(loaded, plan))
    if variant.answers is not None:
        return replace(base, answers={**base.answers, **_typed(variant.answers)})
    if variant.absent is not None:
        return replace(base, absent=frozenset(variant.absent))
    if variant.fault is not None:
        return replace(base, fault=variant.fault)
    source = loaded.documents.playbook.source
    path: Way
    if variant.drop is not None:
        way, path = variant.drop, ("variants", number, "drop")
        edited = without(source, way)
    else:
        ((way, value),) = (variant.set or {}).items()
        path = ("variants", number, "set", way)
        edited = with_value(source, way, _plain(value))
    if edited is None:
        near = nearest_way(source.data, way)
        advice = f"write `{near}`" if near else ""
        report.add("RPL002", "this leads to nothing in the playbook", path, key=variant.drop is None, help_=advice)
        return None
    return replace(base, documents=_read_again(loaded.documents, edited))


def _read_again(documents: Documents, source: Source) -> Documents:
    """Return the documents with the playbook that stands in `source`; the other files are those of before."""
    regions = documents.regions
    if isinstance(source.data, dict) and "regions" not in source.data:
        regions = None
    values = None if regions is None else regions.value
    playbook = parse_playbook(source, actions=BY_NAME, regions=lambda _named: values)
    roster = documents.roster
    if roster is not None:
        roster = parse_roster(roster.source, playbook.draft)
    return replace(documents, playbook=playbook, regions=regions, roster=roster)


def _typed(answers: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return answers as people type them: flags as `true` and `false`."""
    return {
        (step, name): str(value).lower() if isinstance(value, bool) else str(value)
        for step, values in answers.items()
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    """Return a setting as it is read from a file."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | int | bool):
        return value
    return {key: _plain(item) for key, item in value.items()}


# -- what came of it -------------------------------------------------------------------------------------------------


def _judge_base(loaded: Loaded, came: Came, report: Report) -> None:
    """RPL003: it is carried out; RPL005: its record is valid and replays; RPL004: the results are these."""
    replay = loaded.replay
    if came.refusals or came.exit != replay.gives.exit:
        report.add("RPL003", f"the base case {_said(came)}", ("gives", "exit"))
        return
    for line in came.unsound:
        report.add("RPL005", f"the record of the base case: {line}", ("gives",), key=True)
    kinds = _kinds(loaded.documents)
    for step, wanted in replay.gives.results.items():
        for name, value in wanted.items():
            path: Way = ("gives", "results", step, name)
            found = came.results.get((step, name))
            if found is None:
                known = sorted(one for at, one in came.results if at == step)
                listing = f"one of: {', '.join(known)}" if known else "the step was left out, or has no results"
                report.add("RPL004", f"`{step}` gives no result `{name}`", path, key=True, help_=listing)
            elif as_value(kinds[step, name], value) != found:
                report.add("RPL004", f"`{name}` of `{step}` is {_spelt(found)}", path)


def _kinds(documents: Documents) -> dict[tuple[str, str], str]:
    """Return the type of every result, by step and name."""
    found: dict[tuple[str, str], str] = {}
    for _position, _part, step in documents.written.numbered_steps():
        found.update({(step.id, result.name): result.type for result in BY_NAME[step.action].results})
        found.update({(step.id, name): ask.type for name, ask in step.asks.items()})
    return found


def _spelt(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _judge(variant: Variant, number: int, came: Came, report: Report) -> None:
    """RPL006: it fails; RPL007: by this rule, at this step, with this exit code; RPL008: before anything was made."""
    fails, path = variant.fails, ("variants", number, "fails")
    if came.missed and variant.fault is not None:
        words = f"there is no `{variant.fault.damage}` yet when `{variant.fault.at}` begins"
        report.add("RPL002", words, ("variants", number, "fault"), key=True)
        return
    if not came.refusals:
        report.add("RPL006", f"the variant {_said(came)}", path, key=True)
        return
    named = any((one.rule, one.step) == (fails.rule, fails.step) for one in came.refusals)
    if not named or came.exit != fails.exit:
        wanted = _line(Refusal(rule=fails.rule, step=fails.step, words=""))
        words = f"the variant {_said(came)}; named is {wanted} with exit code {fails.exit}"
        edited = variant.set is not None or variant.drop is not None
        report.add("RPL007", words, path, key=True, help_=_AS_IT_IS if edited else "")
    elif came.made and fails.exit in _BEFORE:
        report.add("RPL008", f"the variant {_said(came)}, and something was made by then", path, key=True)


def _said(came: Came) -> str:
    if not came.refusals:
        return "was carried out to its end"
    lines = "; ".join(_line(one) for one in came.refusals[:3])
    more = f" and {len(came.refusals) - 3} more" if len(came.refusals) > 3 else ""  # noqa: PLR2004 (three, as above)
    return f"failed by {lines}{more} with exit code {int(came.exit)}"


def _line(refusal: Refusal) -> str:
    where = f" at {refusal.step}" if refusal.step else ""
    words = f" ({refusal.words})" if refusal.words else ""
    return f"{refusal.rule or 'no rule'}{where}{words}"
