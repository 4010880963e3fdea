"""What a Security World is to be: cipher suite, mode, features with their quorums, and how long KNSO stays loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import tries
from hsm_emulator.errors import Refused, Status
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.messages import NewWorld
    from hsm_emulator.sharing import Quorum

SUITES: Final = frozenset(
    {
        "DLf1024s160mDES3",
        "DLf1024s160mRijndael",
        "DLf3072s256mRijndael",
        "DLf3072s256mAEScSP800131Ar1",
        "ECp521mAES",
    }
)
"""Cipher suites a world can be made with; the name is kept and changes no algorithm here (declared)."""

TOKENS: Final = {
    "LTNSO": ("KNSO",),
    "LTM": ("KM", "KMC"),
    "LTR": ("KRE", "KRA"),
    "LTP": ("KP",),
    "LTNV": ("KNV",),
    "LTRTC": ("KRTC",),
    "LTFTO": ("KFTO",),
    "LTDSEE": ("KDSEE",),
    "LTFIPS": ("KFIPS",),
}
"""Each token that an Administrator Card Set can have, and the keys it protects."""

TOKEN_OF: Final = {
    Feature.RECOVERY: "LTR",
    Feature.PASSPHRASE_RECOVERY: "LTP",
    Feature.NVRAM: "LTNV",
    Feature.CLOCK: "LTRTC",
    Feature.FOREIGN_TOKENS: "LTFTO",
    Feature.SEE_DEBUG: "LTDSEE",
}
"""The token behind each feature."""

ALWAYS: Final = ("LTNSO", "LTM")
"""Tokens of every world; their quorum is the whole K."""

FIPS: Final = "LTFIPS"
"""The token of a strict FIPS world: any one card has it."""

MINUTE: Final = 60
HOUR: Final = 3600


class Profile(Struct, frozen=True, kw_only=True):
    """What a world is besides its keys and cards.

    `tokens` are those of its card set in order; `thresholds` the quorum of those whose quorum is not K. `lockout` wrong
    PINs in a row lock a card of the set, 0 for never.
    """

    suite: str
    mode: WorldMode
    nso_timeout: int
    tokens: tuple[str, ...]
    thresholds: Mapping[str, int]
    lockout: int


def profile_of(command: NewWorld, needed: Quorum) -> Profile:
    """Return what a world is to be.

    All features are on but passphrase recovery, each with the quorum K; the time-out is the larger of 6 minutes a card
    and an hour.

    Raises:
        Refused: InvalidParameter, each with its own words.
    """
    if command.cipher_suite not in SUITES:
        words = f"there is no cipher suite {command.cipher_suite!r}; there are {', '.join(sorted(SUITES))}"
        raise _wrong(words)
    tries.demand_policy(command.lockout)
    given = dict(command.features)
    if len(given) != len(command.features):
        raise _wrong("a feature's quorum is given twice")
    if off := sorted(given.keys() & frozenset(command.without)):
        raise _wrong(f"a quorum is given for a feature that is left out: {', '.join(off)}")
    for feature, quorum in given.items():
        if not 1 <= quorum <= needed.n:
            raise _wrong(f"the quorum of {feature} is from 1 to {needed.n}, the number of cards, not {quorum}")
    on = (frozenset(Feature) - {Feature.PASSPHRASE_RECOVERY} | given.keys()) - frozenset(command.without)
    quora = {TOKEN_OF[feature]: given.get(feature, needed.k) for feature in on}
    if command.mode is WorldMode.FIPS_140_LEVEL_3:
        quora[FIPS] = 1
    return Profile(
        suite=command.cipher_suite,
        mode=command.mode,
        nso_timeout=_timeout(command.nso_timeout, needed),
        tokens=tuple(token for token in TOKENS if token in ALWAYS or token in quora),
        thresholds={token: quorum for token, quorum in quora.items() if quorum != needed.k},
        lockout=command.lockout,
    )


def _timeout(seconds: int, needed: Quorum) -> int:
    least, most = 3 * MINUTE * needed.n, max(10 * MINUTE * needed.n, 2 * HOUR)
    usual = max(6 * MINUTE * needed.n, HOUR)
    if seconds and not least <= seconds <= most:
        raise _wrong(f"the NSO timeout is from {least} to {most} s for {needed.n} cards, not {seconds} s")
    return seconds or usual


def _wrong(words: str) -> Refused:
    return Refused(Status.INVALID_PARAMETER, words)
