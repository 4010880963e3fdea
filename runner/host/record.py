"""The record's folder: made when a ceremony opens, sealed when it closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.audit.entry import EntryType
from runner.codec import to_data
from runner.history import Said
from runner.host.bundle import bundle_sha256
from runner.verification.instructions import VERIFY_TXT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.audit.note import LogKey
    from runner.backends.interface import DeviceReport
    from runner.host.disk import Disk
    from runner.plan import CheckedPlan, TrustList


def begin(disk: Disk, record: Path, *, checked: CheckedPlan, sources: Mapping[str, bytes], key: LogKey) -> None:
    """Make the folder with what is known before the first entry: sources, plan, and the log key's public half."""
    for folder in ("source", "keys", "transfer"):
        disk.mkdir(record / folder)
    for name, content in sorted(sources.items()):
        disk.write_new(record / "source" / name, content)
    disk.write_new(record / "plan.json", checked.content)
    disk.write_new(record / "keys" / "log-0.vkey", key.vkey.encode() + b"\n")
    disk.write_new(record / "keys" / "log-0.pub.pem", key.public_pem())


def opening(
    disk: Disk,
    *,
    ceremony: str,
    checked: CheckedPlan,
    trust: TrustList,
    key: LogKey,
    environment_sha256: str | None,
    devices: Sequence[DeviceReport],
    rehearsal: bool,
) -> Said:
    """Return entry 0, which binds everything the rest stands on. Approvals and statements are null so far."""
    reports: list[Any] = [to_data(report) for report in devices]
    data: dict[str, Any] = {
        "record": "record/1",
        "ceremony": ceremony,
        "origin": key.origin,
        "rehearsal": rehearsal,
        "sitting": 0,
        "plan_sha256": checked.sha256,
        "manifest_sha256": None,
        "approvals": [],
        "allowed_signers_sha256": None,
        "trust": {"list": trust.list, "sha256": trust.sha256},
        "environment_sha256": environment_sha256,
        "runner": {"version": __version__, "bundle_sha256": bundle_sha256(disk)},
        "log_key": key.vkey,
        "devices": reports,
        "beacon": None,
        "previous": None,
    }
    return Said(type=EntryType.CEREMONY_OPENED, step=None, attempt=None, data=data)


def finish(disk: Disk, record: Path) -> None:
    """Write VERIFY.txt and then SHA256SUMS over every other file, sorted by path."""
    disk.write_new(record / "VERIFY.txt", VERIFY_TXT)
    lines = [f"{disk.hash_file(record / name).sha256}  {name}\n" for name in disk.list(record)]
    disk.write_new(record / "SHA256SUMS", "".join(lines).encode())
