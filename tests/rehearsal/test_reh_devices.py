"""Exactly what was logged is what happened, and it was on the disk before it happened."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench

from hsm_emulator.disk import Disk, Operation
from hsm_emulator.receipts import Receipt
from hsm_emulator.receipts import parse as parse_receipt
from hsm_emulator.region import client
from runner.audit.entry import EntryType
from runner.backends.emulator.inside import Inside
from runner.host.simulated_room import Ground

if TYPE_CHECKING:
    from pathlib import Path

    from runner.audit.entry import Entry

COMMANDS = {
    "set_mode": "ChangeMode",
    "create_world": "NewWorld",
    "generate_key": "GenerateKey",
    "reduce_key": "ModifyAcls",
    "seal_package": "Package",
    "destroy_key": "DeleteKey",
    "import_key": "import",
}
"""The device's own name for each mutating request."""


def receipts(folder: Path) -> list[Receipt]:
    """Every receipt of a device or vault, read from its files, the chain checked here once more."""
    paths = sorted((folder / "audit").iterdir())
    found = [parse_receipt(path.read_bytes(), n) for n, path in enumerate(paths, 1)]
    for one, two in pairwise(found):
        assert two.prev == one.head
    return found


def opened(left: bench.Left, device: str) -> dict[str, Any]:
    return next(item for item in left.entries()[0].data["devices"] if item["id"] == device)


def mutating(left: bench.Left, device: str) -> list[tuple[Entry, str, Entry]]:
    """Every mutating request to a device with the leaf hash of its line, and its reply."""
    lines, entries = left.lines(), left.entries()
    found = []
    for at, one in enumerate(entries):
        if one.type is EntryType.REQUEST and one.data["mutates"] and one.data["device"] == device:
            reply = next(e for e in entries[at:] if e.type is EntryType.REPLY)
            assert reply.data["to"] == at
            found.append((one, bench.leaf(lines[at]), reply))
    return found


PLACES = {"hsm": "devices/hsm", "vault": "vault"}


@pytest.mark.parametrize("device", ["hsm", "vault"])
def test_the_devices_receipts_are_the_logs_requests(left: bench.Left, device: str) -> None:
    requests = mutating(left, device)
    size = opened(left, device)["audit"]["size"]
    done = [receipt for receipt in receipts(left.sim / PLACES[device])[size:] if not receipt.is_try]
    assert [receipt.request for receipt in done] == [leaf for _, leaf, _ in requests]
    assert [receipt.kind for receipt in done] == [COMMANDS[request.data["kind"]] for request, _, _ in requests]
    assert len(requests) == {"hsm": 7, "vault": 1}[device]


@pytest.mark.parametrize("device", ["hsm", "vault"])
def test_the_receipts_before_the_opening_are_the_making_of_it(left: bench.Left, device: str) -> None:
    made = receipts(left.sim / PLACES[device])[: opened(left, device)["audit"]["size"]]
    assert [receipt.kind for receipt in made] == {"hsm": ["Manufacture", "BlankCards"], "vault": ["install"]}[device]
    assert made[-1].head == opened(left, device)["audit"]["head"]


@pytest.mark.parametrize("device", ["hsm", "vault"])
def test_each_reply_shows_where_the_devices_own_log_stood(left: bench.Left, device: str) -> None:
    all_of_it = receipts(left.sim / PLACES[device])
    for _, leaf, reply in mutating(left, device):
        place = next(receipt for receipt in all_of_it if receipt.request == leaf)
        assert reply.data["device"]["audit"] == {"size": place.n, "head": place.head}
    closing = next(item for item in left.entries()[-1].data["devices"] if item["id"] == device)
    assert closing["audit"] == {"size": len(all_of_it), "head": all_of_it[-1].head}


def test_a_try_of_a_pin_belongs_to_the_request_before_whose_receipt_it_stands(left: bench.Left) -> None:
    all_of_it = receipts(left.sim / PLACES["hsm"])
    tries = [receipt for receipt in all_of_it if receipt.is_try]
    assert len(tries) > 1
    for one in tries:
        owner = next(receipt for receipt in all_of_it[one.n :] if not receipt.is_try)
        assert one.request.partition("#")[0] == owner.request
        assert owner.kind == "ModifyAcls"


def test_the_vault_says_so_itself(left: bench.Left, tmp_path: Path) -> None:
    """Asked through its own client, on a copy because asking takes its lock."""
    shutil.copytree(left.sim / "vault", tmp_path / "vault")
    known, ids = client.since(tmp_path / "vault", opened(left, "vault")["audit"]["head"])
    assert known
    assert list(ids) == [leaf for _, leaf, _ in mutating(left, "vault")]


def test_the_devices_answers_are_the_replies(left: bench.Left) -> None:
    """What a receipt keeps as the answer and what the log holds as the reply agree in every field they share."""
    shared = 0
    for device, place in PLACES.items():
        kept = {receipt.request: json.loads(receipt.reply) for receipt in receipts(left.sim / place)}
        for _, leaf, reply in mutating(left, device):
            answer = kept[leaf]
            for name in answer.keys() & reply.data["reply"].keys() - {"file", "cards"}:
                assert answer[name] == reply.data["reply"][name], (reply.seq, name)
                shared += 1
    assert shared > 10


# -- durable before the device ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something a device did, and the last lines of the log that were durable then."""

    what: str
    synced: int
    size: int
    last: bytes
    content: bytes


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> tuple[bench.Left, list[Moment]]:
    """A rehearsal in which every change of the device's disk, and every call of the vault, looks at the log first."""
    record = tmp_path_factory.mktemp("moments") / "record"
    log = record / "log.jsonl"
    found: list[Moment] = []
    synced = 0
    fdatasync, import_key = os.fdatasync, client.import_key

    def sync(descriptor: int) -> None:
        nonlocal synced
        fdatasync(descriptor)
        synced = os.fstat(descriptor).st_size

    def look(what: str, content: bytes = b"") -> None:
        if not log.exists():
            return  # the devices are made before the record is
        lines = log.read_bytes().splitlines() or [b""]
        found.append(Moment(what=what, synced=synced, size=log.stat().st_size, last=lines[-1], content=content))

    def hook(operation: Operation) -> None:
        look(operation.kind, operation.content if operation.path.name == "receipt" else b"")

    def asked(*arguments: Any, **more: Any) -> Any:
        look("import", f'"request":"{more["request_id"]}"'.encode())
        return import_key(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runner.cli.rehearse.Ground", functools.partial(Ground, inside=Inside(disk=Disk(hook))))
        patch.setattr(client, "import_key", asked)
        patch.setattr(os, "fdatasync", sync)
        made = bench.rehearse(record, "eu")
    assert made.code == 0
    return made, found


def test_no_device_changes_but_for_a_request_that_is_durable(moments: tuple[bench.Left, list[Moment]]) -> None:
    made, found = moments
    assert len(found) > 100
    for moment in found:
        assert moment.synced == moment.size > 0  # the log was durable to its end
        last = json.loads(moment.last)
        assert (last["type"], last["data"]["mutates"]) == ("request", True)
    lines = made.lines()
    asked = [leaf for device in PLACES for _, leaf, _ in mutating(made, device)]
    assert sorted({bench.leaf(moment.last) for moment in found}) == sorted(asked)
    assert {moment.last for moment in found} <= set(lines)


def test_what_the_device_does_is_done_under_that_requests_id(moments: tuple[bench.Left, list[Moment]]) -> None:
    made, found = moments
    written = [moment for moment in found if moment.content and moment.what in ("write_new", "import")]
    for moment in written:
        match = re.search(rb'"request":"([0-9a-f]{64})(?:#try\d+)?"', moment.content)
        assert match is not None
        assert match[1].decode() == bench.leaf(moment.last)
    tries = [receipt for receipt in receipts(made.sim / PLACES["hsm"]) if receipt.is_try]
    requests = [leaf for device in PLACES for _, leaf, _ in mutating(made, device)]
    assert len(written) == len(requests) + len(tries)


def test_the_watch_over_the_devices_would_notice(moments: tuple[bench.Left, list[Moment]]) -> None:
    """The first thing each request does on the device's disk is seen, and there is one for each of them."""
    made, found = moments
    first: dict[str, str] = {}
    for moment in found:
        first.setdefault(bench.leaf(moment.last), moment.what)
    kinds = {leaf: request.data["kind"] for device in PLACES for request, leaf, _ in mutating(made, device)}
    assert {kinds[leaf]: what for leaf, what in first.items()}.keys() == COMMANDS.keys()
    assert all(what in {"write_new", "import"} for what in first.values())


def test_where_the_log_cannot_be_written_the_device_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up at the request that would create the world: its sync fails, and the device stays as it was."""
    record = tmp_path / "record"
    fdatasync = os.fdatasync
    before: dict[str, bytes] = {}

    def full(descriptor: int) -> None:
        last = (record / "log.jsonl").read_bytes().splitlines()[-1]
        if b'"kind":"create_world"' in last:
            before.update(bench.tree(tmp_path / "record.sim" / "devices"))
            raise OSError(28, "No space left on device")
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", full)
    made = bench.rehearse(record, "eu")
    assert made.code == 6
    assert "RUN030" in made.err
    assert before
    assert bench.tree(tmp_path / "record.sim" / "devices") == before
    assert made.verdict().outcome.value in {"open", "incomplete"}
