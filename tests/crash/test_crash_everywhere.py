"""A rehearsal cut off at every operation on any of its disks, and gone on with: everything happens exactly once.

The process dies, in the middle of a write too, or power fails: then each disk keeps what the loss says. Most losses
leave a disk that an earlier death left as well, because little is ever unsynced; such a state is recovered from once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crash_points import LOSSES, NOTHING, Point, Seen, after, enumerate_points, go_on
from disk_model import Loss, left, read

if TYPE_CHECKING:
    from pathlib import Path

    from crash_bench import Traced

PARTS = 8
"""The operations are parted into so many tests, neighbours together, so that they run side by side."""


@pytest.fixture(scope="session")
def points(traced: Traced) -> list[Point]:
    """Every different state that the rehearsal can leave."""
    found: dict[str, Point] = {}
    for losses in LOSSES:
        for point in enumerate_points((), traced.steps, losses, torn=losses == LOSSES[0]):
            point.hold()
            found.setdefault(point.mark, point)
    return sorted(found.values(), key=lambda point: point.cut.after)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_cut_off_at_every_operation(points: list[Point], place: Path, part: int) -> None:
    assert len(points) > 1000
    seen = Seen()
    size = -(-len(points) // PARTS)
    for point in points[part * size : (part + 1) * size]:
        go_on(point, place, seen)
    assert set(seen.ends) <= {"completed", "known", "nothing"}  # a crash alone leaves nothing uncertain


def test_cut_off_at_some_operations(points: list[Point], place: Path) -> None:
    seen = Seen()
    for point in points[45::60]:
        go_on(point, place, seen)
    assert seen.ends["completed"] > 10


@pytest.mark.parametrize("losses", LOSSES, ids=lambda losses: f"record {losses[0]}, devices {losses[1]}")
def test_nothing_of_a_rehearsal_that_ended_can_be_lost(traced: Traced, losses: tuple[Loss, Loss]) -> None:
    *_, last = enumerate_points((), traced.steps, losses)
    assert last.cut.tree == read(traced.place)


def test_the_model_leaves_what_the_run_left(traced: Traced) -> None:
    assert left(after(traced.steps), NOTHING) == read(traced.place)
