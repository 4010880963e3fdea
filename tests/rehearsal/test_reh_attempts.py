"""What people decide in the middle of a ceremony: try again, decline, let pass, stand in; and a log of each rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from runner import canonical
from runner.audit.entry import Entry, EntryType
from runner.check import check
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, StepBegun, StepDeclined, StepDone, StepFailed, Turn
from runner.errors import ControlFault, Defect, EvidenceFault
from runner.exchange import (
    Acting,
    AskException,
    AskValue,
    Declined,
    DeviceRefused,
    ExceptionGranted,
    GatherPeople,
    KeysListed,
    PeopleGathered,
    PersonLeft,
    PersonPresent,
    Reply,
    Substituted,
    ValueGiven,
    parse_reply,
)
from runner.history import Said, event_entry, mark_entry, rebuild, request_entry
from runner.plan import CheckedPlan, ExceptionAllowed, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    import rehearsal_bench as bench

    from runner.exchange import Request, RoomEvent
    from runner.plan import TrustList

EVERYBODY = ("deniz", "emeka", "freya", "goran", "hana", "ines")
WRONG = ValueGiven(value="22222222-2222-4333-8444-555555555555", person="goran")
REFUSED = DeviceRefused(status="UnknownID", words="no")


class Scribe:
    """Drives an engine with what was answered in a real rehearsal, writes its log, and notes where it stood then."""

    def __init__(self, quick: bench.Left, plan: CheckedPlan | None = None, people: tuple[str, ...] = EVERYBODY) -> None:
        self.checked = plan or quick.checked()
        self.trust: TrustList = quick.values()
        self.engine = Engine(self.checked, self.trust)
        self.entries: list[Entry] = []
        self.stood: list[tuple[Any, ...]] = []
        self.turn = Turn(marks=(), request=None)
        self._answers = answers(quick)
        for person in people:
            self.event(PersonPresent(person=person))
        self.takes(self.engine.start())

    def _write(self, said: Said) -> None:
        entry = Entry(
            seq=len(self.entries),
            prev="0" * 64,
            time="2026-11-25T12:00:00.000000Z",
            mono_us=0,
            boot="0" * 16,
            type=said.type,
            step=said.step,
            attempt=said.attempt,
            actors=(),
            data=said.data,
        )
        self.entries.append(entry)
        self.stood.append(where(self.engine))

    def event(self, event: RoomEvent) -> None:
        self.engine.happened(event)
        self._write(event_entry(event, self.checked.plan))

    def takes(self, turn: Turn) -> Turn:
        """Write what the engine says."""
        self.turn = turn
        for mark in turn.marks:
            if (said := mark_entry(mark)) is not None:
                self._write(said)
        step = self.engine.step
        if turn.request is not None and step is not None:
            self._write(request_entry(turn.request, step.id, self.engine.attempt))
        return turn

    def answer(self, reply: Reply) -> Turn:
        step, attempt = self.engine.step, self.engine.attempt
        assert step is not None
        turn = self.engine.answer(reply)
        data = {"to": 0, "kind": kind_of(type(reply)), "reply": to_data(reply), "device": None}
        self._write(Said(type=EntryType.REPLY, step=step.id, attempt=attempt, data=data))
        return self.takes(turn)

    def go_on(self) -> Turn:
        """Answer what waits as it was answered in the real rehearsal."""
        step, request = self.engine.step, self.engine.pending
        assert step is not None
        assert request is not None
        kind, data = self._answers[place_of(step.id, request)]
        return self.answer(parse_reply(request, kind, data))

    def until(self, kind: type[Any], step: str) -> None:
        """Go on to where this is asked in this step."""
        while not (isinstance(self.turn.request, kind) and self.engine.step and self.engine.step.id == step):
            assert self.go_on().request is not None

    def redo(self) -> Turn:
        step, attempt = self.engine.step, self.engine.attempt
        turn = self.engine.redo()
        assert step is not None
        self._write(Said(type=EntryType.STEP_RESOLVED, step=step.id, attempt=attempt, data={"decision": "redo"}))
        return self.takes(turn)

    def rebuilt_everywhere(self) -> None:
        """Hold an engine that is rebuilt from any beginning of the log to stand where this one stood."""
        begun = next(place for place, entry in enumerate(self.entries, 1) if entry.type is EntryType.STEP_BEGUN)
        for size in range(begun, len(self.entries) + 1):
            engine, turn = rebuild(self.checked, self.trust, self.entries[:size])
            assert where(engine) == self.stood[size - 1], size
            assert turn.request == engine.pending
            engine.close()

    def completes(self) -> None:
        """Go on to the end, and rebuild it from there."""
        while self.turn.request is not None:
            self.go_on()
        engine, turn = rebuild(self.checked, self.trust, self.entries)
        assert self.turn.marks[-1] == Finished(outcome="completed", rule=None)
        assert turn.marks == self.turn.marks[-1:]
        assert where(engine) == where(self.engine)


def where(engine: Engine) -> tuple[Any, ...]:
    """Where an engine stands, as far as anybody can see it."""
    step, pending = engine.step, engine.pending
    return (
        None if step is None else step.id,
        engine.attempt,
        None if pending is None else canonical.encode({"kind": kind_of(type(pending)), **to_data(pending)}),
        engine.people,
        engine.failed,
        engine.may_retry,
        dict(engine.facts),
        engine.present,
        dict(engine.instead),
    )


def place_of(step: str, request: Request) -> bytes:
    return canonical.encode({"step": step, "kind": kind_of(type(request)), "request": to_data(request)})


def answers(quick: bench.Left) -> dict[bytes, tuple[str, Any]]:
    """Every reply of the real rehearsal, by what it was asked."""
    found: dict[bytes, tuple[str, Any]] = {}
    asked = b""
    for entry in quick.entries():
        if entry.type is EntryType.REQUEST:
            data = {"step": entry.step, "kind": entry.data["kind"], "request": entry.data["request"]}
            asked = canonical.encode(data)
        if entry.type is EntryType.REPLY:
            found[asked] = (entry.data["kind"], entry.data["reply"])
    return found


def changed(quick: bench.Left, change: Callable[[Plan], Plan]) -> CheckedPlan:
    made = check(change(quick.checked().plan))
    assert isinstance(made, CheckedPlan), made
    return made


def lets_pass(quick: bench.Left, role: str, people: int) -> CheckedPlan:
    allowed = (ExceptionAllowed(rule="RUN002", role=role, people=people),)
    return changed(quick, lambda plan: replace(plan, exceptions=allowed))


def failed_by(turn: Turn) -> StepFailed:
    (failed,) = [mark for mark in turn.marks if isinstance(mark, StepFailed)]
    assert turn.request is None
    assert turn.marks[-1] == Finished(outcome="aborted", rule=failed.rule)
    return failed


def refuses_to_retry(scribe: Scribe) -> None:
    before = where(scribe.engine)
    assert not scribe.engine.may_retry
    with pytest.raises(ControlFault) as fault:
        scribe.engine.retry()
    assert fault.value.rule == "RUN001"
    assert where(scribe.engine) == before


# -- attempts ----------------------------------------------------------------------------------------------------------


def test_a_step_that_changed_nothing_begins_again(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(AskValue, "record-subscription")
    failed = failed_by(scribe.answer(WRONG))
    assert (failed.rule, failed.attempt, scribe.engine.failed) == ("RUN002", 1, failed)
    turn = scribe.takes(scribe.engine.retry())
    assert turn.marks == (StepBegun(step="record-subscription", attempt=2, title=failed_title(scribe)),)
    assert isinstance(turn.request, GatherPeople)
    assert (scribe.engine.failed, scribe.engine.people) == (None, ())
    failed_by(scribe.answer(PeopleGathered(acting=())))
    turn = scribe.takes(scribe.engine.retry())
    scribe.go_on()
    turn = scribe.go_on()
    done = next(mark for mark in turn.marks if isinstance(mark, StepDone))
    assert done.attempt == 3
    begun = next(mark for mark in turn.marks if isinstance(mark, StepBegun))
    assert (begun.step, begun.attempt) == ("obtain-toolset", 1)
    scribe.rebuilt_everywhere()
    scribe.completes()


def failed_title(scribe: Scribe) -> str:
    return scribe.checked.plan.active_steps()[0].title


def test_a_step_whose_device_refused_begins_again(quick: bench.Left) -> None:
    """It is never repeated once it was done; a refusal is nothing that was done."""
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "create-world")
    scribe.go_on()
    failed = failed_by(scribe.answer(REFUSED))
    assert failed.status == "UnknownID"
    scribe.takes(scribe.engine.retry())
    assert scribe.engine.attempt == 2
    scribe.rebuilt_everywhere()
    scribe.completes()


@pytest.mark.parametrize("repeat", ["never", "safe"])
def test_a_step_that_changed_its_device_begins_again_only_where_it_is_safe_to(quick: bench.Left, repeat: str) -> None:
    def change(plan: Plan) -> Plan:
        return replace(plan, steps=tuple(replace(step, repeat=repeat) for step in plan.steps))

    scribe = Scribe(quick, changed(quick, change))
    scribe.until(AskValue, "create-world")
    for _ in range(3):
        turn = scribe.answer(ValueGiven(value="", person="goran"))
    failed = failed_by(turn)
    assert (failed.rule, failed.result) == ("RUN003", "bags")
    if repeat == "safe":
        scribe.takes(scribe.engine.retry())
    else:
        refuses_to_retry(scribe)
    scribe.rebuilt_everywhere()


def test_a_change_in_an_earlier_attempt_or_step_does_not_count(quick: bench.Left) -> None:
    """What matters is the attempt that failed: here the people who are gathered after one that the device refused."""
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "generate-key")  # two steps before it a device was changed
    failed_by(scribe.answer(PeopleGathered(acting=())))
    scribe.takes(scribe.engine.retry())
    assert scribe.engine.attempt == 2


def test_what_is_still_there_after_it_was_destroyed_ends_the_ceremony(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "destroy-copy")
    scribe.go_on()
    scribe.go_on()
    failed = failed_by(scribe.answer(KeysListed(files=("key_simple_contosokey", "key_xferacld_contosokey"))))
    assert (failed.rule, failed.result, failed.found) == ("RUN002", "gone", False)
    refuses_to_retry(scribe)
    scribe.rebuilt_everywhere()


def test_nothing_is_tried_again_where_nothing_failed(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    while scribe.turn.request is not None:
        refuses_to_retry(scribe)
        scribe.go_on()
    refuses_to_retry(scribe)
    with pytest.raises(Defect, match="no step is under way"):
        scribe.engine.redo()
    with pytest.raises(Defect, match="no step is under way"):
        scribe.engine.decline("goran", "no")


def test_a_log_that_tries_again_what_may_not_be_is_refused(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(AskValue, "create-world")
    for _ in range(3):
        scribe.answer(ValueGiven(value="", person="goran"))
    begun = next(
        entry for entry in scribe.entries if entry.type is EntryType.STEP_BEGUN and entry.step == "create-world"
    )
    again = replace(begun, seq=len(scribe.entries), attempt=2)
    with pytest.raises(EvidenceFault) as fault:
        rebuild(scribe.checked, scribe.trust, [*scribe.entries, again])
    assert fault.value.rule == "LOG070"
    assert f"entry {again.seq} " in fault.value.words


def test_what_people_say_did_not_happen_is_done_anew(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    for attempt in (2, 3):
        scribe.until(GatherPeople, "generate-key")
        scribe.go_on()
        turn = scribe.redo()
        assert [mark.attempt for mark in turn.marks if isinstance(mark, StepBegun)] == [attempt]
        assert isinstance(turn.request, GatherPeople)
        assert scribe.engine.people == ()
    scribe.rebuilt_everywhere()
    scribe.completes()


def test_a_log_that_resolves_what_was_not_open_is_refused(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "generate-key")
    scribe.go_on()
    done = [place for place, entry in enumerate(scribe.entries, 1) if entry.type is EntryType.STEP_DONE]
    for decision in ("redo", "happened"):
        resolved = replace(scribe.entries[-1], type=EntryType.STEP_RESOLVED, data={"decision": decision})
        for place in done:
            with pytest.raises(EvidenceFault) as fault:
                rebuild(scribe.checked, scribe.trust, [*scribe.entries[:place], resolved])
            assert fault.value.rule == "LOG070"


# -- declining ---------------------------------------------------------------------------------------------------------


def ended_by(turn: Turn, scribe: Scribe, step: str) -> None:
    declined, finished = turn.marks
    assert declined == StepDeclined(step=step, attempt=scribe.engine.attempt, person="hana", reason="not like this")
    assert finished == Finished(outcome="aborted", rule="RUN040")
    assert (turn.request, scribe.engine.pending, scribe.engine.step) == (None, None, None)
    refuses_to_retry(scribe)
    scribe.rebuilt_everywhere()


@pytest.mark.parametrize(
    ("kind", "step"),
    [(GatherPeople, "carry-in"), (AskValue, "record-subscription"), (AskValue, "create-world")],
)
def test_whoever_is_asked_may_decline(quick: bench.Left, kind: type[Any], step: str) -> None:
    scribe = Scribe(quick)
    scribe.until(kind, step)
    ended_by(scribe.answer(Declined(person="hana", reason="not like this")), scribe, step)


def test_a_device_does_not_decline(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "create-world")
    scribe.go_on()
    before = where(scribe.engine)
    with pytest.raises(Defect, match="does not answer"):
        scribe.engine.answer(Declined(person="hana", reason="not like this"))
    assert where(scribe.engine) == before


def test_whoever_is_to_attest_may_decline(quick: bench.Left) -> None:
    """Consent: while the device was not asked yet. Result: once the step is done and before it counts as done."""
    scribe = Scribe(quick)
    scribe.until(GatherPeople, "create-world")
    scribe.go_on()
    scribe.entries.pop()  # the request, which is not written before people consented
    scribe.stood.pop()
    ended_by(scribe.takes(scribe.engine.decline("hana", "not like this")), scribe, "create-world")


def test_a_log_in_which_somebody_declines_outside_a_step_is_refused(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.completes()
    data = {"person": "hana", "reason": "not like this"}
    said = replace(scribe.entries[-1], type=EntryType.STEP_DECLINED, data=data)
    with pytest.raises(EvidenceFault) as fault:
        rebuild(scribe.checked, scribe.trust, [*scribe.entries, said])
    assert fault.value.rule == "LOG070"


# -- exceptions --------------------------------------------------------------------------------------------------------


def asked_to_let_pass(quick: bench.Left, role: str, people: int, here: tuple[str, ...] = EVERYBODY) -> Scribe:
    scribe = Scribe(quick, lets_pass(quick, role, people), here)
    scribe.until(AskValue, "record-subscription")
    turn = scribe.answer(WRONG)
    assert turn.request == AskException(
        rule="RUN002",
        result="subscription",
        found=WRONG.value,
        expected=WRONG.value.replace("22222222-", "11111111-"),
        role=role,
        people=people,
    )
    return scribe


def grant(scribe: Scribe, *people: str) -> Turn:
    return scribe.answer(ExceptionGranted(people=people, reason="the subscription moved"))


def passes(turn: Turn) -> None:
    done = next(mark for mark in turn.marks if isinstance(mark, StepDone))
    (comparison,) = done.comparisons
    assert comparison.found == WRONG.value
    assert comparison.expected != comparison.found


def test_what_is_not_as_expected_may_be_let_pass(quick: bench.Left) -> None:
    scribe = asked_to_let_pass(quick, "administrator", 2)
    passes(grant(scribe, "deniz", "freya"))
    scribe.rebuilt_everywhere()
    scribe.completes()


@pytest.mark.parametrize(
    "people",
    [(), ("deniz",), ("deniz", "deniz"), ("deniz", "goran"), ("deniz", "hana"), ("deniz", "nobody")],
    ids=lambda people: " ".join(people) or "nobody at all",
)
def test_but_not_by_too_few_or_others(quick: bench.Left, people: tuple[str, ...]) -> None:
    scribe = asked_to_let_pass(quick, "administrator", 2)
    failed = failed_by(grant(scribe, *people))
    assert (failed.rule, failed.found) == ("RUN002", WRONG.value)
    assert scribe.engine.may_retry
    scribe.rebuilt_everywhere()


def test_nor_by_somebody_who_is_not_in_the_room(quick: bench.Left) -> None:
    scribe = asked_to_let_pass(quick, "administrator", 2)
    scribe.event(PersonLeft(person="freya"))
    failed_by(grant(scribe, "deniz", "freya"))
    scribe.rebuilt_everywhere()


def test_a_stand_in_lets_pass_only_in_the_place_that_was_given_them(quick: bench.Left) -> None:
    failed_by(grant(asked_to_let_pass(quick, "operator", 1), "ines"))
    passes(grant(asked_to_let_pass(quick, "operator", 1), "goran"))
    for people, granted in ((("ines",), True), (("goran",), False)):
        scribe = asked_to_let_pass(quick, "operator", 1)
        scribe.event(PersonLeft(person="goran"))
        scribe.event(Substituted(absent="goran", instead="ines", by="hana", reason="called away"))
        scribe.event(PersonPresent(person="goran"))
        turn = grant(scribe, *people)
        if granted:
            passes(turn)
        else:
            failed_by(turn)
        scribe.rebuilt_everywhere()


def test_whoever_is_asked_to_let_pass_may_decline(quick: bench.Left) -> None:
    scribe = asked_to_let_pass(quick, "witness", 1)
    ended_by(scribe.answer(Declined(person="hana", reason="not like this")), scribe, "record-subscription")


def test_nobody_is_asked_where_the_plan_lets_nothing_pass(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    scribe.until(AskValue, "record-subscription")
    failed_by(scribe.answer(WRONG))


@pytest.mark.parametrize(
    ("step", "field"),
    [("obtain-toolset", "sha256"), ("verify-packages", "root_hash"), ("compare-public-key", "public_key")],
)
def test_nobody_lets_a_digest_pass(quick: bench.Left, step: str, field: str) -> None:
    scribe = Scribe(quick, lets_pass(quick, "witness", 1))
    scribe.until(GatherPeople, step)
    scribe.go_on()
    request = scribe.engine.pending
    assert request is not None
    kind, data = answers(quick)[place_of(step, request)]
    other = data[field][:-4] + ("AAAA" if field == "public_key" else "0000")
    failed = failed_by(scribe.answer(parse_reply(request, kind, {**data, field: other})))
    assert (failed.rule, failed.result) == ("RUN002", field)


def test_a_word_that_is_not_as_expected_is_asked_about(quick: bench.Left) -> None:
    """The same reply as above with another region in it."""
    scribe = Scribe(quick, lets_pass(quick, "witness", 1))
    scribe.until(GatherPeople, "verify-packages")
    scribe.go_on()
    request = scribe.engine.pending
    assert request is not None
    kind, data = answers(quick)[place_of("verify-packages", request)]
    turn = scribe.answer(parse_reply(request, kind, {**data, "region": "NA-1"}))
    assert isinstance(turn.request, AskException)
    assert (turn.request.result, turn.request.found) == ("region", "NA-1")


# -- substitutions -----------------------------------------------------------------------------------------------------


def instead(**changes: str) -> Substituted:
    said = {"absent": "goran", "instead": "ines", "by": "hana", "reason": "called away"}
    return Substituted(**{**said, **changes})


@pytest.mark.parametrize(
    "event",
    [
        instead(absent="nobody"),
        instead(instead="nobody"),
        instead(by="nobody"),
        instead(absent="hana"),
        instead(instead="hana"),
        instead(absent="ines", instead="goran"),
        instead(absent="freya"),
        instead(by="goran"),
        instead(by="ines"),
    ],
    ids=lambda event: f"{event.absent} {event.instead} {event.by}",
)
def test_a_place_is_given_only_as_the_roster_has_it(quick: bench.Left, event: Substituted) -> None:
    """The honest one differs in one name and is taken."""
    scribe = Scribe(quick, people=("deniz", "emeka", "freya", "hana", "ines"))
    before = where(scribe.engine)
    with pytest.raises(ControlFault) as fault:
        scribe.engine.happened(event)
    assert fault.value.rule == "RUN041"
    assert where(scribe.engine) == before
    scribe.event(instead())
    assert dict(scribe.engine.instead) == {"goran": "ines"}


def test_nobody_takes_the_place_of_somebody_who_is_here_or_was_replaced(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    for _ in range(2):
        with pytest.raises(ControlFault, match="RUN041"):
            scribe.engine.happened(instead())
        if "goran" in scribe.engine.present:
            scribe.event(PersonLeft(person="goran"))
            scribe.event(instead())
    scribe.rebuilt_everywhere()


def test_a_log_with_a_place_nobody_could_give_is_refused(quick: bench.Left) -> None:
    scribe = Scribe(quick)
    said = event_entry(instead(), scribe.checked.plan)
    stolen = replace(scribe.entries[-1], seq=99, type=said.type, step=None, attempt=None, data=said.data)
    with pytest.raises(EvidenceFault) as fault:
        rebuild(scribe.checked, scribe.trust, [*scribe.entries, stolen])
    assert fault.value.rule == "LOG070"
    assert "entry 99" in fault.value.words


def gathered(quick: bench.Left, acting: tuple[Acting, ...], *events: RoomEvent) -> Turn:
    scribe = Scribe(quick)
    for event in events:
        scribe.event(event)
    return scribe.answer(PeopleGathered(acting=acting))


HANA = Acting(person="hana", role="witness")
GORAN = Acting(person="goran", role="operator")
INES = Acting(person="ines", role="operator")
GIVEN = (PersonLeft(person="goran"), instead(), PersonPresent(person="goran"))


def test_the_stand_in_acts_in_the_place_and_the_absent_no_more(quick: bench.Left) -> None:
    assert isinstance(gathered(quick, (GORAN, HANA)).request, AskValue)
    assert isinstance(gathered(quick, (INES, HANA), *GIVEN).request, AskValue)
    for turn in (gathered(quick, (INES, HANA)), gathered(quick, (GORAN, HANA), *GIVEN)):
        assert failed_by(turn).rule == "QUO008"
