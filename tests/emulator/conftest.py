"""Fixtures of the emulator's tests; what they are made of is in `emulator_bench.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, make_packages
from operators_bench import Staffed
from tool_bench import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def packages() -> Packages:
    return make_packages()


@pytest.fixture(scope="session")
def origins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A device with blank cards, and one with a 2-of-3 world and one key: copied for each test."""
    base = tmp_path_factory.mktemp("origins")
    for name in ("blank", "ready"):
        made = Bench(base / name)
        if name == "ready":
            made.world()
            made.key()
        made.device.close()
    return base / "blank", base / "ready"


@pytest.fixture
def bench(tmp_path: Path, origins: tuple[Path, Path]) -> Iterator[Bench]:
    """A device with eight blank cards and no world."""
    made = Bench(tmp_path / "hsm", seed="copy", like=origins[0])
    yield made
    made.device.close()


@pytest.fixture
def ready(tmp_path: Path, origins: tuple[Path, Path]) -> Iterator[Bench]:
    """A device with a 2-of-3 world and one key."""
    made = Bench(tmp_path / "ready", seed="copy", like=origins[1])
    yield made
    made.device.close()


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(name: str, **options: object) -> Bench:
        made.append(Bench(tmp_path / name, **options))  # type: ignore[arg-type]  # passed on as they are
        return made[-1]

    yield make
    for item in made:
        item.device.close()


@pytest.fixture(scope="session")
def staffed_origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device with a card set, a softcard and a key under each: copied for each test."""
    made = Staffed(tmp_path_factory.mktemp("staffed") / "hsm")
    made.device.close()
    return made.folder


@pytest.fixture
def staffed(tmp_path: Path, staffed_origin: Path) -> Iterator[Staffed]:
    """A device with a 2-of-3 card set, a softcard, and a key under each and under the module."""
    made = Staffed(tmp_path / "staffed", seed="copy", like=staffed_origin)
    yield made
    made.device.close()


@pytest.fixture
def staffed_tools(staffed: Staffed) -> Tools:
    """The tools on that device."""
    staffed.device.close()
    return Tools(staffed.folder)


@pytest.fixture
def tools(ready: Bench) -> Tools:
    """The tools on a device with a 2-of-3 world and one key."""
    ready.device.close()
    return Tools(ready.folder)


@pytest.fixture
def blank_tools(bench: Bench) -> Tools:
    """The tools on a device with eight blank cards and no world."""
    bench.device.close()
    return Tools(bench.folder)
