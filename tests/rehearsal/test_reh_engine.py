"""The engine: it asks only what may be asked, takes only what answers it, and says the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec.structs
import pytest

import runner.engine
from runner import canonical
from runner.actions.registry import BY_PIN
from runner.audit.entry import EntryType
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, StepFailed, Turn
from runner.errors import Defect
from runner.exchange import (
    REQUESTS,
    Acting,
    AskException,
    AskValue,
    Declined,
    DeviceRefused,
    DoByHand,
    FilesRefused,
    GatherPeople,
    HandsDone,
    InspectDevice,
    LoadWorld,
    LookAtFile,
    PeopleGathered,
    PersonPresent,
    ProveKey,
    ReplaceCards,
    Reply,
    RestoreFile,
    ShowFile,
    TryCards,
    ValueGiven,
    parse_reply,
    replies_of,
)
from runner.history import mark_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import rehearsal_bench as bench

PEOPLE = PeopleGathered(acting=(Acting(person="goran", role="operator"), Acting(person="hana", role="witness")))


def fresh(quick: bench.Left) -> Engine:
    engine = Engine(quick.checked(), quick.values())
    for person in ("deniz", "emeka", "freya", "goran", "hana", "ines"):
        engine.happened(PersonPresent(person=person))
    return engine


def walk(quick: bench.Left, engine: Engine) -> Iterator[tuple[Turn, Reply | None]]:
    """Give each turn with the reply that was logged to it; the engine is fed it afterwards."""
    recorded = iter([entry.data for entry in quick.entries() if entry.type is EntryType.REPLY])
    turn = engine.start()
    while turn.request is not None:
        data = next(recorded)
        reply = parse_reply(turn.request, data["kind"], data["reply"])
        yield turn, reply
        if engine.pending is None:
            return
        turn = engine.answer(reply)
    yield turn, None


def said(turn: Turn) -> bytes:
    entries = [(mark, mark_entry(mark)) for mark in turn.marks]
    marks: list[Any] = [to_data(mark) if entry is None else dict(entry.data) for mark, entry in entries]
    request = None if turn.request is None else {"kind": kind_of(type(turn.request)), "request": to_data(turn.request)}
    return canonical.encode({"marks": marks, "request": request})


def test_the_same_replies_give_the_same_requests_and_marks(quick: bench.Left) -> None:
    first, second = ([said(turn) for turn, _ in walk(quick, fresh(quick))] for _ in range(2))
    assert first == second
    assert len(first) > 40
    assert b'"completed"' in first[-1]


def wrong_replies(request: type[Any]) -> Iterator[Reply]:
    for reply in (
        HandsDone(person="goran"),
        ValueGiven(value="x", person="goran"),
        PEOPLE,
        DeviceRefused(status="UnknownID", words="no"),
        FilesRefused(rule="RUN030", words="no"),
        Declined(person="goran", reason="no"),
    ):
        people = request in (GatherPeople, AskValue, DoByHand) and isinstance(reply, Declined)
        if not people and not isinstance(reply, replies_of(request)):
            yield reply


def test_a_reply_of_the_wrong_kind_is_a_defect_and_changes_nothing(quick: bench.Left) -> None:
    """At every request of the ceremony; the right reply is taken afterwards as if nothing had been."""
    engine = fresh(quick)
    kinds = set()
    last = None
    for turn, _ in walk(quick, engine):
        last = turn
        if turn.request is None:
            break
        kinds.add(type(turn.request))
        for reply in wrong_replies(type(turn.request)):
            with pytest.raises(Defect, match="does not answer"):
                engine.answer(reply)
            assert engine.pending is turn.request
    assert last is not None
    assert last.marks[-1] == Finished(outcome="completed", rule=None)
    of_others = {LookAtFile, InspectDevice, LoadWorld, ProveKey, ReplaceCards, RestoreFile, ShowFile, TryCards}
    assert set(REQUESTS) - kinds == {AskException} | of_others  # nothing is let pass here


def test_nothing_is_answered_before_the_start_or_after_the_end(quick: bench.Left) -> None:
    engine = fresh(quick)
    with pytest.raises(Defect, match="no request waits"):
        engine.answer(PEOPLE)
    for _ in walk(quick, engine):
        pass
    with pytest.raises(Defect, match="no request waits"):
        engine.answer(PEOPLE)


def test_an_engine_starts_once(quick: bench.Left) -> None:
    engine = fresh(quick)
    engine.start()
    with pytest.raises(Defect, match="twice"):
        engine.start()
    engine.close()


@dataclass(frozen=True)
class Stranger:
    """Looks like a request and is none of the closed union."""

    device: str = "hsm"
    mutates = True

    def __await__(self) -> Any:
        return (yield self)


def performing(perform: Callable[[Any], Any], patch: pytest.MonkeyPatch) -> None:
    """Have the first step's action do something else."""
    changed = msgspec.structs.replace(BY_PIN["record_facts@1"], perform=perform)
    patch.setattr(runner.engine, "BY_PIN", MappingProxyType({**BY_PIN, "record_facts@1": changed}))


@pytest.mark.parametrize("awaited", [Stranger(), "list_keys", None, 7, HandsDone(person="goran")], ids=str)
def test_awaiting_what_is_no_request_is_a_defect(
    quick: bench.Left, monkeypatch: pytest.MonkeyPatch, awaited: object
) -> None:
    class Awaited:
        def __await__(self) -> Any:
            return (yield awaited)

    async def perform(_work: Any) -> Any:
        return await Awaited()

    performing(perform, monkeypatch)
    engine = fresh(quick)
    assert isinstance(engine.start().request, GatherPeople)
    with pytest.raises(Defect, match="is no request"):
        engine.answer(PEOPLE)
    assert engine.step is None
    assert engine.pending is None
    with pytest.raises(Defect):
        engine.answer(PEOPLE)


def test_a_subclass_of_a_reply_cannot_be_smuggled_past_a_union(quick: bench.Left) -> None:
    """A request's replies are those it names; another request's reply with the same fields is none of them."""
    engine = fresh(quick)
    engine.start()
    with pytest.raises(Defect):
        engine.answer(HandsDone(person="hana"))
    engine.close()


def test_an_action_that_raises_leaves_no_engine_that_goes_on(
    quick: bench.Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def perform(_work: Any) -> Any:
        raise Defect("our own mistake")

    performing(perform, monkeypatch)
    engine = fresh(quick)
    engine.start()
    with pytest.raises(Defect, match="our own mistake"):
        engine.answer(PEOPLE)
    with pytest.raises(Defect):
        engine.answer(PEOPLE)


def typed(quick: bench.Left, *values: str) -> Turn:
    """Type these values one after the other in the first step."""
    engine = fresh(quick)
    engine.start()
    turn = engine.answer(PEOPLE)
    for value in values:
        assert isinstance(turn.request, AskValue)
        turn = engine.answer(ValueGiven(value=value, person="goran"))
    engine.close()
    return turn


RIGHT = "11111111-2222-4333-8444-555555555555"


def test_a_value_that_does_not_fit_is_asked_again_and_not_for_ever(quick: bench.Left) -> None:
    assert isinstance(typed(quick, "x", "y", RIGHT).request, GatherPeople)
    failed = typed(quick, "x", "y", "z")
    assert failed.request is None
    assert [mark.rule for mark in failed.marks if isinstance(mark, StepFailed)] == ["RUN003"]


def test_a_value_that_fits_and_is_not_the_expected_one_fails_at_once(quick: bench.Left) -> None:
    failed = typed(quick, RIGHT.replace("1", "2"))
    assert failed.request is None
    assert [mark.rule for mark in failed.marks if isinstance(mark, StepFailed)] == ["RUN002"]


def test_a_refusal_at_any_request_ends_the_ceremony_there(quick: bench.Left) -> None:
    """Every request that a device or a station may refuse: the step fails, and nothing is asked any more."""
    refusals = (DeviceRefused(status="UnknownID", words="no"), FilesRefused(rule="RUN030", words="no"))
    places = [place for place, (turn, _) in enumerate(walk(quick, fresh(quick))) if turn.request is not None]
    tried = 0
    for at in places:
        for refusal in refusals:
            engine = fresh(quick)
            for place, (turn, _) in enumerate(walk(quick, engine)):
                if place != at or turn.request is None:
                    continue
                if isinstance(refusal, replies_of(type(turn.request))):
                    tried += 1
                    ended = engine.answer(refusal)
                    assert ended.request is None
                    assert isinstance(ended.marks[-1], Finished)
                    assert ended.marks[-1].outcome == "aborted"
                    assert isinstance(ended.marks[-2], StepFailed)
                break
            engine.close()
    assert tried >= 20
