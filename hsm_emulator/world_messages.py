"""What Security Worlds can be, as commands and answers say it: frozen, flat, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldFact:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaFact:
    """An area of the module's NVRAM; `size` in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAreas:
    """Which areas are there (nvram-sw --list)? Answered by `AreasListed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreasListed:
    """All areas by name, and how many bytes are `free`."""

    areas: tuple[AreaFact, ...]
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadArea:
    """What is in an area (nvram-sw --read)? Answered by `AreaRead`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaRead:
    """All bytes of an area."""

    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateArea:
    """Set an area aside, full of zeros (nvram-sw --allocate). Answered by `AreaChanged`."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteArea:
    """Write an area; what `content` leaves over becomes zeros (nvram-sw --write). Answered by `AreaChanged`."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeArea:
    """Give an area up with what is in it (nvram-sw --delete). Answered by `AreaChanged`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveArea:
    """Copy an area into a file of the world's folder, sealed (nvram-backup --save). Answered by `AreaChanged`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreArea:
    """Bring an area back from its file (nvram-backup --restore). Answered by `AreaChanged`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaChanged:
    """It is done; `size` is the area's, `serials` are the administrator cards that were read for it."""

    name: str
    size: int
    serials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseModule:
    """Forget the Security World (initunit). Answered by `ModuleErased`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleErased:
    """The module is in no world; `hknso` is the one it was in, "" for none."""

    hknso: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseCards:
    """Make these cards blank (bulkerase). Answered by `CardsErased`."""

    serials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsErased:
    """The cards are blank; the files `names` of the world's folder went with the last cards of their sets."""

    serials: tuple[str, ...]
    names: tuple[str, ...]


WorldLook = ListAreas | ReadArea
WorldChange = AllocateArea | WriteArea | FreeArea | SaveArea | RestoreArea | EraseModule | EraseCards
WorldStored = AreaChanged | ModuleErased | CardsErased
WorldReply = AreasListed | AreaRead | WorldStored
