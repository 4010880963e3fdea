"""Templates: `{{ region.label }}` and little more, checked without running and evaluated without a template engine.

Jinja's own lexer and parser read the text; what they give is walked here against a list of allowed expressions, and
evaluated here on plain data by item lookup only. Nothing is compiled, no attribute is ever read, and no function of
Python is in reach, so the escapes that Jinja's sandbox has had (CVE-2016-10745, CVE-2019-10906, CVE-2024-56326,
CVE-2025-27516) have nothing to work with. Arithmetic, repetition, calls, statements and tests are refused.

Rendering is one pass: a value that holds `{{` is text like any other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from runner.errors import PlaybookFault
from runner.expression import COMPARISONS, Lookup, Piece, Problem, has_braces, parse, taken, taken_by
from runner.expression_rules import walk
from runner.filters import FILTERS, as_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jinja2 import nodes

__all__ = ["Problem", "Value", "filled", "is_template", "names_in", "problems", "render"]

Value = str | int | bool

_KEPT: Final = 4096
"""Of so many templates it is kept what they take: the same ones are filled in for every region."""


def is_template(value: object) -> bool:
    """Return whether a value is text with a template in it, sound or not."""
    return isinstance(value, str) and has_braces(value)


def problems(text: str, known: Mapping[str, Collection[str]]) -> list[Problem]:
    """Return everything wrong with a template, also in branches that would not be taken.

    Args:
        text: text with or without templates.
        known: for each name that may begin a reference (`region`, `params`, …), the names in it.
    """
    if not is_template(text):
        return []
    names = _sound(text)
    if names is not None and all(root in known and name in known[root] for root, name in names):
        return []
    return _problems(text, known)


@lru_cache(maxsize=_KEPT)
def _sound(text: str) -> frozenset[tuple[str, str]] | None:
    """Return what a template takes, if nothing is wrong with it but that one of these may not be known."""
    names = names_in(text)
    known: dict[str, set[str]] = {}
    for root, name in names:
        known.setdefault(root, set()).add(name)
    return None if _problems(text, known) else names


def _problems(text: str, known: Mapping[str, Collection[str]]) -> list[Problem]:
    parsed = parse(text)
    found = list(parsed.problems)
    for part in parsed.parts:
        if isinstance(part, Piece):
            found.extend(walk(part.tree, part, known))
    return found


def names_in(text: str) -> frozenset[tuple[str, str]]:
    """Return what a template takes, such as `("region", "label")`; empty for text without or with a faulty one."""
    if not is_template(text):
        return frozenset()
    pieces = [part for part in parse(text).parts if isinstance(part, Piece)]
    return frozenset(name for piece in pieces for name in taken(piece.tree))


def render(text: str, names: Mapping[str, Mapping[str, Any]]) -> Value:
    """Return a text with its templates replaced; the native value where the whole text is one template.

    Args:
        text: text with or without templates.
        names: plain data for each of `region`, `params`, `names` and `ceremony` that there is.

    Raises:
        PlaybookFault: `problems` would name a fault (same rule), or a value does not fit where it is used (TPL002).
    """
    found = problems(text, names)
    if found:
        raise PlaybookFault(found[0].message, rule=found[0].code)
    return filled(text, names)


def filled(text: str, names: Mapping[str, Mapping[str, Any]]) -> Value:
    """Return what `render` does for a text in which `problems` found nothing.

    Raises:
        PlaybookFault: a value does not fit where it is used (TPL002).
    """
    if not is_template(text):
        return text
    parsed = parse(text)
    if len(parsed.parts) == 1 and isinstance(parsed.parts[0], Piece):
        return _single(_evaluate(parsed.parts[0].tree, names))
    return "".join(part if isinstance(part, str) else as_text(_evaluate(part.tree, names)) for part in parsed.parts)


def _evaluate(node: Lookup | nodes.Node, names: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the value of a tree in which `problems` found nothing."""
    if isinstance(node, Lookup):
        return names[node.root][node.name]
    from jinja2 import nodes

    match node:
        case nodes.Const(value=value):
            return value
        case nodes.Getattr() | nodes.Getitem():
            root, name = taken_by(node) or ("", "")
            return names[root][name]
        case nodes.Compare(expr=left, ops=[nodes.Operand(op=operator, expr=right)]):
            return _compare(operator, _evaluate(left, names), _evaluate(right, names))
        case nodes.CondExpr(test=test, expr1=then, expr2=otherwise) if otherwise is not None:
            chosen = _evaluate(test, names)
            if not isinstance(chosen, bool):
                raise PlaybookFault("what stands after `if` must be true or false", rule="TPL002")
            return _evaluate(then if chosen else otherwise, names)
        case nodes.Filter(name=name, node=inner, args=arguments) if inner is not None:
            return FILTERS[name].apply(_evaluate(inner, names), *(_evaluate(argument, names) for argument in arguments))
    raise PlaybookFault(f"{type(node).__name__} is not part of templates", rule="TPL002")


def _compare(operator: str, left: Any, right: Any) -> bool:
    if type(left) is not type(right) or not isinstance(left, str | int):
        raise PlaybookFault("two values of different types are compared", rule="TPL002")
    if isinstance(left, bool) and operator not in {"eq", "ne"}:
        raise PlaybookFault("true and false have no order", rule="TPL002")
    return bool(COMPARISONS[operator](left, right))


def _single(value: Any) -> Value:
    if isinstance(value, str | int):
        return value
    raise PlaybookFault("a template gives a list where a single value is needed", rule="TPL002")
