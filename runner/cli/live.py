"""What the commands of a live ceremony share: the environment file, and what is said at the end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.endings import ended_code
from runner.cli.options import show
from runner.errors import Exit
from runner.host.approvals import note_used, used_by
from runner.host.documents import shown
from runner.host.live_sitting import read_environment
from runner.host.simulated import trust_file
from runner.signing.manifest import read_terms

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from runner.host.disk import Disk
    from runner.host.live_sitting import Place
    from runner.host.past import Past
    from runner.host.session import Ended
    from runner.host.terminal import Terminal


class OnTerminal:
    """Lines that go to the terminal of a live ceremony."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def write(self, text: str) -> None:
        """Show a line."""
        self._terminal.tell(text.removesuffix("\n"))

    def flush(self) -> None:
        """Nothing waits."""


def add_room(parser: ArgumentParser, *, required: bool) -> None:
    """Add what says which devices and folders this machine has."""
    parser.add_argument(
        "--environment",
        metavar="F",
        required=required,
        help="the *.environment.yaml of this machine" + ("" if required else "; not for a scripted rehearsal"),
    )
    parser.add_argument("--plain", action="store_true", help="plain lines; they always are, so this changes nothing")


def environment(disk: Disk, path: str) -> Place | None:
    """Return what an environment file says, or None with what is wrong in it shown."""
    place, findings, source = read_environment(disk, Path(path))
    if place is None:
        show(findings, form="text", sources={source.name: source})
    return place


def ended(record: Path, how: Ended, terminal: Terminal) -> int:
    """Say where the record is and how the sitting ended; return the exit code."""
    sys.stdout.write(f"record       {shown(record)}\n")
    sys.stdout.write(f"trust file   {shown(trust_beside(record))}\n")
    sys.stdout.write(f"ended        {how.how}\n")
    return ended_code(how, stopped_by=terminal.stopped_by or signal.SIGINT)


def stopped(words: str, terminal: Terminal) -> int:
    """Say that people stopped before anything was written, or a signal did; return the exit code."""
    by = terminal.stopped_by or signal.SIGINT
    sys.stderr.write(f"{words}\n")
    return Exit.STOPPED if by == signal.SIGINT else Exit.SIGNAL + by


def ledger_of(place: Place) -> Path:
    """Return the folder in which a machine notes the approvals that were used."""
    return place.base / place.environment.folders.ledger


def keep_beside(disk: Disk, place: Place, record: Path, past: Past, *, ends: bool = False) -> None:
    """Note on this machine too which ceremony uses the approval, and make the trust file where it is missing.

    Args:
        disk: the only way to files.
        place: this machine.
        record: the record's folder.
        past: what its log says.
        ends: the ceremony is ended: that may happen whatever the ledger says.

    Raises:
        ControlFault: RUN014, another ceremony used the approval on this machine.
    """
    approval = read_terms(disk.read(record / "approval" / "manifest.txt")).approval
    if not (ends and used_by(disk, ledger_of(place), approval)):
        note_used(disk, ledger_of(place), approval, past.ceremony)
    if not disk.exists(trust_beside(record)):
        disk.write_new(trust_beside(record), trust_file(past.checked, past.trust, past.opened["log_key"]))


def trust_beside(record: Path) -> Path:
    """Return where a live ceremony leaves the trust file for its auditors: beside the record, never in it."""
    return record.with_name(f"{record.name}.trust.json")
