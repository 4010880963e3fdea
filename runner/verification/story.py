"""The entries of a log held to their plan, one after the other.

What is held: (1) the sittings, and the order of the ceremony over all of them; (2) the steps, and in each attempt the
order of requests and replies; (3) people, (4) devices, (5) files and keys, (6) results, (7) statements, each by a
module of its own. Where the order itself breaks, the walk ends: what comes after has no known meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.spoken import plain
from runner.verification.course import Course
from runner.verification.devices import Devices
from runner.verification.ends import Ends
from runner.verification.gates import Gates
from runner.verification.people import People
from runner.verification.resolutions import Resolution
from runner.verification.sittings import HANDED_OVER, SUSPENDED, Sittings
from runner.verification.steps import Attempt
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runner.verification.log import Entry
    from runner.verification.plan import Plan, Step

_ROOM: Final = frozenset(
    {"person.present", "person.left", "substitution", "break.begun", "break.ended", "clock.stepped"}
)
_COURSE: Final = frozenset({"step.begun", "request", "reply", "step.done", "step.failed", "step.declined"})
_ENDS: Final = frozenset({"station.handed_over", "ceremony.suspended", "ceremony.aborted", "ceremony.closed"})
_OUTSIDE: Final = ("checkpoint", "ceremony.", "station.", "log.", "exception")
"""Beginnings of the types whose entries name no step."""

_AFTER_HANDOVER: Final = frozenset({"checkpoint", "attested", "ceremony.suspended"})


class Story:
    """Walks through one ceremony.

    Attributes:
        sittings: how each began and ended.
        people: who acted.
        devices: what they showed.
        gates: what was attested.
        ends: how it ended.
        artefacts: what was made.
    """

    def __init__(self, plan: Plan, opened: Entry, simulated: Mapping[str, str] | None, keyed: Collection[str]) -> None:
        rehearsal = opened.data["trust"]["list"] == "simulated"
        self._on_break = False
        self._lost = False
        self._steady = False  # an entry of a step was the last, in its place: of the next, only its course can be wrong
        self._roster = frozenset(plan.people)
        self._recovery: set[str] | None = None
        self._substitutions: list[str] = []
        self.sittings = Sittings(plan)
        self.people = People(plan)
        self.devices = Devices(plan)
        self.gates = Gates(plan, opened.data, self.people, keyed)
        self._attempt = Attempt(
            plan, simulated, rehearsal=rehearsal, people=self.people, devices=self.devices, gates=self.gates
        )
        self._course = Course(plan, self._attempt, self.sittings, self.people)
        self._resolution = Resolution(self.people, self.devices, self.gates)
        self.ends = Ends(
            plan,
            course=self._course,
            sittings=self.sittings,
            devices=self.devices,
            gates=self.gates,
            resolution=self._resolution,
        )
        self.artefacts = self._attempt.artefacts

    @property
    def lost(self) -> bool:
        """Whether the order of the entries broke, so that nothing after that was looked at."""
        return self._lost or self._course.lost

    @property
    def notes(self) -> tuple[str, ...]:
        """What an auditor should know beside what is wrong, in words."""
        typed = tuple(
            f"step {step}, attempt {number}: {', '.join(sorted(who))} typed and did not sign: the weaker thing"
            for (step, number), who in self.gates.typed.items()
        )
        exceptions, resolutions = self._attempt.exceptions.notes, self._resolution.notes
        unknown = tuple(f"not known yet: {finding.words}" for finding in self.devices.uncertain.values())
        ended = (*self._course.notes, *self.ends.notes)
        return (*self.sittings.notes, *self._substitutions, *exceptions, *resolutions, *unknown, *ended, *typed)

    def feed(self, entry: Entry) -> Iterable[Finding]:
        """Take the next entry, from the opening on, and give what is wrong with it."""
        if entry.type not in _COURSE:
            self._steady = False
            return self._feed(entry)
        waits = self._attempt.pending is not None and entry.type != "reply"
        if self._steady and not (waits or self.lost) and self._roster.issuperset(entry.actors):
            return self._course.take(entry, on_break=self._on_break)
        return self._feed(entry)

    def _feed(self, entry: Entry) -> Iterator[Finding]:
        if self.lost:
            return
        yield from self.people.known(entry)
        if entry.type in ("ceremony.opened", "ceremony.resumed"):
            yield from self._sit(entry)
        elif self.ends.closed is not None:
            yield self._lose("LOG008", entry, "something stands after the end of the ceremony")
        elif self.sittings.end == SUSPENDED:
            yield self._lose("LOG087", entry, "something stands after the end of its sitting")
        elif entry.type in _ROOM:
            yield from self._room(entry)
        else:
            yield from self._placed(entry)

    # -- sittings --------------------------------------------------------------------------------------------------

    def sealed(self, seq: int) -> Iterator[Finding]:
        """LOG082: whoever was in the room at a hand-over attested to it, where the sitting did not break off there."""
        if self.sittings.end == HANDED_OVER:
            yield from self.gates.everybody("handover", self.people.present, seq)

    def _sit(self, entry: Entry) -> Iterator[Finding]:
        """LOG008: there is one opening, and a closing that its checkpoint covers is the end."""
        first = self.sittings.number < 0
        covered = entry.data.get("unsigned") == 0
        if (entry.type == "ceremony.opened") is not first or (self.ends.closed is not None and covered):
            yield self._lose("LOG008", entry, "something stands after the end of the ceremony, or it opens twice")
            return
        if covered:
            yield from self.sealed(entry.seq)
        self.ends.reopen()
        yield from self.sittings.sit(entry)
        yield from self.devices.sit(entry)
        self.gates.sit(self.sittings.number, self.sittings.unsigned)
        self._recovery = set() if self.sittings.unsigned else None

    def _goes_on(self, entry: Entry) -> Iterator[Finding]:
        """Check what must come before the course goes on in a new sitting, each once.

        LOG082: people attested what they found where no checkpoint covered it, unless there is nothing left but to end.
        LOG088: what devices did beside the record was resolved. LOG090: what people decided is what follows.
        """
        if self._recovery is not None:
            here = self._recovery & self.people.present if self._recovery else self.people.present
            self._recovery = None
            if self.ends.aborted is None and self.ends.before is None and entry.type != "ceremony.aborted":
                yield from self.gates.everybody("recovery", here, entry.seq)
        yield from self.devices.uncertain.values()
        self.devices.uncertain = {}
        yield from self._resolution.followed(entry)

    # -- the room --------------------------------------------------------------------------------------------------

    def _room(self, entry: Entry) -> Iterator[Finding]:
        """LOG030: what happens in the room names no step but the one under way; breaks begin and end in turn.

        LOG035: who asks for a break is in the room.
        """
        if entry.step is not None and not self._attempt.under_way(entry):
            yield Finding(rule="LOG030", seq=entry.seq, words=f"step {entry.step} is not under way")
        if entry.type == "substitution":
            yield from self.people.substituted(entry)
            data = entry.data
            words = f"{data['instead']} acts instead of {data['absent']}, says {data['by']}: {plain(data['reason'])}"
            self._substitutions.append(words)
        elif entry.type.startswith("person."):
            yield from self.people.room(entry)
        elif entry.type.startswith("break."):
            begins = entry.type == "break.begun"
            if begins is self._on_break:
                yield Finding(rule="LOG030", seq=entry.seq, words="a break begins in a break, or ends outside one")
            if begins and entry.data["by"] not in self.people.present:
                words = f"{entry.data['by']} asks for a break and is not in the room"
                yield Finding(rule="LOG035", seq=entry.seq, words=words)
            self._on_break = begins

    # -- everything else -------------------------------------------------------------------------------------------

    def _placed(self, entry: Entry) -> Iterator[Finding]:
        """LOG030: everything but the room stands where the order of a ceremony has it. LOG091: so after a hand-over."""
        pending = self._attempt.pending
        if pending is not None and not self._may_interrupt(entry, pending):
            yield self._lose("LOG032", entry, f"entry {pending.seq} waits for its reply")
            return
        if self.sittings.end == HANDED_OVER and entry.type not in _AFTER_HANDOVER:
            yield self._lose("LOG091", entry, f"{entry.type} stands after the hand-over, in the same sitting")
            return
        within = entry.type == "checkpoint" and self._attempt.under_way(entry)
        stray = entry.type == "exception" and self._attempt.step is not None
        if stray or (entry.step is not None and not within and entry.type.startswith(_OUTSIDE)):
            yield Finding(rule="LOG030", seq=entry.seq, words=f"{entry.type} stands in a step, or names one")
        if entry.type in _COURSE:
            yield from self._goes_on(entry)
            self._steady = True
            yield from self._course.take(entry, on_break=self._on_break)
        elif entry.type in _ENDS:
            if entry.type != "ceremony.suspended":
                yield from self._goes_on(entry)
            yield from self.ends.take(entry, on_break=self._on_break)
        else:
            yield from self._beside(entry)

    def _may_interrupt(self, entry: Entry, pending: Entry) -> bool:
        """Say whether `entry` may follow a request: its reply, a new sitting, or an end that leaves nothing unsaid."""
        waited = pending.seq < self.sittings.began
        match entry.type:
            case "reply" | "ceremony.suspended" | "step.resolved":
                return True
            case "ceremony.aborted":
                return waited or not pending.data["mutates"]
            case "checkpoint" | "log.recovered" | "attested":
                return waited
            case _:
                return False

    def _beside(self, entry: Entry) -> Iterator[Finding]:
        match entry.type:
            case "checkpoint":
                self.gates.checkpoint(entry)
            case "attested":
                yield from self._attested(entry)
            case "log.recovered":
                yield from self.sittings.recover(entry)
            case "exception":
                yield from self._attempt.exceptions.outside(entry)
            case _:
                yield from self._course.resolved(entry, self._resolution, self.devices)

    def _attested(self, entry: Entry) -> Iterator[Finding]:
        """LOG083: a statement stands where what it is about has its place."""
        about, under_way = entry.data["about"], self._attempt.step is not None
        if about in ("consent", "result", "close"):
            yield from self._goes_on(entry)
        placed = {
            "consent": under_way,
            "result": under_way,
            "close": not under_way and (self.ends.aborted is not None or self._course.due is None),
            "handover": self.sittings.end == HANDED_OVER,
            "recovery": self._recovery is not None,
            "resolution": self._resolution.open is not None,
        }
        if not placed[about]:
            yield Finding(rule="LOG083", seq=entry.seq, words=f"nothing of that kind is attested here ({about})")
            return
        if self._recovery is not None and not self._recovery:
            self._recovery = {*self.people.present}
        if about == "close":
            self.gates.say("close", self.ends.outcome)
        if about in ("consent", "result"):
            yield from self._attempt.went_on()
        yield from self.gates.attested(entry, self._where(about))

    def _where(self, about: str) -> tuple[Step, int] | None:
        """Return the step and attempt that a statement is about, None outside steps."""
        if about in ("consent", "result") and self._attempt.step is not None:
            return self._attempt.step, self._attempt.number
        if about == "resolution" and self._resolution.open is not None:
            entry, step = self._resolution.open
            return None if step is None or entry.attempt is None else (step, entry.attempt)
        return None

    def _lose(self, rule: str, entry: Entry, words: str) -> Finding:
        self._lost = True
        return Finding(rule=rule, seq=entry.seq, words=words)
