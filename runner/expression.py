"""Reading and judging the expressions of templates.

Jinja's lexer and parser read an expression; its tree is walked against a list of what is allowed. What is not on the
list is refused, whatever it would do. References to results of steps are recognised before Jinja sees the text, since
`steps.create-world.hknso` would read as a subtraction. `region.label`, as nearly every expression is, is read without
it: then Jinja need not even be loaded.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner.canonical import LARGEST
from runner.filters import FILTERS
from runner.vocabulary import closest, misspelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jinja2 import nodes

ROOTS: Final = ("region", "params", "names", "ceremony")
MOST_EXPRESSION: Final = 1000
"""Characters of the longest expression between braces."""

_BRACES: Final = re.compile(r"\{\{|\}\}|\{%|\{#")
_EXPRESSION: Final = re.compile(
    r"""\{\{((?:[^"'{}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{(?!\{)|\}(?!\}))*)\}\}""", re.DOTALL
)
_STRINGS: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
_REFERENCE: Final = re.compile(r"(?<![\w.])(steps|trust|card_sets|records)\s*[.\[][\w.\-\[\]\"']*")
_LOOKUP: Final = re.compile(rf" *({'|'.join(ROOTS)})\.([A-Za-z_][A-Za-z0-9_]*) *")
COMPARISONS: Final = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
"""By Jinja's names; `in` and `not in` are not among them."""

_WHAT_IS_ALLOWED: Final = "keep to names, comparisons, `a if b else c`, and the filters upper lower slug pad join count"
_CALLED: Final = {
    "Add": "adding", "Sub": "subtracting", "Mul": "multiplying", "Div": "dividing", "Mod": "`%`", "Pow": "`**`",
    "Concat": "`~`", "Neg": "a sign", "Not": "`not`", "And": "`and`", "Or": "`or`", "Call": "a call",
    "Test": "a test with `is`", "List": "a list", "Dict": "a mapping", "Slice": "a slice",
    "Compare": "comparing with `in`, or more than two values,",
}  # fmt: skip


class Problem(Struct, frozen=True):
    """A fault of a template: its rule, what is wrong, where in the text (from 0), and what to write.

    `instead` is what the word at `offset` certainly should be; "" where a person must say.
    """

    code: str
    message: str
    offset: int
    help: str = ""
    instead: str = ""


class Lookup(Struct, frozen=True):
    """`ROOT.NAME`: what Jinja's parser makes a `Getattr` of."""

    root: str
    name: str


class Piece(Struct, frozen=True):
    """An expression of a text: its tree, its own text, and where that begins."""

    tree: Lookup | nodes.Expr
    text: str
    offset: int


class Template(Struct, frozen=True):
    """A text in order: literal text, and expressions; or the problems that stopped its parsing."""

    parts: tuple[str | Piece, ...]
    problems: tuple[Problem, ...]


def has_braces(text: str) -> bool:
    """Return whether a text has anything of a template in it."""
    return ("{" in text or "}" in text) and _BRACES.search(text) is not None


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Return a text cut into literal text and expressions, or with the problems that stopped it."""
    parts: list[str | Piece] = []
    found: list[Problem] = []
    position = 0
    while (brace := _BRACES.search(text, position)) is not None:
        if brace.start() > position:
            parts.append(text[position : brace.start()])
        whole = _EXPRESSION.match(text, brace.start())
        if whole is None:
            found.append(_unbalanced(brace))
            break
        inner = _expression(whole[1], whole.start(1))
        if isinstance(inner, Problem):
            found.append(inner)
        else:
            parts.append(inner)
        position = whole.end()
    else:
        if position < len(text):
            parts.append(text[position:])
    return Template(tuple(parts), tuple(found))


def _unbalanced(brace: re.Match[str]) -> Problem:
    if brace[0] in {"{%", "{#"}:
        return Problem("TPL002", f"`{brace[0]}` begins a statement or a comment", brace.start(), _WHAT_IS_ALLOWED)
    side = "closed" if brace[0] == "{{" else "opened"
    return Problem("TPL002", f"`{brace[0]}` is never {side}", brace.start(), "write {{ and }} in pairs")


def _expression(text: str, offset: int) -> Piece | Problem:
    """Return one expression, read by Jinja's parser; references are recognised before it sees them."""
    if len(text) <= MOST_EXPRESSION and (plain := _LOOKUP.fullmatch(text)):
        return Piece(Lookup(plain[1], plain[2]), text, offset)
    bare = _STRINGS.sub(lambda match: " " * len(match[0]), text)
    if reference := _REFERENCE.search(bare):
        written = text[reference.start() : reference.end()].strip()
        advice = f"write {written} alone, without braces"
        return Problem(
            "TPL003", f"`{written}` is not known when texts are filled in", offset + reference.start(), advice
        )
    if len(text) > MOST_EXPRESSION:
        return Problem("TPL002", f"an expression has more than {MOST_EXPRESSION} characters", offset)
    if text[:1] in {"-", "+"} or text[-1:] in {"-", "+"}:
        return Problem("TPL002", "a sign next to the braces", offset, "write a space after {{ and before }}")
    if (tree := _tree(text)) is None:
        return Problem("TPL002", "this is no expression", offset + _lead(text), _WHAT_IS_ALLOWED)
    return Piece(tree, text, offset)


@functools.lru_cache(maxsize=4096)
def _tree(text: str) -> nodes.Expr | None:
    """Return the tree of one expression, None where it is none; the same ones stand in many texts."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        body = _environment().parse("{{" + text + "}}").body
    except (TemplateSyntaxError, ValueError, OverflowError, RecursionError, AssertionError):
        return None
    match body:
        case [nodes.Output(nodes=[nodes.Expr() as tree])] if not isinstance(tree, nodes.TemplateData):
            return tree
    return None


def _lead(text: str) -> int:
    return len(text) - len(text.lstrip())


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment

    return Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 (only its parser is used; nothing is rendered)


def walk(node: Lookup | nodes.Node, piece: Piece, known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield the problems of one tree: everything is refused that is not named here."""
    if isinstance(node, Lookup):
        yield from _unknown(node.root, node.name, piece, known)
        return
    from jinja2 import nodes

    match node:
        case nodes.Const(value=value):
            yield from _constant(value, piece.offset + _lead(piece.text))
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
                "TPL002", f"{what} is not part of templates", piece.offset + _lead(piece.text), _WHAT_IS_ALLOWED
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
            "TPL002", "only one name of one list can be taken", piece.offset + _lead(piece.text), _WHAT_IS_ALLOWED
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
    return _lead(piece.text)


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


def taken(node: Lookup | nodes.Node) -> Iterator[tuple[str, str]]:
    """Yield what a tree takes: `("region", "label")`."""
    if isinstance(node, Lookup):
        yield node.root, node.name
        return
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr | nodes.Getitem) and (name := taken_by(node)) is not None:
        yield name
        return
    for child in node.iter_child_nodes():
        yield from taken(child)


def taken_by(node: nodes.Getattr | nodes.Getitem) -> tuple[str, str] | None:
    """Return what one lookup takes, or None where it is not `ROOT.NAME` or `ROOT["NAME"]`."""
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        return None
    if isinstance(node, nodes.Getattr):
        return node.node.name, node.attr
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.node.name, node.arg.value
    return None
