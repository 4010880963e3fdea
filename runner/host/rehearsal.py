"""A rehearsal: the same path as a real run, on the emulator, with scripted people. Everything it makes is SIMULATED.

Beside the record lies `RECORD.sim/` (0700, never part of a record): the device, the vault, the stations' and media's
folders, the people's PINs, the environment, and the trust file an auditor would bring.

The module is longer than others because it sets up everything that a room has.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner import canonical
from runner.audit.note import LogKey
from runner.backends import emulator
from runner.backends.interface import Secret
from runner.codec import to_data
from runner.errors import Defect, PlaybookFault, WrongUse
from runner.host import record as folder
from runner.host.logbook import Logbook
from runner.host.room import ScriptedRoom, SimulatedCard
from runner.host.session import Session
from runner.host.stations import Stations
from runner.plan import TrustList, trust_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.backends.interface import DeviceReport, Hsm, Vault
    from runner.engine import Finished, StepDone, StepFailed
    from runner.exchange import Acting, RoomEvent
    from runner.host.clock import Clock
    from runner.host.disk import Disk
    from runner.host.session import Watch
    from runner.plan import CheckedPlan, Plan, PlannedStep

SPACE: Final = 64_000_000
"""Bytes a rehearsal may need on the disk: a toolset of 16 MB on two stations and a medium, and the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the people of a rehearsal do beyond agreeing: answers by step and name, and who does not come."""

    answers: Mapping[tuple[str, str], str]
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal left behind. `failed` is the step that failed, `packages` the files in `transfer/`."""

    record: Path
    trust: Path
    finished: Finished
    failed: StepFailed | None
    packages: tuple[Path, ...]


def simulated_list(plan: Plan) -> TrustList:
    """Return the fixed simulated list for a plan: every entry of the plan's, each with the simulated value.

    Raises:
        PlaybookFault: SEC001, the emulator has no value for an entry, or does not simulate the region.
    """
    if not plan.trust:
        return trust_list("simulated", {})
    if plan.region is None or not emulator.has_region(plan.region):
        raise PlaybookFault(f"the emulator does not simulate the region {plan.region}", rule="SEC001")
    values = emulator.simulated_trust(plan.region)
    names = {item.name for item in plan.trust}
    if missing := sorted(names - values.keys()):
        raise PlaybookFault(f"there is no simulated value for {', '.join(missing)}", rule="SEC001")
    return trust_list("simulated", {name: values[name] for name in names})


def beside(record: Path) -> Path:
    """Return the folder of the simulated room beside a record."""
    return record.with_name(record.name + ".sim")


def require_room(disk: Disk, record: Path) -> None:
    """Find out, before anything is made, that a rehearsal can leave its record there.

    Raises:
        WrongUse: there is no such folder, it cannot be written (RUN030), or has too little room (RUN030).
        PlaybookFault: ART009, the record or the simulated room is there already.
    """
    parent = record.absolute().parent
    if not parent.is_dir():
        raise WrongUse(f"there is no folder {parent} to put the record in")
    for path in (record, beside(record)):
        if disk.exists(path):
            raise PlaybookFault(f"{path} is there already, and nothing is ever overwritten", rule="ART009")
    disk.require_writable(parent)
    if (free := disk.free_space(parent)) < SPACE:
        raise WrongUse(f"a rehearsal may need {SPACE} bytes and {parent} has {free} left", rule="RUN030")


def rehearse(
    disk: Disk,
    checked: CheckedPlan,
    *,
    contents: Mapping[str, bytes],
    record: Path,
    script: Script,
    clock: Clock,
    watch: Watch,
) -> Rehearsed:
    """Carry out a plan on the emulator with scripted people, and leave a sealed record.

    Raises:
        PlaybookFault: it cannot start (ART009, SEC001, SIT005, DEV002); nothing was made but the simulated room.
        StepFault: the record could not be written; what is there is consistent.
    """
    plan = checked.plan
    require_room(disk, record)
    trust = simulated_list(plan)
    if not plan.people:
        raise PlaybookFault("the plan has no people: give a roster", rule="QUO004")
    room = _SimulatedRoom(disk, plan, beside(record), script)
    try:
        return _carry_out(disk, checked, trust, room, contents=contents, record=record, clock=clock, watch=watch)
    finally:
        room.close()


def _carry_out(
    disk: Disk,
    checked: CheckedPlan,
    trust: TrustList,
    room: _SimulatedRoom,
    *,
    contents: Mapping[str, bytes],
    record: Path,
    clock: Clock,
    watch: Watch,
) -> Rehearsed:
    ceremony = secrets.token_hex(16)
    key = LogKey.from_seed(f"{checked.plan.ceremony.id}.rehearsal/{ceremony}", secrets.token_bytes(32))
    disk.write_new(room.trust_file, _trust_file(checked, trust, key), same_ok=False)
    keeper = _Keeper(watch, disk, checked.plan, room, record)
    folder.begin(disk, record, checked=checked, sources=contents, key=key)
    logbook = Logbook(disk, record, key, clock)
    session = Session(
        checked,
        trust,
        logbook=logbook,
        room=room.people,
        stations=room.stations,
        hsms=room.hsms,
        vault=room.vault,
        watch=keeper,
    )
    try:
        devices = session.reports()
        require_start(checked.plan, devices)
        logbook.append(
            folder.opening(
                disk,
                ceremony=ceremony,
                checked=checked,
                trust=trust,
                key=key,
                environment_sha256=room.environment_sha256,
                devices=devices,
                rehearsal=True,
            )
        )
        logbook.checkpoint()
        finished = session.run()
    finally:
        logbook.close()
    folder.finish(disk, record)
    return Rehearsed(
        record=record,
        trust=room.trust_file,
        finished=finished,
        failed=keeper.failure,
        packages=tuple(record / "transfer" / name for name in disk.list(record / "transfer")),
    )


def require_start(plan: Plan, devices: tuple[DeviceReport, ...]) -> None:
    """SIT005: look, changing nothing, that every device is as the plan says it starts.

    Raises:
        PlaybookFault: it is not.
    """
    found = {report.id: report.inventory for report in devices}
    for start in plan.starts_with:
        if start.subject != "device":
            continue
        now = found[start.id]
        if start.mode is not None and now.mode != start.mode:
            words = f"`{start.id}` is in {now.mode} mode and the plan starts in {start.mode}"
            raise PlaybookFault(words, rule="SIT005")
        if start.world == "none" and now.world:
            raise PlaybookFault(f"`{start.id}` holds a Security World and the plan starts without", rule="SIT005")


def _trust_file(checked: CheckedPlan, trust: TrustList, key: LogKey) -> bytes:
    return canonical.encode(
        {
            "format": "trust/1",
            "origin": key.origin,
            "log_keys": [key.vkey],
            "plan_sha256": checked.sha256,
            "trust_lists": [{"list": trust.list, "values": to_data(trust.values)}],
        }
    )


class _SimulatedRoom:
    """Everything of a rehearsal that is not its record, in one folder."""

    def __init__(self, disk: Disk, plan: Plan, place: Path, script: Script) -> None:
        self._disk = disk
        self._plan = plan
        self._place = place
        self._open: list[emulator.EmulatedHsm] = []
        cards = _cards(plan)
        if any(_asks_vault(step) for step in plan.active_steps()) and not emulator.has_region(plan.region):
            raise PlaybookFault(f"the emulator has no vault for the region {plan.region}", rule="DEV002")
        disk.mkdir(place, private=True)
        disk.write_new(place / "people.json", _people_file(cards))  # first: of two that begin at once only one can
        for kind, names in (("stations", plan.stations), ("media", plan.media), ("devices", plan.devices)):
            for item in names:
                disk.mkdir(place / kind / item.id, private=True)
        self.people = ScriptedRoom(plan, answers=script.answers, absent=script.absent, cards=cards)
        self.stations = Stations(
            disk,
            stations={item.id: place / "stations" / item.id for item in plan.stations},
            media={item.id: place / "media" / item.id for item in plan.media},
            device_stores={item.at: place / "devices" / item.id / emulator.LOCAL for item in plan.devices},
            publisher=emulator.SimulatedPublisher(plan.region),
        )
        self.hsms: dict[str, Hsm] = {}
        for number, device in enumerate(plan.devices, 1):
            self._make_device(device.id, f"SIM0-0000-{number:04d}", cards)
        self.vault = self._make_vault()
        environment = canonical.encode(self._environment())
        disk.write_new(place / "environment.json", environment)
        self.environment_sha256 = canonical.file_digest(environment)
        self.trust_file = place / "trust.json"

    def close(self) -> None:
        """Close the devices."""
        for hsm in self._open:
            hsm.close()

    def _make_device(self, device: str, serial: str, cards: tuple[SimulatedCard, ...]) -> None:
        place = self._place / "devices" / device
        emulator.make_hsm(place, serial=serial, cards=[card.serial for card in cards])
        sets = [item.id for item in self._plan.card_sets if item.kind == "administrator"]
        hsm = emulator.EmulatedHsm(
            place,
            device=device,
            serial=serial,
            card_set=sets[0] if sets else None,
            files=self.stations,
            dialogue=self.people.cards,
        )
        self._open.append(hsm)
        self.hsms[device] = hsm

    def _make_vault(self) -> Vault | None:
        if self._plan.region is None or not any(_asks_vault(step) for step in self._plan.active_steps()):
            return None
        emulator.make_vault(self._place / "vault", self._plan.region)
        return emulator.EmulatedVault(self._place / "vault", self.stations)

    def _environment(self) -> dict[str, Any]:
        return {
            "format": "environment/1",
            "id": "rehearsal",
            "stations": [item.id for item in self._plan.stations],
            "devices": [
                {"id": item.id, "backend": emulator.NAME, "serial": f"SIM0-0000-{number:04d}"}
                for number, item in enumerate(self._plan.devices, 1)
            ],
            "media": [item.id for item in self._plan.media],
        }


def _asks_vault(step: PlannedStep) -> bool:
    return step.action_name in {"import_key", "read_vault_key"}


def _cards(plan: Plan) -> tuple[SimulatedCard, ...]:
    """Return a blank card with a random PIN for every card that a person of the plan holds."""
    held = sorted((one.set, one.number, person.id) for person in plan.people for one in person.cards)
    return tuple(
        SimulatedCard(
            set=card_set,
            number=number,
            person=person,
            serial=f"SIM-CARD-{index:04d}",
            pin=Secret(f"{secrets.randbelow(10**8):08d}"),
        )
        for index, (card_set, number, person) in enumerate(held, 1)
    )


def _people_file(cards: tuple[SimulatedCard, ...]) -> bytes:
    return canonical.encode(
        {
            "notice": "SIMULATED people of a rehearsal; these PINs open simulated cards only",
            "cards": [
                {
                    "person": card.person,
                    "set": card.set,
                    "number": card.number,
                    "serial": card.serial,
                    "pin": card.pin.reveal(),
                }
                for card in cards
            ],
        }
    )


class _Keeper:
    """Passes on what happens, and puts a transfer package into the record as soon as it is made."""

    def __init__(self, watch: Watch, disk: Disk, plan: Plan, room: _SimulatedRoom, record: Path) -> None:
        self._watch = watch
        self._disk = disk
        self._plan = plan
        self._room = room
        self._record = record
        self.failure: StepFailed | None = None

    def event(self, event: RoomEvent) -> None:
        self._watch.event(event)

    def begun(self, step: PlannedStep, number: int, of: int) -> None:
        self._watch.begun(step, number, of)

    def people(self, people: tuple[Acting, ...]) -> None:
        self._watch.people(people)

    def failed(self, mark: StepFailed) -> None:
        self.failure = mark
        self._watch.failed(mark)

    def done(self, mark: StepDone) -> None:
        for artefact, fact in mark.seen:
            if self._plan.artefact(artefact).transfer:
                source = self._room.stations.path(fact.at, fact.file)
                facts = self._disk.copy_new(source, self._record / "transfer" / fact.file, same_ok=True)
                if (facts.size, facts.sha256) != (fact.size, fact.sha256):
                    raise Defect(f"{fact.file} changed between its step and the record")
        self._watch.done(mark)
