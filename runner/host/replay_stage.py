"""One scripted ceremony carried out on the emulator in a folder of its own, as far as it goes; SIMULATED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from runner.actions.interface import brought
from runner.audit.entry import EntryType, decode_entry
from runner.backends.emulator.inside import Inside
from runner.backends.emulator.setting_up import LOCAL
from runner.document.control_rules import too_late
from runner.document.findings import Finding, Severity
from runner.errors import CeremonyError, ControlFault, Exit, PlaybookFault
from runner.host.clock import DeviceClock, today
from runner.host.earlier_records import RecordAt, read_records
from runner.host.past import whole_lines
from runner.host.rehearsal import Script, beside, rehearse
from runner.host.replay_faults import slip_of
from runner.host.replay_record import Different, replay_record
from runner.host.simulated_room import Ground
from runner.parameters import Given
from runner.planning import choose, make_plan
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from runner.actions.interface import FileFact
    from runner.document.replay import Fault, PlanFor
    from runner.engine import StepDeclined, StepDone, StepFailed
    from runner.errors import Uncertain
    from runner.exchange import Acting, RoomEvent
    from runner.host.disk import Disk
    from runner.host.rehearsal import Rehearsed
    from runner.host.session import Ended
    from runner.plan import CheckedPlan, PlannedStep
    from runner.planning import Documents
    from runner.values import Value

CHEAP: Final = 1 << 4
"""The scrypt cost of a PIN on a simulated card here: it guards nothing, and the real one takes half a second a card."""

DECLINED: Final = "RUN040"
"""A person declined."""


class Scene(Struct, frozen=True, kw_only=True):
    """What is tried: a playbook, what its plan is made for, what people answer, who stays away, what gets damaged.

    `folder` is the playbook's, with the files that are brought; `earlier` are carried out first, and leave the earlier
    records of these names.
    """

    documents: Documents
    folder: Path
    plan: PlanFor
    answers: Mapping[tuple[str, str], str]
    absent: frozenset[str] = frozenset()
    fault: Fault | None = None
    earlier: Mapping[str, Scene] = field(default_factory=dict)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why it went no further: the rule, the step it is about (None: about none), and words."""

    rule: str
    step: str | None
    words: str


class Came(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        exit: the exit code of `ceremony rehearse`.
        refusals: why it was not carried out, empty where it was.
        findings: the refusals that have a place in a file.
        results: of every step that is done, by step and name.
        made: whether a device was asked to change something, or a file was made outside the record.
        unsound: what is wrong with the record of a ceremony that was carried out.
        missed: the fault's artefact was not there to be damaged.
    """

    exit: int
    refusals: tuple[Refusal, ...] = ()
    findings: tuple[Finding, ...] = ()
    results: Mapping[tuple[str, str], Value] = field(default_factory=dict)
    made: bool = False
    unsound: tuple[str, ...] = ()
    missed: bool = False


def perform(disk: Disk, scene: Scene, place: Path) -> Came:
    """Lint, plan, rehearse, verify and replay; stop at the first of them that refuses.

    Args:
        disk: the only way to files.
        scene: what is tried.
        place: an empty folder; the record is made in it.
    """
    documents = scene.documents
    if (refused := _refused(documents.findings(), _steps(documents))) is not None:
        return refused
    try:
        if late := too_late(documents.written, today()):
            raise ControlFault(late[1], rule=late[0])
        if documents.roster is None:
            raise PlaybookFault("a rehearsal needs people: give a roster", rule="QUO004")
        given = Given(values=scene.plan.params, examples=True)
        left_before = _left_before(disk, scene, place)
        earlier = read_records(disk, documents.written, left_before)
        choice = choose(documents, region=scene.plan.region, edition=scene.plan.edition, given=given, records=earlier)
    except CeremonyError as fault:
        return _raised(fault)
    made = make_plan(documents, choice, absent=scene.absent)
    if made.checked is None:
        found = _refused(made.findings, _steps(documents))
        return found or Came(exit=Exit.REFUSED)
    return _rehearse(disk, scene, made.checked, place / "record", left_before)


def _left_before(disk: Disk, scene: Scene, place: Path) -> dict[str, RecordAt]:
    """Carry out the ceremonies whose records this one takes values from; one that leaves several is carried out once.

    Raises:
        PlaybookFault: LOG020, one was refused: that is no refusal of the ceremony that is tried.
    """
    left: dict[str, RecordAt] = {}
    done: list[tuple[Scene, RecordAt]] = []
    for name, before in scene.earlier.items():
        if (same := next((at for other, at in done if other is before), None)) is not None:
            left[name] = same
            continue
        room = place / f"{name}.earlier"
        disk.mkdir(room)
        came = perform(disk, before, room)
        if came.refusals:
            first = came.refusals[0]
            words = f"`{name}` was not carried out: {first.rule} {first.words}"
            raise PlaybookFault(words, rule="LOG020")
        left[name] = RecordAt(folder=room / "record", trust=None)
        done.append((before, left[name]))
    return left


def _rehearse(
    disk: Disk, scene: Scene, checked: CheckedPlan, record: Path, left_before: Mapping[str, RecordAt]
) -> Came:
    watch = _Watch(disk, checked, beside(record), scene.fault)
    script = Script(
        answers={**scene.documents.examples(), **scene.answers},
        absent=scene.absent,
        bring=scene.folder,
        earlier=tuple(room.folder for room in left_before.values()),
        slip=None if scene.fault is None else slip_of(scene.fault),
    )
    clock = DeviceClock()
    ground = Ground(disk=disk, inside=Inside(scrypt_n=CHEAP, clock=clock.now), wait=clock.wait)
    try:
        left = rehearse(ground, checked, contents=scene.documents.contents, record=record, script=script, watch=watch)
    except CeremonyError as fault:
        return _raised(fault, made=_made(disk, record))
    done = left.ended.how == "completed"
    return Came(
        exit=exit_of(left.ended),
        refusals=() if done else (watch.refusal or Refusal(rule=left.ended.rule or "", step=None, words="it ended"),),
        results=watch.results,
        made=_made(disk, record),
        unsound=_unsound(disk, left) if done else (),
        missed=watch.missed,
    )


def exit_of(ended: Ended) -> Exit | int:
    """Return the exit code of a command whose sitting ended so, the verdict on its record aside."""
    match ended.how:
        case "completed":
            return Exit.DONE
        case "handed over":
            return Exit.HANDED_OVER
        case "suspended":
            return Exit.SIGNAL + 2
        case "uncertain":
            return Exit.UNCERTAIN
        case _:
            pass
    rule = ended.rule or ""
    if rule.startswith("QUO"):
        return Exit.CONTROL
    return Exit.STOPPED if rule in {DECLINED, "RUN043"} else Exit.STEP_FAILED


def _unsound(disk: Disk, left: Rehearsed) -> tuple[str, ...]:
    """Return what the verifier and the replay find in the record of a ceremony that was carried out."""
    verdict = verify(left.record, left.trust, rehearsal=True)
    if verdict.outcome is not Outcome.VALID:
        return (verdict.sentence(), *(finding.line() for finding in verdict.findings))
    replayed = replay_record(disk, left.record)
    return (f"{replayed.rule}: {replayed.words}",) if isinstance(replayed, Different) else ()


def _steps(documents: Documents) -> frozenset[str]:
    """Return the ids of the steps as they are written, whether or not the playbook is sound."""
    data = documents.playbook.source.data
    lines = data.get("steps") if isinstance(data, dict) else None
    ids = (line.get("id") for line in lines or () if isinstance(line, dict)) if isinstance(lines, list) else ()
    return frozenset(one for one in ids if isinstance(one, str))


def _refused(findings: tuple[Finding, ...], steps: Collection[str]) -> Came | None:
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if not errors:
        return None
    refusals = tuple(
        Refusal(rule=one.code, step=step, words=one.message)
        for one in errors
        for step in (_step_of(one, steps), *one.also)
    )
    return Came(exit=Exit.REFUSED, refusals=refusals, findings=errors)


def _step_of(finding: Finding, steps: Collection[str]) -> str | None:
    words = finding.path.split(" > ")
    return words[1] if words[0] == "steps" and len(words) > 1 and words[1] in steps else None


def _raised(fault: CeremonyError, *, made: bool = False) -> Came:
    return Came(exit=fault.exit_code, refusals=(Refusal(rule=fault.rule, step=None, words=fault.words),), made=made)


def _made(disk: Disk, record: Path) -> bool:
    """Say whether a log holds a request that changes a device, or a step that made a file."""
    log = record / "log.jsonl"
    entries = [decode_entry(line) for line in whole_lines(disk.read(log))] if disk.exists(log) else []
    return any(
        (entry.type is EntryType.REQUEST and entry.data["mutates"])
        or (entry.type is EntryType.STEP_DONE and bool(entry.data["made"]))
        for entry in entries
    )


class _Watch:
    """Sees the rehearsal go by, keeps its results, and does the damage when its step begins."""

    def __init__(self, disk: Disk, checked: CheckedPlan, room: Path, fault: Fault | None) -> None:
        self._disk = disk
        self._devices = {device.at: device.id for device in checked.plan.devices}
        self._room = room
        self._fault = fault
        self._facts = brought(checked.plan)
        self.results: dict[tuple[str, str], Any] = {}
        self.refusal: Refusal | None = None
        self.missed = False

    def event(self, event: RoomEvent) -> None:
        """Nothing is kept of it."""

    def begun(self, step: PlannedStep, number: int, of: int, attempt: int) -> None:  # noqa: ARG002 (the protocol's)
        """Damage the artefact where this is the step."""
        fault = self._fault
        if fault is not None and fault.damage is not None and step.id == fault.at:
            self._damage(self._facts.get(fault.damage))

    def _damage(self, fact: FileFact | None) -> None:
        if fact is None:
            self.missed = True
            return
        folder = self._room / "stations" / fact.at
        if fact.store == "device":
            folder = self._room / "devices" / self._devices[fact.at] / LOCAL
        path = folder / fact.file
        content = self._disk.read(path)
        middle = len(content) // 2
        self._disk.remove(path)
        self._disk.write_new(path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    def people(self, people: tuple[Acting, ...]) -> None:
        """Nothing is kept of them."""

    def done(self, mark: StepDone) -> None:
        """Keep results and files."""
        self.results.update({(mark.step, name): value for name, value in mark.results})
        self._facts.update(mark.seen)

    def failed(self, mark: StepFailed) -> None:
        """Keep why."""
        self.refusal = Refusal(rule=mark.rule, step=mark.step, words=mark.words)

    def declined(self, mark: StepDeclined) -> None:
        """Keep why."""
        self.refusal = Refusal(rule=DECLINED, step=mark.step, words=f"{mark.person} declined: {mark.reason}")

    def broke_off(self, fault: Uncertain) -> None:
        """Nothing to keep: the sitting's end says it."""
