"""What Security Worlds can be, as commands and answers say it: frozen, flat, without secrets."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class WorldMode(StrEnum):
    """What a world demands of every generation of a key: nothing more, or a card of its own (strict FIPS)."""

    UNRESTRICTED = "unrestricted"
    FIPS_140_LEVEL_3 = "fips-140-2-level-3"


class Feature(StrEnum):
    """What a world's card set can be used for besides opening it; each has a token and a quorum of its own."""

    RECOVERY = "r"
    PASSPHRASE_RECOVERY = "p"  # noqa: S105 (the name of a feature)
    NVRAM = "nv"
    CLOCK = "rtc"
    SEE_DEBUG = "dsee"
    FOREIGN_TOKENS = "fto"


class WorldFact(Struct, frozen=True, kw_only=True):
    """A world as its file says it: `threshold` of `cards`; the features it has, each with its quorum.

    `nso_timeout` is how long KNSO stays loaded, in seconds; `hashes` are its keys' hashes by nfkminfo's names, as hkm.
    """

    suite: str
    mode: WorldMode
    threshold: int
    cards: int
    nso_timeout: int
    features: tuple[tuple[Feature, int], ...]
    hashes: tuple[tuple[str, str], ...]

    def has(self, feature: Feature) -> bool:
        """Say whether the world has a feature."""
        return feature in dict(self.features)


class AreaFact(Struct, frozen=True, kw_only=True):
    """An area of the module's NVRAM; `size` in bytes."""

    name: str
    size: int


class ListAreas(Struct, frozen=True, kw_only=True):
    """Which areas are there (nvram-sw --list)? Answered by `AreasListed`."""


class AreasListed(Struct, frozen=True, kw_only=True):
    """All areas by name, and how many bytes are `free`."""

    areas: tuple[AreaFact, ...]
    free: int


class ReadArea(Struct, frozen=True, kw_only=True):
    """What is in an area (nvram-sw --read)? Answered by `AreaRead`."""

    name: str


class AreaRead(Struct, frozen=True, kw_only=True):
    """All bytes of an area."""

    content: bytes


class AllocateArea(Struct, frozen=True, kw_only=True):
    """Set an area aside, full of zeros (nvram-sw --allocate). Answered by `AreaChanged`."""

    name: str
    size: int


class WriteArea(Struct, frozen=True, kw_only=True):
    """Write an area; what `content` leaves over becomes zeros (nvram-sw --write). Answered by `AreaChanged`."""

    name: str
    content: bytes


class FreeArea(Struct, frozen=True, kw_only=True):
    """Give an area up with what is in it (nvram-sw --delete). Answered by `AreaChanged`."""

    name: str


class SaveArea(Struct, frozen=True, kw_only=True):
    """Copy an area into a file of the world's folder, sealed (nvram-backup --save). Answered by `AreaChanged`."""

    name: str


class RestoreArea(Struct, frozen=True, kw_only=True):
    """Bring an area back from its file (nvram-backup --restore). Answered by `AreaChanged`."""

    name: str


class AreaChanged(Struct, frozen=True, kw_only=True):
    """It is done; `size` is the area's, `serials` are the administrator cards that were read for it."""

    name: str
    size: int
    serials: tuple[str, ...]


class EraseModule(Struct, frozen=True, kw_only=True):
    """Forget the Security World (initunit). Answered by `ModuleErased`."""


class ModuleErased(Struct, frozen=True, kw_only=True):
    """The module is in no world; `hknso` is the one it was in, "" for none."""

    hknso: str


class EraseCards(Struct, frozen=True, kw_only=True):
    """Make these cards blank (bulkerase). Answered by `CardsErased`."""

    serials: tuple[str, ...]


class CardsErased(Struct, frozen=True, kw_only=True):
    """The cards are blank; the files `names` of the world's folder went with the last cards of their sets."""

    serials: tuple[str, ...]
    names: tuple[str, ...]


WorldLook = ListAreas | ReadArea
WorldChange = AllocateArea | WriteArea | FreeArea | SaveArea | RestoreArea | EraseModule | EraseCards
WorldStored = AreaChanged | ModuleErased | CardsErased
WorldReply = AreasListed | AreaRead | WorldStored
