"""`ceremony diff`: what changed in meaning from one playbook, plan or record to another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.canonical import NotCanonical, file_digest
from runner.cli.earlier import add_records, earlier
from runner.cli.options import Parser, params, show
from runner.difference import differences
from runner.document.characters import shown
from runner.errors import Exit, PlaybookFault, WrongUse
from runner.host.disk import Disk
from runner.host.documents import find_playbook, is_bare_folder, load
from runner.parameters import Given
from runner.plan import parse_plan, plan_bytes
from runner.planning import choose, make_plan
from runner.reports.difference_report import difference_json, difference_text

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from runner.plan import Plan

_EACH = "for playbooks; given twice, the first is that of OLD and the second that of NEW"


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("diff", "Say what changed in meaning, and then in wording. Exit 0 where nothing differs.")
    parser.add_argument("old", metavar="OLD", help="a *.ceremony.yaml, a plan that was written, or a record")
    parser.add_argument("new", metavar="NEW", help="the same for what it is compared with")
    for option, what in (("region", "R"), ("edition", "E"), ("language", "CODE")):
        parser.add_argument(f"--{option}", metavar=what, action="append", default=[], help=_EACH)
    parser.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter; default: its example")
    add_records(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how changes are written")
    args = parser.parse_args(arguments)
    disk = Disk()
    if not any(_is_playbook(disk, Path(name)) for name in (args.old, args.new)) and (
        args.region or args.edition or args.language or args.param or args.record
    ):
        raise WrongUse(
            "--region, --edition, --language, --param and --record are for playbooks; these are plans already"
        )
    plans = [_plan(disk, name, args, side) for side, name in enumerate((args.old, args.new))]
    old, new = plans
    if old is None or new is None:
        return Exit.REFUSED
    taken = {record.name for plan in (old, new) for record in plan.records}
    for name in (pair.partition("=")[0] for pair in args.record):
        if name not in taken:
            raise WrongUse(f"neither playbook names a record `{name}`", rule="LOG020")
    changes = differences(old, new)
    was, now = file_digest(plan_bytes(old)), file_digest(plan_bytes(new))
    if args.format == "json":
        sys.stdout.write(difference_json(was, now, changes))
    else:
        sys.stdout.write(f"old  {was}  {shown(args.old)}\nnew  {now}  {shown(args.new)}\n{difference_text(changes)}\n")
    return Exit.FINDINGS if changes else Exit.DONE


def _plan(disk: Disk, name: str, args: Namespace, side: int) -> Plan | None:
    """Return the plan in a file or a record, or the one that a playbook makes; None with its faults shown.

    Raises:
        WrongUse: there is no such thing.
        PlaybookFault: RUN012, it is no plan of this format.
    """
    path = Path(name)
    if _is_playbook(disk, path) or is_bare_folder(path):
        return _made(disk, name, args, side)
    content = disk.read(path / "plan.json" if disk.list(path) else path)
    try:
        return parse_plan(content)
    except NotCanonical as error:
        raise PlaybookFault(f"{name} is not a plan of this format: {error}", rule="RUN012") from None


def _is_playbook(disk: Disk, path: Path) -> bool:
    """Say whether it is a playbook: by its ending, or as the name of a shipped ceremony."""
    return path.suffix == ".yaml" or not disk.exists(path)


def _made(disk: Disk, name: str, args: Namespace, side: int) -> Plan | None:
    documents = load(disk, find_playbook(name), roster=None)
    if findings := [finding for finding in documents.findings() if finding.severity == "error"]:
        show(findings, form=args.format, sources=documents.by_name())
        return None
    given = [pair for pair in args.record if pair.partition("=")[0] in documents.written.records]
    choice = choose(
        documents,
        region=_for(args.region, "region", side),
        edition=_for(args.edition, "edition", side),
        language=_for(args.language, "language", side),
        given=Given(values=params(args.param), examples=True),
        records=earlier(disk, documents.written, given),
    )
    made = make_plan(documents, choice)
    if made.checked is None:
        show(made.findings, form=args.format, sources=documents.by_name())
        return None
    return made.checked.plan


def _for(given: Sequence[str], option: str, side: int) -> str | None:
    """Return what an option says for one side; given once, it is for both.

    Raises:
        WrongUse: it was given more than twice.
    """
    if len(given) > 2:  # noqa: PLR2004 (OLD and NEW)
        raise WrongUse(f"--{option} was given {len(given)} times; there are only OLD and NEW")
    return given[min(side, len(given) - 1)] if given else None
