"""Recovery cut off at each of its own operations, and begun again: a second crash loses nothing either.

What recovery does depends little on where the ceremony stood. So of the recoveries that did the same to the same kinds
of files so far, while the same kind of thing waits, one is cut off there; and a state that was left before is not tried
again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from crash_bench import Play, recover
from crash_points import DEVICES, LOG, LOSSES, Point, Seen, enumerate_points, go_on, leading_to
from disk_model import Recorder, Step, lines

from runner.audit.entry import EntryType, decode_entry
from runner.host.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash_bench import Traced

PARTS = 4

_NAMED: Final = re.compile(r"\.[a-z-]+\.txt|[0-9a-f]{64}|[0-9]+")
"""What tells files of one kind apart: a person, a digest, a number."""


class Reached(BaseException):
    """Recovery is over: the ceremony would go on now."""


def recovering(point: Point, here: Path, *, to_the_end: bool = False) -> list[Step]:
    """What recovery from a state, made in the folder `here`, does to the disk until the ceremony goes on, or ends."""
    recorder = Recorder(here)
    recorder.sizes[LOG] = len(point.cut.tree.get(LOG) or b"")
    again = Play("second", on_record=recorder.record, on_device=recorder.device)
    again.clock.now += 1_000

    def reached(_self: Session, *_said: Any) -> None:
        recorder.settle()
        raise Reached

    point.cut.build(here)
    with pytest.MonkeyPatch.context() as patch:
        again.import_here(patch)
        if not to_the_end:
            patch.setattr(Session, "run", reached)
        with suppress(Reached):
            recover(here, again.ground())
        recorder.settle()
    shutil.rmtree(here)
    return recorder.steps


@dataclass
class Tried:
    """Which second crashes were tried: by what was left, and by what recovery had done so far or does in all."""

    marks: set[str] = field(default_factory=set)
    courses: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def anew(self, second: Point, course: str) -> bool:
        """Say whether this one was not, and count it as tried."""
        known = second.mark in self.marks or course in self.courses
        self.marks.add(second.mark)
        self.courses.add(course)
        return not known


def second_crashes(before: list[Step], first: Point, steps: list[Step], tried: Tried) -> Iterator[Point]:
    """Every state that recovery can leave when it is cut off, without those that were tried."""
    courses, whole = _courses(first, steps)
    if whole in tried.whole:
        return
    tried.whole.add(whole)
    for losses in LOSSES:
        for second in enumerate_points(before, steps, losses, torn=losses == LOSSES[0]):
            second.hold()
            if tried.anew(second, f"{losses} {second.cut.torn} {courses[second.cut.after]}"):
                yield second


def _courses(first: Point, steps: list[Step]) -> tuple[list[str], str]:
    """What recovery had done before each of its operations, without the names, and what it does in all.

    A device that finished what it was about stands where any other does that had nothing to finish: only while it is at
    it, it counts where it stands.
    """
    record = hashlib.sha256(_waits(lines(first.cut.tree.get(LOG))).encode())
    devices = hashlib.sha256()
    found: list[str] = []
    last = b""
    for step in steps:
        of_device = step.path.startswith(DEVICES)
        found.append(record.hexdigest() + (devices.hexdigest() if of_device else ""))
        words = f"{step.kind} {_NAMED.sub('*', step.path)}\n".encode()
        if words != last:  # it may be the same for each of some checkpoints, however many
            (devices if of_device else record).update(words)
        last = words
    found.append(record.hexdigest())
    return found, record.hexdigest() + devices.hexdigest()


def _waits(log: list[bytes]) -> str:
    """What the end of a log leaves open: nothing, a request, the reply of a device that changed, or the end."""
    last = decode_entry(log[-1]) if log else None
    if last is None or last.type not in (EntryType.REQUEST, EntryType.CEREMONY_CLOSED):
        return ""
    return f"{last.type} {last.data.get('mutates')}"


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_cut_off_again_at_every_operation_of_recovery(traced: Traced, place: Path, part: int) -> None:
    first = enumerate_points((), traced.steps, LOSSES[0], torn=True)
    size = -(-len(first) // PARTS)
    tried, seen = Tried(), Seen()
    for point in first[part * size : (part + 1) * size]:  # neighbours in one part: their recoveries are alike
        before, steps = leading_to(traced.steps, point), recovering(point, place / "first")
        for second in second_crashes(before, point, steps, tried):
            go_on(second, place, seen)
    assert sum(seen.ends.values()) > 50
    assert set(seen.ends) <= {"completed", "known", "nothing"}
