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
