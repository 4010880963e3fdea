"""The log is the history: the engine rebuilt from it stands where the session stood, and a log that lies is found."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec.structs
import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from typing_extensions import override

from runner import canonical
from runner.audit.entry import Entry, EntryType
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, StepFailed
from runner.errors import EvidenceFault
from runner.exchange import (
    Acting,
    BreakBegun,
    BreakEnded,
    GatherPeople,
    PeopleGathered,
    PersonLeft,
    PersonPresent,
    RoomEvent,
    Substituted,
)
from runner.history import mark_entry, rebuild
from runner.host.room import ScriptedRoom
from runner.quorum import fill
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.plan import CheckedPlan, TrustList

MARKS = (EntryType.STEP_BEGUN, EntryType.STEP_DONE, EntryType.STEP_FAILED)
COURSE = (*MARKS, EntryType.REQUEST, EntryType.REPLY)
INSTEAD = Substituted(absent="goran", instead="ines", by="hana", reason="goran was called away")


class Restless(ScriptedRoom):
    """People who come and go, and a break: each event where the session next looks, by how often it has looked."""

    SCRIPT: ClassVar[dict[int, tuple[RoomEvent, ...]]] = {
        3: (BreakBegun(by="goran", reason="lunch"),),
        4: (BreakEnded(),),
        6: (PersonLeft(person="goran"), PersonPresent(person="ines"), INSTEAD),  # between his steps
        9: (PersonPresent(person="goran"), PersonLeft(person="ines"), PersonPresent(person="ines")),
        12: (BreakBegun(by="ines", reason="lunch"), BreakEnded()),
        20: (PersonLeft(person="freya"),),
        21: (PersonPresent(person="freya"),),
        38: (PersonLeft(person="freya"), BreakBegun(by="goran", reason="lunch")),
        39: (BreakEnded(),),
    }
    looked = 0

    @override
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.instead: dict[str, str] = {}

    @override
    def arrivals(self) -> tuple[RoomEvent, ...]:
        here = super().arrivals()
        self.looked += 1
        events = self.SCRIPT.get(self.looked, ())
        self.instead |= {event.absent: event.instead for event in events if isinstance(event, Substituted)}
        return (*here, *events)

    @override
    def answer(self, request: Any, step: Any, people: Any, present: Any) -> Any:
        if not isinstance(request, GatherPeople):
            return super().answer(request, step, people, present)
        able = [person for person in self._plan.people if person.id in present]
        chosen = fill(able, request.needs, self.instead) or {}
        acting = (Acting(person=person, role=role) for person, role in sorted(chosen.items()))
        return PeopleGathered(acting=tuple(acting))


@pytest.fixture(scope="session")
def restless(tmp_path_factory: pytest.TempPathFactory) -> bench.Left:
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        patch.setattr("runner.host.simulated_room.ScriptedRoom", Restless)
        return bench.rehearse(tmp_path_factory.mktemp("restless") / "record", "eu")


@pytest.fixture(scope="session")
def told(left: bench.Left) -> tuple[CheckedPlan, TrustList, list[Entry]]:
    return left.checked(), left.values(), left.entries()


Told = tuple["CheckedPlan", "TrustList", list[Entry]]


def asked(request: Any) -> bytes:
    return canonical.encode({"kind": kind_of(type(request)), "request": to_data(request)})


def logged(entry: Entry) -> bytes:
    return canonical.encode({"kind": entry.data["kind"], "request": entry.data["request"]})


def pending_after(entries: Sequence[Entry], size: int) -> bytes | None:
    """What the session waited for when the log had `size` entries: the last request there if it has no reply, or
    the next one that it went on to write."""
    for one in reversed(entries[:size]):
        if one.type is EntryType.REPLY:
            break
        if one.type is EntryType.REQUEST:
            return logged(one)
    return next((logged(one) for one in entries[size:] if one.type is EntryType.REQUEST), None)


def marks_after(entries: Sequence[Entry], size: int) -> list[tuple[Any, ...]]:
    """The marks that stand between there and the next request, if the request waited for is not written yet."""
    found: list[tuple[Any, ...]] = []
    for one in entries[size:]:
        if one.type in (EntryType.REQUEST, EntryType.REPLY):
            break
        if one.type in MARKS:
            found.append((one.type, one.step, canonical.encode(dict(one.data))))
    return found


def check_every_prefix(left: bench.Left) -> None:
    checked, trust, entries = left.checked(), left.values(), left.entries()
    for size in range(len(entries) + 1):
        engine, turn = rebuild(checked, trust, entries[:size])
        found = None if engine.pending is None else asked(engine.pending)
        assert found == pending_after(entries, size), size
        assert turn.request == engine.pending
        rest = [said for mark in turn.marks if (said := mark_entry(mark)) is not None]
        assert [(s.type, s.step, canonical.encode(dict(s.data))) for s in rest] == marks_after(entries, size), size
        engine.close()


def test_the_whole_log_leads_to_the_end(left: bench.Left) -> None:
    engine, turn = rebuild(left.checked(), left.values(), left.entries())
    assert engine.pending is None
    assert engine.step is None
    assert turn.request is None
    assert turn.marks == (Finished(outcome="completed", rule=None),)


def test_every_prefix_leads_to_where_the_session_was(left: bench.Left) -> None:
    check_every_prefix(left)


def test_people_who_come_and_go_leave_a_record_that_verifies(restless: bench.Left) -> None:
    assert restless.code == 0, restless.err[-400:]
    verdict = restless.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    kinds = [one.type for one in restless.entries()]
    wanted = [event for events in Restless.SCRIPT.values() for event in events]
    assert kinds.count(EntryType.PERSON_LEFT) == sum(isinstance(event, PersonLeft) for event in wanted)
    assert any("ines acts instead of goran" in note for note in verdict.notes)
    assert kinds.count(EntryType.BREAK_BEGUN) == kinds.count(EntryType.BREAK_ENDED) > 0


def test_the_stand_in_acts_once_the_place_is_theirs_and_nobody_else_in_it(restless: bench.Left) -> None:
    here: set[str] = set()
    acted: list[set[str]] = []
    handed = False
    for one in restless.entries():
        if one.type is EntryType.PERSON_PRESENT:
            here.add(one.data["person"])
        if one.type is EntryType.PERSON_LEFT:
            here.remove(one.data["person"])
        if one.type is EntryType.SUBSTITUTION:
            assert one.data == {"absent": "goran", "instead": "ines", "by": "hana", "reason": "goran was called away"}
            handed = True
        if one.type is EntryType.REPLY and one.data["kind"] == "people_gathered":
            acting = {item["person"] for item in one.data["reply"]["acting"]}
            assert acting <= here
            assert ({"goran", "ines"} - acting) == ({"goran"} if handed else {"ines"})
            acted.append(acting)
    assert any("goran" in acting for acting in acted)
    assert any("ines" in acting for acting in acted)
    assert "goran" in here


def test_every_prefix_of_a_restless_one_leads_to_where_the_session_was(restless: bench.Left) -> None:
    check_every_prefix(restless)


def test_who_is_present_is_rebuilt(restless: bench.Left) -> None:
    entries = restless.entries()
    here: set[str] = set()
    for size, one in enumerate(entries, 1):
        if one.type in (EntryType.PERSON_PRESENT, EntryType.PERSON_LEFT):
            (here.add if one.type is EntryType.PERSON_PRESENT else here.remove)(one.data["person"])
            engine, _ = rebuild(restless.checked(), restless.values(), entries[:size])
            assert engine.present == here
            engine.close()


# -- logs that lie -----------------------------------------------------------------------------------------------


def refused(told: Told, entries: Sequence[Entry]) -> tuple[str, int]:
    """The rule that refuses these entries, and the entry it names."""
    found = fault_of(told, entries)
    assert found is not None
    return found


def fault_of(told: Told, entries: Sequence[Entry]) -> tuple[str, int] | None:
    try:
        engine, _ = rebuild(told[0], told[1], entries)
    except EvidenceFault as fault:
        match = re.search(r"entry (\d+)", fault.words)
        return fault.rule, int(match[1]) if match else -1
    engine.close()
    return None


def indexes(entries: Sequence[Entry], *types: EntryType) -> list[int]:
    return [place for place, one in enumerate(entries) if one.type in types]


def after(entries: Sequence[Entry], place: int) -> Entry:
    """The next entry of the course behind a place."""
    return next(one for one in entries[place + 1 :] if one.type in COURSE)


def with_data(entry: Entry, **data: Any) -> Entry:
    return msgspec.structs.replace(entry, data={**entry.data, **data})


def test_a_missing_reply_is_found_at_the_next_entry(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, EntryType.REPLY):
        rest = [*entries[:place], *entries[place + 1 :]]
        assert refused(told, rest) == ("LOG070", after(entries, place).seq)


def test_a_missing_request_is_found_at_its_reply(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, EntryType.REQUEST):
        rest = [*entries[:place], *entries[place + 1 :]]
        assert refused(told, rest) == ("LOG070", after(entries, place).seq)


def test_a_missing_mark_is_found_at_the_next_entry(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, *MARKS)[:-1]:
        rest = [*entries[:place], *entries[place + 1 :]]
        assert refused(told, rest) == ("LOG070", after(entries, place).seq)


def test_a_repeated_entry_is_found(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, *COURSE):
        rest = [*entries[: place + 1], entries[place], *entries[place + 1 :]]
        rule, seq = refused(told, rest)
        assert rule == "LOG070"
        assert seq == entries[place].seq


def test_two_neighbours_that_changed_places_are_found(told: Told) -> None:
    entries = told[2]
    course = indexes(entries, *COURSE)
    for one, two in pairwise(course):
        rest = list(entries)
        rest[one], rest[two] = entries[two], entries[one]
        rule, seq = refused(told, rest)
        assert rule in {"LOG070", "LOG071"}
        assert seq in {entries[one].seq, entries[two].seq}


def test_two_pairs_that_changed_places_are_found(told: Told) -> None:
    """Each request still has its own reply; the first of the two is where it shows."""
    entries = told[2]
    places = indexes(entries, EntryType.REQUEST)
    for one, two in pairwise(places):
        if logged(entries[one]) == logged(entries[two]):
            continue
        replies = [next(p for p in indexes(entries, EntryType.REPLY) if p > place) for place in (one, two)]
        rest = list(entries)
        rest[one], rest[two] = entries[two], entries[one]
        rest[replies[0]], rest[replies[1]] = entries[replies[1]], entries[replies[0]]
        assert refused(told, rest) == ("LOG070", entries[two].seq)


def test_a_reply_of_another_kind_is_found_there(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, EntryType.REPLY):
        other = {"kind": "mode_set", "reply": {"mode": "operational"}}
        if entries[place].data["kind"] == "mode_set":
            other = {"kind": "hands_done", "reply": {"person": "goran"}}
        rest = [*entries[:place], with_data(entries[place], **other), *entries[place + 1 :]]
        assert refused(told, rest) == ("LOG071", entries[place].seq)


def test_a_reply_with_fields_of_its_own_is_found_there(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, EntryType.REPLY):
        honest = entries[place].data["reply"]
        for reply in ({**honest, "extra": 1}, dict(list(honest.items())[1:]), {**honest, next(iter(honest)): 1.5}):
            rest = [*entries[:place], with_data(entries[place], reply=reply), *entries[place + 1 :]]
            assert refused(told, rest) == ("LOG071", entries[place].seq)


def test_a_refusal_put_in_place_of_a_reply_is_found_behind_it(told: Told) -> None:
    entries = told[2]
    reply = {"status": "UnknownID", "words": "no"}
    found = 0
    for place in indexes(entries, EntryType.REPLY):
        if entries[place - 1].data.get("device") is None:
            continue
        found += 1
        rest = [*entries[:place], with_data(entries[place], kind="device_refused", reply=reply), *entries[place + 1 :]]
        assert refused(told, rest) == ("LOG070", after(entries, place).seq)
    assert found > 10


def changes(value: Any) -> list[Any]:
    """Every way to change one text, number or flag in a reply, its form kept."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, str):
        return [value[:-1] + ("0" if value[-1:] != "0" else "1")]
    if isinstance(value, list):
        return [[*value[:n], new, *value[n + 1 :]] for n, item in enumerate(value) for new in changes(item)]
    return [{**value, name: new} for name, item in value.items() for new in changes(item)]


UNHEARD = {
    "create_world.cards",  # the numbers; the serials are a result
    "create_world.hkre",
    "reduce_key.cards",
    "verify_packages.hknso",
    "inspect_key.rights",
    "destroy_key.file",  # size and digest are compared
    "list_keys.files",  # another name than the one that must be gone
    "ask_value.person",
    "do_by_hand.person",
}
"""What no mark and no request depends on, so that only the chain, and for some of it the verifier, holds it."""


def test_a_changed_reply_is_found_at_the_latest_where_it_is_told(told: Told) -> None:
    """Whatever a mark, a comparison or a later request depends on cannot be changed in a reply alone."""
    entries = told[2]
    unheard: set[str] = set()
    for place in indexes(entries, EntryType.REPLY):
        honest = entries[place].data["reply"]
        for reply in changes(honest):
            rest = [*entries[:place], with_data(entries[place], reply=reply), *entries[place + 1 :]]
            if (found := fault_of(told, rest)) is not None:
                assert found[0] in {"LOG070", "LOG071"}
                assert found[1] >= entries[place].seq
            else:
                kind = entries[place - 1].data["kind"]
                (name,) = [key for key in honest if honest[key] != reply[key]]
                unheard.add(f"{kind}.{name}")
    assert unheard == UNHEARD, sorted(unheard ^ UNHEARD)


def test_a_changed_mark_is_found_there(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, *MARKS):
        for data in changes(dict(entries[place].data)):
            changed = msgspec.structs.replace(entries[place], data=data)
            assert refused(told, [*entries[:place], changed, *entries[place + 1 :]]) == ("LOG070", entries[place].seq)


def test_a_changed_request_is_found_there(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, EntryType.REQUEST):
        for data in changes({name: item for name, item in entries[place].data.items() if item is not None}):
            changed = with_data(entries[place], **data)
            assert refused(told, [*entries[:place], changed, *entries[place + 1 :]]) == ("LOG070", entries[place].seq)


def test_a_step_moved_to_another_name_is_found_there(told: Told) -> None:
    entries = told[2]
    for place in indexes(entries, *MARKS, EntryType.REQUEST):
        for changed in (
            msgspec.structs.replace(entries[place], step="another-step"),
            msgspec.structs.replace(entries[place], attempt=2),
        ):
            assert refused(told, [*entries[:place], changed, *entries[place + 1 :]]) == ("LOG070", entries[place].seq)


def test_another_plan_does_not_lead_there(told: Told, together: tuple[bench.Left, bench.Left]) -> None:
    germany = together[0]
    with pytest.raises(EvidenceFault) as fault:
        rebuild(germany.checked(), germany.values(), told[2])
    assert fault.value.rule == "LOG070"


# -- people --------------------------------------------------------------------------------------------------------


def gathered_by(told: Told, *events: RoomEvent) -> StepFailed | None:
    """Gather Goran and Hana for the first step after these events; the failure that it is, if it is one."""
    engine = Engine(told[0], told[1])
    for event in events:
        engine.happened(event)
    turn = engine.start()
    assert isinstance(turn.request, GatherPeople)
    acting = (Acting(person="goran", role="operator"), Acting(person="hana", role="witness"))
    turn = engine.answer(PeopleGathered(acting=acting))
    engine.close()
    failed = [mark for mark in turn.marks if isinstance(mark, StepFailed)]
    assert (turn.request is None) is bool(failed)
    if failed:
        assert turn.marks[-1] == Finished(outcome="aborted", rule="QUO008")
    return failed[0] if failed else None


HERE = (PersonPresent(person="goran"), PersonPresent(person="hana"))


def test_a_person_who_left_cannot_be_gathered(told: Told) -> None:
    assert gathered_by(told, *HERE) is None
    failed = gathered_by(told, *HERE, PersonLeft(person="hana"))
    assert failed is not None
    assert failed.rule == "QUO008"
    assert "hana is not in the room" in failed.words


def test_a_person_who_came_back_can(told: Told) -> None:
    assert gathered_by(told, *HERE, PersonLeft(person="hana"), PersonPresent(person="hana")) is None


def test_a_person_who_never_came_cannot(told: Told) -> None:
    failed = gathered_by(told, HERE[0])
    assert failed is not None
    assert failed.rule == "QUO008"


def test_a_departure_put_into_the_log_is_found_where_the_person_acts(told: Told) -> None:
    """The verifier finds it too; here the engine that is rebuilt refuses the people who were logged."""
    entries = told[2]
    place = indexes(entries, EntryType.PERSON_PRESENT)[-1]
    gone = Entry(
        **{
            **msgspec.structs.asdict(entries[place]),
            "type": EntryType.PERSON_LEFT,
            "data": {"person": "hana"},
        }
    )
    rest = [*entries[: place + 1], gone, *entries[place + 1 :]]
    reply = indexes(entries, EntryType.REPLY)[0]
    assert refused(told, rest) == ("LOG070", after(entries, reply).seq)
