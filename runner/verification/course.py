"""The steps of a plan, one after the other: which is due, which attempt at it, and how each stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.spoken import plain
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.verification.devices import Devices
    from runner.verification.log import Entry
    from runner.verification.people import People
    from runner.verification.plan import Plan, Step
    from runner.verification.resolutions import Resolution
    from runner.verification.sittings import Sittings
    from runner.verification.steps import Attempt


class Course:
    """Follows the steps.

    Attributes:
        attempt: the one under way.
        failed: the last attempt failed or was declined, and none began since.
        over: no step may begin any more.
        lost: the order of the entries broke.
        notes: who declined and why, in words.
    """

    def __init__(self, plan: Plan, attempt: Attempt, sittings: Sittings, people: People) -> None:
        self._plan = plan
        self._sittings = sittings
        self._people = people
        self._next = 0
        self._due_attempt = 1
        self._repeatable = True
        self._lost = False
        self.attempt = attempt
        self.failed = False
        self.over = False
        self.notes: list[str] = []

    @property
    def lost(self) -> bool:
        """Whether the order of the entries broke, so that nothing after that has a known meaning."""
        return self._lost or self.attempt.lost

    @property
    def due(self) -> Step | None:
        """The step under way, or the one that is to begin; None where all are done."""
        return self._plan.steps[self._next] if self._next < len(self._plan.steps) else None

    def take(self, entry: Entry, *, on_break: bool) -> Iterable[Finding]:
        """Take an entry of a step and give what is wrong with it."""
        step = self.attempt.step
        if entry.type == "step.begun":
            return list(self._begin(entry))
        if step is None or not self.attempt.under_way(entry):
            return (self._lose(entry, f"step {entry.step} is not under way"),)
        if entry.type == "request":
            return [*self.attempt.went_on(), *self.attempt.request(step, entry, on_break=on_break)]
        if entry.type == "reply":
            return self.attempt.reply(step, entry)
        if entry.type == "step.done":
            found = [*self.attempt.went_on(), *self.attempt.done(step, entry)]
            self._next += 1
            self._due_attempt = 1
            return found
        return list(self._stopped(step, entry))

    def _begin(self, entry: Entry) -> Iterator[Finding]:
        """Check that a step begins where it is due.

        LOG030: the steps of the plan that are not left out begin in order, each once, under their title. LOG092: one
        that failed begins again where nothing was changed or it is safe to. LOG087: it is at a station of the sitting.
        """
        step = None if self.over else self.due
        place = (entry.step, entry.attempt)
        if self.attempt.step is not None or step is None or place != (step.id, self._due_attempt):
            due = "no step" if step is None else f"step {step.id}, attempt {self._due_attempt}"
            yield self._lose(entry, f"step {entry.step}, attempt {entry.attempt}, begins where {due} is due")
            return
        if self.failed and not self._repeatable:
            words = f"step {step.id} is never repeated, and its device was changed before it failed"
            yield Finding(rule="LOG092", seq=entry.seq, words=words)
        if entry.data["title"] != step.title:
            yield Finding(rule="LOG030", seq=entry.seq, words="the step has another title than in the plan")
        if not self._sittings.plays(step.station):
            words = f"the step is at {step.station}, which this sitting does not play"
            yield Finding(rule="LOG087", seq=entry.seq, words=words)
        self.failed = False
        self.attempt.begin(step, self._due_attempt)

    def _stopped(self, step: Step, entry: Entry) -> Iterator[Finding]:
        """LOG033: where somebody declined, the step is declined, by them. LOG035: whoever declines is in the room."""
        data, declined = entry.data, self.attempt.declined
        if entry.type == "step.declined":
            at_gate = declined is None and step.sign_off != "none"
            if not at_gate and declined != (data["person"], data["reason"]):
                words = f"{data['person']} declines, and was not asked or said something else"
                yield Finding(rule="LOG033", seq=entry.seq, words=words)
            if data["person"] not in self._people.present:
                yield Finding(rule="LOG035", seq=entry.seq, words=f"{data['person']} declines and is not in the room")
            self.notes.append(f"{data['person']} declined at {step.id}: {plain(data['reason'])}")
            self.over = True
        elif declined is not None:
            yield Finding(rule="LOG033", seq=entry.seq, words=f"{declined[0]} declined, and the step failed instead")
        self.failed = True
        self._repeatable = step.repeat == "safe" or not self.attempt.changed
        self._due_attempt += 1
        self.attempt.end()

    def resolved(self, entry: Entry, resolution: Resolution, devices: Devices) -> Iterator[Finding]:
        """LOG030: what is resolved is the step under way, or the one that is due, or none where nothing is under way.

        LOG050: the devices stand where the sitting found them. All else: `Resolution`.
        """
        under_way, due = self.attempt.step is not None, self.due
        named = (entry.step, entry.attempt)
        fits = due is not None and named == (due.id, self._due_attempt)
        if self.over or not (fits or (entry.step is None and not under_way)):
            yield self._lose(entry, f"step {entry.step} is not under way, and not due")
            return
        yield from resolution.decided(entry, due if fits else None, self.attempt.pending)
        yield from devices.ended(entry.data["devices"], entry.seq)
        devices.resolved(entry.data["decision"])
        if entry.data["decision"] == "redo" and under_way:
            self.attempt.end()
            self._due_attempt += 1

    def _lose(self, entry: Entry, words: str) -> Finding:
        self._lost = True
        return Finding(rule="LOG030", seq=entry.seq, words=words)
