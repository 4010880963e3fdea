"""What the tests here share: a copy of the small ceremony, its replay file as a test writes it, and records changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import canonical
from runner.host.disk import Disk
from runner.host.replay_script import Loaded, load_replay, try_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.document.findings import Finding

ROOT = Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "tests" / "goldens"
GOLDEN = sorted(path.name for path in GOLDENS.iterdir() if (path / "record").is_dir())
SMALL = [name for name in GOLDEN if name.startswith("record-")]
"""Those of the small ceremony; `keys-1` is one with every action and every section of a playbook."""
TINY = ("tiny.ceremony.yaml", "tiny.roster.yaml")

HEAD = "format: replay/1\nplaybook: tiny.ceremony.yaml\ngives: {exit: 0}\n"
"""A base case of three lines; a variant after it begins at line 5."""


def project(place: Path, replay: str) -> Path:
    """Put the small ceremony into a folder with a replay file of this text; return the file."""
    for name in TINY:
        shutil.copy(GOLDENS / name, place / name)
    path = place / "tiny.replay.yaml"
    path.write_text(replay, encoding="utf-8")
    return path


def variant(change: str, fails: str, name: str = "x") -> str:
    """Return a replay file with one variant: its change at line 6, what it fails by at line 7."""
    return f"{HEAD}variants:\n  - name: {name}\n    {change}\n    fails: {{{fails}}}\n"


def loaded(path: Path) -> Loaded:
    found = load_replay(Disk(), path)
    assert isinstance(found, Loaded), found
    return found


def tried(path: Path, number: int = -1) -> tuple[Finding, ...]:
    """Try the last case of a file, or another."""
    file = loaded(path)
    return try_case(Disk(), file, file.cases[number]).findings


def short(findings: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    """Return rule, file and line of findings."""
    return [(one.code, Path(one.place.file).name, one.place.span.line) for one in findings]


def pytest_in(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with nothing but the plugin, in a folder of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "runner.pytest_plugin", "-o", "addopts=", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120)


# -- records ---------------------------------------------------------------------------------------------------------


def entries(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (record / "log.jsonl").read_bytes().splitlines()]


def rewrite(record: Path, changed: list[dict[str, Any]]) -> None:
    """Write a log; the chain is not kept, since replaying does not look at it."""
    (record / "log.jsonl").write_bytes(b"".join(canonical.encode(one) + b"\n" for one in changed))


def where(record: Path, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _entry: True) -> Iterator[int]:
    """Yield the numbers of the entries of a type."""
    return (one["seq"] for one in entries(record) if one["type"] == kind and fits(one))
