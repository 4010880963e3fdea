"""`ceremony run`: carry an approved plan out with the people in the room. Needs a terminal."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner import __version__
from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.cli.binds import beacon, previous
from runner.cli.live import OnTerminal, add_room, ended, environment, ledger_of, stopped, trust_beside
from runner.cli.narrator import Narrator
from runner.cli.options import Parser
from runner.document.editions import out_of_force
from runner.document.parse import parse_regions
from runner.document.source import read_source
from runner.errors import ControlFault, Exit, PlaybookFault
from runner.history import Said
from runner.host import record as folder
from runner.host.approvals import note_used, prepare, read_approved, require_approvals, used_by
from runner.host.bundle import bundle_sha256, require_own_bytecode
from runner.host.clock import today
from runner.host.disk import Disk
from runner.host.live_sitting import SPACE, is_rehearsal, live_room, trust_of
from runner.host.plans import load_plan
from runner.host.preflight import Situation, preflight
from runner.host.room import StopAsked
from runner.host.session import reports
from runner.host.simulated import days_after, trust_file
from runner.host.sitting import began, open_ceremony, require_brought, require_kind, require_start
from runner.host.terminal import Terminal
from runner.signing.manifest import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.host.approvals import Approved
    from runner.host.live_sitting import Place, Room
    from runner.host.preflight import Ready
    from runner.plan import CheckedPlan


def main(arguments: Sequence[str]) -> int:
    """Run the command. What can be refused is refused before anybody is asked, and nothing is written then."""
    args = _parser().parse_args(arguments)
    disk, record = Disk(), Path(args.out)
    require_own_bytecode(disk)
    checked, contents = load_plan(disk, Path(args.plan))
    approved = read_approved(disk, Path(args.plan))
    software = bundle_sha256(disk)
    require_approvals(checked, approved, today=today(), software=software)
    place = environment(disk, args.environment)
    if place is None:
        return Exit.REFUSED
    require_kind(checked.plan, rehearsal=is_rehearsal(place))
    approved = approved or prepare(checked, _terms(checked, software))
    _require_free(disk, record)
    _require_unused(disk, place, approved)
    binds = _Binds(approved=approved, beacon=beacon(args.beacon), previous=previous(disk, args.previous))
    terminal = Terminal.open()
    try:
        with terminal, terminal.heeding_signals():
            watch = Narrator(OnTerminal(terminal), checked.plan)
            with live_room(disk, terminal, place, checked.plan, watch=watch) as room:
                found = _situation(disk, record, room, software, _out_of_force(checked, contents))
                require_start(checked.plan, found.devices)
                require_brought(checked.plan, room.means.stations, room.means.played)
                terminal.tell(_heading(checked, place))
                ready = preflight(room.people, terminal, checked, found, room.means.clock)
                opening, key = _opening(checked, room, place, binds)
                how = open_ceremony(
                    room.means,
                    record,
                    checked=checked,
                    sources=contents,
                    opening=opening,
                    key=key,
                    first=lambda: _first(disk, record, place, opening, trust_file(checked, opening.trust, key.vkey)),
                    exceptions=_exceptions(ready),
                )
    except StopAsked:
        return stopped("stopped before the start: nothing was written", terminal)
    return ended(record, how, terminal)


def _parser() -> Parser:
    parser = Parser("run", "Carry an approved plan out with the people in the room. Needs a terminal; exit 8 without.")
    parser.add_argument("plan", metavar="PLAN", help="a plan that `ceremony plan --out` wrote, with its approvals")
    add_room(parser, required=True)
    parser.add_argument("--out", metavar="RECORD", required=True, help="the record's new folder")
    parser.add_argument(
        "--beacon", metavar="SOURCE=VALUE", help="a public value that nobody knew before today, to be bound by entry 0"
    )
    parser.add_argument("--previous", metavar="CKPT", help="the last checkpoint of the ceremony before this one")
    return parser


def _terms(checked: CheckedPlan, software: str) -> Terms:
    """Return the terms of a plan that asks for no approval."""
    day = today()
    return Terms(
        approval=secrets.token_hex(16),
        not_before=day,
        not_after=days_after(day, checked.plan.approvals.days),
        software=software,
        version=__version__,
    )


def _require_unused(disk: Disk, place: Place, approved: Approved) -> None:
    """RUN014: this machine's ledger does not know the approval yet."""
    other = used_by(disk, ledger_of(place), approved.terms.approval)
    if other is not None:
        words = f"approval {approved.terms.approval} was used already, by ceremony {other}"
        raise ControlFault(words, rule="RUN014")


def _require_free(disk: Disk, record: Path) -> None:
    """ART009: there is no record of that name; one that never got an entry is made anew."""
    disk.require_writable(record.absolute().parent)
    if began(disk, record):
        words = f"{record} holds a ceremony that began; `ceremony status {record}` says where it stands"
        raise PlaybookFault(f"{words}, and `ceremony resume {record}` goes on with it", rule="ART009")
    if disk.exists(record) and not disk.exists(record / "log.jsonl"):
        raise PlaybookFault(f"{record} is there already, and nothing is ever overwritten", rule="ART009")


def _out_of_force(checked: CheckedPlan, contents: Mapping[str, bytes]) -> str:
    """Return why the plan's edition is no longer the one to follow; "" where it is, or there are none."""
    edition = checked.plan.ceremony.edition
    for source in checked.plan.sources:
        if source.role == "regions" and edition is not None:
            regions = parse_regions(read_source(source.file, contents[source.file])).value
            return "" if regions is None else out_of_force(regions, edition, today())
    return ""


def _situation(disk: Disk, record: Path, room: Room, software: str, stale: str) -> Situation:
    return Situation(
        today=today(),
        out_of_force=stale,
        devices=reports(room.means.hsms, room.means.vault),
        free=disk.free_space(record.absolute().parent),
        needed=SPACE,
        software=software,
    )


def _heading(checked: CheckedPlan, place: Place) -> str:
    lines = [checked.plan.ceremony.title, f"environment {place.environment.id}"]
    if is_rehearsal(place):
        lines.insert(0, "REHEARSAL, SIMULATED: the device is an emulator; no genuine key is made.")
    return "\n".join(lines)


class _Binds(Struct, frozen=True, kw_only=True):
    """What entry 0 binds that comes from outside the plan and the room."""

    approved: Approved
    beacon: dict[str, str] | None
    previous: dict[str, str | int] | None


def _opening(checked: CheckedPlan, room: Room, place: Place, binds: _Binds) -> tuple[folder.Opening, LogKey]:
    ceremony, rehearsal = secrets.token_hex(16), is_rehearsal(place)
    kind = "rehearsal" if rehearsal else "ceremony"
    key = LogKey.from_seed(f"{checked.plan.ceremony.id}.{kind}/{ceremony}", secrets.token_bytes(32))
    opening = folder.Opening(
        ceremony=ceremony,
        trust=trust_of(checked.plan, rehearsal=rehearsal),
        signers=folder.roster_signers(checked.plan),
        approved=binds.approved,
        environment_sha256=place.sha256,
        stations=room.means.played,
        rehearsal=rehearsal,
        beacon=binds.beacon,
        previous=binds.previous,
    )
    return opening, key


def _first(disk: Disk, record: Path, place: Place, opening: folder.Opening, content: bytes) -> None:
    """Right before entry 0: note that the approval is used, and leave the trust file beside the record.

    Whoever is killed after this has spent the approval, which is better than one that can be used twice.
    """
    note_used(disk, ledger_of(place), opening.approved.terms.approval, opening.ceremony)
    trust = trust_beside(record)
    if disk.exists(trust):
        disk.remove(trust)  # of a beginning that never got its first entry
    disk.write_new(trust, content)


def _exceptions(ready: Ready) -> tuple[Said, ...]:
    entries: list[Said] = []
    for one in ready.exceptions:
        data: dict[str, Any] = {
            "rule": one.rule,
            "about": one.about,
            "people": sorted(one.people),
            "reason": one.reason,
        }
        entries.append(Said(type=EntryType.EXCEPTION, step=None, attempt=None, data=data))
    return tuple(entries)
