"""`ceremony rehearse`: the whole ceremony on the emulator, with simulated people, to a verified record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.earlier import add_records, earlier, folders
from runner.cli.endings import ended_code
from runner.cli.narrator import Narrator
from runner.cli.options import Parser, add_choice, add_format, add_language, params, show
from runner.document.control_rules import too_late
from runner.document.findings import in_order
from runner.errors import ControlFault, Exit, PlaybookFault, WrongUse
from runner.host.clock import today
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load, shown
from runner.host.fault_script import judge, read_faults
from runner.host.mishaps import Mishaps
from runner.host.rehearsal import Rehearsed, Script, rehearse, require_room
from runner.host.simulated_room import Ground
from runner.parameters import Given
from runner.planning import choose, make_plan, refused_regions
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from runner.document.faults import FaultScript
    from runner.document.shape import Parsed
    from runner.plan import CheckedPlan, EarlierRecord
    from runner.planning import Documents, Made


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("rehearse", "Carry a ceremony out on the emulator. Everything it makes is SIMULATED.")
    add_choice(parser)
    add_language(parser)
    add_records(parser)
    parser.add_argument("--region", metavar="R", help="the region")
    parser.add_argument(
        "--bring", metavar="FOLDER", help="where the files lie that the ceremony begins with; else, beside the playbook"
    )
    parser.add_argument("--faults", metavar="FILE", help="a *.faults.yaml: what goes wrong, and how it ends then")
    parser.add_argument("--all-regions", action="store_true", help="every region the edition offers, one record each")
    parser.add_argument(
        "--out", metavar="RECORD", required=True, help="the record's new folder (with --all-regions: their folder)"
    )
    add_format(parser)
    args = parser.parse_args(arguments)
    disk = Disk()
    documents = load(disk, find_playbook(args.file), roster=Path(args.roster) if args.roster else None)
    if findings := [finding for finding in documents.findings() if finding.severity == "error"]:
        show(findings, form=args.format, sources=documents.by_name())
        return Exit.REFUSED
    if late := too_late(documents.written, today()):
        raise ControlFault(late[1], rule=late[0])
    if bool(args.region) and args.all_regions:
        raise WrongUse("--region and --all-regions exclude each other")
    if documents.roster is None:
        raise PlaybookFault("a rehearsal needs people: give a roster", rule="QUO004")
    faults = None if args.faults is None else read_faults(disk, Path(args.faults), documents.written)
    if faults is not None and faults.value is None:
        show(faults.findings, form=args.format, sources={faults.source.name: faults.source})
        return Exit.REFUSED
    records = earlier(disk, documents.written, args.record)
    if args.all_regions:
        return _all_regions(disk, documents, args, records, faults)
    made = _plan(documents, args, args.region, records)
    if made.checked is None:
        show(made.findings, form=args.format, sources=documents.by_name())
        return Exit.REFUSED
    return _carry_out(disk, documents, made.checked, record=Path(args.out), args=args, faults=faults)


def _all_regions(
    disk: Disk,
    documents: Documents,
    args: argparse.Namespace,
    records: tuple[EarlierRecord, ...],
    faults: Parsed[FaultScript] | None,
) -> int:
    regions = documents.regions.value if documents.regions is not None else None
    if regions is None:
        raise WrongUse("the playbook has no regions", rule="REG010")
    place = Path(args.out)
    refused = refused_regions(documents, args.edition)
    offered = [code for code in regions.regions if code not in refused]
    require_room(disk, place)
    plans = {code: _plan(documents, args, code, records) for code in offered}
    ready = {code: made.checked for code, made in plans.items() if made.checked is not None}
    if len(ready) < len(plans):
        findings = in_order([finding for made in plans.values() for finding in made.findings])
        show(findings, form=args.format, sources=documents.by_name())
        return Exit.REFUSED
    disk.mkdir(place)
    worst: int = Exit.DONE
    done: list[str] = []
    for code, checked in ready.items():
        result = _carry_out(disk, documents, checked, record=place / code, args=args, faults=faults)
        worst = max(worst, result)
        done.extend([code] if result == Exit.DONE else [])
    for code, why in refused.items():
        sys.stdout.write(f"not offered  {code}: {why}\n")
    sys.stdout.write(f"rehearsed    {len(done)} of {len(offered)} regions offered: {' '.join(done)}\n")
    return worst


def _plan(
    documents: Documents, args: argparse.Namespace, region: str | None, records: tuple[EarlierRecord, ...]
) -> Made:
    """Return the plan for one region, checked where nothing is wrong."""
    given = Given(values=params(args.param), examples=True)
    choice = choose(
        documents, region=region, edition=args.edition, given=given, language=args.language, records=records
    )
    return make_plan(documents, choice)


def _script(documents: Documents, args: argparse.Namespace) -> Script:
    bring = Path(args.bring) if args.bring else find_playbook(args.file).parent
    return Script(answers=documents.examples(), bring=bring, earlier=folders(documents.written, args.record))


def _carry_out(
    disk: Disk,
    documents: Documents,
    checked: CheckedPlan,
    *,
    record: Path,
    args: argparse.Namespace,
    faults: Parsed[FaultScript] | None,
) -> int:
    sys.stderr.write(
        f"\nREHEARSAL  {checked.plan.ceremony.title}\nSIMULATED  device, people and regions; no genuine key is made\n"
    )
    sys.stderr.write(f"plan       {checked.sha256}\n")
    ground, script = Ground(disk=disk), _script(documents, args)
    watch, contents = Narrator(sys.stderr, checked.plan), documents.contents
    if faults is None or faults.value is None:
        return rehearsed(rehearse(ground, checked, contents=contents, record=record, script=script, watch=watch))
    mishaps = Mishaps(faults.value.faults, ground, record)
    left = mishaps.carry_out(checked, contents=contents, record=record, script=script, watch=watch)
    code = rehearsed(left)
    if findings := judge(faults, faults.value, mishaps, left.ended):
        show(findings, form=args.format, sources={faults.source.name: faults.source})
        return Exit.FINDINGS
    return code


def rehearsed(left: Rehearsed) -> int:
    """Say what a rehearsal left, with the verdict on it, and return the exit code."""
    verdict = verify(left.record, left.trust, rehearsal=True)
    for package in left.packages:
        sys.stdout.write(f"package      {shown(package)}  SIMULATED\n")
    sys.stdout.write(f"record       {shown(left.record)}\n")
    sys.stdout.write(f"trust file   {shown(left.trust)}\n")
    sys.stdout.write(f"verdict      {verdict.sentence()}\n")
    return ended_code(left.ended, valid=verdict.outcome is Outcome.VALID)
