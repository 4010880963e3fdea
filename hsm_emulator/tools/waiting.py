"""How new-world waits for the module to come into initialization mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hsm_emulator.errors import EmulatorError
from hsm_emulator.messages import Mode

if TYPE_CHECKING:
    from hsm_emulator.messages import ModuleState
    from hsm_emulator.tools.installation import Installation

WAIT: Final = 60
"""Seconds that new-world waits for initialization mode where `--wait-limit` does not say; the device waits for ever."""

_POLL: Final = 0.5


class WaitedTooLongError(EmulatorError):
    """The module did not come into the mode that was waited for. Nothing was changed."""


def await_initialization(at: Installation, limit: int) -> ModuleState:
    """Return the module once it is in initialization mode; others can reach it while this waits."""
    end = time.monotonic() + limit
    told = False
    while (module := at.module()).mode is not Mode.INITIALIZATION:
        words = f"module 1 is in {module.mode.value} mode; new-world needs initialization mode"
        if time.monotonic() >= end:
            raise WaitedTooLongError(f"{words}, and {limit} s were waited for it; nothing was changed")
        if not told:
            at.operator.show(f"{words}. Waiting for up to {limit} s.")
            told = True
        time.sleep(_POLL)
    return module
