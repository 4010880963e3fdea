"""Attacks on what people sign: approvals, consent, results, close. By somebody who holds every log key, and without.

Each test names the rule that catches it, and the entry or file. The legal record they start from is valid.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import (
    Change,
    data,
    insert_before,
    made,
    place,
    stated_before,
    statement,
    together,
    unstated,
)
from sshsig import Signer
from synthetic import TERMS, Draft, Written, attested, seq_of, write

from runner import canonical
from runner.audit.entry import EntryType
from runner.verification.manifest import Terms, rebuild_manifest
from runner.verification.signers import APPROVE, CLOSE
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def judged(record: Written) -> Verdict:
    return verify(record.folder, record.trust, rehearsal=True)


def test_the_legal_record_is_valid_and_says_who_signed(signed: Written) -> None:
    verdict = judged(signed)
    assert verdict.findings == ()
    assert verdict.sentence() == "REHEARSAL SIMULATED: VALID, 119 entries; approved by 2, signed by 4 people."
    assert verdict.facts.approved == ("fay", "gus")
    assert verdict.facts.signed == ("asha", "bram", "dana", "emil")
    assert verdict.signed_by_people
    assert [note for note in verdict.notes if "typed" in note] == [
        "step verify, attempt 1: dana, emil typed and did not sign: the weaker thing"
    ]
    assert any("as of the times that the entries claim" in note for note in verdict.notes)
    assert any(note.startswith("no registry") for note in verdict.notes)


# -- in the room, by whoever holds the log keys ------------------------------------------------------------------------


def consent_after_the_change(told: list[Draft]) -> None:
    moved = [told.pop(made(told, "generate", "consent", who)) for who in ("dana", "emil")]
    start = place(told, "generate", "key_made") + 1
    told[start:start] = moved


def result_without_its_checkpoint(told: list[Draft]) -> None:
    del told[made(told, "generate", "result", "dana") - 1]


def consent_without_its_checkpoint(told: list[Draft]) -> None:
    del told[made(told, "generate", "consent", "dana") - 1]


def close_before_the_last_step(told: list[Draft]) -> None:
    start = made(told, None, "close", "emil")
    moved = told[start - 1 : start + 1]
    del told[start - 1 : start + 1]
    place_of_step = place(told, "compare", "step.begun")
    told[place_of_step:place_of_step] = moved


def another_result(told: list[Draft]) -> None:
    """Everybody signs a result; the log then says another one."""
    told[made(told, "seal", "result", "dana")].text = b"STATEMENT OF RESULT (statement/1)\n"


def last_checkpoint(told: list[Draft]) -> None:
    del told[max(number for number, draft in enumerate(told) if draft.type is EntryType.CHECKPOINT)]


BEFORE_DONE = ("generate", "step.done")
IN_ROOM: dict[str, tuple[Change, str, tuple[str | None, str]]] = {
    "no consent": (unstated("generate", "consent", "dana"), "LOG082", ("generate", "generate_key")),
    "consent after the change": (consent_after_the_change, "LOG082", ("generate", "generate_key")),
    "consent to what was not seen": (consent_without_its_checkpoint, "LOG082", ("generate", "generate_key")),
    "no result": (unstated("generate", "result", "emil"), "LOG082", BEFORE_DONE),
    "result from before it": (result_without_its_checkpoint, "LOG082", BEFORE_DONE),
    "typed, where a signature is due": (
        statement("generate", "consent", "dana", how="typed"),
        "LOG082",
        ("generate", "attested"),
    ),
    "called signed": (
        statement("generate", "consent", "dana", signature_sha256=None),
        "LOG082",
        ("generate", "attested"),
    ),
    "called typed": (
        statement("verify", "consent", "dana", signature_sha256="0" * 64),
        "LOG082",
        ("verify", "attested"),
    ),
    "in another role": (statement("generate", "consent", "dana", role="witness"), "LOG083", ("generate", "attested")),
    "who does not act": (
        stated_before("generate", "generate_key", attested("consent", "bram", "administrator", "generate")),
        "LOG083",
        ("generate", "attested"),
    ),
    "a stranger": (
        stated_before("generate", "generate_key", attested("consent", "zoe", "operator", "generate", how="typed")),
        "LOG083",
        ("generate", "attested"),
    ),
    "one person twice": (
        stated_before("generate", "generate_key", attested("consent", "dana", "operator", "generate")),
        "LOG083",
        ("generate", "attested"),
    ),
    "where nothing is asked": (
        stated_before("carry", "carry_file", attested("consent", "dana", "operator", "carry")),
        "LOG083",
        ("carry", "attested"),
    ),
    "to another step": (
        stated_before("seal", "seal_package", attested("consent", "dana", "operator", "generate")),
        "LOG083",
        ("generate", "attested"),
    ),
    "before people were called": (
        stated_before("generate", "gather_people", attested("consent", "dana", "operator", "generate")),
        "LOG083",
        ("generate", "attested"),
    ),
    "from outside the room": (
        lambda told: told.insert(
            made(told, "generate", "consent", "emil"), Draft(EntryType.PERSON_LEFT, {"person": "emil"})
        ),
        "LOG083",
        ("generate", "attested"),
    ),
    "over an older checkpoint": (statement("generate", "result", "dana", size=1), "LOG081", ("generate", "attested")),
    "another text": (another_result, "LOG081", ("seal", "attested")),
    "nobody closes": (unstated(None, "close", "emil"), "LOG082", (None, "ceremony.closed")),
    "closed by typing": (statement(None, "close", "emil", how="typed"), "LOG082", (None, "attested")),
    "closed by somebody else": (
        statement(None, "close", "emil", person="dana", role="operator"),
        "LOG083",
        (None, "attested"),
    ),
    "closed too early": (close_before_the_last_step, "LOG083", (None, "attested")),
    "closed over less than all": (last_checkpoint, "LOG082", (None, "ceremony.closed")),
    "no hand-over by one": (unstated(None, "handover", "bram"), "LOG082", (None, "ceremony.resumed")),
    "hand-over before it": (
        insert_before("carry", "step.begun", attested("handover", "dana", "operator")),
        "LOG083",
        (None, "attested"),
    ),
    "recovery of nothing": (
        insert_before("carry", "step.begun", attested("recovery", "dana", "operator")),
        "LOG083",
        (None, "attested"),
    ),
}


def entries_of(record: Written, step: str | None, name: str) -> set[int]:
    return {
        entry["seq"]
        for entry in record.entries()
        if entry["step"] == step and name in (entry["data"].get("kind"), entry["type"])
    }


@pytest.mark.parametrize("attack", list(IN_ROOM))
def test_a_statement_that_is_not_as_it_must_be_is_seen(tmp_path: Path, attack: str) -> None:
    change, rule, (step, name) = IN_ROOM[attack]
    record = write(tmp_path, signed=True, change=change)
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    places = {finding.seq for finding in verdict.findings if finding.rule == rule}
    assert places & entries_of(record, step, name), [finding.line() for finding in verdict.findings]
    assert not {finding.rule for finding in verdict.findings} & {"LOG003", "LOG005", "LOG006", "LOG010", "LOG011"}


SIGNATURES: dict[str, Change] = {
    "with another's key": statement("generate", "consent", "dana", signer="bram"),
    "for another purpose": statement("generate", "consent", "dana", namespace=CLOSE),
    "close for another purpose": statement(None, "close", "emil", namespace=APPROVE),
}


@pytest.mark.parametrize("attack", list(SIGNATURES))
def test_a_signature_that_is_not_that_persons_is_seen(tmp_path: Path, attack: str) -> None:
    record = write(tmp_path, signed=True, change=SIGNATURES[attack])
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert [finding.rule for finding in verdict.findings] == ["LOG080"]
    assert verdict.findings[0].file.endswith(".sshsig")


def test_a_close_is_by_somebody_who_acted_in_no_role_it_excludes(tmp_path: Path) -> None:
    def both(planned: dict[str, Any]) -> None:
        planned["approvals"]["close"] = [{"role": "operator", "count": 1}]
        next(one for one in planned["people"] if one["id"] == "emil")["roles"] = ["witness", "operator"]

    def came_as_both(told: list[Draft]) -> None:
        for draft in told:
            if draft.name == "person.present" and draft.data["person"] == "emil":
                draft.data["roles"] = ["operator", "witness"]
        told[made(told, None, "close", "emil")].data["role"] = "operator"

    verdict = judged(write(tmp_path, signed=True, change=came_as_both, change_plan=both))
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings} == {"LOG037"}


def test_a_statement_of_another_ceremony_does_not_fit(tmp_path: Path) -> None:
    """A whole part, people's signatures and all, is taken over from another ceremony by whoever has all log keys."""
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", signed=True, change_opening=lambda opened: opened.update(ceremony="ee" * 16))
    assert judged(other).outcome is Outcome.VALID
    path = next((other.folder / "statements").glob(f"{seq_of(other, 'import', 'attested'):010d}.*.txt"))

    def take_over(told: list[Draft]) -> None:
        told[made(told, "import", "consent", "dana")].text = path.read_bytes()

    record = write(tmp_path, signed=True, change=take_over)
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert {(finding.rule, finding.seq) for finding in verdict.findings} == {
        ("LOG081", seq_of(record, "import", "attested"))
    }


# -- approvals ---------------------------------------------------------------------------------------------------------


def sign_anew(files: dict[str, bytes], *, seed: str = "", **others: str) -> None:
    """Let the approvers sign the manifest as it is now, some of them with the key of somebody else."""
    for who in ("fay", "gus"):
        signer = Signer(others.get(who, who), seed)
        files[f"approval/manifest.txt.{who}.sshsig"] = signer.sign(APPROVE, files["approval/manifest.txt"])


def edit_manifest(files: dict[str, bytes]) -> None:
    files["approval/manifest.txt"] = files["approval/manifest.txt"].replace(b"approves   2", b"approves   1")
    sign_anew(files)


def approve_another_plan(files: dict[str, bytes]) -> None:
    """What was approved is another plan than the one that is carried out."""
    planned = synthetic.plan()
    synthetic.sign_plan(planned)
    planned["steps"][4]["settings"]["size"] = 4096
    content = canonical.encode(planned)
    files["approval/manifest.txt"] = rebuild_manifest(planned, synthetic.sha(content), TERMS)
    sign_anew(files)


def no_approval(files: dict[str, bytes]) -> None:
    files["approval/manifest.txt"] = b"We agree.\n"
    sign_anew(files)


def edit_sums(files: dict[str, bytes]) -> None:
    files["approval/sums.txt"] = files["approval/sums.txt"].replace(b"a", b"b", 1)


def approve_as_a_stranger(files: dict[str, bytes]) -> None:
    manifest = files["approval/manifest.txt"]
    files["approval/manifest.txt.zoe.sshsig"] = Signer("zoe").sign(APPROVE, manifest)


def swap_keys(files: dict[str, bytes]) -> None:
    lines = files["keys/allowed_signers"].splitlines(keepends=True)
    files["keys/allowed_signers"] = b"".join([lines[1], lines[0], *lines[2:]])


def one_key_more(files: dict[str, bytes]) -> None:
    files["keys/allowed_signers"] += b'zoe namespaces="*" ' + Signer("zoe").public.encode() + b"\n"


def approve_twice(opened: dict[str, Any]) -> None:
    opened["approvals"] = [opened["approvals"][0], opened["approvals"][0]]


@pytest.mark.parametrize(
    ("rule", "file", "fields"),
    [
        ("LOG084", "", {"approvers": ("fay",)}),
        ("LOG084", "", {"approvers": ()}),
        ("LOG084", "", {"approvers": ("fay", "emil")}),
        ("LOG083", "", {"change_opening": approve_twice}),
        ("LOG080", "approval/manifest.txt.gus.sshsig", {"change_files": lambda files: sign_anew(files, gus="fay")}),
        ("LOG080", "approval/manifest.txt.fay.sshsig", {"change_files": lambda files: sign_anew(files, seed="x")}),
        ("LOG081", "approval/manifest.txt", {"change_files": edit_manifest}),
        ("LOG081", "approval/manifest.txt", {"change_files": approve_another_plan}),
        ("LOG081", "approval/manifest.txt", {"change_files": no_approval}),
        ("LOG080", "approval/manifest.txt.zoe.sshsig", {"change_files": approve_as_a_stranger}),
        ("LOG081", "approval/sums.txt", {"change_files": edit_sums}),
        ("LOG081", "keys/allowed_signers", {"change_files": swap_keys}),
        ("LOG081", "keys/allowed_signers", {"change_files": one_key_more}),
        ("LOG085", "", {"terms": replace(TERMS, not_after=dt.date(2026, 11, 24))}),
        ("LOG085", "", {"terms": replace(TERMS, not_before=dt.date(2026, 11, 26))}),
        ("LOG085", "approval/manifest.txt", {"terms": replace(TERMS, not_after=dt.date(2026, 12, 21))}),
        ("LOG085", "", {"terms": replace(TERMS, software="33" * 32)}),
        ("LOG085", "", {"terms": replace(TERMS, version="0.2.0")}),
    ],
)
def test_an_approval_that_does_not_hold_is_seen(tmp_path: Path, rule: str, file: str, fields: dict[str, Any]) -> None:
    verdict = judged(write(tmp_path, signed=True, **fields))
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.file) == (rule, file)


def test_an_approval_lasts_as_long_as_the_plan_says(tmp_path: Path) -> None:
    def short(planned: dict[str, Any]) -> None:
        planned["approvals"]["days"] = 5

    def unsaid(planned: dict[str, Any]) -> None:
        planned["approvals"]["days"] = None

    days = dt.timedelta(days=5)
    for number, (change, not_after, outcome) in enumerate(
        [
            (short, TERMS.not_before + days, Outcome.VALID),
            (short, TERMS.not_before + days + dt.timedelta(days=1), Outcome.TAMPERED),
            (unsaid, TERMS.not_before + dt.timedelta(days=30), Outcome.VALID),
            (unsaid, TERMS.not_before + dt.timedelta(days=31), Outcome.TAMPERED),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        terms: Terms = replace(TERMS, not_after=not_after)
        record = write(tmp_path / str(number), signed=True, change_plan=change, terms=terms)
        assert judged(record).outcome is outcome


def test_a_later_sitting_runs_the_approved_software_too(tmp_path: Path) -> None:
    other = {"version": "0.1.0", "bundle_sha256": "44" * 32}
    record = write(tmp_path, signed=True, change=data(None, "ceremony.resumed", runner=other))
    verdict = judged(record)
    assert [(finding.rule, finding.seq) for finding in verdict.findings] == [
        ("LOG085", seq_of(record, None, "ceremony.resumed"))
    ]


def change_person(planned: dict[str, Any], who: str, **fields: Any) -> None:
    next(one for one in planned["people"] if one["id"] == who).update(fields)


def test_who_approves_is_apart_from_who_acts_and_who_wrote(tmp_path: Path) -> None:
    def operator_approves(planned: dict[str, Any]) -> None:
        change_person(planned, "dana", roles=["operator", "approver"])

    def came_as_both(told: list[Draft]) -> None:
        for draft in told:
            if draft.name == "person.present" and draft.data["person"] == "dana":
                draft.data["roles"] = ["operator", "approver"]

    def author_approves(planned: dict[str, Any]) -> None:
        change_person(planned, "hal", roles=["author", "approver"])

    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"change": came_as_both, "change_plan": operator_approves}, ("dana", "gus")),
        ({"change_plan": author_approves}, ("gus", "hal")),
    ]
    for number, (fields, approvers) in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        verdict = judged(write(tmp_path / str(number), signed=True, approvers=approvers, **fields))
        assert verdict.outcome is Outcome.TAMPERED
        assert [finding.rule for finding in verdict.findings] == ["LOG086"]


def test_one_key_is_one_persons(tmp_path: Path) -> None:
    """Fay has a second name on the roster, with her own key under it."""

    def one_key(planned: dict[str, Any]) -> None:
        change_person(planned, "gus", key=Signer("fay").public)

    def sign(files: dict[str, bytes]) -> None:
        files["keys/allowed_signers"] = files["keys/allowed_signers"].replace(
            Signer("gus").public.encode(), Signer("fay").public.encode()
        )
        sign_anew(files, gus="fay")

    verdict = judged(write(tmp_path, signed=True, change_plan=one_key, change_files=sign))
    assert verdict.outcome is Outcome.TAMPERED
    assert [finding.rule for finding in verdict.findings] == ["LOG083"]


def test_a_key_that_is_none_signs_nothing(tmp_path: Path) -> None:
    def no_key(planned: dict[str, Any]) -> None:
        change_person(planned, "dana", key="ssh-ed25519 AAAA")

    verdict = judged(write(tmp_path, signed=True, change_plan=no_key))
    assert verdict.outcome is Outcome.TAMPERED
    words = [finding.words for finding in verdict.findings if (finding.rule, finding.seq) == ("LOG081", 0)]
    assert [text.partition(": ")[0] for text in words] == ["the key of dana"]
    assert "LOG080" in {finding.rule for finding in verdict.findings}


def test_a_plan_may_ask_for_no_approval(tmp_path: Path) -> None:
    def nobody(planned: dict[str, Any]) -> None:
        planned["approvals"]["plan"] = []

    verdict = judged(write(tmp_path, signed=True, change_plan=nobody, approvers=()))
    assert verdict.outcome is Outcome.VALID
    assert verdict.sentence().endswith("approved by 0, signed by 4 people.")


# -- the files, by somebody without any key ----------------------------------------------------------------------------

PEOPLES = ["approval/manifest.txt.fay.sshsig", "keys/allowed_signers", "approval/manifest.txt", "approval/sums.txt"]


def peoples_files(record: Written) -> list[str]:
    return [name for name in synthetic.files(record.folder) if name.startswith("statements/")] + PEOPLES


def held(record: Written) -> Verdict:
    synthetic.sums(record.folder)
    return judged(record)


def test_what_people_signed_is_missed_when_it_is_dropped(signed: Written) -> None:
    names = peoples_files(signed)
    assert len(names) > 50
    for name in names:
        path = signed.folder / name
        content = path.read_bytes()
        path.unlink()
        verdict = held(signed)
        assert verdict.outcome is Outcome.INCOMPLETE, name
        assert verdict.deciding is not None
        assert (verdict.deciding.rule, verdict.deciding.file) == ("LOG022", name)
        path.write_bytes(content)
    assert held(signed).outcome is Outcome.VALID


def test_what_people_signed_is_seen_to_be_changed(signed: Written) -> None:
    for name in peoples_files(signed):
        path = signed.folder / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + b" \n")
        verdict = held(signed)
        assert verdict.outcome is Outcome.TAMPERED, name
        assert verdict.deciding is not None
        rule = "LOG080" if name.endswith(".sshsig") else "LOG081"
        assert (verdict.deciding.rule, verdict.deciding.file) == (rule, name)
        path.write_bytes(content)
    assert held(signed).outcome is Outcome.VALID


def test_statements_are_seen_to_be_swapped_or_renamed(signed: Written) -> None:
    seq = seq_of(signed, "generate", "attested")
    one = signed.folder / f"statements/{seq:010d}.dana.txt"
    other = signed.folder / f"statements/{seq + 1:010d}.emil.txt"
    for suffix, rule in (("", "LOG081"), (".sshsig", "LOG080")):
        paths = [path.with_name(path.name + suffix) for path in (one, other)]
        contents = [path.read_bytes() for path in paths]
        for path, content in zip(paths, reversed(contents), strict=True):
            path.write_bytes(content)
        verdict = held(signed)
        assert verdict.outcome is Outcome.TAMPERED
        assert {finding.rule for finding in verdict.findings} == {rule}
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
    one.rename(one.with_name(f"{seq:010d}.bram.txt"))
    verdict = held(signed)
    assert {(finding.rule, finding.file) for finding in verdict.findings} == {
        ("LOG022", f"statements/{one.name}"),
        ("LOG021", f"statements/{seq:010d}.bram.txt"),
    }


def test_another_signature_by_the_same_person_is_not_the_one_named(signed: Written) -> None:
    """Over the same bytes, by the same key: only the log knows which signature was there."""
    path = signed.folder / "approval/manifest.txt.fay.sshsig"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"-----\n", b"-----\n\n", 1))
    verdict = held(signed)
    assert [(finding.rule, finding.file) for finding in verdict.findings] == [
        ("LOG080", "approval/manifest.txt.fay.sshsig")
    ]


def test_statements_beyond_a_cut_log_are_seen(signed: Written) -> None:
    kept = seq_of(signed, "import", "attested")
    (signed.folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in signed.lines[:kept]))
    for path in (signed.folder / "checkpoints").iterdir():
        if int(path.stem) > kept:
            path.unlink()
    verdict = held(signed)
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings if finding.means is Outcome.TAMPERED} == {"LOG018"}
    begun = f"{kept:010d}."  # one that was written, and the entry was not
    for path in (signed.folder / "statements").iterdir():
        if path.name >= begun and not path.name.startswith(begun):
            path.unlink()
    assert held(signed).outcome is Outcome.OPEN


def test_a_gate_is_what_the_plan_says_and_not_what_the_log_shows(tmp_path: Path) -> None:
    """All statements of a step are left out, as if it had no gate."""

    def ungated(told: list[Draft]) -> None:
        told[:] = [draft for draft in told if draft.type is not EntryType.ATTESTED or draft.step != "seal"]

    record = write(tmp_path, signed=True, change=ungated)
    verdict = judged(record)
    assert {(finding.rule, finding.seq) for finding in verdict.findings} == {
        ("LOG082", seq_of(record, "seal", "seal_package")),
        ("LOG082", seq_of(record, "seal", "step.done")),
    }


def test_what_is_attested_at_a_typed_gate_may_be_signed(tmp_path: Path) -> None:
    more = together(*(statement("verify", "result", who, how="signed") for who in ("dana", "emil")))
    record = write(tmp_path, signed=True, change=more)
    assert judged(record).outcome is Outcome.VALID


def test_an_aborted_ceremony_is_closed_by_nobody(tmp_path: Path) -> None:
    def abort(told: list[Draft]) -> None:
        start = place(told, "compare", "step.begun")
        devices = [synthetic.device("vault", 1)]
        aborted = {"rule": "RUN043", "by": "dana", "reason": "enough", "devices": devices}
        told[start:] = [
            Draft(EntryType.CEREMONY_ABORTED, aborted),
            Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
        ]

    record = write(tmp_path, signed=True, change=abort)
    assert judged(record).outcome is Outcome.ABORTED
