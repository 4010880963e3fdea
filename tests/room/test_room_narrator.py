"""What a watcher is told, line by line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from room_bench import plan, step

from runner.cli.narrator import Narrator
from runner.engine import Comparison, StepDeclined, StepDone
from runner.exchange import BreakBegun, BreakEnded, PersonLeft, PersonPresent, Substituted

if TYPE_CHECKING:
    from runner.exchange import RoomEvent
    from runner.host.session import Watch


def narrator() -> tuple[Narrator, io.StringIO]:
    out = io.StringIO()
    made = Narrator(out, plan())
    watch: Watch = made
    assert watch is made
    return made, out


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (PersonPresent(person="eva"), "present    Eva\n"),
        (PersonLeft(person="eva"), "left       Eva\n"),
        (
            Substituted(absent="dan", instead="gus", by="eva", reason="Ill"),
            "instead    Gus acts instead of Dan\n           said by Eva: Ill\n",
        ),
        (BreakBegun(by="eva", reason="Lunch"), "break      begins, asked for by Eva: Lunch\n"),
        (BreakEnded(), "break      is over\n"),
    ],
)
def test_events(event: RoomEvent, said: str) -> None:
    made, out = narrator()
    made.event(event)
    assert out.getvalue() == said


def test_an_attempt_is_named_where_it_is_not_the_first() -> None:
    made, out = narrator()
    made.begun(step(repeat="never", say="One.\nTwo."), 3, 9, 1)
    assert out.getvalue().splitlines() == [
        "",
        "3/9  Do generate  [generate, offline, 5 min]",
        "    once      not repeated once it is done",
        "    say       One.",
        "              Two.",
    ]
    made, out = narrator()
    made.begun(step(), 3, 9, 2)
    assert "[generate, offline, 5 min, attempt 2]" in out.getvalue()


def test_who_declined_and_why() -> None:
    made, out = narrator()
    made.declined(StepDeclined(step="generate", attempt=1, person="eva", reason="It is broken."))
    assert out.getvalue() == "    DECLINED  Eva: It is broken.\n"


def done(*comparisons: Comparison) -> StepDone:
    return StepDone(step="generate", attempt=1, results=(), seen=(), destroyed=(), comparisons=comparisons)


@pytest.mark.parametrize(
    ("found", "expected", "alike"),
    [
        ("a", "a", True),
        ("ab" * 32, "AB" * 32, True),
        ("11111111-2222-4333-8444-55555555555a", "11111111-2222-4333-8444-55555555555A", True),
        ("a", "A", False),
        (3, 4, False),
    ],
)
def test_what_people_let_pass_does_not_look_as_expected(found: str | int, expected: str | int, *, alike: bool) -> None:
    made, out = narrator()
    made.done(done(Comparison(result="count", found=found, expected=expected, against="plan", published=None)))
    words = "as expected: count, against plan" if alike else f"LET PASS  count: found {found}, expected {expected}"
    assert out.getvalue() == f"    {words}\n"


def test_what_cannot_be_seen_is_shown() -> None:
    made, out = narrator()
    made.declined(StepDeclined(step="generate", attempt=1, person="eva", reason="a\u202eb\x1b[2J"))
    assert out.getvalue() == "    DECLINED  Eva: a\\u{202e}b\\u{1b}[2J\n"
