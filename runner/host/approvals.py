"""The approval that lies beside a plan, PLAN.approval/, and what it is worth.

An approval counts only as far as plan and terms make its manifest again, so nobody has to believe the file that the
first approver's machine wrote. That the plan itself is what its sources make says `runner.host.plans`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.canonical import file_digest
from runner.errors import ControlFault, EvidenceFault, StepFault
from runner.exchange import Need
from runner.host.disk import EXISTS
from runner.plan import APPROVAL_DAYS
from runner.public_keys import parse_public_key
from runner.quorum import fill, shortfall
from runner.signing.manifest import Terms, manifest_txt, plan_of, read_terms, sums_txt
from runner.signing.signers import APPROVE
from runner.verification.reading import ShapeError
from runner.verification.signatures import check_signature, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.host.disk import Disk
    from runner.plan import CheckedPlan, Person, Plan

MANIFEST: Final = "manifest.txt"
SUMS: Final = "sums.txt"

_ENDING: Final = ".sshsig"


def approval_of(plan: Path) -> Path:
    """Return the folder with a plan's approval."""
    return plan.with_name(f"{plan.name}.approval")


# -- an approval -----------------------------------------------------------------------------------------------------


class Approved(Struct, frozen=True, kw_only=True):
    """An approval as it lies beside a plan; what it is worth says `require_approvals`.

    Attributes:
        manifest: manifest.txt.
        sums: sums.txt.
        signatures: the armoured SSHSIG of each approver by person, sorted.
        terms: what the manifest says and the plan does not.
    """

    manifest: bytes
    sums: bytes
    signatures: Mapping[str, bytes]
    terms: Terms


def prepare(checked: CheckedPlan, terms: Terms) -> Approved:
    """Return the approval of a plan that nobody has signed yet."""
    return Approved(
        manifest=manifest_txt(checked.plan, checked.sha256, terms),
        sums=sums_txt(checked.sha256, checked.plan.sources),
        signatures={},
        terms=terms,
    )


def read_approved(disk: Disk, plan: Path) -> Approved | None:
    """Return the approval beside a plan, or None where there is no manifest.

    Raises:
        ControlFault: RUN013, its manifest cannot be read, or a file there is no part of an approval.
    """
    folder = approval_of(plan)
    found = disk.list(folder)
    if MANIFEST not in found:
        return None
    prefix = f"{MANIFEST}."
    signatures = {
        name.removeprefix(prefix).removesuffix(_ENDING): disk.read(folder / name)
        for name in found
        if name.startswith(prefix) and name.endswith(_ENDING)
    }
    known = {MANIFEST, SUMS, *(f"{prefix}{person}{_ENDING}" for person in signatures)}
    if strange := sorted(set(found) ^ known):
        raise ControlFault(f"{folder.name}: {strange[0]} is missing, or no part of an approval", rule="RUN013")
    manifest = disk.read(folder / MANIFEST)
    try:
        terms = read_terms(manifest)
    except EvidenceFault as fault:
        raise ControlFault(f"{folder.name}/{MANIFEST}: {fault.words}", rule="RUN013") from None
    return Approved(manifest=manifest, sums=disk.read(folder / SUMS), signatures=signatures, terms=terms)


def keep_approval(disk: Disk, plan: Path, approved: Approved, person: str, signature: bytes) -> None:
    """Write a person's signature beside the plan, and manifest and sums where they are not there yet.

    Raises:
        StepFault: ART009, there is another file of that name; RUN030, it cannot be written.
    """
    folder = approval_of(plan)
    disk.mkdir(folder)
    disk.write_new(folder / SUMS, approved.sums, same_ok=True)
    disk.write_new(folder / MANIFEST, approved.manifest, same_ok=True)
    disk.write_new(folder / f"{MANIFEST}.{person}{_ENDING}", signature)


# -- what it is worth ------------------------------------------------------------------------------------------------


def require_approvals(checked: CheckedPlan, approved: Approved | None, *, today: str, software: str) -> None:
    """Return if the plan is approved as it asks to be.

    1. The approval is of this plan: plan and terms make manifest and sums again (RUN013).
    2. Today is one of its days (RUN011), and this is the software it names (RUN015).
    3. Each signature is its person's (LOG080), and the person may approve (RUN018).
    4. Distinct people with distinct keys fill what the plan asks (RUN017).

    Args:
        checked: the plan.
        approved: what lies beside it; None is enough where the plan asks for no approval.
        today: the UTC date, `2026-11-25`.
        software: the bundle digest of this runner.

    Raises:
        ControlFault: one of these does not hold.
    """
    plan = checked.plan
    if approved is None:
        require_enough(plan, ())
        return
    require_same_plan(checked, approved)
    require_in_force(plan, approved.terms, today=today)
    if approved.terms.software != software:
        raise ControlFault(f"software {approved.terms.software} was approved, and this is {software}", rule="RUN015")
    require_signed(plan, approved)
    require_enough(plan, tuple(approved.signatures))


def require_same_plan(checked: CheckedPlan, approved: Approved) -> None:
    """Return if an approval is word for word that of this plan.

    Raises:
        ControlFault: RUN013; shows both digests where it is another plan's.
    """
    other = plan_of(approved.manifest)
    if other != checked.sha256:
        words = f"the approvals are of another plan: approved was {other}, and this one is {checked.sha256}"
        raise ControlFault(words, rule="RUN013")
    due = prepare(checked, approved.terms)
    for name, found, right in ((MANIFEST, approved.manifest, due.manifest), (SUMS, approved.sums, due.sums)):
        if found != right:
            words = f"{name} is not what the plan makes: {file_digest(found)}, and it must be {file_digest(right)}"
            raise ControlFault(words, rule="RUN013")


def require_in_force(plan: Plan, terms: Terms, *, today: str) -> None:
    """Return if today is one of the days of an approval, and they are no more than the plan allows.

    Raises:
        ControlFault: RUN011.
    """
    most = plan.approvals.days or APPROVAL_DAYS
    days = (date.fromisoformat(terms.not_after) - date.fromisoformat(terms.not_before)).days
    if days > most:
        raise ControlFault(f"the approval is for {days} days, and the plan allows {most}", rule="RUN011")
    if not terms.not_before <= today <= terms.not_after:
        words = f"the approval is valid from {terms.not_before} to {terms.not_after}, and today is {today}"
        raise ControlFault(words, rule="RUN011")


def require_signed(plan: Plan, approved: Approved) -> None:
    """Return if every signature of an approval is that of a person who may approve.

    Raises:
        ControlFault: RUN018, somebody may not; LOG080, a signature is not theirs.
    """
    for person, signature in approved.signatures.items():
        require_signature(approver(plan, person), approved.manifest, signature)


def require_signature(person: Person, manifest: bytes, signature: bytes) -> None:
    """Return if a signature over a manifest is this person's.

    Raises:
        ControlFault: LOG080.
    """
    try:
        check_signature(signature, manifest, namespace=APPROVE, key=read_key(person.key or ""))
    except ShapeError as error:
        raise ControlFault(f"the signature is not {person.id}'s: {error}", rule="LOG080") from None


def require_enough(plan: Plan, people: tuple[str, ...]) -> None:
    """Return if these people are enough: each counts once, in one role, and so does each key.

    Raises:
        ControlFault: RUN017.
    """
    by_key = {parse_public_key(one.key or "").identity: one for one in map(plan.person, people) if one is not None}
    needs = [Need(role=wanted.role, count=wanted.count, holders_of=None) for wanted in plan.approvals.plan]
    if fill(list(by_key.values()), needs) is None:
        words = shortfall(list(by_key.values()), needs).replace("can come", "approved")
        raise ControlFault(f"the plan is not approved: {words}", rule="RUN017")


def approver(plan: Plan, who: str) -> Person:
    """Return the person who may approve a plan: of its roster, with a key, in a role that approves, and no other side.

    Raises:
        ControlFault: RUN018, they may not.
    """
    person = plan.person(who)
    if person is None:
        raise ControlFault(f"{who} is not on the plan's roster", rule="RUN018")
    if person.key is None:
        raise ControlFault(f"{who} has no key on the roster", rule="RUN018")
    roles = [wanted.role for wanted in plan.approvals.plan]
    if person.stands_in_for is not None or not set(person.roles).intersection(roles):
        raise ControlFault(f"{who} does not approve; the plan names: {', '.join(roles) or 'nobody'}", rule="RUN018")
    own = parse_public_key(person.key).identity
    same = [one for one in plan.people if one.key is not None and parse_public_key(one.key).identity == own]
    both = {role for one in same for role in one.roles}
    for line in plan.separation:
        if len(clash := sorted(both.intersection(line))) > 1:
            raise ControlFault(f"{who} is {' and '.join(clash)}, by person or by key", rule="RUN018")
    return person


# -- the ledger ------------------------------------------------------------------------------------------------------


def used_by(disk: Disk, ledger: Path, approval: str) -> str | None:
    """Return the id of the ceremony that used an approval, as a ledger has it; None where nothing is noted."""
    path = ledger / approval
    return disk.read(path).decode("utf-8", "replace").strip() if disk.exists(path) else None


def note_used(disk: Disk, ledger: Path, approval: str, ceremony: str) -> None:
    """Note in a ledger that an approval was used: the file `<approval>` holds the ceremony's id and a line feed.

    Raises:
        ControlFault: RUN014, another ceremony used it.
        StepFault: RUN030, it cannot be written.
    """
    disk.mkdir(ledger)
    try:
        disk.write_new(ledger / approval, f"{ceremony}\n".encode(), same_ok=True)
    except StepFault as fault:
        if fault.rule != EXISTS:
            raise
        other = used_by(disk, ledger, approval)
        raise ControlFault(f"approval {approval} was used already, by ceremony {other}", rule="RUN014") from None
