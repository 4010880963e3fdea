"""What a scalar of the file means: text, a whole number, a flag, or nothing.

The core meaning of YAML 1.2 without its surprises: only a plain decimal number that every reader understands alike is a
number, and the words that YAML 1.1 and 1.2 read differently must be quoted.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

DIGITS: Final = 15
"""Whole numbers of more digits stay text: beyond 2^53-1 readers disagree."""

_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)\Z", re.ASCII)
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+\Z", re.ASCII)
_NUMBER: Final = re.compile(
    r"[-+]?(\.?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.inf|\.nan)\Z", re.ASCII | re.IGNORECASE
)
_ITEM: Final = re.compile(r"""-(?P<item>[A-Za-z{\["'].*)\Z""", re.DOTALL)
_FLAGS: Final = {"true": True, "false": False}
_NOTHING: Final = frozenset({"", "null", "~"})
_AMBIGUOUS: Final = frozenset({"yes", "no", "on", "off", "y", "n"})
_SAYS_YES: Final = frozenset({"yes", "on", "y", "true"})


class Refused(Struct, frozen=True):
    """A scalar that may not stand without quotes.

    Attributes:
        code: the rule.
        message: what is wrong.
        help: what to write.
        quotable: whether the same text in quotes is what everybody takes it for; else a person must say.
    """

    code: str
    message: str
    help: str
    quotable: bool = False


def plain_value(text: str) -> str | int | bool | Refused | None:
    """Return the meaning of a scalar written without quotes."""
    if text in _NOTHING:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _WHOLE.match(text) and text != "-0":
        return int(text) if len(text) <= DIGITS else text
    if _LEADING_ZERO.match(text):
        return Refused("YAM017", f"`{text}` has a leading zero, which readers drop", f'write "{text}"', quotable=True)
    if "{{" in text:
        return Refused("YAM020", "a template stands without quotes", f'write "{text}"', quotable=True)
    return _word(text)


def after_dash(text: str) -> str | None:
    """Return what follows the dash of a list that no space stands behind; None where there is no such dash."""
    match = _ITEM.match(text)
    return None if match is None else match["item"]


def plain_key(text: str) -> str | Refused:
    """Return a key written without quotes, or why it is not text."""
    if text == "<<":
        return Refused("YAM012", "`<<` merges another mapping in", "write out what it stands for")
    if text == "":
        return Refused("YAM015", "the key before this colon is missing", "")
    if text in _NOTHING or text in _FLAGS or _NUMBER.match(text):
        return Refused("YAM015", f"the key `{text}` is not text", f'write "{text}"', quotable=True)
    if "{{" in text:
        return Refused(
            "YAM020", "a template stands where a key is expected", "write the key itself; only values are templated"
        )
    if text == "on":
        return text  # the one such word that is a key of a document: `withdrawn: {on: …}`
    word = _word(text)
    return word if isinstance(word, str) else Refused(word.code, word.message, f'write "{text}"', quotable=True)


def _word(text: str) -> str | Refused:
    lower = text.lower()
    if lower in _AMBIGUOUS:
        flag = "true" if lower in _SAYS_YES else "false"
        message = f"`{text}` is a word to some readers of YAML and a flag to others"
        advice = f'write "{text}" for the word, {flag} for the flag'
        return Refused("YAM016", message, advice)
    if lower in _FLAGS or lower == "null":
        return Refused("YAM016", f"`{text}` is written `{lower}`", f'write {lower}, or "{text}" for the word')
    return text
