"""`ceremony approve`: one person reads what a plan means, says its digest, and signs the manifest of its approval."""

from __future__ import annotations

import re
import secrets
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner import __version__
from runner.canonical import NotCanonical, file_digest
from runner.cli.options import Parser
from runner.difference import differences
from runner.errors import ControlFault, Exit, WrongUse
from runner.host.approvals import (
    Approved,
    approver,
    keep_approval,
    prepare,
    read_approved,
    require_in_force,
    require_same_plan,
    require_signature,
    require_signed,
)
from runner.host.bundle import bundle_sha256
from runner.host.clock import today
from runner.host.console import TRIES
from runner.host.disk import Disk
from runner.host.last_approved import last_approved
from runner.host.plans import load_plan
from runner.host.room import StopAsked
from runner.host.sshkeygen import agent_key, require_key, sign
from runner.host.terminal import Terminal
from runner.plan import APPROVAL_DAYS, parse_plan
from runner.reports.difference_report import difference_text
from runner.signing.manifest import Terms
from runner.signing.signers import APPROVE
from runner.spoken import hear

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from runner.plan import CheckedPlan, Person, Plan

SAID: Final = 4
"""How many words of the digest a person says: 32 bits, of a digest that stands before them."""

_SOFTWARE: Final = re.compile(r"[0-9a-f]{64}")


def main(arguments: Sequence[str]) -> int:
    """Run the command. Everything that can be refused is refused before anybody is asked, and nothing is written then.

    1. The plan is what its sources make, and the person may approve it.
    2. The approval beside it is of this plan, in force, and without a signature that is not right; or there is none.
    3. The person reads the manifest and what changed, and types the first words of the plan's digest.
    4. They sign; the signature is verified with the key that the plan has, and only then kept.
    """
    args = _parser().parse_args(arguments)
    disk = Disk()
    path = Path(args.plan)
    checked, _contents = load_plan(disk, path)
    person = approver(checked.plan, args.person)
    approved = _approval(disk, path, checked, args)
    if person.id in approved.signatures:
        raise WrongUse(f"{person.id} has approved this plan already")
    if args.key is not None:
        require_key(disk, Path(args.key), person.key or "")
    since = Path(args.since) if args.since else last_approved(disk, path, checked)
    changes = _changes(disk, checked.plan, since)
    try:
        with Terminal.open() as terminal:
            terminal.tell(approved.manifest.decode())
            terminal.tell(changes)
            if not _digest_said(terminal, checked):
                sys.stderr.write("stopped: nothing was signed\n")
                return Exit.STOPPED
            signature = _signed(disk, person, approved, args.key)
    except StopAsked:
        sys.stderr.write("stopped: nothing was signed\n")
        return Exit.STOPPED
    require_signature(person, approved.manifest, signature)
    keep_approval(disk, path, approved, person.id, signature)
    sys.stdout.write(f"{person.id} approved the plan {checked.sha256}\n")
    return Exit.DONE


def _parser() -> Parser:
    parser = Parser("approve", "Read what a plan means and sign it. Needs a terminal; exit 8 without one.")
    parser.add_argument("plan", metavar="PLAN", help="a plan that `ceremony plan --out` wrote")
    parser.add_argument("--as", dest="person", metavar="PERSON", required=True, help="who you are on the plan's roster")
    parser.add_argument(
        "--key", metavar="FILE", help="your private key, or the public half of one that ssh-agent holds; default: that"
    )
    parser.add_argument(
        "--since",
        metavar="OLDPLAN",
        help="an older plan; what changed is shown. Default: the one beside it approved last",
    )
    parser.add_argument(
        "--software", metavar="HEX", help="digest of the software that must carry it out; default: this software"
    )
    parser.add_argument("--days", metavar="N", type=int, help="how long it is valid; default: as long as the plan says")
    parser.add_argument("--from", dest="first", metavar="DATE", help="the first day it is valid; default: today, UTC")
    return parser


def _approval(disk: Disk, path: Path, checked: CheckedPlan, args: Namespace) -> Approved:
    """Return the approval to sign: the one that is there, whose terms hold for all, or a new one."""
    approved = read_approved(disk, path)
    if approved is None:
        approved = prepare(checked, _terms(disk, checked.plan, args))
        if approved.terms.not_after < today():
            raise ControlFault(f"the approval would end on {approved.terms.not_after}", rule="RUN011")
        return approved
    if args.days is not None or args.first is not None:
        raise WrongUse("the plan has an approval; the days that the first approver chose hold for all")
    require_same_plan(checked, approved)
    require_in_force(checked.plan, approved.terms, today=max(today(), approved.terms.not_before))
    software = args.software or bundle_sha256(disk)
    if approved.terms.software != software:
        words = f"the approval is for the software {approved.terms.software}, and this is {software}"
        raise ControlFault(words, rule="RUN015")
    require_signed(checked.plan, approved)
    return approved


def _terms(disk: Disk, plan: Plan, args: Namespace) -> Terms:
    most = plan.approvals.days or APPROVAL_DAYS
    days = most if args.days is None else args.days
    if not 1 <= days <= most:
        raise WrongUse(f"--days {days}: this plan's approval lasts from 1 to {most} days", rule="RUN011")
    try:
        first = date.fromisoformat(args.first or today())
        last = first + timedelta(days=days)
    except (ValueError, OverflowError):
        raise WrongUse(f"--from {args.first}: not a date such as 2027-06-30") from None
    if args.software is not None and _SOFTWARE.fullmatch(args.software) is None:
        raise WrongUse("--software: a digest has 64 hex digits, in lower case")
    return Terms(
        approval=secrets.token_hex(16),
        not_before=first.isoformat(),
        not_after=last.isoformat(),
        software=args.software or bundle_sha256(disk),
        version=__version__,
    )


def _changes(disk: Disk, plan: Plan, since: Path | None) -> str:
    """Say what changed in meaning since an older plan."""
    if since is None:
        return "\nNo earlier plan was named (--since), and no approved one lies beside it: nothing says what changed."
    content = disk.read(since)
    try:
        old = parse_plan(content)
    except NotCanonical as error:
        raise WrongUse(f"--since {since}: not a plan of this format: {error}") from None
    return f"\nSince the plan {file_digest(content)} ({since}):\n{difference_text(differences(old, plan))}"


def _digest_said(terminal: Terminal, checked: CheckedPlan) -> bool:
    """Let the person type the first words of the plan's digest; a few tries, each slip named."""
    terminal.tell(f"\nYou sign the plan {checked.sha256}.")
    for _ in range(TRIES):
        typed = terminal.ask(f"Type the first {SAID} words of its digest, from your own copy of the plan:")
        misheard = hear(typed, bytes.fromhex(checked.sha256)[:SAID])
        if misheard is None:
            return True
        terminal.tell(f"That is not it: {misheard.words}.")
    return False


def _signed(disk: Disk, person: Person, approved: Approved, key: str | None) -> bytes:
    if key is not None:
        return sign(Path(key), namespace=APPROVE, message=approved.manifest)
    with agent_key(disk, person.key or "") as path:
        return sign(path, namespace=APPROVE, message=approved.manifest)
