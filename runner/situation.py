"""What is true in the room at one moment: the HSM's mode and world, the cards, the artefacts, what was imported.

`check` walks a plan through a chain of these, one per step; nothing here touches a device.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class DeviceNow(Struct, frozen=True, kw_only=True):
    """An HSM: its mode, and the card set whose Security World it holds (None: no world)."""

    mode: str
    world: str | None


class ArtefactNow(Struct, frozen=True, kw_only=True):
    """An artefact: the station it is at, whether the device or the station keeps it, and since when it has a backup."""

    at: str
    store: str
    made_by: str | None
    backed_up: bool = False
    gone: bool = False


class VaultKeyNow(Struct, frozen=True, kw_only=True):
    """A key in a vault: the step that imported it, and the artefact that it came as."""

    imported_by: str
    package: str


class Situation(Struct, frozen=True, kw_only=True):
    """What is true now. Methods return the situation after a change.

    `custody` is how card sets and media are kept, for those that somebody said it of and nobody used since.
    `on_media` is what was put on each medium, with the bytes each artefact may take there; nothing is taken off again.
    `vault_keys` are the keys that were imported, by vault and name as `in_vault` gives them.
    """

    devices: Mapping[str, DeviceNow]
    card_sets: Mapping[str, str]
    artefacts: Mapping[str, ArtefactNow]
    custody: Mapping[str, str]
    on_media: Mapping[str, Mapping[str, int]]
    vault_keys: Mapping[tuple[str, str], VaultKeyNow]

    def device_after(self, device: str, *, mode: str | None = None, world: str | None = None) -> Situation:
        """Return the situation in which the device has this mode, or holds this world."""
        now = self.devices[device]
        changed = replace(now, mode=mode or now.mode, world=world or now.world)
        return replace(self, devices=MappingProxyType({**self.devices, device: changed}))

    def cards_after(self, card_set: str, state: str) -> Situation:
        """Return the situation in which the card set is blank, written, retired or destroyed."""
        return replace(self, card_sets=MappingProxyType({**self.card_sets, card_set: state}))

    def custody_after(self, subject: str, custody: str | None) -> Situation:
        """Return the situation in which a card set or a medium is kept so; None: nobody says how any more."""
        kept = {name: how for name, how in self.custody.items() if name != subject}
        if custody is not None:
            kept[subject] = custody
        return replace(self, custody=MappingProxyType(kept))

    def medium_after(self, medium: str, files: Mapping[str, int]) -> Situation:
        """Return the situation in which these artefacts are on the medium too, each with the bytes it may take."""
        there = MappingProxyType({**self.on_media.get(medium, {}), **files})
        return replace(self, on_media=MappingProxyType({**self.on_media, medium: there}))

    def import_after(self, vault: str, name: str, key: VaultKeyNow) -> Situation:
        """Return the situation in which the vault holds this key by this name."""
        return replace(self, vault_keys=MappingProxyType({**self.vault_keys, in_vault(vault, name): key}))

    def artefact_after(self, artefact: str, now: ArtefactNow) -> Situation:
        """Return the situation in which the artefact is so."""
        return replace(self, artefacts=MappingProxyType({**self.artefacts, artefact: now}))

    def artefacts_after(self, artefacts: Iterable[str], become: Callable[[ArtefactNow], ArtefactNow]) -> Situation:
        """Return the situation in which those of them that are there have become so."""
        there = {name: become(self.artefacts[name]) for name in artefacts if name in self.artefacts}
        return replace(self, artefacts=MappingProxyType({**self.artefacts, **there}))


def in_vault(vault: str, name: str) -> tuple[str, str]:
    """Return what a key in a vault is known by: case makes no difference there, as in the service."""
    return vault.lower(), name.lower()


NOTHING = Situation(
    devices=MappingProxyType({}),
    card_sets=MappingProxyType({}),
    artefacts=MappingProxyType({}),
    custody=MappingProxyType({}),
    on_media=MappingProxyType({}),
    vault_keys=MappingProxyType({}),
)
"""The empty room."""
