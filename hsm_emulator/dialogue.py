"""The operator at the card slot, as the device sees him: which card is in the slot, which PIN is typed."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal, NoReturn, Protocol

from msgspec import Struct
from typing_extensions import override

from hsm_emulator.errors import Refused, Status

ACS: Final = "Administrator Card Set"
WORLD: Final = "Security World"
"""What is asked for a card of: the administrators' set, or, for any card of the world, the world."""

LONGEST: Final = 1024
"""Bytes of UTF-8 a PIN can have; the real limit is not public."""


SOFTCARD: Final = "softcard-"
"""How what stands for a softcard's serial begins; no card's serial does."""


def card_name(set_name: str, number: int) -> str:
    """Return how the tools name a card; "blank card" where nothing is written on it."""
    if set_name == ACS:
        return f"Admin Card #{number}"
    return f"`{set_name}' #{number}" if set_name else "blank card"


class Pin:
    """A PIN or passphrase. It has no text form, cannot be copied by accident and cannot be pickled.

    Kept as NFC-normalised UTF-8 (Unicode UAX #15), so the same words give the same PIN on every keyboard; never
    truncated. An empty one is allowed, as on the device.
    """

    __slots__ = ("_bytes",)

    def __init__(self, typed: str) -> None:
        try:
            self._bytes = unicodedata.normalize("NFC", typed).encode()
        except UnicodeEncodeError:
            raise Refused(Status.INVALID_PARAMETER, "the passphrase has no UTF-8 form") from None
        if len(self._bytes) > LONGEST:
            raise Refused(Status.INVALID_PARAMETER, f"the passphrase is longer than {LONGEST} bytes")

    def reveal(self) -> bytes:
        """Return the bytes: for the key derivation only."""
        return self._bytes

    @override
    def __repr__(self) -> str:
        return "<PIN>"

    @override
    def __format__(self, _: str) -> str:
        return "<PIN>"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIN cannot be pickled or copied")


class CardAsk(Struct, frozen=True, kw_only=True):
    """Asks for a card in the slot.

    `number` is the number it will get when written, None when read; `done` of `total` cards are written or read.
    """

    purpose: Literal["write", "read"]
    set_name: str
    number: int | None
    done: int
    total: int


class PinAsk(Struct, frozen=True, kw_only=True):
    """Asks for the PIN of the card in the slot, or of a softcard, whose `serial` is `softcard-` and its hash.

    `new` is true when the PIN is being set, `attempt` counts the asks for this card from 1. A PIN that comes before
    `wait_seconds` have passed is not looked at; it uses up an ask but is no try. `left` is how many asks there will be
    after this one in the same request; the card itself only makes one wait longer (`Chip.wait_ms`).
    """

    set_name: str
    number: int
    serial: str
    new: bool
    attempt: int
    left: int
    wait_seconds: int

    @property
    def holder(self) -> str:
        """Whose PIN it is, in the operator's words."""
        return f"softcard {self.set_name}" if self.serial.startswith(SOFTCARD) else f"card {self.serial}"


class Dialogue(Protocol):
    """The operator at the slot; implemented by the caller."""

    def card(self, ask: CardAsk) -> str | None:
        """Return the serial of the card that is now in the slot, None to cancel the command."""
        ...

    def pin(self, ask: PinAsk) -> Pin:
        """Return what was typed."""
        ...

    def tell(self, words: str) -> None:
        """Show a sentence to the operator; never a secret."""
        ...
