"""When record and device do not fit: nothing is written, and only the step's people decide, on record."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from emulator_bench import FakeClock, SeededDraw
from msgspec.structs import replace
from sittings_bench import Broken, is_entry

from hsm_emulator import messages
from hsm_emulator.device import Device
from hsm_emulator.region import client
from runner.errors import Exit
from runner.exchange import Acting
from runner.host.logbook import Logbook
from runner.host.room import ScriptedRoom, StopAsked
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from sittings_bench import When

    from runner.history import Said

DEVICE = "record.sim/devices/hsm"
CLOSING = ["ceremony.aborted", "ceremony.closed"]


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


def broken_with_copy(
    patch: pytest.MonkeyPatch,
    place: Path,
    *,
    copy: tuple[str, When],
    before: When | None = None,
    after: When = sittings.never,
) -> Broken:
    """A rehearsal that broke off, and beside it (`older`) what a folder of it was when an entry was about to come."""
    folder, when = copy
    append = Logbook.append

    def copying(self: Logbook, said: Said, actors: tuple[str, ...] = ()) -> Any:
        if when(said):
            shutil.copytree(place / folder, place.with_name(f"{place.name}-older"))
        return append(self, said, actors)

    with patch.context() as inner:
        inner.setattr(Logbook, "append", copying)
        return sittings.broken_off(patch, place, before=before, after=after)


def put_older(broken: Broken, folder: str) -> None:
    """Have the older copy in the place of the newer one."""
    place = broken.record.parent
    shutil.rmtree(place / folder)
    shutil.copytree(place.with_name(f"{place.name}-older"), place / folder)


def use_beside(broken: Broken, request: str = "f" * 64) -> None:
    """Have somebody generate a key of their own on the device, with no record."""

    class Nobody:
        def card(self, _ask: object) -> None:
            return None

        def pin(self, _ask: object) -> Any:
            raise AssertionError

        def tell(self, _words: str) -> None:
            raise AssertionError

    command = messages.GenerateKey(
        app="simple",
        ident="beside",
        plainname="beside",
        type="RSA",
        size=2048,
        protect="module",
        nvram=False,
        pubexp="",
    )
    with Device.open(broken.device, draw=SeededDraw("nobody"), clock=FakeClock()) as device:
        device.change(command, request, Nobody())


def refused_as_uncertain(broken: Broken) -> str:
    """Hold `resume` to say that it does not know, and to write nothing; return what it said."""
    before = broken.all()
    left = broken.says("resume")
    assert left.code == Exit.UNCERTAIN, left.err
    assert "RUN022" in left.err
    assert broken.all() == before
    left = broken.says("abort", "--as", "goran", "--because", "enough")
    assert left.code == Exit.UNCERTAIN, left.err
    assert broken.all() == before
    return left.err


def decided(broken: Broken, step: str) -> tuple[bench.Left, str]:
    """Let the script's people decide; what was left, and what they decided."""
    left = broken.says("resolve", "--step", step)
    resolved = sittings.only(sittings.last_sitting(left), "step.resolved")
    assert resolved.data["read_back"] is True
    statements = [
        entry
        for entry in sittings.last_sitting(left)
        if entry.type.value == "attested" and entry.data["about"] == "resolution"
    ]
    assert [entry.data["person"] for entry in statements] == resolved.data["people"] == list(resolved.actors)
    assert {entry.data["how"] for entry in statements} == {"signed"}
    if resolved.data["decision"] == "abandon":
        who = f"{', '.join(resolved.data['people'])}: {resolved.data['reason']}"
        assert Broken(record=left.record).status()["state"] == f"over: aborted by {who} (RUN022)"
        assert f"aborted by {who} (RUN022)\n" in left.err
    return left, str(resolved.data["decision"])


WITHIN_STEP = ["attested", "step.resolved", "checkpoint", "attested"]


def test_an_older_device_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device as it was before the key; no request waits, so all that can be decided is to abandon."""
    broken = broken_with_copy(
        monkeypatch,
        tmp_path / "place",
        copy=(DEVICE, is_entry("step.begun", step="generate-key")),
        after=is_entry("step.begun", step="back-up-key"),
    )
    newer = bench.tree(broken.device)
    put_older(broken, DEVICE)
    assert bench.tree(broken.device) != newer
    assert "does not know the state" in refused_as_uncertain(broken)
    begin = len(broken.left.lines())
    left, decision = decided(broken, "back-up-key")
    assert (decision, left.code) == ("abandon", Exit.STEP_FAILED)
    assert sittings.types(left.entries(), begin) == ["ceremony.resumed", "checkpoint", *WITHIN_STEP, *CLOSING]
    assert sittings.only(left.entries(), "ceremony.aborted").data["rule"] == "RUN022"
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings
    assert any("decided abandon" in note for note in verdict.notes)


def test_an_older_device_while_a_request_waits_begins_the_step_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never held the request; the people redo, and what it lacks ends the ceremony at the step that needs it."""
    broken = broken_with_copy(
        monkeypatch,
        tmp_path / "place",
        copy=(DEVICE, is_entry("request", kind="create_world")),
        after=is_entry("request", kind="set_mode", step="mode-operational"),
    )
    put_older(broken, DEVICE)
    refused_as_uncertain(broken)
    left, decision = decided(broken, "mode-operational")
    assert decision == "redo"
    begun = [entry for entry in left.entries() if entry.type.value == "step.begun"]
    assert [(entry.step, entry.attempt) for entry in begun[-3:]] == [
        ("mode-operational", 1),
        ("mode-operational", 2),
        ("verify-packages", 1),
    ]
    assert sittings.only(left.entries(), "step.failed").step == "verify-packages"
    assert left.code == Exit.STEP_FAILED
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings
    assert any("decided redo" in note for note in verdict.notes)


def test_a_device_that_was_used_beside_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", after=is_entry("step.begun", step="back-up-key"))
    use_beside(broken)
    assert "performed 1 requests" in refused_as_uncertain(broken)
    left, decision = decided(broken, "back-up-key")
    assert (decision, left.code) == ("abandon", Exit.STEP_FAILED)
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings


def test_what_waited_happened_and_something_else_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device did what it was asked, and then something nobody asked for: people take its stored reply."""
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=is_entry("reply", kind="key_made"))
    waiting = broken.left.entries()[-1]
    use_beside(broken)
    assert "performed 2 requests" in refused_as_uncertain(broken)
    left, decision = decided(broken, "generate-key")
    assert decision == "happened"
    entries = left.entries()
    resolved = sittings.only(entries, "step.resolved")
    reply = next(entry for entry in entries[resolved.seq :] if entry.type.value == "reply")
    assert reply.data["to"] == waiting.seq
    assert sittings.types(entries[: reply.seq + 1], waiting.seq + 1) == [
        "ceremony.resumed",
        "checkpoint",
        *WITHIN_STEP,
        "reply",
    ]
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert any("decided happened" in note for note in verdict.notes)
    keys = entries[-1].data["devices"][0]["inventory"]["keys"]
    assert any("/beside/" in key for key in keys)


def test_an_older_log_with_a_newer_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut back and run again: the device remembers."""
    broken = broken_with_copy(
        monkeypatch,
        tmp_path / "place",
        copy=("record", is_entry("request", kind="create_world")),
        after=is_entry("step.begun", step="back-up-key"),
    )
    put_older(broken, "record")
    assert broken.status()["step"] == "create-world, attempt 1"
    assert "performed 3 requests" in refused_as_uncertain(broken)
    left, decision = decided(broken, "create-world")
    assert (decision, left.code) == ("abandon", Exit.STEP_FAILED)
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings


def test_a_whole_older_state_looks_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record and devices both rolled back: only a registry or the other copy could tell, and the verdict says so."""
    place = tmp_path / "place"
    broken = sittings.broken_off(monkeypatch, place, before=is_entry("request", kind="generate_key"))
    older = broken.copy(tmp_path / "older")
    sittings.killed(monkeypatch, lambda: broken.says("resume"), after=is_entry("step.begun", step="carry-back"))
    left = older.says("resume")
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID
    assert any(note.startswith("no registry") for note in verdict.notes)


def test_the_wrong_step_is_not_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=is_entry("reply", kind="key_made"))
    use_beside(broken)
    before = broken.all()
    for step in ("back-up-key", "no-such-step"):
        left = broken.says("resolve", "--step", step)
        assert left.code == Exit.WRONG_USE
        assert "the step under way is generate-key" in left.err
        assert broken.all() == before


def test_where_nothing_is_unknown_resolving_only_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=is_entry("reply", kind="key_made"))
    left = broken.says("resolve", "--step", "generate-key")
    assert left.code == 0, left.err[-400:]
    assert "step.resolved" not in {entry.type.value for entry in left.entries()}
    assert left.verdict().outcome is Outcome.VALID


def test_a_decision_that_cannot_be_made_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can say that it happened where the device does not hold it, nor decide with too few people."""
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", after=is_entry("step.begun", step="back-up-key"))
    use_beside(broken)
    decide = ScriptedRoom.decide
    changes: list[tuple[dict[str, Any], str]] = [
        ({"decision": "happened"}, "RUN022"),
        ({"decision": "redo"}, "RUN022"),
        ({"people": (Acting(person="goran", role="operator"),)}, "QUO008"),
        ({"people": ()}, "QUO008"),
    ]
    for number, (change, rule) in enumerate(changes):
        twin = broken.copy(tmp_path / f"twin{number}")
        with monkeypatch.context() as patch:
            patch.setattr(ScriptedRoom, "decide", lambda self, *said, c=change: replace(decide(self, *said), **c))
            left = twin.says("resolve", "--step", "back-up-key")
        assert left.code == Exit.CONTROL, left.err
        assert rule in left.err
        assert "step.resolved" not in {entry.type.value for entry in left.entries()}
        assert decided(twin, "back-up-key")[1] == "abandon"
        assert left.verdict().outcome is Outcome.ABORTED


@pytest.mark.parametrize("where", ["ceremony.resumed", "attested", "ceremony.suspended"])
def test_what_is_not_known_stays_unknown_until_it_is_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A sitting that shows the devices and ends before people decided, however it ends, accounts for nothing."""
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=is_entry("reply", kind="key_made"))
    use_beside(broken)

    def stop(*_said: object) -> None:
        raise StopAsked

    with monkeypatch.context() as patch:
        if where == "ceremony.suspended":
            patch.setattr(ScriptedRoom, "decide", stop)
            assert broken.says("resolve", "--step", "generate-key").code == Exit.UNCERTAIN
        else:
            sittings.killed(patch, lambda: broken.says("resolve", "--step", "generate-key"), after=is_entry(where))
    assert broken.left.entries()[-1].type.value == where
    refused_as_uncertain(broken)
    left, decision = decided(broken, "generate-key")
    assert (decision, left.code) == ("happened", 0)
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings


def stop_at_resolution(patch: pytest.MonkeyPatch) -> None:
    """Have people stop when the second of those who decided is to attest to it."""
    attest = ScriptedRoom.attest

    def stop(self: ScriptedRoom, wanted: Any) -> Any:
        if wanted.about == "resolution" and wanted.person == "hana":
            raise StopAsked
        return attest(self, wanted)

    patch.setattr(ScriptedRoom, "attest", stop)


AFTER_DECISION: dict[str, tuple[When | None, When]] = {
    "decided": (None, is_entry("step.resolved")),
    "attested by one": (None, is_entry("attested", about="resolution")),
    "attested by all": (None, is_entry("attested", about="resolution", person="hana")),
}


@pytest.mark.parametrize("where", [*AFTER_DECISION, "suspended"])
@pytest.mark.parametrize("decision", ["happened", "redo", "abandon"])
def test_what_was_decided_need_not_be_decided_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision: str, where: str
) -> None:
    """Whoever attested to it does not attest again; the others do before anything follows."""
    if decision == "redo":
        place = is_entry("request", kind="set_mode", step="mode-operational")
        broken = broken_with_copy(
            monkeypatch, tmp_path / "place", copy=(DEVICE, is_entry("request", kind="create_world")), after=place
        )
        put_older(broken, DEVICE)
    else:
        when = is_entry("reply", kind="key_made") if decision == "happened" else is_entry("request", step="back-up-key")
        broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=when)
        use_beside(broken)
    step = {"happened": "generate-key", "redo": "mode-operational", "abandon": "back-up-key"}[decision]
    with monkeypatch.context() as patch:
        if where == "suspended":
            stop_at_resolution(patch)
            assert broken.says("resolve", "--step", step).code == Exit.UNCERTAIN
        else:
            before, after = AFTER_DECISION[where]
            sittings.killed(patch, lambda: broken.says("resolve", "--step", step), before=before, after=after)
    left = broken.says("resume")
    verdict = left.verdict()
    if decision == "happened":
        assert (verdict.outcome, left.code) == (Outcome.VALID, 0), verdict.findings
    else:
        assert (verdict.outcome, left.code) == (Outcome.ABORTED, Exit.STEP_FAILED), verdict.findings
    resolved = sittings.only(left.entries(), "step.resolved").data
    assert resolved["decision"] == decision
    if decision == "abandon":
        assert f"aborted by goran, hana: {resolved['reason']} (RUN022)\n" in left.err
    attested = [entry.data["person"] for entry in left.entries() if entry.data.get("about") == "resolution"]
    assert attested == ["goran", "hana"]


# -- the vault gives no answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("imported", [True, False], ids=["having imported", "having done nothing"])
def test_a_vault_that_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, imported: bool) -> None:
    """Exit 7; the next sitting asks it again under the same id, and the key is there once."""
    import_key = client.import_key

    def silent(*arguments: Any, **more: Any) -> Any:
        if imported:
            import_key(*arguments, **more)
        raise client.NoAnswerError("the vault gave no answer")

    record = tmp_path / "record"
    with monkeypatch.context() as patch:
        patch.setattr(client, "import_key", silent)
        first = bench.rehearse(record, "eu")
    assert first.code == Exit.UNCERTAIN
    assert "RUN022" in first.err
    entries = first.entries()
    assert entries[-1].type.value == "ceremony.suspended"
    assert entries[-1].data["rule"] == "RUN022"
    waiting = next(entry for entry in reversed(entries) if entry.type.value == "request")
    assert waiting.data["kind"] == "import_key"
    assert (record / "SHA256SUMS").exists()
    assert first.verdict().outcome is Outcome.OPEN, first.verdict().findings
    assert Broken(record=record).status()["state"].startswith("suspended")
    left = Broken(record=record).says("resume")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    reply = sittings.only([entry for entry in left.entries() if entry.data.get("kind") == "key_imported"], "reply")
    assert reply.data["to"] == waiting.seq
    assert len(client.state(left.sim / "vault").keys) == 1


# -- suspended by people -----------------------------------------------------------------------------------------------


def stopping_at(patch: pytest.MonkeyPatch, looks: int) -> None:
    """Have somebody press Ctrl-C once the session looked so many times."""
    seen = 0

    def stopping(_self: ScriptedRoom) -> bool:
        nonlocal seen
        seen += 1
        return seen == looks

    patch.setattr(ScriptedRoom, "stopping", stopping)


@pytest.mark.parametrize("looks", [1, 12, 40])
def test_people_who_stop_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    record = tmp_path / "record"
    with monkeypatch.context() as patch:
        stopping_at(patch, looks)
        first = bench.rehearse(record, "eu")
    assert first.code == Exit.SIGNAL + 2
    assert "suspended" in first.err
    last = first.entries()[-1]
    assert (last.type.value, last.data["rule"]) == ("ceremony.suspended", "RUN042")
    assert first.verdict().outcome is Outcome.OPEN, first.verdict().findings
    assert Broken(record=record).status()["state"] == "suspended; `ceremony resume` goes on"
    left = Broken(record=record).says("resume")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert sittings.last_sitting(left)[0].data["unsigned"] == 0
    assert not any(entry.data.get("about") == "recovery" for entry in left.entries())
    assert any("the one before suspended" in note for note in verdict.notes)


@pytest.mark.parametrize("about", ["consent", "result", "close"])
def test_people_who_stop_at_a_statement_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """Who attested before does not attest again; who stopped there does."""
    attest = ScriptedRoom.attest
    record = tmp_path / "record"

    def stop(self: ScriptedRoom, wanted: Any) -> Any:
        if wanted.about == about and wanted.person == "hana" and (about == "close" or b"create-world" in wanted.text):
            raise StopAsked
        return attest(self, wanted)

    with monkeypatch.context() as patch:
        patch.setattr(ScriptedRoom, "attest", stop)
        first = bench.rehearse(record, "eu")
    assert first.code == Exit.SIGNAL + 2
    assert first.verdict().outcome is Outcome.OPEN, first.verdict().findings
    place = len(first.entries())
    before = [entry.data["person"] for entry in first.entries() if entry.data.get("about") == about]
    left = Broken(record=record).says("resume")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    again = next(entry for entry in left.entries()[place:] if entry.data.get("about") == about)
    assert again.data["person"] == "hana"
    if about != "close":
        assert before[-4:] == ["deniz", "emeka", "freya", "goran"]
