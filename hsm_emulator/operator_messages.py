"""What the device is asked, and answers, about operators: their card sets and softcards, and what is loaded.

As in `messages.py`, of which this is a part: frozen, flat, without secrets; a command is whole. `token` in a command
is the name or the hkltu (40 hex digits) of a card set or softcard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsm_emulator.facts import CardFact, CardSetFact, FileFact, KeyFact, LoadedFact, SlotFact, SoftcardFact

# -- looking, changing nothing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOperators:
    """Which card sets and softcards are there, what is loaded, what is in the slot? Answered by `OperatorsListed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorsListed:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCardSet:
    """Make an operator card set on blank cards (createocs). Answered by `CardSetCreated`.

    `timeout` is in seconds, 0 for none. `recoverable` lets administrators give its cards new PINs.
    """

    name: str
    threshold: int
    cards: int
    persistent: bool
    timeout: int
    recoverable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSetCreated:
    """A card set exists: all cards were written, read back and recombined. `file` is `cards_<hkltu>`."""

    hkltu: str
    cards: tuple[CardFact, ...]
    file: FileFact


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSoftcard:
    """Make a softcard with a new PIN (ppmk --new). Answered by `SoftcardCreated`.

    `recoverable` lets administrators give it a new PIN.
    """

    name: str
    recoverable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftcardCreated:
    """A softcard exists, and was read back. `file` is `softcard_<hkltu>`."""

    hkltu: str
    file: FileFact


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSoftcard:
    """Check the PIN of a softcard (ppmk --check). Answered by `SoftcardChecked`."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftcardChecked:
    """The PIN is right."""

    hkltu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSoftcard:
    """Give a softcard a new PIN (ppmk --change). Answered by `SoftcardChanged`."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftcardChanged:
    """The softcard has the new PIN, and was read back with it."""

    hkltu: str
    file: FileFact


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverSoftcard:
    """Give a softcard a new PIN without the old one (ppmk --recover). Answered by `SoftcardRecovered`."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftcardRecovered:
    """The softcard has the new PIN, and was read back with it; `read` are the administrators' cards."""

    read: tuple[CardFact, ...]
    hkltu: str
    file: FileFact


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverPin:
    """Give an operator's card a new PIN without the old one (cardpp --recover). Answered by `PinRecovered`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecovered:
    """The one card in `cards` has the new PIN, and was read back with it; `read` are the administrators' cards."""

    read: tuple[CardFact, ...]
    cards: tuple[CardFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSoftcard:
    """Remove a softcard that protects no key (ppmk --delete). Answered by `SoftcardDeleted`."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftcardDeleted:
    """The file is gone; its digest is that of the bytes removed."""

    hkltu: str
    file: FileFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    """Load a card set or softcard and keep it in the module's memory (preload). Answered by `Preloaded`."""

    hkltu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preloaded:
    """The token is loaded. `cards` were read for it: () where it was loaded already, or is a softcard."""

    hkltu: str
    cards: tuple[CardFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    """Forget loaded tokens, by their hkltu; one that is not loaded is passed over. Answered by `Unloaded`."""

    hkltus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloaded:
    """The tokens that were loaded and are no more."""

    hkltus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverKeys:
    """Put keys under another card set or softcard, without the old one (rocs). Answered by `KeysRecovered`.

    `target` is its name or hkltu; `keys` are (application, identifier).
    """

    target: str
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRecovered:
    """All of the keys are under the target. `read` are the administrators' cards, `cards` those of the target."""

    hkltu: str
    read: tuple[CardFact, ...]
    cards: tuple[CardFact, ...]
    keys: tuple[KeyFact, ...]
    files: tuple[FileFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertCard:
    """Put a card into the slot, where it stays between commands. Answered by `CardInserted`."""

    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardInserted:
    """The card is in the slot; `hkltus` are what its coming unloaded: another card had to be taken out."""

    serial: str
    hkltus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectCard:
    """Take a card out of the slot. Answered by `CardEjected`."""

    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEjected:
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
