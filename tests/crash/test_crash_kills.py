"""Real processes that really die: what they leave is what the model says, and recovery does as well from it."""

from __future__ import annotations

import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
from crash_bench import Play, play
from crash_points import Seen, killed_before, recovered
from disk_model import Recorder, read

if TYPE_CHECKING:
    from pathlib import Path

    from crash_bench import Traced

KILLS = 30
SEED = 20_261_125


class Countdown:
    """Kills the process just before an operation on any of its disks."""

    def __init__(self, operations: int) -> None:
        self._left = operations

    def __call__(self, _: object) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def die(place: Path, number: int) -> int:
    """Let a process of its own rehearse until it is killed after so many operations; return its wait status."""
    child = os.fork()
    if child == 0:
        try:
            countdown = Countdown(number)
            one = Play("first", on_record=countdown, on_device=countdown)
            with pytest.MonkeyPatch.context() as patch:
                one.import_here(patch)
                play(place, one.ground())
        finally:
            os._exit(1)  # it should have been killed
    return os.waitpid(child, 0)[1]


def operations(place: Path) -> list[int]:
    """How many steps of the model come before each operation."""
    recorder = Recorder(place)
    before: list[int] = []

    def announced(tell: Any, operation: Any) -> None:
        recorder.settle()
        before.append(len(recorder.steps))
        tell(operation)

    one = Play(
        "first",
        on_record=lambda operation: announced(recorder.record, operation),
        on_device=lambda operation: announced(recorder.device, operation),
    )
    with pytest.MonkeyPatch.context() as patch:
        one.import_here(patch)
        play(place, one.ground())
    return before


@pytest.mark.long
def test_thirty_processes_are_killed(traced: Traced, place: Path) -> None:
    (place / "counted").mkdir()
    before = operations(place / "counted")
    seen = Seen()
    chosen = random.Random(SEED).sample(range(len(before)), KILLS)  # noqa: S311 (the same in every run)
    for number in sorted(chosen):
        here = place / str(number)
        here.mkdir()
        status = die(here, number)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL
        point = killed_before(traced.steps, before[number])
        assert read(here) == point.cut.tree
        end = recovered(here, seen, point)
        seen.ends[end] = seen.ends.get(end, 0) + 1
    assert sum(seen.ends.values()) == KILLS
    assert seen.ends["completed"] > KILLS // 2
