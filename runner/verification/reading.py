"""Closed shapes as plain data, for everything the verifier parses.

A shape is a type (exactly that type), a compiled pattern (text that matches it from end to end), a frozenset (one of
these texts), a tuple (any of these shapes; None stands for null), a list of one (a list of it), a dict (an object of
exactly these keys), or a predicate.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from runner.spoken import plain
from runner.vocabulary import ID as ID_PATTERN
from runner.vocabulary import NAME as NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ShapeError(ValueError):
    """A value does not have the shape it must have; the words name its place."""


def whole(value: Any) -> bool:
    """Say whether `value` is a whole number from 0; a flag is none."""
    return type(value) is int and value >= 0


def positive(value: Any) -> bool:
    """Say whether `value` is a whole number from 1; a flag is none."""
    return type(value) is int and value >= 1


def plain_name(value: Any) -> bool:
    """Say whether `value` can be a file's name in one folder: no separator, nothing without a shape, not hidden."""
    return type(value) is str and value != "" and plain(value) == value and "/" not in value and value[0] != "."


def day(value: Any) -> bool:
    """Say whether `value` is a day such as 2026-11-25."""
    if type(value) is not str or _DAY.fullmatch(value) is None:
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def mapping(value: Any) -> bool:
    """Say whether `value` is an object."""
    return type(value) is dict


SCALAR: Final = (str, int, bool)
ID: Final = re.compile(ID_PATTERN)
NAME: Final = re.compile(NAME_PATTERN)
HASH: Final = re.compile("[0-9a-f]{64}")
RULE: Final = re.compile("[A-Z]{3}[0-9]{3}")


def fit(value: Any, shape: Any, where: str) -> None:
    """Return if `value` has the shape.

    Raises:
        ShapeError: it has not; `where` and the way from there to the misfit are in the words.
    """
    if not fits(value, shape):
        raise ShapeError(_misfit(value, shape, where))


def fits(value: Any, shape: Any) -> bool:
    """Say whether `value` has the shape."""
    if isinstance(shape, dict):
        if type(value) is not dict or value.keys() != shape.keys():
            return False
        for name, inner in shape.items():  # noqa: SIM110 (a generator for each object takes longer than the checks)
            if not fits(value[name], inner):
                return False
        return True
    if isinstance(shape, list):
        return type(value) is list and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, tuple):
        return any(fits(value, option) for option in shape)
    return _plain(value, shape)


def _misfit(value: Any, shape: Any, where: str) -> str:
    """Return in words the first place where a value that has not the shape does not have it."""
    if isinstance(shape, dict):
        if type(value) is not dict or value.keys() != shape.keys():
            return f"{where} has not exactly its fields"
        name = next(name for name, inner in shape.items() if not fits(value[name], inner))
        return _misfit(value[name], shape[name], f"{where}.{name}")
    if isinstance(shape, list):
        if type(value) is not list:
            return f"{where} is not a list"
        place = next(place for place, item in enumerate(value) if not fits(item, shape[0]))
        return _misfit(value[place], shape[0], f"{where}[{place}]")
    if isinstance(shape, tuple):
        return f"{where} has none of its shapes"
    return f"{where} does not fit"


def _plain(value: Any, shape: Any) -> bool:
    if shape is None:
        return value is None
    if isinstance(shape, type):
        return type(value) is shape
    if isinstance(shape, re.Pattern):
        return type(value) is str and shape.fullmatch(value) is not None
    if isinstance(shape, frozenset):
        return type(value) is str and value in shape
    return bool(shape(value))


def rising(items: Sequence[Any]) -> bool:
    """Say whether the items rise strictly: sorted, each once."""
    return all(before < after for before, after in pairwise(items))
