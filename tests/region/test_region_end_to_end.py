"""From the emulated device to the vault: what the one packages, the other takes in, with the first one gone."""

from __future__ import annotations

import io
import shutil
import zipfile
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from region_source import DRAW, SUBSCRIPTION

from hsm_emulator import messages
from hsm_emulator.device import CardAsk, Device, Pin, PinAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.region import catalogue, client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERIALS = ("SIM-CARD-1", "SIM-CARD-2", "SIM-CARD-3")


class Operator:
    """Puts in one card after the other and types the PIN of each."""

    def __init__(self) -> None:
        self._cards = cycle(SERIALS)

    def card(self, _: CardAsk) -> str:
        return next(self._cards)

    def pin(self, _: PinAsk) -> Pin:
        return Pin("long enough 1")

    def tell(self, words: str) -> None:
        assert words


def export(folder: Path, code: str) -> tuple[bytes, str]:
    """Return a transfer package and the public key, as a ceremony makes them with the region's toolset."""
    with zipfile.ZipFile(io.BytesIO(catalogue.toolset(code))) as toolset:
        token = catalogue.region(code).token
        packages = {
            "kek_package": toolset.read(f"BYOK-KEK-pkg-{token}"),
            "world_package": toolset.read(f"BYOK-SecurityWorld-pkg-{token}"),
        }
    commands: list[Any] = [
        messages.ChangeMode(mode=Mode.INITIALIZATION),
        messages.NewWorld(cipher_suite="DLf3072s256mRijndael", threshold=2, cards=3),
        messages.ChangeMode(mode=Mode.OPERATIONAL),
        messages.GenerateKey(
            app="simple", ident="contosokey", plainname="contosokey", type="RSA", size=2048, protect="module",
            nvram=False, pubexp="",
        ),
        messages.ModifyAcls(app="simple", ident="contosokey", **packages),
        messages.Package(ident="contosokey", subscription_id=SUBSCRIPTION, friendly_name="FirstKey", **packages),
    ]  # fmt: skip
    with Device.manufacture(folder, esn="SIM-SOURCE", draw=DRAW, clock=lambda: 1.7e9, scrypt_n=16) as device:
        device.blank_cards(SERIALS)
        replies = [device.change(command, f"r{n}", Operator()) for n, command in enumerate(commands)]
        output = device.look(messages.CollectOutput(request_id=f"r{len(commands) - 1}"))
    made = replies[3]
    assert isinstance(made, messages.KeyGenerated)
    assert isinstance(output, messages.Output)
    return output.content, made.public_key


@pytest.mark.parametrize("code", ["eu", "germany-public"])
def test_the_device_exports_and_the_vault_imports(installed: Callable[[str], Path], tmp_path: Path, code: str) -> None:
    exporter = tmp_path / "exporter"
    content, public_key = export(exporter, code)
    shutil.rmtree(exporter)
    package = tmp_path / "KeyTransferPackage-FirstKey.byok"
    package.write_bytes(content)
    asked = {"vault": "ContosoVault", "name": "FirstKey", "subscription_id": SUBSCRIPTION, "request_id": "import-1"}
    with pytest.raises(Refused) as refusal:
        client.import_key(installed("na"), package, **asked)
    assert refusal.value.status is Status.UNKNOWN_KEY
    folder = installed(code)
    assert client.import_key(folder, package, **asked).public_key == public_key
    assert client.read_key(folder, "ContosoVault", "FirstKey").public_key == public_key
