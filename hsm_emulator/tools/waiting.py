"""How new-world and initunit wait for the module to come into initialization mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hsm_emulator.errors import EmulatorError, Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.tools.arguments import whole_number

if TYPE_CHECKING:
    from hsm_emulator.messages import ModuleState
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

WAIT: Final = 60
"""Seconds that a tool waits for initialization mode where `--wait-limit` does not say; the device waits for ever."""

_POLL: Final = 0.5


class WaitedTooLongError(EmulatorError):
    """The module did not come into the mode that was waited for. Nothing was changed."""


def add_wait_limit(parser: Parser) -> None:
    """Add `--wait-limit SECONDS`, which the vendor's tools do not have."""
    parser.add_argument(
        "--wait-limit",
        metavar="SECONDS",
        type=whole_number,
        default=WAIT,
        help=f"how long to wait for initialization mode (default: {WAIT}; an extension of the emulator)",
    )


def await_initialization(at: Installation, tool: str, limit: int) -> ModuleState:
    """Return the module once it is in initialization mode; in operational mode this waits, and others can reach it.

    Raises:
        Refused: InvalidState in maintenance mode and where it failed: nobody comes from there by switching once.
        WaitedTooLongError: `limit` seconds have passed.
    """
    end = time.monotonic() + limit
    told = False
    while (module := at.module()).mode is not Mode.INITIALIZATION:
        words = f"module 1 is in {module.mode.value} mode; {tool} needs initialization mode"
        if module.mode is not Mode.OPERATIONAL:
            raise Refused(Status.INVALID_STATE, f"{words}, which is waited for in operational mode only")
        if time.monotonic() >= end:
            raise WaitedTooLongError(f"{words}, and {limit} s were waited for it; nothing was changed")
        if not told:
            at.operator.show(f"{words}. Waiting for up to {limit} s.")
            told = True
        time.sleep(_POLL)
    return module
