"""What must hold of the controls a playbook sets: approvals, exceptions and waivers.

1. Roles that approve, close or let something pass are declared (QUO011).
2. Only rules of a closed list may be let pass or waived (SHP012), each once (SHP004).
3. A waiver is for a step there is (SHP008), and of some use (SHP010).
4. Card sets need more than one card, more than half of them, and not all (QUO007): a warning, which a waiver silences.

What depends on the day is apart: whether the review is overdue (RUN010), and whether a waiver has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.document.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.document.findings import Path
    from runner.document.playbook import CardSet, Playbook, Waiver
    from runner.document.shape import Report

MAY_PASS: Final = ("RUN002", "RUN010", "RUN016", "REG007")
"""Rules that people may let pass in the room where the playbook says how many of whom; RUN002 never for a digest."""

MAY_WAIVE: Final = ("QUO012", "RUN010", "REG007", "QUO007")
"""Rules that a playbook may waive; the first step by step, the others for the whole plan."""

WHOLE_PLAN: Final = ("RUN010", "REG007", "QUO007")
SIGN_OFF: Final = "QUO012"
_AGAIN: Final = {
    SIGN_OFF: "let people sign again, or write another day with the reason",
    "QUO007": "change the card set, or write another day with the reason",
}
"""What to do where a waiver of these rules has ended; the others depend on the day themselves."""


def check_controls(playbook: Playbook, report: Report) -> None:
    """Write what does not hold of the controls of `playbook` into `report`."""
    if playbook.approvals is not None:
        for moment, needed in (("plan", playbook.approvals.plan), ("close", playbook.approvals.close)):
            for role in needed:
                report.declared("QUO011", "role", role, playbook.roles, path=("approvals", moment, role), key=True)
    _exceptions(playbook, report)
    _waivers(playbook, report)
    _thresholds(playbook, report)


def in_force(waiver: Waiver, today: str) -> bool:
    """Say whether a waiver lifts anything on a day, which is the UTC date, `2026-11-25`."""
    return waiver.rule in MAY_WAIVE and (waiver.until is None or waiver.until >= today)


def too_late(playbook: Playbook, today: str) -> tuple[str, str] | None:
    """Return why a ceremony may not begin on a day any more, as a rule and in words; None where all is well.

    Args:
        playbook: as it is written.
        today: the UTC date, `2026-11-25`.
    """
    if words := _overdue(playbook, today):
        return "RUN010", words
    unsigned = (waiver for _, waiver in _ended(playbook, today) if waiver.rule == SIGN_OFF)
    return next(((SIGN_OFF, ended_words(waiver.rule, waiver.step, waiver.until)) for waiver in unsigned), None)


def check_day(playbook: Playbook, report: Report, *, today: str) -> None:
    """Write what is wrong on a day into `report`.

    RUN010: the review is overdue; a warning, as it says nothing of what is written. QUO012, QUO007: a waiver of the
    rule has ended, and what it lifted holds again.
    """
    if words := _overdue(playbook, today):
        advice = "review it, and write the next date"
        report.add("RUN010", words, ("review_by",), help_=advice, severity=Severity.WARNING)
    for position, waiver in _ended(playbook, today):
        if waiver.rule in _AGAIN:
            severity = Severity.ERROR if waiver.rule == SIGN_OFF else Severity.WARNING
            path: Path = ("waivers", position, "until")
            words = ended_words(waiver.rule, waiver.step, waiver.until)
            report.add(waiver.rule, words, path, help_=_AGAIN[waiver.rule], severity=severity)


def ended_words(rule: str, step: str | None, until: str | None) -> str:
    """Return in words that a waiver has ended: of a rule, for a step or the whole plan, on a day."""
    of = f" for `{step}`" if step is not None else ""
    return f"the waiver of {rule}{of} ended on {until}"


def _ended(playbook: Playbook, today: str) -> Iterator[tuple[int, Waiver]]:
    """Yield the waivers, each with its position, that have ended by a day."""
    for position, waiver in enumerate(playbook.waivers):
        if waiver.rule in MAY_WAIVE and not in_force(waiver, today):
            yield position, waiver


def _overdue(playbook: Playbook, today: str) -> str:
    """Return in words that the review is overdue and nothing waives that; "" where it is not."""
    lifted = any(waiver.rule == "RUN010" and in_force(waiver, today) for waiver in playbook.waivers)
    if lifted or playbook.review_by >= today:
        return ""
    return f"the playbook was to be reviewed by {playbook.review_by}"


def _exceptions(playbook: Playbook, report: Report) -> None:
    seen: dict[str, int] = {}
    for position, allowed in enumerate(playbook.exceptions):
        path: Path = ("exceptions", position)
        _listed(allowed.rule, MAY_PASS, "let pass", (*path, "rule"), report)
        report.declared("QUO011", "role", allowed.role, playbook.roles, path=(*path, "role"))
        first = seen.setdefault(allowed.rule, position)
        if first != position:
            related = [("first written here", ("exceptions", first, "rule"))]
            report.add("SHP004", f"{allowed.rule} is here twice", (*path, "rule"), related=related)


def _waivers(playbook: Playbook, report: Report) -> None:
    steps = {step.id for _, _, step in playbook.numbered_steps()}
    seen: dict[tuple[str, str | None], int] = {}
    for position, waiver in enumerate(playbook.waivers):
        path: Path = ("waivers", position)
        _listed(waiver.rule, MAY_WAIVE, "waived", (*path, "rule"), report)
        if waiver.step is not None and report.declared("SHP008", "step", waiver.step, steps, path=(*path, "step")):
            _of_the_plan(waiver.rule, (*path, "step"), report)
        if waiver.rule == "REG007" and (playbook.follows is None or playbook.regions is None):
            report.add("SHP010", "no edition is followed here that could be replaced", (*path, "rule"))
        first = seen.setdefault((waiver.rule, waiver.step), position)
        if first != position:
            related = [("first written here", ("waivers", first, "rule"))]
            report.add("SHP004", f"{waiver.rule} is waived twice", (*path, "rule"), related=related)


def _of_the_plan(rule: str, path: Path, report: Report) -> None:
    if rule in WHOLE_PLAN:
        report.add("SHP010", f"{rule} is about the whole plan; at a step there is nothing to waive", path, key=True)


def _listed(rule: str, known: Collection[str], verb: str, path: Path, report: Report) -> None:
    if rule not in known:
        report.add("SHP012", f"`{rule}` cannot be {verb}", path, help_=f"one of: {', '.join(known)}")


def _thresholds(playbook: Playbook, report: Report) -> None:
    """QUO007, and SHP010 for a waiver of it without need."""
    waived = [position for position, waiver in enumerate(playbook.waivers) if waiver.rule == "QUO007"]
    doubts = {name: words for name, item in playbook.card_sets.items() if (words := _doubt(name, item))}
    if not doubts:
        for position in waived:
            report.add("SHP010", "no card set here has a doubtful threshold", ("waivers", position, "rule"))
    elif not waived:
        for name, words in doubts.items():
            path: Path = ("card_sets", name, "threshold")
            advice = "need more than half of the cards, and not all"
            report.add("QUO007", words, path, help_=advice, severity=Severity.WARNING)


def _doubt(name: str, card_set: CardSet) -> str:
    """Return why K of N cards are too few or too many; "" where they are neither."""
    needed, cards = card_set.threshold, card_set.cards
    if needed == 1:
        return f"one card of `{name}` is enough, so whoever has one acts alone"
    if needed == cards:
        return f"all {cards} cards of `{name}` are needed, so one that is lost is the end of it"
    if needed * 2 <= cards:
        return f"{needed} of {cards} cards of `{name}` are enough, so two groups could act without each other"
    return ""
