"""The types a parameter, a typed answer or a result can have, and how text becomes one.

`text whole flag date moment uuid sha256 key_hash public_key size choice`. Digests compare without case and spaces, so
they are kept as lower-case hex; a uuid is kept in lower case; a size is kept in bytes.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from runner.vocabulary import hex_digits, size_in_bytes

Value = str | int | bool

TYPES: Final = ("text", "whole", "flag", "date", "moment", "uuid", "sha256", "key_hash", "size", "choice")
"""The types an author may declare."""

WORDS: Final = {
    "text": "text",
    "whole": "a whole number",
    "flag": "true or false",
    "date": "a date such as 2027-06-30",
    "moment": "a moment such as 2026-12-01T00:00:00Z",
    "uuid": "a UUID such as 11111111-2222-4333-8444-555555555555",
    "sha256": "a SHA-256 digest of 64 hex digits",
    "key_hash": "a key hash of 40 hex digits",
    "size": "a size such as 16 MB",
    "choice": "one of the choices",
}

_PATTERNS: Final = {
    "date": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII),
    "moment": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}
_DIGITS: Final = {"sha256": re.compile(r"[0-9a-f]{64}"), "key_hash": re.compile(r"[0-9a-f]{40}")}
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")


class Bounds(Protocol):
    """What a value is held to beyond its type; None and an empty `of` hold it to nothing.

    `of` lists what can be chosen, all of a text matches `pattern`, a whole number is from `at_least` to `at_most`, and
    a text has no more than `max_length` characters.
    """

    @property
    def of(self) -> tuple[str, ...]: ...  # noqa: D102 (described above)

    @property
    def pattern(self) -> str | None: ...  # noqa: D102

    @property
    def at_least(self) -> int | None: ...  # noqa: D102

    @property
    def at_most(self) -> int | None: ...  # noqa: D102

    @property
    def max_length(self) -> int | None: ...  # noqa: D102


def as_value(kind: str, given: Value) -> Value | None:  # noqa: PLR0911 (one return per kind)
    """Return `given` as the one spelling of a value of the type `kind`, or None where it is none."""
    if kind == "flag":
        return given if isinstance(given, bool) else None
    if kind == "whole":
        return given if isinstance(given, int) and not isinstance(given, bool) else None
    if not isinstance(given, str):
        return None
    if kind == "size":
        return size_in_bytes(given)
    if kind in _DIGITS:
        digits = hex_digits(given)
        return digits if _DIGITS[kind].fullmatch(digits) else None
    if kind in _PATTERNS:
        return same_spelling(kind, given) if _PATTERNS[kind].fullmatch(given) else None
    return given


def typed(kind: str, text: str) -> Value | None:
    """Return what a person typed as a value of the type `kind`, or None where it does not fit.

    White space around it is dropped; empty text is no value.
    """
    text = text.strip()
    if not text:
        return None
    if kind == "flag":
        return {"true": True, "false": False}.get(text)
    if kind == "whole":
        return int(text) if _WHOLE.fullmatch(text) else None
    return as_value(kind, text)


def answered(kind: str, text: str) -> Value | None:
    """Return what a person typed in the room as a value, or None where it does not fit.

    As `typed`, and text with control or invisible characters fits nothing: it goes into the log and onto screens.
    """
    return typed(kind, text) if text.strip().isprintable() else None


def same_spelling(kind: str, value: Value) -> Value:
    """Return the value as it is compared: digests without case and spaces, uuids without case."""
    if isinstance(value, str):
        if kind in _DIGITS:
            return hex_digits(value)
        if kind == "uuid":
            return value.lower()
    return value


def outside(bounds: Bounds, value: Value) -> str:
    """Return which bound a value of the right type does not keep, in words that follow "it"; "" where it keeps all."""
    if bounds.of and value not in bounds.of:
        return "must be one of: " + ", ".join(bounds.of)
    return _text_outside(bounds, value) if isinstance(value, str) else _number_outside(bounds, value)


def _text_outside(bounds: Bounds, value: str) -> str:
    if bounds.pattern is not None and not re.fullmatch(bounds.pattern, value):
        return f"does not match the pattern {bounds.pattern}"
    if bounds.max_length is not None and len(value) > bounds.max_length:
        return f"must be at most {bounds.max_length} characters long"
    return ""


def _number_outside(bounds: Bounds, value: int) -> str:
    if bounds.at_least is not None and value < bounds.at_least:
        return f"must be at least {bounds.at_least}"
    if bounds.at_most is not None and value > bounds.at_most:
        return f"must be at most {bounds.at_most}"
    return ""


def wanted(kind: str, bounds: Bounds) -> str:
    """Return what a value must be, in words for whoever types it: `a whole number, at least 1, at most 9`."""
    if bounds.of:
        return "one of: " + ", ".join(bounds.of)
    parts = [WORDS[kind]]
    if bounds.pattern is not None:
        parts.append(f"of the form {bounds.pattern}")
    parts += [
        f"{words} {bound}"
        for words, bound in (("at least", bounds.at_least), ("at most", bounds.at_most))
        if bound is not None
    ]
    if bounds.max_length is not None:
        parts.append(f"at most {bounds.max_length} characters")
    return ", ".join(parts)
