"""What each kind of record is called when nothing is wrong with it, and what trust and policy make of it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import synthetic
from synthetic import Draft, seq_of, write

from runner import canonical
from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.errors import Exit
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Written


def test_a_whole_rehearsal_is_valid_and_says_what_it_is(record: Written) -> None:
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert verdict.findings == ()
    assert verdict.outcome is Outcome.VALID
    assert verdict.exit_code is Exit.DONE
    assert verdict.sentence() == "REHEARSAL SIMULATED: VALID, 67 entries; not signed by people."
    assert (verdict.facts.region, verdict.facts.edition, verdict.facts.ceremony) == ("eu", "2017-05-09", "0f" * 16)
    assert verdict.signed_by_people is False


def test_a_rehearsal_is_unverifiable_where_none_was_asked_for(record: Written) -> None:
    verdict = verify(record.folder, record.trust, rehearsal=False)
    assert verdict.outcome is Outcome.UNVERIFIABLE
    assert [finding.rule for finding in verdict.findings] == ["SEC004"]


def test_without_a_trust_file_it_is_unanchored(record: Written) -> None:
    verdict = verify(record.folder, None, rehearsal=True)
    assert verdict.outcome is Outcome.UNANCHORED
    assert [finding.rule for finding in verdict.findings] == ["LOG062"]
    assert verdict.exit_code is Exit.FINDINGS


def test_a_trust_file_inside_the_record_is_refused_by_name_and_through_links(record: Written, tmp_path: Path) -> None:
    inside = record.folder / "transfer" / "trust.json"
    shutil.copy(record.trust, inside)
    link = tmp_path / "link.json"
    link.symlink_to(inside)
    round_about = record.folder / ".." / "record" / "transfer" / "trust.json"
    hidden = record.folder / "keys" / "trust.json"
    hidden.symlink_to(record.trust)
    for path in (inside, link, round_about, hidden):
        verdict = verify(record.folder, path, rehearsal=True)
        assert ("LOG063", Outcome.UNVERIFIABLE) in [(finding.rule, finding.means) for finding in verdict.findings]
        assert verdict.outcome is not Outcome.VALID


def test_a_trust_file_that_is_none_is_refused(record: Written, tmp_path: Path) -> None:
    data = json.loads(record.trust.read_text())
    twice = json.dumps(data).replace('"origin"', '"origin": "other.example/log", "origin"', 1)
    other = LogKey.from_seed("other.example/log", bytes(32)).vkey
    faults: list[str] = [
        "",
        "{",
        twice,
        json.dumps(data | {"log_keys": [], "people": []}),
        json.dumps(data | {"people": data["people"] + data["people"][:1]}),
        json.dumps(data | {"people": [*data["people"], {"person": "zoe", "key": data["people"][0]["key"]}]}),
        json.dumps(data | {"people": [{"person": "asha", "key": "ssh-ed25519 AAAA"}]}),
        json.dumps(data | {"log_keys": [other]}),
        json.dumps(data | {"more": 1}),
        json.dumps(data | {"trust_lists": data["trust_lists"] * 2}),
    ]
    path = tmp_path / "bad.json"
    for text in faults:
        path.write_text(text)
        verdict = verify(record.folder, path, rehearsal=True)
        assert verdict.outcome is Outcome.UNVERIFIABLE, text
        assert verdict.deciding is not None
        assert verdict.deciding.rule == "LOG063"
    assert verify(record.folder, tmp_path / "none.json", rehearsal=True).outcome is Outcome.UNVERIFIABLE


def test_the_anchors_hold_the_record(record: Written, tmp_path: Path) -> None:
    other = LogKey.from_seed("other.example/log", bytes(32))
    stranger = LogKey.from_seed(synthetic.ORIGIN, bytes(32))
    lists = [{"list": "simulated", "values": [{"name": "toolset", "value": "33" * 32}]}]
    cases: list[tuple[str, Outcome, LogKey, dict[str, Any]]] = [
        ("LOG016", Outcome.UNVERIFIABLE, other, {}),
        ("LOG015", Outcome.TAMPERED, stranger, {}),
        ("LOG026", Outcome.TAMPERED, record.key, {"plan_sha256": "44" * 32}),
        ("LOG017", Outcome.TAMPERED, record.key, {"trust_lists": lists}),
        ("LOG017", Outcome.UNVERIFIABLE, record.key, {"trust_lists": []}),
    ]
    (tmp_path / "t").mkdir()
    for rule, outcome, key, fields in cases:
        path = synthetic.trust_file(tmp_path / "t", key, **fields)
        verdict = verify(record.folder, path, rehearsal=True)
        assert verdict.outcome is outcome, rule
        assert rule in {finding.rule for finding in verdict.findings}
    digest = synthetic.sha((record.folder / "plan.json").read_bytes())
    path = synthetic.trust_file(tmp_path / "t", record.key, plan_sha256=digest)
    assert verify(record.folder, path, rehearsal=True).outcome is Outcome.VALID


def test_no_folder_is_unverifiable(tmp_path: Path) -> None:
    verdict = verify(tmp_path / "none", None, rehearsal=True)
    assert verdict.outcome is Outcome.UNVERIFIABLE
    assert verdict.sentence().startswith("UNVERIFIABLE, 0 entries (LOG022")


def test_an_empty_folder_is_incomplete(tmp_path: Path, record: Written) -> None:
    (tmp_path / "empty").mkdir()
    verdict = verify(tmp_path / "empty", record.trust, rehearsal=True)
    assert verdict.outcome is Outcome.INCOMPLETE
    assert {finding.file for finding in verdict.findings} >= {"plan.json", "log.jsonl", "keys/log-0.vkey"}


# -- aborted and open --------------------------------------------------------------------------------------------------


def fail_in_carry(told: list[Draft]) -> None:
    """Let the carry step fail on arrival; abort and close."""
    start = next(place for place, draft in enumerate(told) if draft.step == "carry" and draft.name == "file_arrived")
    told[start].data |= {"kind": "files_refused", "reply": {"rule": "RUN021", "words": "changed on the way"}}
    failed = {"rule": "RUN021", "status": None, "result": None, "expected": None, "found": None}
    devices = [synthetic.device("hsm", 3), synthetic.device("vault", 0)]
    told[start + 1 :] = [
        Draft(EntryType.STEP_FAILED, failed, "carry"),
        Draft(EntryType.CEREMONY_ABORTED, {"rule": "RUN021", "by": None, "reason": None, "devices": devices}),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]


def test_a_ceremony_that_was_ended_properly_is_aborted(tmp_path: Path) -> None:
    record = write(tmp_path, change=fail_in_carry)
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert verdict.outcome is Outcome.ABORTED
    assert [(finding.rule, finding.seq) for finding in verdict.findings] == [
        ("LOG061", seq_of(record, None, "ceremony.aborted"))
    ]
    assert verify(record.folder, None, rehearsal=True).outcome is Outcome.UNANCHORED


def test_people_may_stop_while_they_are_asked_but_not_while_a_device_works(tmp_path: Path) -> None:
    devices = [synthetic.device("hsm", 3), synthetic.device("vault", 0)]
    end = [
        Draft(EntryType.CEREMONY_ABORTED, {"rule": "RUN050", "by": "dana", "reason": "too late", "devices": devices}),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]

    def stop_at(step_id: str, name: str, told: list[Draft]) -> None:
        place = next(place for place, draft in enumerate(told) if draft.step == step_id and draft.name == name)
        told[place + 1 :] = end

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    asked = write(tmp_path / "a", change=lambda told: stop_at("carry", "gather_people", told))
    assert verify(asked.folder, asked.trust, rehearsal=True).outcome is Outcome.ABORTED
    working = write(tmp_path / "b", change=lambda told: stop_at("generate", "generate_key", told))
    verdict = verify(working.folder, working.trust, rehearsal=True)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.seq) == ("LOG032", seq_of(working, None, "ceremony.aborted"))


def fail(told: list[Draft], step: str, name: str, rule: str) -> None:
    """Let a step fail right after a reply; abort and close."""
    place = next(place for place, draft in enumerate(told) if draft.step == step and draft.name == name)
    failed = {"rule": rule, "status": None, "result": None, "expected": None, "found": None}
    devices = [synthetic.device("hsm", 3), synthetic.device("vault", 0)]
    told[place + 1 :] = [
        Draft(EntryType.STEP_FAILED, failed, step),
        Draft(EntryType.CEREMONY_ABORTED, {"rule": rule, "by": None, "reason": None, "devices": devices}),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]


def test_a_step_that_fails_because_a_control_said_no_is_a_proper_abort(tmp_path: Path) -> None:
    def too_few(told: list[Draft]) -> None:
        synthetic.find(told, "carry", "people_gathered").data["reply"]["acting"].pop()
        fail(told, "carry", "people_gathered", "QUO008")

    def changed_on_the_way(told: list[Draft]) -> None:
        synthetic.find(told, "carry", "file_arrived").data["reply"]["sha256"] = "66" * 32
        fail(told, "carry", "file_arrived", "RUN021")

    for number, change in enumerate((too_few, changed_on_the_way)):
        (tmp_path / str(number)).mkdir()
        record = write(tmp_path / str(number), change=change)
        verdict = verify(record.folder, record.trust, rehearsal=True)
        assert verdict.outcome is Outcome.ABORTED
        assert [finding.rule for finding in verdict.findings] == ["LOG061"]


# -- rehearsal and reality ---------------------------------------------------------------------------------------------


def without_devices(told: list[Draft]) -> None:
    told[:] = [draft for draft in told if draft.step in (None, "obtain", "carry")]
    told[-1].data["devices"] = []
    for draft in told:
        for comparison in draft.data.get("comparisons", []):
            if comparison["against"] == "simulated":
                comparison |= {"against": "published", "published": None}


def plan_without_devices(planned: dict[str, Any]) -> None:
    planned["steps"] = planned["steps"][:3]
    planned["trust"][0]["value"] = synthetic.sha(synthetic.TOOLSET)


def real(opened: dict[str, Any]) -> None:
    opened |= {"rehearsal": False, "devices": [], "signers": "roster"}
    opened["trust"]["list"] = "published"


def test_a_real_ceremony_compares_with_the_published_values(tmp_path: Path) -> None:
    record = write(
        tmp_path,
        change=without_devices,
        change_plan=plan_without_devices,
        change_opening=real,
        change_files=lambda files: files.update({"keys/allowed_signers": b""}),
    )
    synthetic.trust_file(tmp_path, record.key)
    verdict = verify(record.folder, record.trust, rehearsal=False)
    assert verdict.findings == ()
    assert verdict.sentence() == "VALID, 25 entries; not signed by people."
    assert verdict.facts.unaudited == ("hsm",)


def test_lists_and_devices_must_be_of_the_ceremonys_kind(tmp_path: Path) -> None:
    def set_opening(opened: dict[str, Any], rehearsal: object, kind: str, serial: str = "SIM-hsm") -> None:
        opened["rehearsal"], opened["trust"]["list"] = rehearsal, kind
        opened["devices"][0]["serial"] = serial
        if kind == "published":
            values = [{"name": "toolset", "value": "11" * 32}]
            opened["trust"]["sha256"] = synthetic.sha(canonical.encode(values))

    cases = [
        ("SEC001", lambda opened: set_opening(opened, False, "simulated")),  # noqa: FBT003
        ("SEC001", lambda opened: set_opening(opened, True, "published")),  # noqa: FBT003
        ("SEC005", lambda opened: set_opening(opened, False, "published")),  # noqa: FBT003
        ("SEC005", lambda opened: set_opening(opened, True, "simulated", "4711")),  # noqa: FBT003
    ]
    for number, (rule, change) in enumerate(cases):
        base = tmp_path / str(number)
        base.mkdir()
        record = write(base, change_opening=change)
        verdict = verify(record.folder, record.trust, rehearsal=True)
        assert (rule, 0, Outcome.UNVERIFIABLE) in [(item.rule, item.seq, item.means) for item in verdict.findings]
        assert verdict.outcome in (Outcome.UNVERIFIABLE, Outcome.TAMPERED)
