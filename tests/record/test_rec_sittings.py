"""Ceremonies over several sittings: crashes, suspensions, hand-overs, and what may not be passed off as one of them.

Each test first tells what is legal, then changes one thing; it names the rule that sees it, and the entry or file.
"""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import Change, data, place, statement, together, unstated
from synthetic import PRESENT, Draft, Written, attested, device, resumed, seq_of, write

from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {"kind": "device_refused", "reply": {"status": "NoMemory", "words": "no"}}
FAILED = {"rule": "RUN020", "status": "NoMemory", "result": None, "expected": None, "found": None}


def judged(record: Written) -> Verdict:
    """Judge it with the log keys of all sittings known: in a short one nobody may have signed anything."""
    begun = [entry["data"]["log_key"] for entry in record.entries() if "log_key" in entry["data"]]
    known = [key for key in dict.fromkeys(begun) if key.startswith(f"{synthetic.ORIGIN}+")]
    digest = synthetic.sha((record.folder / "plan.json").read_bytes())
    trust = synthetic.trust_file(record.folder.parent, record.key, log_keys=known, plan_sha256=digest)
    return verify(record.folder, trust, rehearsal=True)


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


def seen(record: Written, rule: str, step: str | None, name: str) -> None:
    """Assert that it is seen by this rule, at one of these entries."""
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED, [finding.line() for finding in verdict.findings]
    entries = {
        entry["seq"]
        for entry in record.entries()
        if entry["step"] == step and name in (entry["data"].get("kind"), entry["type"])
    }
    found = {finding.seq for finding in verdict.findings if finding.rule == rule}
    assert found & entries, [finding.line() for finding in verdict.findings]


def recovery() -> list[Draft]:
    return [attested("recovery", who, role) for who, role in PRESENT]


def suspended(rule: str, devices: list[dict[str, Any]]) -> Draft:
    return Draft(EntryType.CEREMONY_SUSPENDED, {"rule": rule, "devices": devices})


def put(told: list[Draft], step: str | None, name: str, *drafts: Draft) -> None:
    start = place(told, step, name)
    told[start:start] = drafts


# -- a crash while a device works --------------------------------------------------------------------------------------


def crash(told: list[Draft], size: int = 4, *more: Draft) -> None:
    """The process died while the key was generated; the next one finds the device at `size`."""
    put(told, "generate", "key_made", resumed(["offline"], [device("hsm", size)], broke_off=True), *more, *recovery())


@pytest.mark.parametrize("size", [3, 4])
def test_a_request_that_waited_is_answered_in_the_next_sitting(tmp_path: Path, size: int) -> None:
    """Whether the device had done it before the crash or is asked again after it."""
    verdict = judged(write(tmp_path, signed=True, change=lambda told: crash(told, size)))
    assert verdict.findings == ()
    assert "with 2 entries before it that no checkpoint covered" in " ".join(verdict.notes)


@pytest.mark.parametrize("size", [2, 5, 7])
def test_a_device_that_was_used_between_sittings_is_seen(tmp_path: Path, size: int) -> None:
    record = write(tmp_path, signed=True, change=lambda told: crash(told, size))
    verdict = judged(record)
    crashed = seq_of(record, "generate", "generate_key") + 1
    assert ("LOG088", crashed) in {(finding.rule, finding.seq) for finding in verdict.findings}


def test_a_device_that_was_used_while_nothing_waited_is_seen(tmp_path: Path) -> None:
    def pause(told: list[Draft], size: int) -> None:
        put(
            told, "generate", "step.begun", suspended("RUN042", [device("hsm", 3)]),
            resumed(["offline"], [device("hsm", size)]),
        )  # fmt: skip

    for size, outcome in ((3, Outcome.VALID), (4, Outcome.TAMPERED)):
        (tmp_path / str(size)).mkdir()

        def change(told: list[Draft], size: int = size) -> None:
            pause(told, size)

        verdict = judged(write(tmp_path / str(size), signed=True, change=change))
        assert verdict.outcome is outcome
    assert "LOG088" in rules(verdict)


def test_the_card_holders_tries_explain_more_receipts(tmp_path: Path) -> None:
    def crash_at_cards(told: list[Draft]) -> None:
        found = resumed(["offline"], [device("hsm", 6)], broke_off=True)
        put(told, "reduce", "key_reduced", found, *recovery())

    assert judged(write(tmp_path, signed=True, change=crash_at_cards)).findings == ()


CRASHES: dict[str, tuple[Change, str, tuple[str | None, str]]] = {
    "nobody saw what was found": (
        lambda told: [told.remove(draft) for draft in told if draft.data.get("about") == "recovery"] and None,
        "LOG082",
        ("generate", "key_made"),
    ),
    "one did not see it": (unstated(None, "recovery", "dana"), "LOG082", ("generate", "key_made")),
    "typed with a key": (statement(None, "recovery", "dana", how="typed"), "LOG082", (None, "attested")),
    "in another role": (statement(None, "recovery", "dana", role="witness"), "LOG083", (None, "attested")),
    "another count": (
        lambda told: next(draft for draft in told if draft.broke_off).data.update(unsigned=1),
        "LOG087",
        (None, "ceremony.resumed"),
    ),
    "another number": (data(None, "ceremony.resumed", sitting=7), "LOG087", (None, "ceremony.resumed")),
    "a strange station": (data(None, "ceremony.resumed", stations=["moon"]), "LOG087", (None, "ceremony.resumed")),
    "no station": (data(None, "ceremony.resumed", stations=[]), "LOG087", (None, "ceremony.resumed")),
    "a station it does not play": (
        data(None, "ceremony.resumed", stations=["online"], devices=[device("vault", 0)]),
        "LOG087",
        ("verify", "step.begun"),
    ),
    "the process before": (
        lambda told: setattr(next(draft for draft in told if draft.broke_off), "boot", f"{0xDEADBEEF:016x}"),
        "LOG087",
        (None, "ceremony.resumed"),
    ),
    "the key before": (
        lambda told: next(draft for draft in told if draft.broke_off).data.update(
            log_key=LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED).vkey
        ),
        "LOG087",
        (None, "ceremony.resumed"),
    ),
    "another log's key": (
        lambda told: next(draft for draft in told if draft.broke_off).data.update(
            log_key=LogKey.from_seed("other.example/log", bytes(32)).vkey
        ),
        "LOG014",
        (None, "ceremony.resumed"),
    ),
    "another device": (
        lambda told: next(draft for draft in told if draft.broke_off).data["devices"][0].update(serial="SIM-9"),
        "LOG051",
        (None, "ceremony.resumed"),
    ),
    "a device left out": (
        lambda told: next(draft for draft in told if draft.broke_off).data.update(devices=[]),
        "LOG051",
        (None, "ceremony.resumed"),
    ),
    "a device of another station": (
        lambda told: next(draft for draft in told if draft.broke_off).data.update(
            devices=[device("hsm", 4), device("vault", 0)]
        ),
        "LOG051",
        (None, "ceremony.resumed"),
    ),
    "the request again": (
        lambda told: put(told, "generate", "key_made", told[place(told, "generate", "generate_key")]),
        "LOG032",
        ("generate", "generate_key"),
    ),
    "the reply to another request": (data("generate", "key_made", to=3), "LOG032", ("generate", "key_made")),
}


@pytest.mark.parametrize("attack", list(CRASHES))
def test_a_sitting_that_does_not_fit_is_seen(tmp_path: Path, attack: str) -> None:
    change, rule, (step, name) = CRASHES[attack]
    seen(write(tmp_path, signed=True, change=together(crash, change)), rule, step, name)


def test_a_sitting_that_ended_is_sealed(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True)
    size = seq_of(record, None, "ceremony.resumed")
    path = record.folder / f"checkpoints/{size:010d}.ckpt"
    path.unlink()
    synthetic.sums(record.folder)
    verdict = judged(record)
    assert [(finding.rule, finding.file, finding.means) for finding in verdict.findings] == [
        ("LOG022", f"checkpoints/{size:010d}.ckpt", Outcome.INCOMPLETE)
    ]
    path.write_bytes((record.folder / "checkpoints/0000000001.ckpt").read_bytes())
    synthetic.sums(record.folder)
    assert rules(judged(record)) == {"LOG011"}


def test_a_checkpoint_is_signed_by_its_own_sitting(tmp_path: Path) -> None:
    """The key of an earlier sitting, which ought to be gone, signs a checkpoint of a later one."""
    record = write(tmp_path, signed=True)
    old = LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED)
    path = max((record.folder / "checkpoints").iterdir())
    root = path.read_text().splitlines()[2]
    path.write_text(old.checkpoint(int(path.stem), base64.b64decode(root)))
    synthetic.sums(record.folder)
    verdict = judged(record)
    assert [(finding.rule, finding.file) for finding in verdict.findings] == [("LOG010", f"checkpoints/{path.name}")]


def test_a_sitting_begins_with_a_checkpoint(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True)
    size = seq_of(record, None, "ceremony.resumed") + 1
    (tmp_path / "b").mkdir()
    without = write(tmp_path / "b", signed=True, without=frozenset({size}))
    assert ("LOG012", size) in {(finding.rule, finding.seq) for finding in judged(without).findings}


def test_nothing_stands_after_a_sitting_ended(tmp_path: Path) -> None:
    def go_on(told: list[Draft]) -> None:
        put(told, "generate", "step.begun", suspended("RUN042", [device("hsm", 3)]))

    seen(write(tmp_path, signed=True, change=go_on), "LOG087", "generate", "step.begun")


def test_a_suspended_ceremony_is_open_and_whole(tmp_path: Path) -> None:
    def stop(told: list[Draft]) -> None:
        told[place(told, "generate", "step.begun") :] = [suspended("RUN042", [device("hsm", 3)])]

    record = write(tmp_path, signed=True, change=stop)
    verdict = judged(record)
    assert [(finding.rule, finding.words) for finding in verdict.findings] == [
        ("LOG060", "the ceremony has no end: suspended")
    ]
    (record.folder / "SHA256SUMS").unlink()
    assert judged(record).outcome is Outcome.INCOMPLETE


# -- torn tails --------------------------------------------------------------------------------------------------------


def torn(text: bytes = b'{"actors":[', **fields: Any) -> Draft:
    return Draft(EntryType.LOG_RECOVERED, fields, text=text)


def test_a_torn_tail_is_named_and_kept(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True, change=lambda told: crash(told, 4, torn()))
    verdict = judged(record)
    assert verdict.findings == ()
    assert any("torn tail of 11 bytes" in note for note in verdict.notes)
    path = next((record.folder / "recovered").iterdir())
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    synthetic.sums(record.folder)
    assert rules(judged(record)) == {"LOG089"}
    path.unlink()
    synthetic.sums(record.folder)
    verdict = judged(record)
    assert [(finding.rule, finding.means) for finding in verdict.findings] == [("LOG022", Outcome.INCOMPLETE)]


@pytest.mark.parametrize("tails", [[torn(), torn()], [torn(offset=0), torn(offset=17)]])
def test_a_torn_tail_is_named_once_and_where_it_was(tmp_path: Path, tails: list[Draft]) -> None:
    seen(write(tmp_path, signed=True, change=lambda told: crash(told, 4, *tails)), "LOG089", None, "log.recovered")


def test_a_tail_that_no_entry_names_is_no_fault_while_the_ceremony_is_open(tmp_path: Path) -> None:
    def stop(told: list[Draft]) -> None:
        del told[place(told, "generate", "generate_key") :]

    record = write(tmp_path, signed=True, change=stop)
    (record.folder / "recovered").mkdir()
    name = f"recovered/0000000009-{synthetic.sha(b'x')}.bin"
    (record.folder / name).write_bytes(b"x")
    synthetic.sums(record.folder)
    verdict = judged(record)
    assert verdict.outcome is Outcome.OPEN
    assert ("LOG089", name) in {(finding.rule, finding.file) for finding in verdict.findings}


# -- what nobody knows -------------------------------------------------------------------------------------------------

DECIDERS = [("dana", "operator"), ("emil", "witness")]


def resolved(decision: str, size: int, step: str = "generate", **fields: Any) -> list[Draft]:
    made = {
        "decision": decision,
        "read_back": True,
        "people": ["dana", "emil"],
        "reason": "its log says so",
        "devices": [device("hsm", size)],
    }
    return [
        Draft(EntryType.STEP_RESOLVED, made | fields, step, ("dana", "emil")),
        synthetic.checkpoint(),
        *(attested("resolution", who, role, step) for who, role in DECIDERS),
    ]


def unknown(told: list[Draft], decision: str = "happened", *, suspend: bool = True, **fields: Any) -> None:
    """The device is further on than its request explains; people decide, at once or in a sitting after that."""
    found = [resumed(["offline"], [device("hsm", 5)], broke_off=True), *recovery()]
    if suspend:
        found += [suspended("RUN022", [device("hsm", 5)]), resumed(["offline"], [device("hsm", 5)])]
    put(told, "generate", "key_made", *found, *resolved(decision, 5, **fields))
    told[place(told, "generate", "key_made")].data["device"] = device("hsm", 5)


@pytest.mark.parametrize("suspend", [True, False])
def test_people_decide_what_nobody_knows(tmp_path: Path, *, suspend: bool) -> None:
    verdict = judged(write(tmp_path, signed=True, change=lambda told: unknown(told, suspend=suspend)))
    assert verdict.findings == ()
    assert "step generate: dana, emil decided happened: its log says so" in verdict.notes


def test_a_decision_without_looking_is_shown_as_a_claim(tmp_path: Path) -> None:
    verdict = judged(write(tmp_path, signed=True, change=lambda told: unknown(told, read_back=False)))
    assert verdict.outcome is Outcome.VALID
    assert any("decided happened" in note and "this is a claim" in note for note in verdict.notes)


def again(told: list[Draft], step: str = "generate") -> list[Draft]:
    """Return the drafts of a step as a second attempt."""
    drafts = copy.deepcopy([draft for draft in told if draft.step == step])
    for draft in drafts:
        draft.attempt = 2
    return drafts


def with_checkpoints(drafts: list[Draft]) -> list[Draft]:
    made: list[Draft] = []
    for draft, before in zip(drafts, [None, *drafts[:-1]], strict=True):
        if draft.type is EntryType.ATTESTED and (before is None or before.type is not EntryType.ATTESTED):
            made.append(synthetic.checkpoint())
        made.append(draft)
    return made


def redo(told: list[Draft], follows: list[Draft] | None = None) -> None:
    """The device is an older copy; people decide to ask it again, and the step begins anew."""
    step = again(told)
    next(draft for draft in step if draft.name == "key_made").data["device"] = device("hsm", 3)
    start = place(told, "generate", "key_made")
    end = place(told, "generate", "step.done") + 1
    found = [resumed(["offline"], [device("hsm", 2)], broke_off=True), *recovery(), *resolved("redo", 2)]
    told[start:end] = [*found, *(with_checkpoints(step) if follows is None else follows)]


def test_a_step_is_done_again_where_people_decide_so(tmp_path: Path) -> None:
    assert judged(write(tmp_path, signed=True, change=redo)).findings == ()


def abandon(told: list[Draft]) -> None:
    unknown(told, "abandon")
    devices = [device("hsm", 5)]
    aborted = {"rule": "RUN022", "by": None, "reason": None, "devices": devices}
    told[place(told, "generate", "key_made") :] = [
        Draft(EntryType.CEREMONY_ABORTED, aborted),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]


def test_people_may_give_up(tmp_path: Path) -> None:
    assert judged(write(tmp_path, signed=True, change=abandon)).outcome is Outcome.ABORTED


def abandon_between_steps(told: list[Draft], step: str | None = None, **fields: Any) -> None:
    """After the last step a device is further on than the log; there is no step that could be resolved."""
    start = place(told, "compare", "step.done") + 1
    moved = [device("vault", 2)]
    made = {"decision": "abandon", "read_back": True, "people": [], "reason": "somebody was here", "devices": moved}
    aborted = {"rule": "RUN022", "by": None, "reason": None, "devices": moved}
    told[start:] = [
        resumed(["online"], moved, broke_off=True),
        *recovery(),
        Draft(EntryType.STEP_RESOLVED, made | fields, step),
        synthetic.checkpoint(),
        Draft(EntryType.CEREMONY_ABORTED, aborted),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": moved}),
    ]


def test_people_may_give_up_where_no_step_is_under_way(tmp_path: Path) -> None:
    assert judged(write(tmp_path, signed=True, change=abandon_between_steps)).outcome is Outcome.ABORTED


def attested_before(told: list[Draft]) -> None:
    unknown(told)
    start = place(told, "generate", "step.resolved")
    told[start : start + 4] = [told[start + 2], told[start + 3], told[start]]


def test_what_is_unknown_at_the_end_of_a_sitting_is_not_gone_on_from(tmp_path: Path) -> None:
    """The device moved while it worked, the sitting ended for that, and the next one goes on as if nothing was."""

    def change(told: list[Draft]) -> None:
        moved = [device("hsm", 6)]
        put(told, "generate", "key_made", suspended("RUN022", moved), resumed(["offline"], moved))
        told[place(told, "generate", "key_made")].data["device"] = moved[0]

    record = write(tmp_path, signed=True, change=change)
    seen(record, "LOG088", None, "ceremony.suspended")

    def stop(told: list[Draft]) -> None:
        change(told)
        del told[place(told, None, "ceremony.suspended") + 1 :]

    (tmp_path / "b").mkdir()
    verdict = judged(write(tmp_path / "b", signed=True, change=stop))
    assert verdict.outcome is Outcome.OPEN
    assert any(note.startswith("not known yet: hsm went from 3") for note in verdict.notes)


def decided_where_nothing_waits(told: list[Draft]) -> None:
    """The device moved between two steps; what is to have happened was never asked."""
    put(
        told,
        "generate",
        "step.begun",
        resumed(["offline"], [device("hsm", 5)], broke_off=True),
        *recovery(),
        *resolved("happened", 5),
    )


def one_more_decides(told: list[Draft]) -> None:
    """The quorum decides and attests; somebody else is named with them, who did not."""
    unknown(told, people=["bram", "dana", "emil"])


def decided_without_need(told: list[Draft]) -> None:
    crash(told)
    put(told, "generate", "key_made", *resolved("happened", 4))


def forget_decision(told: list[Draft]) -> None:
    unknown(told)
    start = place(told, "generate", "step.resolved")
    del told[start : start + 4]


RESOLUTIONS: dict[str, tuple[Change, str, tuple[str | None, str]]] = {
    "nobody decided": (forget_decision, "LOG088", (None, "ceremony.resumed")),
    "decided alone": (
        together(lambda told: unknown(told, people=["dana"]), unstated("generate", "resolution", "emil")),
        "LOG090",
        ("generate", "step.resolved"),
    ),
    "one more than attested": (one_more_decides, "LOG090", ("generate", "step.resolved")),
    "what was never asked": (decided_where_nothing_waits, "LOG090", ("generate", "step.resolved")),
    "decided by nobody": (lambda told: unknown(told, people=[]), "LOG090", ("generate", "step.resolved")),
    "not attested": (
        together(unknown, unstated("generate", "resolution", "emil")),
        "LOG090",
        ("generate", "step.resolved"),
    ),
    "attested before it was decided": (attested_before, "LOG083", ("generate", "attested")),
    "attested by typing": (
        together(unknown, statement("generate", "resolution", "emil", how="typed")),
        "LOG082",
        ("generate", "attested"),
    ),
    "attested in a role they have not": (
        together(unknown, statement("generate", "resolution", "emil", role="operator")),
        "LOG083",
        ("generate", "attested"),
    ),
    "by others than the quorum": (
        together(
            lambda told: unknown(told, people=["asha", "bram"]),
            *(
                statement("generate", "resolution", old, person=new, role="administrator")
                for old, new in (("dana", "asha"), ("emil", "bram"))
            ),
        ),
        "LOG090",
        ("generate", "step.resolved"),
    ),
    "not followed": (lambda told: unknown(told, "redo"), "LOG090", ("generate", "key_made")),
    "given up, and gone on": (lambda told: unknown(told, "abandon"), "LOG090", ("generate", "key_made")),
    "nothing was unknown": (decided_without_need, "LOG090", ("generate", "step.resolved")),
    "another device than was found": (
        lambda told: unknown(told, devices=[device("hsm", 6)]),
        "LOG050",
        ("generate", "step.resolved"),
    ),
    "nothing that could have happened": (
        lambda told: abandon_between_steps(told, decision="happened"),
        "LOG090",
        (None, "step.resolved"),
    ),
    "no step that could be done again": (
        lambda told: abandon_between_steps(told, decision="redo"),
        "LOG090",
        (None, "step.resolved"),
    ),
    "a step that is done": (
        lambda told: abandon_between_steps(told, "compare"),
        "LOG030",
        ("compare", "step.resolved"),
    ),
    "another step": (lambda told: unknown(told, step="seal"), "LOG030", ("seal", "step.resolved")),
}


@pytest.mark.parametrize("attack", list(RESOLUTIONS))
def test_a_decision_that_does_not_hold_is_seen(tmp_path: Path, attack: str) -> None:
    change, rule, (step, name) = RESOLUTIONS[attack]
    seen(write(tmp_path, signed=True, change=change), rule, step, name)


def test_a_decision_counts_in_the_sitting_after_a_crash_too(tmp_path: Path) -> None:
    def crash_again(told: list[Draft]) -> None:
        unknown(told)
        found = resumed(["offline"], [device("hsm", 5)], broke_off=True)
        put(told, "generate", "key_made", found, *recovery())

    assert judged(write(tmp_path, signed=True, change=crash_again)).findings == ()

    def unattested(told: list[Draft]) -> None:
        crash_again(told)
        unstated("generate", "resolution", "dana")(told)

    (tmp_path / "b").mkdir()
    seen(write(tmp_path / "b", signed=True, change=unattested), "LOG090", "generate", "step.resolved")


# -- hand-over ---------------------------------------------------------------------------------------------------------


def moved_into_the_step(told: list[Draft]) -> None:
    start = place(told, None, "station.handed_over")
    moved = told[start : start + 7]
    del told[start : start + 7]
    put(told, "verify", "verify_packages", *moved)


HAND_OVERS: dict[str, tuple[Change, str, tuple[str | None, str]]] = {
    "to another station": (data(None, "station.handed_over", to="online"), "LOG091", (None, "station.handed_over")),
    "before another step": (data(None, "station.handed_over", step="seal"), "LOG091", (None, "station.handed_over")),
    "in a step": (moved_into_the_step, "LOG091", (None, "station.handed_over")),
    "to a station it plays": (
        lambda told: told.__delitem__(slice(place(told, "carry", "step.begun"), place(told, "carry", "step.done") + 1)),
        "LOG091",
        (None, "station.handed_over"),
    ),
    "and gone on": (
        lambda told: told.__delitem__(place(told, None, "ceremony.resumed")),
        "LOG091",
        ("verify", "step.begun"),
    ),
    "a device was used": (
        data(None, "station.handed_over", devices=[device("vault", 1)]),
        "LOG050",
        (None, "station.handed_over"),
    ),
    "a device is not shown": (data(None, "station.handed_over", devices=[]), "LOG051", (None, "station.handed_over")),
}


@pytest.mark.parametrize("attack", list(HAND_OVERS))
def test_a_hand_over_that_could_not_be_is_seen(tmp_path: Path, attack: str) -> None:
    change, rule, (step, name) = HAND_OVERS[attack]
    seen(write(tmp_path, signed=True, change=change), rule, step, name)


def test_whoever_takes_over_sees_that_somebody_did_not_attest(tmp_path: Path) -> None:
    def stop(told: list[Draft]) -> None:
        unstated(None, "handover", "emil")(told)
        del told[place(told, None, "ceremony.resumed") :]

    record = write(tmp_path, signed=True, change=stop)
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings} == {"LOG060", "LOG082"}


def test_a_hand_over_that_broke_off_is_attested_as_recovery(tmp_path: Path) -> None:
    def broke_off(told: list[Draft]) -> None:
        unstated(None, "handover", "emil")(told)
        start = place(told, None, "ceremony.resumed")
        told[start].broke_off = True
        told[start + 1 : start + 1] = recovery()

    assert judged(write(tmp_path, signed=True, change=broke_off)).findings == ()


def test_a_ceremony_is_not_closed_in_a_break(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        told.insert(-1, Draft(EntryType.BREAK_BEGUN, {"by": "emil", "reason": "home"}))

    seen(write(tmp_path, signed=True, change=change), "LOG030", None, "ceremony.closed")


def test_what_happens_in_the_room_names_no_other_step(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        told[place(told, None, "break.begun")].step = "seal"

    seen(write(tmp_path, signed=True, change=change), "LOG030", "seal", "break.begun")


# -- the end, once more ------------------------------------------------------------------------------------------------


def close_again(told: list[Draft], outcome: str = "completed", *, broke_off: bool = True) -> None:
    told += [
        resumed(["online"], [device("vault", 1)], broke_off=broke_off),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": outcome, "devices": [device("vault", 1)]}),
    ]


def test_a_closing_that_was_not_sealed_is_written_again(tmp_path: Path) -> None:
    assert judged(write(tmp_path, signed=True, change=close_again)).findings == ()


def test_a_closing_that_was_sealed_is_the_end(tmp_path: Path) -> None:
    record = write(tmp_path, signed=True, change=lambda told: close_again(told, broke_off=False))
    verdict = judged(record)
    last = seq_of(record, None, "ceremony.resumed", last=True)
    assert ("LOG008", last) in {(finding.rule, finding.seq) for finding in verdict.findings}


def test_a_closing_written_again_is_the_same(tmp_path: Path) -> None:
    def other(told: list[Draft]) -> None:
        close_again(told, "aborted")
        aborted = {"rule": "RUN043", "by": None, "reason": None, "devices": [device("vault", 1)]}
        told.insert(-1, Draft(EntryType.CEREMONY_ABORTED, aborted))

    seen(write(tmp_path, signed=True, change=other), "LOG034", None, "ceremony.closed")


# -- attempts ----------------------------------------------------------------------------------------------------------


def fail_once(told: list[Draft], step: str, name: str, refusal: dict[str, Any], size: int | None = None) -> None:
    """Let a step fail at a reply, and begin again."""
    second = with_checkpoints(again(told, step))
    start, end = place(told, step, name), place(told, step, "step.done") + 1
    reply = told[start]
    reply.data |= refusal
    if size is not None:
        reply.data["device"] = device("hsm", size)
    told[start + 1 : end] = [Draft(EntryType.STEP_FAILED, FAILED, step), *second]


def test_a_step_begins_again_where_it_is_safe_to_or_nothing_changed(tmp_path: Path) -> None:
    for number, (step, name, size) in enumerate((("verify", "packages_verified", None), ("generate", "key_made", 3))):
        (tmp_path / str(number)).mkdir()

        def change(told: list[Draft], step: str = step, name: str = name, size: int | None = size) -> None:
            fail_once(told, step, name, REFUSED, size)

        assert judged(write(tmp_path / str(number), signed=True, change=change)).findings == ()


def test_a_step_that_changed_a_device_and_failed_is_not_repeated(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        fail_once(told, "generate", "key_made", {})
        later = [draft for draft in told if draft.name == "key_made" and draft.attempt == 2]
        later[0].data["device"] = device("hsm", 5)

    record = write(tmp_path, signed=True, change=change)
    seen(record, "LOG092", "generate", "step.begun")


def test_another_attempt_needs_its_own_consent(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        fail_once(told, "generate", "key_made", REFUSED, 3)
        about = ("consent", "dana")
        told[:] = [
            draft
            for draft in told
            if draft.attempt == 1 or (draft.data.get("about"), draft.data.get("person")) != about
        ]

    seen(write(tmp_path, signed=True, change=change), "LOG082", "generate", "generate_key")


def test_an_attempt_is_counted(tmp_path: Path) -> None:
    def change(told: list[Draft]) -> None:
        fail_once(told, "verify", "packages_verified", REFUSED)
        for draft in told:
            if draft.attempt == 2:
                draft.attempt = 3

    seen(write(tmp_path, signed=True, change=change), "LOG030", "verify", "step.begun")


def test_who_failed_to_act_did_not_act(tmp_path: Path) -> None:
    """Somebody stood in the wrong role at a first attempt, which failed for that; later they act in their own."""

    def change(told: list[Draft]) -> None:
        second = again(told, "carry")
        start, end = place(told, "carry", "people_gathered"), place(told, "carry", "step.done") + 1
        told[start].data["reply"]["acting"] = [{"person": "emil", "role": "operator"}]
        failed = FAILED | {"rule": "QUO008", "status": None}
        told[start + 1 : end] = [Draft(EntryType.STEP_FAILED, failed, "carry"), *second]

    assert judged(write(tmp_path, signed=True, change=change)).findings == ()


# -- declining ---------------------------------------------------------------------------------------------------------

NO = {"person": "emil", "reason": "the seal is broken"}


def end(told: list[Draft], start: int, *drafts: Draft, size: int = 3) -> None:
    devices = [device("hsm", size)]
    aborted = {"rule": "RUN040", "by": None, "reason": None, "devices": devices}
    told[start:] = [
        *drafts,
        Draft(EntryType.CEREMONY_ABORTED, aborted),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]


def decline(told: list[Draft], *drafts: Draft) -> None:
    """Emil declines when he is called to the step."""
    start = place(told, "generate", "people_gathered")
    told[start].data |= {"kind": "declined", "reply": dict(NO)}
    end(told, start + 1, *(drafts or [Draft(EntryType.STEP_DECLINED, dict(NO), "generate")]))


def decline_to_sign(told: list[Draft], **fields: Any) -> None:
    start = place(told, "generate", "generate_key") - 1
    end(told, start, Draft(EntryType.STEP_DECLINED, NO | fields, "generate"))


@pytest.mark.parametrize("change", [decline, decline_to_sign])
def test_people_may_decline(tmp_path: Path, change: Change) -> None:
    verdict = judged(write(tmp_path, signed=True, change=change))
    assert verdict.outcome is Outcome.ABORTED
    assert rules(verdict) == {"LOG061"}
    assert f"{NO['person']} declined at generate: {NO['reason']}" in verdict.notes


def decline_and_go_on(told: list[Draft]) -> None:
    step = again(told)
    start = place(told, "generate", "people_gathered")
    told[start].data |= {"kind": "declined", "reply": dict(NO)}
    told[start + 1 : place(told, "generate", "step.done") + 1] = [
        Draft(EntryType.STEP_DECLINED, dict(NO), "generate"),
        *with_checkpoints(step),
    ]


def decline_at_no_gate(told: list[Draft]) -> None:
    start = place(told, "carry", "carry_file")
    devices = [device("vault", 0)]
    aborted = {"rule": "RUN040", "by": None, "reason": None, "devices": devices}
    told[start:] = [
        Draft(EntryType.STEP_DECLINED, dict(NO), "carry"),
        Draft(EntryType.CEREMONY_ABORTED, aborted),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
    ]


DECLINING: dict[str, tuple[Change, str, tuple[str | None, str]]] = {
    "called a failure": (
        lambda told: decline(told, Draft(EntryType.STEP_FAILED, FAILED, "generate")),
        "LOG033",
        ("generate", "step.failed"),
    ),
    "by somebody else": (
        lambda told: decline(told, Draft(EntryType.STEP_DECLINED, NO | {"person": "dana"}, "generate")),
        "LOG033",
        ("generate", "step.declined"),
    ),
    "where nobody was asked": (decline_at_no_gate, "LOG033", ("carry", "step.declined")),
    "from outside the room": (
        lambda told: decline_to_sign(told, person="chen"),
        "LOG035",
        ("generate", "step.declined"),
    ),
    "and gone on": (decline_and_go_on, "LOG030", ("generate", "step.begun")),
}


@pytest.mark.parametrize("attack", list(DECLINING))
def test_declining_ends_it(tmp_path: Path, attack: str) -> None:
    change, rule, (step, name) = DECLINING[attack]
    seen(write(tmp_path, signed=True, change=change), rule, step, name)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"by": "dana"}, "LOG034"),
        ({"reason": "enough"}, "LOG034"),
        ({"by": "zoe", "reason": "enough"}, "LOG035"),
    ],
)
def test_a_ceremony_is_aborted_by_somebody_with_a_reason_or_by_neither(
    tmp_path: Path, fields: dict[str, Any], rule: str
) -> None:
    change = together(decline, data(None, "ceremony.aborted", **fields))
    seen(write(tmp_path, signed=True, change=change), rule, None, "ceremony.aborted")
