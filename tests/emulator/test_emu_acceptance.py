"""The table of acceptance checks: every test it names exists, and no check is without one."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CHECKS: Final[list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "vectors" / "emulator" / "acceptance.toml").read_text(encoding="utf-8")
)["check"]


@cache
def functions_of(path: str) -> frozenset[str]:
    """Return the names of a module's test functions."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_")


def missing(named: str) -> bool:
    """Say whether there is no test of this name, as pytest writes it."""
    path, _, name = named.partition("::")
    return not (ROOT / path).is_file() or name not in functions_of(path)


def test_the_table_has_every_check_once() -> None:
    assert [check["number"] for check in CHECKS] == [*range(1, 27)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"check-{check['number']}")
def test_each_test_it_names_exists(check: dict[str, Any]) -> None:
    assert check.keys() == {"number", "says", "shown_by"}
    assert check["shown_by"]
    assert [named for named in check["shown_by"] if missing(named)] == []


def test_what_does_not_exist_is_missing() -> None:
    here = "tests/emulator/test_emu_acceptance.py"
    assert not missing(f"{here}::test_what_does_not_exist_is_missing")
    assert missing(f"{here}::test_nothing")
    assert missing(f"{here}::missing")
    assert missing("tests/emulator/test_emu_none.py::test_x")
