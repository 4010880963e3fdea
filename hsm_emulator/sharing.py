"""K-of-N sharing of a 32-byte token, and the sealed envelope in which a share lies on a card.

Shamir over GF(2^128) as pycryptodome has it, on the two 16-byte halves of the token. The library's `split` draws its
own randomness, so k-1 shares are drawn here and the others computed with its `combine`: addition in the field is
exclusive or, so interpolating at j instead of 0 means combining points moved by j. The distribution is that of `split`.

Bare Shamir answers a wrong set of shares with a wrong secret and no word. Hence the envelope binds what a share belongs
to, exactly k distinct shares are combined, and the assembled token must give the check value stored when it was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from Crypto.Protocol.SecretSharing import Shamir
from msgspec import Struct

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import Refused, Status
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.crypto import Draw

MOST: Final = 64
"""Cards a set can have at most."""

TOKEN: Final = 32
_HALF: Final = 16


class Quorum(Struct, frozen=True, kw_only=True):
    """`k` of `n` cards open the set."""

    k: int
    n: int

    def __post_init__(self) -> None:
        """Refuse a quorum that no set can have."""
        if not 1 <= self.k <= self.n <= MOST:
            raise Refused(Status.INVALID_PARAMETER, f"a quorum is 1 <= K <= N <= {MOST}, not {self.k} of {self.n}")


class Share(Unshown, frozen=True, kw_only=True):
    """One share: its index, counted from 1, and its 32 secret bytes."""

    index: int
    value: bytes


class Place(Struct, frozen=True, kw_only=True):
    """Where a share belongs: which token of which set of which world, with which index and quorum."""

    token: str
    world: str
    set_id: str
    index: int
    quorum: Quorum

    @property
    def label(self) -> bytes:
        """The canonical bytes that key and envelope are bound to."""
        parts = [self.token, self.world, self.set_id, self.index, self.quorum.k, self.quorum.n]
        return b"SIMULATED share 1\0" + encoding.encode(parts)


def split(token: bytes, quorum: Quorum, draw: Draw) -> tuple[Share, ...]:
    """Return the n shares of a 32-byte token, in the order of their indices."""
    if len(token) != TOKEN:
        raise ValueError("a token has 32 bytes")
    drawn = tuple(Share(index=i, value=draw.take(TOKEN)) for i in range(1, quorum.k))
    computed = (_share_at(j, token, drawn) for j in range(quorum.k, quorum.n + 1))
    return (*drawn, *computed)


def check_value(token: bytes, name: str, set_id: str) -> str:
    """Return what tells the right token from a wrong one and nothing else: 64 hex digits, public."""
    return crypto.hkdf(token, b"SIMULATED token check 1\0" + encoding.encode([name, set_id])).hex()


def assemble(shares: Sequence[Share], quorum: Quorum, name: str, set_id: str, check: str) -> bytes:
    """Return the token of exactly k shares with distinct indices.

    Raises:
        Refused: TokenAssemblyFailed for another number, a repeated or impossible index, or shares that do not
            belong together.
    """
    indices = [share.index for share in shares]
    if len(indices) != quorum.k or len(set(indices)) != quorum.k:
        raise _failed(f"{name} needs exactly {quorum.k} different shares")
    if not all(1 <= index <= quorum.n for index in indices):
        raise _failed(f"a share of {name} has an index beyond the set")
    token = _combine([(share.index, share.value) for share in shares])
    if not crypto.same(check_value(token, name, set_id).encode(), check.encode()):
        raise _failed(f"the shares of {name} do not belong together")
    return token


def seal_share(share: Share, place: Place, key: bytes, draw: Draw) -> bytes:
    """Return the envelope of a share under the card's key for this place (see `share_key`)."""
    return crypto.seal(key, share.value, place.label, draw)


def open_share(sealed: bytes, place: Place, key: bytes) -> Share | None:
    """Return the share, or None: a wrong PIN, chip, module key or place, or changed bytes."""
    value = crypto.unseal(key, sealed, place.label)
    return None if value is None or len(value) != TOKEN else Share(index=place.index, value=value)


def share_key(stretched: bytes, module_key: bytes, chip: bytes, place: Place) -> bytes:
    """Derive the key of one envelope from stretched PIN, module key and chip secret (32 bytes each)."""
    return crypto.hkdf(stretched + module_key + chip, place.label)


def _share_at(j: int, token: bytes, drawn: Sequence[Share]) -> Share:
    points = [(j, token), *((share.index ^ j, share.value) for share in drawn)]
    return Share(index=j, value=_combine(points))


def _combine(points: Sequence[tuple[int, bytes]]) -> bytes:
    halves = (slice(0, _HALF), slice(_HALF, TOKEN))
    return b"".join(Shamir.combine([(x, value[half]) for x, value in points]) for half in halves)


def _failed(words: str) -> Refused:
    return Refused(Status.TOKEN_ASSEMBLY_FAILED, words)
