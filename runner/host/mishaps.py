"""Faults brought about in a rehearsal: each at its step and attempt, once, through the seams of device and files.

The people meet them as in the room: a device that refuses fails its step, which they begin again where that is allowed;
a device that broke off leaves it uncertain, and the ceremony is resumed.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.backends.emulator.inside import as_fault, faulty
from runner.host.clock import SystemClock
from runner.host.disk import Disk
from runner.host.rehearsal import beside, rehearse, resume_rehearsal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.document.faults import WentWrong
    from runner.engine import StepDeclined, StepDone, StepFailed
    from runner.errors import Uncertain
    from runner.exchange import Acting, RoomEvent
    from runner.host.disk import Operation
    from runner.host.rehearsal import Rehearsed, Script
    from runner.host.session import Watch
    from runner.host.simulated_room import Ground
    from runner.plan import CheckedPlan, PlannedStep

_BREAKS_OFF = frozenset({"device-power", "device-full"})


class Mishaps:
    """What goes wrong in one rehearsal.

    Args:
        faults: in the order of their file.
        ground: what the rehearsal would stand on without them.
        record: the record's folder.
    """

    def __init__(self, faults: Sequence[WentWrong], ground: Ground, record: Path) -> None:
        self._faults = tuple(faults)
        inside, self._device = faulty(ground.inside, ground.wait)
        self._files = _Files(beside(record))
        disk = Disk(self._files.changes, reads=self._files.reads)
        self.ground = replace(ground, disk=disk, inside=inside, again=self._again)

    @property
    def missed(self) -> tuple[int, ...]:
        """The places of the faults that never came."""
        return tuple(number for number in range(len(self._faults)) if number not in self._came)

    def carry_out(
        self, checked: CheckedPlan, *, contents: Mapping[str, bytes], record: Path, script: Script, watch: Watch
    ) -> Rehearsed:
        """Rehearse, and resume as often as a fault made the device break off whose people go on.

        Raises:
            CeremonyError: as `rehearse` and `resume_rehearsal`.
        """
        watching = _Watching(self, watch)
        left = rehearse(self.ground, checked, contents=contents, record=record, script=script, watch=watching)
        resumed: set[int] = set()
        while left.ended.how == "uncertain" and (broken := self._broken_off() - resumed):
            resumed |= broken
            self.disarm()
            left = resume_rehearsal(replace(self.ground, clock=SystemClock()), record, watch=watching)  # a new sitting
        return left

    def arm(self, step: str, attempt: int) -> None:
        """Begin to count for a step."""
        here = {
            number: fault
            for number, fault in enumerate(self._faults)
            if (fault.at, fault.attempt) == (step, attempt) and number not in self._came
        }
        self._files.arm(here)
        device = {
            number: as_fault(
                fault.what, nth=fault.nth or 1, seconds=fault.seconds or 0, gives_up=fault.then == "give-up"
            )
            for number, fault in here.items()
        }
        self._device.arm({number: fault for number, fault in device.items() if fault is not None})

    def disarm(self) -> None:
        """Nothing goes wrong between steps."""
        self._files.arm({})
        self._device.arm({})

    @property
    def _came(self) -> frozenset[int]:
        return self._device.came | self._files.came

    def _broken_off(self) -> set[int]:
        """Return which faults came that make the device break off, and after which the people go on."""
        found = {number: self._faults[number] for number in self._came}
        return {number for number, fault in found.items() if fault.what in _BREAKS_OFF and fault.then == "go-on"}

    def _again(self, failed: StepFailed) -> bool:
        """Begin a step again that a fault made fail, unless people give up there."""
        came = [self._faults[number] for number in self._came]
        here = [fault for fault in came if (fault.at, fault.attempt) == (failed.step, failed.attempt)]
        return bool(here) and all(fault.then == "go-on" for fault in here)


class _Files:
    """The files of stations and media, which go wrong when they are written or read."""

    def __init__(self, place: Path) -> None:
        self._folders = (place / "stations", place / "media")
        self._ahead: dict[int, WentWrong] = {}
        self._writes = 0
        self._reads = 0
        self.came: frozenset[int] = frozenset()

    def arm(self, faults: Mapping[int, WentWrong]) -> None:
        self._ahead = dict(faults)
        self._writes = self._reads = 0

    def changes(self, operation: Operation) -> None:
        if operation.kind == "write" and self._is_ours(operation.path):
            self._writes += 1
            self._go_wrong("files-full", self._writes, OSError(errno.ENOSPC, "No space left on device"))

    def reads(self, path: Path) -> None:
        if self._is_ours(path):
            self._reads += 1
            self._go_wrong("files-unreadable", self._reads, OSError(errno.EIO, "Input/output error"))

    def _is_ours(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self._folders)

    def _go_wrong(self, what: str, count: int, error: OSError) -> None:
        for number, fault in self._ahead.items():
            if fault.what == what and (fault.nth or 1) == count:
                self.came |= {number}
                del self._ahead[number]
                raise error


class _Watching:
    """Tells the mishaps which step is under way, and everything to who watches."""

    def __init__(self, mishaps: Mishaps, watch: Watch) -> None:
        self._mishaps = mishaps
        self._watch = watch

    def event(self, event: RoomEvent) -> None:
        self._watch.event(event)

    def begun(self, step: PlannedStep, number: int, of: int, attempt: int) -> None:
        self._watch.begun(step, number, of, attempt)
        self._mishaps.arm(step.id, attempt)

    def people(self, people: tuple[Acting, ...]) -> None:
        self._watch.people(people)

    def done(self, mark: StepDone) -> None:
        self._mishaps.disarm()
        self._watch.done(mark)

    def failed(self, mark: StepFailed) -> None:
        self._mishaps.disarm()
        self._watch.failed(mark)

    def declined(self, mark: StepDeclined) -> None:
        self._mishaps.disarm()
        self._watch.declined(mark)

    def broke_off(self, fault: Uncertain) -> None:
        self._watch.broke_off(fault)
