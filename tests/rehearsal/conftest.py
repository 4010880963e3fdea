from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bench.Left]:
    """One rehearsal for all tests that only look at what it left; nobody may change it."""
    with pytest.MonkeyPatch.context() as patch:
        made = bench.rehearse(tmp_path_factory.mktemp("eu") / "record", "eu", patch=patch)
    before = bench.tree(made.record.parent)
    yield made
    assert bench.tree(made.record.parent) == before


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[bench.Left, bench.Left]:
    """Two rehearsals at once, each in a process of its own, into one folder: Germany, and Europe a second time."""
    place = tmp_path_factory.mktemp("together")
    begun = [
        (place / code, bench.start("rehearse", "azure-byok", "--region", code, "--out", str(place / code)))
        for code in ("germany", "eu")
    ]
    one, two = [bench.finish(process, record) for record, process in begun]
    return one, two


@pytest.fixture
def twin(left: bench.Left, tmp_path: Path) -> bench.Left:
    """A copy of the record that a test may damage."""
    return left.copy(tmp_path)
