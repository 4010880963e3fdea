"""What goes wrong in the room: the step fails by its rule, nothing follows, and the record says so to a stranger."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faulty_disk import FaultyOs
from refusal_bench import EU, edit, name, within

from hsm_emulator import crypto, messages
from hsm_emulator.device import Device
from hsm_emulator.region import catalogue
from runner import canonical
from runner.backends.emulator.region import SimulatedPublisher
from runner.host.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from refusal_bench import Bench, Said

    from runner.host.disk import Operation

SMALL = Path(__file__).parents[1] / "vectors" / "refusals" / "small.ceremony.yaml"
ZIP = "KeyVault-BYOK-Tools-Europe.zip"


def log(record: Path) -> list[dict[str, Any]]:
    """The log's entries; every line is whole, canonical, and names the one before it."""
    content = (record / "log.jsonl").read_bytes()
    assert not content or content.endswith(b"\n")
    before = "0" * 64
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(content.splitlines()):
        entry = canonical.decode(line)
        assert (entry["seq"], entry["prev"]) == (number, before)
        before = hashlib.sha256(b"\0" + line).hexdigest()
        entries.append({**entry, "leaf": before})
    return entries


def receipts(sim: Path) -> list[tuple[str, str]]:
    """What the module did and under which request, in order, but for its manufacture."""
    found = [json.loads(path.read_bytes()) for path in sorted((sim / "devices" / "hsm" / "audit").glob("*.json"))]
    return [(item["kind"], item["request"]) for item in found if item["kind"] not in {"Manufacture", "BlankCards"}]


def state(sim: Path) -> messages.ModuleState:
    """What the module holds now."""
    with Device.open(sim / "devices" / "hsm", draw=crypto.SystemDraw(), clock=lambda: 0.0) as device:
        found = device.look(messages.Enquiry())
    assert isinstance(found, messages.ModuleState)
    return found


def failed(bench: Bench, said: Said, rule: str, step: str, *words: str) -> list[dict[str, Any]]:
    """The rehearsal failed at a step by a rule; its record is whole and says aborted; returns the log."""
    assert said.code == 6, said
    assert f"failed {rule} at {step}: " in said.err
    for word in words:
        assert word in said.err
    entries = log(bench.folder / "record")
    assert [entry["type"] for entry in entries[-3:]] == ["step.failed", "ceremony.aborted", "ceremony.closed"]
    assert entries[-3]["step"] == step
    assert entries[-2]["data"]["rule"] == rule
    assert entries[-1]["data"]["outcome"] == "aborted"
    judged = bench.run("verify", "record", "--trust", "record.sim/trust.json", "--rehearsal")
    assert judged.code == 1
    assert judged.out.startswith(f"REHEARSAL SIMULATED: ABORTED, {len(entries)} entries")
    findings = [line for line in judged.out.splitlines()[1:] if not line.startswith("note ")]
    assert [line[:6] for line in findings] == ["LOG061"]
    assert f"aborted by {rule}" in judged.out
    assert [path.name for path in (bench.folder / "record" / "transfer").iterdir()] == []
    return entries


def untouched(bench: Bench) -> None:
    """The module was never asked to change anything: no world, no key, no card."""
    sim = bench.folder / "record.sim"
    assert receipts(sim) == []
    now = state(sim)
    assert (now.mode.value, now.hknso, now.keys, now.cards) == ("operational", "", (), ())


def no_key(bench: Bench) -> None:
    sim = bench.folder / "record.sim"
    assert "GenerateKey" not in [kind for kind, _ in receipts(sim)]
    assert state(sim).keys == ()


def files(bench: Bench, station: str) -> list[str]:
    return sorted(path.name for path in (bench.folder / "record.sim" / "stations" / station).iterdir())


def publish(patch: pytest.MonkeyPatch, content: bytes, *, trusted: bool) -> None:
    """Have the simulated publisher give other bytes; `trusted`: and the simulated trust list vouch for them."""
    patch.setattr(SimulatedPublisher, "publish", lambda _self, _file: content)
    if trusted:
        honest = catalogue.simulated_trust("eu")
        vouched = {**honest, "toolset": hashlib.sha256(content).hexdigest()}
        patch.setattr("runner.host.simulated.simulated_trust", lambda _region: vouched)


def repacked(*, drop: str = "", **replaced: bytes) -> bytes:
    """Europe's toolset packed again with other content of some items; `__` in a name stands for `-`."""
    items = {key.replace("__", "-"): value for key, value in replaced.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(catalogue.toolset("eu"))) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.namelist():
            if member != drop:
                new.writestr(member, items.pop(member, old.read(member)))
        for member, content in items.items():
            new.writestr(member, content)
    return buffer.getvalue()


def with_hook(patch: pytest.MonkeyPatch, hook: Callable[[Operation], None]) -> None:
    patch.setattr("runner.cli.rehearse.Disk", lambda: Disk(hook))


# -- the toolset ---------------------------------------------------------------------------------------------------


def test_a_toolset_that_is_not_the_published_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, catalogue.toolset("na"), trusted=False)
    entries = failed(bench, bench.rehearse(*EU), "RUN002", "obtain-toolset", "`sha256` is", "was expected")
    honest, other = (hashlib.sha256(catalogue.toolset(code)).hexdigest() for code in ("eu", "na"))
    assert (entries[-3]["data"]["expected"], entries[-3]["data"]["found"]) == (honest, other)
    untouched(bench)
    assert files(bench, "offline") == []


@pytest.mark.parametrize("content", [b"", bytes(16_000_001)], ids=["no bytes", "too many"])
def test_a_toolset_of_the_wrong_size(bench: Bench, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    publish(monkeypatch, content, trusted=False)
    failed(bench, bench.rehearse(*EU), "ART004" if content else "RUN002", "obtain-toolset")
    untouched(bench)
    assert files(bench, "online") == ([] if content else [ZIP])


@pytest.mark.parametrize(
    ("when", "what"),
    [("media/usb", "stations/online"), ("stations/offline", "media/usb")],
    ids=["before it is carried", "on the medium"],
)
def test_a_toolset_changed_on_its_way(bench: Bench, monkeypatch: pytest.MonkeyPatch, when: str, what: str) -> None:
    """One bit of it is changed just before it is copied; the copy is not what was obtained."""
    hit: list[Path] = []

    def change(operation: Operation) -> None:
        folder = bench.folder / "record.sim" / what
        if (
            operation.kind == "create"
            and operation.path.parent.resolve() == bench.folder / "record.sim" / when
            and not hit
        ):
            hit.append(operation.path)
            content = bytearray((folder / ZIP).read_bytes())
            content[1000] ^= 1
            (folder / ZIP).write_bytes(content)

    with_hook(monkeypatch, change)
    failed(bench, bench.rehearse(*EU), "RUN021", "carry-in", "is not what it was when it left")
    assert len(hit) == 1
    untouched(bench)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: repacked(drop="KeyTransferRemote.exe"), "ART015"),
        (lambda: repacked(autorun=b"x"), "ART016"),
        (lambda: repacked(**{"..\\evil.exe": b"x"}), "ART012"),
        (lambda: repacked(**{"/etc/passwd": b"x"}), "ART012"),
        (lambda: repacked(**{"KEYTRANSFERREMOTE.EXE": b"x"}), "ART014"),
        (lambda: repacked(**{"del\x7f\x1b[2J": b"x"}), "ART016"),
        (lambda: repacked(**{"n" * 60_000: b"x"}), "ART016"),
        (lambda: catalogue.toolset("eu")[:-100], "ART011"),
        (lambda: b"MZ not a zip", "ART011"),
    ],
    ids=["missing", "extra", "two dots", "absolute", "case", "control characters", "long name", "cut", "no zip"],
)
def test_a_bad_zip_that_somebody_vouches_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes], rule: str
) -> None:
    publish(monkeypatch, make(), trusted=True)
    said = bench.rehearse(*EU)
    failed(bench, said, rule, "unpack-toolset")
    assert "\x1b" not in said.err
    assert files(bench, "offline") == [ZIP]
    untouched(bench)


@pytest.mark.parametrize("which", ["kek", "world", "both"])
def test_packages_of_another_region_under_this_ones_names(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """The exchange key of one region with the world of another, vouched for by the toolset's digest."""
    other = catalogue.world("NA-1")
    replaced = {"BYOK-KEK-pkg-EU-1": other.kek_package, "BYOK-SecurityWorld-pkg-EU-1": other.world_package}
    keep = {"kek": ["BYOK-KEK-pkg-EU-1"], "world": ["BYOK-SecurityWorld-pkg-EU-1"], "both": list(replaced)}[which]
    publish(monkeypatch, repacked(**{item: replaced[item] for item in keep}), trusted=True)
    failed(bench, bench.rehearse(*EU), "RUN002" if which == "both" else "RUN020", "verify-packages")
    no_key(bench)
    assert [kind for kind, _ in receipts(bench.folder / "record.sim")] == ["ChangeMode", "NewWorld", "ChangeMode"]


# -- what people type ----------------------------------------------------------------------------------------------


def test_an_answer_of_the_wrong_kind_three_times(bench: Bench) -> None:
    bench.change(
        within("record-subscription", "The subscription id on the screen}", "The id, example: never mind}"),
    )
    bench.change(edit("subscription: {type: uuid, ask: The id, example: never mind}", "number: {type: whole, ask: A}"))
    bench.change(edit('    expect: {subscription: "{{ params.subscription_id }}"}\n', ""))
    bench.change(edit("number: {type: whole, ask: A}", "number: {type: whole, ask: A number}"))
    entries = failed(bench, bench.rehearse(*EU), "RUN003", "record-subscription", "3 times")
    asked = [entry for entry in entries if entry["type"] == "request" and entry["data"]["kind"] == "ask_value"]
    assert len(asked) == 3
    untouched(bench)


def test_another_subscription(bench: Bench) -> None:
    other = "99999999-2222-4333-8444-555555555555"
    bench.change(
        within(
            "record-subscription",
            "ask: The subscription id on the screen}",
            f"ask: The subscription id on the screen, example: {other}}}",
        )
    )
    entries = failed(bench, bench.rehearse(*EU), "RUN002", "record-subscription", "`subscription` is", other)
    assert entries[-3]["data"]["found"] == other
    untouched(bench)


# -- the disk ------------------------------------------------------------------------------------------------------

ALL = 347
"""Writes, syncs and links of the small ceremony, if nothing fails."""


def small(bench: Bench, patch: pytest.MonkeyPatch, at: int, how: str) -> tuple[Said, FaultyOs]:
    faulty = FaultyOs(at=at, how=how)
    with patch.context() as during:
        during.setattr("runner.host.disk.os", faulty)
        said = bench.run("rehearse", str(SMALL), "--out", "record")
    return said, faulty


def one_shots_are_in_the_log(bench: Bench) -> None:
    """Everything the module did stands in the log as its request, in order and once; after a broken log, nothing."""
    sim, record = bench.folder / "record.sim", bench.folder / "record"
    did = receipts(sim) if (sim / "devices" / "hsm" / "audit").is_dir() else []
    if not (record / "log.jsonl").exists():
        assert did == []
        return
    asked = [entry["leaf"] for entry in log(record) if entry["type"] == "request"]
    order = [asked.index(request) for _kind, request in did]
    assert order == sorted(set(order))


def test_the_small_ceremony_with_a_good_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said, good = small(bench, monkeypatch, 10**6, "full")
    assert said.code == 0
    assert abs(good.count - ALL) < 5
    one_shots_are_in_the_log(bench)
    assert len(receipts(bench.folder / "record.sim")) == 4


@pytest.mark.parametrize(
    ("how", "at"),
    [
        *(("full", at) for at in range(1, ALL, 35)),
        *(("once", at) for at in range(5, ALL, 35)),
        *(("short", at) for at in range(4, ALL, 80)),
    ],
)
def test_a_disk_that_fails_in_the_middle(bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str, at: int) -> None:
    said, faulty = small(bench, monkeypatch, at, how)
    assert faulty.count >= at
    assert said.code in ((6,) if how != "short" else (0, 6)), said
    assert "defect" not in said.err
    assert (": VALID" in said.out) == (said.code == 0)
    one_shots_are_in_the_log(bench)
    assert not list(bench.folder.rglob(".*.half"))
    assert name("ceremony") in {path.name for path in bench.folder.iterdir()}
