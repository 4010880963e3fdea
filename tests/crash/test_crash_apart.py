"""One side restored from an older copy, so that it lost what the other built on: exactly once, or people decide.

No crash does this. Every log that ends with a request to change a device, or with its reply, meets every state that the
devices had; then all is as the log says, or it is uncertain and stays so until `resolve`, after which the record
verifies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crash_points import DEVICES, LOG, LOSSES, Point, Seen, apart, enumerate_points, fingerprint, go_on
from disk_model import Cut, lines

from runner.audit.entry import EntryType, decode_entry

if TYPE_CHECKING:
    from pathlib import Path

    from crash_bench import Traced

PARTS = 4


def meetings(traced: Traced) -> list[tuple[Point, bool]]:
    """Each log with each state of the devices; and whether the two really met."""
    points = enumerate_points((), traced.steps, LOSSES[0])
    logs: dict[int, Point] = {}
    devices: dict[str, Point] = {}
    real: set[tuple[int, str]] = set()
    for point in points:
        tree = point.cut.tree
        log = lines(tree.get(LOG))
        if not log:
            continue
        last = decode_entry(log[-1])
        if _changes(last.type, last.data):
            logs[len(log)] = point
        mark = fingerprint({name: content for name, content in tree.items() if name.startswith(DEVICES)})
        if not any("stage/" in name and content is not None for name, content in tree.items()):
            devices.setdefault(mark, point)
        real.add((len(log), mark))
    return [(_met(one, other), (size, mark) in real) for size, one in logs.items() for mark, other in devices.items()]


def _changes(kind: EntryType, data: dict[str, object]) -> bool:
    return (kind is EntryType.REQUEST and data["mutates"] is True) or (
        kind is EntryType.REPLY and data["device"] is not None
    )


def _met(one: Point, other: Point) -> Point:
    tree = apart(one.cut.tree, other.cut.tree)
    cut = Cut(after=one.cut.after, torn=False, tree=tree, step=other.cut.step)
    return Point(cut=cut, acknowledged=one.acknowledged)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_an_older_copy_on_one_side(traced: Traced, place: Path, part: int) -> None:
    seen = Seen()
    for point, really in meetings(traced)[part::PARTS]:
        end = go_on(point, place, seen, may_be_uncertain=not really)
        assert really or end != "nothing"
    assert seen.ends["resolved"] > 10
    assert seen.ends["completed"] > 2
