"""Rehearsals in which something goes wrong: what the record says, and that each fault comes at its place or is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mishap_bench import ROOT, TINY, Room, script

if TYPE_CHECKING:
    from typing import Any

DONE = [("completed",)]
SHIPPED = ROOT / "ceremonies" / "azure-byok" / "azure-byok.faults.yaml"


def again(step: str, rule: str, status: str | None) -> list[tuple[Any, ...]]:
    return [("failed", step, 1, rule, status), ("begun", step, 2), *DONE]


def ended(step: str, rule: str, status: str | None) -> list[tuple[Any, ...]]:
    return [("failed", step, 1, rule, status), ("aborted", rule), ("aborted",)]


BROKEN_OFF = [("suspended", "RUN022"), ("resumed",), *DONE]


# -- cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", [1, 6])
def test_a_card_is_pulled_out_and_the_step_begins_again(room: Room, nth: int) -> None:
    story = room.came(f"at: create-world, what: card-pulled, nth: {nth}")
    assert story == again("create-world", "RUN020", "PhysTokenNotPresent")


def test_people_who_give_up_then_end_the_ceremony(room: Room) -> None:
    story = room.came(
        "at: create-world, what: card-pulled, nth: 3, then: give-up",
        ends="exit: 6, rule: RUN020, step: create-world",
    )
    assert story == ended("create-world", "RUN020", "PhysTokenNotPresent")


@pytest.mark.parametrize("what", ["card-wrong", "card-worn"])
def test_another_card_is_put_in_first(room: Room, what: str) -> None:
    """The slot keeps waiting."""
    story = room.came(f"at: create-world, what: {what}, nth: 2")
    assert story == DONE
    (made,) = (one for one in room.entries() if one["type"] == "reply" and one["data"]["kind"] == "world_created")
    serials = [card["serial"] for card in made["data"]["reply"]["cards"]]
    assert serials == ["SIM-CARD-0001", "SIM-CARD-0002", "SIM-CARD-0003"]


def test_nobody_has_the_right_card(room: Room) -> None:
    story = room.came(
        "at: create-world, what: card-wrong, then: give-up", ends="exit: 6, rule: RUN020, step: create-world"
    )
    assert story == ended("create-world", "RUN020", "Cancelled")


# -- the device ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "nth"), [("device-power", 1), ("device-power", 14), ("device-full", 5)])
def test_the_device_breaks_off_before_or_after_it_was_done(room: Room, what: str, nth: int) -> None:
    assert room.came(f"at: generate-key, what: {what}, nth: {nth}") == BROKEN_OFF
    lines = [line for line in room.err.splitlines() if "BROKE OFF" in line or "[generate-key" in line]
    assert ["BROKE OFF RUN022: hsm broke off: " in line for line in lines] == [False, True, False]
    keys = [one for one in room.entries() if one["type"] == "reply" and one["data"]["kind"] == "key_made"]
    assert len(keys) == 1
    requests = [one for one in room.entries() if one["type"] == "request" and one["data"]["kind"] == "generate_key"]
    assert len(requests) == 1


def test_who_gives_up_after_a_power_cut_resumes_later(room: Room) -> None:
    fault = "at: generate-key, what: device-power, nth: 4, then: give-up"
    assert room.came(fault, ends="exit: 7, rule: RUN022") == [("suspended", "RUN022")]
    assert "`ceremony resume` asks the device again" in room.err
    assert room.say("resume", str(room.record)) == 0, room.err
    room.stands()
    assert room.story() == BROKEN_OFF


def test_the_power_is_cut_twice_in_one_step(room: Room) -> None:
    story = room.came("at: create-world, what: device-power, nth: 2", "at: create-world, what: device-power, nth: 7")
    assert story == [*BROKEN_OFF[:2], *BROKEN_OFF]


def test_a_slow_device_takes_its_time(room: Room) -> None:
    assert room.came("at: generate-key, what: device-slow, seconds: 90") == DONE
    assert room.waited == 90


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["files-full", "files-unreadable"])
def test_files_that_go_wrong_once(room: Room, what: str) -> None:
    assert room.came(f"at: back-up-world, what: {what}") == again("back-up-world", "RUN030", None)


@pytest.mark.parametrize("what", ["files-full", "files-unreadable"])
def test_the_record_names_no_folder_of_the_machine(room: Room, what: str) -> None:
    room.came(f"at: back-up-world, what: {what}, nth: 1")
    (refused,) = [one["data"]["reply"] for one in room.entries() if one["data"].get("kind") == "files_refused"]
    assert refused["words"].startswith("world at backup-disk cannot be ")
    assert str(room.place) not in (room.record / "log.jsonl").read_text()


@pytest.mark.parametrize("what", ["files-full", "files-unreadable"])
def test_files_that_go_wrong_where_people_give_up(room: Room, what: str) -> None:
    story = room.came(f"at: back-up-key, what: {what}, then: give-up", ends="exit: 6, rule: RUN030, step: back-up-key")
    assert story == ended("back-up-key", "RUN030", None)


# -- what is told ----------------------------------------------------------------------------------------------------


NEVER = (
    "at: create-world, what: card-wrong, nth: 4",  # three cards are asked for
    "at: create-world, what: card-pulled, nth: 7",  # and three PINs
    "at: create-world, what: card-blank",  # a blank card is what is wanted
    "at: generate-key, what: card-worn",  # no card is
    "at: generate-key, what: device-power, nth: 400",
    "at: look-at-seal, what: device-slow, seconds: 1",
    "at: look-at-seal, what: device-clock, seconds: 60",  # no device is asked anything
    "at: generate-key, what: files-full",
    "at: back-up-world, attempt: 2, what: files-full",
)


def test_a_fault_that_never_comes_is_told(room: Room) -> None:
    assert room.rehearse(script(*NEVER, "at: generate-key, what: device-slow, seconds: 1")) == 1
    for line, fault in enumerate(NEVER, 4):
        column = len("  - {") + fault.index("what: ") + len("what: ") + 1
        assert f"x.faults.yaml:{line}:{column}: error FLT002 `" in room.out
    assert room.out.count("error FLT") == len(NEVER)
    assert room.story() == DONE


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ("exit: 0", "exit code 6 by RUN030 at `back-up-key`"),
        ("exit: 6, rule: RUN020, step: back-up-key", "exit code 6 by RUN030 at `back-up-key`"),
        ("exit: 6, rule: RUN030", "exit code 6 by RUN030 at `back-up-key`"),
    ],
)
def test_an_end_that_is_another_is_told(room: Room, ends: str, words: str) -> None:
    assert room.rehearse(script("at: back-up-key, what: files-full, then: give-up", ends=ends)) == 1
    assert f"x.faults.yaml:5:1: error FLT003 it ended with {words}" in room.out
    assert room.out.count("error FLT") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (script("at: create-worlds, what: card-wrong"), "4:10: error SHP008 there is no step `create-worlds`"),
        (script("at: create-world, what: device-slow"), "4:30: error FLT001 `device-slow` needs `seconds`"),
        (script("at: create-world, what: card-wrong").replace("tiny", "small"), "2:11: error SHP008 these faults"),
        ("faults: [", "error YAM"),
    ],
)
def test_a_file_that_is_not_right_is_refused_before_anything_is_made(room: Room, text: str, said: str) -> None:
    assert room.rehearse(text) == 3
    assert said in room.out
    assert sorted(path.name for path in room.place.iterdir()) == ["x.faults.yaml"]


def test_a_file_that_is_not_there(room: Room) -> None:
    words = ["rehearse", str(TINY), "--faults", str(room.place / "none.yaml"), "--out", str(room.record)]
    assert room.say(*words) == 2
    assert list(room.place.iterdir()) == []


@pytest.mark.slow
def test_the_same_file_gives_the_same_story(room: Room, tmp_path_factory: pytest.TempPathFactory) -> None:
    faults = ("at: create-world, what: card-pulled, nth: 4", "at: generate-key, what: device-full, nth: 6")
    first = room.came(*faults)
    other = Room(tmp_path_factory.mktemp("other"), room.patch)
    assert other.came(*faults) == first


def test_the_shipped_bad_day_ends_well(room: Room) -> None:
    assert room.rehearse(SHIPPED.read_text(encoding="utf-8"), "--region", "eu", playbook="azure-byok") == 0, room.out
    room.stands()
    story = room.story()
    assert len([one for one in story if one[0] == "failed"]) == 4
    assert len([one for one in story if one[0] == "resumed"]) == 3
    assert story[-1] == ("completed",)
