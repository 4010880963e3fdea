from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from crash_bench import Traced, make_place, trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def traced() -> Iterator[Traced]:
    place = make_place()
    yield trace(place)
    shutil.rmtree(place)


@pytest.fixture
def place() -> Iterator[Path]:
    made = make_place()
    yield made
    shutil.rmtree(made)
