"""The hooks for pre-commit: their entries on good and bad files, and pre-commit itself in a project of a stranger."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from runner.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "tests" / "goldens"
HOOKS: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")


def hook(name: str) -> dict[str, Any]:
    (found,) = (one for one in HOOKS if one["id"] == name)
    return found


def hooked(name: str, place: Path) -> int:
    """Run a hook's entry as pre-commit does: on every file whose path it matches, from the root of the project."""
    paths = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    files = [path for path in paths if re.search(hook(name)["files"], path)]
    assert files
    program, *words = hook(name)["entry"].split()
    assert program == "ceremony"
    return main([*words, *files])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    (project / "keys").mkdir(parents=True)
    for name in ("tiny.ceremony.yaml", "tiny.roster.yaml", "tiny.replay.yaml"):
        shutil.copy(GOLDENS / name, project / "keys" / name)
    (project / "other.yaml").write_text("a: [\n", encoding="utf-8")
    monkeypatch.chdir(project)
    return project


def spoil(place: Path, kind: str, there: str, instead: str) -> None:
    path = place / "keys" / f"tiny.{kind}.yaml"
    text = path.read_text(encoding="utf-8")
    assert there in text
    path.write_text(text.replace(there, instead, 1), encoding="utf-8")


def test_every_hook_is_whole() -> None:
    assert [one["id"] for one in HOOKS] == ["ceremony-lint", "ceremony-replay"]
    for one in HOOKS:
        assert (one["language"], one["require_serial"]) == ("python", True)
        assert one["entry"].split()[:2] == one["name"].split()


def test_lint_looks_once_at_a_playbook_however_many_of_its_files_changed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hooked("ceremony-lint", place) == 0
    spoil(place, "roster", "roles: [witness]", "roles: [whitness]")
    capsys.readouterr()
    assert hooked("ceremony-lint", place) == 1
    said = capsys.readouterr().out
    assert said.count("keys/tiny.roster.yaml:") == said.count("QUO006") == 1


def test_a_changed_roster_alone_brings_its_playbook(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(place, "ceremony", "action: generate_key", "action: generate_keys")
    assert main(["lint", "--format", "oneline", "keys/tiny.roster.yaml"]) == 1
    assert "keys/tiny.ceremony.yaml:" in capsys.readouterr().out
    (place / "keys" / "tiny.ceremony.yaml").unlink()
    assert main(["lint", "keys/tiny.roster.yaml"]) == 2
    assert "there is no playbook beside keys/tiny.roster.yaml" in capsys.readouterr().err
    assert main(["lint", "keys/nobody.roster.yaml"]) == 2


def test_replay_refuses_a_case_that_comes_otherwise(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hooked("ceremony-replay", place) == 0
    spoil(place, "replay", "rule: SIT001", "rule: SIT002")
    capsys.readouterr()
    assert hooked("ceremony-replay", place) == 1
    assert "error RPL007" in capsys.readouterr().out


@pytest.mark.slow
def test_pre_commit_runs_them(place: Path, tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout, or no git")
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "cache")}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=540
        )

    def tried() -> subprocess.CompletedProcess[str]:
        return run(sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "ceremony-lint", "--all-files")

    run(git, "init", "-q")
    run(git, "add", ".")
    good = tried()
    if re.search(
        r"No matching distribution found|Could not fetch URL|Failed to establish a new connection", good.stdout
    ):
        pytest.skip("what the hook needs cannot be installed here")
    assert good.returncode == 0, good.stdout + good.stderr
    assert re.search(r"ceremony lint\.+Passed", good.stdout)
    spoil(place, "roster", "roles: [witness]", "roles: [whitness]")
    bad = tried()
    assert bad.returncode == 1
    assert re.search(r"keys/tiny\.roster\.yaml:\d+:\d+: error QUO006", bad.stdout), bad.stdout
