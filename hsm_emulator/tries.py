"""Tries of a card's PIN: how many there are, when the chip looks at the next, and what it means to lose the card.

There are two policies; which, the chip knows since the card was written. `delay`, the device's: each wrong PIN makes it
look at none for longer. `lockout: N`, emulator-defined: N wrong PINs in a row and it never looks at one again; another
card set takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import cards
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.state import CARDSTORE

if TYPE_CHECKING:
    from hsm_emulator.cards import Membership
    from hsm_emulator.state import State

ASKS: Final = 3
"""How often a card's PIN is asked for within one request. Each is a try of a person; nothing tries by itself."""

MOST: Final = 1000
"""Wrong PINs in a row that a lockout can allow at most."""


def demand_policy(lockout: int) -> None:
    """Refuse a policy that no card can have.

    Raises:
        Refused: InvalidParameter.
    """
    if not 0 <= lockout <= MOST:
        words = f"a card is locked after 1 to {MOST} wrong passphrases, or with 0 never; not after {lockout}"
        raise Refused(Status.INVALID_PARAMETER, words)


def ready(state: State, serial: str, now_ms: int) -> State:
    """Return the state in which the card's PIN is asked for next.

    A clock that was set back would make the card wait until its last try comes again; the wait begins now.

    Raises:
        Refused: TokenAuthFailed, the card is locked.
    """
    inside = cards.chip(state, serial)
    if inside.locked:
        raise _locked(serial, inside.lockout)
    if inside.failures == 0 or inside.last_ms <= now_ms:
        return state
    return cards.put_chip(state, serial, replace(inside, last_ms=now_ms))


def left(state: State, serial: str, asks: int) -> int:
    """Return how many asks there can be after this one, of those that the request still has."""
    inside = cards.chip(state, serial)
    return min(asks, inside.lockout - inside.failures - 1) if inside.lockout else asks


def warning(state: State, serial: str, membership: Membership) -> str:
    """Return what must be said before a try: that it is the last, and what is lost with the card; "" for nothing."""
    inside = cards.chip(state, serial)
    if not inside.lockout or inside.failures + 1 < inside.lockout:
        return ""
    others, k = _usable(state, membership) - 1, membership.quorum.k
    words = f"LAST TRY: another wrong passphrase locks card {serial} for good"
    if others >= k:
        return f"{words}; {others} cards of the set are left then, of which {k} are needed"
    return f"{words}, AND ONLY {others} CARDS ARE LEFT THEN WHERE {k} ARE NEEDED: THE SET OPENS NOTHING ANY MORE"


def wrong(state: State, serial: str, holder: str, asked: int) -> Refused:
    """Return the refusal after a wrong PIN, which was asked for so many times; the card may be locked by it.

    `holder` is whose PIN it is, in the operator's words.
    """
    inside = cards.chip(state, serial)
    if inside.locked:
        return _locked(serial, inside.lockout)
    return Refused(Status.DECRYPT_FAILED, f"{holder}: the passphrase is wrong, and was asked for {asked} times")


def _locked(serial: str, lockout: int) -> Refused:
    words = f"card {serial} is locked after {lockout} wrong passphrases; only another card set takes its place"
    return Refused(Status.TOKEN_AUTH_FAILED, words)


def _usable(state: State, membership: Membership) -> int:
    """Return how many cards of the same set are here and not locked."""
    found = 0
    for path in state.files:
        serial = path.removeprefix(CARDSTORE).removesuffix(".card")
        if not path.startswith(CARDSTORE) or not cards.known(state, serial):
            continue
        try:
            other = cards.read(state, serial)
        except DamagedFile:
            continue
        same = other is not None and (other.world, other.set_id) == (membership.world, membership.set_id)
        found += same and not cards.chip(state, serial).locked
    return found
