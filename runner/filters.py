"""The filters of templates: `upper lower slug pad count`.

Each gives text or a whole number from text or a whole number, and nothing longer than what it was given but for `pad`
(at most 64 characters).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner.errors import PlaybookFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_PAD: Final = 64
_NO_LETTERS: Final = re.compile(r"[^a-z0-9]+")


class Filter(Struct, frozen=True):
    """A filter: what it does, the type of its one argument, and how it is written."""

    apply: Callable[..., Any]
    usage: str
    argument: type | None = None


def as_text(value: Any) -> str:
    """Return text or a whole number as it stands within text.

    Raises:
        PlaybookFault: the value is true, false or a list (TPL002).
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PlaybookFault("only text and whole numbers can stand within text", rule="TPL002")
    return str(value)


def _slug(text: str) -> str:
    return _NO_LETTERS.sub("-", text.lower()).strip("-")


def _count(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    raise PlaybookFault("`count` needs text", rule="TPL002")


def _pad(value: Any, width: int) -> str:
    if not 1 <= width <= MOST_PAD:
        raise PlaybookFault(f"`pad` makes texts of 1 to {MOST_PAD} characters", rule="TPL002")
    return as_text(value).rjust(width, "0")


FILTERS: Final[Mapping[str, Filter]] = {
    "upper": Filter(lambda value: as_text(value).upper(), "write | upper"),
    "lower": Filter(lambda value: as_text(value).lower(), "write | lower"),
    "slug": Filter(lambda value: _slug(as_text(value)), "write | slug"),
    "pad": Filter(_pad, "write | pad(3)", int),
    "count": Filter(_count, "write | count"),
}
