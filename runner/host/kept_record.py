"""What is wrong with a record that is kept among other files, as lines with its place: replayed, and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.host.documents import shown
from runner.host.rehearsal import TRUST, beside
from runner.host.replay_record import Different, replay_record
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from runner.host.disk import Disk

_LOG: Final = "log.jsonl"


def replayed(disk: Disk, record: Path) -> str:
    """Return the first difference between a record and what its plan leads to, "" where there is none.

    Raises:
        WrongUse: a file of it cannot be read.
    """
    result = replay_record(disk, record)
    if not isinstance(result, Different):
        return ""
    sides = f"\n  the plan leads to  {result.wanted}\n  the log has        {result.found}" if result.wanted else ""
    return f"{_where(record, result.seq, '')}: error {result.rule} {result.words}{sides}"


def verified(disk: Disk, record: Path) -> str | None:
    """Return why a record is not valid, "" where it is, None where no trust file lies beside it.

    The trust file is `trust.json` beside the record's folder, or in `RECORD.sim/`. A rehearsal's record may be valid.
    """
    places = (record.parent / TRUST, beside(record) / TRUST)
    trust = next((path for path in places if disk.exists(path)), None)
    if trust is None:
        return None
    verdict = verify(record, trust, rehearsal=True)
    if verdict.outcome is Outcome.VALID:
        return ""
    lines = (f"{_where(record, one.seq, one.file)}: error {one.rule} {one.words}" for one in verdict.findings)
    return "\n".join((verdict.sentence(), *lines))


def _where(record: Path, seq: int | None, file: str) -> str:
    """Return a place in a record; entry 0 is line 1 of the log."""
    if file or seq is None:
        return shown(record / file)
    return f"{shown(record / _LOG)}:{seq + 1}"
