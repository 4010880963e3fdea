"""Facts that the device's answers are made of: frozen, flat, without secrets.

Key hashes are 40 hex digits, file digests SHA-256 in lower-case hex, sizes are in bytes, times in seconds.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Mode(StrEnum):
    """State of the module's mode switch; `FAILED` is what a module is in that failed, whatever its switch says."""

    OPERATIONAL = "operational"
    INITIALIZATION = "initialization"
    MAINTENANCE = "maintenance"
    FAILED = "failed"


class FileFact(Struct, frozen=True, kw_only=True):
    """A file the device keeps or made: its name below `local/`, its size and its SHA-256."""

    name: str
    size: int
    sha256: str


class CardFact(Struct, frozen=True, kw_only=True):
    """A card of a set: the number printed on it, counted from 1, and the serial of the plastic."""

    number: int
    serial: str


class KeyFact(Struct, frozen=True, kw_only=True):
    """A key file of the world: its application, identifier and key hash, and what protects it.

    `protect` is module, token (a card set) or softcard; `hkltu` is the hash of that token, "" for the module.
    """

    app: str
    ident: str
    key_hash: str
    protect: str
    hkltu: str


class CardSetFact(Struct, frozen=True, kw_only=True):
    """An operator card set: `threshold` of `cards` open it.

    A `persistent` one stays loaded when its last card is taken out. `timeout` is how long it stays loaded at all, 0 for
    ever. `recoverable` says that administrators can give its cards new PINs.
    """

    hkltu: str
    name: str
    threshold: int
    cards: int
    persistent: bool
    timeout: int
    recoverable: bool


class SoftcardFact(Struct, frozen=True, kw_only=True):
    """A softcard; `recoverable` says that administrators can give it a new PIN."""

    hkltu: str
    name: str
    recoverable: bool


class LoadedFact(Struct, frozen=True, kw_only=True):
    """A token in the module's memory: that of a card set (`protect` is token) or a softcard."""

    hkltu: str
    name: str
    protect: str


class SlotFact(Struct, frozen=True, kw_only=True):
    """The card slot: the serial of the card in it, "" for none, and how many cards were put in, this one included.

    `set_name` and `number` are what is written on that card; "" and 0 for a blank or unreadable one.
    """

    serial: str
    insertions: int
    set_name: str
    number: int
