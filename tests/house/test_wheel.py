"""The wheel an installed user gets: it brings ceremonies and schemas, and works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, unpacked into a folder of their own as an installer would."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob("ceremony_runner-*.whl")
    target = place / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-m", "runner", *arguments]
    return subprocess.run(command, cwd=installed.parent, env=environment, capture_output=True, text=True, check=False)


def test_only_our_packages_and_their_data_are_in_it(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"runner", "hsm_emulator"}
    shipped = installed / "runner" / "shipped"
    for kind in ("ceremonies", "schemas"):
        there = {str(path.relative_to(shipped / kind)) for path in (shipped / kind).rglob("*") if path.is_file()}
        here = {str(path.relative_to(ROOT / kind)) for path in (ROOT / kind).rglob("*") if path.is_file()}
        assert there == here != set()
    assert list((installed / "runner" / "rules.d").glob("*.toml"))
    assert {path.name for path in (installed / "runner" / "new.d").iterdir()} == {
        "ceremony.yaml", "replay.yaml", "roster.yaml",
    }  # fmt: skip
    assert len(list((installed / "hsm_emulator" / "region" / "data").glob("*.json"))) == 17


def test_the_commands_are_declared(installed: Path) -> None:
    (points,) = installed.glob("*.dist-info/entry_points.txt")
    text = points.read_text(encoding="utf-8")
    assert "ceremony = runner.cli.main:main" in text
    assert "hsm-emulator = hsm_emulator.tools.main:main" in text


def test_a_shipped_ceremony_is_found_by_name_and_lints_clean(installed: Path) -> None:
    done = run(installed, "lint", "azure-byok")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_it_rehearses_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    done = run(installed, "rehearse", "azure-byok", "--region", "eu", "--out", str(record))
    assert done.returncode == 0, done.stderr
    assert "VALID" in done.stdout
    assert list((record / "transfer").iterdir())
