"""A card set that is replaced, through the command line: what a rehearsal begins with, and going on where it broke."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from sittings_bench import Broken, is_entry

from runner.errors import Exit
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from rehearsal_bench import Left
    from sittings_bench import When

CEREMONY = "acs-replacement"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


def replies(left: Left, kind: str) -> list[dict[str, object]]:
    return [entry.data["reply"] for entry in left.entries() if entry.data.get("kind") == kind and "to" in entry.data]


def test_the_shipped_ceremony_is_right_at_release_level() -> None:
    assert bench.say("lint", CEREMONY, "--level", "release")[0] == Exit.DONE


def test_it_begins_in_a_world_and_ends_with_other_cards(tmp_path: Path) -> None:
    record = tmp_path / "record"
    code, out, err = bench.say("rehearse", CEREMONY, "--out", str(record))
    assert code == Exit.DONE, err
    assert "REHEARSAL SIMULATED: VALID" in out
    left = bench.Left(record=record, code=code, out=out, err=err)
    devices = [entry.data["devices"][0] for entry in left.entries() if "devices" in entry.data]
    before, after = devices[0]["inventory"], devices[-1]["inventory"]
    assert before["world"] == after["world"] != ""
    assert before["cards"] == ["acs 1/SIM-CARD-0004", "acs 2/SIM-LOST-0002", "acs 3/SIM-CARD-0005"]
    assert after["cards"] == ["acs 1/SIM-CARD-0001", "acs 2/SIM-CARD-0002", "acs 3/SIM-CARD-0003"]
    assert [said["opens"] for said in replies(left, "cards_tried")] == [True, True, False]
    disks = left.sim / "media"
    archived, backed_up = ((disks / name / "world").read_bytes() for name in ("archive-disk", "backup-disk"))
    assert archived != backed_up == (left.sim / "devices" / "hsm" / "kmdata" / "local" / "world").read_bytes()


def test_people_know_no_pin_of_the_lost_card(tmp_path: Path) -> None:
    record = tmp_path / "record"
    assert bench.say("rehearse", CEREMONY, "--out", str(record))[0] == Exit.DONE
    people = json.loads((tmp_path / "record.sim" / "people.json").read_bytes())
    assert [card["serial"] for card in people["cards"]] == [f"SIM-CARD-000{number}" for number in range(1, 6)]


PLACES: dict[str, tuple[When | None, When]] = {
    "before the cards are replaced": (is_entry("request", kind="replace_cards"), sittings.never),
    "when they are replaced, and nobody wrote it down": (is_entry("reply", kind="cards_replaced"), sittings.never),
    "before a trial is written down": (is_entry("reply", kind="cards_tried"), sittings.never),
    "with old cards that open nothing": (is_entry("step.done", step="old-cards-do-not"), sittings.never),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_goes_on_wherever_it_broke_off(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = PLACES[place]
    record = tmp_path / "record"
    arguments = ["rehearse", CEREMONY, "--out", str(record)]
    sittings.killed(monkeypatch, lambda: bench.say(*arguments), before=before, after=after)
    left = Broken(record=record).says("resume")
    assert left.code == Exit.DONE, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    (written,) = replies(left, "cards_replaced")
    assert [card["serial"] for card in written["cards"]] == [  # type: ignore[attr-defined]  # a list of cards
        f"SIM-CARD-000{number}" for number in (1, 2, 3)
    ]
