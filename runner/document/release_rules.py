"""What a playbook must also say before it is released; a draft may leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.document.playbook import Playbook
    from runner.document.shape import Report


def check_release(playbook: Playbook, report: Report) -> None:
    """Write what a release must say and `playbook` does not into `report`: SHP002.

    1. Somebody approves the plan.
    2. Every step says how many minutes it takes, so that people know for how long they come.
    """
    if playbook.approvals is None or not playbook.approvals.plan:
        report.add("SHP002", "a release says who approves the plan", (), help_="write approvals: {plan: {ROLE: 1}}")
    for position, _part, step in playbook.numbered_steps():
        if step.minutes is None:
            words = f"a release says how long `{step.id}` takes"
            report.add("SHP002", words, ("steps", position, "id"), key=True, help_="write minutes:")
