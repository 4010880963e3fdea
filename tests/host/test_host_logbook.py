"""The logbook: checkpoints in time, never between a request and its reply."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runner.audit.entry import EntryType, decode_entry
from runner.audit.note import LogKey
from runner.audit.tree import leaf
from runner.errors import WrongUse
from runner.history import Said
from runner.host.disk import Disk, LogFile
from runner.host.logbook import EVERY, STEPPED, Logbook
from runner.host.past import whole_lines

if TYPE_CHECKING:
    from pathlib import Path


class StillClock:
    """A clock that stands still, unless a test moves one of its two hands."""

    def __init__(self, boot: str = "0") -> None:
        self.boot = boot * 16
        self.wall = datetime(2026, 11, 25, 12, tzinfo=UTC)
        self.mono = 0

    def now(self) -> str:
        return self.wall.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def mono_us(self) -> int:
        return self.mono


def said(kind: EntryType, data: dict[str, Any], step: str | None = None) -> Said:
    return Said(type=kind, step=step, attempt=None if step is None else 1, data=data)


def came(number: int) -> Said:
    return said(EntryType.PERSON_PRESENT, {"person": f"p{number}", "roles": []})


def types(record: Path) -> list[str]:
    return [json.loads(line)["type"] for line in log_of(record).splitlines()]


KEY = LogKey.from_seed("test/log", bytes(32))


def logbook(record: Path, clock: StillClock | None = None) -> Logbook:
    record.mkdir()
    return Logbook(Disk(), record, KEY, clock or StillClock())


def goes_on(record: Path) -> Logbook:
    """The logbook of a later sitting."""
    log = LogFile.open(Disk(), record / "log.jsonl")
    return Logbook(Disk(), record, KEY, StillClock("1"), log=log, before=whole_lines(log_of(record)))


def log_of(record: Path) -> bytes:
    return (record / "log.jsonl").read_bytes()


def notes(record: Path) -> list[str]:
    return sorted(path.name for path in (record / "checkpoints").iterdir())


def test_a_checkpoint_is_made_when_enough_entries_have_passed(tmp_path: Path) -> None:
    book = logbook(tmp_path / "record")
    for number in range(2 * EVERY + 2):
        book.append(came(number))
    book.close()
    found = [seq for seq, kind in enumerate(types(tmp_path / "record")) if kind == "checkpoint"]
    assert found == [EVERY, 2 * EVERY]
    assert notes(tmp_path / "record") == [f"{size:010d}.ckpt" for size in found]


def test_it_waits_for_the_reply(tmp_path: Path) -> None:
    book = logbook(tmp_path / "record")
    for number in range(EVERY - 1):
        book.append(came(number))
    request = {"kind": "list_keys", "device": "hsm", "mutates": False, "request": {"device": "hsm"}}
    asked = book.append(said(EntryType.REQUEST, request, step="look"))
    book.append(came(EVERY))
    reply = {"to": asked.seq, "kind": "keys_listed", "reply": {"files": []}, "device": None}
    book.append(said(EntryType.REPLY, reply, step="look"))
    book.append(came(EVERY + 1))
    book.close()
    assert types(tmp_path / "record")[EVERY - 1 :] == [
        "request",
        "person.present",
        "reply",
        "checkpoint",
        "person.present",
    ]


# -- checkpoints that hold ---------------------------------------------------------------------------------------------


def test_right_behind_a_checkpoint_that_one_holds(tmp_path: Path) -> None:
    record = tmp_path / "record"
    book = logbook(record)
    book.append(came(0))
    first = book.checkpoint()
    assert (first.size, first.text.splitlines()[:2]) == (1, ["test/log", "1"])
    assert book.checkpoint() == book.last == first
    assert types(record) == ["person.present", "checkpoint"]
    book.append(came(1))
    second = book.checkpoint()
    assert second.size == 3
    assert book.last == second
    book.close()
    assert notes(record) == ["0000000001.ckpt", "0000000003.ckpt"]


def test_where_there_is_none_yet_the_last_one_is_made(tmp_path: Path) -> None:
    record = tmp_path / "record"
    book = logbook(record)
    book.append(came(0))
    assert book.last.size == 1
    assert types(record) == ["person.present", "checkpoint"]
    book.close()


def test_the_last_one_is_a_file_only_and_nothing_follows(tmp_path: Path) -> None:
    record = tmp_path / "record"
    book = logbook(record)
    book.append(came(0))
    book.checkpoint()
    book.seal()
    assert types(record) == ["person.present", "checkpoint"]
    assert notes(record) == ["0000000001.ckpt", "0000000002.ckpt"]
    before = log_of(record)
    with pytest.raises(Exception, match=r"closed|log"):
        book.append(came(1))
    assert log_of(record) == before


# -- going on in a log -------------------------------------------------------------------------------------------------


def test_a_later_sitting_follows_the_last_line(tmp_path: Path) -> None:
    record = tmp_path / "record"
    book = logbook(record)
    for number in range(5):
        book.append(came(number))
    root = book.root
    book.close()
    book = goes_on(record)
    assert (book.size, book.root) == (5, root)
    written = book.append(came(5))
    book.close()
    lines = log_of(record).splitlines()
    last = decode_entry(lines[-1])
    assert (written.seq, written.leaf) == (5, leaf(lines[-1]).hex())
    assert (last.seq, last.prev, last.boot) == (5, leaf(lines[-2]).hex(), "1" * 16)


def test_a_later_sitting_has_checkpoints_of_its_own(tmp_path: Path) -> None:
    """What the one before signed is not the last checkpoint of this one, and it begins to count anew."""
    record = tmp_path / "record"
    book = logbook(record)
    for number in range(EVERY - 1):
        book.append(came(number))
    book.checkpoint()
    book.close()
    book = goes_on(record)
    for number in range(EVERY, 2 * EVERY):
        book.append(came(number))
    assert types(record).count("checkpoint") == 1
    assert book.last.size == 2 * EVERY
    book.close()


def test_a_log_that_somebody_has_is_not_opened(tmp_path: Path) -> None:
    record = tmp_path / "record"
    book = logbook(record)
    book.append(came(0))
    with pytest.raises(WrongUse, match="another process"):
        goes_on(record)
    book.close()
    goes_on(record).close()


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [STEPPED + 1, -STEPPED - 1, 3_600_000_000])
def test_a_jump_of_the_wall_clock_is_noted_before_the_next_entry(tmp_path: Path, moved: int) -> None:
    record, clock = tmp_path / "record", StillClock()
    book = logbook(record, clock)
    book.append(came(0))
    clock.mono += 60_000_000
    clock.wall += timedelta(seconds=60, microseconds=moved)
    book.append(came(1))
    book.append(came(2))
    book.close()
    assert types(record) == ["person.present", "clock.stepped", "person.present", "person.present"]
    assert json.loads(log_of(record).splitlines()[1])["data"] == {"by_us": moved}


@pytest.mark.parametrize("moved", [0, STEPPED, -STEPPED])
def test_what_clocks_drift_is_no_jump(tmp_path: Path, moved: int) -> None:
    record, clock = tmp_path / "record", StillClock()
    book = logbook(record, clock)
    book.append(came(0))
    clock.mono += 60_000_000
    clock.wall += timedelta(seconds=60, microseconds=moved)
    book.append(came(1))
    book.close()
    assert types(record) == ["person.present", "person.present"]


def test_a_jump_does_not_come_between_a_statement_and_its_entry(tmp_path: Path) -> None:
    """The statement is named by the number its entry is about to have; the jump is noted behind it."""
    record, clock = tmp_path / "record", StillClock()
    book = logbook(record, clock)
    book.append(came(0))
    clock.wall += timedelta(hours=1)
    data = {
        "person": "p0",
        "role": "witness",
        "about": "close",
        "how": "typed",
        "size": 1,
        "statement_sha256": "0" * 64,
        "signature_sha256": None,
    }
    assert book.append(said(EntryType.ATTESTED, data), ("p0",)).seq == 1
    book.append(came(1))
    book.close()
    assert types(record) == ["person.present", "attested", "clock.stepped", "person.present"]
    assert json.loads(log_of(record).splitlines()[2])["data"] == {"by_us": 3_600_000_000}


def test_a_jump_before_a_checkpoint_is_noted_before_it_is_signed(tmp_path: Path) -> None:
    """A checkpoint's entry stands right behind what it covers, and covers the jump."""
    record, clock = tmp_path / "record", StillClock()
    book = logbook(record, clock)
    book.append(came(0))
    clock.wall += timedelta(hours=1)
    assert book.checkpoint().size == 2
    book.close()
    assert types(record) == ["person.present", "clock.stepped", "checkpoint"]
    assert json.loads(log_of(record).splitlines()[2])["data"]["size"] == 2


def test_no_jump_is_seen_across_sittings(tmp_path: Path) -> None:
    """Each process has a second clock of its own, so there is nothing to compare with."""
    record, clock = tmp_path / "record", StillClock()
    clock.wall += timedelta(days=3)
    book = logbook(record, clock)
    book.append(came(0))
    book.close()
    book = goes_on(record)
    book.append(came(1))
    book.close()
    assert types(record) == ["person.present", "person.present"]
