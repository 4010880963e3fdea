"""What an auditor brings: keys of people and logs, a policy, a registry; and what a record alone cannot show."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import synthetic
from changes import place, statement, together
from sshsig import Signer
from synthetic import ORIGIN, TERMS, Draft, Written, device, resumed, write

from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.audit.tree import Frontier, leaf
from runner.cli.verify import main
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify


def anchored(record: Written, **fields: Any) -> Verdict:
    """Judge a record with these anchors and no others."""
    none = {"log_keys": [], "plan_sha256": None, "people": []}
    trust = synthetic.trust_file(record.folder.parent, record.key, **none | fields)
    return verify(record.folder, trust, rehearsal=True)


def log_keys(record: Written) -> list[str]:
    return [entry["data"]["log_key"] for entry in record.entries() if "log_key" in entry["data"]]


def people(*who: str) -> list[dict[str, str]]:
    return [{"person": one, "key": Signer(one).public} for one in who]


def found(verdict: Verdict) -> set[tuple[str, int | None, Outcome]]:
    return {(finding.rule, finding.seq, finding.means) for finding in verdict.findings}


# -- whose log it is ---------------------------------------------------------------------------------------------------


def test_a_log_is_believed_by_its_people_or_by_its_keys(signed: Written) -> None:
    digest = synthetic.sha((signed.folder / "plan.json").read_bytes())
    keys = log_keys(signed)
    assert len(keys) == 3
    for fields in (
        {"plan_sha256": digest},
        {"people": people("emil", "dana")},
        {"people": people("emil")},
        {"log_keys": keys},
        {"log_keys": keys[:1], "people": people("emil")},
    ):
        assert anchored(signed, **fields).outcome is Outcome.VALID, fields


def test_a_sitting_that_nothing_vouches_for_is_named(signed: Written, tmp_path: Path) -> None:
    keys = log_keys(signed)
    resumed_at = [entry["seq"] for entry in signed.entries() if entry["type"] == "ceremony.resumed"]
    verdict = anchored(signed, log_keys=keys[:1])
    assert verdict.outcome is Outcome.UNANCHORED
    assert found(verdict) == {("LOG015", seq, Outcome.UNANCHORED) for seq in resumed_at}
    assert "sitting 1" in verdict.sentence()
    assert anchored(signed, people=people("fay", "gus")).outcome is Outcome.UNANCHORED  # they signed no log

    def unsigned_sitting(told: list[Draft]) -> None:
        start = place(told, "compare", "step.begun")
        stop = Draft(EntryType.CEREMONY_SUSPENDED, {"rule": "RUN042", "devices": [device("vault", 1)]})
        told[start:start] = [
            stop,
            resumed(["online"], [device("vault", 1)]),
            Draft(EntryType.CEREMONY_SUSPENDED, dict(stop.data)),
            resumed(["online"], [device("vault", 1)]),
        ]

    (tmp_path / "b").mkdir()
    record = write(tmp_path / "b", signed=True, change=unsigned_sitting)
    spliced = [entry["seq"] for entry in record.entries() if entry["type"] == "ceremony.resumed"][2]
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert found(verdict) == {("LOG015", spliced, Outcome.UNANCHORED)}


def test_a_key_is_vouched_for_only_by_a_good_signature_over_its_log(tmp_path: Path) -> None:
    """Emil signs nothing but a statement that is not what it must be."""
    record = write(tmp_path, signed=True, change=together(statement(None, "close", "emil", text=b"yes\n")))
    verdict = anchored(record, people=people("emil"), log_keys=log_keys(record)[:2])
    assert verdict.outcome is Outcome.TAMPERED
    close = next(entry["seq"] for entry in record.entries() if entry["data"].get("about") == "close")
    assert ("LOG081", close, Outcome.TAMPERED) in found(verdict)


def test_a_record_made_anew_with_other_keys_is_caught_by_either_anchor(signed: Written, tmp_path: Path) -> None:
    forger = LogKey.from_seed(ORIGIN, b"forger" + bytes(26))
    (tmp_path / "f").mkdir()
    forged = write(tmp_path / "f", signed=True, key=forger, seed="x")
    assert verify(forged.folder, forged.trust, rehearsal=True).outcome is Outcome.VALID
    verdict = anchored(forged, log_keys=log_keys(signed))
    assert verdict.deciding is not None
    assert (verdict.outcome, verdict.deciding.rule, verdict.deciding.seq) == (Outcome.TAMPERED, "LOG015", 0)
    verdict = anchored(forged, people=people("emil"))
    assert ("LOG081", 0, Outcome.TAMPERED) in found(verdict)
    assert verdict.sentence().endswith("6 of them with keys that nothing from outside vouches for.")
    digest = synthetic.sha((signed.folder / "plan.json").read_bytes())
    words = {finding.words for finding in anchored(forged, plan_sha256=digest).findings if finding.rule == "LOG026"}
    assert words == {"the plan is not the one you trust"}


def test_the_same_plan_signed_by_other_people_is_seen(signed: Written, tmp_path: Path) -> None:
    """The forger has log keys of his own and the true plan, and signs for people with keys he drew."""

    def own_keys(files: dict[str, bytes]) -> None:
        for who in ("fay", "gus"):
            signature = Signer(who, "x").sign("playbook-approve@ceremony", files["approval/manifest.txt"])
            files[f"approval/manifest.txt.{who}.sshsig"] = signature

    def sign_with_own(told: list[Draft]) -> None:
        for draft in told:
            if draft.type is EntryType.ATTESTED and draft.data["how"] == "signed":
                draft.signer = "fay"

    (tmp_path / "f").mkdir()
    record = write(tmp_path / "f", signed=True, change=sign_with_own, change_files=own_keys)
    digest = synthetic.sha((signed.folder / "plan.json").read_bytes())
    verdict = anchored(record, plan_sha256=digest)
    assert verdict.outcome is Outcome.TAMPERED
    rules = {finding.rule for finding in verdict.findings if finding.means is Outcome.TAMPERED}
    assert rules == {"LOG080"}
    assert verdict.facts.signed == verdict.facts.approved == ()


def test_people_whose_keys_are_not_known_are_said_to_be_strangers(signed: Written) -> None:
    verdict = anchored(signed, log_keys=log_keys(signed))
    assert verdict.outcome is Outcome.VALID
    assert not verdict.signed_by_people
    assert verdict.sentence().endswith(
        "approved by 2, signed by 4 people, 6 of them with keys that nothing from outside vouches for."
    )


def test_a_person_with_another_key_than_is_known_is_seen(signed: Written) -> None:
    known = [{"person": "emil", "key": Signer("emil", "x").public}]
    verdict = anchored(signed, people=known, log_keys=log_keys(signed))
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings} == {"LOG081"}


def test_simulated_people_have_the_keys_that_come_from_outside(record: Written) -> None:
    given = json.loads(record.trust.read_text())["people"]
    assert len(given) == 5
    vkey = [record.key.vkey]
    assert anchored(record, people=given, log_keys=vkey).outcome is Outcome.VALID
    assert anchored(record, log_keys=vkey).outcome is Outcome.VALID
    words = {finding.words for finding in anchored(record, people=given[:4], log_keys=vkey).findings}
    assert "simulated signers without a key: emil" in words
    swapped = [{"person": "asha", "key": given[1]["key"]}, {"person": "bram", "key": given[0]["key"]}, *given[2:]]
    assert "LOG081" in {finding.rule for finding in anchored(record, people=swapped, log_keys=vkey).findings}


def test_simulated_people_sign_no_real_ceremony(tmp_path: Path) -> None:
    record = write(tmp_path, change_opening=lambda opened: opened.update(rehearsal=False))
    verdict = verify(record.folder, record.trust, rehearsal=True)
    words = {finding.words for finding in verdict.findings if finding.rule == "SEC001"}
    assert words == {"a real ceremony with simulated values", "a real ceremony signed by simulated people"}


# -- a policy ----------------------------------------------------------------------------------------------------------


def policy(place_: Path, **fields: Any) -> Path:
    data = {
        "format": "policy/1",
        "origin": None,
        "plan_sha256": None,
        "approvers": [],
        "plan": 0,
        "close": 0,
        "signed_gates": False,
    }
    path = place_ / "policy.json"
    path.write_text(json.dumps(data | fields))
    return path


def under(record: Written, path: Path) -> Verdict:
    return verify(record.folder, record.trust, rehearsal=True, policy=path)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, Outcome.VALID),
        ({"origin": ORIGIN, "plan": 2, "close": 1}, Outcome.VALID),
        ({"approvers": ["fay", "gus"], "plan": 2}, Outcome.VALID),
        ({"approvers": ["fay", "zoe"], "plan": 2}, Outcome.INCOMPLETE),
        ({"plan": 3}, Outcome.INCOMPLETE),
        ({"close": 2}, Outcome.INCOMPLETE),
        ({"signed_gates": True}, Outcome.INCOMPLETE),
        ({"origin": "other.example/log"}, Outcome.UNVERIFIABLE),
        ({"plan_sha256": "0" * 64}, Outcome.TAMPERED),
    ],
)
def test_a_policy_asks_for_more(signed: Written, tmp_path: Path, fields: dict[str, Any], outcome: Outcome) -> None:
    verdict = under(signed, policy(tmp_path, **fields))
    assert verdict.outcome is outcome
    assert {finding.rule for finding in verdict.findings} == (set() if outcome is Outcome.VALID else {"LOG097"})


def test_a_file_of_another_kind_is_named(record: Written, tmp_path: Path) -> None:
    given = policy(tmp_path)
    words = [finding.words for finding in verify(record.folder, given, rehearsal=True).findings]
    assert words == ["the trust file is of format policy/1, and trust/1 is wanted"]
    words = [finding.words for finding in under(record, record.trust).findings]
    assert words == ["the policy file is of format trust/1, and policy/1 is wanted"]


def test_where_every_gate_is_signed_a_policy_that_wants_it_is_met(tmp_path: Path) -> None:
    def all_signed(told: list[Draft]) -> None:
        for draft in told:
            if draft.type is EntryType.ATTESTED:
                draft.data["how"] = "signed"

    record = write(tmp_path, signed=True, change=all_signed)
    assert under(record, policy(tmp_path, signed_gates=True)).outcome is Outcome.VALID


def test_an_approval_or_a_close_counts_only_with_a_good_signature(signed: Written, tmp_path: Path) -> None:
    path = signed.folder / "approval/manifest.txt.fay.sshsig"
    path.unlink()
    close = next(entry["seq"] for entry in signed.entries() if entry["data"].get("about") == "close")
    (signed.folder / f"statements/{close:010d}.emil.txt.sshsig").write_bytes(b"")
    verdict = under(signed, policy(tmp_path, plan=2, close=1))
    words = [finding.words for finding in verdict.findings if finding.rule == "LOG097"]
    assert len(words) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"plan": True},
        {"plan": "2"},
        {"plan": 2.0},
        {"plan": -1},
        {"close": None},
        {"signed_gates": 1},
        {"approvers": ["fay", "fay"]},
        {"approvers": ["fay"], "plan": 2},
        {"more": 1},
        {"format": "policy/2"},
    ],
)
def test_a_policy_that_is_none_is_refused(signed: Written, tmp_path: Path, fields: dict[str, Any]) -> None:
    verdict = under(signed, policy(tmp_path, **fields))
    assert verdict.outcome is Outcome.UNVERIFIABLE
    assert {finding.rule for finding in verdict.findings} == {"LOG063"}


# -- a registry --------------------------------------------------------------------------------------------------------


def seen_before(record: Written, size: int) -> dict[str, Any]:
    tree = Frontier()
    for line in record.lines[:size]:
        tree = tree.add(leaf(line))
    return {"origin": record.key.origin, "size": size, "root": base64.b64encode(tree.root()).decode()}


def registry(place_: Path, *checkpoints: dict[str, Any], **fields: Any) -> Path:
    data = {"format": "registry/1", "checkpoints": list(checkpoints), "approvals": []}
    path = place_ / "registry.json"
    path.write_text(json.dumps(data | fields))
    return path


def against(record: Written, path: Path | None) -> Verdict:
    return verify(record.folder, record.trust, rehearsal=True, registry=path)


def rolled_back(record: Written, kept: int) -> None:
    """Leave an older copy of the record, as it was when the first sitting had ended."""
    (record.folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in record.lines[:kept]))
    for path in (record.folder / "checkpoints").iterdir():
        if int(path.stem) > kept:
            path.unlink()
    for path in (record.folder / "statements").iterdir():
        if int(path.name[:10]) >= kept:
            path.unlink()
    for path in (record.folder / "keys").glob("log-[12].*"):
        path.unlink()
    shutil.rmtree(record.folder / "transfer")
    synthetic.sums(record.folder)


def test_an_older_copy_is_seen_only_by_who_saw_more(signed: Written, tmp_path: Path) -> None:
    whole = registry(tmp_path, seen_before(signed, 119), seen_before(signed, 60), seen_before(signed, 1))
    verdict = against(signed, whole)
    assert verdict.outcome is Outcome.VALID
    assert not any(note.startswith("no registry") for note in verdict.notes)
    rolled_back(signed, 30)
    verdict = against(signed, None)
    assert verdict.outcome is Outcome.OPEN  # nothing in it says that it went on
    assert any(note.startswith("no registry") for note in verdict.notes)
    verdict = against(signed, whole)
    assert verdict.outcome is Outcome.TAMPERED
    why = [
        f"LOG095 entry 29: it has 30 entries, and {size} were seen before: this is an older copy" for size in (119, 60)
    ]
    assert [finding.line() for finding in verdict.findings if finding.rule != "LOG060"] == why
    assert f"TAMPERED, 30 entries ({why[0]})" in verdict.sentence()


def test_a_record_that_went_on_otherwise_is_seen_only_by_who_saw_the_other(signed: Written, tmp_path: Path) -> None:
    def otherwise(told: list[Draft]) -> None:
        told.insert(place(told, "compare", "step.begun"), Draft(EntryType.PERSON_LEFT, {"person": "bram"}))

    (tmp_path / "fork").mkdir()
    fork = write(tmp_path / "fork", signed=True, change=otherwise)
    for record in (fork, signed):
        alone = against(record, None)
        assert alone.outcome is Outcome.VALID
        assert any(note.startswith("no registry: ") and "one that went on otherwise" in note for note in alone.notes)
    at = seen_before(signed, 115)
    verdict = against(fork, registry(tmp_path, at))
    assert verdict.outcome is Outcome.TAMPERED
    why = "LOG095 entry 114: its first 115 entries are not those seen before: it went on in two ways"
    assert [finding.line() for finding in verdict.findings] == [why]
    assert f"TAMPERED, {verdict.facts.entries} entries ({why})" in verdict.sentence()
    before = seen_before(signed, 100)
    assert against(fork, registry(tmp_path, before)).outcome is Outcome.VALID
    other = at | {"origin": "other.example/log"}
    assert against(fork, registry(tmp_path, other)).outcome is Outcome.VALID


def test_an_approval_that_was_used_before_is_seen_only_by_who_knows(signed: Written, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = write(tmp_path / "again", signed=True, change_opening=lambda opened: opened.update(ceremony="ee" * 16))
    alone = against(again, None)
    assert alone.outcome is Outcome.VALID
    assert any("another ceremony with the same approval would look the same" in note for note in alone.notes)
    used = registry(tmp_path, approvals=[{"approval": TERMS.approval, "ceremony": "0f" * 16}])
    assert against(signed, used).outcome is Outcome.VALID
    verdict = against(again, used)
    assert verdict.outcome is Outcome.TAMPERED
    why = f"LOG096 entry 0: its approval was used by the ceremony {'0f' * 16} before"
    assert [finding.line() for finding in verdict.findings] == [why]
    assert f"TAMPERED, {verdict.facts.entries} entries ({why})" in verdict.sentence()


@pytest.mark.parametrize(
    "fields",
    [
        {"checkpoints": [{"origin": ORIGIN, "size": True, "root": "A" * 43 + "="}]},
        {"checkpoints": [{"origin": ORIGIN, "size": 1, "root": "AAAA"}]},
        {"approvals": [{"approval": "x", "ceremony": "0f" * 16}]},
        {"approvals": [{"approval": "ab" * 16, "ceremony": one * 16} for one in ("0f", "0e")]},
        {"more": []},
    ],
)
def test_a_registry_that_is_none_is_refused(signed: Written, tmp_path: Path, fields: dict[str, Any]) -> None:
    verdict = against(signed, registry(tmp_path, **fields))
    assert verdict.outcome is Outcome.UNVERIFIABLE
    assert {finding.rule for finding in verdict.findings} == {"LOG063"}


def test_what_comes_with_a_record_proves_nothing_about_it(signed: Written) -> None:
    inside = signed.folder / "transfer"
    for fields in ({"policy": policy(inside)}, {"registry": registry(inside)}):
        verdict = verify(signed.folder, signed.trust, rehearsal=True, **fields)
        assert ("LOG063", None, Outcome.UNVERIFIABLE) in found(verdict)


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_takes_them_and_shows_notes(
    signed: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used = registry(tmp_path, seen_before(signed, 119))
    asked = policy(tmp_path, plan=2)
    arguments = [str(signed.folder), "--trust", str(signed.trust), "--policy", str(asked), "--registry", str(used)]
    assert main([*arguments, "--rehearsal"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "REHEARSAL SIMULATED: VALID, 119 entries; approved by 2, signed by 4 people."
    assert lines[1].startswith("note  sitting 1 at offline")
    assert all(line.startswith("note  ") for line in lines[1:])
    policy(tmp_path, plan=3)
    assert main([*arguments, "--rehearsal"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("LOG097  record: the policy demands 3 approvals")


def test_nothing_in_the_current_folder_has_a_say(signed: Written, tmp_path: Path) -> None:
    """Modules of the names that are imported, a policy, a registry and settings, where somebody verifies."""
    here = tmp_path / "here"
    (here / "runner").mkdir(parents=True)
    for name in ("runner/__init__.py", "orjson.py", "json.py", "sitecustomize.py", "pydantic.py"):
        (here / name).write_text("raise SystemExit('taken from the current folder')\n")
    policy(here, plan=9)
    registry(here, approvals=[{"approval": TERMS.approval, "ceremony": "0e" * 16}])
    (here / "trust.json").write_text("{}")
    (here / "pyproject.toml").write_text("[tool.ceremony]\nrehearsal = false\n")
    taken = subprocess.run([sys.executable, "-m", "runner"], cwd=here, capture_output=True, text=True, check=False)
    assert "taken from the current folder" in taken.stderr  # whoever asks for that gets it
    command = [str(Path(sys.executable).with_name("ceremony")), "verify", str(signed.folder)]
    done = subprocess.run(
        [*command, "--trust", str(signed.trust), "--rehearsal"], cwd=here, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == (
        f"REHEARSAL SIMULATED: VALID, {len(signed.lines)} entries; approved by 2, signed by 4 people."
    )
