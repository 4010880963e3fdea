from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mishap_bench import Room

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The small ceremony, rehearsed with faults on cheap cards and a clock of the test's own."""
    return Room(tmp_path, monkeypatch)
