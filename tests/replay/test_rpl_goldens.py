"""Records that were made once keep replaying and verifying."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

from runner.cli.replay import main
from runner.host.disk import Disk
from runner.host.replay_record import Same, replay_record
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def test_every_folder_is_a_record_with_its_trust_file() -> None:
    folders = [path for path in bench.GOLDENS.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(path.name for path in folders) == bench.GOLDEN != []
    assert all((path / "trust.json").is_file() for path in folders)


@pytest.mark.parametrize("name", bench.GOLDEN)
def test_it_replays_and_verifies_where_it_lies(name: str) -> None:
    place = bench.GOLDENS / name
    replayed = replay_record(Disk(), place / "record")
    assert isinstance(replayed, Same)
    assert (replayed.ended, replayed.done, replayed.at, replayed.waiting, replayed.torn) == (
        "completed", replayed.steps, None, None, 0,
    )  # fmt: skip
    verdict = verify(place / "record", place / "trust.json", rehearsal=True)
    assert (verdict.outcome, verdict.findings) == (Outcome.VALID, ())
    assert sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) < 300_000


@pytest.mark.parametrize("name", bench.GOLDEN)
def test_the_verdict_of_a_golden_record_can_be_another(name: str, tmp_path: Path) -> None:
    shutil.copytree(bench.GOLDENS / name, tmp_path / name)
    plan = tmp_path / name / "record" / "plan.json"
    content = plan.read_bytes()
    plan.write_bytes(content.replace(b'"version":"1', b'"version":"2', 1))
    assert plan.read_bytes() != content
    verdict = verify(tmp_path / name / "record", tmp_path / name / "trust.json", rehearsal=True)
    assert verdict.outcome is Outcome.TAMPERED


@pytest.mark.parametrize("name", bench.GOLDEN)
def test_a_golden_record_is_never_made_again(name: str) -> None:
    command = [sys.executable, str(bench.GOLDENS / "make_golden.py"), name]
    done = subprocess.run(command, cwd=bench.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is there already" in done.stderr


def test_the_command_says_that_they_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    places = [str(bench.GOLDENS / name / "record") for name in bench.GOLDEN]
    assert main(places) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["same"] * len(places)
    assert all(re.search(r" (\d+) of \1 steps; completed\Z", line) for line in said)
