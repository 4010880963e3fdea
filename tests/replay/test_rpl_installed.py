"""A stranger's project: one playbook, one replay file, the wheel, and pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

if TYPE_CHECKING:
    from pathlib import Path


def run(*command: str | Path, cwd: Path, good: bool = True) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode == 0) is good, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_project_of_its_own_is_checked_with_the_wheel_and_pytest_alone(tmp_path: Path) -> None:
    build = ("-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "wheel")
    run(sys.executable, *build, cwd=bench.ROOT)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", wheel, cwd=tmp_path)
    (packages,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    # what the wheel needs comes from where this runs; a path file there is not read again, so nothing of a checkout is
    (packages / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    project = tmp_path / "project"
    project.mkdir()
    replay = (bench.GOLDENS / "tiny.replay.yaml").read_text(encoding="utf-8")
    bench.project(project, replay)
    said = run(python, "-m", "pytest", "-v", "-p", "no:randomly", cwd=project)
    assert "7 passed" in said
    assert "tiny.replay.yaml::The seal has another number PASSED" in said
    where = "import runner, sys; sys.stdout.write(runner.__file__)"
    assert run(python, "-c", where, cwd=project).startswith(str(packages))

    bench.project(project, replay.replace("rule: SIT001", "rule: SIT002"))
    said = run(python, "-m", "pytest", "-k", "mode", cwd=project, good=False)
    assert "error[RPL007]: the variant failed by SIT001 at create-world" in said
    assert "--> tiny.replay.yaml:18:5" in said
