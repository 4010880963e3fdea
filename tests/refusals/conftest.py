from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import refusal_bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> refusal_bench.Bench:
    """The shipped ceremony, to be changed, in an otherwise empty current folder."""
    monkeypatch.chdir(tmp_path)
    return refusal_bench.Bench(tmp_path, capsys)
