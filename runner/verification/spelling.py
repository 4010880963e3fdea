"""JSON parsed and spelt by the fastest library there is; what it accepts is judged elsewhere, the same for all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How JSON is read and written.

    Attributes:
        parse: text, or UTF-8, to a value; raises ValueError or RecursionError where it can not.
        spell: a value to text with sorted keys and no white space; raises ValueError, TypeError or RecursionError.
    """

    parse: Callable[[str | bytes], Any]
    spell: Callable[[Any], str]


def standard() -> Spelling:
    """Return what every Python has."""
    encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Spelling(parse=json.loads, spell=encoder.encode)


def fastest() -> Spelling:
    """Return `orjson` where it is installed, and else what every Python has."""
    try:
        import orjson
    except ImportError:
        return standard()
    dumps, sort_keys = orjson.dumps, orjson.OPT_SORT_KEYS

    def spell(value: Any) -> str:
        return dumps(value, option=sort_keys).decode()

    return Spelling(parse=orjson.loads, spell=spell)
