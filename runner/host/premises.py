"""What a machine has in the room, opened for one sitting: devices by their serials, folders of stations and media.

Everything is found before anything is opened, so a machine that lacks something is refused with nothing touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from msgspec import Struct

from runner.backends.emulator.hsm import EmulatedHsm
from runner.backends.emulator.region import EmulatedVault, SimulatedPublisher
from runner.backends.emulator.setting_up import LOCAL
from runner.errors import WrongUse
from runner.host.stations import Stations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.backends.interface import CardDialogue, Hsm, Vault
    from runner.document.environment import Environment
    from runner.host.disk import Disk
    from runner.plan import Device, Plan

ABSENT: Final = "DEV002"

_VAULT_KINDS: Final = frozenset({"import_key", "read_vault_key"})
"""Requests that go to the device `vault`."""


class Found(Struct, frozen=True, kw_only=True):
    """Where everything is that this machine plays: folders by id.

    Attributes:
        played: the stations, in the plan's order.
        stations: the folder of each station played.
        media: the folder of each medium that is attached here.
        devices: the installation of each device at those stations, with its serial.
        vault: the folder of the receiving vault; None where no station here reaches one.
    """

    played: tuple[str, ...]
    stations: Mapping[str, Path]
    media: Mapping[str, Path]
    devices: Mapping[str, tuple[Path, str]]
    vault: Path | None


def find(disk: Disk, environment: Environment, plan: Plan, *, base: Path) -> Found:
    """Look what is here, changing nothing.

    Args:
        disk: the only way to files.
        environment: which devices and folders stand for what the plan names.
        plan: what is needed.
        base: the folder of the environment file, to which its paths are relative.

    Raises:
        WrongUse: a station, device or medium is not in the plan or not in the environment; DEV002, a device or the
            region's vault is not there, or a serial is there twice.
    """
    _require_named(environment, plan)
    played = tuple(item.id for item in plan.stations if item.id in environment.stations)
    folders = environment.folders
    modules = _modules(disk, base / folders.devices)
    return Found(
        played=played,
        stations={station: base / folders.work / station for station in played},
        devices={
            item.id: _device(environment, item, modules, base / folders.devices)
            for item in plan.devices
            if item.at in played
        },
        vault=_vault(disk, plan, played, base / folders.vaults),
        media=_media(disk, environment, plan, base),
    )


class Premises:
    """What `find` found, open. Made by `open`; closed by `close` or `with`, on every path."""

    def __init__(
        self, found: Found, *, stations: Stations, hsms: Mapping[str, Hsm], vault: Vault | None, sha256: str
    ) -> None:
        self.played = found.played
        self.stations = stations
        self.hsms = hsms
        self.vault = vault
        self.environment_sha256 = sha256

    @classmethod
    def open(
        cls,
        disk: Disk,
        environment: Environment,
        plan: Plan,
        *,
        base: Path,
        sha256: str,
        dialogue: CardDialogue,
    ) -> Self:
        """Find everything, then make the stations' folders and open the devices.

        Args:
            disk: the only way to files.
            environment: which devices and folders stand for what the plan names.
            plan: what is needed.
            base: the folder of the environment file.
            sha256: digest of the environment file.
            dialogue: the people at the card slot.

        Raises:
            WrongUse: as `find`; nothing was opened. DEV002, a device is in use.
        """
        found = find(disk, environment, plan, base=base)
        for folder in found.stations.values():
            disk.mkdir(folder, private=True)
        stations = Stations(
            disk,
            stations=found.stations,
            media=found.media,
            device_stores={
                item.at: found.devices[item.id][0] / LOCAL for item in plan.devices if item.id in found.devices
            },
            publisher=SimulatedPublisher(plan.region),
        )
        hsms: dict[str, Hsm] = {}
        try:
            for device, (place, serial) in found.devices.items():
                hsms[device] = EmulatedHsm(
                    place,
                    device=device,
                    serial=serial,
                    card_set=plan.only_administrators,
                    files=stations,
                    dialogue=dialogue,
                )
        except BaseException:
            _close(hsms)
            raise
        vault = None if found.vault is None else EmulatedVault(found.vault, stations)
        return cls(found, stations=stations, hsms=hsms, vault=vault, sha256=sha256)

    def close(self) -> None:
        """Let others have the devices."""
        _close(self.hsms)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close(hsms: Mapping[str, Hsm]) -> None:
    for hsm in hsms.values():
        hsm.close()


def _require_named(environment: Environment, plan: Plan) -> None:
    """Refuse an environment that names what the plan does not have: it is one for another ceremony."""
    for kind, named, known in (
        ("station", environment.stations, plan.stations),
        ("device", environment.devices, plan.devices),
        ("medium", environment.media, plan.media),
    ):
        ids = {item.id for item in known}
        if strangers := sorted(set(named) - ids):
            words = f"the environment {environment.id} has the {kind} {strangers[0]}, and the plan has {_list(ids)}"
            raise WrongUse(words)


def _list(ids: set[str]) -> str:
    return ", ".join(sorted(ids)) or "none"


def _modules(disk: Disk, devices: Path) -> list[tuple[str, Path]]:
    """Return serial and folder of every installation below a folder; an installation holds `silicon/<serial>/nv`."""
    modules = []
    for name in disk.list(devices):
        match name.split("/"):
            case [*above, "silicon", serial, "nv"]:
                modules.append((serial, devices.joinpath(*above)))
            case _:
                pass
    return modules


def _device(
    environment: Environment, device: Device, modules: list[tuple[str, Path]], devices: Path
) -> tuple[Path, str]:
    """DEV002: return the one installation whose module has the device's serial."""
    here = environment.devices.get(device.id)
    if here is None:
        raise WrongUse(f"the environment {environment.id} does not say which device {device.id} is", rule=ABSENT)
    places = [place for serial, place in modules if serial == here.serial]
    if len(places) != 1:
        count = "no device" if not places else f"{len(places)} devices"
        raise WrongUse(f"{count} below {devices} with the serial {here.serial} of {device.id}", rule=ABSENT)
    return places[0], here.serial


def _media(disk: Disk, environment: Environment, plan: Plan, base: Path) -> dict[str, Path]:
    """Return the folders of the media that are here: at least those that are written or read at the stations played."""
    here = {name: base / medium.folder for name, medium in environment.media.items()}
    for step in plan.active_steps():
        medium = step.settings.get("medium")
        written = step.station in environment.stations
        if medium is None or not (written or step.settings.get("to") in environment.stations):
            continue
        if medium not in here:
            raise WrongUse(f"step {step.id} needs the medium {medium}, and the environment does not say where it is")
        if written:
            disk.require_writable(here[medium])
    return here


def _vault(disk: Disk, plan: Plan, played: tuple[str, ...], vaults: Path) -> Path | None:
    """DEV002: return the folder of the region's vault where a step at a station played asks it."""
    asking = [
        step.id
        for step in plan.active_steps()
        if step.station in played and any(request.kind in _VAULT_KINDS for request in step.requests)
    ]
    if not asking:
        return None
    folder = vaults / str(plan.region)
    if not disk.list(folder):
        raise WrongUse(f"step {asking[0]} asks the vault of {plan.region}, and there is none in {folder}", rule=ABSENT)
    return folder
