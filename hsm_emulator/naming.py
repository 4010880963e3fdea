"""Which card set or softcard somebody means who gives a name or a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from hsm_emulator.errors import Refused, Status

if TYPE_CHECKING:
    from collections.abc import Sequence


class Named(Protocol):
    """What protects keys: its name, and its hash (40 hex digits)."""

    @property
    def name(self) -> str:
        """Its name for people; several can have it."""
        ...

    @property
    def hkltu(self) -> str:
        """The hash of its token."""
        ...


T = TypeVar("T", bound=Named)


def called(there: Sequence[T], named: str, kind: str) -> T:
    """Return the one of them that has a name or a hash.

    Raises:
        Refused: UnknownID, saying which there are; InvalidParameter where several have the name.
    """
    found = [made for made in there if named in (made.name, made.hkltu)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(Status.INVALID_PARAMETER, f"several are called {named}; say which by its hash")
    names = ", ".join(made.name for made in there) or "none"
    raise Refused(Status.UNKNOWN_ID, f"there is no {kind} {named!r}; there are: {names}")
