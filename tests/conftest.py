"""For every test: where all tools have to be there, a test that is skipped for want of one fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

EVERY_TOOL = "CEREMONY_TESTS_EVERY_TOOL"
"""Set where everything that tests call was installed before, as `.ci/run` does."""

ALLOWED = ("root may write anywhere", "no /dev/full here", "not a checkout")
"""Reasons to skip a test all the same."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected = hasattr(report, "wasxfail") or any(reason in str(report.longrepr) for reason in ALLOWED)
    if report.skipped and EVERY_TOOL in os.environ and not expected:
        report.outcome = "failed"
    return report
