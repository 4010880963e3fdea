"""A stranger's project: a fresh environment, the wheel and pytest in it, and what `ceremony new` makes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
import replay_bench as bench

pytestmark = pytest.mark.slow

OURS = re.compile(r"PYTHON|PYTEST|VIRTUAL_ENV|COV")
"""Variables of the process that tests, which a stranger's does not have."""

UNREACHABLE = re.compile(r"No matching distribution|Could not fetch|Failed to establish|connection broken")

NAMES = ("Anders Holm", "Elif Aydin", "Finn Byrne", "Bea Weiss", "Chidi Obi", "Dora Kovacs")
WRONG = "The first mode switch was forgotten"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=540)


@dataclass(frozen=True)
class Project:
    """A folder with one playbook, its roster and one replay file; `bin` is that of an environment with the wheel."""

    place: Path
    bin: Path

    @property
    def replay(self) -> Path:
        return self.place / "zmk.replay.yaml"

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(self.bin / "pytest", *arguments, cwd=self.place)

    def line(self, text: str) -> int:
        """Return the line from 1 on which a text begins."""
        return self.replay.read_text(encoding="utf-8").partition(text)[0].count("\n") + 1

    def spoil(self) -> None:
        """Let one expectation be wrong."""
        text = self.replay.read_text(encoding="utf-8")
        assert "rule: SIT001" in text
        self.replay.write_text(text.replace("rule: SIT001", "rule: SIT002"), encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel of this tree, and pytest."""
    place = tmp_path_factory.mktemp("installed")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place, cwd=bench.ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = place.glob("*.whl")
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    programs = place / "venv" / "bin"
    done = run(programs / "python", "-m", "pip", "install", "--quiet", wheel, "pytest", "pytest-xdist", cwd=place)
    if done.returncode != 0 and UNREACHABLE.search(done.stderr):
        pytest.skip("what the wheel needs cannot be installed here")
    assert done.returncode == 0, done.stderr
    return programs


@pytest.fixture
def project(installed: Path, tmp_path: Path) -> Project:
    words = ("--title", "A key of the zone", "--owner", "key-office@example.com", "--people", *NAMES)
    made = run(installed / "ceremony", "new", "zmk", *words, cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "made zmk\n"), made.stderr
    place = tmp_path / "zmk"
    shutil.rmtree(place / "schemas")
    assert sorted(path.name for path in place.iterdir()) == [
        "zmk.ceremony.yaml", "zmk.replay.yaml", "zmk.roster.yaml",
    ]  # fmt: skip
    return Project(place=place, bin=installed)


def test_nothing_of_the_checkout_is_used(project: Project) -> None:
    where = run(project.bin / "python", "-c", "import runner; print(runner.__file__)", cwd=project.place)
    assert Path(where.stdout.strip()).is_relative_to(project.bin.parent)
    linted = run(project.bin / "ceremony", "lint", "zmk.ceremony.yaml", cwd=project.place)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_pytest_alone_collects_and_passes(project: Project) -> None:
    done = project.pytest("-v", "--junitxml", "junit.xml", "-o", "junit_family=xunit1")
    assert done.returncode == 0, done.stdout
    assert "zmk.replay.yaml::base PASSED" in done.stdout
    assert "6 passed" in done.stdout
    cases = list(ET.parse(project.place / "junit.xml").iter("testcase"))  # noqa: S314 (what pytest wrote a moment ago)
    assert {case.get("file") for case in cases} == {"zmk.replay.yaml"}
    lines = {case.get("name"): int(case.get("line", "-1")) + 1 for case in cases}
    names = re.findall(r"- name: (.*)", project.replay.read_text(encoding="utf-8"))
    assert lines == {"base": project.line("gives:"), **{name: project.line(f"- name: {name}") for name in names}}


def test_a_wrong_expectation_fails_with_our_finding_and_its_line(project: Project) -> None:
    project.spoil()
    done = project.pytest("-v")
    assert done.returncode == 1
    assert f"zmk.replay.yaml::{WRONG} FAILED" in done.stdout
    assert "error[RPL007]: the variant failed by SIT001 at create-world" in done.stdout
    assert f"--> zmk.replay.yaml:{project.line('fails: {rule: SIT002')}:5" in done.stdout
    assert "1 failed, 5 passed" in done.stdout
    assert "Traceback" not in done.stdout
    assert ".py" not in done.stdout.partition("FAILURES")[2]


def test_the_switches_of_pytest_work(project: Project) -> None:
    project.spoil()
    assert "2 passed, 4 deselected" in project.pytest("-k", "cards or backed").stdout
    assert "1 failed, 1 passed" in project.pytest("-x").stdout
    again = project.pytest("--lf", "-v")
    assert f"zmk.replay.yaml::{WRONG} FAILED" in again.stdout
    assert "1 failed" in again.stdout
    assert "PASSED" not in again.stdout
    several = project.pytest("-n", "2")
    assert (several.returncode, "1 failed, 5 passed" in several.stdout) == (1, True), several.stdout


def test_a_record_that_was_kept_is_replayed_and_verified(project: Project) -> None:
    words = ("rehearse", "zmk.ceremony.yaml", "--out", "kept")
    rehearsed = run(project.bin / "ceremony", *words, cwd=project.place)
    assert rehearsed.returncode == 0, rehearsed.stderr
    done = project.pytest("-v", "kept")
    assert done.returncode == 0, done.stdout
    assert "kept/log.jsonl::replay PASSED" in done.stdout
    assert "kept/log.jsonl::verify PASSED" in done.stdout
