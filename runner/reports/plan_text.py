"""A plan as text: what is done in which order, by whom, with what, and the digest that is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan import APPROVAL_DAYS
from runner.reports.duties import duties

if TYPE_CHECKING:
    from runner.plan import CheckedPlan, EarlierRecord, Plan, PlannedStep


def plan_text(checked: CheckedPlan) -> str:
    """Return the plan in words, ending with its digest as hex in groups of four."""
    plan = checked.plan
    lines = [plan.ceremony.title, f"{plan.ceremony.id} {plan.ceremony.version}"]
    if plan.ceremony.procedure is not None:
        lines.append(f"follows: {plan.ceremony.procedure}, edition {plan.ceremony.edition}")
    if plan.region is not None:
        lines.append(f"region: {plan.region}")
    lines += [f"parameter {item.name}: {_plain(item.value)}" for item in plan.parameters]
    lines += [f"trusted {item.name}: {item.value} (said by {item.said_by})" for item in plan.trust]
    for record in plan.records:
        lines += _record(record)
    lines += [f"cards {item.id}: {item.threshold} of {item.cards}, held by {item.held_by}" for item in plan.card_sets]
    lines += ["", *_people(plan), *_controls(plan), ""]
    part = ""
    for number, step in enumerate(plan.steps, 1):
        if step.part != part:
            part = step.part
            lines += ["", part]
        lines += _step(number, step)
    lines += ["", *_duties(plan), "", _minutes(plan), f"digest {_grouped(checked.sha256)}"]
    return "\n".join(lines) + "\n"


def _record(record: EarlierRecord) -> list[str]:
    kind = "rehearsal" if record.rehearsal else "ceremony"
    return [
        f"record {record.name}: {kind} {record.ceremony} of {record.playbook}",
        f"       log {record.origin}, {record.size} entries, root {record.root}",
        *(f"       {taken.result} of {taken.step}: {_plain(taken.value)}" for taken in record.results),
        *(f"       {file.artefact}: sha256 {_grouped(file.sha256)}" for file in record.files),
    ]


def _people(plan: Plan) -> list[str]:
    if not plan.people:
        return ["people: no roster was given; this plan cannot be carried out as it is"]
    return [
        f"{person.name} ({', '.join(person.roles)})"
        + "".join(f", card {held.number} of {held.set}" for held in person.cards)
        + (f", stands in for {person.stands_in_for}" if person.stands_in_for else "")
        for person in plan.people
    ]


def _duties(plan: Plan) -> list[str]:
    """Return who may act where, a line for each role of a person at a station."""
    names = {
        person.id: person.name + (f", for {person.stands_in_for}" if person.stands_in_for is not None else "")
        for person in plan.people
    }
    lines = [f"  {names[duty.person]}: {duty.role} at {duty.station}, {_numbers(duty.steps)}" for duty in duties(plan)]
    return ["Who may act where", *(lines or ["  nobody"])]


def _numbers(steps: tuple[int, ...]) -> str:
    """Return numbers of steps in words, those that follow each other as `3 to 5`."""
    runs: list[list[int]] = []
    for number in steps:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ("step " if len(steps) == 1 else "steps ") + ", ".join(said)


def _minutes(plan: Plan) -> str:
    silent = sum(1 for step in plan.active_steps() if step.minutes is None)
    steps = "1 step does" if silent == 1 else f"{silent} steps do"
    return f"about {plan.minutes} minutes" + (f", and {steps} not say how long" if silent else "")


def _controls(plan: Plan) -> list[str]:
    """Return who approves and closes, what is let pass and waived, and what must lie on the table."""
    approvals = plan.approvals
    days = approvals.days or APPROVAL_DAYS
    lines = [f"approved by {item.count} {item.role}, for {days} days" for item in approvals.plan]
    lines += [f"closed by {item.count} {item.role}" for item in approvals.close]
    lines += [f"may pass: {item.rule}, by {item.people} {item.role}" for item in plan.exceptions]
    for waiver in plan.waivers:
        where = f" at {waiver.step}" if waiver.step is not None else ""
        until = f", until {waiver.until}" if waiver.until is not None else ""
        lines.append(f"waived: {waiver.rule}{where}: {waiver.because}{until}")
    lines += [f"on the table: {item.count} {item.item}" for item in plan.inventory]
    lines += [f"brought: {item.file} at {where.at}, sha256 {_grouped(where.sha256)}" for item, where in plan.brings]
    return lines


def _step(number: int, step: PlannedStep) -> list[str]:
    if step.left_out is not None:
        return [f"{number:>3}  LEFT OUT: {step.title} [{step.id}]. {step.left_out}"]
    needed = ", ".join(f"{need.count} {need.role}" for need in step.quorum)
    time = f", {step.minutes} min" if step.minutes is not None else ""
    once = ", once only" if step.repeat == "never" else ""
    gate = f", {step.sign_off} by each" if step.sign_off != "none" else ""
    lines = [f"{number:>3}  {step.title} [{step.id}]", f"       at {step.station}, with {needed}{time}{once}{gate}"]
    if step.command is not None:
        lines.append(f"       types: {step.command}")
    return lines


def _plain(value: str | int | bool) -> str:  # noqa: FBT001 (a value of the plan)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _grouped(digest: str) -> str:
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))
