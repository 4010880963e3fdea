from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from region_source import DRAW, TOKENS, Lab

from hsm_emulator import byok, crypto
from hsm_emulator.disk import Disk
from hsm_emulator.region import catalogue
from hsm_emulator.region.vault import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def worlds() -> dict[str, catalogue.World]:
    return {token: catalogue.world(token) for token in TOKENS}


@pytest.fixture(scope="session")
def targets(worlds: dict[str, catalogue.World]) -> dict[str, byok.VerifiedPackages]:
    return {token: byok.verify_packages(w.kek_package, w.world_package) for token, w in worlds.items()}


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab(kek=crypto.rsa_private_der(DRAW.rsa(2048)))


@pytest.fixture(scope="session")
def source() -> Lab:
    """A customer's HSM; its `kek` is the key to be transferred."""
    return Lab(kek=crypto.rsa_private_der(DRAW.rsa(2048)), esn="SIMULATED-SOURCE")


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[str], Path]:
    def make(code: str) -> Path:
        folder = tmp_path / "regions" / code
        install(folder, code, DRAW, Disk())
        return folder

    return make
