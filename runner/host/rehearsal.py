"""A rehearsal: the same path as a real run, on the emulator, with scripted people. Everything it makes is SIMULATED.

Beside the record lies `RECORD.sim/` (0700, never part of a record): the device, the vault, the stations' and media's
folders, the people's PINs and keys, the environment, and the trust file an auditor would bring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.audit.note import LogKey
from runner.canonical import file_digest
from runner.errors import PlaybookFault, WrongUse
from runner.host import record as folder
from runner.host import simulated
from runner.host.earlier_rooms import ENVIRONMENT, find_file, room_with_cards, rooms_at
from runner.host.resumption import abort_ceremony, look_back, resume_ceremony
from runner.host.simulated_room import STRANGE, Ground, SimulatedRoom, furnish, strange_card
from runner.host.sitting import began, open_ceremony

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner.host.disk import Disk
    from runner.host.earlier_rooms import EarlierRoom
    from runner.host.session import Ended, Watch
    from runner.host.simulated import Cast
    from runner.host.simulated_slot import Slip
    from runner.host.sitting import Means
    from runner.plan import CheckedPlan, Plan

    Announce = Callable[[LogKey], None]

TRUST: Final = "trust.json"

SPACE: Final = 64_000_000
"""Bytes a rehearsal may need on the disk: a toolset of 16 MB on two stations and a medium, and the rest."""


class Script(Struct, frozen=True, kw_only=True):
    """What the people of a rehearsal do beyond agreeing.

    Attributes:
        answers: what they type, by step and name.
        absent: who does not come.
        bring: the folder with the files that the plan begins with; None where there is none.
        earlier: the records of earlier rehearsals; the media and cards of their rooms are at hand.
        slip: what somebody does wrong at the card slot; None for nothing.
    """

    answers: Mapping[tuple[str, str], str]
    absent: frozenset[str] = frozenset()
    bring: Path | None = None
    earlier: tuple[Path, ...] = ()
    slip: Slip | None = None


class Rehearsed(Struct, frozen=True, kw_only=True):
    """What a rehearsal left behind; `packages` are the files in `transfer/`."""

    record: Path
    trust: Path
    ended: Ended
    packages: tuple[Path, ...]


def beside(record: Path) -> Path:
    """Return the folder of the simulated room beside a record."""
    return record.with_name(record.name + ".sim")


def require_room(disk: Disk, record: Path) -> None:
    """Find out, before anything is made, that a rehearsal can leave its record there.

    Raises:
        WrongUse: there is no such folder, it cannot be written (RUN030), or has too little room (RUN030).
        PlaybookFault: ART009, the record or the simulated room is there already.
    """
    parent = record.absolute().parent
    if not parent.is_dir():
        raise WrongUse(f"there is no folder {parent} to put the record in")
    for path in (record, beside(record)):
        if disk.exists(path):
            raise PlaybookFault(f"{path} is there already, and nothing is ever overwritten", rule="ART009")
    disk.require_writable(parent)
    if (free := disk.free_space(parent)) < SPACE:
        raise WrongUse(f"a rehearsal may need {SPACE} bytes and {parent} has {free} left", rule="RUN030")


def rehearse(
    ground: Ground, checked: CheckedPlan, *, contents: Mapping[str, bytes], record: Path, script: Script, watch: Watch
) -> Rehearsed:
    """Carry out a plan on the emulator with scripted people, and leave a sealed record.

    Raises:
        PlaybookFault: it cannot start (ART009, ART010, SEC001, SIT005, DEV002); nothing was made but the simulated
            room.
        ControlFault: RUN017, the roster cannot approve the plan.
        StepFault: the record could not be written; what is there is consistent.
    """
    plan = checked.plan
    require_room(ground.disk, record)
    simulated.simulated_list(plan)
    if not plan.people:
        raise PlaybookFault("the plan has no people: give a roster", rule="QUO004")
    rooms = rooms_at(ground.disk, [beside(earlier) for earlier in script.earlier])
    brought = _brought(ground.disk, plan, script.bring, rooms)
    left = room_with_cards(plan, rooms)
    people = simulated.cast(
        plan,
        answers=script.answers,
        absent=script.absent,
        draw=ground.draw,
        left=() if left is None else left.cards,
    )
    place = beside(record)
    furnish(ground, plan, place, people, brought, rooms=rooms)
    if script.slip is not None and script.slip.card == STRANGE:
        strange_card(ground, plan, place)
    room = SimulatedRoom(ground, plan, place, people, slip=script.slip)
    try:
        return _open(ground, checked, room, people, contents=contents, record=record, watch=watch)
    finally:
        room.close()


def _brought(disk: Disk, plan: Plan, folder_: Path | None, rooms: tuple[EarlierRoom, ...]) -> dict[str, bytes]:
    """ART010: return the files that the plan begins with, by artefact; a rehearsal takes the very ones.

    They lie in the folder, or on a medium of an earlier rehearsal's room.
    """
    found: dict[str, bytes] = {}
    for item, where in plan.brings:
        if (kept := find_file(disk, rooms, item.file, where.sha256)) is not None and len(kept) <= item.at_most:
            found[item.id] = kept
            continue
        path = None if folder_ is None else folder_ / item.file
        if path is None or not disk.exists(path):
            raise PlaybookFault(
                f"the plan begins with {item.file}, and it is not in the folder to bring it from", rule="ART010"
            )
        found[item.id] = disk.read(path)
        if file_digest(found[item.id]) != where.sha256 or len(found[item.id]) > item.at_most:
            words = f"{item.file} is not the file with the digest {where.sha256}, or larger than planned"
            raise PlaybookFault(words, rule="ART010")
    return found


def is_scripted(disk: Disk, record: Path) -> bool:
    """Say whether a record is that of a scripted rehearsal, whose room lies beside it."""
    return disk.exists(beside(record) / simulated.PEOPLE)


def resume_rehearsal(ground: Ground, record: Path, *, watch: Watch, may_decide: bool = False) -> Rehearsed:
    """Go on with a rehearsal that broke off or was suspended, with its own scripted people.

    Raises:
        WrongUse: nothing was begun in it, its simulated room is not whole, or it is over.
        EvidenceFault, StepFault, Uncertain: as `resume_ceremony`.
    """

    def go_on(means: Means, announce: Announce) -> Ended:
        return resume_ceremony(means, record, may_decide=may_decide, announce=announce)

    return _again(ground, record, watch, go_on)


def abort_rehearsal(ground: Ground, record: Path, *, watch: Watch, by: str, reason: str) -> Rehearsed:
    """End a rehearsal that broke off or was suspended.

    Raises:
        WrongUse: as `resume_rehearsal`, or `by` is not on the roster.
    """

    def end(means: Means, announce: Announce) -> Ended:
        return abort_ceremony(means, record, by=by, reason=reason, announce=announce)

    return _again(ground, record, watch, end)


def _again(ground: Ground, record: Path, watch: Watch, go_on: Callable[[Means, Announce], Ended]) -> Rehearsed:
    place = beside(record)
    if not is_scripted(ground.disk, record):
        raise WrongUse(f"there is no rehearsal beside {record}")
    past = look_back(ground.disk, record)
    engine = past.course.engine
    engine.close()
    people = simulated.read_cast(ground.disk.read(place / simulated.PEOPLE))
    room = SimulatedRoom(ground, past.checked.plan, place, people, present=engine.present, on_break=engine.on_break)
    try:
        ended = go_on(room.means(ground, watch), lambda key: _believe(ground.disk, place, key))
    finally:
        room.close()
    return _left(ground.disk, record, ended)


def _believe(disk: Disk, place: Path, key: LogKey) -> None:
    """Add a sitting's log key to the trust file, as an auditor would who hears it announced.

    Nothing is ever overwritten, so the following file stands beside it until it has its place.
    """
    trust, following = place / TRUST, place / f"{TRUST}.next"
    if not disk.exists(trust):
        disk.write_new(trust, disk.read(following))
    if disk.exists(following):
        disk.remove(following)
    content = simulated.trust_also(disk.read(trust), key)
    disk.write_new(following, content)
    disk.remove(trust)
    disk.write_new(trust, content)
    disk.remove(following)


def restart_rehearsal(
    ground: Ground, checked: CheckedPlan, *, contents: Mapping[str, bytes], record: Path, watch: Watch
) -> Rehearsed:
    """Begin a rehearsal anew that broke off before its record had an entry, in the room that was made for it.

    Raises:
        WrongUse: its simulated room is not whole.
        PlaybookFault: ART009, the record has an entry.
    """
    place = beside(record)
    if began(ground.disk, record) or not ground.disk.exists(place / ENVIRONMENT):
        raise WrongUse(f"the simulated room beside {record} is not whole: remove it and rehearse again")
    people = simulated.read_cast(ground.disk.read(place / simulated.PEOPLE))
    room = SimulatedRoom(ground, checked.plan, place, people)
    try:
        return _open(ground, checked, room, people, contents=contents, record=record, watch=watch)
    finally:
        room.close()


def _open(
    ground: Ground,
    checked: CheckedPlan,
    room: SimulatedRoom,
    people: Cast,
    *,
    contents: Mapping[str, bytes],
    record: Path,
    watch: Watch,
) -> Rehearsed:
    disk, plan = ground.disk, checked.plan
    trust = simulated.simulated_list(plan)
    ceremony = ground.draw(16).hex()
    key = LogKey.from_seed(f"{plan.ceremony.id}.rehearsal/{ceremony}", ground.draw(32))
    approved = simulated.approve(
        checked,
        people,
        approval=ground.draw(16).hex(),
        day=ground.day,
        until=simulated.days_after(ground.day, plan.approvals.days),
        software=folder.software(disk),
    )
    trust_path = beside(record) / TRUST
    if disk.exists(trust_path):
        disk.remove(trust_path)
    disk.write_new(trust_path, simulated.trust_file(checked, trust, key.vkey, people.signers()))
    opening = folder.Opening(
        ceremony=ceremony,
        trust=trust,
        signers=people.signers(),
        approved=approved,
        environment_sha256=room.environment_sha256,
        stations=room.played,
        rehearsal=True,
    )
    ended = open_ceremony(
        room.means(ground, watch), record, checked=checked, sources=contents, opening=opening, key=key
    )
    return _left(disk, record, ended)


def _left(disk: Disk, record: Path, ended: Ended) -> Rehearsed:
    return Rehearsed(
        record=record,
        trust=beside(record) / TRUST,
        ended=ended,
        packages=tuple(record / "transfer" / name for name in disk.list(record / "transfer")),
    )
