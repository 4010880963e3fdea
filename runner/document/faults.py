"""The shape of a file of faults: `format: faults/1`, what goes wrong in a rehearsal, and how it ends then."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from runner.document.fields import Count, Id, Seconds, Several, Turn
from runner.document.replay import Rule, known_rule
from runner.document.shape import Parsed, Report, Written, validated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.source import Source

What = Literal[
    "card-pulled",
    "card-wrong",
    "card-blank",
    "card-worn",
    "device-power",
    "device-full",
    "device-slow",
    "device-clock",
    "files-full",
    "files-unreadable",
]
"""What goes wrong: with a card at the slot, with the device, with files at a station or on a medium."""

SLOWEST: Final = 600
"""Seconds that a slow device can take."""

TIMED: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"device-slow": (1, SLOWEST), "device-clock": (-(10**9), 10**9)}
)
"""The faults that have `seconds`, from and to how many; the others are counted by `nth`."""


class WentWrong(Written):
    """One thing that goes wrong, once: at a step, in one attempt at it."""

    at: Id
    attempt: Count = 1
    what: What
    nth: Turn | None = None
    seconds: Seconds | None = None
    then: Literal["go-on", "give-up"] = "go-on"


class Ends(Written):
    """How the rehearsal ends: the exit code of `ceremony rehearse`, and by which rule at which step where it fails."""

    exit: Literal[0, 4, 5, 6, 7]
    rule: Rule | None = None
    step: Id | None = None


class FaultScript(Written):
    """What goes wrong in a rehearsal of a ceremony, and how it ends."""

    format: Literal["faults/1"]
    ceremony: Id
    faults: Annotated[Several[WentWrong], Field(min_length=1)]
    ends: Ends


def parse_faults(source: Source, playbook: Playbook | None, *, rules: Collection[str]) -> Parsed[FaultScript]:
    """Return the faults in a source, checked against the rules there are, and the playbook where there is one."""
    report = Report(source)
    draft = validated(FaultScript, source, report)
    if draft is not None and not report.findings():
        check_faults(draft.faults, report)
        _ends(draft.ends, report)
        if draft.ends.rule is not None:
            known_rule(draft.ends.rule, rules, ("ends", "rule"), report)
        if playbook is not None:
            _with_playbook(draft, playbook, report)
    return Parsed(source=source, draft=draft, findings=(*source.findings, *report.findings()))


def check_faults(faults: tuple[WentWrong, ...], report: Report, *, here: Path = ()) -> None:
    """FLT001: a fault has what belongs to its kind; SHP004: no two are the same. `here` is the way to the list."""
    seen: dict[tuple[object, ...], int] = {}
    for index, fault in enumerate(faults):
        path: Path = (*here, "faults", index)
        first = seen.setdefault((fault.at, fault.attempt, fault.what, fault.nth or 1), index)
        if first != index:
            related = [("first written here", (*here, "faults", first))]
            report.add("SHP004", "this fault is there twice", (*path, "what"), related=related)
        bounds = TIMED.get(fault.what)
        if bounds is None and fault.seconds is not None:
            report.add("FLT001", f"`{fault.what}` takes no time", (*path, "seconds"), key=True, help_="write `nth`")
        elif bounds is not None and fault.nth is not None:
            report.add("FLT001", f"`{fault.what}` is not counted", (*path, "nth"), key=True, help_="write `seconds`")
        elif bounds is not None and not (fault.seconds is not None and bounds[0] <= fault.seconds <= bounds[1]):
            advice = f"from {bounds[0]} to {bounds[1]}"
            if fault.seconds is None:
                report.add("FLT001", f"`{fault.what}` needs `seconds`", (*path, "what"), help_=advice)
            else:
                words = f"`{fault.what}` cannot be {fault.seconds} seconds"
                report.add("FLT001", words, (*path, "seconds"), help_=advice)


def _ends(ends: Ends, report: Report) -> None:
    """FLT001: what fails has a rule, what does not has none."""
    if ends.exit == 0 and (ends.rule is not None or ends.step is not None):
        report.add("FLT001", "a ceremony that is carried out ends by no rule", ("ends", "exit"))
    elif ends.exit != 0 and ends.rule is None:
        report.add("FLT001", "what fails does so by a rule", ("ends", "exit"), help_="add `rule`, and `step`")


def _with_playbook(script: FaultScript, playbook: Playbook, report: Report) -> None:
    """SHP008: the file is of this ceremony, and its steps are there."""
    if script.ceremony != playbook.id:
        words = f"these faults are for `{script.ceremony}`, and the ceremony is `{playbook.id}`"
        report.add("SHP008", words, ("ceremony",), help_=f"write `{playbook.id}`")
        return
    steps = tuple(step.id for _, _, step in playbook.numbered_steps())
    for index, fault in enumerate(script.faults):
        report.declared("SHP008", "step", fault.at, steps, path=("faults", index, "at"))
    if script.ends.step is not None:
        report.declared("SHP008", "step", script.ends.step, steps, path=("ends", "step"))
