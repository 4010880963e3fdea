"""`--record`: the earlier records that a playbook names, verified before they are taken values from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import pairs_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from runner.document.playbook import Playbook
    from runner.host.disk import Disk
    from runner.plan import EarlierRecord


def add_records(parser: argparse.ArgumentParser) -> None:
    """Add the earlier records that a playbook names."""
    parser.add_argument(
        "--record",
        metavar="NAME=FOLDER[,TRUST]",
        action="append",
        default=[],
        help="an earlier record that the playbook names, and its trust file; a rehearsal's has its own beside it",
    )


def earlier(disk: Disk, playbook: Playbook, given: Sequence[str]) -> tuple[EarlierRecord, ...]:
    """Return the records that `--record` options give to a playbook.

    Raises:
        SystemExit: an option has no `=`, or a name is given twice.
        WrongUse: LOG020, the playbook does not name one; a folder is not there.
        PlaybookFault: LOG020, one cannot be taken values from.
    """
    if not given:
        return ()
    from runner.host.earlier_records import RecordAt, read_records  # the emulator is behind it, and lint must be quick

    places: dict[str, RecordAt] = {}
    for name, value in pairs_of("record", "NAME=FOLDER", given):
        folder, _, trust = value.partition(",")
        places[name] = RecordAt(folder=Path(folder), trust=Path(trust) if trust else None)
    return read_records(disk, playbook, places)


def folders(playbook: Playbook, given: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders of the records that `--record` options give, each once, in the playbook's order."""
    at = {name: Path(value.partition(",")[0]) for name, value in pairs_of("record", "NAME=FOLDER", given)}
    return tuple(dict.fromkeys(at[name] for name in playbook.records if name in at))
