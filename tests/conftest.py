"""For every test: Ctrl-C is heard, files are in memory where there is room, and programs start as installed ones do.

Where all tools have to be there, a test that is skipped for want of any fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

EVERY_TOOL = "CEREMONY_TESTS_EVERY_TOOL"
"""Set where everything that tests call was installed before, as `.ci/run` does."""

ALLOWED = ("root may write anywhere", "no /dev/full here", "not a checkout")
"""Reasons to skip a test all the same."""


MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of the test run's own is made in it)
ROOM = 2 * 1024**3
"""Bytes that must be free there; a run takes an eighth of it."""


def pytest_configure() -> None:
    """Set up the process before any test.

    1. Hear Ctrl-C again where a shell started the tests in the background: what they start inherits how it is heard.
    2. Keep files in memory: a seventh of the time went into waiting for the disk. `TMPDIR` says otherwise.
    3. Let programs keep their compiled modules, as they do where nobody forbids it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _has_room(place: Path) -> bool:
    """Say whether a folder can hold what tests write, and run it."""
    if not place.is_dir() or not os.access(place, os.W_OK):
        return False
    return shutil.disk_usage(place).free >= ROOM and not os.statvfs(place).f_flag & os.ST_NOEXEC


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected = hasattr(report, "wasxfail") or any(reason in str(report.longrepr) for reason in ALLOWED)
    if report.skipped and EVERY_TOOL in os.environ and not expected:
        report.outcome = "failed"
    return report
