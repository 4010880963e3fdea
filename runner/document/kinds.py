"""Whether a value is what its type says: the types of parameters, typed answers and region values.

Digests may be written in groups and in either case; they are compared without.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from runner.values import WORDS, as_value, same_spelling
from runner.vocabulary import hex_digits

HEX_DIGITS: Final = {"sha256": 64, "key_hash": 40}
"""Digits of each kind of digest; `key_hash` is the SHA-1 hash by which nShield names a key."""

LONGEST_ANSWER_PATTERN: Final = 200

_ESCAPED: Final = r"\\[!-/:-@\[-`{-~]"
_MEMBER: Final = rf"(?:[^\\\[\]^&~|-]|{_ESCAPED})"
_CLASS: Final = rf"\[\^?(?:{_MEMBER}(?:-{_MEMBER})?)+-?\]"
_COUNT: Final = r"(?:[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})?"
_ANSWER_PATTERN: Final = re.compile(rf"(?:(?:[^\\\[\](){{}}*+?|^$]|{_ESCAPED}|{_CLASS}){_COUNT})+")
"""Pieces, each a character, `.` or a class, and how often it may stand there."""


def misfit(kind: str, value: str | int | bool, pattern: str | None = None) -> str:  # noqa: FBT001 (a value of the file)
    """Return why `value` is not of a type, in words that follow "this"; "" where it is.

    Args:
        kind: a type of the language, such as `sha256`.
        value: the value as written.
        pattern: a regular expression the whole text must match.
    """
    kind = "text" if kind == "choice" else kind
    if kind in HEX_DIGITS and isinstance(value, str):
        return _digest(HEX_DIGITS[kind], hex_digits(value))
    if as_value(kind, value) is None:
        quotes = ": put it in quotes" if not isinstance(value, str) and kind not in {"whole", "flag"} else ""
        return f"must be {WORDS[kind]}{quotes}"
    if isinstance(value, str) and not value.strip():
        return "must not be empty"
    if pattern is not None and isinstance(value, str) and not re.fullmatch(pattern, value):
        return f"does not match the pattern {pattern}"
    return ""


def pattern_fault(pattern: str) -> str:
    """Return why text is no regular expression, or one that means something else in a later Python; else ""."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as fault:
        return f"this is not a regular expression: {fault}"
    return ""


def answer_pattern_fault(pattern: str) -> str:
    """Return why a regular expression cannot be that of an answer, or "".

    Whoever verifies a record holds answers to it, in another program: so it has only what docs/record.md lists.
    """
    if len(pattern) > LONGEST_ANSWER_PATTERN:
        return f"the pattern of an answer has at most {LONGEST_ANSWER_PATTERN} characters"
    if not _ANSWER_PATTERN.fullmatch(pattern):
        return "the pattern of an answer has characters, classes in [ ] and counts only: no groups, no |, no \\d"
    return ""


def same_text(kind: str, value: str | int | bool) -> str:  # noqa: FBT001 (a value of the file)
    """Return a value as it is compared with others of its type: digests without case and spaces, text without case."""
    return str(same_spelling(kind, value)).casefold()


def _digest(digits: int, text: str) -> str:
    strange = next((character for character in text if character not in "0123456789abcdef"), None)
    if strange is not None:
        return f"must be {digits} hexadecimal digits; `{strange}` is none"
    return "" if len(text) == digits else f"must be {digits} hexadecimal digits; this has {len(text)}"
