"""For every test: where all tools have to be there, a test that misses one fails instead of being skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

EVERY_TOOL = "CEREMONY_TESTS_EVERY_TOOL"
"""Set where everything that tests call was installed before, as `.ci/run` does."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and EVERY_TOOL in os.environ and "not installed" in str(report.longrepr):
        report.outcome = "failed"
    return report
