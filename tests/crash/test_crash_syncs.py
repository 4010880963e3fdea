"""Each sync is needed: leave one kind of them out, and some power cut loses something, in the way that is expected.

A mutant does everything but these syncs. Every state that it can leave and that the right run cannot is recovered from
until one shows it; what the runs leave at their very end counts too. A death alone would show none: the system keeps
what
was not synced.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from crash_bench import make_place
from crash_points import LOG, LOSSES, Point, Seen, after, enumerate_points, go_on, killed_before, leading_to
from disk_model import Step
from test_crash_recovery import recovering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash_bench import Traced
    from disk_model import Loss


@dataclass(frozen=True)
class Sync:
    """One kind of sync: what it is of, the operation and the one before it, and what shows when it is left out.

    `shows` begins the words of the failure. Where it is at the end, it is looked for there only: before that, recovery
    makes good what was lost.
    """

    of: str
    pattern: str
    shows: str = ""


STATIONS: Final = ("record.sim/stations/", "record.sim/media/")

AT_END: Final = "at the end:"

HALF: Final = r"/\.[^/]*\.half"
DEVICE: Final = r"record\.sim/(devices/[a-z]+|vault)"

NOT_NEEDED: Final = {
    "the log's cut": "a tail that comes back is cut off again, and the next line's sync is of the same file",
    "the name of the environment": "the trust file is named in the same folder before there is an entry",
}
"""Kinds of syncs that could be left out, and why."""

SYNCS: Final = [
    Sync("the log's cut", r"sync record/log\.jsonl after cut"),
    Sync("the log's lines", r"sync record/log\.jsonl", "AssertionError: an entry is lost"),
    Sync("the log's name", r"sync_folder record after create record/log\.jsonl", "AssertionError: an entry is lost"),
    Sync("a torn tail's copy", rf"sync record/recovered{HALF}", "AssertionError: a torn tail is lost"),
    Sync(
        "the name of a torn tail's copy",
        r"sync_folder record/recovered after remove",
        "AssertionError: a torn tail is lost",
    ),
    Sync(
        "the name of the folder of torn tails",
        r"sync_folder record after mkdir record/recovered",
        "AssertionError: a torn tail is lost",
    ),
    Sync(
        "a statement or signature",
        rf"sync record/statements{HALF}",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG081 statements/",
    ),
    Sync(
        "the name of a statement or signature",
        rf"sync_folder record/statements after remove record/statements{HALF}",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG022 statements/",
    ),
    Sync(
        "a checkpoint",
        rf"sync record/checkpoints{HALF}",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG010 checkpoints/",
    ),
    Sync("a checkpoint's name", r"sync_folder record/checkpoints after remove", "at the end: record/checkpoints/"),
    Sync(
        "a package in transfer/",
        rf"sync record/transfer{HALF}",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG028 transfer/",
    ),
    Sync(
        "the name of a package in transfer/",
        r"sync_folder record/transfer after remove",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG022 transfer/",
    ),
    Sync(
        "a log key",
        r"sync record/keys/\.log-.*\.half",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG014 keys/",
    ),
    Sync(
        "a log key's name",
        r"sync_folder record/keys after remove record/keys/\.log-",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG022 keys/",
    ),
    Sync(
        "the record's end",
        r"sync record/\.(SHA256SUMS|VERIFY\.txt)\.half",
        "AssertionError: REHEARSAL SIMULATED: TAMPERED",
    ),
    Sync(
        "the name of the record's end",
        r"sync_folder record after remove record/\.(SHA256SUMS|VERIFY\.txt)\.half",
        "at the end: record/SHA256SUMS, record/VERIFY.txt",
    ),
    Sync(
        "what the first entry binds",
        rf"sync record(/approval|/keys|/source)?{HALF}",
        "EvidenceFault: LOG073: plan.json is not",
    ),
    Sync(
        "the name of what the first entry binds",
        rf"sync_folder record(/\w+)? after remove record(/\w+)?{HALF}",
        "AssertionError: there is no ",
    ),
    Sync(
        "that a file of the record is gone",
        r"sync_folder record(/\w+)? after remove",
        "EvidenceFault: LOG073: the record is not what a crash leaves: LOG021 statements/",
    ),
    Sync(
        "the record's folders' names", r"sync_folder (\.|record) after mkdir record", "AssertionError: an entry is lost"
    ),
    Sync(
        "names of the record, by the next process",
        r"sync_folder (\.|record(/\w+)?) after (nothing|sync_folder)",
        "at the end: record/",
    ),
    Sync("the simulated room", rf"sync record\.sim{HALF}", "JSONDecodeError"),
    Sync("the name of the environment", r"sync_folder record\.sim after remove record\.sim/\.environment"),
    Sync(
        "the name of a part of the simulated room",
        r"sync_folder record\.sim(/\w+)? after (mkdir|remove)",
        "AssertionError: hsm cannot be opened",
    ),
    Sync("a file at a station", rf"sync record\.sim/(stations|media)/[a-z-]+{HALF}", "AssertionError: aborted"),
    Sync(
        "the name of a file at a station",
        rf"sync_folder record\.sim/(stations|media)/[a-z-]+ after remove .*{HALF}",
        "StepFault: RUN021",
    ),
    Sync(
        "the name of a file at a station, by the next process",
        r"sync_folder record\.sim/(stations|media)/",
        "at the end: record.sim/",
    ),
    Sync(
        "that a destroyed file is gone",
        rf"sync_folder {DEVICE}/kmdata/local after remove {DEVICE}/kmdata/local/",
        "at the end: record.sim/devices/hsm/kmdata/local/",
    ),
    Sync("what a device stages", rf"sync {DEVICE}/stage/[0-9]+", "StoreBroken: cardstore/"),
    Sync("what a device's memory stages", rf"sync {DEVICE}/silicon/stage/[0-9]+", "StoreBroken: silicon/"),
    Sync("a device's receipt", rf"sync {DEVICE}/stage/receipt", "StoreBroken: receipt 1 "),
    Sync(
        "the name of a device's folder",
        rf"sync_folder {DEVICE}(/[\w-]+)* after mkdir",
        "AssertionError: hsm cannot be opened",
    ),
    Sync("a device's receipt's name", rf"sync_folder {DEVICE}/audit after rename", "StoreBroken: there is a file"),
    Sync(
        "a device's receipt's name, by the next process", rf"sync_folder {DEVICE}/audit", "StoreBroken: kmdata/local/"
    ),
    Sync(
        "the names of what a device stages",
        rf"sync_folder {DEVICE}/stage after sync {DEVICE}/stage/receipt",
        "StoreBroken: cardstore/",
    ),
    Sync("that a device's stage is empty", rf"sync_folder {DEVICE}/stage", "at the end: record.sim/devices/hsm/stage/"),
    Sync(
        "the names in the stage of a device's memory", rf"sync_folder {DEVICE}/silicon/stage", "StoreBroken: silicon/"
    ),
    Sync(
        "the name of a folder that a device made, by the next process",
        rf"sync_folder {DEVICE}(/kmdata|/silicon|/keys)? after sync_folder {DEVICE}/(silicon/stage|kmdata)",
        "StoreBroken: keys/",
    ),
    Sync("the names of what a device put in place", rf"sync_folder {DEVICE}(/[\w-]+)*", "StoreBroken: cardstore/"),
]


@dataclass(frozen=True)
class Run:
    """Some operations from what was on the disks before, and what they can leave where no sync is left out."""

    before: list[Step]
    steps: list[Step]
    good: dict[str, int]
    """By fingerprint: how many entries at most were acknowledged when that was left."""

    def of(self) -> Iterator[str]:
        """The sync that each operation is, "" where it is none."""
        previous = Step(kind="nothing", path="")
        for step in self.steps:
            yield sync_of(step, previous) if step.kind in ("sync", "sync_folder") else ""
            previous = step


def sync_of(step: Step, previous: Step) -> str:
    words = f"{step.kind} {step.path} after {previous.kind} {previous.path}"
    return next((sync.of for sync in SYNCS if re.match(sync.pattern, words)), words)


def make_run(before: list[Step], steps: list[Step]) -> Run:
    good: dict[str, int] = {}
    for losses in LOSSES:
        for point in enumerate_points(before, steps, losses):
            good[point.mark] = max(len(point.acknowledged), good.get(point.mark, 0))
    return Run(before, steps, good)


@pytest.fixture(scope="session")
def runs(traced: Traced) -> list[Run]:
    """The whole rehearsal, and what recoveries do.

    They begin where a statement's entry was torn, before the first entry, and where the rehearsal had named something
    of each kind and not synced it yet; where that is a file at a station, the rest of the ceremony is part of it.
    """
    whole = make_run([], traced.steps)
    points = enumerate_points((), traced.steps, LOSSES[0], torn=True)
    last = {of: number for number, of in enumerate(whole.of()) if traced.steps[number].kind == "sync_folder"}
    torn = [point for point in points if point.cut.torn and point.cut.step and b'"attested"' in point.cut.step.content]
    unsynced = [killed_before(traced.steps, number) for number in last.values()]
    early = [point for point in points if "record/plan.json" in point.cut.tree and LOG not in point.cut.tree]
    place = make_place()
    recoveries = []
    for point in (torn[len(torn) // 2], early[-1], *unsynced):
        at_station = point.cut.step is not None and point.cut.step.path.startswith(STATIONS)
        steps = recovering(point, place / "here", to_the_end=at_station)
        recoveries.append(make_run(leading_to(traced.steps, point), steps))
    shutil.rmtree(place)
    return [whole, *recoveries]


def failure(runs: list[Run], left_out: Sync, place: Path) -> str:
    """What shows first when a sync is left out, or "" where nothing does."""
    for run in runs:
        ofs = [*run.of()]
        if left_out.of not in ofs:
            continue
        steps = [
            Step(kind="nothing", path=step.path) if of == left_out.of else step
            for of, step in zip(ofs, run.steps, strict=True)
        ]
        for losses in LOSSES[1:]:
            shown = "" if left_out.shows.startswith(AT_END) else on_the_way(run, steps, losses, place)
            if shown or (shown := at_end(run, steps, losses)):
                return shown
    return ""


def on_the_way(run: Run, steps: list[Step], losses: tuple[Loss, Loss], place: Path) -> str:
    """What shows first when power is lost during the run, "" where nothing does."""
    for point in enumerate_points(run.before, steps, losses, done=run.steps):
        if len(point.acknowledged) <= run.good.get(point.mark, -1):
            continue
        try:
            point.hold()
            hold_tail(run.before, point)
            go_on(point, place, Seen())
        except Exception as shown:  # noqa: BLE001 (whatever shows it; what it says is compared)
            return f"{type(shown).__name__}: {shown}"
    return ""


def hold_tail(before: list[Step], point: Point) -> None:
    """What a crash tore off the log is still there, in the log or beside it."""
    file = after(before).file(LOG)
    log = b"" if file is None else file.now
    tail = log[log.rfind(b"\n") + 1 :]
    kept = [content for name, content in point.cut.tree.items() if name.startswith("record/recovered/")]
    assert (point.cut.tree.get(LOG) or b"").endswith(tail) or tail in kept, f"a torn tail is lost {point}"


def at_end(run: Run, steps: list[Step], losses: tuple[Loss, Loss]) -> str:
    """What is not there any more, or again, when power is lost after the run has ended."""
    *_, right = enumerate_points(run.before, run.steps, losses)
    *_, last = enumerate_points(run.before, steps, losses)
    names = sorted(
        name
        for name in right.cut.tree.keys() | last.cut.tree.keys()
        if right.cut.tree.get(name, 0) != last.cut.tree.get(name, 0)
    )
    return f"{AT_END} {', '.join(names)}" if names else ""


@pytest.mark.long
@pytest.mark.parametrize("sync", [sync for sync in SYNCS if sync.of not in NOT_NEEDED], ids=lambda sync: sync.of)
def test_a_sync_that_is_left_out_shows(runs: list[Run], place: Path, sync: Sync) -> None:
    assert sync.shows
    assert failure(runs, sync, place).startswith(sync.shows)


@pytest.mark.long
@pytest.mark.parametrize("sync", [sync for sync in SYNCS if sync.of in NOT_NEEDED], ids=lambda sync: sync.of)
def test_a_sync_that_is_not_needed_shows_nothing(runs: list[Run], place: Path, sync: Sync) -> None:
    assert any(sync.of in run.of() for run in runs)
    assert failure(runs, sync, place) == ""


def test_every_sync_is_of_a_kind_that_is_left_out_once(traced: Traced) -> None:
    kinds = {sync.of for sync in SYNCS}
    assert kinds >= NOT_NEEDED.keys()
    assert {of for of in Run([], traced.steps, {}).of() if of} <= kinds


@pytest.mark.long
def test_every_sync_of_a_recovery_is_of_such_a_kind_too(runs: list[Run]) -> None:
    assert {of for run in runs for of in run.of() if of} == {sync.of for sync in SYNCS}
