from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings

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


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> bench.Left:
    """A rehearsal on cheap ground, for tests that only want to know what was asked and said."""
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        made = bench.rehearse(tmp_path_factory.mktemp("quick") / "record", "eu")
    assert made.code == 0, made.err[-400:]
    return made


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rehearsals of this test stand on cheap ground."""
    sittings.cheaply(monkeypatch)


@pytest.fixture
def twin(left: bench.Left, tmp_path: Path) -> bench.Left:
    """A copy of the record that a test may damage."""
    return left.copy(tmp_path)
