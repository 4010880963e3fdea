from __future__ import annotations

import shutil
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

from hsm_emulator import crypto

sys.path.insert(0, str(Path(__file__).parent.parent / "emulator"))

from emulator_bench import rsa_pool

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@pytest.fixture
def published_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let devices take the published keys one after the other: to make RSA keys takes longer than all else they do."""
    turns = count()

    def rsa(_draw: crypto.SystemDraw, bits: int) -> RSAPrivateKey:
        pool = rsa_pool(bits)
        return pool[next(turns) % len(pool)]

    monkeypatch.setattr(crypto.SystemDraw, "rsa", rsa)


@pytest.fixture(params=bench.SMALL)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden record that a test may change."""
    record = tmp_path / request.param / "record"
    shutil.copytree(bench.GOLDENS / request.param / "record", record)
    return record
