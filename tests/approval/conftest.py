from __future__ import annotations

from typing import TYPE_CHECKING

import approval_bench
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> approval_bench.Bench:
    """The small ceremony, in an otherwise empty current folder, with no `ssh-agent` in sight."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return approval_bench.Bench(tmp_path, capsys, monkeypatch)
