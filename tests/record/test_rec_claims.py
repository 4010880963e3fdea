"""What an auditor can do beyond the verifier: make the plan again from the sources that lie in the record."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING

import pytest

from runner.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def ceremony(*arguments: str) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(main(list(arguments)))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = tmp_path_factory.mktemp("claims") / "record"
    assert ceremony("rehearse", "azure-byok", "--region", "eu", "--out", str(record)) == 0
    return record


def planned_again(record: Path, sources: Path, place: Path) -> bytes:
    """Return the plan that these sources make with what the record's plan was made with."""
    plan = json.loads((record / "plan.json").read_bytes())
    values = {one["name"]: one["value"] for one in plan["parameters"]}
    given = [
        f"--param={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    ]
    playbook = next(sources.glob("*.ceremony.yaml"))
    choice = ("--region", plan["region"], "--edition", plan["ceremony"]["edition"])
    assert ceremony("plan", str(playbook), *choice, *given, "--out", str(place)) == 0
    return place.read_bytes()


def test_the_sources_in_a_record_make_its_plan(rehearsed: Path, tmp_path: Path) -> None:
    made = planned_again(rehearsed, rehearsed / "source", tmp_path / "plan")
    assert made == (rehearsed / "plan.json").read_bytes()


def test_other_sources_make_another_plan(rehearsed: Path, tmp_path: Path) -> None:
    sources = tmp_path / "source"
    sources.mkdir()
    for path in (rehearsed / "source").iterdir():
        (sources / path.name).write_bytes(path.read_bytes())
    playbook = next(sources.glob("*.ceremony.yaml"))
    playbook.write_bytes(playbook.read_bytes() + b"# nothing but a comment\n")
    assert planned_again(rehearsed, sources, tmp_path / "plan") != (rehearsed / "plan.json").read_bytes()
