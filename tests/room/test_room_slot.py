"""People at the card slot: serials, PINs that nobody sees, waits, and cancelling."""

from __future__ import annotations

import pytest
from room_bench import Typing, plan

from runner.backends.interface import CardWanted, PinWanted
from runner.exchange import Holder
from runner.host.slot import LiveSlot

HOLDERS = (Holder(person="ada", number=1), Holder(person="ben", number=2))
CANARY = "canary-4711"


def slot(*script: str | None) -> tuple[LiveSlot, Typing]:
    console = Typing(list(script))
    return LiveSlot(console, plan(), card_minutes=10), console


def wanted(number: int | None) -> CardWanted:
    return CardWanted(card_set="acs", number=number, done=1, total=3, holders=HOLDERS)


def pin(*, new: bool = False, attempt: int = 1, wait: int = 0) -> PinWanted:
    return PinWanted(
        card_set="acs", number=2, serial="SIM-CARD-0002", new=new, attempt=attempt, left=3 - attempt, wait_seconds=wait
    )


def test_a_card_that_is_written() -> None:
    at, console = slot("SIM-CARD-0002")
    assert at.card(wanted(2)) == "SIM-CARD-0002"
    assert console.told == ["\nCard 2 of 3 is written: a blank one for number 2 of acs, held by Ben [ben]."]
    assert console.asked == [("Serial printed on the card in the slot, or `none`:", "600")]


def test_a_card_that_is_read() -> None:
    at, console = slot("SIM-CARD-0009")
    assert at.card(wanted(None)) == "SIM-CARD-0009"
    assert console.told == ["\nCard 2 of 3 is read: any card of acs (card 1: Ada [ada]; card 2: Ben [ben])."]


def test_none_twice_cancels() -> None:
    at, console = slot("none", "NONE")
    assert at.card(wanted(1)) is None
    assert "The request is cancelled." in console.told


def test_none_once_does_not() -> None:
    at, _ = slot("none", "no", "SIM-CARD-0001")
    assert at.card(wanted(1)) == "SIM-CARD-0001"


@pytest.mark.parametrize("script", [[None], ["none", None]])
def test_a_card_that_does_not_come_in_time(script: list[str | None]) -> None:
    at, console = slot(*script)
    assert at.card(wanted(1)) is None
    assert "cancelled" in console.told[-1]


def test_a_pin_is_typed_once() -> None:
    at, console = slot(CANARY)
    assert at.pin(pin()).reveal() == CANARY
    assert console.asked == [
        ("Passphrase of card 2 of acs (SIM-CARD-0002), attempt 1, 2 more after it (not shown):", "")
    ]
    assert console.paused == []


def test_after_a_wrong_pin_the_card_is_waited_for() -> None:
    at, console = slot(CANARY)
    at.pin(pin(attempt=2, wait=4))
    assert console.told == ["The card looks at no passphrase for 4 s."]
    assert console.paused == [4]
    assert "attempt 2" in console.asked[0][0]


@pytest.mark.parametrize(("attempt", "left"), [(1, "2"), (2, "1"), (3, "no")])
def test_it_says_how_many_tries_are_left(attempt: int, left: str) -> None:
    at, console = slot(CANARY)
    at.pin(pin(attempt=attempt))
    assert f", attempt {attempt}, {left} more after it (not shown):" in console.asked[0][0]


def test_a_new_pin_is_typed_twice_until_it_is_the_same() -> None:
    at, console = slot(CANARY, "canary-4712", CANARY, CANARY)
    assert at.pin(pin(new=True)).reveal() == CANARY
    assert console.told == ["The two are not the same. Choose it again."]


def test_a_pin_is_in_no_line_and_in_no_text() -> None:
    at, console = slot(CANARY, f"{CANARY}x", CANARY, CANARY, CANARY)
    made = [at.pin(pin(new=True)), at.pin(pin(attempt=3, wait=1))]
    at.tell("the passphrase of card SIM-CARD-0002 is wrong")
    assert console.told[-1] == "The device says: the passphrase of card SIM-CARD-0002 is wrong"
    assert CANARY not in console.shown
    assert CANARY not in repr((made, at, vars(at))) + "".join(map(str, made))


def test_a_request_of_the_device_is_not_left_at_the_first_ctrl_c() -> None:
    at, console = slot("SIM-CARD-0001", CANARY)
    at.card(wanted(1))
    at.pin(pin())
    assert console.doing == [
        "the device has its cards (or `none`, typed twice, cancels)",
        "the device has its passphrase",
    ]
