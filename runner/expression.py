"""Reading the expressions of templates; what is allowed in them is for `expression_rules` to say.

Jinja's lexer and parser read an expression. References to results of steps are recognised before Jinja sees the text,
since `steps.create-world.hknso` would read as a subtraction. `region.label`, as nearly every expression is, is read
without it: then Jinja need not even be loaded.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

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

WHAT_IS_ALLOWED: Final = "keep to names, comparisons, `a if b else c`, and the filters upper lower slug pad count"


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
        return Problem("TPL002", f"`{brace[0]}` begins a statement or a comment", brace.start(), WHAT_IS_ALLOWED)
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
        return Problem("TPL002", "this is no expression", offset + lead(text), WHAT_IS_ALLOWED)
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


def lead(text: str) -> int:
    """Return where the first word of an expression stands."""
    return len(text) - len(text.lstrip())


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment

    return Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 (only its parser is used; nothing is rendered)


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
