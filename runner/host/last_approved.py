"""The plan that was approved last, among those that lie beside a plan with their approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.canonical import NotCanonical
from runner.check import check
from runner.errors import CeremonyError
from runner.host.approvals import read_approved, require_enough, require_same_plan, require_signed
from runner.host.documents import approved_beside
from runner.plan import CheckedPlan, parse_plan

if TYPE_CHECKING:
    from pathlib import Path

    from runner.host.disk import Disk


def last_approved(disk: Disk, path: Path, checked: CheckedPlan) -> Path | None:
    """Return the plan of the same ceremony, and another than this one, that was approved last; None where none was.

    It counts only where enough people approved it, as it says itself; days do not matter any more. Of several, the one
    whose approval began last, and of these the one whose name sorts last.

    Args:
        disk: the only way to files.
        path: the plan beside which the others lie.
        checked: that plan.
    """
    found = [
        (began, other) for other in approved_beside(path) if (began := _approved_from(disk, other, checked)) is not None
    ]
    return max(found)[1] if found else None


def _approved_from(disk: Disk, other: Path, checked: CheckedPlan) -> str | None:
    """Return the first day of the approval of another plan; None where it is no approved plan of this ceremony."""
    try:
        older = check(parse_plan(disk.read(other)))
        if not isinstance(older, CheckedPlan) or not _another_of_its_ceremony(older, checked):
            return None
        approved = read_approved(disk, other)
        if approved is None:
            return None
        require_same_plan(older, approved)
        require_signed(older.plan, approved)
        require_enough(older.plan, tuple(approved.signatures))
    except (CeremonyError, NotCanonical):
        return None
    return approved.terms.not_before


def _another_of_its_ceremony(older: CheckedPlan, checked: CheckedPlan) -> bool:
    return older.plan.ceremony.id == checked.plan.ceremony.id and older.sha256 != checked.sha256
