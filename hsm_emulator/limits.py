"""Limits of a permission group: how often, how often in one authorisation, and for how long it holds.

A limit whose facts are not given is not met: a caller that does not count uses or time gets nothing from such a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

from msgspec import Struct

from hsm_emulator import encoding
from hsm_emulator.errors import DamagedFile, Status

if TYPE_CHECKING:
    from collections.abc import Callable


class UseLimit(Struct, frozen=True, kw_only=True):
    """At most `uses` uses in the key's life, counted in the module's non-volatile memory under `counter`."""

    counter: str
    uses: int


class AuthorisationLimit(Struct, frozen=True, kw_only=True):
    """At most `uses` uses for each time the key is loaded: within one request."""

    uses: int


class TimeLimit(Struct, frozen=True, kw_only=True):
    """For `seconds` after the key was loaded."""

    seconds: int


Limit = UseLimit | AuthorisationLimit | TimeLimit


class Since(Struct, frozen=True, kw_only=True):
    """What happened since a key was loaded: how often it was used, and how many milliseconds passed."""

    uses: int
    age_ms: int


LOADED: Final = Since(uses=0, age_ms=0)
"""A key just loaded."""


def spent(limit: Limit, used: Callable[[str], int], since: Since | None) -> Status | None:
    """Return why a limit allows no further use, None where it allows one."""
    match limit:
        case UseLimit(counter=counter, uses=uses):
            return Status.USE_LIMIT_EXCEEDED if used(counter) >= uses else None
        case AuthorisationLimit(uses=uses):
            return Status.USE_LIMIT_EXCEEDED if since is None or since.uses >= uses else None
        case TimeLimit(seconds=seconds):
            lives = since is not None and 0 <= since.age_ms < seconds * 1000  # a clock that was set back has run out
            return None if lives else Status.TIME_LIMIT_EXCEEDED
        case _:
            assert_never(limit)


def narrower(new: Limit | None, old: Limit | None) -> bool:
    """Say whether `new` allows nothing that `old` does not: the same kind, and counter, and no larger."""
    match old:
        case None:
            return True
        case UseLimit(counter=counter, uses=uses):
            return isinstance(new, UseLimit) and new.counter == counter and new.uses <= uses
        case AuthorisationLimit(uses=uses):
            return isinstance(new, AuthorisationLimit) and new.uses <= uses
        case TimeLimit(seconds=seconds):
            return isinstance(new, TimeLimit) and new.seconds <= seconds
        case _:
            assert_never(old)


def describe(limit: Limit) -> str:
    """Return the limit in the operator's words."""
    match limit:
        case UseLimit(counter=counter, uses=uses):
            return f"at most {uses} use(s), counted as {counter}"
        case AuthorisationLimit(uses=uses):
            return f"at most {uses} use(s) each time it is loaded"
        case TimeLimit(seconds=seconds):
            return f"for {seconds} s after it is loaded"
        case _:
            assert_never(limit)


def to_data(limit: Limit | None) -> dict[str, Any] | None:
    """Return the limit in its stored form."""
    match limit:
        case None:
            return None
        case UseLimit(counter=counter, uses=uses):
            return {"counter": counter, "uses": uses}
        case AuthorisationLimit(uses=uses):
            return {"authorisation": uses}
        case TimeLimit(seconds=seconds):
            return {"seconds": seconds}
        case _:
            assert_never(limit)


def from_data(value: object) -> Limit | None:
    """Return the limit of its stored form.

    Raises:
        DamagedFile: not a form that `to_data` gives.
    """
    if value is None:
        return None
    if isinstance(value, dict) and "authorisation" in value:
        data = encoding.fields(value, frozenset({"authorisation"}), "a limit")
        return AuthorisationLimit(uses=_number(data["authorisation"]))
    if isinstance(value, dict) and "seconds" in value:
        return TimeLimit(seconds=_number(encoding.fields(value, frozenset({"seconds"}), "a limit")["seconds"]))
    data = encoding.fields(value, frozenset({"counter", "uses"}), "a use limit")
    if not isinstance(data["counter"], str):
        raise DamagedFile("the counter of a use limit is not text")
    return UseLimit(counter=data["counter"], uses=_number(data["uses"]))


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DamagedFile("a limit is not a whole number")
    return value
