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
