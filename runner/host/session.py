"""The loop: what the engine says becomes entries, its requests are performed, the replies become entries.

The order of safety: a request's entry is durable before the device is called, the reply's before anything follows.
The id of a request is the leaf hash of its line. Where the log cannot be written the device is not touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, assert_never

from runner.audit.entry import EntryType
from runner.backends.interface import DeviceReport, Hsm, Vault, ask_hsm, ask_vault
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, Mark, StepBegun, StepDone, StepFailed, Turn
from runner.errors import Defect
from runner.exchange import (
    Acting,
    AskValue,
    BackUpFile,
    CarryFile,
    DoByHand,
    GatherPeople,
    ImportKey,
    ObtainFile,
    PeopleGathered,
    ReadVaultKey,
    Reply,
    Request,
    RoomEvent,
    UnpackArchive,
)
from runner.history import Said, event_entry, mark_entry, request_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.host.logbook import Logbook
    from runner.host.room import Room
    from runner.host.stations import Stations
    from runner.plan import CheckedPlan, PlannedStep, TrustList


class Watch(Protocol):
    """Somebody who is told what happens, to show it."""

    def event(self, event: RoomEvent) -> None:
        """Somebody came, went, or a break began or ended."""
        ...

    def begun(self, step: PlannedStep, number: int, of: int) -> None:
        """A step begins."""
        ...

    def people(self, people: tuple[Acting, ...]) -> None:
        """These people act in the step."""
        ...

    def done(self, mark: StepDone) -> None:
        """The step is done."""
        ...

    def failed(self, mark: StepFailed) -> None:
        """The step failed."""
        ...


class Session:
    """One sitting of a ceremony."""

    def __init__(
        self,
        checked: CheckedPlan,
        trust: TrustList,
        *,
        logbook: Logbook,
        room: Room,
        stations: Stations,
        hsms: Mapping[str, Hsm],
        vault: Vault | None,
        watch: Watch,
    ) -> None:
        self._plan = checked.plan
        self._engine = Engine(checked, trust)
        self._logbook = logbook
        self._room = room
        self._stations = stations
        self._hsms = hsms
        self._vault = vault
        self._watch = watch
        self._steps = checked.plan.active_steps()
        self._signed_step: str | None = None
        self._acting: tuple[str, ...] = ()

    def reports(self) -> tuple[DeviceReport, ...]:
        """Return what every device says of itself, by id."""
        found = [hsm.report() for hsm in self._hsms.values()]
        if self._vault is not None:
            found.append(self._vault.report())
        return tuple(sorted(found, key=lambda report: report.id))

    def run(self) -> Finished:
        """Go through all steps and close the log.

        Raises:
            LogBroken: the log could not be written; the devices were not touched after that.
        """
        try:
            self._events()
            turn = self._engine.start()
            while True:
                finished = self._write_marks(turn)
                if finished is not None:
                    self._close(finished)
                    return finished
                turn = self._exchange(turn)
        finally:
            self._engine.close()

    def _exchange(self, turn: Turn) -> Turn:
        request, step = turn.request, self._engine.step
        if request is None or step is None:
            raise Defect("the engine neither asks nor ends")
        self._events()
        if (stopped := self._engine.reconsider()) is not None:
            return stopped
        if request.mutates and self._signed_step != step.id:
            self._logbook.checkpoint()
            self._signed_step = step.id
        self._acting = self._engine.actors
        asked = self._logbook.append(request_entry(request, step.id), self._acting)
        reply = self._perform(request, step, asked.leaf)
        if isinstance(reply, PeopleGathered):
            self._acting = tuple(sorted({one.person for one in reply.acting}))
        device = self._report(request) if request.mutates else None
        turn = self._engine.answer(reply)
        data = {
            "to": asked.seq,
            "kind": kind_of(type(reply)),
            "reply": to_data(reply),
            "device": None if device is None else to_data(device),
        }
        self._logbook.append(Said(type=EntryType.REPLY, step=step.id, attempt=1, data=data), self._acting)
        if isinstance(request, GatherPeople):
            self._watch.people(self._engine.people)
        return turn

    def _perform(self, request: Request, step: PlannedStep, request_id: str) -> Reply:
        match request:
            case GatherPeople() | AskValue() | DoByHand():
                return self._room.answer(request, step, self._engine.people, self._engine.present)
            case ObtainFile() | CarryFile() | BackUpFile() | UnpackArchive():
                return self._stations.perform(request)
            case ImportKey() | ReadVaultKey():
                if self._vault is None:
                    raise Defect("the plan needs a vault and the environment has none")
                return ask_vault(self._vault, request, request_id)
            case _:
                return ask_hsm(self._hsms[request.device], request, request_id)

    def _report(self, request: Request) -> DeviceReport:
        if isinstance(request, ImportKey) and self._vault is not None:
            return self._vault.report()
        return self._hsms[getattr(request, "device", "")].report()

    def _events(self) -> None:
        """Note what happened in the room; where that leaves it in a break, wait until the break is over."""
        waiting = True
        while waiting:
            events = self._room.arrivals()
            for event in events:
                self._engine.happened(event)
                self._logbook.append(event_entry(event, self._plan))
                self._watch.event(event)
            if self._engine.on_break and not events:
                raise Defect("the room came back in a break with nothing to say")
            waiting = self._engine.on_break

    def _write_marks(self, turn: Turn) -> Finished | None:
        finished: Finished | None = None
        for mark in turn.marks:
            said = mark_entry(mark)
            if said is not None:
                self._logbook.append(said, () if isinstance(mark, StepBegun) else self._acting)
            self._show(mark)
            if isinstance(mark, Finished):
                finished = mark
        return finished

    def _show(self, mark: Mark) -> None:
        match mark:
            case StepBegun():
                number = next(n for n, step in enumerate(self._steps, 1) if step.id == mark.step)
                self._watch.begun(self._steps[number - 1], number, len(self._steps))
            case StepDone():
                self._watch.done(mark)
            case StepFailed():
                self._watch.failed(mark)
            case Finished():
                pass
            case _:
                assert_never(mark)

    def _close(self, finished: Finished) -> None:
        devices: list[Any] = [to_data(report) for report in self.reports()]
        if finished.rule is not None:
            self._say(EntryType.CEREMONY_ABORTED, {"rule": finished.rule, "devices": devices})
        self._say(EntryType.CEREMONY_CLOSED, {"outcome": finished.outcome, "devices": devices})
        self._logbook.seal()

    def _say(self, kind: EntryType, data: dict[str, Any]) -> None:
        self._logbook.append(Said(type=kind, step=None, attempt=None, data=data))
