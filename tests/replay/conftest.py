from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=bench.GOLDEN)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden record that a test may change."""
    record = tmp_path / request.param / "record"
    shutil.copytree(bench.GOLDENS / request.param / "record", record)
    return record
