"""What an approval is worth: each rule accepts, and refuses what differs in one thing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from approval_bench import terms
from msgspec.structs import replace
from plan_bench import person, signer

from runner.errors import ControlFault, StepFault
from runner.host.approvals import (
    Approved,
    approval_of,
    approver,
    keep_approval,
    note_used,
    prepare,
    read_approved,
    require_approvals,
)
from runner.host.disk import Disk
from runner.plan import Approvals, CheckedPlan, Wanted, plan_bytes
from runner.signing.signers import APPROVE, ATTEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from approval_bench import Bench

    from runner.plan import Plan

PLAN = Path("plan.json")
TODAY = "2026-12-01"
SOFTWARE = "5f" * 32
APPROVERS = {"bob": 2, "cyd": 3, "hal": 8}
"""Who approves in most tests; hal is the auditor."""


def signed(checked: CheckedPlan, people: Mapping[str, int] = APPROVERS, **more: str) -> Approved:
    approved = prepare(checked, terms(**more))
    signatures = {who: signer(number).sign(APPROVE, approved.manifest) for who, number in people.items()}
    return replace(approved, signatures=signatures)


def rechecked(plan: Plan) -> CheckedPlan:
    """A plan as if the check had passed it: the refusals here do not lean on the check."""
    content = plan_bytes(plan)
    return CheckedPlan(plan=plan, content=content, sha256="ab" * 32)


def refused(checked: CheckedPlan, approved: Approved | None, rule: str, *, today: str = TODAY) -> str:
    with pytest.raises(ControlFault) as found:
        require_approvals(checked, approved, today=today, software=SOFTWARE)
    assert (found.value.rule, found.value.exit_code) == (rule, 4)
    return found.value.words


def accepted(checked: CheckedPlan, approved: Approved | None, *, today: str = TODAY) -> None:
    require_approvals(checked, approved, today=today, software=SOFTWARE)


@pytest.fixture
def checked(bench: Bench) -> CheckedPlan:
    bench.plan()
    return bench.checked()


# -- enough distinct people (RUN017) -----------------------------------------------------------------------------------


def test_enough_are_enough(checked: CheckedPlan) -> None:
    accepted(checked, signed(checked))


@pytest.mark.parametrize("missing", APPROVERS)
def test_one_too_few_is_refused(checked: CheckedPlan, missing: str) -> None:
    people = {who: number for who, number in APPROVERS.items() if who != missing}
    words = refused(checked, signed(checked, people), "RUN017")
    assert words.startswith("the plan is not approved: ")


def test_no_approval_is_refused_where_one_is_asked_for(checked: CheckedPlan) -> None:
    assert "2 people are needed as approver, and 0 approved" in refused(checked, None, "RUN017")


def test_no_approval_is_enough_where_none_is_asked_for(checked: CheckedPlan) -> None:
    plan = replace(checked.plan, approvals=replace(checked.plan.approvals, plan=()))
    accepted(rechecked(plan), None)


def test_one_person_in_two_roles_counts_once(checked: CheckedPlan) -> None:
    people = {"bob": 2, "hal": 8}
    assert "too many of them would have to be the same" in refused(checked, signed(checked, people), "RUN017")


def test_one_key_under_two_people_counts_once(checked: CheckedPlan) -> None:
    people = tuple(replace(one, key=signer(2).public) if one.id == "cyd" else one for one in checked.plan.people)
    twins = rechecked(replace(checked.plan, people=people))
    refused(twins, signed(twins, {"bob": 2, "cyd": 2, "hal": 8}), "RUN017")
    two_keys = rechecked(checked.plan)
    accepted(two_keys, signed(two_keys))


# -- of this plan (RUN013) ---------------------------------------------------------------------------------------------


def test_another_plans_approval_shows_both_digests(bench: Bench, checked: CheckedPlan) -> None:
    bench.plan("other.json", "--param", "copies=4")
    other = bench.checked("other.json")
    words = refused(checked, signed(other), "RUN013")
    assert other.sha256 in words
    assert checked.sha256 in words


@pytest.mark.parametrize("person_", ["bob: Bob", "hal: Hal"])
def test_a_manifest_in_other_words_is_refused_though_it_is_signed(checked: CheckedPlan, person_: str) -> None:
    manifest = signed(checked).manifest.replace(person_.encode(), person_.swapcase().encode())
    assert manifest != signed(checked).manifest
    signatures = {who: signer(number).sign(APPROVE, manifest) for who, number in APPROVERS.items()}
    forged = replace(signed(checked), manifest=manifest, signatures=signatures)
    assert "manifest.txt is not what the plan makes" in refused(checked, forged, "RUN013")


def test_other_sums_are_refused(checked: CheckedPlan) -> None:
    assert "sums.txt" in refused(checked, replace(signed(checked), sums=b""), "RUN013")


# -- days and software (RUN011, RUN015) --------------------------------------------------------------------------------


@pytest.mark.parametrize("today", ["2026-11-25", "2026-12-25"])
def test_the_first_and_the_last_day_count(checked: CheckedPlan, today: str) -> None:
    accepted(checked, signed(checked), today=today)


@pytest.mark.parametrize("today", ["2026-11-24", "2026-12-26"])
def test_the_days_around_them_do_not(checked: CheckedPlan, today: str) -> None:
    assert f"and today is {today}" in refused(checked, signed(checked), "RUN011", today=today)


def test_more_days_than_the_plan_allows_are_refused(checked: CheckedPlan) -> None:
    longer = signed(checked, not_after="2026-12-26")
    assert "for 31 days, and the plan allows 30" in refused(checked, longer, "RUN011")


def test_where_the_plan_names_no_days_they_are_thirty(checked: CheckedPlan) -> None:
    plan = rechecked(replace(checked.plan, approvals=replace(checked.plan.approvals, days=None)))
    accepted(plan, signed(plan))
    refused(plan, signed(plan, not_after="2026-12-26"), "RUN011")


def test_other_software_is_refused_with_both_digests(checked: CheckedPlan) -> None:
    words = refused(checked, signed(checked, software="60" * 32), "RUN015")
    assert "60" * 32 in words
    assert SOFTWARE in words


# -- by people who may, with their keys (RUN018, LOG080) ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "number", "words"),
    [
        ("ada", 1, "ada does not approve; the plan names: approver, auditor"),
        ("dee", 4, "dee does not approve"),
        ("eve", 5, "eve does not approve"),
        ("zoe", 9, "zoe is not on the plan's roster"),
    ],
)
def test_a_signature_of_somebody_else_beside_enough_others_is_refused(
    checked: CheckedPlan, who: str, number: int, words: str
) -> None:
    assert words in refused(checked, signed(checked, {**APPROVERS, who: number}), "RUN018")


def test_another_key_is_refused(checked: CheckedPlan) -> None:
    assert "not bob's" in refused(checked, signed(checked, {**APPROVERS, "bob": 3}), "LOG080")


def test_another_namespace_is_refused(checked: CheckedPlan) -> None:
    approved = signed(checked)
    signatures = {**approved.signatures, "bob": signer(2).sign(ATTEST, approved.manifest)}
    assert "not bob's" in refused(checked, replace(approved, signatures=signatures), "LOG080")


def test_a_signature_over_other_terms_is_refused(checked: CheckedPlan) -> None:
    signatures = {**signed(checked).signatures, "bob": signed(checked).signatures["bob"]}
    approved = replace(signed(checked), signatures=signatures)
    refused(checked, approved, "LOG080")


@pytest.mark.parametrize("signature", [b"", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", b"\xff"])
def test_what_is_no_signature_is_refused(checked: CheckedPlan, signature: bytes) -> None:
    approved = signed(checked)
    refused(checked, replace(approved, signatures={**approved.signatures, "bob": signature}), "LOG080")


def test_the_author_does_not_approve_by_person(checked: CheckedPlan) -> None:
    people = tuple(
        replace(one, roles=("approver", "author")) if one.id == "bob" else one for one in checked.plan.people
    )
    both = rechecked(replace(checked.plan, people=people))
    assert "bob is approver and author, by person or by key" in refused(both, signed(both), "RUN018")


def test_the_author_does_not_approve_by_key(checked: CheckedPlan) -> None:
    people = tuple(replace(one, key=signer(1).public) if one.id == "bob" else one for one in checked.plan.people)
    both = rechecked(replace(checked.plan, people=people))
    assert "by person or by key" in refused(both, signed(both, {**APPROVERS, "bob": 1}), "RUN018")


def test_who_has_no_key_does_not_approve(checked: CheckedPlan) -> None:
    plan = replace(checked.plan, people=(*checked.plan.people, person("kim", "Kim", "approver")))
    with pytest.raises(ControlFault, match="kim has no key") as found:
        approver(plan, "kim")
    assert found.value.rule == "RUN018"


def test_where_nobody_approves_nobody_may(checked: CheckedPlan) -> None:
    plan = replace(checked.plan, approvals=Approvals(plan=(), close=(Wanted(role="approver", count=1),), days=None))
    with pytest.raises(ControlFault, match="the plan names: nobody"):
        approver(plan, "bob")


# -- on the disk -------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_read_back(bench: Bench, checked: CheckedPlan) -> None:
    assert read_approved(bench.disk, PLAN) is None
    approved = signed(checked)
    for who, signature in reversed(approved.signatures.items()):
        keep_approval(bench.disk, PLAN, approved, who, signature)
    assert read_approved(bench.disk, PLAN) == approved
    assert list(bench.approved().signatures) == sorted(approved.signatures)


@pytest.mark.parametrize("left", ["", "sums.txt"])
def test_what_a_crash_left_is_gone_on_with(bench: Bench, checked: CheckedPlan, left: str) -> None:
    approved = signed(checked)
    approval_of(PLAN).mkdir()
    if left:
        (approval_of(PLAN) / left).write_bytes(approved.sums)
    assert read_approved(bench.disk, PLAN) is None
    keep_approval(bench.disk, PLAN, approved, "bob", approved.signatures["bob"])
    assert list(bench.approved().signatures) == ["bob"]


def test_no_signature_and_no_manifest_is_replaced(bench: Bench, checked: CheckedPlan) -> None:
    approved = signed(checked)
    keep_approval(bench.disk, PLAN, approved, "bob", approved.signatures["bob"])
    before = bench.tree()
    for other, signature in ((approved, approved.signatures["cyd"]), (signed(checked), approved.signatures["bob"])):
        with pytest.raises(StepFault) as found:
            keep_approval(bench.disk, PLAN, other, "bob", signature)
        assert found.value.rule == "ART009"
        assert bench.tree() == before


@pytest.mark.parametrize("name", ["note.txt", "manifest.txt.sshsig", "manifest.txt.bob.sig", "more/manifest.txt"])
def test_a_strange_file_is_refused(bench: Bench, checked: CheckedPlan, name: str) -> None:
    approved = signed(checked)
    keep_approval(bench.disk, PLAN, approved, "bob", approved.signatures["bob"])
    path = approval_of(PLAN) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(ControlFault, match="no part of an approval") as found:
        read_approved(bench.disk, PLAN)
    assert found.value.rule == "RUN013"


def test_missing_sums_are_refused(bench: Bench, checked: CheckedPlan) -> None:
    approved = signed(checked)
    keep_approval(bench.disk, PLAN, approved, "bob", approved.signatures["bob"])
    (approval_of(PLAN) / "sums.txt").unlink()
    with pytest.raises(ControlFault, match=r"sums\.txt is missing"):
        read_approved(bench.disk, PLAN)


def test_a_manifest_nobody_can_read_is_refused(bench: Bench, checked: CheckedPlan) -> None:
    approved = replace(signed(checked), manifest=b"APPROVED\n")
    keep_approval(bench.disk, PLAN, approved, "bob", b"")
    with pytest.raises(ControlFault) as found:
        read_approved(bench.disk, PLAN)
    assert found.value.rule == "RUN013"


# -- the ledger (RUN014) -----------------------------------------------------------------------------------------------

ONE, OTHER = "01" * 16, "02" * 16


def test_an_approval_is_used_by_one_ceremony(tmp_path: Path) -> None:
    ledger = tmp_path / "deep" / "ledger"
    note_used(Disk(), ledger, ONE, "aa" * 16)
    note_used(Disk(), ledger, ONE, "aa" * 16)
    note_used(Disk(), ledger, OTHER, "bb" * 16)
    before = {path.name: path.read_text() for path in ledger.iterdir()}
    assert before == {ONE: "aa" * 16 + "\n", OTHER: "bb" * 16 + "\n"}
    with pytest.raises(ControlFault) as found:
        note_used(Disk(), ledger, ONE, "bb" * 16)
    assert (found.value.rule, found.value.exit_code) == ("RUN014", 4)
    assert found.value.words == f"approval {ONE} was used already, by ceremony {'aa' * 16}"
    assert {path.name: path.read_text() for path in ledger.iterdir()} == before


def test_a_ledger_that_cannot_be_written_is_no_reuse(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file")
    with pytest.raises(StepFault) as found:
        note_used(Disk(), tmp_path / "ledger", ONE, "aa" * 16)
    assert found.value.rule in {"ART009", "RUN030"}
