"""A whole rehearsal that is the same in every run: seeded draw, fixed clock, cheap PINs, the vault in this process."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "emulator"))

import pytest
from crash_memory import remember
from disk_model import Recorder, Step
from emulator_bench import CHEAP, FakeClock, SeededDraw

from hsm_emulator.disk import Disk as DeviceDisk
from hsm_emulator.region import client, importer
from hsm_emulator.region.records import REGION
from hsm_emulator.region.vault import ImportRequest, take_in
from hsm_emulator.store import Store
from runner.backends.emulator.inside import Inside
from runner.errors import Uncertain, WrongUse
from runner.host import record
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load
from runner.host.rehearsal import Rehearsed, Script, rehearse, restart_rehearsal, resume_rehearsal
from runner.host.simulated_room import Ground
from runner.host.sitting import began
from runner.parameters import Given
from runner.planning import choose, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsm_emulator.disk import Operation as DeviceOperation
    from runner.host.disk import Operation as RecordOperation
    from runner.plan import CheckedPlan

DAY = "2026-11-25"
ONCE = {"NewWorld": 1, "GenerateKey": 1, "ModifyAcls": 1, "Package": 1, "DeleteKey": 1, "ChangeMode": 2}
"""How often a whole ceremony has the module do what changes it."""


MEMORY = Path("/dev/shm")  # noqa: S108 (tests make folders of their own in it)
"""A disk in memory, where there is one: what survives a power cut is modelled, not tried."""


def make_place() -> Path:
    """Make a folder for disks that a crash left."""
    return Path(tempfile.mkdtemp(prefix="crash-", dir=MEMORY if MEMORY.is_dir() else None))


@dataclass(frozen=True)
class Traced:
    """A whole rehearsal, and every operation it did to a disk that was empty before."""

    place: Path
    steps: list[Step]


def quiet(_: object) -> None:
    return


class StillClock:
    """The log's clock: every look at it is a second later."""

    def __init__(self, boot: str) -> None:
        self.boot = hashlib.sha256(boot.encode()).hexdigest()[:16]
        self._seconds = 0

    def now(self) -> str:
        self._seconds += 1
        return f"{DAY}T{self._seconds // 3600 % 24:02d}:{self._seconds // 60 % 60:02d}:{self._seconds % 60:02d}.000000Z"

    def mono_us(self) -> int:
        return self._seconds * 1_000_000


class Watching:
    """Sees nothing."""

    def event(self, event: Any) -> None: ...
    def begun(self, step: Any, number: int, of: int, attempt: int) -> None: ...
    def people(self, people: Any) -> None: ...
    def done(self, mark: Any) -> None: ...
    def failed(self, mark: Any) -> None: ...
    def declined(self, mark: Any) -> None: ...
    def broke_off(self, fault: Any) -> None: ...


@dataclass
class Play:
    """One rehearsal's ground, whose disks tell their operations to two hooks."""

    seed: str
    on_record: Callable[[RecordOperation], None] = quiet
    on_device: Callable[[DeviceOperation], None] = quiet
    clock: FakeClock = field(default_factory=FakeClock)

    def ground(self) -> Ground:
        draw = SeededDraw(f"{self.seed} log")

        def wait(seconds: float) -> None:
            self.clock.now += seconds + 1

        return Ground(
            disk=Disk(self.on_record),
            clock=StillClock(self.seed),
            draw=draw.take,
            day=DAY,
            wait=wait,
            inside=Inside(
                draw=SeededDraw(f"{self.seed} module"),
                clock=self.clock,
                disk=DeviceDisk(self.on_device),
                scrypt_n=CHEAP,
            ),
        )

    def import_here(self, patch: pytest.MonkeyPatch) -> None:
        """Let the vault import in this process, through the traced disk; and the software stay what it is."""

        def import_key(folder: Path, package: Path, **names: Any) -> client.Imported:
            names.pop("time_out", None)
            assert (folder / REGION).is_file()
            request = ImportRequest(package=package.read_bytes(), **names)
            with Store.open(folder, DeviceDisk(self.on_device)) as store:
                receipt = take_in(store, request, SeededDraw(f"{self.seed} vault"))
            reply = json.loads(receipt.reply)
            return client.Imported(audit_size=receipt.n, audit_head=receipt.head, **reply)

        remember(patch)
        patch.setattr(client, "import_key", import_key)
        patch.setattr(client, "Disk", lambda: DeviceDisk(self.on_device))
        patch.setattr(record, "bundle_sha256", lambda _disk: "5" * 64)


assert importer.main  # the process that this stands for


def checked_plan(region: str = "eu") -> tuple[CheckedPlan, dict[str, bytes], dict[tuple[str, str], str]]:
    documents = load(Disk(), find_playbook("azure-byok"), roster=None)
    given = Given(values={}, examples=True)
    made = make_plan(documents, choose(documents, region=region, edition=None, given=given))
    assert made.checked is not None, made.findings
    return made.checked, documents.contents, documents.examples()


PLAN, CONTENTS, ANSWERS = checked_plan()


def play(place: Path, ground: Ground) -> Rehearsed:
    """Carry the whole rehearsal out in `place`."""
    return rehearse(
        ground, PLAN, contents=CONTENTS, record=place / "record", script=Script(answers=ANSWERS), watch=Watching()
    )


def trace(place: Path) -> Traced:
    """Carry the whole rehearsal out and write down every operation on its disks."""
    recorder = Recorder(place)
    with pytest.MonkeyPatch.context() as patch:
        one = Play("first", on_record=recorder.record, on_device=recorder.device)
        one.import_here(patch)
        ended = play(place, one.ground()).ended
    recorder.settle()
    assert ended.how == "completed"
    return Traced(place, recorder.steps)


def recover(place: Path, ground: Ground, *, may_decide: bool = False) -> str:
    """Go on with what a crash left in `place`, as people would; return how it ended.

    `nothing` where the simulated room was not whole yet: then nothing was begun, and it is made anew elsewhere.
    """
    folder = place / "record"
    disk = Disk()
    if began(disk, folder):
        try:
            return resume_rehearsal(ground, folder, watch=Watching(), may_decide=may_decide).ended.how
        except Uncertain:
            return "uncertain"
        except WrongUse as over:
            return "completed" if "is over: completed" in over.words else over.words
    try:
        return restart_rehearsal(ground, PLAN, contents=CONTENTS, record=folder, watch=Watching()).ended.how
    except WrongUse as unmade:
        return "nothing" if "not whole" in unmade.words else unmade.words


def receipts(place: Path, folder: str) -> dict[str, int]:
    """How often a device did what, by kind, from its own audit log."""
    found: dict[str, int] = {}
    for path in sorted((place / "record.sim" / folder / "audit").glob("*.json")):
        kind = json.loads(path.read_bytes())["kind"]
        found[kind] = found.get(kind, 0) + 1
    return found


def once(place: Path) -> bool:
    """Whether everything that changes a device happened exactly as often as the ceremony has it."""
    module = receipts(place, "devices/hsm")
    vault = receipts(place, "vault")
    return (
        all(module.get(kind, 0) == times for kind, times in ONCE.items())
        and sum(times for kind, times in vault.items() if "mport" in kind) == 1
    )
