"""What the device is asked, and answers, about operators: their card sets and softcards, and what is loaded.

As in `messages.py`, of which this is a part: frozen, flat, without secrets; a command is whole. `token` in a command
is the name or the hkltu (40 hex digits) of a card set or softcard.
"""

from __future__ import annotations

from msgspec import Struct

from hsm_emulator.facts import (  # noqa: TC001 (msgspec reads type hints at run time)
    CardFact,
    CardSetFact,
    FileFact,
    KeyFact,
    LoadedFact,
    SlotFact,
    SoftcardFact,
)

# -- looking, changing nothing ---------------------------------------------------------------------------------------


class ListOperators(Struct, frozen=True, kw_only=True):
    """Which card sets and softcards are there, what is loaded, what is in the slot? Answered by `OperatorsListed`."""


class OperatorsListed(Struct, frozen=True, kw_only=True):
    """What the files say, read with the module's key, in the order of their hashes; what is loaded; the slot."""

    card_sets: tuple[CardSetFact, ...]
    softcards: tuple[SoftcardFact, ...]
    loaded: tuple[LoadedFact, ...]
    slot: SlotFact

    @property
    def tokens(self) -> tuple[CardSetFact | SoftcardFact, ...]:
        """Card sets and softcards together."""
        return (*self.card_sets, *self.softcards)


# -- changing the device: each is committed once, under a request id ---------------------------------------------------


class CreateCardSet(Struct, frozen=True, kw_only=True):
    """Make an operator card set on blank cards (createocs). Answered by `CardSetCreated`.

    `timeout` is in seconds, 0 for none. `recoverable` lets administrators give its cards new PINs.
    """

    name: str
    threshold: int
    cards: int
    persistent: bool
    timeout: int
    recoverable: bool = False


class CardSetCreated(Struct, frozen=True, kw_only=True):
    """A card set exists: all cards were written, read back and recombined. `file` is `cards_<hkltu>`."""

    hkltu: str
    cards: tuple[CardFact, ...]
    file: FileFact


class CreateSoftcard(Struct, frozen=True, kw_only=True):
    """Make a softcard with a new PIN (ppmk --new). Answered by `SoftcardCreated`.

    `recoverable` lets administrators give it a new PIN.
    """

    name: str
    recoverable: bool = False


class SoftcardCreated(Struct, frozen=True, kw_only=True):
    """A softcard exists, and was read back. `file` is `softcard_<hkltu>`."""

    hkltu: str
    file: FileFact


class CheckSoftcard(Struct, frozen=True, kw_only=True):
    """Check the PIN of a softcard (ppmk --check). Answered by `SoftcardChecked`."""

    token: str


class SoftcardChecked(Struct, frozen=True, kw_only=True):
    """The PIN is right."""

    hkltu: str


class ChangeSoftcard(Struct, frozen=True, kw_only=True):
    """Give a softcard a new PIN (ppmk --change). Answered by `SoftcardChanged`."""

    token: str


class SoftcardChanged(Struct, frozen=True, kw_only=True):
    """The softcard has the new PIN, and was read back with it."""

    hkltu: str
    file: FileFact


class RecoverSoftcard(Struct, frozen=True, kw_only=True):
    """Give a softcard a new PIN without the old one (ppmk --recover). Answered by `SoftcardRecovered`."""

    token: str


class SoftcardRecovered(Struct, frozen=True, kw_only=True):
    """The softcard has the new PIN, and was read back with it; `read` are the administrators' cards."""

    read: tuple[CardFact, ...]
    hkltu: str
    file: FileFact


class RecoverPin(Struct, frozen=True, kw_only=True):
    """Give an operator's card a new PIN without the old one (cardpp --recover). Answered by `PinRecovered`."""


class PinRecovered(Struct, frozen=True, kw_only=True):
    """The one card in `cards` has the new PIN, and was read back with it; `read` are the administrators' cards."""

    read: tuple[CardFact, ...]
    cards: tuple[CardFact, ...]


class DeleteSoftcard(Struct, frozen=True, kw_only=True):
    """Remove a softcard that protects no key (ppmk --delete). Answered by `SoftcardDeleted`."""

    token: str


class SoftcardDeleted(Struct, frozen=True, kw_only=True):
    """The file is gone; its digest is that of the bytes removed."""

    hkltu: str
    file: FileFact


class Preload(Struct, frozen=True, kw_only=True):
    """Load a card set or softcard and keep it in the module's memory (preload). Answered by `Preloaded`."""

    hkltu: str


class Preloaded(Struct, frozen=True, kw_only=True):
    """The token is loaded. `cards` were read for it: () where it was loaded already, or is a softcard."""

    hkltu: str
    cards: tuple[CardFact, ...]


class Unload(Struct, frozen=True, kw_only=True):
    """Forget loaded tokens, by their hkltu; one that is not loaded is passed over. Answered by `Unloaded`."""

    hkltus: tuple[str, ...]


class Unloaded(Struct, frozen=True, kw_only=True):
    """The tokens that were loaded and are no more."""

    hkltus: tuple[str, ...]


class RecoverKeys(Struct, frozen=True, kw_only=True):
    """Put keys under another card set or softcard, without the old one (rocs). Answered by `KeysRecovered`.

    `target` is its name or hkltu; `keys` are (application, identifier).
    """

    target: str
    keys: tuple[tuple[str, str], ...]


class KeysRecovered(Struct, frozen=True, kw_only=True):
    """All of the keys are under the target. `read` are the administrators' cards, `cards` those of the target."""

    hkltu: str
    read: tuple[CardFact, ...]
    cards: tuple[CardFact, ...]
    keys: tuple[KeyFact, ...]
    files: tuple[FileFact, ...]


class InsertCard(Struct, frozen=True, kw_only=True):
    """Put a card into the slot, where it stays between commands. Answered by `CardInserted`."""

    serial: str


class CardInserted(Struct, frozen=True, kw_only=True):
    """The card is in the slot; `hkltus` are what its coming unloaded: another card had to be taken out."""

    serial: str
    hkltus: tuple[str, ...]


class EjectCard(Struct, frozen=True, kw_only=True):
    """Take a card out of the slot. Answered by `CardEjected`."""

    serial: str


class CardEjected(Struct, frozen=True, kw_only=True):
    """The slot is empty; `hkltus` are the tokens that are not persistent and were unloaded with it."""

    serial: str
    hkltus: tuple[str, ...]


OperatorLook = ListOperators
OperatorChange = (
    CreateCardSet
    | CreateSoftcard
    | CheckSoftcard
    | ChangeSoftcard
    | DeleteSoftcard
    | RecoverSoftcard
    | RecoverPin
    | Preload
    | Unload
    | RecoverKeys
    | InsertCard
    | EjectCard
)
OperatorStored = (
    CardSetCreated
    | SoftcardCreated
    | SoftcardChecked
    | SoftcardChanged
    | SoftcardDeleted
    | SoftcardRecovered
    | PinRecovered
    | Preloaded
    | Unloaded
    | KeysRecovered
    | CardInserted
    | CardEjected
)
"""The replies that a receipt can hold."""

OperatorReply = OperatorsListed | OperatorStored
