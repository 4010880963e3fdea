"""One ceremony on two machines: the record and the medium travel, and whoever goes on compares before anything else."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from crash_bench import ANSWERS, CONTENTS, DAY, PLAN, Play, Watching
from emulator_bench import SeededDraw
from sittings_bench import PROCESSES, is_entry

from runner.audit.note import LogKey
from runner.backends.emulator.hsm import EmulatedHsm
from runner.backends.emulator.region import EmulatedVault, SimulatedPublisher, make_vault
from runner.backends.emulator.setting_up import LOCAL, make_hsm
from runner.errors import CeremonyError, EvidenceFault, PlaybookFault, StepFault, WrongUse
from runner.host import record as folder
from runner.host import simulated
from runner.host.disk import Disk
from runner.host.resumption import look_back, resume_ceremony
from runner.host.room import ScriptedRoom
from runner.host.sitting import Means, open_ceremony
from runner.host.stations import Stations
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.backends.interface import Hsm, Vault
    from runner.host.session import Ended
    from runner.verification.verdict import Verdict

SERIAL = "SIM0-0000-0001"
CAST = simulated.cast(PLAN.plan, answers=ANSWERS, absent=frozenset(), draw=SeededDraw("cast").take)
TOOLSET = "KeyVault-BYOK-Tools-Europe.zip"
ROUND = ("online", "offline", "online", "offline")
"""Where each sitting of the ceremony is."""


@dataclass(frozen=True)
class Machine:
    """One of the two, with its folders below `place`: the record's copy, the medium while it is here, what it has."""

    place: Path
    plays: str

    @property
    def record(self) -> Path:
        return self.place / "record"

    @property
    def usb(self) -> Path:
        return self.place / "usb"

    def furnish(self) -> None:
        for name in ("station", "backup-disk"):
            (self.place / name).mkdir(parents=True)
        inside = Play("furnish").ground().inside
        if self.plays == "offline":
            cards = [card.serial for card in CAST.cards]
            make_hsm(self.place / "hsm", serial=SERIAL, cards=cards, inside=inside)
        else:
            make_vault(self.place / "vault", "eu", inside)

    def sit(self, work: Callable[[Means], Ended]) -> Ended:
        """Run a sitting here."""
        ground = Play(f"process {next(PROCESSES)}").ground()
        past = look_back(Disk(), self.record) if self.record.exists() else None
        room = ScriptedRoom(
            PLAN.plan,
            answers=ANSWERS,
            absent=frozenset(),
            cards=CAST.cards,
            sign=lambda person, namespace, text: CAST.signer(person).sign(namespace, text),
            present=frozenset() if past is None else past.course.engine.present,
            again=ground.again,
            wait=ground.wait,
        )
        if past is not None:
            past.course.engine.close()
        offline = self.plays == "offline"
        stations = Stations(
            ground.disk,
            stations={self.plays: self.place / "station"},
            media={"usb": self.usb, "backup-disk": self.place / "backup-disk"},
            device_stores={"offline": self.place / "hsm" / LOCAL} if offline else {},
            publisher=SimulatedPublisher("eu"),
        )
        hsms: dict[str, Hsm] = {}
        vault: Vault | None = None
        if offline:
            hsms["hsm"] = EmulatedHsm(
                self.place / "hsm",
                device="hsm",
                serial=SERIAL,
                card_set="acs",
                files=stations,
                dialogue=room.cards,
                inside=ground.inside,
            )
        else:
            vault = EmulatedVault(self.place / "vault", stations)
        means = Means(
            disk=ground.disk,
            clock=ground.clock,
            draw=ground.draw,
            room=room,
            stations=stations,
            hsms=hsms,
            vault=vault,
            played=(self.plays,),
            environment_sha256=None,
            watch=Watching(),
        )
        try:
            return work(means)
        finally:
            for hsm in hsms.values():
                hsm.close()

    def resume(self) -> Ended:
        return self.sit(lambda means: resume_ceremony(means, self.record))

    def all(self) -> dict[str, bytes]:
        return bench.tree(self.place)


@dataclass(frozen=True)
class House:
    """Both machines, and what an auditor has: a trust file that knows the first log key and the people."""

    place: Path

    def machine(self, plays: str) -> Machine:
        return Machine(self.place / plays, plays)

    @property
    def trust(self) -> Path:
        return self.place / "trust.json"

    def begin(self) -> Ended:
        for plays in ("online", "offline"):
            self.machine(plays).furnish()
        self.machine("online").usb.mkdir()
        trust = simulated.simulated_list(PLAN.plan)
        key = LogKey.from_seed("azure-byok.rehearsal/two", bytes(32))
        self.trust.write_bytes(simulated.trust_file(PLAN, trust, key.vkey, CAST.signers()))
        software = folder.software(Disk())
        approved = simulated.approve(
            PLAN, CAST, approval="a" * 32, day=DAY, until=simulated.days_after(DAY, 30), software=software
        )
        opening = folder.Opening(
            ceremony="c" * 32,
            trust=trust,
            signers=CAST.signers(),
            approved=approved,
            environment_sha256=None,
            stations=("online",),
            rehearsal=True,
        )
        here = self.machine("online")
        return here.sit(
            lambda means: open_ceremony(means, here.record, checked=PLAN, sources=CONTENTS, opening=opening, key=key)
        )

    def carry(self, to: str) -> Machine:
        """Take the medium and a copy of the record to a machine."""
        there = self.machine(to)
        here = self.machine("online" if to == "offline" else "offline")
        if there.record.exists():
            shutil.rmtree(there.record)
        shutil.copytree(here.record, there.record)
        shutil.move(here.usb, there.usb)
        return there

    def copy(self, place: Path) -> House:
        shutil.copytree(self.place, place)
        return House(place)

    def verdict(self, at: str, registry: Path | None = None) -> Verdict:
        return verify(self.machine(at).record, self.trust, rehearsal=True, registry=registry)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[House]]:
    """The house after each sitting, in the order of `ROUND`; nobody may change them."""
    house = House(tmp_path_factory.mktemp("house") / "0")
    house.place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        found = [house]
        assert house.begin().to == "offline"
        for number, at in enumerate(ROUND[1:], 1):
            house = house.copy(house.place.with_name(str(number)))
            ended = house.carry(at).resume()
            assert (ended.how, ended.to) == (
                ("completed", None) if number == len(ROUND) - 1 else ("handed over", ROUND[number + 1])
            )
            found.append(house)
    before = [bench.tree(one.place) for one in found]
    yield found
    assert [bench.tree(one.place) for one in found] == before


def test_a_ceremony_goes_to_and_fro_and_is_valid(stages: list[House]) -> None:
    verdict = stages[-1].verdict("offline")
    assert verdict.outcome is Outcome.VALID, verdict.findings
    places = [note for note in verdict.notes if note.startswith("sitting")]
    assert [note.split(" from ")[0] for note in places] == [
        "sitting 1 at offline",
        "sitting 2 at online",
        "sitting 3 at offline",
    ]
    assert all(note.endswith("the one before handed over") for note in places)
    left = bench.Left(record=stages[-1].machine("offline").record, code=0, out="", err="")
    begun = [entry.data["stations"] for entry in left.entries() if "stations" in entry.data]
    assert begun == [[at] for at in ROUND]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_part_is_closed_by_those_who_were_there(stages: list[House], number: int) -> None:
    """Nothing in it is wrong; it is open, and everybody who was in the room signed."""
    house, at = stages[number], ROUND[number]
    verdict = house.verdict(at)
    assert verdict.outcome is Outcome.OPEN, verdict.findings
    assert {finding.rule for finding in verdict.findings} == {"LOG060"}
    left = bench.Left(record=house.machine(at).record, code=0, out="", err="")
    entries = left.entries()
    place = max(entry.seq for entry in entries if entry.type.value == "station.handed_over")
    assert sittings.types(entries, place) == ["station.handed_over", "checkpoint", "attested"]
    signed = [(entry.data["person"], entry.data["how"]) for entry in entries if entry.data.get("about") == "handover"]
    assert signed[-5:] == [(person, "signed") for person in ("deniz", "emeka", "freya", "goran", "hana")]
    assert (left.record / "SHA256SUMS").exists()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_wrong_machine_does_not_go_on(stages: list[House], number: int, tmp_path: Path) -> None:
    house = stages[number].copy(tmp_path / "house")
    here = house.machine(ROUND[number])
    before = here.all()
    with pytest.raises(WrongUse, match=f"is at {ROUND[number + 1]}, which this machine does not play"):
        here.resume()
    assert here.all() == before


def test_what_is_over_is_over_on_both(stages: list[House], tmp_path: Path) -> None:
    house = stages[-1].copy(tmp_path / "house")
    with pytest.raises(WrongUse, match="is over"):
        house.machine("offline").resume()
    with pytest.raises(WrongUse, match="is over"):
        house.carry("online").resume()


def refused(here: Machine, error: type[CeremonyError], rule: str) -> None:
    before = here.all()
    with pytest.raises(error) as fault:
        here.resume()
    assert fault.value.rule == rule
    assert here.all() == before


@pytest.mark.parametrize("number", [0, 2])
def test_a_file_that_changed_on_the_medium_is_refused(stages: list[House], number: int, tmp_path: Path) -> None:
    """The toolset on its way in, and the package on its way back; as it was, it goes on."""
    house = stages[max(number - 1, 0)].copy(tmp_path / "house")
    there = house.carry(ROUND[number + 1] if number == 0 else "online")
    (file,) = [path for path in there.usb.iterdir() if (path.name == TOOLSET) is (number == 0)]
    content = file.read_bytes()
    for changed in (bench.flip(content, len(content) // 2), content[:-1], b""):
        file.write_bytes(changed)
        refused(there, StepFault, "RUN021")
    file.unlink()
    refused(there, StepFault, "RUN021")
    file.write_bytes(content)
    assert there.resume().how == "handed over"


def test_a_record_that_changed_on_the_way_is_refused(stages: list[House], tmp_path: Path) -> None:
    house = stages[0].copy(tmp_path / "house")
    there = house.carry("offline")
    log = there.record / "log.jsonl"
    content = log.read_bytes()
    lines = content.splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:12], *lines[13:]]))
    before = there.all()
    with pytest.raises(EvidenceFault):
        there.resume()
    assert there.all() == before
    log.write_bytes(content)
    statement = max((there.record / "statements").glob("*.txt"))
    kept = statement.read_bytes()
    statement.write_bytes(kept.replace(b"handed over", b"handed 0ver"))
    refused(there, EvidenceFault, "LOG073")
    statement.write_bytes(kept)
    assert there.resume().how == "handed over"


def test_a_hand_over_that_broke_off_goes_on_at_the_other_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "house")
    house.place.mkdir()
    sittings.killed(monkeypatch, house.begin, after=is_entry("station.handed_over"))
    assert house.verdict("online").outcome in (Outcome.OPEN, Outcome.INCOMPLETE)
    there = house.carry("offline")
    assert there.resume().how == "handed over"
    house.carry("online").resume()
    house.carry("offline").resume()
    verdict = house.verdict("offline")
    assert verdict.outcome is Outcome.VALID, verdict.findings


def test_a_step_that_is_not_written_down_as_done_is_finished_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is missing of the last step here is that it is done: the next one is elsewhere, and is not due yet."""
    house = House(tmp_path / "house")
    house.place.mkdir()
    sittings.killed(monkeypatch, house.begin, before=is_entry("step.done", step="carry-in"), after=sittings.never)
    other = house.copy(tmp_path / "other")
    there = other.carry("offline")
    before = there.all()
    with pytest.raises(WrongUse, match="carry-in, is at online"):
        there.resume()
    assert there.all() == before
    assert house.machine("online").resume().how == "handed over"
    assert house.carry("offline").resume().how == "handed over"
    house.carry("online").resume()
    house.carry("offline").resume()
    verdict = house.verdict("offline")
    assert verdict.outcome is Outcome.VALID, verdict.findings


# -- continued in two places -------------------------------------------------------------------------------------------


def registry(path: Path, record: Path) -> Path:
    """What an auditor notes who sees a record: each of its checkpoints."""
    seen = []
    for note in sorted((record / "checkpoints").iterdir()):
        origin, size, root = note.read_text(encoding="utf-8").splitlines()[:3]
        seen.append({"origin": origin, "size": int(size), "root": root})
    path.write_text(json.dumps({"format": "registry/1", "checkpoints": seen, "approvals": []}))
    return path


def test_a_fork_is_found_by_whoever_saw_the_other_copy(stages: list[House], tmp_path: Path) -> None:
    """Each of the two verifies alone; nothing within either tells of the other."""
    one, two = stages[2].copy(tmp_path / "one"), stages[2].copy(tmp_path / "two")
    for house in (one, two):
        assert house.carry("offline").resume().how == "completed"
        alone = house.verdict("offline")
        assert alone.outcome is Outcome.VALID
        assert any(note.startswith("no registry: ") and "one that went on otherwise" in note for note in alone.notes)
    mine = registry(tmp_path / "one.json", one.machine("offline").record)
    theirs = registry(tmp_path / "two.json", two.machine("offline").record)
    before = registry(tmp_path / "before.json", stages[2].machine("online").record)
    for house, fits, other in ((one, mine, theirs), (two, theirs, mine)):
        assert house.verdict("offline", fits).outcome is Outcome.VALID
        assert house.verdict("offline", before).outcome is Outcome.VALID
        verdict = house.verdict("offline", other)
        assert verdict.outcome is Outcome.TAMPERED
        assert {finding.rule for finding in verdict.findings} == {"LOG095"}
        words = " are not those seen before: it went on in two ways"
        assert all(finding.words.endswith(words) for finding in verdict.findings)


def test_an_older_copy_is_found_by_whoever_saw_the_newer(stages: list[House], tmp_path: Path) -> None:
    seen = registry(tmp_path / "seen.json", stages[2].machine("online").record)
    older = stages[1].verdict("offline", seen)
    assert older.outcome is Outcome.TAMPERED
    found = [finding for finding in older.findings if finding.rule == "LOG095"]
    assert all(finding.words.endswith(" were seen before: this is an older copy") for finding in found)
    assert found[0].line() in older.sentence()


def test_an_older_copy_does_not_go_on_with_the_newer_device(stages: list[House], tmp_path: Path) -> None:
    """The record as it was first handed over, brought to the offline machine a second time: its device is not new."""
    house = stages[2].copy(tmp_path / "house")
    there = house.carry("offline")
    shutil.rmtree(there.record)
    shutil.copytree(stages[0].machine("online").record, there.record)
    refused(there, PlaybookFault, "SIT005")
