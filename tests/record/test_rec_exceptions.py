"""What people let pass, who stood in for whom, and in which state devices were: what is legal, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from changes import Change, data, place, reply, result
from synthetic import Draft, Written, allowed, attested, device, exchange, find, seq_of, write

from runner.audit.entry import EntryType
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def judged(record: Written) -> Verdict:
    return verify(record.folder, record.trust, rehearsal=True)


def seen(record: Written, rule: str, step: str | None, name: str) -> None:
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED, [finding.line() for finding in verdict.findings]
    places = {(finding.rule, finding.seq) for finding in verdict.findings}
    assert (rule, seq_of(record, step, name)) in places, [finding.line() for finding in verdict.findings]


# -- let pass outside steps --------------------------------------------------------------------------------------------


def let_pass(told: list[Draft], **fields: Any) -> None:
    made = {"rule": "RUN016", "about": "2 bags", "people": ["dana"], "reason": "one is torn"} | fields
    told.insert(place(told, "obtain", "step.begun"), Draft(EntryType.EXCEPTION, made, None, tuple(made["people"])))


def test_what_the_plan_lists_is_let_pass_and_shown(tmp_path: Path) -> None:
    verdict = judged(write(tmp_path, signed=True, change=let_pass))
    assert verdict.findings == ()
    assert "let pass: RUN016 (2 bags), by dana: one is torn" in verdict.notes


@pytest.mark.parametrize(
    "fields",
    [
        {"rule": "RUN010"},
        {"rule": "RUN002", "people": ["emil"]},
        {"people": ["emil"]},
        {"people": []},
        {"people": ["fay"]},
        {"people": ["ivo"]},
        {"people": ["dana", "emil"]},
    ],
)
def test_what_is_let_pass_otherwise_is_seen(tmp_path: Path, fields: dict[str, Any]) -> None:
    record = write(tmp_path, signed=True, change=lambda told: let_pass(told, **fields))
    seen(record, "LOG093", None, "exception")


def test_nothing_is_let_pass_like_that_in_a_step(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        let_pass(told)
        moved = told.pop(place(told, None, "exception"))
        told.insert(place(told, "carry", "carry_file"), moved)

    seen(write(tmp_path, signed=True, change=change), "LOG030", None, "exception")


# -- a result that is not as expected ----------------------------------------------------------------------------------


def may_ask(planned: dict[str, Any]) -> None:
    for item in planned["steps"]:
        if item["id"] in ("obtain", "carry"):
            item["requests"].append(allowed("ask_exception", least=0, most=2))


ASKED = {"rule": "RUN002", "result": "bag", "found": "A 13", "expected": "A 12", "role": "witness", "people": 1}


def another_bag(told: list[Draft], *, asked: dict[str, Any] | None = None, people: tuple[str, ...] = ("emil",)) -> None:
    """The bag has another number than expected, and the witness lets that pass."""
    reply("obtain", "value_given", value="A 13")(told)
    result("obtain", "bag", "A 13")(told)
    find(told, "obtain", "step.done").data["comparisons"][1]["found"] = "A 13"
    granted = {"people": list(people), "reason": "a slip of the pen"}
    start = place(told, "obtain", "step.done")
    told[start:start] = exchange("obtain", "ask_exception", ASKED | (asked or {}), "exception_granted", granted)


def test_a_result_that_is_let_pass_is_shown(tmp_path: Path) -> None:
    verdict = judged(write(tmp_path, signed=True, change=another_bag, change_plan=may_ask))
    assert verdict.findings == ()
    words = "let pass: RUN002 (bag of step obtain is A 13, and A 12 was expected), by emil: a slip of the pen"
    assert words in verdict.notes


def two_bags(told: list[Draft]) -> None:
    """What was let pass is not what came out."""
    another_bag(told)
    result("obtain", "bag", "A 14")(told)
    reply("obtain", "value_given", value="A 14")(told)
    find(told, "obtain", "step.done").data["comparisons"][1]["found"] = "A 14"


def for_a_digest(told: list[Draft]) -> None:
    """The file is not the one vouched for, and the witness lets that pass."""
    other = "55" * 32
    asked = ASKED | {"result": "sha256", "found": other, "expected": find_expected(told)}
    granted = {"people": ["emil"], "reason": "it looks right"}
    reply("obtain", "file_arrived", sha256=other)(told)
    result("obtain", "sha256", other)(told)
    find(told, "obtain", "step.done").data["comparisons"][0]["found"] = other
    start = place(told, "obtain", "step.done")
    told[start:start] = exchange("obtain", "ask_exception", asked, "exception_granted", granted)


def find_expected(told: list[Draft]) -> str:
    return str(find(told, "obtain", "step.done").data["comparisons"][0]["expected"])


def not_needed(told: list[Draft]) -> None:
    granted = {"people": ["emil"], "reason": "to be sure"}
    asked = ASKED | {"found": "A 12"}
    start = place(told, "obtain", "step.done")
    told[start:start] = exchange("obtain", "ask_exception", asked, "exception_granted", granted)


EXCEPTIONS: dict[str, tuple[Change, tuple[str, str]]] = {
    "by somebody else": (lambda told: another_bag(told, people=("dana",)), ("obtain", "exception_granted")),
    "by nobody": (lambda told: another_bag(told, people=()), ("obtain", "exception_granted")),
    "a rule that is not listed": (
        lambda told: another_bag(told, asked={"rule": "RUN003"}),
        ("obtain", "ask_exception"),
    ),
    "a result that is not expected": (
        lambda told: another_bag(told, asked={"result": "size"}),
        ("obtain", "ask_exception"),
    ),
    "another difference": (two_bags, ("obtain", "step.done")),
    "another expectation": (lambda told: another_bag(told, asked={"expected": "B"}), ("obtain", "step.done")),
    "no difference": (not_needed, ("obtain", "step.done")),
    "a digest": (for_a_digest, ("obtain", "ask_exception")),
}


@pytest.mark.parametrize("attack", list(EXCEPTIONS))
def test_a_result_is_let_pass_by_the_right_people_or_not_at_all(tmp_path: Path, attack: str) -> None:
    change, (step, name) = EXCEPTIONS[attack]
    seen(write(tmp_path, signed=True, change=change, change_plan=may_ask), "LOG093", step, name)


def test_a_result_that_was_not_let_pass_is_not_met(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        another_bag(told)
        start = place(told, "obtain", "ask_exception")
        del told[start : start + 2]

    seen(write(tmp_path, signed=True, change=change, change_plan=may_ask), "LOG040", "obtain", "step.done")


def test_a_step_fails_where_too_few_let_it_pass(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        another_bag(told, people=())
        devices = [device("vault", 0)]
        failed = {"rule": "RUN002", "status": None, "result": "bag", "expected": "A 12", "found": "A 13"}
        told[place(told, "obtain", "step.done") :] = [
            Draft(EntryType.STEP_FAILED, failed, "obtain"),
            Draft(EntryType.CEREMONY_ABORTED, {"rule": "RUN002", "by": None, "reason": None, "devices": devices}),
            Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
        ]

    record = write(tmp_path, change=change, signed=True, change_plan=may_ask)
    assert {finding.rule for finding in judged(record).findings} == {"LOG061", "LOG015"}


# -- stand-ins ---------------------------------------------------------------------------------------------------------


def substitution(absent: str = "dana", instead: str = "ivo", by: str = "emil") -> Draft:
    made = {"absent": absent, "instead": instead, "by": by, "reason": "a sick child"}
    return Draft(EntryType.SUBSTITUTION, made, None, (by,))


def replace_dana(told: list[Draft], *drafts: Draft) -> None:
    """Dana leaves before the key is sealed, and Ivo takes her place from then on."""
    start = place(told, "seal", "step.begun")
    for draft in told[start:]:
        text = draft.data
        if draft.name == "people_gathered":
            for one in text["reply"]["acting"]:
                one["person"] = {"dana": "ivo"}.get(one["person"], one["person"])
            text["reply"]["acting"].sort(key=lambda one: one["person"])
        if text.get("person") == "dana":
            text["person"] = "ivo"
        draft.actors = tuple("ivo" if who == "dana" else who for who in draft.actors)
    told[start:start] = [
        Draft(EntryType.PERSON_LEFT, {"person": "dana"}),
        Draft(EntryType.PERSON_PRESENT, {"person": "ivo", "roles": ["operator"]}),
        *(drafts or [substitution()]),
    ]


def test_a_stand_in_of_the_roster_acts_instead(tmp_path: Path) -> None:
    verdict = judged(write(tmp_path, signed=True, change=replace_dana))
    assert verdict.findings == ()
    assert "ivo acts instead of dana, says emil: a sick child" in verdict.notes


def stand_in_without_saying(told: list[Draft]) -> None:
    replace_dana(told)
    del told[place(told, None, "substitution")]


def dana_acts_on(told: list[Draft]) -> None:
    start = place(told, "seal", "step.begun")
    told[start:start] = [
        Draft(EntryType.PERSON_LEFT, {"person": "dana"}),
        Draft(EntryType.PERSON_PRESENT, {"person": "ivo", "roles": ["operator"]}),
        substitution(),
        Draft(EntryType.PERSON_PRESENT, {"person": "dana", "roles": ["operator"]}),
    ]


def replace_a_card_holder(told: list[Draft]) -> None:
    start = place(told, "seal", "step.begun")
    told[start:start] = [
        Draft(EntryType.PERSON_LEFT, {"person": "asha"}),
        Draft(EntryType.PERSON_PRESENT, {"person": "jun", "roles": ["administrator"]}),
        substitution("asha", "jun"),
    ]


SUBSTITUTIONS: dict[str, tuple[Change, str | None, str]] = {
    "not said": (stand_in_without_saying, "seal", "people_gathered"),
    "for somebody else": (lambda told: replace_dana(told, substitution("bram")), None, "substitution"),
    "by somebody the roster does not have for it": (
        lambda told: replace_dana(told, substitution(instead="fay")),
        None,
        "substitution",
    ),
    "said by the stand-in": (lambda told: replace_dana(told, substitution(by="ivo")), None, "substitution"),
    "said from outside": (lambda told: replace_dana(told, substitution(by="chen")), None, "substitution"),
    "of somebody who is here": (
        lambda told: told.insert(place(told, "carry", "step.begun"), substitution()),
        None,
        "substitution",
    ),
    "and both act": (dana_acts_on, "seal", "people_gathered"),
    "of somebody who used their card": (replace_a_card_holder, None, "substitution"),
}


@pytest.mark.parametrize("attack", list(SUBSTITUTIONS))
def test_a_substitution_that_the_roster_does_not_have_is_seen(tmp_path: Path, attack: str) -> None:
    change, step, name = SUBSTITUTIONS[attack]
    seen(write(tmp_path, signed=True, change=change), "LOG094", step, name)


def test_somebody_is_replaced_once(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True, change=lambda told: replace_dana(told, substitution(), substitution()))
    last = seq_of(record, None, "substitution", last=True)
    assert ("LOG094", last) in {(finding.rule, finding.seq) for finding in judged(record).findings}


def test_a_card_holder_who_used_no_card_may_be_replaced(tmp_path: Path) -> None:
    def early(told: list[Draft]) -> None:
        start = place(told, "carry", "step.begun")
        told[start:start] = [
            Draft(EntryType.PERSON_LEFT, {"person": "asha"}),
            Draft(EntryType.PERSON_PRESENT, {"person": "jun", "roles": ["administrator"]}),
            substitution("asha", "jun"),
            Draft(EntryType.PERSON_LEFT, {"person": "jun"}),
            Draft(EntryType.PERSON_PRESENT, {"person": "asha", "roles": ["administrator"]}),
        ]

    record = write(tmp_path, signed=True, change=early)
    found = {(finding.rule, finding.seq) for finding in judged(record).findings}
    assert ("LOG094", seq_of(record, None, "substitution")) not in found
    assert ("LOG094", seq_of(record, "reduce", "people_gathered")) in found


# -- how devices begin and end -----------------------------------------------------------------------------------------


def state(**fields: Any) -> dict[str, Any]:
    return {"subject": "device", "id": "hsm", "mode": None, "world": None, "state": None} | fields


@pytest.mark.parametrize(
    ("part", "fields", "name"),
    [
        ("starts_with", {"mode": "initialization"}, "ceremony.resumed"),
        ("starts_with", {"world": "acs"}, "ceremony.resumed"),
        ("ends_with", {"mode": "maintenance"}, "ceremony.closed"),
        ("ends_with", {"world": "acs"}, "ceremony.closed"),
        ("starts_with", {"mode": "operational", "world": "none"}, None),
        ("starts_with", {"world": "any"}, None),
        ("ends_with", {"mode": "operational", "world": "none"}, None),
        ("ends_with", {"id": "acs", "subject": "card_set", "mode": "maintenance"}, None),
    ],
)
def test_devices_begin_and_end_as_planned(tmp_path: Path, part: str, fields: dict[str, Any], name: str | None) -> None:
    def change(planned: dict[str, Any]) -> None:
        planned[part] = [state(**fields) | ({"at": None, "custody": None} if part == "ends_with" else {})]

    record = write(tmp_path, signed=True, change_plan=change)
    if name is None:
        assert judged(record).findings == ()
    else:
        seen(record, "LOG052", None, name)


def test_who_asks_for_a_break_is_in_the_room(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True, change=data(None, "break.begun", by="fay"))
    seen(record, "LOG035", None, "break.begun")


def test_a_clock_that_stepped_is_no_fault(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        told.insert(place(told, "carry", "file_arrived"), Draft(EntryType.CLOCK_STEPPED, {"by_us": -9_000_000}))

    assert judged(write(tmp_path, signed=True, change=change)).findings == ()


def test_a_statement_follows_what_is_let_pass(tmp_path: Path) -> None:
    """What an exception let pass is what people sign at the gate of that step."""

    def gated(planned: dict[str, Any]) -> None:
        may_ask(planned)
        next(item for item in planned["steps"] if item["id"] == "obtain")["sign_off"] = "typed"

    def change(told: list[Draft]) -> None:
        another_bag(told)
        people = (("dana", "operator"), ("emil", "witness"))
        for about, name in (("consent", "ask_value"), ("result", "step.done")):
            start = place(told, "obtain", name)
            said = [attested(about, who, role, "obtain", how="typed") for who, role in people]
            told[start:start] = [Draft(EntryType.CHECKPOINT, {}), *said]

    verdict = judged(write(tmp_path, signed=True, change=change, change_plan=gated))
    assert verdict.findings == ()
