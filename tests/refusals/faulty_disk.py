"""An operating system whose disk fails at one moment: stands where the runner's disk module has `os`."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any

COUNTED = ("write", "fsync", "fdatasync", "link")


@dataclass
class FaultyOs:
    """Passes everything on, and counts what makes bytes or names durable; from the `at`-th of these on it fails.

    how: `full` from then on for ever; `once` at that one only; `short` at that one, where it is a write, takes only
    half of the bytes, and is full after it.
    """

    at: int
    how: str
    count: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name not in COUNTED:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.how == "short" and self.count == self.at and name == "write":
                return os.write(args[0], bytes(args[1])[: len(args[1]) // 2])
            if self.count == self.at or (self.count > self.at and self.how != "once"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return found(*args, **kwargs)

        return call
