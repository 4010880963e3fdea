"""The pytest plugin on records: replayed, and verified with the trust file beside them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

if TYPE_CHECKING:
    from pathlib import Path


def outcomes(said: str) -> dict[str, str]:
    """Return what pytest -v says of each item, by the record's folder and the item's name."""
    found = {}
    for line in said.splitlines():
        if "log.jsonl::" in line and " " in line and not line.startswith(("FAILED", "SKIPPED")):
            node, outcome = line.split()[:2]
            found[node.replace("/log.jsonl::", " ")] = outcome
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project with one record, `kept/record`, and its trust file."""
    project = tmp_path / "project"
    shutil.copytree(bench.GOLDENS / "record-1", project / "kept")
    return project


def larger_key(place: Path) -> int:
    """Let the log ask for another size of key; return the line."""
    record = place / "kept" / "record"
    changed = bench.entries(record)
    seq = next(bench.where(record, "request", lambda one: one["data"]["kind"] == "generate_key"))
    changed[seq]["data"]["request"]["size"] = 4096
    bench.rewrite(record, changed)
    return seq + 1


def test_a_record_is_replayed_and_verified(place: Path) -> None:
    done = bench.pytest_in(place, "-v")
    assert done.returncode == 0, done.stdout
    assert outcomes(done.stdout) == {"kept/record replay": "PASSED", "kept/record verify": "PASSED"}


def test_what_differs_is_shown_with_its_line(place: Path) -> None:
    line = larger_key(place)
    done = bench.pytest_in(place, "-v")
    assert done.returncode == 1
    assert outcomes(done.stdout) == {"kept/record replay": "FAILED", "kept/record verify": "FAILED"}
    assert f"kept/record/log.jsonl:{line}: error LOG070 entry {line - 1} (request)" in done.stdout
    assert "request.size = 2048" in done.stdout
    assert "request.size = 4096" in done.stdout
    assert f"kept/record/log.jsonl:{line}: error LOG039" in done.stdout
    assert "TAMPERED" in done.stdout
    assert "Traceback" not in done.stdout
    assert ".py" not in done.stdout.partition("FAILURES")[2]


def test_a_file_of_the_record_that_changed_is_named(place: Path) -> None:
    (place / "kept" / "record" / "VERIFY.txt").write_text("all is well\n", encoding="utf-8")
    done = bench.pytest_in(place, "-v")
    assert outcomes(done.stdout) == {"kept/record replay": "PASSED", "kept/record verify": "FAILED"}
    assert "kept/record/VERIFY.txt: error LOG0" in done.stdout


def test_another_trust_file_does_not_vouch_for_it(place: Path) -> None:
    trust = place / "kept" / "trust.json"
    trust.write_bytes(trust.read_bytes().replace(b"A", b"B"))
    done = bench.pytest_in(place, "-v")
    assert outcomes(done.stdout) == {"kept/record replay": "PASSED", "kept/record verify": "FAILED"}


def test_the_trust_file_may_lie_in_the_folder_of_the_simulation(place: Path) -> None:
    (place / "kept" / "record.sim").mkdir()
    (place / "kept" / "trust.json").rename(place / "kept" / "record.sim" / "trust.json")
    assert outcomes(bench.pytest_in(place, "-v").stdout)["kept/record verify"] == "PASSED"


def test_without_a_trust_file_verifying_is_skipped_and_said(place: Path) -> None:
    (place / "kept" / "trust.json").unlink()
    done = bench.pytest_in(place, "-v", "-rs")
    assert outcomes(done.stdout) == {"kept/record replay": "PASSED", "kept/record verify": "SKIPPED"}
    assert "there is no trust.json beside the record" in done.stdout


def test_a_log_that_is_no_record_is_left_alone(place: Path) -> None:
    (place / "kept" / "record" / "plan.json").unlink()
    done = bench.pytest_in(place, "--collect-only", "-q")
    assert (done.returncode, "log.jsonl" in done.stdout) == (5, False)


def test_a_record_that_cannot_be_read_fails_in_words(place: Path) -> None:
    (place / "kept" / "record" / "plan.json").write_text("{}", encoding="utf-8")
    done = bench.pytest_in(place, "-v")
    assert outcomes(done.stdout) == {"kept/record replay": "FAILED", "kept/record verify": "FAILED"}
    assert "error LOG073" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_k_last_failed_and_several_processes(place: Path) -> None:
    larger_key(place)
    assert outcomes(bench.pytest_in(place, "-v", "-k", "verify").stdout) == {"kept/record verify": "FAILED"}
    assert outcomes(bench.pytest_in(place, "-v", "--lf").stdout) == {"kept/record verify": "FAILED"}
    done = bench.pytest_in(place, "-p", "xdist", "-n", "2")
    assert (done.returncode, "2 failed" in done.stdout) == (1, True)


def test_an_item_leaves_the_record_as_it_was(place: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert bench.pytest_in(place, "-p", "no:cacheprovider").returncode == 0
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
