"""The source of both packages as syntax trees, and what a module does that only some may do."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("runner", "hsm_emulator")


@dataclass(frozen=True)
class Module:
    """A module by its path from the root of the project, such as `runner/plan.py`."""

    path: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def docstring(self) -> str:
        return " ".join((ast.get_docstring(self.tree) or "").split())


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "shipped" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            found.append(Module(path=str(path.relative_to(ROOT)), text=text, tree=ast.parse(text)))
    return tuple(found)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run: all but what stands under `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        typing_only = (
            isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
        )
        if not typing_only:
            yield from running(child)


def imports(tree: ast.AST) -> set[str]:
    """Return the modules that are imported when the code runs, wherever the import stands."""
    found: set[str] = set()
    for node in running(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what is called, as the last word of what it is called on ("" for a plain name) and the name."""
    for node in running(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name):
                yield "", name
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                yield owner, name
            case ast.Attribute(value=ast.Call(func=ast.Name(id=owner)), attr=name):
                yield owner, name
            case ast.Attribute(attr=name):
                yield "?", name
            case _:
                pass


def names(tree: ast.AST) -> set[str]:
    """Return every plain name that is read."""
    return {node.id for node in running(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def texts(tree: ast.AST, *, docstrings: bool) -> Iterator[str]:
    """Yield the text constants of a module, with the docstrings or without."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            if isinstance(first, ast.Expr):
                skipped.add(id(first.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (docstrings or id(node) not in skipped):
            yield node.value
