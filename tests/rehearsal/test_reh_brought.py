"""Files that exist before the ceremony: looked at before anything changes, at the start and wherever it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from sittings_bench import Broken, is_entry

from runner.cli.main import main
from runner.errors import Exit, PlaybookFault
from runner.exchange import FileArrived, FilesRefused, LookAtFile
from runner.host.disk import Disk
from runner.host.sitting import require_brought
from runner.host.stations import Stations
from runner.plan import parse_plan
from runner.verification.verdict import Outcome

VECTORS = Path(__file__).parents[1] / "vectors" / "grammar"
REQUEST = (VECTORS / "request.csr").read_bytes()


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    for kind in ("ceremony", "roster"):
        shutil.copy(VECTORS / f"brought.{kind}.yaml", tmp_path)
    return tmp_path / "brought.ceremony.yaml"


def test_a_rehearsal_takes_the_files_from_a_folder(playbook: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bring"
    folder.mkdir()
    arguments = ["rehearse", str(playbook), "--bring", str(folder), "--out", str(tmp_path / "record")]
    before = bench.tree(tmp_path)
    for content in (None, REQUEST[:-1], bench.flip(REQUEST, 3)):
        if content is not None:
            (folder / "request.csr").write_bytes(content)
            before = bench.tree(tmp_path)
        code, _, err = bench.say(*arguments)
        assert (code, "ART010" in err) == (Exit.REFUSED, True)
        assert bench.tree(tmp_path) == before
    (folder / "request.csr").write_bytes(REQUEST)
    assert main(arguments) == 0


def test_whoever_goes_on_looks_again(playbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(VECTORS / "request.csr", tmp_path)
    record = tmp_path / "record"
    arguments = ["rehearse", str(playbook), "--out", str(record)]
    sittings.killed(monkeypatch, lambda: main(arguments), after=is_entry("request", kind="gather_people"))
    broken = Broken(record=record)
    path = record.with_name("record.sim") / "stations" / "desk" / "request.csr"
    path.write_bytes(bench.flip(REQUEST, 3))
    before = broken.all()
    left = broken.says("resume")
    assert (left.code, "ART010" in left.err) == (Exit.REFUSED, True)
    assert broken.all() == before
    path.write_bytes(REQUEST)
    left = broken.says("resume")
    assert (left.code, left.verdict().outcome) == (Exit.DONE, Outcome.VALID)


def test_a_machine_looks_at_what_lies_at_its_own_stations(playbook: Path, tmp_path: Path) -> None:
    code, _, _ = bench.say("plan", str(playbook), "--out", str(tmp_path / "plan.json"))
    assert code == 0
    plan = parse_plan((tmp_path / "plan.json").read_bytes())
    desk = tmp_path / "desk"
    desk.mkdir()
    stations = Stations(Disk(), stations={"desk": desk}, media={}, device_stores={}, publisher=None)  # type: ignore[arg-type]
    require_brought(plan, stations, ("room",))
    with pytest.raises(PlaybookFault, match="is not at desk") as caught:
        require_brought(plan, stations, ("desk",))
    assert caught.value.rule == "ART010"
    (desk / "request.csr").write_bytes(REQUEST + b" ")
    with pytest.raises(PlaybookFault, match="ART010"):
        require_brought(plan, stations, ("desk", "room"))
    (desk / "request.csr").write_bytes(REQUEST)
    require_brought(plan, stations, ("desk", "room"))


def test_what_people_were_to_put_there_is_looked_at(tmp_path: Path) -> None:
    stations = Stations(Disk(), stations={"desk": tmp_path}, media={}, device_stores={}, publisher=None)  # type: ignore[arg-type]
    asked = LookAtFile(file="bag.jpg", at="desk", at_most=5)
    refused = stations.perform(asked)
    assert isinstance(refused, FilesRefused)
    assert (refused.rule, [*tmp_path.iterdir()]) == ("ART019", [])
    (tmp_path / "bag.jpg").write_bytes(b"123456")
    refused = stations.perform(asked)
    assert isinstance(refused, FilesRefused)
    assert refused.rule == "ART004"
    (tmp_path / "bag.jpg").write_bytes(b"12345")
    assert stations.perform(asked) == FileArrived(
        size=5, sha256="5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    )
