"""`ceremony lint`: everything that is wrong in a playbook, where it is, in every region and edition."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.cli.earlier import add_records, earlier
from runner.cli.main import tell
from runner.cli.options import Parser, add_format, show
from runner.document.characters import shown
from runner.document.findings import Severity, in_order
from runner.document.printing.text import MOST_SHOWN, where
from runner.document.second_source import check_against
from runner.errors import CeremonyError, Exit, WrongUse
from runner.host.clock import today
from runner.host.disk import Disk
from runner.host.documents import find_playbooks, load, load_regions, require_read
from runner.host.mending import mend
from runner.linting import lint

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from runner.document.findings import Finding, Waived
    from runner.document.regions import Regions
    from runner.document.shape import Parsed
    from runner.document.source import Source
    from runner.planning import Documents

MOST_ROUNDS: Final = 10
"""`--fix` mends and looks again at most so often: a fault of reading hides those of shape, and these the others."""


class _Found(Struct, kw_only=True):
    """What was found in all playbooks: findings, waivers, the files they are in by name, and what was refused."""

    findings: list[Finding] = []
    waived: list[Waived] = []
    sources: dict[str, Source] = {}
    refused: list[CeremonyError] = []


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    args = _given(arguments)
    playbooks = find_playbooks(args.files)
    if args.record and len(playbooks) > 1:
        raise WrongUse("--record is for one playbook at a time")
    found = _Found()
    for playbook in playbooks:
        try:
            _look(playbook, args, found)
        except CeremonyError as fault:  # what is wrong in the others is told all the same
            found.refused.append(fault)
    findings = in_order(found.findings)
    if findings or not found.refused:
        show(findings, form=args.format, sources=found.sources, waived=found.waived, every=args.all)
    for other in found.refused[1:]:
        tell(other)
    if found.refused:
        raise found.refused[0]
    require_read(args.files, found.sources)
    return Exit.FINDINGS if any(finding.severity is Severity.ERROR for finding in findings) else Exit.DONE


def _given(arguments: Sequence[str]) -> Namespace:
    parser = Parser("lint", "Find what is wrong in playbooks. Exit 1 where there are errors.")
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="*.ceremony.yaml files, files beside them, or names of shipped ceremonies",
    )
    parser.add_argument("--region", metavar="R", help="only this region; default: all that each edition offers")
    parser.add_argument("--edition", metavar="E", help="only this edition; default: all that the playbook lists")
    parser.add_argument("--roster", metavar="F", help="the people; default: the *.roster.yaml beside the playbook")
    parser.add_argument(
        "--level", choices=("draft", "release"), default="draft", help="release: a warning is an error; default: draft"
    )
    parser.add_argument("--language", metavar="CODE", help="only this language of the texts; default: all")
    add_records(parser)
    add_format(parser)
    parser.add_argument("--all", action="store_true", help=f"print every finding as text, not only {MOST_SHOWN}")
    parser.add_argument(
        "--against", metavar="REGIONS", help="a second source of the values: a *.regions.yaml somebody else wrote"
    )
    parser.add_argument("--fix", action="store_true", help="make the fixes that are certain, in the files themselves")
    return parser.parse_args(arguments)


def _look(playbook: Path, args: Namespace, found: _Found) -> None:
    """Add what is found in one playbook with its files, mended before where that is wanted."""
    documents, here = _looked_at(playbook, args)
    for _round in range(MOST_ROUNDS if args.fix else 0):
        if not (fixed := mend(Disk(), documents, here)):
            break
        for fix in fixed:
            sys.stderr.write(f"fixed {where(fix.place)}: {shown(fix.words)}\n")
        documents, here = _looked_at(playbook, args)
    found.findings += here
    if documents.roster is None and documents.playbook.draft is not None:
        sys.stderr.write(f"no roster for {shown(str(playbook))}: nothing is known about who can come\n")
    found.waived += documents.waived(today())
    found.sources |= documents.by_name()
    if args.against:
        other = load_regions(Disk(), Path(args.against))
        found.findings += _compared(documents, other, args.region)
        found.sources[other.source.name] = other.source


def _compared(documents: Documents, other: Parsed[Regions], region: str | None) -> tuple[Finding, ...]:
    """Return where the regions file and a second source differ, and what is wrong in the second source itself.

    Raises:
        WrongUse: REG010, the playbook has no regions.
    """
    if documents.regions is None:
        raise WrongUse("the playbook has no regions to compare", rule="REG010")
    return (*other.findings, *check_against(documents.regions, other, region=region))


def _looked_at(playbook: Path, args: Namespace) -> tuple[Documents, tuple[Finding, ...]]:
    """Return a playbook with its files, and what is wrong in them."""
    documents = load(Disk(), playbook, roster=Path(args.roster) if args.roster else None)
    records = None
    if args.record and documents.playbook.value is not None:
        records = earlier(Disk(), documents.written, args.record)
    found = lint(
        documents,
        today=today(),
        region=args.region,
        edition=args.edition,
        language=args.language,
        level=args.level,
        records=records,
    )
    return documents, found
