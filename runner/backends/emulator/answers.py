"""What every emulated device says alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.exchange import DeviceRefused

if TYPE_CHECKING:
    from hsm_emulator.errors import Refused

NAME: Final = "emulator"
"""The kind of backend that a plan approves."""


def refused(refusal: Refused) -> DeviceRefused:
    """Return what an emulated device's refusal is to the runner."""
    return DeviceRefused(status=refusal.status.value, words=refusal.words)
