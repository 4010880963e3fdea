"""check-jsonschema, a validator nobody here wrote, and the linter say the same of a file's shape."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from editor_bench import KINDS, ROOT, TAKEN, VECTORS, Vector, shipped, vectors, written_anew

from runner.actions.registry import ALL
from runner.document.parse import parse_playbook
from runner.document.source import read_source
from runner.schemas import NAMES, file_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ACTIONS = [action.name for action in ALL]


def checked(kind: str, paths: Iterable[Path]) -> dict[str, list[str]]:
    """Return what check-jsonschema says of each file it refuses, by the file's name."""
    schema = ROOT / "schemas" / file_name(kind)
    command = [sys.executable, "-m", "check_jsonschema", "-o", "json", "--schemafile", str(schema), *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said: dict[str, Any] = json.loads(done.stdout)
    assert said.get("parse_errors", []) == []
    found: dict[str, list[str]] = {}
    for error in said["errors"]:
        found.setdefault(error["filename"].rsplit("/", 1)[-1], []).append(
            re.sub(r"\[\d+\]", "[]", f"{error['path']}: {error['message']}")
        )
    assert done.returncode == (1 if found else 0)
    return found


@pytest.mark.parametrize("kind", NAMES)
def test_what_is_shipped_is_accepted(kind: str) -> None:
    paths = [path for path in shipped() if path.name.endswith(f".{kind}.yaml")] or [VECTORS / f"good.{kind}.yaml"]
    assert checked(kind, paths) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_it_refuses_what_lint_refuses_for_its_shape_and_nothing_else(kind: str) -> None:
    good = f"good.{kind}.yaml"
    own = [vector for vector in vectors() if vector.kind == kind]
    said = checked(kind, [VECTORS / good, *(vector.path for vector in own)])
    anyway = set(said.get(good, []))  # what its made-up steps lack
    refused = {name for name, faults in said.items() if set(faults) - anyway}
    assert refused == {vector.path.name for vector in own if vector.refused}


def test_it_takes_what_lint_takes_as_text(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.ceremony.yaml" for number in range(len(TAKEN))]
    for path, change in zip(paths, TAKEN.values(), strict=True):
        path.write_text(written_anew(*change), encoding="utf-8")
        read = parse_playbook(read_source(path.name, path.read_bytes()), actions=ACTIONS)
        assert read.findings == ()
    good = VECTORS / "good.ceremony.yaml"
    said = checked("ceremony", [good, *paths])
    assert [said[path.name] for path in paths] == [said[good.name]] * len(paths)


def test_there_are_vectors_of_both_sorts() -> None:
    def count(kind: str, *, refused: bool) -> int:
        return sum(1 for vector in vectors() if vector.kind == kind and vector.refused is refused)

    assert min(count(kind, refused=True) for kind in KINDS) >= 1
    assert min(count(kind, refused=False) for kind in KINDS) >= 1
    assert Vector(path=VECTORS / "SHP012-waiver-case.ceremony.yaml", kind="ceremony", rule="SHP012") in vectors()
