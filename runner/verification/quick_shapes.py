"""The closed shapes of entries, made into functions once, for lines that are to be recognised and not to be explained.

A function says yes only to what `runner.verification.reading.fit` lets pass and what is in the canonical subset besides
(`runner.canonical`): every key is one of a shape's, whole numbers are within ±(2⁵³-1), and nothing is deeper than a
shape is. Where it says no, the slow way is asked, and says why, or that all is well.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from runner.canonical import LARGEST
from runner.verification.forms import FORMS
from runner.verification.kinds import KINDS, REPLIES
from runner.verification.reading import rising

if TYPE_CHECKING:
    from collections.abc import Callable

    Checker = Callable[[Any], bool]

_ORDINARY: Final = frozenset(
    {
        "person.present",
        "person.left",
        "clock.stepped",
        "step.begun",
        "request",
        "reply",
        "attested",
        "step.done",
        "step.failed",
        "step.declined",
        "checkpoint",
    }
)
"""Types of which a log may have many; but for the device of a reply, their data follow no rule beside their shape."""


@cache
def quick_forms() -> dict[str, Checker]:
    """Return a function for the data of each ordinary type; requests and replies have the fields of their kind."""
    forms = {name: checker(FORMS[name]) for name in _ORDINARY}
    asked = {name: checker(kind.fields) for name, kind in KINDS.items()}
    told = {name: checker(fields) for name, fields in REPLIES.items()}
    forms["request"] = _of_kind(FORMS["request"], "request", asked)
    replied = _of_kind(FORMS["reply"], "reply", told)
    forms["reply"] = lambda value: replied(value) and (value["device"] is None or _in_order(value["device"]))
    return forms


def _of_kind(shape: dict[str, Any], part: str, kinds: dict[str, Checker]) -> Checker:
    """Return the function of a shape one part of which has the fields of its `kind`."""
    outer = checker({name: inner for name, inner in shape.items() if name != part}, more=1)

    def check(value: Any) -> bool:
        if not outer(value) or part not in value:
            return False
        inner = kinds.get(value["kind"])
        return inner is not None and inner(value[part])

    return check


def _in_order(device: dict[str, Any]) -> bool:
    inventory = device["inventory"]
    return rising(inventory["keys"]) and rising(inventory["cards"])


def checker(shape: Any, *, more: int = 0) -> Checker:
    """Return the function of a shape as `fit` understands it.

    Args:
        shape: the shape.
        more: how many fields an object has beside those of its shape, which somebody else looks at.
    """
    if isinstance(shape, dict):
        return _of_object(shape, more)
    if isinstance(shape, list):
        return _of_list(checker(shape[0]))
    if isinstance(shape, tuple):
        return _of_any(tuple(checker(option) for option in shape))
    return _of_one(shape)


def _of_one(shape: Any) -> Checker:
    if shape is None:
        return lambda value: value is None
    if isinstance(shape, re.Pattern):
        full = shape.fullmatch
        return lambda value: type(value) is str and full(value) is not None
    if isinstance(shape, frozenset):
        return lambda value: type(value) is str and value in shape
    if isinstance(shape, type):
        return _exact if shape is int else lambda value: type(value) is shape
    return lambda value: _exact(value) and shape(value)


def _exact(value: Any) -> bool:
    return type(value) is int and -LARGEST <= value <= LARGEST


def _of_list(inner: Checker) -> Checker:
    def check(value: Any) -> bool:
        if type(value) is not list:
            return False
        for item in value:  # noqa: SIM110 (a generator for each list of each entry takes longer than the checks)
            if not inner(item):
                return False
        return True

    return check


def _of_any(options: tuple[Checker, ...]) -> Checker:
    def check(value: Any) -> bool:
        for option in options:  # noqa: SIM110 (as above)
            if option(value):
                return True
        return False

    return check


def _of_object(shape: dict[str, Any], more: int) -> Checker:
    size = len(shape) + more
    texts = tuple(name for name, inner in shape.items() if inner is str)
    others = tuple((name, checker(inner)) for name, inner in shape.items() if inner is not str)

    def check(value: Any) -> bool:
        if type(value) is not dict or len(value) != size:
            return False
        try:
            for name in texts:
                if type(value[name]) is not str:
                    return False
            for name, inner in others:
                if not inner(value[name]):
                    return False
        except KeyError:
            return False
        return True

    return check
