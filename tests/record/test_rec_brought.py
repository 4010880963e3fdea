"""A file that was brought: known by the digest the plan has, and never another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import Change, data, insert_before, reply, request, together
from synthetic import begin, done, exchange, find, made, sha, size_and_digest, write

from runner import canonical
from runner.verification.plan import read_plan
from runner.verification.reading import ShapeError
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Draft

LETTER = b"letter"
OTHER = {"size": len(LETTER), "sha256": "55" * 32}


def bring(planned: dict[str, Any]) -> None:
    """A letter lies at the online station, and is carried to the other one before anything is verified."""
    planned["artefacts"].append(
        synthetic.artefact("letter", "letter.txt", "nobody")
        | {"made_by": None, "output": None, "brought": {"at": "online", "sha256": sha(LETTER)}}
    )
    place = next(place for place, item in enumerate(planned["steps"]) if item["id"] == "verify")
    for number in (1, 2):
        planned["steps"].insert(
            place + number - 1,
            synthetic.step(
                f"letter-{number}",
                "back_up",
                "online",
                [synthetic.allowed("back_up_file" if number == 1 else "carry_file")],
                settings={"medium": "usb"} if number == 1 else {"medium": "usb", "to": "offline"},
                uses=[{"input": "files", "artefacts": ["letter"]}],
            ),
        )


def tell() -> list[Draft]:
    seen = size_and_digest(LETTER)
    kept = {"file": "letter.txt", "store": "station", "at": "online", "medium": "usb"}
    carried = {"file": "letter.txt", "store": "station", "source": "online", "medium": "usb", "to": "offline"}
    return [
        *begin("letter-1"),
        *exchange("letter-1", "back_up_file", kept, "file_arrived", seen),
        done("letter-1", {"files": 1}),
        *begin("letter-2"),
        *exchange("letter-2", "carry_file", carried, "file_arrived", seen),
        done("letter-2", {"files": 1}, made=[made("letter", "letter.txt", "offline", LETTER)]),
    ]


def told(change: Change) -> Change:
    def whole(story: list[Draft]) -> None:
        for draft in tell():
            insert_before("verify", "step.begun", draft)(story)
        change(story)

    return whole


def judged(place: Path, change: Change) -> Verdict:
    place.mkdir(exist_ok=True)
    record = write(place, change=told(change), change_plan=bring)
    return verify(record.folder, record.trust, rehearsal=True)


def made_another(story: list[Draft]) -> None:
    find(story, "letter-2", "step.done").data["made"][0].update(OTHER)


@pytest.mark.parametrize(
    "change",
    [
        reply("letter-1", "file_arrived", **OTHER),
        together(reply("letter-2", "file_arrived", **OTHER), made_another),
    ],
    ids=["kept", "carried"],
)
def test_another_file_than_the_one_that_was_brought_is_seen(tmp_path: Path, change: Change) -> None:
    assert judged(tmp_path / "before", lambda _: None).outcome is Outcome.VALID
    verdict = judged(tmp_path / "after", change)
    assert verdict.outcome is Outcome.TAMPERED
    assert "LOG043" in {finding.rule for finding in verdict.findings}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"made_by": "carry"}, "is made and brought, or neither"),
        ({"output": "file"}, "is made and brought, or neither"),
        ({"made_by": "carry", "brought": None}, "is made and brought, or neither"),
        ({"brought": None}, "is made and brought, or neither"),
        ({"brought": {"at": "moon", "sha256": "55" * 32}}, "cannot have been brought there"),
        ({"brought": {"at": "online", "sha256": "55"}}, "brought has none of its shapes"),
        ({"store": "device"}, "cannot have been brought there"),
        ({"transfer": True}, "cannot have been brought there"),
    ],
    ids=str,
)
def test_a_plan_that_brings_what_it_cannot_is_none(change: dict[str, Any], words: str) -> None:
    planned = synthetic.plan()
    bring(planned)
    read_plan(canonical.encode(planned))
    planned["artefacts"][-1] |= change
    with pytest.raises(ShapeError, match=words):
        read_plan(canonical.encode(planned))


def test_what_is_brought_is_made_by_no_step() -> None:
    planned = synthetic.plan()
    bring(planned)
    next(item for item in planned["steps"] if item["id"] == "obtain")["makes"].append("letter")
    with pytest.raises(ShapeError, match="the artefact letter is brought, and a step makes it"):
        read_plan(canonical.encode(planned))


# -- changed by people -------------------------------------------------------------------------------------------------

FILLED = b"letter, filled in"


def plan_a_change(planned: dict[str, Any]) -> None:
    bring(planned)
    place = next(place for place, item in enumerate(planned["steps"]) if item["id"] == "letter-1")
    fill_in = synthetic.step(
        "fill-in",
        "change_by_hand",
        "online",
        [synthetic.allowed("do_by_hand"), synthetic.allowed("look_at_file")],
        uses=[{"input": "files", "artefacts": ["letter"]}],
        changes=["letter"],
    )
    planned["steps"].insert(place, fill_in)


def tell_a_change(change: Change, *, after: bytes = FILLED) -> Change:
    def whole(story: list[Draft]) -> None:
        looked = {"file": "letter.txt", "at": "online", "at_most": 1000}
        drafts = [
            *begin("fill-in"),
            *exchange("fill-in", "do_by_hand", {"title": "Step fill-in"}, "hands_done", {"person": "dana"}),
            *exchange("fill-in", "look_at_file", looked, "file_arrived", size_and_digest(FILLED)),
            done("fill-in", {}, made=[made("letter", "letter.txt", "online", FILLED)]),
            *tell(),
        ]
        for draft in drafts:
            insert_before("verify", "step.begun", draft)(story)
        for step in ("letter-1", "letter-2"):
            reply(step, "file_arrived", **size_and_digest(after))(story)
        find(story, "letter-2", "step.done").data["made"][0].update(size_and_digest(after))
        change(story)

    return whole


def judged_with_change(place: Path, change: Change) -> Verdict:
    record = write(place, change=change, change_plan=plan_a_change)
    return verify(record.folder, record.trust, rehearsal=True)


def test_a_file_that_people_change_is_another_from_then_on(tmp_path: Path) -> None:
    assert judged_with_change(tmp_path, tell_a_change(lambda _: None)).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (tell_a_change(lambda _: None, after=LETTER), "LOG043"),
        (tell_a_change(data("fill-in", "step.done", made=[])), "LOG042"),
        (tell_a_change(data("fill-in", "step.done", made=[made("letter", "letter.txt", "online", LETTER)])), "LOG042"),
        (tell_a_change(data("fill-in", "step.done", made=[made("letter", "letter.txt", "offline", FILLED)])), "LOG042"),
        (tell_a_change(request("fill-in", "look_at_file", at="offline")), "LOG039"),
        (tell_a_change(request("fill-in", "look_at_file", file="tools.zip")), "LOG039"),
    ],
    ids=["as before", "not told", "not as seen", "elsewhere", "looked elsewhere", "looked at another"],
)
def test_a_change_that_is_not_as_told_is_seen(tmp_path: Path, change: Change, rule: str) -> None:
    verdict = judged_with_change(tmp_path, change)
    assert verdict.outcome is Outcome.TAMPERED
    assert rule in {finding.rule for finding in verdict.findings}


def test_a_plan_that_changes_what_it_does_not_take_is_none() -> None:
    planned = synthetic.plan()
    plan_a_change(planned)
    read_plan(canonical.encode(planned))
    next(item for item in planned["steps"] if item["id"] == "fill-in")["changes"] = ["toolset"]
    with pytest.raises(ShapeError, match="does not take"):
        read_plan(canonical.encode(planned))
