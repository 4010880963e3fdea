from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import synthetic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Written:
    return synthetic.write(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def record(pristine: synthetic.Written, tmp_path: Path) -> synthetic.Written:
    """A copy of the valid record that a test may damage."""
    shutil.copytree(pristine.folder.parent, tmp_path, dirs_exist_ok=True)
    return synthetic.Written(
        tmp_path / "record", tmp_path / "record.sim/trust.json", pristine.key, pristine.plan, list(pristine.lines)
    )


@pytest.fixture(scope="session")
def pristine_signed(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Written:
    return synthetic.write(tmp_path_factory.mktemp("signed"), signed=True)


@pytest.fixture
def signed(pristine_signed: synthetic.Written, tmp_path: Path) -> synthetic.Written:
    """A copy of the valid record that people signed, which a test may damage."""
    shutil.copytree(pristine_signed.folder.parent, tmp_path, dirs_exist_ok=True)
    return synthetic.Written(
        tmp_path / "record",
        tmp_path / "record.sim/trust.json",
        pristine_signed.key,
        pristine_signed.plan,
        list(pristine_signed.lines),
    )
