"""The clock: the only place where the runner asks what time it is."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct, field


class Clock(Protocol):
    """What the log needs of time."""

    @property
    def boot(self) -> str:
        """16 hex digits that name this process's monotonic clock."""
        ...

    def now(self) -> str:
        """Return UTC as `2026-11-25T18:23:05.123456Z`."""
        ...

    def mono_us(self) -> int:
        """Return microseconds of a clock that never goes back, from 0 at the start of this process's log."""
        ...


class SystemClock(Struct, frozen=True):
    """The machine's clock."""

    boot: str = field(default_factory=lambda: secrets.token_hex(8))
    _start: int = field(default_factory=time.monotonic_ns)

    def now(self) -> str:
        """Return the machine's UTC."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def mono_us(self) -> int:
        """Return microseconds since this clock was made."""
        return (time.monotonic_ns() - self._start) // 1000


def today() -> str:
    """Return the UTC date, `2026-11-25`."""
    return datetime.now(UTC).date().isoformat()


def in_a_year() -> str:
    """Return the UTC date 365 days from today, `2027-11-25`."""
    return (datetime.now(UTC).date() + timedelta(days=365)).isoformat()


class DeviceClock:
    """The clock of a simulated device, for which a wait is over at once."""

    def __init__(self) -> None:
        self._waited = 0.0

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self._waited

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._waited += seconds
