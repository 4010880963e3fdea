"""What a test says itself: the texts of its function and decorators, and of the constants of its file that it uses."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@cache
def texts_by_test(path: Path) -> dict[str, frozenset[str]]:
    """Return the texts of each test of a file, by its name; docstrings are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {name: frozenset(_texts(node)) for node in tree.body for name in _assigned(node)}
    found: dict[str, frozenset[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            used = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            found[node.name] = frozenset(_texts(node)).union(*(constants[name] for name in used & set(constants)))
    return found


def says(texts: frozenset[str], rule: str) -> bool:
    """Say whether one of the texts has a rule's id in it."""
    return any(rule in text for text in texts)


def _texts(node: ast.AST) -> Iterator[str]:
    alone = {id(inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Expr)}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and id(inner) not in alone:
            yield inner.value


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id
