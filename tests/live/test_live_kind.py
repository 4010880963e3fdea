"""What kind a live ceremony is: a rehearsal where anything in the room is simulated, whoever acts in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.document.environment import DeviceHere, Environment
from runner.host.live_sitting import Place, is_rehearsal


@pytest.mark.parametrize(
    ("backends", "rehearsal"),
    [
        (("emulator",), True),
        (("emulator", "genuine"), True),
        (("genuine", "emulator"), True),
        (("genuine",), False),
        ((), True),  # the publisher and the vault of such a place are the emulator's
    ],
)
def test_anything_simulated_makes_a_rehearsal(backends: tuple[str, ...], *, rehearsal: bool) -> None:
    devices = {
        f"hsm-{number}": DeviceHere.model_construct(backend=backend, serial=f"S-{number}")  # type: ignore[arg-type]
        for number, backend in enumerate(backends)
    }
    environment = Environment.model_construct(devices=devices)
    assert is_rehearsal(Place(environment=environment, base=Path(), sha256="ab" * 32)) is rehearsal
