"""The disk of the record refuses an operation: the ceremony stops at once, and goes on when the disk is well again."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from crash_bench import Play, play
from crash_points import LOG, Point, Seen, recovered
from disk_model import Cut, lines

from runner.errors import StepFault
from runner.host.disk import LogBroken
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from hsm_emulator.disk import Operation as DeviceOperation
    from runner.host.disk import Operation

PARTS = 4

REASONS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT)


@dataclass
class BadDisk:
    """Refuses an operation on the runner's disk, once or from then on; counts what devices change after it.

    Attributes:
        at: how many operations it does first.
        once: whether it is well again right after.
        refused: the operation that it refused first.
        late: how many operations the devices did after that.
    """

    at: int
    once: bool
    count: int = 0
    refused: Operation | None = None
    late: int = 0

    def record(self, operation: Operation) -> None:
        self.count += 1
        if self.count == self.at + 1 or (self.count > self.at and not self.once):
            self.refused = self.refused or operation
            reason = REASONS[self.at % len(REASONS)]
            raise OSError(reason, os.strerror(reason))

    def device(self, _: DeviceOperation) -> None:
        self.late += self.refused is not None


def refuse(at: int, place: Path, seen: Seen, *, once: bool) -> str | None:
    """Rehearse on a bad disk, and hold what comes of it to what must be; return how it ended, None if all went well."""
    bad = BadDisk(at, once)
    here = place / "here"
    here.mkdir()
    one = Play("first", on_record=bad.record, on_device=bad.device)
    fault: StepFault | None = None
    how = "stopped"
    with pytest.MonkeyPatch.context() as patch:
        one.import_here(patch)
        try:
            how = play(here, one.ground()).ended.how
        except StepFault as stopped:
            fault = stopped
    if bad.refused is None:
        assert how == "completed"
        return None
    log = here / LOG
    acknowledged = lines(log.read_bytes()) if log.exists() else []
    cut = Cut(after=at, torn=False, tree={}, step=None)
    if how == "aborted":  # a file at a station: the step failed, and the log says so
        assert "/record.sim/" in str(bad.refused.path)
        verdict = verify(here / "record", here / "record.sim" / "trust.json", rehearsal=True)
        assert verdict.outcome is Outcome.ABORTED, verdict.sentence()
    else:
        assert fault is not None
        assert fault.rule == "RUN030"
        assert bad.late == 0  # nothing changes in a device once the record cannot be written
        assert isinstance(fault, LogBroken) or bad.refused.path != log or bad.refused.kind == "create"
        how = recovered(here, seen, Point(cut=cut, acknowledged=acknowledged))
    shutil.rmtree(here)
    return how


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("once", [True, False], ids=["once", "for ever"])
def test_a_disk_that_refuses_any_operation(place: Path, part: int, *, once: bool) -> None:
    seen, at, ends = Seen(), part, set()
    while (how := refuse(at, place, seen, once=once)) is not None:
        ends.add(how)
        at += PARTS
    assert at > 1000
    assert ends == ({"aborted"} if once else set()) | {"completed", "known", "nothing"}


def test_a_disk_that_refuses_some_operations(place: Path) -> None:
    seen = Seen()
    ends = {refuse(at, place, seen, once=bool(at % 2)) for at in range(97, 1000, 75)}
    assert {"completed"} <= ends <= {"aborted", "completed", "known"}
