"""The options of new-world that say what the new world is to be."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Final

from hsm_emulator import messages
from hsm_emulator.tools.arguments import quorum, whole_number
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from hsm_emulator.tools.arguments import Parser

_FEATURE: Final = re.compile(r"([a-z]{1,4})=([0-9]{1,2})")
_LATER: Final = {"fips-140-level-3": WorldMode.FIPS_140_LEVEL_3}
"""What later software calls a mode."""


def add_world(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument("-c", "--cipher-suite", metavar="SUITE", help="such as DLf3072s256mRijndael")
    parser.add_argument("-Q", "--acs-quorum", metavar="K/N", type=quorum, help="K of N cards open it, such as 2/3")
    mode = parser.add_mutually_exclusive_group()
    names = " or ".join(mode.value for mode in WorldMode)
    mode.add_argument("--mode", metavar="MODE", type=_mode, help=f"{names} (default: {WorldMode.UNRESTRICTED})")
    mode.add_argument(
        "-F",
        "--fips-140-2-level-3",
        dest="mode",
        action="store_const",
        const=WorldMode.FIPS_140_LEVEL_3,
        help="the same as --mode=fips-140-2-level-3",
    )
    parser.add_argument("-R", "--no-recovery", action="store_true", help="keys cannot be recovered, for ever")
    parser.add_argument(
        "--nso-timeout",
        metavar="SECONDS",
        type=whole_number,
        default=0,
        help="how long KNSO stays loaded (default: the larger of 6 minutes a card and an hour)",
    )
    parser.add_argument(
        "features",
        metavar="FEATURE=K",
        type=_feature,
        nargs="*",
        help="quora of their own: r= recovery, p= passphrase recovery (else there is none), nv=, rtc=, dsee=, fto=",
    )


def properties(options: argparse.Namespace) -> bool:
    """Say whether the options say anything of what a new world is to be."""
    named = (options.cipher_suite, options.acs_quorum, options.mode)
    return any(item is not None for item in named) or bool(
        options.no_recovery or options.nso_timeout or options.features
    )


def new_world(options: argparse.Namespace) -> messages.NewWorld:
    """Return the command that the options make; whether a world can be so, the device says."""
    k, n = options.acs_quorum
    return messages.NewWorld(
        cipher_suite=options.cipher_suite,
        threshold=k,
        cards=n,
        mode=options.mode or WorldMode.UNRESTRICTED,
        nso_timeout=options.nso_timeout,
        features=tuple(options.features),
        without=(Feature.RECOVERY,) if options.no_recovery else (),
    )


def _mode(text: str) -> WorldMode:
    modes = {mode.value: mode for mode in WorldMode} | _LATER
    if text == "common-criteria-cmts":
        raise argparse.ArgumentTypeError("worlds of mode common-criteria-cmts are not modelled")
    if text not in modes:
        raise argparse.ArgumentTypeError(f"a mode is {' or '.join(modes)}")
    return modes[text]


def _feature(text: str) -> tuple[Feature, int]:
    match = _FEATURE.fullmatch(text)
    if match is None or match[1] not in list(Feature):
        only = ", ".join(f"{item.value}=K" for item in Feature)
        raise argparse.ArgumentTypeError(f"a feature's quorum is one of {only}; that of the module, m=, is always K")
    return Feature(match[1]), int(match[2])
