from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

if TYPE_CHECKING:
    from pathlib import Path

GOLDEN = sorted(path.name for path in bench.GOLDENS.iterdir() if (path / "record").is_dir())


@pytest.fixture(params=GOLDEN)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden record that a test may change."""
    record = tmp_path / request.param / "record"
    shutil.copytree(bench.GOLDENS / request.param / "record", record)
    return record
