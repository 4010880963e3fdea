"""`ceremony verify`: judge a record with what came from outside it: a trust file, a policy, a registry."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.cli.options import Parser
from runner.errors import Exit, WrongUse
from runner.host.bundle import bundle_sha256
from runner.host.disk import Disk
from runner.host.plans import remade
from runner.verification.verdict import Finding, Outcome, judge
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.verification.verdict import Verdict

_RECORD: Final = ("plan.json", "log.jsonl")
"""Where a folder has neither of the two, nobody took anything out of a record: it is another folder."""


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("verify", "Judge a record. Exit 0 only where the verdict is valid.")
    parser.add_argument("record", metavar="RECORD", help="the record's folder")
    parser.add_argument("--trust", metavar="F", help="the trust file, from outside the record")
    parser.add_argument("--policy", metavar="F", help="what is demanded beyond what the record asks of itself")
    parser.add_argument("--registry", metavar="F", help="checkpoints and approvals that were seen before")
    parser.add_argument("--rehearsal", action="store_true", help="the record may be a rehearsal's")
    args = parser.parse_args(arguments)
    record = Path(args.record)
    if not record.is_dir():
        raise WrongUse(f"there is no record {record}")
    if not any((record / name).exists() for name in _RECORD):
        raise WrongUse(f"{record} is no record: it has neither {' nor '.join(_RECORD)}")
    trust, policy, registry = (_outside(name) for name in (args.trust, args.policy, args.registry))
    verdict = verify(record, trust, rehearsal=args.rehearsal, policy=policy, registry=registry)
    verdict = _with_sources(record, verdict)
    sys.stdout.write(f"{verdict.sentence()}\n")
    for note in verdict.notes:
        sys.stdout.write(f"note  {note}\n")
    for finding in verdict.findings:
        where = finding.file or (f"entry {finding.seq}" if finding.seq is not None else "record")
        sys.stdout.write(f"{finding.rule}  {where}: {finding.words}\n")
    return Exit.DONE if verdict.outcome is Outcome.VALID else Exit.FINDINGS


def _outside(name: str | None) -> Path | None:
    """Return the file that comes from outside the record; None where none was named.

    Raises:
        WrongUse: there is no such file.
    """
    if name is None:
        return None
    if not Path(name).is_file():
        raise WrongUse(f"there is no file {name}")
    return Path(name)


def _with_sources(record: Path, verdict: Verdict) -> Verdict:
    """LOG029: make the plan of a record again from its sources.

    Only the software that made the record must make the same plan of them; other software may read a source otherwise,
    and then it is a note.
    """
    disk = Disk()
    if verdict.facts.software is None or not (why := remade(disk, record)):
        return verdict
    if verdict.facts.software != bundle_sha256(disk):
        note = f"with this software the sources do not make plan.json again ({why}); the one that ran it may"
        return replace(verdict, notes=(*verdict.notes, note))
    finding = Finding(rule="LOG029", file="plan.json", words=f"it is not what its sources make: {why}")
    return replace(judge((*verdict.findings, finding), verdict.facts), notes=verdict.notes)
