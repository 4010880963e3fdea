"""What is allowed in the expressions of templates.

Their trees are walked against a list, and what is not on it is refused, whatever it would do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.canonical import LARGEST
from runner.expression import COMPARISONS, ROOTS, WHAT_IS_ALLOWED, Lookup, Piece, Problem, lead, taken_by
from runner.filters import FILTERS
from runner.vocabulary import closest, misspelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jinja2 import nodes

_CALLED: Final = {
    "Add": "adding", "Sub": "subtracting", "Mul": "multiplying", "Div": "dividing", "Mod": "`%`", "Pow": "`**`",
    "Concat": "`~`", "Neg": "a sign", "Not": "`not`", "And": "`and`", "Or": "`or`", "Call": "a call",
    "Test": "a test with `is`", "List": "a list", "Dict": "a mapping", "Slice": "a slice",
    "Compare": "comparing with `in`, or more than two values,",
}  # fmt: skip


def walk(node: Lookup | nodes.Node, piece: Piece, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield the problems of one tree: everything is refused that is not named here."""
    if isinstance(node, Lookup):
        yield from _unknown(node.root, node.name, piece, known)
        return
    from jinja2 import nodes

    match node:
        case nodes.Const(value=value):
            yield from _constant(value, piece.offset + lead(piece.text))
        case nodes.Getattr() | nodes.Getitem():
            yield from _lookup(node, piece, known)
        case nodes.Name(name=name):
            yield _bare(name, piece, known)
        case nodes.Compare(expr=left, ops=[nodes.Operand(op=sign, expr=right)]) if sign in COMPARISONS:
            yield from walk(left, piece, known)
            yield from walk(right, piece, known)
        case nodes.CondExpr():
            if node.expr2 is None:
                yield Problem("TPL002", "`if` needs `else`", piece.offset + _find(piece, "if"))
            for inner in node.iter_child_nodes():
                yield from walk(inner, piece, known)
        case nodes.Filter():
            yield from _filter(node, piece, known)
        case _:
            kind = type(node).__name__
            what = _CALLED.get(kind, "this expression")
            yield Problem(
                "TPL002", f"{what} is not part of templates", piece.offset + lead(piece.text), WHAT_IS_ALLOWED
            )


def _constant(value: object, offset: int) -> Iterator[Problem]:
    if not isinstance(value, str | int):
        word = "nothing" if value is None else f"`{value}`"
        yield Problem("TPL002", f"{word} is no value here", offset, "write text, a whole number, true or false")
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield Problem("TPL002", "a number beyond 2^53-1", offset, "put it in quotes")


def _bare(name: str, piece: Piece, known: Mapping[str, Collection[str]]) -> Problem:
    offset = piece.offset + _find(piece, name)
    if name in known:
        return Problem("TPL002", f"`{name}` alone is no value", offset, f"write {name}.NAME")
    return _unknown_root(name, offset, known)


def _unknown_root(name: str, offset: int, known: Mapping[str, Collection[str]]) -> Problem:
    if name in ROOTS:
        return Problem("TPL001", f"this playbook has no `{name}`", offset)
    holder = next((root for root in known if name in known[root]), "")
    near = closest(name, known)
    advice = f"write `{holder}.{name}`" if holder else f"write `{near}`" if near else "begin with " + ", ".join(known)
    return Problem("TPL001", f"there is no `{name}`", offset, advice)


def _lookup(
    node: nodes.Getattr | nodes.Getitem, piece: Piece, known: Mapping[str, Collection[str]]
) -> Iterator[Problem]:
    found = taken_by(node)
    if found is None:
        yield Problem(
            "TPL002", "only one name of one list can be taken", piece.offset + lead(piece.text), WHAT_IS_ALLOWED
        )
        return
    yield from _unknown(*found, piece, known)


def _unknown(root: str, name: str, piece: Piece, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield what is wrong where the name of a list is taken: there is no such list, or no such name in it."""
    if root not in known:
        yield _unknown_root(root, piece.offset + _find(piece, root, name), known)
    elif name not in known[root]:
        offset = piece.offset + _find(piece, root, name)
        code, what = ("REG001", "regions have no value") if root == "region" else ("TPL001", f"`{root}` has no name")
        near = closest(name, known[root])
        advice = f"write `{root}.{near}`" if near else _one_of(known[root])
        plain = piece.text.startswith(f"{root}.{name}", offset - piece.offset)
        certain = misspelling(name, known[root]) if plain else ""
        yield Problem(code, f"{what} `{name}`", offset, advice, f"{root}.{certain}" if certain else "")


def _one_of(names: Collection[str]) -> str:
    return "one of: " + ", ".join(sorted(names)) if names else ""


def _find(piece: Piece, root: str, name: str = "") -> int:
    """Return where a name stands in an expression; where the expression begins if it is written in an odd way."""
    for pattern in (
        rf"(?<![\w.]){re.escape(root)}\s*[.\[]\s*[\"']?{re.escape(name)}(?!\w)",
        rf"(?<![\w.]){re.escape(root)}(?!\w)",
    ):
        if found := re.search(pattern, piece.text):
            return found.start()
    return lead(piece.text)


def _filter(node: nodes.Filter, piece: Piece, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    offset = piece.offset + _find(piece, node.name)
    if node.name not in FILTERS:
        near = closest(node.name, FILTERS)
        advice = f"write `{near}`" if near else _one_of(FILTERS)
        yield Problem("TPL002", f"there is no filter `{node.name}`", offset, advice)
    elif node.kwargs or node.dyn_args or node.dyn_kwargs or not _arguments_fit(node):
        yield Problem("TPL002", f"the filter `{node.name}` is not written like this", offset, FILTERS[node.name].usage)
    if node.node is not None:
        yield from walk(node.node, piece, known)


def _arguments_fit(node: nodes.Filter) -> bool:
    from jinja2 import nodes

    wanted = FILTERS[node.name].argument
    if wanted is None:
        return not node.args
    given = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    return len(node.args) == len(given) == 1 and type(given[0]) is wanted
