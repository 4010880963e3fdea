"""What `ceremony plan` shows: the steps, who may act where, the minutes and the digest; as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import replace
from plan_bench import FULL, person, step

from runner.cli import plan
from runner.codec import to_data
from runner.exchange import Need
from runner.plan import CardHeld, CheckedPlan, plan_bytes
from runner.reports.duties import Duty, duties
from runner.reports.plan_json import plan_json
from runner.reports.plan_text import plan_text
from runner.spoken import words

if TYPE_CHECKING:
    from approval_bench import Bench

    from runner.plan import Plan

CLERK = Need(role="clerk", count=1, holders_of=None)
HOLDERS = Need(role="holder", count=2, holders_of="acs")
PEOPLE = (
    person("ada", "Ada", "clerk", "holder", cards=(CardHeld(set="acs", number=1),)),
    person("bob", "Bob", "holder"),
    person("eve", "Eve", "clerk", stands_in_for="ada"),
    person("joe", "Joe", "approver"),
)
STEPS = (
    step("one", quorum=(CLERK,), minutes=5),
    step("two", quorum=(CLERK, HOLDERS), minutes=None),
    step("three", quorum=(CLERK,), station="desk", minutes=2),
    step("four", quorum=(CLERK,), left_out="Not today"),
    step("five", quorum=(CLERK,), minutes=1),
)
PLAN = replace(FULL, people=PEOPLE, steps=STEPS, minutes=8)


def checked(made: Plan) -> CheckedPlan:
    return CheckedPlan(plan=made, content=plan_bytes(made), sha256="ab" * 32)


def test_who_may_act_where() -> None:
    assert duties(PLAN) == (
        Duty(person="ada", role="clerk", station="room", steps=(1, 2, 5)),
        Duty(person="ada", role="holder", station="room", steps=(2,)),
        Duty(person="ada", role="clerk", station="desk", steps=(3,)),
        Duty(person="eve", role="clerk", station="room", steps=(1, 2, 5)),
        Duty(person="eve", role="clerk", station="desk", steps=(3,)),
    )


def test_the_table_of_people_in_words() -> None:
    text = plan_text(checked(PLAN))
    assert (
        "Who may act where\n"
        "  Ada: clerk at room, steps 1 to 2, 5\n"
        "  Ada: holder at room, step 2\n"
        "  Ada: clerk at desk, step 3\n"
        "  Eve, for ada: clerk at room, steps 1 to 2, 5\n"
        "  Eve, for ada: clerk at desk, step 3\n"
    ) in text
    assert "about 8 minutes, and 1 step does not say how long\n" in text


def test_a_plan_without_people_says_so() -> None:
    text = plan_text(checked(replace(PLAN, people=())))
    assert "Who may act where\n  nobody\n" in text


def test_json_has_the_plan_its_digest_and_the_table() -> None:
    data = json.loads(plan_json(checked(PLAN)))
    assert (data["version"], data["sha256"], data["minutes"]) == (1, "ab" * 32, 8)
    assert data["words"] == list(words(b"\xab" * 32))
    assert data["plan"] == json.loads(json.dumps(to_data(PLAN)))
    assert data["duties"][1] == {"person": "ada", "role": "holder", "station": "room", "steps": [2]}
    assert len(data["duties"]) == 5


def test_the_command_writes_the_same_plan_in_both_forms(bench: Bench) -> None:
    text = bench.plan()
    printed = bench.run(plan.main, "press.ceremony.yaml", "--format", "json")
    data = json.loads(printed.out)
    assert (text.code, printed.code) == (0, 0)
    assert data["sha256"] == bench.checked().sha256
    assert data["sha256"][:4] + " " in text.out
    assert sum(item["minutes"] or 0 for item in data["plan"]["steps"]) == data["minutes"]
