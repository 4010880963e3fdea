"""Closed shapes for an entry's data: each says what a value must be, and refuses everything else.

A shape is called with a value and the name of its place, and raises `Defect` where the value does not fit: whoever
writes an entry decides its data, so a misfit is a mistake in this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from runner.errors import Defect

Shape = Callable[[object, str], None]

RESERVED: Final = "prev"
"""No object inside `data` has this key: a reader without a JSON parser takes the first one of a line for the chain."""


def text(value: object, where: str) -> None:
    """Admit any text."""
    _need(type(value) is str, where, "text")


def flag(value: object, where: str) -> None:
    """Admit true and false."""
    _need(type(value) is bool, where, "a flag")


def count(value: object, where: str) -> None:
    """Admit whole numbers from 0."""
    _need(type(value) is int and value >= 0, where, "a whole number from 0")


def whole(value: object, where: str) -> None:
    """Admit any whole number."""
    _need(type(value) is int, where, "a whole number")


def scalar(value: object, where: str) -> None:
    """Admit what a result can be: text, a whole number or a flag."""
    _need(type(value) in (str, int, bool), where, "text, a whole number or a flag")


def pattern(expression: str) -> Shape:
    """Return the shape of texts that match `expression` from end to end."""
    compiled = re.compile(expression)

    def shape(value: object, where: str) -> None:
        _need(isinstance(value, str) and compiled.fullmatch(value) is not None, where, f"text like {expression}")

    return shape


def hexadecimal(digits: int) -> Shape:
    """Return the shape of lower-case hex of exactly so many digits."""
    return pattern(f"[0-9a-f]{{{digits}}}")


def exactly(*allowed: object) -> Shape:
    """Return the shape of these values and no other; a flag is not a number."""

    def shape(value: object, where: str) -> None:
        _need(any(type(value) is type(item) and value == item for item in allowed), where, f"one of {allowed}")

    return shape


def optional(inner: Shape) -> Shape:
    """Return the shape of `inner` or null."""

    def shape(value: object, where: str) -> None:
        if value is not None:
            inner(value, where)

    return shape


def many(inner: Shape, *, at_most: int | None = None, ordered: bool = False) -> Shape:
    """Return the shape of lists of `inner`; `ordered` lists rise strictly."""

    def shape(value: object, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise Defect(f"{where} is not a list")
        for place, item in enumerate(value):
            inner(item, f"{where}[{place}]")
        _need(at_most is None or len(value) <= at_most, where, f"a list of at most {at_most}")
        _need(not ordered or list(value) == sorted(set(value)), where, "sorted, each once")

    return shape


def fields(**shapes: Shape) -> Shape:
    """Return the shape of objects with exactly these keys. A trailing underscore keeps a name out of Python's way."""
    closed = {name.rstrip("_"): shape for name, shape in shapes.items()}

    def shape(value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise Defect(f"{where} is not an object")
        odd = sorted(map(str, value.keys() ^ closed.keys()))
        _need(not odd, where, f"closed; missing or unknown: {', '.join(odd)}")
        for name, inner in closed.items():
            inner(value[name], f"{where}.{name}")

    return shape


def anything(value: object, where: str) -> None:
    """Admit an object of any keys but the reserved one; used where another module closes the shape."""
    _need(isinstance(value, dict), where, "an object")
    refuse_reserved(value, where)


def refuse_reserved(value: object, where: str) -> None:
    """Refuse the reserved key at any depth."""
    if isinstance(value, dict):
        _need(RESERVED not in value, where, f"free of the key {RESERVED}")
        for name, item in value.items():
            refuse_reserved(item, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            refuse_reserved(item, f"{where}[{place}]")


def _need(holds: bool, where: str, what: str) -> None:  # noqa: FBT001 - the condition reads first, as in assert
    if not holds:
        raise Defect(f"{where} is not {what}")
