"""A simulated region: its vault as a backend, and what it publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator.errors import Refused
from hsm_emulator.region import catalogue, client, vault
from runner.backends.emulator.answers import NAME, refused
from runner.backends.emulator.inside import Inside
from runner.backends.interface import Audit, DeviceReport, Inventory, Since
from runner.errors import Uncertain
from runner.exchange import (
    VAULT,
    DeviceRefused,
    ImportKey,
    KeyImported,
    ReadVaultKey,
    VaultKeyRead,
)

if TYPE_CHECKING:
    from pathlib import Path

    from runner.backends.interface import StationFiles

NO_HEAD: Final = "0" * 64
"""The head of an audit log before its first receipt."""


class EmulatedVault:
    """The vault of a simulated region; imports run in a process of their own."""

    def __init__(self, folder: Path, files: StationFiles) -> None:
        self._folder = folder
        self._files = files

    def report(self) -> DeviceReport:
        """Return what the vault says of itself."""
        state = client.state(self._folder)
        return DeviceReport(
            id=VAULT,
            backend=NAME,
            serial=f"SIMULATED-{state.code}",
            audit=Audit(size=state.size, head=state.head),
            inventory=Inventory(
                mode="operational",
                world="",
                keys=tuple(sorted(f"{key.vault}/{key.name}/{key.key_hash}" for key in state.keys)),
                cards=(),
            ),
        )

    def since(self, head: str) -> Since:
        """Return what the vault did after that head of its audit log."""
        known, requests = client.since(self._folder, head)
        return Since(known=known, requests=requests)

    def holds(self, request_id: str) -> bool:
        """Say whether the vault performed the request of that id."""
        return request_id in client.since(self._folder, NO_HEAD)[1]

    def import_key(self, request: ImportKey, request_id: str) -> KeyImported | DeviceRefused:
        """Import a package."""
        try:
            reply = client.import_key(
                self._folder,
                self._files.path(request.at, request.package),
                vault=request.vault,
                name=request.name,
                subscription_id=request.subscription_id,
                request_id=request_id,
            )
        except Refused as refusal:
            return refused(refusal)
        except client.NoAnswerError:
            words = "the vault gave no answer; whether it imported the key is not known"
            raise Uncertain(words, rule="RUN022") from None
        return KeyImported(key_hash=reply.key_hash, public_key=reply.public_key, kid=reply.kid)

    def read_vault_key(self, request: ReadVaultKey) -> VaultKeyRead | DeviceRefused:
        """Read a key's public half."""
        try:
            key = client.read_key(self._folder, request.vault, request.name)
        except Refused as refusal:
            return refused(refusal)
        return VaultKeyRead(key_hash=key.key_hash, public_key=key.public_key, kid=key.kid)


def make_vault(folder: Path, region: str, inside: Inside | None = None) -> None:
    """Install the simulated region's vault in a new folder."""
    on = inside or Inside()
    vault.install(folder, region, on.draw, on.disk)


class SimulatedPublisher:
    """What the simulated region publishes: its toolset."""

    def __init__(self, region: str | None) -> None:
        self._region = region

    def publish(self, file: str) -> bytes | None:
        """Return the toolset if it is asked for by its name."""
        if self._region is None or catalogue.toolset_name(self._region) != file:
            return None
        return catalogue.toolset(self._region)


def has_region(region: str | None) -> bool:
    """Say whether the emulator simulates a region."""
    return region in {known.code for known in catalogue.REGIONS}


def simulated_trust(region: str) -> dict[str, str]:
    """Return the fixed simulated values by name: what a rehearsal compares with."""
    return catalogue.simulated_trust(region)
