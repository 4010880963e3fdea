"""Command lines that are refused by their rule, beside the nearest that are carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from run_bench import RUNS, Case, cases

from runner.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

CASES = cases()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _carried_out(case: Case) -> None:
    for words in case.first:
        assert main(words) == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_by_its_rule(here: Path, capsys: pytest.CaptureFixture[str], case: Case) -> None:
    case.prepare(here, near=False)
    _carried_out(case)
    capsys.readouterr()
    assert main(case.run) == case.exit
    captured = capsys.readouterr()
    said = f"{captured.out}{captured.err}"
    assert case.rule in said
    assert case.says in said
    assert not case.unmade or not list(here.glob(case.unmade))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_nearest_is_carried_out(here: Path, capsys: pytest.CaptureFixture[str], case: Case) -> None:
    case.prepare(here, near=True)
    _carried_out(case)
    assert main(case.near_run or case.run) == 0
    captured = capsys.readouterr()
    assert f"{case.rule}:" not in captured.err
    assert case.says not in captured.out
    assert not case.unmade or list(here.glob(case.unmade))


def test_every_file_of_the_base_is_used() -> None:
    texts = [path.read_text(encoding="utf-8") for path in RUNS.glob("*.toml")]
    texts.append((RUNS / "base" / "unpack.ceremony.yaml").read_text(encoding="utf-8"))
    named = {path.name for path in (RUNS / "base").iterdir() if any(path.name in text for text in texts)}
    assert {path.name for path in (RUNS / "base").iterdir()} - named == {"unpack.roster.yaml"}
