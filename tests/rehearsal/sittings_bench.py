"""What the tests of several sittings share: the command line on cheap cards, and a process that dies where it is told.

Every process of `ceremony` that a test runs here has a clock, a boot and randomness of its own; the vault imports in
this process.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rehearsal_bench as bench

from runner.audit.entry import EntryType
from runner.host.logbook import Logbook

sys.path.insert(0, str(Path(__file__).parent.parent / "crash"))

from crash_bench import Play

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from runner.audit.entry import Entry
    from runner.history import Said
    from runner.host.disk import Disk
    from runner.host.simulated_room import Ground

    When = Callable[[Said], bool]

PROCESSES = count(1)
RESUMED = EntryType.CEREMONY_RESUMED


class Killed(BaseException):
    """The process is gone; nothing that it would still have done is done."""


def cheaply(patch: pytest.MonkeyPatch) -> None:
    """Let every rehearsal, resumption and abort stand on cheap ground, each on its own."""

    def ground(**_disk: Disk) -> Ground:
        number = next(PROCESSES)
        play = Play(f"process {number}")
        play.clock.now += 1_000 * number
        return play.ground()

    Play("vault").import_here(patch)
    for command in ("rehearse", "resume", "abort"):
        patch.setattr(f"runner.cli.{command}.Ground", ground)


def is_entry(kind: str, /, **fields: Any) -> When:
    """Whether an entry is of a type and, where given, has these fields: `step`, or some of its data."""

    def matches(said: Said) -> bool:
        has = {"step": said.step, **said.data}
        return said.type.value == kind and all(has.get(name) == value for name, value in fields.items())

    return matches


def killed(patch: pytest.MonkeyPatch, run: Callable[[], object], *, before: When | None = None, after: When) -> None:
    """Run something and have it die where an entry is about to be written, or right after it was."""
    append = Logbook.append

    def dying(self: Logbook, said: Said, actors: tuple[str, ...] = ()) -> Any:
        if before is not None and before(said):
            raise Killed
        written = append(self, said, actors)
        if after(said):
            raise Killed
        return written

    with patch.context() as inner:
        inner.setattr(Logbook, "append", dying)
        try:
            run()
        except Killed:
            return
    raise AssertionError("nothing died")


def never(_said: Said) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rehearsal that broke off."""

    record: Path

    @property
    def left(self) -> bench.Left:
        return bench.Left(record=self.record, code=-1, out="", err="")

    @property
    def device(self) -> Path:
        return self.left.sim / "devices" / "hsm"

    def copy(self, place: Path) -> Broken:
        """The record and everything beside it, somewhere else."""
        shutil.copytree(self.record.parent, place, dirs_exist_ok=True)
        return Broken(record=place / self.record.name)

    def says(self, command: str, *more: str) -> bench.Left:
        """What a command says of it."""
        code, out, err = bench.say(command, str(self.record), *more)
        return bench.Left(record=self.record, code=code, out=out, err=err)

    def all(self) -> dict[str, bytes]:
        return bench.tree(self.record.parent)

    def status(self) -> dict[str, str]:
        code, out, err = bench.say("status", str(self.record))
        assert (code, err) == (0, "")
        return {line[:12].strip(): line[13:] for line in out.splitlines()}


def broken_off(patch: pytest.MonkeyPatch, place: Path, *, before: When | None = None, after: When = never) -> Broken:
    """Begin a rehearsal that dies there."""
    place.mkdir(exist_ok=True)
    killed(patch, lambda: bench.rehearse(place / "record", "eu"), before=before, after=after)
    return Broken(record=place / "record")


def types(entries: list[Entry], begin: int = 0) -> list[str]:
    """The types of entries in order, runs of one type counted once."""
    found: list[str] = []
    for entry in entries[begin:]:
        if found[-1:] != [entry.type.value]:
            found.append(entry.type.value)
    return found


def last_sitting(left: bench.Left) -> list[Entry]:
    entries = left.entries()
    begin = max(entry.seq for entry in entries if entry.type is RESUMED)
    return entries[begin:]


def only(entries: list[Entry], kind: str) -> Entry:
    (found,) = [entry for entry in entries if entry.type.value == kind]
    return found


def covered(entries: list[Entry]) -> int:
    """How many entries the last checkpoint covers."""
    return int(max(entry.data["size"] for entry in entries if entry.type is EntryType.CHECKPOINT))
