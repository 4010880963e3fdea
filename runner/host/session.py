"""The loop: what the engine says becomes entries, its requests are performed, the replies become entries.

The order of safety: a request's entry is durable before the device is called, the reply's before anything follows.
The id of a request is the leaf hash of its line. Where the log cannot be written the device is not touched. People
consent to a gate's step before it asks for anything else, and say what came out before it counts as done.

The module is longer than others because every way in which a sitting ends leaves this one loop.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from runner.audit.entry import EntryType
from runner.backends.interface import DeviceReport, Hsm, Vault, ask_hsm, ask_vault
from runner.codec import kind_of, to_data
from runner.engine import Engine, Finished, Mark, StepBegun, StepDeclined, StepDone, StepFailed, Turn
from runner.errors import Defect, Uncertain
from runner.exchange import (
    VAULT,
    Acting,
    AskException,
    AskValue,
    BackUpFile,
    BreakEnded,
    CarryFile,
    DoByHand,
    GatherPeople,
    ImportKey,
    LookAtFile,
    Need,
    ObtainFile,
    PeopleGathered,
    PersonPresent,
    ReadVaultKey,
    Reply,
    Request,
    RoomEvent,
    RoomRequest,
    UnpackArchive,
)
from runner.history import Said, event_entry, mark_entry, request_entry
from runner.host.attesting import Occasion
from runner.host.room import StopAsked
from runner.quorum import fill, in_place
from runner.signing.statements import CameOut, FileLine, StepLine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.host.attesting import Attesting
    from runner.host.logbook import Logbook, Written
    from runner.host.room import Room
    from runner.host.stations import Stations
    from runner.plan import Plan, PlannedStep, Wanted

STOPPED: Final = "RUN042"
"""People asked to stop at the next safe point."""

UNKNOWN: Final = "RUN022"
"""A device was asked to change something, and it is not known whether it did."""


class Watch(Protocol):
    """Somebody who is told what happens, to show it."""

    def event(self, event: RoomEvent) -> None:
        """Somebody came, went, stands in for somebody, or a break began or ended."""
        ...

    def begun(self, step: PlannedStep, number: int, of: int, attempt: int) -> None:
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

    def declined(self, mark: StepDeclined) -> None:
        """Somebody declined."""
        ...

    def broke_off(self, fault: Uncertain) -> None:
        """A device broke off, and it is not known whether it did what it was asked; the sitting ends."""
        ...


class EndedBy(Struct, frozen=True, kw_only=True):
    """Who ended a ceremony before it was done: by their ids, with the reason they gave."""

    people: tuple[str, ...]
    because: str


class Ended(Struct, frozen=True, kw_only=True):
    """How a sitting ended.

    Attributes:
        how: completed, aborted, handed over, suspended or uncertain.
        rule: why it was aborted or suspended, None otherwise.
        to: the station it was handed over to, None otherwise.
        head: the leaf hash of the last entry, hex: what the next machine's people compare.
        failed: the step that failed last, None where none did.
        by: who aborted it, None where nobody did.
    """

    how: str
    head: str
    rule: str | None = None
    to: str | None = None
    failed: StepFailed | None = None
    by: EndedBy | None = None


class Course(Struct, frozen=True, kw_only=True):
    """Where a ceremony stands when a sitting begins.

    Attributes:
        engine: started or rebuilt.
        turn: what it says next, without what the log holds already.
        asked: the entry of the request that waits; None where it was not written yet.
        people: who acts in the last step that called its people; the engine may have gone on from it already.
        attested: who attested what in the attempt under way, and to the close: (about, person).
        checkpointed: whether a checkpoint covers the step under way up to where it began.
    """

    engine: Engine
    turn: Turn
    asked: Written | None = None
    people: tuple[Acting, ...] = ()
    attested: frozenset[tuple[str, str]] = frozenset()
    checkpointed: bool = False


class Hands(Struct, frozen=True, kw_only=True):
    """What a sitting works with.

    Attributes:
        logbook: the log.
        room: the people.
        attesting: asks them for statements.
        stations: the files of the stations this machine plays.
        hsms: the devices at those stations, by id.
        vault: the receiving vault, where one of those stations reaches it.
        played: the stations this machine plays.
        watch: is told what happens.
        keep: is given the files that a step made or moved, and keeps those that leave the ceremony.
    """

    logbook: Logbook
    room: Room
    attesting: Attesting
    stations: Stations
    hsms: Mapping[str, Hsm]
    vault: Vault | None
    played: frozenset[str]
    watch: Watch
    keep: Callable[[StepDone], None]


class _Gate(Struct):
    """What is attested in the attempt under way."""

    attested: set[tuple[str, str]] = field(default_factory=set)
    checkpointed: bool = False


class Session:
    """One sitting of a ceremony, once its first entries are written."""

    def __init__(self, plan: Plan, hands: Hands, course: Course) -> None:
        self._plan = plan
        self._hands = hands
        self._engine = course.engine
        self._turn = course.turn
        self._asked = course.asked
        self._gate = _Gate(set(course.attested), course.checkpointed)
        self._steps = plan.active_steps()
        self._people = course.people
        self._ended_by: EndedBy | None = None

    def run(self, exceptions: Sequence[Said] = ()) -> Ended:
        """Go on to the end of the ceremony or of this machine's part, or until people stop.

        Args:
            exceptions: what people let pass before the start; noted once it is noted who is here.

        Raises:
            LogBroken: the log could not be written; the devices were not touched after that.
        """
        try:
            self.events()
            self._say_where()
            for exception in exceptions:
                self._hands.logbook.append(exception, tuple(exception.data["people"]))
            while True:
                ended = self._tell(self._turn)
                if ended is not None:
                    return ended
                self._turn = self._exchange(self._turn)
        except StopAsked:
            return self.suspend(STOPPED)
        except Uncertain as fault:
            self._hands.watch.broke_off(fault)
            return self.suspend(UNKNOWN)
        finally:
            self._engine.close()

    # -- requests and replies ------------------------------------------------------------------------------------------

    def _exchange(self, turn: Turn) -> Turn:
        request, step = turn.request, self._engine.step
        if request is None or step is None:
            raise Defect("the engine neither asks nor ends")
        if self._hands.room.stopping():
            raise StopAsked
        self.events()
        if (changed := self._before(request, step)) is not None:
            return changed
        asked = self._asked or self._hands.logbook.append(
            request_entry(request, step.id, self._engine.attempt), self._acting()
        )
        self._asked = asked
        reply = self._perform(request, step, asked.leaf)
        if isinstance(request, RoomRequest):
            self.events()  # who came, or stands in for somebody, while people were asked
        if isinstance(reply, PeopleGathered):
            self._people = reply.acting
        device = self._report(request) if request.mutates else None
        attempt = self._engine.attempt
        turn = self._engine.answer(reply)
        data = {
            "to": asked.seq,
            "kind": kind_of(type(reply)),
            "reply": to_data(reply),
            "device": None if device is None else to_data(device),
        }
        self._say(EntryType.REPLY, data, step=step.id, attempt=attempt, actors=self._acting())
        self._asked = None
        if isinstance(request, GatherPeople):
            self._hands.watch.people(self._engine.people)
        return turn

    def _before(self, request: Request, step: PlannedStep) -> Turn | None:
        """Do what comes before a request: look who is still here, checkpoint, consent. Return the turn it leads to."""
        if self._asked is not None:
            return None
        if (stopped := self._engine.reconsider()) is not None:
            return stopped
        if self._engine.people and step.sign_off != "none" and not self._all_attested("consent"):
            self._hands.logbook.checkpoint()
            self._gate.checkpointed = True
            if (declined := self._attest("consent", step)) is not None:
                return declined
            return self._engine.reconsider()  # somebody may have left while others signed
        if request.mutates and not self._gate.checkpointed:
            self._hands.logbook.checkpoint()
            self._gate.checkpointed = True
        return None

    def _all_attested(self, about: str) -> bool:
        return all((about, person) in self._gate.attested for person in self._acting())

    def _acting(self) -> tuple[str, ...]:
        return tuple(sorted({one.person for one in self._people}))

    def _attest(self, about: str, step: PlannedStep, done: StepDone | None = None) -> Turn | None:
        """Have everybody who acts, and has not yet, attest; return the turn in which somebody declines."""
        line = StepLine(id=step.id, attempt=self._engine.attempt if done is None else done.attempt, title=step.title)
        came_out = None if done is None else _came_out(done)
        occasion = Occasion(about=about, signed=step.sign_off == "signed", step=line, came_out=came_out)
        for acting in sorted(self._people, key=lambda one: one.person):
            if (about, acting.person) in self._gate.attested:
                continue
            if (declined := self._hands.attesting.ask((acting,), occasion)) is not None:
                return self._engine.decline(declined.person, declined.reason, result=done)
            self._gate.attested.add((about, acting.person))
            self.events()
        return None

    def _perform(self, request: Request, step: PlannedStep, request_id: str) -> Reply:
        match request:
            case GatherPeople() | AskValue() | DoByHand() | AskException():
                return self._hands.room.answer(request, step, self._engine.people, self._engine.present)
            case ObtainFile() | CarryFile() | BackUpFile() | UnpackArchive() | LookAtFile():
                return self._hands.stations.perform(request)
            case ImportKey() | ReadVaultKey():
                if self._hands.vault is None:
                    raise Defect("the plan needs a vault and the environment has none")
                return ask_vault(self._hands.vault, request, request_id)
            case _:
                return ask_hsm(self._hands.hsms[request.device], request, request_id)

    def _report(self, request: Request) -> DeviceReport:
        device = getattr(request, "device", "")
        if device == VAULT and self._hands.vault is not None:
            return self._hands.vault.report()
        return self._hands.hsms[device].report()

    # -- the room ------------------------------------------------------------------------------------------------------

    def events(self) -> None:
        """Note what happened in the room; where that leaves it in a break, wait until the break is over."""
        waiting = True
        while waiting:
            events = self._hands.room.arrivals()
            for event in events:
                self._note(event)
            if self._engine.on_break and not events:
                raise Defect("the room came back in a break with nothing to say")
            waiting = self._engine.on_break

    def _note(self, event: RoomEvent) -> None:
        self._engine.happened(event)
        self._hands.logbook.append(event_entry(event, self._plan))
        self._hands.watch.event(event)

    def attend(self, unsigned: int) -> None:
        """Begin a later sitting: note who is here, and have them see entries that no checkpoint covered."""
        self.events()
        if unsigned:
            self.everybody("recovery", str(unsigned))

    def testify(self, people: Sequence[Acting], occasion: Occasion) -> None:
        """Have these people attest; whoever has a key signs.

        Raises:
            StopAsked: somebody declines.
        """
        for acting in people:
            signed = self._hands.attesting.has_key(acting.person)
            if self._hands.attesting.ask((acting,), replace(occasion, signed=signed)) is not None:
                raise StopAsked

    def redo(self) -> None:
        """Begin the step under way again: it was decided that what waits did not happen."""
        self._asked = None
        self._turn = self._engine.redo()

    # -- marks ---------------------------------------------------------------------------------------------------------

    def _tell(self, turn: Turn) -> Ended | None:
        """Write what the engine says. Return how the sitting ends, or None where the turn's request comes next."""
        for mark in turn.marks:
            if isinstance(mark, Finished):
                return self._finish(mark)
            if isinstance(mark, StepBegun):
                step = self._step(mark.step)
                if step.station not in self._hands.played:
                    return self._hand_over(step)
                self._gate, self._people = _Gate(), ()
            if isinstance(mark, StepDeclined):
                self._ended_by = EndedBy(people=(mark.person,), because=mark.reason)
            if isinstance(mark, StepDone) and (declined := self._result(mark)) is not None:
                return self._tell(declined)
            said = mark_entry(mark)
            if said is not None:
                self._hands.logbook.append(said, self._acting())
            self._show(mark)
        return None

    def _result(self, mark: StepDone) -> Turn | None:
        step = self._step(mark.step)
        if step.sign_off == "none" or self._all_attested("result"):
            return None
        self._hands.logbook.checkpoint()
        return self._attest("result", step, mark)

    def _step(self, step: str) -> PlannedStep:
        return next(item for item in self._steps if item.id == step)

    def _say_where(self) -> None:
        """Show the step again that an earlier sitting began."""
        step = self._engine.step
        if step is not None and not any(isinstance(mark, StepBegun) for mark in self._turn.marks):
            self._show(StepBegun(step=step.id, attempt=self._engine.attempt, title=step.title))

    def _show(self, mark: Mark) -> None:
        watch = self._hands.watch
        match mark:
            case StepBegun():
                number = next(n for n, step in enumerate(self._steps, 1) if step.id == mark.step)
                watch.begun(self._steps[number - 1], number, len(self._steps), mark.attempt)
            case StepDone():
                self._hands.keep(mark)
                watch.done(mark)
            case StepFailed():
                watch.failed(mark)
            case StepDeclined():
                watch.declined(mark)
            case Finished():
                pass
            case _:
                assert_never(mark)

    # -- ends ----------------------------------------------------------------------------------------------------------

    def reports(self) -> tuple[DeviceReport, ...]:
        """Return what every device here says of itself, by id."""
        return reports(self._hands.hsms, self._hands.vault)

    def _finish(self, finished: Finished) -> Ended | None:
        failed = self._engine.failed
        if failed is not None and self._engine.may_retry and self._hands.room.again(failed):
            self._turn = self._engine.retry()
            return self._tell(self._turn)
        if finished.rule is None:
            self._close_statements()
        return self.close(finished, failed=failed)

    def end(self, rule: str, *, by: str, reason: str) -> Ended:
        """End the ceremony for good, as somebody says who is here: they come in, and a break is over."""
        if self._engine.on_break:
            self._note(BreakEnded())
        if by not in self._engine.present:
            self._note(PersonPresent(person=by))
        return self.close(Finished(outcome="aborted", rule=rule), by=by, reason=reason)

    def close(
        self, finished: Finished, *, failed: StepFailed | None = None, by: str | None = None, reason: str | None = None
    ) -> Ended:
        """Write the end of the ceremony, and seal the log."""
        if finished.rule is not None:
            data = {"rule": finished.rule, "by": by, "reason": reason, "devices": self._devices()}
            self._say(EntryType.CEREMONY_ABORTED, data)
            if by is not None:
                self._ended_by = EndedBy(people=(by,), because=reason or "")
                self._sign_end(by)
        self._say(EntryType.CEREMONY_CLOSED, {"outcome": finished.outcome, "devices": self._devices()})
        self._hands.logbook.seal()
        head = self._hands.logbook.head
        return Ended(how=finished.outcome, head=head, rule=finished.rule, failed=failed, by=self._ended_by)

    def abandon(self, rule: str, by: EndedBy) -> Ended:
        """Write the end of a ceremony that people decided to abandon, as the log has it already."""
        self._ended_by = by
        return self.close(Finished(outcome="aborted", rule=rule))

    def _sign_end(self, by: str) -> None:
        """Let who ends the ceremony attest to that, where the plan has them close it and they have a key."""
        person = self._plan.person(by)
        if person is None or not self._hands.attesting.has_key(by) or not in_place(person, self._engine.instead):
            return
        roles = [wanted.role for wanted in self._plan.approvals.close if wanted.role in person.roles]
        if roles:
            self._hands.logbook.checkpoint()
            with suppress(StopAsked):  # it is over whether they sign or not
                occasion = Occasion(about="close", signed=True, value="aborted")
                self._hands.attesting.ask((Acting(person=by, role=roles[0]),), occasion)

    def close_again(self, outcome: str, rule: str | None, by: EndedBy | None) -> Ended:
        """Write the end that the sitting before could not seal, as its log has it."""
        self._say(EntryType.CEREMONY_CLOSED, {"outcome": outcome, "devices": self._devices()})
        self._hands.logbook.seal()
        return Ended(how=outcome, head=self._hands.logbook.head, rule=rule, by=by)

    def _close_statements(self) -> None:
        wanted = self._plan.approvals.close
        if not wanted:
            return
        self._hands.logbook.checkpoint()
        occasion = Occasion(about="close", signed=True, value="completed")
        for acting in self._closers(wanted):
            if ("close", acting.person) not in self._gate.attested:
                if self._hands.attesting.ask((acting,), occasion) is not None:
                    raise StopAsked  # the ceremony is done; whoever closes it can still do so later
                self._gate.attested.add(("close", acting.person))

    def _closers(self, wanted: Sequence[Wanted]) -> tuple[Acting, ...]:
        here = [person for person in self._plan.people if person.id in self._engine.present]
        needs = tuple(Need(role=item.role, count=item.count, holders_of=None) for item in wanted)
        chosen = fill(here, needs, instead=self._engine.instead)
        if chosen is None:
            raise StopAsked
        return tuple(Acting(person=person, role=role) for person, role in sorted(chosen.items()))

    def _hand_over(self, step: PlannedStep) -> Ended:
        """Close this machine's part: everybody who is here signs the log as it is, and it is carried on."""
        data = {"to": step.station, "step": step.id, "devices": self._devices()}
        self._say(EntryType.STATION_HANDED_OVER, data)
        self._hands.logbook.checkpoint()
        self.everybody("handover", step.station)
        self._hands.logbook.seal()
        return Ended(how="handed over", head=self._hands.logbook.head, to=step.station)

    def everybody(self, about: str, value: str) -> None:
        """Have everybody in the room attest, outside steps; whoever has a key signs.

        Raises:
            StopAsked: somebody declines.
        """
        here = [person for person in self._plan.people if person.id in self._engine.present]
        acting = [Acting(person=person.id, role=person.roles[0]) for person in here]
        self.testify(acting, Occasion(about=about, signed=False, value=value))

    def suspend(self, rule: str) -> Ended:
        """Stop here; the ceremony can go on in a later sitting."""
        if not self._engine.on_break:
            with suppress(StopAsked):
                self.events()
        self._say(EntryType.CEREMONY_SUSPENDED, {"rule": rule, "devices": self._devices()})
        self._hands.logbook.seal()
        how = "uncertain" if rule == UNKNOWN else "suspended"
        return Ended(how=how, head=self._hands.logbook.head, rule=rule, failed=self._engine.failed)

    def _devices(self) -> list[Any]:
        return [to_data(report) for report in self.reports()]

    def _say(
        self,
        kind: EntryType,
        data: dict[str, Any],
        *,
        step: str | None = None,
        attempt: int | None = None,
        actors: tuple[str, ...] = (),
    ) -> None:
        self._hands.logbook.append(Said(type=kind, step=step, attempt=attempt, data=data), actors)


def reports(hsms: Mapping[str, Hsm], vault: Vault | None) -> tuple[DeviceReport, ...]:
    """Return what every device says of itself, by id."""
    found = [hsm.report() for hsm in hsms.values()]
    if vault is not None:
        found.append(vault.report())
    return tuple(sorted(found, key=lambda report: report.id))


def _came_out(done: StepDone) -> CameOut:
    return CameOut(
        results=done.results,
        files=tuple(FileLine(file=fact.file, size=fact.bytes_read, sha256=fact.sha256) for _, fact in done.seen),
        destroyed=done.destroyed,
    )
