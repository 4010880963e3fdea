"""`ceremony lint`: everything that is wrong in a playbook, where it is, in every region and edition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import Parser, show
from runner.document.findings import Severity
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.documents import find_playbooks, load
from runner.planning import lint

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
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
    parser.add_argument("--format", choices=("text", "oneline"), default="text", help="how findings are written")
    args = parser.parse_args(arguments)
    wrong = False
    for playbook in find_playbooks(args.files):
        documents = load(Disk(), playbook, roster=Path(args.roster) if args.roster else None)
        findings = lint(documents, region=args.region, edition=args.edition)
        show(findings, form=args.format, sources=documents.by_name())
        wrong = wrong or any(finding.severity is Severity.ERROR for finding in findings)
    return Exit.FINDINGS if wrong else Exit.DONE
