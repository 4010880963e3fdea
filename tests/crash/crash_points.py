"""Every state that a traced rehearsal can leave on its disks, and what must come of it when people go on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import pytest
from crash_bench import Play, once, recover
from disk_model import Cut, Folder, Loss, Step, Tree, apply, cuts, left, lines, read

from runner.audit.entry import EntryType, decode_entry
from runner.host.session import Session
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOSSES: Final[list[tuple[Loss, Loss]]] = [
    ("nothing", "nothing"),
    ("only what was synced", "only what was synced"),
    ("names kept", "names kept"),
    ("contents kept", "contents kept"),
    ("only what was synced", "nothing"),
    ("nothing", "only what was synced"),
    ("names kept", "nothing"),
    ("nothing", "names kept"),
    ("contents kept", "nothing"),
    ("nothing", "contents kept"),
]
"""What the log's disk keeps, and what the devices' disk keeps. The first is a process that died."""

LOG: Final = "record/log.jsonl"
NOTHING: Final[Loss] = "nothing"
ONLY_SYNCED: Final[Loss] = "only what was synced"
DEVICES: Final = ("record.sim/devices/", "record.sim/vault/")

_OF_SITTINGS: Final = (
    "record/checkpoints/",
    "record/keys/log-",
    "record/log.jsonl",
    "record/recovered",
    "record/statements/",
    "record.sim/trust.json",
)
"""Files that tell sittings apart, and that nothing in the rest of a ceremony reads."""

_SAID_BY_SITTINGS: Final = frozenset({EntryType.CEREMONY_RESUMED, EntryType.LOG_RECOVERED, EntryType.CHECKPOINT})


class Known(BaseException):
    """Recovery is over, and a ceremony went on from here to its end before."""


@dataclass
class Seen:
    """From where ceremonies went on to their end already, and how often which end was reached."""

    standings: set[str] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Point:
    """A state to go on from, and the entries that were acknowledged when it was left."""

    cut: Cut
    acknowledged: list[bytes]

    @cached_property
    def mark(self) -> str:
        return fingerprint(self.cut.tree)

    def hold(self) -> None:
        """Whatever was acknowledged is there already, before anybody goes on."""
        whole = lines(self.cut.tree.get(LOG))
        assert whole[: len(self.acknowledged)] == self.acknowledged, f"an entry is lost {self}"

    def __str__(self) -> str:
        return f"after {self.cut.after} operations, {'in' if self.cut.torn else 'before'} {self.cut.step}"


def fingerprint(tree: Tree) -> str:
    running = hashlib.sha256()
    for name, content in sorted(tree.items()):
        running.update(f"{name} {'folder' if content is None else hashlib.sha256(content).hexdigest()}\n".encode())
    return running.hexdigest()


# -- which points there are --------------------------------------------------------------------------------------------


def enumerate_points(
    before: Sequence[Step],
    steps: Sequence[Step],
    losses: tuple[Loss, Loss],
    *,
    torn: bool = False,
    done: Sequence[Step] = (),
) -> list[Point]:
    """Every state that a run can leave.

    Args:
        before: the operations of earlier runs, on disks that were empty and that kept everything since.
        steps: the operations of the run.
        losses: what the log's disk keeps, with everything but the devices on it; and what the devices' disk keeps.
        torn: in the middle of each write, too.
        done: the operations that the run believes it does; `steps`, where nothing was left out.
    """

    def tree_of(folder: Folder) -> Tree:
        mine = left(folder, losses[0])
        return mine if losses[0] == losses[1] else apart(mine, left(folder, losses[1]))

    acknowledged = acknowledgements(before, done or steps)
    found = cuts(after(before), steps, tree_of, torn=torn)
    return [Point(cut=cut, acknowledged=acknowledged[cut.after]) for cut in found]


def acknowledgements(before: Sequence[Step], steps: Sequence[Step]) -> list[list[bytes]]:
    """The entries that are acknowledged before each operation and after the last: what was synced of the log."""
    root = after(before)
    found: list[list[bytes]] = []
    for step in [*steps, None]:
        log = root.file(LOG)
        synced = b"" if log is None else log.synced
        same = bool(found) and len(found[-1]) == synced.count(b"\n")
        found.append(found[-1] if same else lines(synced))
        if step is not None:
            apply(root, step)
    return found


def after(steps: Sequence[Step]) -> Folder:
    """What is on the disks after these operations."""
    root = Folder()
    for step in steps:
        apply(root, step)
    return root


def killed_before(steps: Sequence[Step], number: int) -> Point:
    """What is there when the process dies just before an operation, and keeps all it did."""
    cut = Cut(after=number, torn=False, tree=left(after(steps[:number]), NOTHING), step=steps[number])
    return Point(cut=cut, acknowledged=acknowledgements((), steps[:number])[-1])


def leading_to(steps: Sequence[Step], point: Point) -> list[Step]:
    """The operations of a run up to where it was cut off, and half of a write where that was torn."""
    done = [*steps[: point.cut.after]]
    if point.cut.torn:
        torn = steps[point.cut.after]
        done.append(replace(torn, content=torn.content[: len(torn.content) // 2]))
    return done


def apart(mine: Tree, theirs: Tree) -> Tree:
    """The record and all else as on one disk, the devices as on another."""
    kept = {name: content for name, content in mine.items() if not f"{name}/".startswith(DEVICES)}
    kept |= {name: content for name, content in theirs.items() if f"{name}/".startswith(DEVICES)}
    return {name: content for name, content in kept.items() if _has_folders(name, kept)}


def _has_folders(name: str, tree: Tree) -> bool:
    parts = name.split("/")
    return all("/".join(parts[:number]) in tree for number in range(1, len(parts)))


# -- going on ----------------------------------------------------------------------------------------------------------


def go_on(point: Point, place: Path, seen: Seen, *, may_be_uncertain: bool = False) -> str:
    """Recover from one state and hold the end to what must be; return how it ended.

    completed: everything happened exactly once and the record verifies. known: recovery came to where a ceremony went
    on to its end before; its record is in order so far. nothing: there was nothing to recover. resolved: it was
    uncertain what a device did, people decided, and the record of it verifies.
    """
    here = place / "cut"
    point.cut.build(here)
    try:
        end = recovered(here, seen, point, may_be_uncertain=may_be_uncertain)
    finally:
        shutil.rmtree(here)
    seen.ends[end] = seen.ends.get(end, 0) + 1
    return end


def recovered(here: Path, seen: Seen, point: Point, *, may_be_uncertain: bool = False) -> str:
    """Recover what is in a folder, as `go_on` does."""
    again = Play(f"after {point.mark[:16]}")  # another process than those before has other keys, and another clock
    again.clock.now += 1_000
    run = Session.run

    def reached(self: Session, *said: Any) -> Any:
        mark = standing(here)
        if mark in seen.standings:
            raise Known
        seen.standings.add(mark)
        return run(self, *said)

    with pytest.MonkeyPatch.context() as patch:
        again.import_here(patch)
        patch.setattr(Session, "run", reached)
        try:
            end = recover(here, again.ground())
            if end == "uncertain" and may_be_uncertain:
                decided = recover(here, again.ground(), may_decide=True)
                assert decided in ("completed", "aborted"), f"{decided} {point}"
                end = "resolved"
        except Known:
            end = "known"
        hold(here, end, point)
    return end


def hold(here: Path, end: str, point: Point) -> None:
    """Hold what recovery came to, to what must be."""
    if end == "nothing":
        assert not point.acknowledged, f"nothing is left {point}"
        return
    outcomes = {
        "completed": (Outcome.VALID,),
        "known": (Outcome.OPEN,),
        "resolved": (Outcome.VALID, Outcome.ABORTED),
    }
    assert end in outcomes, f"{end} {point}"
    final = lines((here / LOG).read_bytes())
    assert final[: len(point.acknowledged)] == point.acknowledged, f"an entry is lost {point}"
    assert end != "completed" or once(here), f"not everything happened exactly once {point}"
    verdict = verify(here / "record", here / "record.sim" / "trust.json", rehearsal=True)
    assert verdict.outcome in outcomes[end], f"{verdict.sentence()} {point}"


def standing(here: Path) -> str:
    """Where a ceremony stands: all that its rest depends on, without which sittings it had and how they began."""
    tree = {name: content for name, content in read(here).items() if not name.startswith(_OF_SITTINGS)}
    said = [_said(line) for line in lines((here / LOG).read_bytes())]
    return fingerprint({**tree, LOG: "\n".join(item for item in said if item).encode()})


@cache
def _said(line: bytes) -> str:
    """What an entry says that the rest of a ceremony depends on."""
    entry = decode_entry(line)
    about = entry.data.get("about", "")
    if entry.type in _SAID_BY_SITTINGS or about == "recovery":
        return ""
    data = {name: value for name, value in entry.data.items() if name != "to"}
    if entry.type is EntryType.ATTESTED:  # it names a checkpoint
        data = {"about": about, "person": entry.data["person"]}
    return repr((entry.type, entry.step, entry.attempt, entry.actors, data))
