"""What people decide, through the whole command: try again, decline, let pass; each leaves a record that verifies."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from msgspec.structs import replace

from runner.engine import Finished
from runner.errors import Exit
from runner.exchange import AskException, AskValue, Declined, ExceptionGranted, GatherPeople, ValueGiven
from runner.history import rebuild
from runner.host.documents import find_playbook
from runner.host.room import ScriptedRoom
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.audit.entry import Entry

pytestmark = pytest.mark.usefixtures("cheap")

SLIP = "22222222-2222-4333-8444-555555555555"
NO = Declined(person="hana", reason="not like this")


def answering(patch: pytest.MonkeyPatch, say: Callable[[Any, Any], Any]) -> None:
    """Have people answer otherwise where `say` gives something."""
    answer = ScriptedRoom.answer

    def other(self: ScriptedRoom, request: Any, step: Any, *rest: Any) -> Any:
        return say(request, step) or answer(self, request, step, *rest)

    patch.setattr(ScriptedRoom, "answer", other)


def slipping(patch: pytest.MonkeyPatch, times: int) -> None:
    """Have the operator read out another subscription, so many times."""
    left = times

    def say(request: Any, step: Any) -> ValueGiven | None:
        nonlocal left
        if not isinstance(request, AskValue) or step.id != "record-subscription" or left == 0:
            return None
        left -= 1
        return ValueGiven(value=SLIP, person="goran")

    answering(patch, say)


def of_step(left: bench.Left, step: str) -> list[Entry]:
    return [entry for entry in left.entries() if entry.step == step]


def test_a_failed_step_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slipping(monkeypatch, 2)
    monkeypatch.setattr(ScriptedRoom, "again", lambda _self, _mark: True)
    left = bench.rehearse(tmp_path / "record", "eu")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    marks = [(e.type.value, e.attempt) for e in of_step(left, "record-subscription") if e.type.value.startswith("step")]
    assert marks == [
        ("step.begun", 1),
        ("step.failed", 1),
        ("step.begun", 2),
        ("step.failed", 2),
        ("step.begun", 3),
        ("step.done", 3),
    ]


def test_a_failed_step_that_is_not_tried_again_ends_the_ceremony(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slipping(monkeypatch, 1)
    left = bench.rehearse(tmp_path / "record", "eu")
    assert left.code == Exit.STEP_FAILED
    assert "RUN002" in left.err
    assert sittings.types(left.entries())[-3:] == ["step.failed", "ceremony.aborted", "ceremony.closed"]
    assert left.verdict().outcome is Outcome.ABORTED, left.verdict().findings


def test_a_step_that_changed_its_device_is_not_even_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same failure, where the step is never repeated and the world was created."""

    def say(request: Any, step: Any) -> ValueGiven | None:
        bags = isinstance(request, AskValue) and step.id == "create-world"
        return ValueGiven(value="", person="goran") if bags else None

    def again(*_said: object) -> bool:
        raise AssertionError("nobody may be asked")

    answering(monkeypatch, say)
    monkeypatch.setattr(ScriptedRoom, "again", again)
    left = bench.rehearse(tmp_path / "record", "eu")
    assert left.code == Exit.STEP_FAILED
    assert "RUN003" in left.err
    assert left.verdict().outcome is Outcome.ABORTED, left.verdict().findings


def test_a_gate_is_attested_again_in_every_attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device refuses the first time, for want of cards; consent to the one attempt is none to the next."""
    from runner.host.simulated_slot import SimulatedSlot

    card, seen = SimulatedSlot.card, 0

    def first_none(self: SimulatedSlot, wanted: Any) -> str | None:
        nonlocal seen
        seen += 1
        return None if seen == 1 else card(self, wanted)

    monkeypatch.setattr(SimulatedSlot, "card", first_none)
    monkeypatch.setattr(ScriptedRoom, "again", lambda _self, _mark: True)
    left = bench.rehearse(tmp_path / "record", "eu")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    consents = [
        (entry.attempt, entry.data["person"])
        for entry in of_step(left, "create-world")
        if entry.data.get("about") == "consent"
    ]
    everybody = ("deniz", "emeka", "freya", "goran", "hana")
    assert consents == [(attempt, person) for attempt in (1, 2) for person in everybody]


# -- declining ---------------------------------------------------------------------------------------------------------


def declined(left: bench.Left, step: str) -> None:
    assert left.code == Exit.STOPPED, left.err[-400:]
    assert "aborted by hana: not like this (RUN040)\n" in left.err
    entry = sittings.only(left.entries(), "step.declined")
    assert (entry.step, dict(entry.data)) == (step, {"person": "hana", "reason": "not like this"})
    assert sittings.types(left.entries(), entry.seq) == ["step.declined", "ceremony.aborted", "ceremony.closed"]
    assert sittings.only(left.entries(), "ceremony.aborted").data["rule"] == "RUN040"
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings


@pytest.mark.parametrize(("kind", "step"), [(GatherPeople, "create-world"), (AskValue, "record-subscription")])
def test_whoever_is_asked_may_decline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Any], step: str
) -> None:
    answering(monkeypatch, lambda request, at: NO if isinstance(request, kind) and at.id == step else None)
    left = bench.rehearse(tmp_path / "record", "eu")
    declined(left, step)
    (place,) = [entry.seq for entry in left.entries() if entry.type.value == "step.declined"]
    assert left.entries()[place - 1].data["kind"] == "declined"


@pytest.mark.parametrize("about", ["consent", "result"])
def test_whoever_is_to_attest_may_decline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """Without consent the device is not asked; without the result it was, and the step is not done."""
    attest = ScriptedRoom.attest

    def decline(self: ScriptedRoom, wanted: Any) -> Any:
        here = wanted.about == about and wanted.person == "hana" and b"create-world" in wanted.text
        return NO if here else attest(self, wanted)

    monkeypatch.setattr(ScriptedRoom, "attest", decline)
    left = bench.rehearse(tmp_path / "record", "eu")
    declined(left, "create-world")
    asked = [entry.data["kind"] for entry in of_step(left, "create-world") if entry.type.value == "request"]
    assert ("create_world" in asked) is (about == "result")
    assert "step.done" not in {entry.type.value for entry in of_step(left, "create-world")}
    engine, turn = rebuild(left.checked(), left.values(), left.entries())
    assert (engine.step, turn.marks) == (None, (Finished(outcome="aborted", rule="RUN040"),))
    world = left.entries()[-1].data["devices"][0]["inventory"]["world"]
    assert (world == "") is (about == "consent")


# -- letting pass ------------------------------------------------------------------------------------------------------


def letting_pass(place: Path) -> str:
    """A playbook that lets results pass in the room, by a witness."""
    shutil.copytree(find_playbook("azure-byok").parent, place)
    playbook = place / "azure-byok.ceremony.yaml"
    text = playbook.read_text()
    rule = "  - {rule: RUN016, role: witness, people: 1}\n"
    assert rule in text
    playbook.write_text(text.replace(rule, rule + rule.replace("RUN016", "RUN002")))
    return str(playbook)


@pytest.mark.parametrize("grants", [True, False])
def test_what_is_not_as_expected_passes_only_if_it_is_let(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, grants: bool
) -> None:
    playbook = letting_pass(tmp_path / "playbook")
    granted = ExceptionGranted(people=("hana",), reason="the subscription moved")

    def say(request: Any, step: Any) -> Any:
        if isinstance(request, AskException):
            return granted if grants else replace(granted, people=("goran",))
        slips = isinstance(request, AskValue) and step.id == "record-subscription"
        return ValueGiven(value=SLIP, person="goran") if slips else None

    answering(monkeypatch, say)
    record = tmp_path / "record"
    code, out, err = bench.say("rehearse", playbook, "--region", "eu", "--out", str(record))
    left = bench.Left(record=record, code=code, out=out, err=err)
    verdict = left.verdict()
    assert (left.code, verdict.outcome) == ((0, Outcome.VALID) if grants else (6, Outcome.ABORTED)), verdict.findings
    if grants:
        done = next(entry for entry in of_step(left, "record-subscription") if entry.type.value == "step.done")
        (comparison,) = done.data["comparisons"]
        assert (comparison["found"], comparison["expected"]) == (SLIP, SLIP.replace("22222222-", "11111111-"))
        assert any("the subscription moved" in note for note in verdict.notes)
