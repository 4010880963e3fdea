from __future__ import annotations

from typing import TYPE_CHECKING

import fault_bench
import pytest

from runner.backends.emulator.hsm import EmulatedHsm
from runner.backends.emulator.region import EmulatedVault
from runner.host import simulated_room
from runner.host.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The base's files in an otherwise empty current folder."""
    monkeypatch.chdir(tmp_path)
    fault_bench.copy_base(tmp_path)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened or made: simulated devices and vaults, and folders. Everything goes on as it would."""
    seen: list[str] = []

    def noted(place: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(place, name)

        def through(*args: Any, **kwargs: Any) -> Any:
            seen.append(f"{place.__name__}.{name}")
            return real(*args, **kwargs)

        monkeypatch.setattr(place, name, through)

    for place, name in (
        (EmulatedHsm, "__init__"),
        (EmulatedVault, "__init__"),
        (simulated_room, "make_hsm"),
        (simulated_room, "make_vault"),
        (Disk, "mkdir"),
    ):
        noted(place, name)
    return seen
