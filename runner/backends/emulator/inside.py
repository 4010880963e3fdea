"""What an emulated device stands on, and what of it goes wrong on demand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hsm_emulator import crypto, faults
from hsm_emulator.device import Device
from hsm_emulator.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Inside(Struct, frozen=True, kw_only=True):
    """What an emulated device stands on: randomness, clock, files, and the cost of a PIN on the cards it writes."""

    draw: crypto.Draw = field(default_factory=crypto.SystemDraw)
    clock: Callable[[], float] = time.time
    disk: Disk = field(default_factory=Disk)
    scrypt_n: int = crypto.SCRYPT_N
    faults: faults.Faults | None = None

    def device_in(self, folder: Path) -> Device:
        """Return the device of an installation, open.

        Raises:
            Refused: as `Device.open`.
        """
        return Device.open(folder, draw=self.draw, clock=self.clock, disk=self.disk)


def faulty(inside: Inside, wait: Callable[[float], None]) -> tuple[Inside, faults.Faults]:
    """Return what a device stands on that goes wrong on demand, and what says when; `wait` lets seconds pass."""
    wrong = faults.Faults(clock=inside.clock, wait=wait)
    return replace(inside, clock=wrong.now, disk=Disk(wrong.announce), faults=wrong), wrong


def as_fault(what: str, *, nth: int, seconds: int, gives_up: bool) -> faults.Fault | None:
    """Return what a word of fault files means to a device, None where it means nothing to it.

    Args:
        what: such as `card-wrong`.
        nth: at which ask or change it comes, from 1.
        seconds: for how long, or by how much.
        gives_up: whether the holder of the right card cancels.
    """
    match what:
        case "card-pulled":
            return faults.CardPulled(ask=nth)
        case "card-blank" | "card-wrong" | "card-worn":
            serial = {"card-blank": faults.BLANK, "card-wrong": faults.OTHER, "card-worn": faults.WORN}[what]
            return faults.AnotherCard(ask=nth, serial=serial, cancels=gives_up)
        case "device-power" | "device-full":
            return faults.DiskFails(change=nth, how="power" if what == "device-power" else "full")
        case "device-slow":
            return faults.Slow(seconds=seconds)
        case "device-clock":
            return faults.ClockStep(seconds=seconds)
        case _:
            return None
