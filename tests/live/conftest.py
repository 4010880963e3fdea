"""The small ceremony, approved, in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_bench import Bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, capsys, monkeypatch)
