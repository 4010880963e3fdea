"""How a sitting ends, and a ceremony: handed over, suspended, aborted, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.spoken import plain
from runner.verification.sittings import CLOSED, HANDED_OVER, SUSPENDED
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.course import Course
    from runner.verification.devices import Devices
    from runner.verification.gates import Gates
    from runner.verification.log import Entry
    from runner.verification.plan import Plan
    from runner.verification.resolutions import Resolution
    from runner.verification.sittings import Sittings

UNKNOWN: Final = "RUN022"
"""A sitting was suspended because nobody knows what a device did."""


class Ends:
    """Follows the ends.

    Attributes:
        closed: the outcome of `ceremony.closed`, None where it is not the end.
        before: the outcome of a closing that no checkpoint covered, so that it is written again.
        aborted: entry and rule of `ceremony.aborted`, None where there is none.
        notes: who ended it and why, in words.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        course: Course,
        sittings: Sittings,
        devices: Devices,
        gates: Gates,
        resolution: Resolution,
    ) -> None:
        self._plan = plan
        self._course = course
        self._sittings = sittings
        self._devices = devices
        self._gates = gates
        self._resolution = resolution
        self.closed: str | None = None
        self.before: str | None = None
        self.aborted: tuple[int, str] | None = None
        self.notes: list[str] = []

    @property
    def outcome(self) -> str:
        """What the ceremony ends as, if it ends now."""
        return "completed" if self.aborted is None else "aborted"

    def take(self, entry: Entry, *, on_break: bool) -> Iterator[Finding]:
        """Take an entry that ends something and give what is wrong with it."""
        match entry.type:
            case "station.handed_over":
                yield from self._hand_over(entry)
            case "ceremony.suspended":
                unknown = entry.data["rule"] == UNKNOWN
                yield from self._devices.ended(entry.data["devices"], entry.seq, unknown=unknown)
                self._resolution.suspended(unknown=unknown)
                self._sittings.end = SUSPENDED
            case "ceremony.aborted":
                yield from self._abort(entry)
            case _:
                yield from self._close(entry, on_break=on_break)

    def reopen(self) -> None:
        """Take it that the closing, which no checkpoint covered, is not the end."""
        if self.closed is not None:
            self.before, self.closed = self.closed, None

    def _hand_over(self, entry: Entry) -> Iterator[Finding]:
        """LOG091: it is handed over between steps, to the station of the step that is due, which is played elsewhere.

        LOG050: its devices stand where the log left them.
        """
        due, data = self._course.due, entry.data
        fits = due is not None and (data["step"], data["to"]) == (due.id, due.station)
        under_way = self._course.attempt.step is not None or self._course.failed or self._course.over
        if under_way or not fits or self._sittings.plays(data["to"]):
            words = f"handed over to {data['to']} for step {data['step']}, which is not due there, or not elsewhere"
            yield Finding(rule="LOG091", seq=entry.seq, words=words)
        yield from self._devices.ended(data["devices"], entry.seq)
        self._gates.say("handover", data["to"])
        self._sittings.end = HANDED_OVER

    def _abort(self, entry: Entry) -> Iterator[Finding]:
        """LOG034: a ceremony is aborted once, by somebody with a reason, or by neither. LOG035: they are on the roster.

        LOG050: its devices stand where the log left them.
        """
        by, reason = entry.data["by"], entry.data["reason"]
        if self.aborted is not None:
            yield Finding(rule="LOG034", seq=entry.seq, words="aborted twice")
        if (by is None) is not (reason is None):
            yield Finding(rule="LOG034", seq=entry.seq, words="somebody aborts it without a reason, or nobody with one")
        if by is not None and by not in self._plan.people:
            yield Finding(rule="LOG035", seq=entry.seq, words=f"{by} aborts it and is not on the roster")
        if by is not None:
            self.notes.append(f"{by} ended the ceremony: {plain(reason or '')}")
        self.aborted = (entry.seq, entry.data["rule"])
        self._course.over = True
        yield from self._devices.ended(entry.data["devices"], entry.seq)
        self._course.attempt.end()

    def _close(self, entry: Entry, *, on_break: bool) -> Iterator[Finding]:
        """LOG034: closed as completed once every step is done, as aborted once it was aborted, and as nothing else.

        LOG030: never in a break. LOG050, LOG052: its devices stand where the log left them, as the plan ends. LOG082:
        people closed it.
        """
        outcome, course = entry.data["outcome"], self._course
        self.closed, self._sittings.end = outcome, CLOSED
        if on_break:
            yield Finding(rule="LOG030", seq=entry.seq, words="closed in a break")
        if self.before not in (None, outcome) or outcome != self.outcome:
            yield Finding(rule="LOG034", seq=entry.seq, words=f"closed as {outcome} against what happened")
        elif outcome == "completed" and course.due is not None:
            words = f"closed as completed, and step {course.due.id} was not done"
            yield Finding(rule="LOG034", seq=entry.seq, words=words)
        yield from self._devices.ended(entry.data["devices"], entry.seq)
        if outcome == "completed":
            yield from self._gates.close(entry.seq)
            yield from self._devices.completed(entry.seq)
