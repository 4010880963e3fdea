"""The logbook: checkpoints in time, never between a request and its reply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.history import Said
from runner.host.disk import Disk
from runner.host.logbook import EVERY, Logbook

if TYPE_CHECKING:
    from pathlib import Path


class StillClock:
    """A clock that stands still."""

    boot = "0" * 16

    def now(self) -> str:
        return "2026-11-25T12:00:00.000000Z"

    def mono_us(self) -> int:
        return 0


def said(kind: EntryType, data: dict[str, Any], step: str | None = None) -> Said:
    return Said(type=kind, step=step, attempt=None if step is None else 1, data=data)


def came(number: int) -> Said:
    return said(EntryType.PERSON_PRESENT, {"person": f"p{number}", "roles": []})


def types(record: Path) -> list[str]:
    return [json.loads(line)["type"] for line in (record / "log.jsonl").read_bytes().splitlines()]


def logbook(record: Path) -> Logbook:
    record.mkdir()
    return Logbook(Disk(), record, LogKey.from_seed("test/log", bytes(32)), StillClock())


def test_a_checkpoint_is_made_when_enough_entries_have_passed(tmp_path: Path) -> None:
    book = logbook(tmp_path / "record")
    for number in range(2 * EVERY + 2):
        book.append(came(number))
    book.close()
    found = [seq for seq, kind in enumerate(types(tmp_path / "record")) if kind == "checkpoint"]
    assert found == [EVERY, 2 * EVERY]
    assert sorted(path.name for path in (tmp_path / "record" / "checkpoints").iterdir()) == [
        f"{size:010d}.ckpt" for size in found
    ]


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
