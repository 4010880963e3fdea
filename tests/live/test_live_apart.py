"""One ceremony on two machines: a desk without a device, a room without a network, and the record carried between."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from live_bench import ENVIRONMENT, PEOPLE, People, Premises, approve, furnish
from live_bench import SERIAL as LIVE_SERIAL
from small_bench import SERIAL, STOP

from runner.spoken import words
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from small_bench import Answer, Bench, Said

SERIAL_ASKED = "Type the serial number that is printed on it:"
CLOCK_ASKED = "Type `agrees` if it does, to the minute:"


def begin(small: Bench) -> str:
    """Go on at the desk until the room is next; return the head of the log."""
    small.machine("desk/here.environment.yaml", "desk")
    small.machine("room/here.environment.yaml", "room")
    said = small.go("run", "plan.json", "--environment", "desk/here.environment.yaml", "--out", "desk/record")
    assert (said.code, "handed over to room" in said.err) == (9, True), said
    assert SERIAL_ASKED not in said.asked
    return carry(small, said, "desk", "room")


def carry(small: Bench, said: Said, here: str, there: str) -> str:
    shutil.rmtree(small.folder / there / "record", ignore_errors=True)
    shutil.copytree(small.folder / here / "record", small.folder / there / "record")
    found = re.search(r"((?:[0-9a-f]{4} ){15}[0-9a-f]{4})", said.err)
    assert found is not None
    return found[1].replace(" ", "")


def go_on(small: Bench, machine: str, head: str, **more: Answer) -> Said:
    answers = small.answers(**{"first_8_of_them": " ".join(words(bytes.fromhex(head)[:8])), **more})
    environment = f"{machine}/here.environment.yaml"
    return small.go("resume", f"{machine}/record", "--environment", environment, answers=answers)


def log(small: Bench, machine: str) -> bytes:
    return (small.folder / machine / "record" / "log.jsonl").read_bytes()


def test_there_and_back(small: Bench) -> None:
    head = begin(small)
    there = go_on(small, "room", head)
    assert there.code == 9, there
    assert there.asked.count(SERIAL_ASKED) == there.asked.count(CLOCK_ASKED) == 1
    head = carry(small, there, "room", "desk")
    back = go_on(small, "desk", head)
    assert back.code == 0, back
    assert SERIAL_ASKED not in back.asked
    assert back.asked.count(CLOCK_ASKED) == 1
    for machine in ("desk", "room"):
        found = verify(small.folder / "desk/record", small.folder / machine / "record.trust.json", rehearsal=True)
        assert found.outcome is Outcome.VALID, found.findings
    assert (small.folder / "room/ledger" / ("ab" * 16)).exists()


def test_a_device_that_the_log_knows_is_not_asked_for_again(small: Bench) -> None:
    head = begin(small)
    clerks = iter(["dee", STOP])
    assert go_on(small, "room", head, Who_acts=lambda: _or_raise(next(clerks))).code == 130
    again = go_on(small, "room", head)
    assert again.code == 9, again
    assert (SERIAL_ASKED in again.asked, CLOCK_ASKED in again.asked) == (False, True)


def _or_raise(answer: str | BaseException) -> str:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def test_another_device_than_the_one_in_front_of_them(small: Bench) -> None:
    head = begin(small)
    before = log(small, "room")
    said = go_on(small, "room", head, serial_number=SERIAL[:-1] + "9")
    assert (said.code, said.asked.count(SERIAL_ASKED)) == (5, 3)
    assert "the device says otherwise" in said.told
    assert log(small, "room") == before


def test_a_clock_that_is_wrong(small: Bench) -> None:
    head = begin(small)
    before = log(small, "room")
    said = go_on(small, "room", head, to_the_minute="no")
    assert (said.code, said.asked.count(CLOCK_ASKED)) == (5, 3)
    assert log(small, "room") == before


def test_one_wrong_word_of_the_head(small: Bench) -> None:
    head = begin(small)
    before = log(small, "room")
    wrong = ("0" if head[0] != "0" else "1") + head[1:]
    said = go_on(small, "room", wrong)
    assert (said.code, "nothing was written" in said.err) == (5, True)
    assert SERIAL_ASKED not in said.asked
    assert log(small, "room") == before


def test_too_little_room_on_the_other_disk(small: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    head = begin(small)
    before = log(small, "room")
    monkeypatch.setattr("runner.cli.resume.SPACE", 2**62)
    said = go_on(small, "room", head)
    assert (said.code, "RUN030" in said.err, said.asked) == (2, True, ())
    assert log(small, "room") == before


def test_the_wrong_machine_asks_nobody(small: Bench) -> None:
    head = begin(small)
    before = log(small, "desk")
    said = go_on(small, "desk", head)
    assert (said.code, said.asked) == (2, ())
    assert "the next step, switch, is at room" in said.err
    assert log(small, "desk") == before


def test_other_software_asks_nobody(small: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    head = begin(small)
    before = log(small, "room")
    monkeypatch.setattr("runner.host.record.bundle_sha256", lambda _disk: "0" * 64)
    said = go_on(small, "room", head)
    assert (said.code, "RUN015" in said.err, said.asked) == (4, True, ())
    assert log(small, "room") == before


def test_a_ceremony_that_is_over_asks_nobody(small: Bench) -> None:
    assert small.run().code == 0
    said = small.resume()
    assert (said.code, "is over: completed" in said.err, said.asked) == (2, True, ())


def test_a_device_that_is_not_as_the_plan_starts_asks_nobody(small: Bench) -> None:
    head = begin(small)
    before = log(small, "room")
    small.move_switch("room/here.environment.yaml", "initialization")
    said = go_on(small, "room", head)
    assert (said.code, "SIT005" in said.err, said.asked) == (3, True, ())
    assert log(small, "room") == before
    small.move_switch("room/here.environment.yaml", "operational")
    assert go_on(small, "room", head).code == 9


# -- the shipped ceremony, at terminals ------------------------------------------------------------------------------

HERE = ["deniz", "emeka", "freya", "goran", "hana"]
USB = "{usb: {folder: media/usb}}"
BOTH = "{usb: {folder: media/usb}, backup-disk: {folder: media/backup}}"


@pytest.mark.slow
def test_the_shipped_ceremony_on_two_machines(tmp_path: Path) -> None:
    for name in ("online", "offline"):
        (tmp_path / name).mkdir()
    online = furnish(tmp_path / "online")
    for person in ("bjorn", "chiara"):
        assert approve(online, person) == 0
    offline = Premises(tmp_path / "offline")
    shutil.copytree(online.place, offline.place, dirs_exist_ok=True)
    shutil.rmtree(online.place / "devices")
    shutil.rmtree(offline.place / "vaults")
    shutil.rmtree(offline.place / "media/usb")
    hsm = f"hsm: {{backend: emulator, serial: {LIVE_SERIAL}}}"
    for here, devices, media in ((online, "", USB), (offline, hsm, BOTH)):
        keys = ", ".join(f"{person}: keys/{person}" for person in PEOPLE)
        text = ENVIRONMENT.format(stations=here.place.name, devices=devices, keys=keys)
        (here.place / "room.environment.yaml").write_text(re.sub(r"(?m)^media: .*$", f"media: {media}", text))

    people = People(online, HERE)
    child = online.spawn("run", "plan.json", "--environment", "room.environment.yaml", "--out", "record")
    assert people.attend(child) == 9, "".join(people.said)[-2000:]
    codes = []
    here, there = online, offline
    while len(codes) < 3:
        head = re.search(r"compare it there.*?((?:[0-9a-f]{4} ){15}[0-9a-f]{4})", "".join(people.said), re.DOTALL)
        assert head is not None
        shutil.rmtree(there.place / "record", ignore_errors=True)
        shutil.copytree(here.place / "record", there.place / "record")
        stayed = People(here, HERE)
        assert stayed.attend(here.spawn("resume", "record", "--environment", "room.environment.yaml")) == 2
        assert "which this machine does not play" in "".join(stayed.said)
        shutil.move(here.place / "media/usb", there.place / "media/usb")
        here, there = there, here
        people = People(here, HERE, head=head[1].replace(" ", ""), mistakes={"word"})
        codes.append(people.attend(here.spawn("resume", "record", "--environment", "room.environment.yaml")))
        assert people.mistakes == set()
        assert "No: " in "".join(people.said)
    assert codes == [9, 9, 0], "".join(people.said)[-2000:]
    for machine in (online, offline):
        trust = str(machine.place / "record.trust.json")
        verdict = here.call("verify", "record", "--trust", trust, "--rehearsal")
        assert (verdict.returncode, "VALID" in verdict.stdout) == (0, True), verdict.stdout
