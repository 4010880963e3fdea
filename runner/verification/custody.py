"""Who has cards and media from a step on: what the plan says, and those who acted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.plan import Step


def held(step: Step, results: list[dict[str, Any]], acting: Mapping[str, str], seq: int) -> Iterator[Finding]:
    """LOG041: the custody on record is the plan's, with those who acted in the role that the plan names.

    Args:
        step: the step that is done.
        results: as its entry has them.
        acting: role by person.
        seq: of its entry.
    """
    if step.action.partition("@")[0] != "record_custody":
        return
    who = sorted(person for person, role in acting.items() if role == step.settings.get("role"))
    wanted = {"custody": step.settings.get("custody"), "held_by": ", ".join(who)}
    found = {item["name"]: item["value"] for item in results}
    for name, value in wanted.items():
        if found.get(name) != value:
            yield Finding(rule="LOG041", seq=seq, words=f"the result {name} is {found.get(name)}, and was {value}")
