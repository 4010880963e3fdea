"""The record's folder: made when a ceremony opens, sealed when a sitting ends, opened again when the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner import __version__
from runner.audit.entry import EntryType
from runner.canonical import file_digest
from runner.codec import to_data
from runner.errors import Defect
from runner.history import Said
from runner.host.bundle import bundle_sha256
from runner.signing.signers import allowed_signers
from runner.verification.instructions import VERIFY_TXT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.actions.interface import FileFact
    from runner.audit.note import LogKey
    from runner.backends.interface import DeviceReport
    from runner.host.approvals import Approved
    from runner.host.disk import Disk
    from runner.host.stations import Stations
    from runner.plan import CheckedPlan, Plan, TrustList

FOLDERS: Final = ("approval", "checkpoints", "keys", "source", "statements", "transfer")
RECOVERED: Final = "recovered"
"""For the torn tails of the log; made when there is one."""

AT_END: Final = ("SHA256SUMS", "VERIFY.txt")
"""Written when a sitting ends, removed first when the next one begins."""


class Signers(Struct, frozen=True, kw_only=True):
    """Whose signatures count: the roster's keys, or, in a scripted rehearsal, one simulated key for everybody.

    `keys` gives `<type> <base64>` by person.
    """

    list: str
    keys: Mapping[str, str]

    def file(self, plan: Plan) -> bytes:
        """Return keys/allowed_signers: one line per person with a key, in the plan's order."""
        return allowed_signers([(one.id, self.keys[one.id]) for one in plan.people if one.id in self.keys])


def roster_signers(plan: Plan) -> Signers:
    """Return the keys that the plan's roster has."""
    return Signers(list="roster", keys={one.id: one.key for one in plan.people if one.key is not None})


class Opening(Struct, frozen=True, kw_only=True):
    """What entry 0 binds beyond the plan.

    Attributes:
        ceremony: 32 hex digits, random.
        trust: the list that steps compare with.
        signers: whose signatures count.
        approved: what approvers signed.
        environment_sha256: of the environment file.
        stations: those this machine plays.
        rehearsal: whether anything in it is simulated.
        beacon: a public value that did not exist before today, by its source; or None.
        previous: the last checkpoint of the ceremony before; or None.
    """

    ceremony: str
    trust: TrustList
    signers: Signers
    approved: Approved
    environment_sha256: str | None
    stations: tuple[str, ...]
    rehearsal: bool
    beacon: Mapping[str, str] | None = None
    previous: Mapping[str, str | int] | None = None


def begin(disk: Disk, record: Path, *, checked: CheckedPlan, sources: Mapping[str, bytes], opening: Opening) -> None:
    """Make the folder with what is known before the first entry."""
    for folder in FOLDERS:
        disk.mkdir(record / folder)
    for name, content in sorted(sources.items()):
        disk.write_new(record / "source" / name, content)
    disk.write_new(record / "plan.json", checked.content)
    approved = opening.approved
    disk.write_new(record / "approval" / "sums.txt", approved.sums)
    disk.write_new(record / "approval" / "manifest.txt", approved.manifest)
    for person, signature in sorted(approved.signatures.items()):
        disk.write_new(record / "approval" / f"manifest.txt.{person}.sshsig", signature)
    disk.write_new(record / "keys" / "allowed_signers", opening.signers.file(checked.plan))


def settle(disk: Disk, record: Path) -> None:
    """Make durable what a process that died may have named and not synced: the folder, and the names in it."""
    for folder in (record.parent, record, *(record / name for name in (*FOLDERS, RECOVERED))):
        if disk.exists(folder):
            disk.sync_folder(folder)


def keep_key(disk: Disk, record: Path, key: LogKey, sitting: int) -> None:
    """Write the public half of a sitting's log key."""
    disk.write_new(record / "keys" / f"log-{sitting}.vkey", key.vkey.encode() + b"\n")
    disk.write_new(record / "keys" / f"log-{sitting}.pub.pem", key.public_pem())


def opened(disk: Disk, checked: CheckedPlan, opening: Opening, *, key: LogKey, devices: Sequence[DeviceReport]) -> Said:
    """Return entry 0, which binds everything the rest stands on."""
    approved = opening.approved
    data: dict[str, Any] = {
        "record": "record/1",
        "ceremony": opening.ceremony,
        "origin": key.origin,
        "rehearsal": opening.rehearsal,
        "sitting": 0,
        "stations": list(opening.stations),
        "plan_sha256": checked.sha256,
        "manifest_sha256": file_digest(approved.manifest),
        "approvals": [
            {"person": person, "sha256": file_digest(signature)}
            for person, signature in sorted(approved.signatures.items())
        ],
        "signers": opening.signers.list,
        "allowed_signers_sha256": file_digest(opening.signers.file(checked.plan)),
        "trust": {"list": opening.trust.list, "sha256": opening.trust.sha256},
        "environment_sha256": opening.environment_sha256,
        "runner": software(disk),
        "log_key": key.vkey,
        "devices": [to_data(report) for report in devices],
        "beacon": None if opening.beacon is None else dict(opening.beacon),
        "previous": None if opening.previous is None else dict(opening.previous),
    }
    return Said(type=EntryType.CEREMONY_OPENED, step=None, attempt=None, data=data)


def resumed(
    disk: Disk,
    *,
    sitting: int,
    key: LogKey,
    stations: Sequence[str],
    environment_sha256: str | None,
    unsigned: int,
    devices: Sequence[DeviceReport],
) -> Said:
    """Return the first entry of a later sitting."""
    data: dict[str, Any] = {
        "sitting": sitting,
        "log_key": key.vkey,
        "stations": list(stations),
        "environment_sha256": environment_sha256,
        "runner": software(disk),
        "unsigned": unsigned,
        "devices": [to_data(report) for report in devices],
    }
    return Said(type=EntryType.CEREMONY_RESUMED, step=None, attempt=None, data=data)


def software(disk: Disk) -> dict[str, str]:
    """Return which software this is, as entries name it."""
    return {"version": __version__, "bundle_sha256": bundle_sha256(disk)}


def keep_packages(
    disk: Disk, record: Path, plan: Plan, stations: Stations, seen: Sequence[tuple[str, FileFact]]
) -> None:
    """Put the transfer packages among these files into the record; one that is there already is as good."""
    for artefact, fact in seen:
        if not plan.artefact(artefact).transfer or disk.exists(record / "transfer" / fact.file):
            continue
        facts = disk.copy_new(stations.path(fact.at, fact.file), record / "transfer" / fact.file)
        if (facts.size, facts.sha256) != (fact.size, fact.sha256):
            raise Defect(f"{fact.file} changed between its step and the record")


def finish(disk: Disk, record: Path) -> None:
    """Write VERIFY.txt and then SHA256SUMS over every other file, sorted by path."""
    disk.write_new(record / "VERIFY.txt", VERIFY_TXT)
    lines = [f"{disk.hash_file(record / name).sha256}  {name}\n" for name in disk.list(record)]
    disk.write_new(record / "SHA256SUMS", "".join(lines).encode())


def reopen(disk: Disk, record: Path) -> None:
    """Remove what was written when the last sitting ended."""
    for name in AT_END:
        if disk.exists(record / name):
            disk.remove(record / name)
