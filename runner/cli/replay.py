"""`ceremony replay`: records against their plans without a device, and scripted ceremonies on the emulator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import Parser, show
from runner.document.printing.oneline import oneline
from runner.document.printing.text import text
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.documents import shown
from runner.host.replay_record import Different, Same, replay_record

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("replay", "Replay records against their plans; try scripted ceremonies. Exit 0 where all agree.")
    parser.add_argument("files", metavar="FILE", nargs="+", help="a record's folder, or a *.replay.yaml")
    parser.add_argument("--format", choices=("text", "oneline"), default="text", help="how findings are shown")
    args = parser.parse_args(arguments)
    disk = Disk()
    worst = Exit.DONE
    for name in args.files:
        path = Path(name)
        agrees = _script(disk, path, args.format) if path.suffix == ".yaml" else _record(disk, path)
        worst = worst if agrees else Exit.FINDINGS
    return worst


def _record(disk: Disk, record: Path) -> bool:
    result = replay_record(disk, record)
    if isinstance(result, Different):
        where = "" if result.seq is None else f" entry {result.seq}"
        sys.stdout.write(f"differs  {shown(record)}{where}  {result.rule}: {result.words}\n")
        if result.wanted:
            sys.stdout.write(f"  the plan leads to  {result.wanted}\n  the log has        {result.found}\n")
        sys.stdout.write(f"  more: ceremony explain {result.rule}\n")
        return False
    sys.stdout.write(f"same     {shown(record)}  {_reached(result)}\n")
    return True


def _reached(same: Same) -> str:
    """Return how far a record goes."""
    parts = [f"{same.entries} entries, {same.done} of {same.steps} steps"]
    parts.append(same.ended if same.ended is not None else "open")
    if same.at is not None:
        parts.append(f"at {same.at}, attempt {same.attempt}")
    if same.waiting is not None:
        parts.append(f"entry {same.waiting[1]} ({same.waiting[0]}) waits for its reply")
    if same.torn:
        parts.append(f"{same.torn} bytes of a line without an end were not looked at")
    return "; ".join(parts)


def _script(disk: Disk, path: Path, form: str) -> bool:
    from runner.host.replay_script import Unreadable, load_replay, try_case

    loaded = load_replay(disk, path)
    if isinstance(loaded, Unreadable):
        show(loaded.findings, form=form, sources=loaded.by_name())
        return False
    good = True
    for case in loaded.cases:
        tried = try_case(disk, loaded, case)
        word = "FAILED" if tried.findings else "ok"
        sys.stdout.write(f"{word:<7}  {case.place.file}:{case.place.span.line}  {case.name}\n")
        if tried.findings:
            good = False
            sys.stdout.write(oneline(tried.findings) if form == "oneline" else text(tried.findings, tried.sources))
        sys.stdout.flush()
    return good
