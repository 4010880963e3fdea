"""Values from an earlier record: they stand in the plan, and a record compares with these and no others."""

from __future__ import annotations

import base64
import copy
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from synthetic import done, find, sha, write

from runner import canonical
from runner.document.playbook import Playbook
from runner.errors import PlaybookFault
from runner.host.disk import Disk
from runner.host.earlier_records import RecordAt, read_records
from runner.verification.plan import read_plan
from runner.verification.reading import ShapeError
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from changes import Change
    from synthetic import Draft, Written

ROOT = base64.b64encode(b"r" * 32).decode()
EARLIER: dict[str, Any] = {
    "name": "first",
    "playbook": "first-key",
    "ceremony": "0e" * 16,
    "rehearsal": True,
    "origin": "first-key.rehearsal/1",
    "size": 40,
    "root": ROOT,
    "results": [{"step": "make", "result": "count", "type": "whole", "value": 1}],
    "files": [{"artefact": "tools", "sha256": sha(synthetic.TOOLSET)}],
}
EXPECT: list[dict[str, Any]] = [
    {"result": "files", "equals": {"record": "first", "step": "make", "result": "count"}},
    {"result": "sha256", "equals": {"record": "first", "artefact": "tools"}},
]
COUNT = {"result": "files", "found": 1, "expected": 1, "against": "record", "published": None}
TOOLS = {
    "result": "sha256",
    "found": sha(synthetic.TOOLSET),
    "expected": sha(synthetic.TOOLSET),
    "against": "record",
    "published": None,
}


def takes(planned: dict[str, Any]) -> None:
    """Carrying is held to what an earlier record says."""
    planned["records"].append(copy.deepcopy(EARLIER))
    step_of(planned)["expect"] += copy.deepcopy(EXPECT)


def step_of(planned: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in planned["steps"] if item["id"] == "carry")
    return found


def compared(told: list[Draft]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = find(told, "carry", "step.done").data["comparisons"]
    return found


def record(place: Path, change: Change = lambda _: None, **more: Any) -> Written:
    def whole(told: list[Draft]) -> None:
        compared(told).extend([dict(COUNT), dict(TOOLS)])
        change(told)

    place.mkdir(exist_ok=True)
    return write(place, change=whole, change_plan=takes, **more)


def judged(made: Written, **more: Any) -> Verdict:
    return verify(made.folder, made.trust, rehearsal=True, **more)


def test_a_record_that_compares_with_the_values_of_its_plan_is_valid(tmp_path: Path) -> None:
    verdict = judged(record(tmp_path))
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert (
        "the plan takes values from the record first; whether they are in it, only that record shows" in verdict.notes
    )


def other_count(told: list[Draft]) -> None:
    """The room came out otherwise, and log and comparison say what the plan should have said."""
    drafted = find(told, "carry", "step.done")
    drafted.data["results"] = done("carry", {"sha256": sha(synthetic.TOOLSET), "files": 2}).data["results"]
    compared(told)[1].update(found=2, expected=2)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: compared(told)[1].update(expected=2),
        lambda told: compared(told)[1].update(against="plan"),
        lambda told: compared(told)[1].update(against="step"),
        lambda told: compared(told)[1].update(published=1),
        lambda told: compared(told)[1].update(expected=True),
        lambda told: compared(told)[2].update(expected="55" * 32),
        lambda told: compared(told).pop(),
        lambda told: compared(told).reverse(),
        other_count,
    ],
    ids=["value", "plan", "step", "published", "flag", "digest", "left out", "order", "both"],
)
def test_a_comparison_with_another_value_is_seen(tmp_path: Path, change: Change) -> None:
    assert judged(record(tmp_path / "before")).outcome is Outcome.VALID
    verdict = judged(record(tmp_path / "after", change))
    assert verdict.outcome is Outcome.TAMPERED
    assert "LOG040" in {finding.rule for finding in verdict.findings}


def test_a_real_ceremony_with_values_of_a_rehearsal_is_none(tmp_path: Path) -> None:
    words = "a real ceremony with values from the record of a rehearsal"
    assert words not in {one.words for one in judged(record(tmp_path / "before")).findings}
    verdict = judged(record(tmp_path / "after", change_opening=lambda opened: opened.update(rehearsal=False)))
    assert ("SEC001", words) in {(one.rule, one.words) for one in verdict.findings}


CHANGES: dict[str, Any] = {
    "twice": lambda plan: plan["records"].append(plan["records"][0]),
    "a result twice": lambda plan: plan["records"][0]["results"].append(plan["records"][0]["results"][0]),
    "a file twice": lambda plan: plan["records"][0]["files"].append(plan["records"][0]["files"][0]),
    "a result too many": lambda plan: plan["records"][0]["results"].append(
        {"step": "make", "result": "more", "type": "whole", "value": 1}
    ),
    "a file too many": lambda plan: plan["records"][0]["files"].append({"artefact": "more", "sha256": "55" * 32}),
    "no result": lambda plan: plan["records"][0]["results"].clear(),
    "no file": lambda plan: plan["records"][0]["files"].clear(),
    "another step": lambda plan: plan["records"][0]["results"][0].update(step="other"),
    "no record": lambda plan: plan["records"].clear(),
    "another name": lambda plan: plan["records"][0].update(name="second"),
    "no root": lambda plan: plan["records"][0].update(root=ROOT[4:]),
    "no size": lambda plan: plan["records"][0].update(size=0),
    "no id": lambda plan: plan["records"][0].update(ceremony="0e"),
    "no log": lambda plan: plan["records"][0].update(origin="a b"),
    "a digest that is none": lambda plan: plan["records"][0]["files"][0].update(sha256="55"),
    "an unknown key": lambda plan: plan["records"][0].update(more=1),
    "both": lambda plan: step_of(plan)["expect"][-1]["equals"].update(step="make", result="count"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_plan_that_takes_what_it_cannot_is_none(name: str) -> None:
    planned = synthetic.plan()
    takes(planned)
    read_plan(canonical.encode(planned))
    CHANGES[name](planned)
    with pytest.raises(ShapeError):
        read_plan(canonical.encode(planned))


def test_a_file_that_is_brought_needs_no_comparison() -> None:
    planned = synthetic.plan()
    takes(planned)
    step_of(planned)["expect"].pop()
    with pytest.raises(ShapeError, match="nothing is compared with"):
        read_plan(canonical.encode(planned))
    planned["artefacts"].append(
        synthetic.artefact("tools", "t.zip", "nobody")
        | {"made_by": None, "output": None, "brought": {"at": "online", "sha256": sha(synthetic.TOOLSET)}}
    )
    read_plan(canonical.encode(planned))


@pytest.mark.parametrize(
    ("seen", "outcome", "known"),
    [
        ({}, Outcome.VALID, True),
        ({"root": base64.b64encode(b"s" * 32).decode()}, Outcome.TAMPERED, False),
        ({"size": 41, "root": base64.b64encode(b"s" * 32).decode()}, Outcome.VALID, False),
        ({"origin": "first-key.rehearsal/2", "root": base64.b64encode(b"s" * 32).decode()}, Outcome.VALID, False),
    ],
    ids=["the same", "another root", "another size", "another log"],
)
def test_a_registry_knows_the_earlier_record(
    tmp_path: Path, seen: dict[str, Any], outcome: Outcome, *, known: bool
) -> None:
    checkpoint = {"origin": EARLIER["origin"], "size": EARLIER["size"], "root": ROOT} | seen
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"format": "registry/1", "checkpoints": [checkpoint], "approvals": []}))
    verdict = judged(record(tmp_path), registry=path)
    assert verdict.outcome is outcome
    assert [one.rule for one in verdict.findings] == ([] if outcome is Outcome.VALID else ["LOG020"])
    assert any("its last checkpoint was seen before" in note for note in verdict.notes) is known


# -- read for the values in it -----------------------------------------------------------------------------------------


def offline(told: list[Draft]) -> None:
    """Nothing happens but the download and the carry: no device takes part, and values are the published ones."""
    told[:] = [draft for draft in told if draft.step in (None, "obtain", "carry")]
    told[-1].data["devices"] = []
    for draft in told:
        for comparison in draft.data.get("comparisons", []):
            if comparison["against"] == "simulated":
                comparison |= {"against": "published", "published": None}


def published(planned: dict[str, Any]) -> None:
    planned["steps"] = planned["steps"][:3]
    planned["trust"][0]["value"] = sha(synthetic.TOOLSET)


def real(opened: dict[str, Any]) -> None:
    opened |= {"rehearsal": False, "devices": [], "signers": "roster"}
    opened["trust"]["list"] = "published"


def playbook(ceremony: str) -> Playbook:
    """A playbook of which only the earlier records matter."""
    return Playbook.model_construct(
        records={"first": SimpleNamespace(ceremony=ceremony, ask="Which?")},  # type: ignore[dict-item]
    )


def test_only_a_rehearsals_record_is_believed_by_what_lies_beside_it(tmp_path: Path) -> None:
    written = write(
        tmp_path,
        change=offline,
        change_plan=published,
        change_opening=real,
        change_files=lambda files: files.update({"keys/allowed_signers": b""}),
    )
    synthetic.trust_file(tmp_path, written.key)
    asks = playbook(written.plan["ceremony"]["id"])
    (record,) = read_records(Disk(), asks, {"first": RecordAt(folder=written.folder, trust=written.trust)})
    assert (record.rehearsal, record.size) == (False, len(written.lines))
    assert {(item.step, item.result): item.value for item in record.results}["carry", "files"] == 1
    assert [(item.artefact, item.sha256) for item in record.files] == [("toolset", sha(synthetic.TOOLSET))]
    with pytest.raises(PlaybookFault, match="name its trust file") as caught:
        read_records(Disk(), asks, {"first": RecordAt(folder=written.folder, trust=None)})
    assert caught.value.rule == "LOG020"


def test_a_result_that_no_action_gives_is_not_taken(tmp_path: Path) -> None:
    def more(told: list[Draft]) -> None:
        find(told, "carry", "step.done").data["results"].append({"name": "more", "value": 1})

    for number, change in enumerate((lambda _: None, more)):
        (tmp_path / str(number)).mkdir()
        written = write(tmp_path / str(number), change=change)
        assert verify(written.folder, written.trust, rehearsal=True).outcome is Outcome.VALID
        places = {"first": RecordAt(folder=written.folder, trust=None)}
        if change is not more:
            assert read_records(Disk(), playbook("demo"), places)
            continue
        with pytest.raises(PlaybookFault, match="no action of this version gives the result more of carry"):
            read_records(Disk(), playbook("demo"), places)
