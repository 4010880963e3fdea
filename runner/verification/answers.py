"""What was typed in the room, read again: a value of the kind that was asked for, within its bounds, or no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from runner.verification.patterns import Pattern, matches, read_pattern
from runner.verification.reading import ShapeError
from runner.vocabulary import hex_digits, size_in_bytes

Value = str | int | bool

_WHOLE: Final = re.compile("0|-?[1-9][0-9]{0,14}")
_DAY: Final = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_SPELLED: Final = {
    "text": re.compile(".+", re.DOTALL),
    "choice": re.compile(".+", re.DOTALL),
    "date": re.compile(_DAY),
    "moment": re.compile(rf"{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"),
    "uuid": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "sha256": re.compile("[0-9a-f]{64}"),
    "key_hash": re.compile("[0-9a-f]{40}"),
}
TYPES: Final = frozenset({*_SPELLED, "whole", "flag", "size"})
"""What can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked: its type, the question, whether it is typed twice, and what else holds of the answer."""

    type: str
    ask: str
    twice: bool
    of: tuple[str, ...]
    pattern: Pattern | None
    at_least: int | None
    at_most: int | None
    max_length: int | None


def read_ask(item: dict[str, Any]) -> Ask:
    """Return an entry of a step's `asks`.

    Raises:
        ShapeError: it has a bound that is not for its type, a choice of nothing, or a pattern that is none.
    """
    kind, pattern = item["type"], item["pattern"]
    number, text = (item["at_least"], item["at_most"]), (pattern, item["max_length"])
    strange = (kind != "whole" and number != (None, None)) or (kind != "text" and text != (None, None))
    if strange or (kind == "choice") is not bool(item["of"]):
        raise ShapeError(f"the answer {item['name']} has a bound that is not one of its type")
    return Ask(
        type=kind,
        ask=item["ask"],
        twice=item["twice"],
        of=tuple(item["of"]),
        pattern=None if pattern is None else read_pattern(pattern),
        at_least=item["at_least"],
        at_most=item["at_most"],
        max_length=item["max_length"],
    )


def answer(ask: Ask, typed: str) -> Value | None:
    """Return what was typed as the value it is on record, or None where it is no answer to this."""
    value = _value(ask.type, typed.strip())
    if value is None or (ask.of and value not in ask.of):
        return None
    if isinstance(value, str):
        fits = ask.pattern is None or matches(ask.pattern, value)
        return value if fits and (ask.max_length is None or len(value) <= ask.max_length) else None
    over = ask.at_most is not None and value > ask.at_most
    return None if over or (ask.at_least is not None and value < ask.at_least) else value


def _value(kind: str, text: str) -> Value | None:
    match kind:
        case "flag":
            return {"true": True, "false": False}.get(text)
        case "whole":
            return int(text) if _WHOLE.fullmatch(text) else None
        case "size":
            return size_in_bytes(text)
        case "sha256" | "key_hash":
            text = hex_digits(text)
        case "uuid":
            text = text.lower()
        case _:
            pass
    return text if _SPELLED[kind].fullmatch(text) else None
