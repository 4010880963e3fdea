"""Before the start: what is refused without asking, what people may let pass, and what they compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from room_bench import DIGEST, FIRST_LINE, checked, plan, room

from runner.backends.interface import Audit, DeviceReport, Inventory
from runner.errors import ControlFault, WrongUse
from runner.exchange import PersonPresent
from runner.host.preflight import LetPass, Ready, Situation, preflight
from runner.host.room import StopAsked
from runner.plan import ExceptionAllowed, Item, Waiver

if TYPE_CHECKING:
    from room_bench import Typing

    from runner.plan import Plan

HERE = ("dan", "eva", "fay", "done")
END = ("agrees",)
BAGS = (Item(item="bags", count=3), Item(item="printed plan", count=1))
TODAY = "2026-11-25"


class Noon:
    """A clock that stands still."""

    boot = "0" * 16

    def now(self) -> str:
        return "2026-11-25T12:00:07.123456Z"

    def mono_us(self) -> int:
        return 0


def device(name: str = "hsm", serial: str = "SIM0-0000-0001") -> DeviceReport:
    inventory = Inventory(mode="operational", world="", keys=(), cards=())
    return DeviceReport(
        id=name, backend="emulator", serial=serial, audit=Audit(size=1, head="ab" * 32), inventory=inventory
    )


def situation(**changes: Any) -> Situation:
    made = Situation(today=TODAY, out_of_force="", devices=(), free=2000, needed=1000, software="cd" * 32)
    return replace(made, **changes)


def go(script: tuple[str, ...], made: Plan | None = None, **changes: Any) -> tuple[Ready, Typing]:
    the_plan = made or plan()
    there, console = room(*script, plan=the_plan)
    ready = preflight(there, console, checked(the_plan), situation(**changes), Noon())
    assert console.script == []
    assert there.arrivals() == tuple(PersonPresent(person=one) for one in ("dan", "eva", "fay"))
    return ready, console


def refused(
    script: tuple[str, ...], error: type[Exception], made: Plan | None = None, **changes: Any
) -> tuple[Any, Typing]:
    the_plan = made or plan()
    there, console = room(*script, plan=the_plan)
    with pytest.raises(error) as caught:
        preflight(there, console, checked(the_plan), situation(**changes), Noon())
    return caught.value, console


def allowing(rule: str, people: int = 1, **changes: Any) -> Plan:
    return plan(exceptions=(ExceptionAllowed(rule=rule, role="witness", people=people),), **changes)


def overdue(made: Plan) -> Plan:
    return replace(made, ceremony=replace(made.ceremony, review_by="2026-11-24"))


def waiver(until: str | None, step: str | None = None) -> Plan:
    return overdue(plan(waivers=(Waiver(rule="RUN010", step=step, because="moved", until=until),)))


# -- refused before anybody is asked ---------------------------------------------------------------------------------


def test_an_overdue_review() -> None:
    fault, console = refused((), ControlFault, overdue(plan()))
    assert (fault.rule, fault.exit_code) == ("RUN010", 4)
    assert console.told == console.asked == []


def test_a_review_that_is_due_today() -> None:
    due = plan()
    go((*HERE, FIRST_LINE, *END), replace(due, ceremony=replace(due.ceremony, review_by=TODAY)))


def test_an_edition_out_of_force() -> None:
    fault, console = refused((), ControlFault, out_of_force="it was withdrawn on 2021-06-30")
    assert (fault.rule, fault.words) == ("REG007", "it was withdrawn on 2021-06-30")
    assert console.asked == []


@pytest.mark.parametrize("until", [None, TODAY])
def test_a_waiver_lifts_a_rule(until: str | None) -> None:
    ready, _ = go((*HERE, FIRST_LINE, *END), waiver(until))
    assert ready.exceptions == ()


@pytest.mark.parametrize(("until", "step"), [("2026-11-24", None), (None, "generate")])
def test_a_waiver_that_is_over_or_of_a_step_does_not(until: str | None, step: str | None) -> None:
    fault, _ = refused((), ControlFault, waiver(until, step))
    assert fault.rule == "RUN010"


@pytest.mark.parametrize(("until", "starts"), [(None, True), (TODAY, True), ("2026-11-24", False)])
@pytest.mark.parametrize(("step", "of"), [("generate", " for `generate`"), (None, "")])
def test_a_waiver_of_signatures_that_is_over(until: str | None, step: str | None, of: str, *, starts: bool) -> None:
    made = plan(waivers=(Waiver(rule="QUO012", step=step, because="few people", until=until),))
    if starts:
        ready, _ = go((*HERE, FIRST_LINE, *END), made)
        assert ready.exceptions == ()
        return
    fault, console = refused((), ControlFault, made)
    assert (fault.rule, fault.words) == ("QUO012", f"the waiver of QUO012{of} ended on {until}")
    assert console.asked == []


def test_too_little_room_on_the_disk() -> None:
    fault, console = refused((), WrongUse, free=999)
    assert (fault.rule, fault.words) == ("RUN030", "the ceremony may need 1000 bytes and 999 are left")
    assert console.asked == []


# -- what people let pass --------------------------------------------------------------------------------------------


def test_people_let_a_review_pass_where_the_plan_says_so() -> None:
    ready, _ = go((*HERE, FIRST_LINE, "eva", "fay", "Moved by a week.", *END), overdue(allowing("RUN010", 2)))
    assert ready.exceptions == (
        LetPass(
            rule="RUN010",
            about="the playbook was to be reviewed by 2026-11-24",
            people=("eva", "fay"),
            reason="Moved by a week.",
        ),
    )


def test_not_by_others_and_not_by_fewer() -> None:
    script = (*HERE, FIRST_LINE, "dan", "eva", "eva", "stop")
    _, console = refused(script, StopAsked, overdue(allowing("RUN010", 2)))
    assert "No: dan cannot act in a role that is still needed." in console.told
    assert any("eva is counted already" in line for line in console.told)


def test_one_rule_that_may_pass_does_not_carry_another() -> None:
    fault, _ = refused((), ControlFault, overdue(allowing("RUN010")), out_of_force="it was withdrawn")
    assert fault.rule == "REG007"


def test_the_inventory() -> None:
    ready, console = go((*HERE, FIRST_LINE, "yes", "here", "HERE", *END), plan(inventory=BAGS))
    assert ready.exceptions == ()
    assert [prompt for prompt, _ in console.asked if " of 2: " in prompt] == [
        "1 of 2: 3 x bags:",
        "1 of 2: 3 x bags:",
        "2 of 2: 1 x printed plan:",
    ]


def test_something_that_is_missing() -> None:
    fault, _ = refused((*HERE, FIRST_LINE, "missing", "missing"), ControlFault, plan(inventory=BAGS))
    assert (fault.rule, fault.words) == ("RUN016", "missing: 3 x bags; 1 x printed plan")


def test_something_missing_that_people_let_pass() -> None:
    made = allowing("RUN016", inventory=BAGS)
    ready, _ = go((*HERE, FIRST_LINE, "missing", "here", "fay", "Envelopes will do.", *END), made)
    assert ready.exceptions == (
        LetPass(rule="RUN016", about="missing: 3 x bags", people=("fay",), reason="Envelopes will do."),
    )


# -- what people compare ---------------------------------------------------------------------------------------------


def test_the_words_of_the_plan_are_typed_before_they_are_shown() -> None:
    _, console = go((*HERE, FIRST_LINE.upper(), *END))
    shown = next(line for line in console.told if "same plan" in line)
    assert f"\n  {FIRST_LINE}\n" in shown
    assert "e582 94f2 e9a2" in shown
    assert DIGEST not in console.shown
    before = console.told[: console.told.index(shown)]
    assert "topmost" not in "".join(before).casefold()


def test_another_plan() -> None:
    wrong = FIRST_LINE.replace("topmost Istanbul", "Istanbul topmost")
    _, console = refused((*HERE, wrong, "topmost", "no"), StopAsked)
    assert "No: words 1 and 2, `istanbul` and `topmost`, are swapped." in console.told
    assert not any("pluto" in line.casefold() for line in console.told)


def test_a_device_is_known_by_the_serial_printed_on_it() -> None:
    script = (*HERE, FIRST_LINE, "SIM0-0000-OOO1", "SIM0-0000-0001", *END)
    _, console = go(script, devices=(device(), device("vault", "SIMULATED-eu")))
    assert any("character 11 is the capital letter O, and the digit 0 belongs there" in line for line in console.told)
    shown = "\n".join(console.told)
    for words in ("mode:  operational", "world: none", "1 receipts, head abab abab", "serial: SIMULATED-eu"):
        assert words in shown


def test_another_device() -> None:
    refused((*HERE, FIRST_LINE, *["SIM0-0000-0002"] * 3), StopAsked, devices=(device(),))


def test_the_clock() -> None:
    _, console = go((*HERE, FIRST_LINE, "yes", "agrees"))
    assert any("2026-11-25 12:00:07 UTC" in line for line in console.told)
    refused((*HERE, FIRST_LINE, "stop"), StopAsked)


def test_the_software_is_shown() -> None:
    _, console = go((*HERE, FIRST_LINE, *END))
    assert "Software: cdcd cdcd" in console.told[-1]
    assert "Free: 2000 bytes; needed: 1000." in console.told[-1]
