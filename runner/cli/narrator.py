"""What happens in a ceremony, line by line: append-only, without colour, good for scrollback and screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from runner.exchange import BreakBegun, BreakEnded, PersonLeft, PersonPresent

if TYPE_CHECKING:
    from runner.engine import StepDone, StepFailed
    from runner.exchange import Acting, RoomEvent
    from runner.plan import Plan, PlannedStep

LONG = 60
"""Results longer than this are shown by their beginning; the record has all of them."""


class Narrator:
    """Tells a ceremony to a stream.

    Args:
        out: where the lines go.
        plan: for people's names.
    """

    def __init__(self, out: TextIO, plan: Plan) -> None:
        self._out = out
        self._plan = plan

    def event(self, event: RoomEvent) -> None:
        """Say who came or went, and breaks."""
        match event:
            case PersonPresent(person=person):
                self._line(f"present    {self._name(person)}")
            case PersonLeft(person=person):
                self._line(f"left       {self._name(person)}")
            case BreakBegun():
                self._line("break      begins")
            case BreakEnded():
                self._line("break      is over")

    def begun(self, step: PlannedStep, number: int, of: int) -> None:
        """Say which step begins, what is read out, and what is typed."""
        self._line(f"\n{number}/{of}  {step.title}  [{step.id}, {step.station}, {step.minutes or '?'} min]")
        if step.repeat == "never":
            self._line("    once      this step is never repeated")
        for word, text in (("say", step.say), ("note", step.note), ("caution", step.caution), ("types", step.command)):
            if text is not None:
                self._line(f"    {word:<9} {text}")

    def people(self, people: tuple[Acting, ...]) -> None:
        """Say who acts."""
        who = ", ".join(f"{self._name(one.person)} ({one.role})" for one in people)
        self._line(f"    acting    {who}")

    def done(self, mark: StepDone) -> None:
        """Say what came out."""
        for name, value in mark.results:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            self._line(f"    {name:<9} {shown if len(shown) <= LONG else shown[:LONG] + '…'}")
        for artefact, fact in mark.seen:
            self._line(f"    file      {fact.file} ({artefact}), {fact.size} bytes, sha256 {fact.sha256}")
        for artefact in mark.destroyed:
            self._line(f"    destroyed {artefact}")
        for comparison in mark.comparisons:
            shown = f" (published {comparison.published}: not compared)" if comparison.published else ""
            self._line(f"    as expected: {comparison.result}, against {comparison.against}{shown}")

    def failed(self, mark: StepFailed) -> None:
        """Say what failed."""
        self._line(f"    FAILED    {mark.rule}: {mark.words}")

    def _name(self, person: str) -> str:
        found = self._plan.person(person)
        return found.name if found is not None else person

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
