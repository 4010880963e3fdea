"""Who has what from a step on, and what was put there as evidence: as the plan and the replies have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import Change, data, insert_before, reply, result
from synthetic import begin, done, exchange, made, size_and_digest, write

from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Draft

PHOTO = b"photo"


def plan_custody(planned: dict[str, Any]) -> None:
    """Before anything is verified the drive goes to the witness, and a photograph is taken."""
    place = next(place for place, item in enumerate(planned["steps"]) if item["id"] == "verify")
    held = {"subject": "usb", "custody": "sealed", "role": "witness"}
    by_hand = synthetic.allowed("do_by_hand")
    planned["steps"][place:place] = [
        synthetic.step("seal-drive", "record_custody", "online", [by_hand], settings=held),
        synthetic.step(
            "photograph",
            "attach_evidence",
            "online",
            [by_hand, synthetic.allowed("look_at_file")],
            settings={"media_type": "image/jpeg"},
            makes=["photo"],
        ),
    ]
    planned["artefacts"].append(synthetic.artefact("photo", "bag.jpg", "photograph"))


def told(change: Change) -> Change:
    def whole(story: list[Draft]) -> None:
        looked = {"file": "bag.jpg", "at": "online", "at_most": 1000}
        seen = size_and_digest(PHOTO)
        drafts = [
            *begin("seal-drive"),
            *exchange("seal-drive", "do_by_hand", {"title": "Step seal-drive"}, "hands_done", {"person": "dana"}),
            done("seal-drive", {"custody": "sealed", "held_by": "emil"}),
            *begin("photograph"),
            *exchange("photograph", "do_by_hand", {"title": "Step photograph"}, "hands_done", {"person": "dana"}),
            *exchange("photograph", "look_at_file", looked, "file_arrived", seen),
            done("photograph", seen, made=[made("photo", "bag.jpg", "online", PHOTO)]),
        ]
        for draft in drafts:
            insert_before("verify", "step.begun", draft)(story)
        change(story)

    return whole


def judged(place: Path, change: Change) -> Verdict:
    record = write(place, change=told(change), change_plan=plan_custody)
    return verify(record.folder, record.trust, rehearsal=True)


def test_custody_and_evidence_as_told(tmp_path: Path) -> None:
    assert judged(tmp_path, lambda _: None).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (result("seal-drive", "held_by", "dana"), "LOG041"),
        (result("seal-drive", "custody", "handed_over"), "LOG041"),
        (data("seal-drive", "step.done", results=[]), "LOG041"),
        (result("photograph", "sha256", "55" * 32), "LOG041"),
        (result("photograph", "size", 99), "LOG041"),
        (reply("photograph", "file_arrived", sha256="55" * 32), "LOG042"),
        (data("photograph", "step.done", made=[]), "LOG042"),
        (data("photograph", "step.done", made=[made("photo", "bag.jpg", "online", b"other")]), "LOG042"),
    ],
    ids=[
        "somebody else",
        "kept otherwise",
        "nobody",
        "another digest",
        "another size",
        "another photo",
        "none",
        "another file",
    ],
)
def test_custody_and_evidence_that_are_not_as_told_are_seen(tmp_path: Path, change: Change, rule: str) -> None:
    verdict = judged(tmp_path, change)
    assert verdict.outcome is Outcome.TAMPERED
    assert rule in {finding.rule for finding in verdict.findings}
