"""The pytest plugin, in a process of its own: items with real lines, findings as failures, pytest's switches."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

if TYPE_CHECKING:
    from pathlib import Path

QUICK = f"""{bench.HEAD}variants:
  - name: Two words
    drop: mode-initialization
    fails: {{rule: SIT001, step: create-world, exit: 3}}
  - name: Wrong rule
    absent: [finn]
    fails: {{rule: QUO005, step: look-at-seal, exit: 3}}
  - name: Away
    absent: [finn]
    fails: {{rule: QUO004, step: look-at-seal, exit: 3}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    bench.project(tmp_path, QUICK)
    return tmp_path


def outcomes(said: str) -> dict[str, str]:
    """Return what pytest -v says of each item."""
    lines = [line.split("::", 1)[1] for line in said.splitlines() if line.startswith("tiny.replay.yaml::")]
    return {name.rsplit(" ", 1)[0]: name.rsplit(" ", 1)[1] for line in lines if (name := line.split("  ")[0].strip())}


def test_every_case_is_an_item(place: Path) -> None:
    done = bench.pytest_in(place, "--collect-only", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.split("::")[1] for line in done.stdout.splitlines() if "::" in line]
    assert names == ["base", "Two words", "Wrong rule", "Away"]


def test_what_fails_fails_with_our_findings_and_no_traceback(place: Path) -> None:
    done = bench.pytest_in(place, "-v", "-k", "not base")
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"Two words": "PASSED", "Wrong rule": "FAILED", "Away": "PASSED"}
    assert "error[RPL007]: the variant failed by QUO004 at look-at-seal" in done.stdout
    assert "--> tiny.replay.yaml:10:5" in done.stdout
    assert "error[QUO004]" in done.stdout
    assert "--> tiny.ceremony.yaml:" in done.stdout
    assert "Traceback" not in done.stdout
    assert ".py" not in done.stdout.partition("FAILURES")[2]


def test_k_x_and_last_failed(place: Path) -> None:
    assert outcomes(bench.pytest_in(place, "-v", "-k", "Two").stdout) == {"Two words": "PASSED"}
    stopped = bench.pytest_in(place, "-v", "-x", "-k", "not base")
    assert outcomes(stopped.stdout) == {"Two words": "PASSED", "Wrong rule": "FAILED"}
    again = bench.pytest_in(place, "-v", "--lf")
    assert outcomes(again.stdout) == {"Wrong rule": "FAILED"}
    named = bench.pytest_in(place, "-v", "tiny.replay.yaml::Two words")
    assert outcomes(named.stdout) == {"Two words": "PASSED"}


def test_several_processes_and_junit(place: Path) -> None:
    done = bench.pytest_in(place, "-p", "xdist", "-n", "2", "--junitxml", "junit.xml", "-o", "junit_family=xunit1")
    assert done.returncode == 1, done.stdout + done.stderr
    cases = {case.get("name"): case for case in ET.parse(place / "junit.xml").iter("testcase")}  # noqa: S314 (what pytest wrote a moment ago)
    assert sorted(cases, key=str) == ["Away", "Two words", "Wrong rule", "base"]
    lines = {name: int(case.get("line", "0")) + 1 for name, case in cases.items()}
    assert lines == {"base": 3, "Two words": 5, "Wrong rule": 8, "Away": 11}
    assert {case.get("file") for case in cases.values()} == {"tiny.replay.yaml"}
    (failure,) = cases["Wrong rule"].iter("failure")
    assert "error[RPL007]" in (failure.text or "")


def test_switches_that_touch_other_items_leave_these_alone(place: Path) -> None:
    done = bench.pytest_in(place, "--setup-plan", "-m", "not slow", "--durations=3", "-k", "Two")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_cannot_be_tried_is_an_error_of_collecting(place: Path) -> None:
    bench.project(place, QUICK.replace("drop:", "dorp:"))
    done = bench.pytest_in(place)
    assert done.returncode == 2
    assert "error[SHP001]: there is no `dorp` here" in done.stdout
    assert "--> tiny.replay.yaml:6:5" in done.stdout
    assert "Traceback" not in done.stdout
    (place / "tiny.ceremony.yaml").unlink()
    bench.project(place, bench.HEAD.replace("tiny.c", "other.c"))
    assert "error[RPL002]" in bench.pytest_in(place).stdout


def test_a_defect_of_ours_shows_its_traceback(place: Path) -> None:
    (place / "conftest.py").write_text(
        "from runner.host import replay_script\n\n\n"
        "def broken(*_):\n    raise RuntimeError('ours')\n\n\nreplay_script.try_case = broken\n",
        encoding="utf-8",
    )
    done = bench.pytest_in(place, "-k", "Two")
    assert done.returncode == 1
    assert "RuntimeError: ours" in done.stdout
    assert "pytest_plugin.py" in done.stdout


def test_no_other_file_is_looked_into_and_nothing_is_loaded_for_it(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("format: replay/1\n: : :", encoding="utf-8")
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n\ndef test_own():\n"
        "    ours = {'pydantic', 'ruamel.yaml', 'cryptography', 'runner.document', 'runner.host'}\n"
        "    assert not ours & set(sys.modules)\n",
        encoding="utf-8",
    )
    done = bench.pytest_in(tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_an_item_leaves_nothing_behind(place: Path) -> None:
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    bench.pytest_in(place, "-p", "no:cacheprovider")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
