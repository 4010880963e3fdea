"""The room of a scripted rehearsal: stations, media, devices, vault and people, simulated, in one private folder."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from runner import canonical
from runner.backends.emulator.answers import NAME
from runner.backends.emulator.hsm import EmulatedHsm
from runner.backends.emulator.inside import Inside
from runner.backends.emulator.region import EmulatedVault, SimulatedPublisher, has_region, make_vault
from runner.backends.emulator.setting_up import LOCAL, lay_out_cards, make_hsm, make_world
from runner.backends.interface import Secret
from runner.errors import PlaybookFault
from runner.host.clock import SystemClock, today
from runner.host.disk import Disk
from runner.host.earlier_rooms import ENVIRONMENT, carry_cards, fresh_serials, room_with_cards, serials_at
from runner.host.room import ScriptedRoom
from runner.host.simulated import PEOPLE
from runner.host.sitting import Means
from runner.host.stations import Stations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner.backends.interface import Hsm, Vault
    from runner.engine import StepFailed
    from runner.host.clock import Clock
    from runner.host.earlier_rooms import EarlierRoom
    from runner.host.session import Watch
    from runner.host.simulated import Cast
    from runner.host.simulated_slot import Slip
    from runner.plan import CardSet, Plan, PlannedStep

STRANGE: Final = "SIM-OTHER-0001"
"""The serial of a card of another world."""


def leave_it(_failed: StepFailed) -> bool:
    """Begin no step again: a rehearsal shows what failed."""
    return False


class Ground(Struct, frozen=True, kw_only=True):
    """What a rehearsal stands on; tests have another one than the machine's, and so has whoever wants faults.

    `again` says whether the people begin a failed step again.
    """

    disk: Disk = field(default_factory=Disk)
    clock: Clock = field(default_factory=SystemClock)
    draw: Callable[[int], bytes] = secrets.token_bytes
    day: str = field(default_factory=today)
    wait: Callable[[float], None] = time.sleep
    inside: Inside = field(default_factory=Inside)
    again: Callable[[StepFailed], bool] = leave_it


def furnish(
    ground: Ground,
    plan: Plan,
    place: Path,
    people: Cast,
    brought: Mapping[str, bytes],
    *,
    rooms: tuple[EarlierRoom, ...] = (),
) -> None:
    """Make the simulated room: people, stations, media, devices, vault; the environment last, when all is there.

    `brought` are the files that the plan begins with, by artefact; `rooms` those of earlier rehearsals, with cards that
    some of the people hold.
    """
    disk = ground.disk
    if any(_asks_vault(step) for step in plan.active_steps()) and not has_region(plan.region):
        raise PlaybookFault(f"the emulator has no vault for the region {plan.region}", rule="DEV002")
    disk.mkdir(place, private=True)
    disk.write_new(place / PEOPLE, people.file())  # first: of two that begin at once only one can
    for kind, names in (("stations", plan.stations), ("media", plan.media), ("devices", plan.devices)):
        for item in names:
            disk.mkdir(place / kind / item.id, private=True)
    for artefact, where in plan.brings:
        disk.write_new(place / "stations" / where.at / artefact.file, brought[artefact.id])
    left = room_with_cards(plan, rooms)
    devices = dict(zip((device.id for device in plan.devices), fresh_serials(rooms), strict=False))
    for device, own in devices.items():
        folder = place / "devices" / device
        carried = set() if left is None else {card.serial for card in left.cards}
        serials = [card.serial for card in people.cards if card.serial not in carried]
        start = _start(plan, device)
        cards = () if start is None else _cards_of(start.card_set, people, ground.draw)
        serials += [serial for serial, _ in cards if serial not in serials]
        make_hsm(folder, serial=own, cards=serials, inside=ground.inside)
        if start is not None:
            make_world(folder, threshold=start.card_set.threshold, cards=cards, mode=start.mode, inside=ground.inside)
        if left is not None:
            carry_cards(left, disk, folder, ground.inside)
    if _has_vault(plan) and plan.region is not None:
        make_vault(place / "vault", plan.region, ground.inside)
    disk.write_new(place / ENVIRONMENT, canonical.encode(_environment(plan, devices)))


def strange_card(ground: Ground, plan: Plan, place: Path) -> None:
    """Put a card of another world into the stacks of the devices, for somebody to put in by mistake."""
    folder = place / "another-world"
    make_hsm(folder, serial="SIM0-OTHER-0001", cards=[STRANGE], inside=ground.inside)
    card = (STRANGE, Secret(ground.draw(16).hex()))
    make_world(folder, threshold=1, cards=(card,), mode="operational", inside=ground.inside)
    for device in plan.devices:
        lay_out_cards(folder, place / "devices" / device.id, inside=ground.inside)


class _Start(Struct, frozen=True, kw_only=True):
    """How a device begins that is in a world already: whose cards open it, and its mode."""

    card_set: CardSet
    mode: str


def _start(plan: Plan, device: str) -> _Start | None:
    start = next((item for item in plan.starts_with if item.id == device), None)
    card_set = None if start is None or start.world is None else plan.card_set(start.world)
    if start is None or card_set is None:
        return None
    return _Start(card_set=card_set, mode=start.mode or "operational")


def _cards_of(card_set: CardSet, people: Cast, draw: Callable[[int], bytes]) -> tuple[tuple[str, Secret], ...]:
    """Return serial and PIN of every card of a set, by number; a card that nobody of the plan holds is a lost one."""
    held = {card.number: (card.serial, card.pin) for card in people.cards if card.set == card_set.id}
    return tuple(
        held.get(number) or (f"SIM-LOST-{number:04d}", Secret(draw(16).hex()))
        for number in range(1, card_set.cards + 1)
    )


class SimulatedRoom:
    """Everything of a rehearsal that is not its record, open.

    Args:
        ground: what it stands on.
        plan: the plan.
        place: the folder that `furnish` filled.
        people: who plays.
        present: who is in the room already.
        on_break: whether the ceremony pauses.
        slip: what somebody does wrong at the card slot.
    """

    def __init__(
        self,
        ground: Ground,
        plan: Plan,
        place: Path,
        people: Cast,
        *,
        present: frozenset[str] = frozenset(),
        on_break: bool = False,
        slip: Slip | None = None,
    ) -> None:
        self._open: list[EmulatedHsm] = []
        self._people = ScriptedRoom(
            plan,
            answers=people.answers,
            absent=people.absent,
            cards=people.cards,
            slip=slip,
            sign=lambda person, namespace, text: people.signer(person).sign(namespace, text),
            present=present,
            on_break=on_break,
            wait=ground.wait,
            again=ground.again,
        )
        self._stations = Stations(
            ground.disk,
            stations={item.id: place / "stations" / item.id for item in plan.stations},
            media={item.id: place / "media" / item.id for item in plan.media},
            device_stores={item.at: place / "devices" / item.id / LOCAL for item in plan.devices},
            publisher=SimulatedPublisher(plan.region),
            stand_in=True,
        )
        self.played = tuple(item.id for item in plan.stations)
        self._hsms: dict[str, Hsm] = {}
        for device, serial in serials_at(ground.disk, place).items():
            hsm = EmulatedHsm(
                place / "devices" / device,
                device=device,
                serial=serial,
                card_set=plan.only_administrators,
                files=self._stations,
                dialogue=self._people.cards,
                inside=ground.inside,
            )
            self._open.append(hsm)
            self._hsms[device] = hsm
        self._vault: Vault | None = EmulatedVault(place / "vault", self._stations) if _has_vault(plan) else None
        self.environment_sha256 = ground.disk.hash_file(place / ENVIRONMENT).sha256

    def means(self, ground: Ground, watch: Watch) -> Means:
        """Return all of it as means of a sitting."""
        return Means(
            disk=ground.disk,
            clock=ground.clock,
            draw=ground.draw,
            room=self._people,
            stations=self._stations,
            hsms=self._hsms,
            vault=self._vault,
            played=self.played,
            environment_sha256=self.environment_sha256,
            watch=watch,
        )

    def close(self) -> None:
        """Let go of the devices."""
        for hsm in self._open:
            hsm.close()


def _environment(plan: Plan, devices: Mapping[str, str]) -> dict[str, Any]:
    return {
        "format": "environment/1",
        "id": "rehearsal",
        "stations": [item.id for item in plan.stations],
        "devices": [{"id": device, "backend": NAME, "serial": serial} for device, serial in devices.items()],
        "media": [item.id for item in plan.media],
    }


def _asks_vault(step: PlannedStep) -> bool:
    return step.action_name in {"import_key", "read_vault_key"}


def _has_vault(plan: Plan) -> bool:
    return plan.region is not None and any(_asks_vault(step) for step in plan.active_steps())
