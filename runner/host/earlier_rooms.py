"""The simulated rooms of earlier rehearsals: a later one takes the backups and the cards that were left there.

Nothing in them is changed. The cards are copied with their chips and PINs, which only a simulated card lets anybody do.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner.backends.emulator.setting_up import lay_out_cards
from runner.canonical import file_digest
from runner.host.simulated import PEOPLE, read_cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.backends.emulator.inside import Inside
    from runner.host.disk import Disk
    from runner.host.simulated_slot import SimulatedCard
    from runner.plan import Plan


ENVIRONMENT: Final = "environment.json"
"""The file of a room that says what there is in it; it is the last that is made."""


class EarlierRoom(Struct, frozen=True, kw_only=True):
    """A room that an earlier rehearsal left: its folder, the serials of its devices, the cards that its people hold."""

    place: Path
    serials: tuple[str, ...]
    cards: tuple[SimulatedCard, ...]


def rooms_at(disk: Disk, places: Iterable[Path]) -> tuple[EarlierRoom, ...]:
    """Return those of the folders that are rooms of scripted rehearsals, in their order."""
    found: list[EarlierRoom] = []
    for place in places:
        if disk.exists(place / PEOPLE):
            serials = tuple(serials_at(disk, place).values())
            found.append(EarlierRoom(place=place, serials=serials, cards=read_cast(disk.read(place / PEOPLE)).cards))
    return tuple(found)


def serials_at(disk: Disk, place: Path) -> dict[str, str]:
    """Return the serials of a room's devices, by device, as its environment has them."""
    environment: dict[str, Any] = json.loads(disk.read(place / ENVIRONMENT))
    return {device["id"]: device["serial"] for device in environment["devices"]}


def fresh_serials(rooms: Iterable[EarlierRoom]) -> Iterator[str]:
    """Give serials for new devices: no device of the rooms has them."""
    taken = {serial for room in rooms for serial in room.serials}
    return (serial for serial in map("SIM0-0000-{:04d}".format, count(1)) if serial not in taken)


def find_file(disk: Disk, rooms: Iterable[EarlierRoom], file: str, sha256: str) -> bytes | None:
    """Return the file with that name and digest that lies on a medium of the rooms; None where there is none."""
    for room in rooms:
        media = room.place / "media"
        for path in (media / name for name in disk.list(media)):
            if path.name == file and file_digest(content := disk.read(path)) == sha256:
                return content
    return None


def room_with_cards(plan: Plan, rooms: Iterable[EarlierRoom]) -> EarlierRoom | None:
    """Return the first room whose people hold cards of every set that is written when the plan begins.

    A set that opens the world of a device of the plan is written in the rehearsal itself. None where no set is left, or
    no room has them all.
    """
    made = {start.world for start in plan.starts_with if start.subject == "device"}
    begun = {start.id for start in plan.starts_with if start.subject == "card_set" and start.state == "written"}
    wanted = begun - made
    return next((room for room in rooms if wanted and wanted <= {card.set for card in room.cards}), None)


def carry_cards(room: EarlierRoom, disk: Disk, device: Path, inside: Inside) -> None:
    """Put all written cards of a room into the stack of a device."""
    devices = room.place / "devices"
    for source in sorted({name.partition("/")[0] for name in disk.list(devices)}):
        lay_out_cards(devices / source, device, inside=inside)
