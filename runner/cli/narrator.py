"""What happens in a ceremony, line by line: append-only, without colour, good for scrollback and screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, assert_never

from runner.exchange import BreakBegun, BreakEnded, PersonLeft, PersonPresent, Substituted
from runner.host.console import seen
from runner.values import as_value

if TYPE_CHECKING:
    from runner.engine import StepDeclined, StepDone, StepFailed
    from runner.errors import Uncertain
    from runner.exchange import Acting, RoomEvent
    from runner.plan import Plan, PlannedStep
    from runner.values import Value

LONG = 60
"""Results longer than this are shown by their beginning; the record has all of them."""


class Lines(Protocol):
    """Where lines go: a text stream, or something that stands for one."""

    def write(self, text: str, /) -> object:
        """Take a line with its line feed."""
        ...

    def flush(self) -> object:
        """Show it now."""
        ...


class Narrator:
    """Tells a ceremony to a stream.

    Args:
        out: where the lines go.
        plan: for people's names.
    """

    def __init__(self, out: Lines, plan: Plan) -> None:
        self._out = out
        self._plan = plan

    def event(self, event: RoomEvent) -> None:
        """Say who came or went, who stands in for whom, and breaks."""
        match event:
            case PersonPresent(person=person):
                self._line(f"present    {self._name(person)}")
            case PersonLeft(person=person):
                self._line(f"left       {self._name(person)}")
            case Substituted():
                self._line(f"instead    {self._name(event.instead)} acts instead of {self._name(event.absent)}")
                self._line(f"           said by {self._name(event.by)}: {event.reason}")
            case BreakBegun():
                self._line(f"break      begins, asked for by {self._name(event.by)}: {event.reason}")
            case BreakEnded():
                self._line("break      is over")
            case _:
                assert_never(event)

    def begun(self, step: PlannedStep, number: int, of: int, attempt: int) -> None:
        """Say which step begins, for which time where not the first, what is read out, and what is typed."""
        again = f", attempt {attempt}" if attempt > 1 else ""
        self._line(f"\n{number}/{of}  {step.title}  [{step.id}, {step.station}, {step.minutes or '?'} min{again}]")
        if step.repeat == "never":
            self._line("    once      not repeated once it is done")
        for word, text in (("say", step.say), ("note", step.note), ("caution", step.caution), ("types", step.command)):
            if text is not None:
                self._line(f"    {word:<9} {text}".replace("\n", f"\n{'':<14}"))

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
            if _alike(comparison.found, comparison.expected):
                self._line(f"    as expected: {comparison.result}, against {comparison.against}{shown}")
            else:
                values = f"found {comparison.found}, expected {comparison.expected}"
                self._line(f"    LET PASS  {comparison.result}: {values}")

    def failed(self, mark: StepFailed) -> None:
        """Say what failed."""
        self._line(f"    FAILED    {mark.rule}: {mark.words}")

    def declined(self, mark: StepDeclined) -> None:
        """Say who declined, and why."""
        self._line(f"    DECLINED  {self._name(mark.person)}: {mark.reason}")

    def broke_off(self, fault: Uncertain) -> None:
        """Say that a device broke off."""
        self._line(f"    BROKE OFF {fault.rule}: {fault.words}")

    def _name(self, person: str) -> str:
        found = self._plan.person(person)
        return found.name if found is not None else person

    def _line(self, text: str) -> None:
        self._out.write("".join(f"{seen(line)}\n" for line in text.split("\n")))
        self._out.flush()


def _alike(found: Value, expected: Value) -> bool:
    """Say whether two values are one; a digest or a uuid may be spelled in two ways."""
    spelled = ((as_value(kind, found), as_value(kind, expected)) for kind in ("sha256", "key_hash", "uuid"))
    return found == expected or any(one is not None and one == other for one, other in spelled)
