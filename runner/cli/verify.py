"""`ceremony verify`: judge a record with what came from outside it: a trust file, a policy, a registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import Parser
from runner.errors import Exit, WrongUse
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    outside = (Path(name) if name else None for name in (args.trust, args.policy, args.registry))
    trust, policy, registry = outside
    verdict = verify(record, trust, rehearsal=args.rehearsal, policy=policy, registry=registry)
    sys.stdout.write(f"{verdict.sentence()}\n")
    for note in verdict.notes:
        sys.stdout.write(f"note  {note}\n")
    for finding in verdict.findings:
        where = finding.file or (f"entry {finding.seq}" if finding.seq is not None else "record")
        sys.stdout.write(f"{finding.rule}  {where}: {finding.words}\n")
    return Exit.DONE if verdict.outcome is Outcome.VALID else Exit.FINDINGS
