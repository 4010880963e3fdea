"""A sitting that opens a ceremony: what it works with, and the record from its folder to its last entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner.engine import Engine
from runner.errors import PlaybookFault
from runner.host import record as folder
from runner.host.attesting import Attesting
from runner.host.logbook import Logbook
from runner.host.past import whole_lines
from runner.host.session import Course, Ended, Hands, Session, reports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from runner.audit.note import LogKey
    from runner.backends.interface import DeviceReport, Hsm, Vault
    from runner.history import Said
    from runner.host.clock import Clock
    from runner.host.disk import Disk
    from runner.host.room import Room
    from runner.host.session import Watch
    from runner.host.stations import Stations
    from runner.plan import CheckedPlan, Plan


class Means(Struct, frozen=True, kw_only=True):
    """What a sitting has at hand.

    Attributes:
        disk: the only way to files.
        clock: the clock of the entries.
        draw: randomness: so many bytes.
        room: the people.
        stations: the files of the stations this machine plays.
        hsms: the devices at those stations, by id.
        vault: the receiving vault, where one of those stations reaches it.
        played: the stations this machine plays, in the plan's order.
        environment_sha256: of the environment file.
        watch: is told what happens.
    """

    disk: Disk
    clock: Clock
    draw: Callable[[int], bytes]
    room: Room
    stations: Stations
    hsms: Mapping[str, Hsm]
    vault: Vault | None
    played: tuple[str, ...]
    environment_sha256: str | None
    watch: Watch


def began(disk: Disk, record: Path) -> bool:
    """Say whether a record's log has a whole entry."""
    return disk.exists(record / "log.jsonl") and bool(whole_lines(disk.read(record / "log.jsonl")))


def open_ceremony(
    means: Means,
    record: Path,
    *,
    checked: CheckedPlan,
    sources: Mapping[str, bytes],
    opening: folder.Opening,
    key: LogKey,
    first: Callable[[], None] = lambda: None,
    exceptions: Sequence[Said] = (),
) -> Ended:
    """Open a ceremony and carry it out, as far as this machine and the people go.

    A folder that was begun and never got its first entry is cleared and made anew.

    Args:
        means: what the sitting has at hand.
        record: the record's folder, which does not exist or has no entry.
        checked: the plan.
        sources: what it was rendered from, by file name.
        opening: what entry 0 binds.
        key: the log key.
        first: is called right before entry 0 is written; where it raises, the ceremony did not begin.
        exceptions: what people let pass before the start, as entries.

    Raises:
        PlaybookFault: SEC001, the plan is for a rehearsal; SIT005, a device is not as the plan starts; ART010, a file
            is not the one that is to be brought; nothing was written.
        StepFault: the record could not be written; what is there is consistent.
    """
    devices = reports(means.hsms, means.vault)
    require_kind(checked.plan, rehearsal=opening.rehearsal)
    require_start(checked.plan, devices)
    require_brought(checked.plan, means.stations, means.played)
    _clear(means.disk, record)
    folder.begin(means.disk, record, checked=checked, sources=sources, opening=opening)
    folder.keep_key(means.disk, record, key, 0)
    logbook = Logbook(means.disk, record, key, means.clock)
    try:
        first()
        logbook.append(folder.opened(means.disk, checked, opening, key=key, devices=devices))
        logbook.checkpoint()
        engine = Engine(checked, opening.trust)
        course = Course(engine=engine, turn=engine.start())
        identity = Identity(
            plan=checked.plan, ceremony=opening.ceremony, signers=opening.signers, rehearsal=opening.rehearsal
        )
        ended = session_of(means, record, logbook, identity, course).run(exceptions)
    finally:
        logbook.close()
    folder.finish(means.disk, record)
    return ended


def _clear(disk: Disk, record: Path) -> None:
    """Remove what was made of a record before it had an entry."""
    if began(disk, record):
        raise PlaybookFault(f"{record} is a record already, and nothing is ever overwritten", rule="ART009")
    for name in disk.list(record):
        disk.remove(record / name)
    if disk.exists(record):
        folder.settle(disk, record)


class Identity(Struct, frozen=True, kw_only=True):
    """What stays the same in every sitting of a ceremony: its plan, its id, whose signatures count, what kind it is."""

    plan: Plan
    ceremony: str
    signers: folder.Signers
    rehearsal: bool


def session_of(means: Means, record: Path, logbook: Logbook, identity: Identity, course: Course) -> Session:
    """Return the loop of a sitting whose first entries are written."""
    plan = identity.plan
    attesting = Attesting(
        means.disk,
        record,
        logbook,
        means.room,
        plan=plan,
        ceremony=identity.ceremony,
        rehearsal=identity.rehearsal,
        keys=identity.signers.keys,
    )
    hands = Hands(
        logbook=logbook,
        room=means.room,
        attesting=attesting,
        stations=means.stations,
        hsms=means.hsms,
        vault=means.vault,
        played=frozenset(means.played),
        watch=means.watch,
        keep=lambda mark: folder.keep_packages(means.disk, record, plan, means.stations, mark.seen),
    )
    return Session(plan, hands, course)


def require_kind(plan: Plan, *, rehearsal: bool) -> None:
    """SEC001: only a rehearsal takes values from the record of a rehearsal.

    Raises:
        PlaybookFault: the plan does, and this is none.
    """
    rehearsed = [record.name for record in plan.records if record.rehearsal]
    if rehearsed and not rehearsal:
        words = f"the plan takes values from the record of a rehearsal: {', '.join(rehearsed)}"
        raise PlaybookFault(words, rule="SEC001")


def require_start(plan: Plan, devices: tuple[DeviceReport, ...]) -> None:
    """SIT005: look, changing nothing, that every device here is as the plan says it starts.

    Raises:
        PlaybookFault: it is not.
    """
    found = {report.id: report.inventory for report in devices}
    for start in plan.starts_with:
        if start.subject != "device" or start.id not in found:
            continue
        now = found[start.id]
        if start.mode is not None and now.mode != start.mode:
            words = f"`{start.id}` is in {now.mode} mode and the plan starts in {start.mode}"
            raise PlaybookFault(words, rule="SIT005")
        if start.world == "none" and now.world:
            raise PlaybookFault(f"`{start.id}` holds a Security World and the plan starts without", rule="SIT005")


def require_brought(plan: Plan, stations: Stations, played: Collection[str]) -> None:
    """ART010: look, changing nothing, that the files the plan begins with are at the stations played here.

    Raises:
        PlaybookFault: one is not.
    """
    for item, where in plan.brings:
        if where.at in played:
            stations.require_brought(where.at, item.file, where.sha256, item.at_most)
