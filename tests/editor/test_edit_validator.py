"""check-jsonschema, a validator nobody here wrote, and the linter say the same of a file's shape."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from editor_bench import KINDS, ROOT, VECTORS, Vector, shipped, vectors

from runner.schemas import NAMES, file_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


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


def test_there_are_vectors_of_both_sorts() -> None:
    def count(kind: str, *, refused: bool) -> int:
        return sum(1 for vector in vectors() if vector.kind == kind and vector.refused is refused)

    assert min(count(kind, refused=True) for kind in KINDS) >= 1
    assert min(count(kind, refused=False) for kind in KINDS) >= 1
    assert Vector(path=VECTORS / "SHP012-waiver-case.ceremony.yaml", kind="ceremony", rule="SHP012") in vectors()
