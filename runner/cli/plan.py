"""`ceremony plan`: the plan for one region, with every value fixed, its people, minutes and digest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.earlier import add_records, earlier
from runner.cli.options import Parser, add_choice, add_language, params, show
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load, require_new
from runner.host.plans import sources_of, write_sources
from runner.parameters import Given
from runner.planning import choose, make_plan
from runner.reports.plan_json import plan_json
from runner.reports.plan_text import plan_text
from runner.spoken import word_lines

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("plan", "Make the plan for one region and show it. Exit 3 where it cannot be carried out.")
    add_choice(parser)
    add_language(parser)
    add_records(parser)
    parser.add_argument("--region", metavar="R", help="the region the plan is for")
    parser.add_argument(
        "--out",
        metavar="PLAN",
        help="write the plan there, and its sources beside it into PLAN.sources; nothing is overwritten",
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how the plan, or what is wrong, is written"
    )
    args = parser.parse_args(arguments)
    disk = Disk()
    if args.out:
        require_new(disk, Path(args.out))
        require_new(disk, sources_of(Path(args.out)))
    documents = load(disk, find_playbook(args.file), roster=Path(args.roster) if args.roster else None)
    if findings := [finding for finding in documents.findings() if finding.severity == "error"]:
        show(findings, form=args.format, sources=documents.by_name())
        return Exit.REFUSED
    given = Given(values=params(args.param))
    records = earlier(disk, documents.written, args.record)
    choice = choose(
        documents, region=args.region, edition=args.edition, given=given, language=args.language, records=records
    )
    made = make_plan(documents, choice)
    if made.checked is None:
        show(made.findings, form=args.format, sources=documents.by_name())
        return Exit.REFUSED
    if args.out:
        write_sources(disk, Path(args.out), documents.contents)
        disk.write_new(Path(args.out), made.checked.content)
    if args.format == "json":
        sys.stdout.write(plan_json(made.checked))
    else:
        sys.stdout.write(plan_text(made.checked))
        sys.stdout.write("".join(f"       {line}\n" for line in word_lines(made.checked.sha256)))
    return Exit.DONE
