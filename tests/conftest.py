"""For every test: Ctrl-C is heard; where all tools have to be there, one that is skipped for want of any fails."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

EVERY_TOOL = "CEREMONY_TESTS_EVERY_TOOL"
"""Set where everything that tests call was installed before, as `.ci/run` does."""

ALLOWED = ("root may write anywhere", "no /dev/full here", "not a checkout")
"""Reasons to skip a test all the same."""


def pytest_configure() -> None:
    """Hear Ctrl-C again where a shell started the tests in the background: what they start inherits how it is heard."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected = hasattr(report, "wasxfail") or any(reason in str(report.longrepr) for reason in ALLOWED)
    if report.skipped and EVERY_TOOL in os.environ and not expected:
        report.outcome = "failed"
    return report
