"""What happens in the room while a step is under way: who walks out, breaks, and what cannot have happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import rehearsal_bench as bench
from typing_extensions import override

from runner.audit.entry import EntryType
from runner.backends.interface import CardWanted, Secret
from runner.engine import Engine, Finished
from runner.exchange import BreakBegun, BreakEnded, GatherPeople, Holder, PersonLeft, PersonPresent
from runner.history import rebuild
from runner.host.room import ScriptedRoom
from runner.host.session import Session
from runner.host.simulated_slot import SimulatedCard, SimulatedSlot
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from runner.exchange import RoomEvent


pytestmark = pytest.mark.usefixtures("cheap")


class Unquiet(ScriptedRoom):
    """Right after the people of one step were gathered, something happens: the second time anybody looks."""

    STEP: ClassVar[str] = "create-world"
    EVENTS: ClassVar[tuple[RoomEvent, ...]] = ()
    LOOKS: ClassVar[int] = 2
    due = 0

    @override
    def answer(self, request: Any, step: Any, people: Any, present: Any) -> Any:
        self.due = self.LOOKS if isinstance(request, GatherPeople) and step.id == self.STEP else 0
        return super().answer(request, step, people, present)

    @override
    def arrivals(self) -> tuple[RoomEvent, ...]:
        here = super().arrivals()
        self.due -= 1
        return (*here, *self.EVENTS) if self.due == 0 else here


def rehearse(record: Path, patch: pytest.MonkeyPatch, step: str, *events: RoomEvent, looks: int = 2) -> bench.Left:
    room = type("Room", (Unquiet,), {"STEP": step, "EVENTS": events, "LOOKS": looks})
    patch.setattr("runner.host.simulated_room.ScriptedRoom", room)
    return bench.rehearse(record, "eu")


def kinds(left: bench.Left) -> list[EntryType]:
    return [entry.type for entry in left.entries()]


def asked(left: bench.Left) -> list[str]:
    return [entry.data["kind"] for entry in left.entries() if entry.type is EntryType.REQUEST]


def test_nothing_is_changed_when_somebody_who_acts_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", PersonLeft(person="hana"))
    assert left.code == 4
    assert "QUO008" in left.err
    assert "create_world" not in asked(left)
    assert left.entries()[-1].data["devices"][0]["inventory"]["world"] == ""
    assert left.verdict().outcome is Outcome.ABORTED
    engine, turn = rebuild(left.checked(), left.values(), left.entries())
    assert engine.pending is None
    assert turn.marks == (Finished(outcome="aborted", rule="QUO008"),)


def test_who_left_while_people_were_gathered_does_not_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", PersonLeft(person="hana"), looks=1)
    assert left.code == 4
    assert kinds(left)[-6:-2] == [
        EntryType.REQUEST,
        EntryType.PERSON_LEFT,
        EntryType.REPLY,
        EntryType.STEP_FAILED,
    ]
    assert left.verdict().outcome is Outcome.ABORTED


def test_somebody_who_comes_back_in_time_still_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = (PersonLeft(person="hana"), PersonPresent(person="hana"))
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", *events)
    assert left.code == 0, left.err[-300:]
    assert left.verdict().outcome is Outcome.VALID


def test_a_step_that_changes_no_device_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = (PersonLeft(person="hana"),)
    left = rehearse(tmp_path / "record", monkeypatch, "compare-public-key", *events)
    assert left.code == 4  # the next step finds no witness
    assert "read_vault_key" in asked(left)
    assert left.verdict().outcome is Outcome.ABORTED


def test_the_verifier_does_not_take_the_engines_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "reconsider", lambda _self: None)
    events = (PersonLeft(person="hana"),)
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", *events)
    assert "create_world" in asked(left)
    verdict = left.verdict()
    assert verdict.outcome is Outcome.TAMPERED
    world = next(entry.seq for entry in left.entries() if entry.data.get("kind") == "create_world")
    assert ("LOG035", world) in {(finding.rule, finding.seq) for finding in verdict.findings}


def test_nothing_is_asked_in_a_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def heedless(self: Session) -> None:
        for event in self._hands.room.arrivals():
            self._engine.happened(event)
            self._hands.logbook.append(event_entry(event, self._plan))

    from runner.history import event_entry

    monkeypatch.setattr(Session, "events", heedless)
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", BreakBegun(by="goran", reason="lunch"))
    verdict = left.verdict()
    assert verdict.outcome is Outcome.TAMPERED
    world = next(entry.seq for entry in left.entries() if entry.data.get("kind") == "create_world")
    assert ("LOG030", world) in {(finding.rule, finding.seq) for finding in verdict.findings}


@pytest.mark.parametrize(
    "event",
    [
        PersonPresent(person="nobody"),
        PersonPresent(person="hana"),
        PersonLeft(person="nobody"),
        BreakEnded(),
    ],
    ids=["a stranger", "came twice", "left without coming", "a break that never began"],
)
def test_what_cannot_have_happened_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: RoomEvent
) -> None:
    left = rehearse(tmp_path / "record", monkeypatch, "create-world", event)
    assert left.code == 4
    assert "RUN041" in left.err
    assert "create_world" not in asked(left)
    assert kinds(left)[-1] is EntryType.REPLY
    assert left.verdict().outcome is Outcome.OPEN


def test_a_card_that_the_device_did_not_take_is_not_offered_for_ever() -> None:
    """Whoever acts puts in a card once for each time it is wanted, whether it is to be read or written."""
    card = SimulatedCard(set="acs", number=1, person="hana", serial="SIM-CARD-0001", pin=Secret("1234"))
    slot = SimulatedSlot((card,), lambda _: None)
    for number in (None, 1):
        wanted = CardWanted(card_set="acs", number=number, done=0, total=1, holders=(Holder(person="hana", number=1),))
        assert slot.card(wanted) == card.serial
        assert slot.card(wanted) is None
