"""Every refusal: it has its status, and no byte has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import (
    ESN,
    SUITE,
    Bench,
    FakeClock,
    Packages,
    SeededDraw,
    contents,
    generate,
    make_packages,
    modify,
    pack,
)

from hsm_emulator.device import Device
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode, CollectOutput, DeleteKey, InspectKey, NewWorld

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsm_emulator.dialogue import Pin, PinAsk
    from hsm_emulator.messages import Change, Look


def world(k: int = 2, n: int = 3, suite: str = SUITE) -> NewWorld:
    return NewWorld(cipher_suite=suite, threshold=k, cards=n)


# -- the module -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("esn", ["1234-5678-9ABC", "SIM", "sim0-0000-0001", "SIM0/../x", ""])
def test_a_serial_number_that_does_not_say_simulated(tmp_path: Path, esn: str) -> None:
    with pytest.raises(Refused) as caught:
        Device.manufacture(tmp_path / "x", esn=esn, draw=SeededDraw("x"), clock=FakeClock())
    assert caught.value.status is Status.INVALID_PARAMETER


def test_manufacture_twice_and_open_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.device.close()
    before = contents(bench.folder)
    with pytest.raises(Refused) as caught:
        Device.manufacture(bench.folder, esn=ESN, draw=SeededDraw("x"), clock=FakeClock())
    assert caught.value.status is Status.ALREADY_EXISTS
    assert contents(bench.folder) == before
    with pytest.raises(Refused) as caught:
        Device.open(tmp_path / "nothing", draw=SeededDraw("x"), clock=FakeClock())
    assert caught.value.status is Status.UNKNOWN_ID


def test_two_cannot_have_it_open(bench: Bench) -> None:
    with pytest.raises(Refused) as caught:
        Device.open(bench.folder, draw=SeededDraw("x"), clock=FakeClock())
    assert caught.value.status is Status.INVALID_STATE


@pytest.mark.parametrize(("serial", "status"), [("C-1", "InvalidParameter"), ("SIM-C-0001", "AlreadyExists")])
def test_blank_cards(bench: Bench, serial: str, status: str) -> None:
    before = contents(bench.folder)
    with pytest.raises(Refused) as caught:
        bench.device.blank_cards(["SIM-new", serial])
    assert caught.value.status.value == status
    assert contents(bench.folder) == before


@pytest.mark.parametrize("request_id", ["", "a/b", "../x", "x#try1", ".hidden", "a" * 129, "ü"])
def test_a_request_id_that_is_none(bench: Bench, request_id: str) -> None:
    before = contents(bench.folder)
    with pytest.raises(Refused) as caught:
        bench.device.change(ChangeMode(mode=Mode.MAINTENANCE), request_id, bench.operator())
    assert caught.value.status is Status.INVALID_PARAMETER
    assert contents(bench.folder) == before


def test_the_same_id_for_another_command(ready: Bench) -> None:
    ready.do(generate("first"), request="id")
    refused = ready.refused(generate("second"), Status.INVALID_PARAMETER, request="id")
    assert "GenerateKey" in refused.words


# -- modes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.OPERATIONAL, Mode.MAINTENANCE])
def test_new_world_outside_initialization(bench: Bench, mode: Mode) -> None:
    bench.mode(mode)
    assert "initialization" in bench.refused(world(), Status.INVALID_STATE, *bench.serials).words


@pytest.mark.parametrize("mode", [Mode.INITIALIZATION, Mode.MAINTENANCE])
def test_everything_else_outside_operational(ready: Bench, packages: Packages, mode: Mode) -> None:
    ready.copy(packages)
    ready.mode(mode)
    commands: list[Change] = [
        generate("other"), modify(packages, "contosokey"), pack(packages), DeleteKey(app="xferacld", ident="contosokey")
    ]  # fmt: skip
    for command in commands:
        assert "operational" in ready.refused(command, Status.INVALID_STATE, *ready.serials[:2]).words
    with pytest.raises(Refused) as caught:
        ready.device.look(InspectKey(app="simple", ident="contosokey"))
    assert caught.value.status is Status.INVALID_STATE


def test_no_world(bench: Bench, packages: Packages) -> None:
    for command in (generate(), modify(packages), pack(packages)):
        bench.refused(command, Status.UNKNOWN_ID, *bench.serials[:2])
    bench.refused(DeleteKey(app="xferacld", ident="contosokey"), Status.UNKNOWN_KEY)


# -- new-world --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 3), (4, 3), (-1, 3), (1, 0), (2, 65), (65, 65)])
def test_impossible_quorum(bench: Bench, k: int, n: int) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.refused(world(k, n), Status.INVALID_PARAMETER, *bench.serials)


def test_unknown_suite(bench: Bench) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.refused(world(suite="DLf2048s256mRijndael"), Status.INVALID_PARAMETER, *bench.serials)


@pytest.mark.parametrize("given", [0, 1, 2])
def test_cancelled_while_writing(bench: Bench, given: int) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.refused(world(), Status.CANCELLED, *bench.serials[:given])


def test_a_card_that_is_not_blank_is_named_and_asked_again(bench: Bench) -> None:
    bench.world(2, 3)
    bench.mode(Mode.INITIALIZATION)
    first, fresh = bench.serials[0], bench.serials[3:6]
    talk = bench.operator(first, fresh[0], fresh[0], "SIM-nowhere", *fresh[1:])
    bench.talk(world(), talk)
    assert first in talk.told[0]
    assert "not blank" in talk.told[0]
    assert fresh[0] in talk.told[1]
    assert "SIM-nowhere" in talk.told[2]


def test_a_cancelled_new_world_keeps_the_old_one(ready: Bench) -> None:
    ready.mode(Mode.INITIALIZATION)
    ready.refused(world(), Status.CANCELLED, *ready.serials[3:5])
    ready.mode(Mode.OPERATIONAL)
    ready.key("still-works")


def test_a_new_world_erases_the_old_one(ready: Bench) -> None:
    ready.mode(Mode.INITIALIZATION)
    ready.do(world(), *ready.serials[3:6])
    names = [name for name in contents(ready.folder) if name.startswith("kmdata/local/key_")]
    assert names == []


# -- generatekey ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"protect": "token"}, Status.INVALID_PARAMETER),
        ({"protect": "softcard"}, Status.INVALID_PARAMETER),
        ({"app": "pkcs11"}, Status.INVALID_PARAMETER),
        ({"type": "DSA"}, Status.INVALID_PARAMETER),
        ({"size": 1024}, Status.INVALID_PARAMETER),
        ({"nvram": True}, Status.CANCELLED),
        ({"pubexp": "3"}, Status.INVALID_PARAMETER),
        ({"plainname": "two\nlines"}, Status.INVALID_PARAMETER),
        ({"ident": "Contoso"}, Status.INVALID_HOST_DATA_IDENTIFIER),
        ({"ident": ""}, Status.INVALID_HOST_DATA_IDENTIFIER),
        ({"ident": "a" * 81}, Status.INVALID_HOST_DATA_IDENTIFIER),
        ({"ident": "../world"}, Status.INVALID_HOST_DATA_IDENTIFIER),
        ({"ident": "name\n"}, Status.INVALID_HOST_DATA_IDENTIFIER),
        ({"ident": "contosokey"}, Status.ALREADY_EXISTS),
    ],
)
def test_generatekey(ready: Bench, changes: dict[str, object], status: Status) -> None:
    ready.refused(generate(**({"ident": "another"} | changes)), status)  # type: ignore[arg-type]  # wrong on purpose


# -- -ModifyAcls ------------------------------------------------------------------------------------------------------


def test_modify_needs_the_right_key(ready: Bench, packages: Packages) -> None:
    assert "simple contosokey" in ready.refused(modify(packages, "nokey"), Status.UNKNOWN_KEY).words
    ready.refused(modify(packages, "contosokey", app="pkcs11"), Status.INVALID_PARAMETER)
    ready.refused(modify(packages, "ContosoKey"), Status.INVALID_HOST_DATA_IDENTIFIER)
    ready.copy(packages)
    ready.refused(modify(packages), Status.ALREADY_EXISTS, *ready.serials[:2])


@pytest.mark.parametrize("suite", ["DLf1024s160mDES3", "DLf3072s256mAEScSP800131Ar1", "ECp521mAES"])
def test_a_world_whose_suite_cannot_be_transferred(bench: Bench, packages: Packages, suite: str) -> None:
    bench.world(suite=suite)
    bench.key()
    assert suite in bench.refused(modify(packages), Status.INVALID_PARAMETER, *bench.serials[:2]).words


@pytest.mark.parametrize("suite", ["DLf1024s160mRijndael", "DLf3072s256mRijndael"])
def test_a_world_whose_suite_can(bench: Bench, packages: Packages, suite: str) -> None:
    bench.world(suite=suite)
    bench.key()
    bench.copy(packages)


@pytest.mark.parametrize("given", [0, 1])
def test_a_quorum_not_reached(ready: Bench, packages: Packages, given: int) -> None:
    ready.refused(modify(packages), Status.CANCELLED, *ready.serials[:given])


def test_the_same_card_twice_counts_once(ready: Bench, packages: Packages) -> None:
    one = ready.serials[0]
    talk = ready.operator(one, one, one)
    ready.refused_talk(modify(packages), Status.CANCELLED, talk)
    assert len([words for words in talk.told if "counts once" in words]) == 2


def test_foreign_cards_are_named_and_the_slot_waits(bench: Bench, packages: Packages) -> None:
    bench.world(1, 2)
    bench.world(2, 3, first=2)
    bench.key()
    foreign, mine, blank = bench.serials[0], bench.serials[2:4], bench.serials[7]
    talk = bench.operator(foreign, blank, "SIM-nowhere", *mine)
    bench.talk(modify(packages), talk)
    assert "another Security World" in talk.told[0]
    assert "blank" in talk.told[1]
    assert "no card" in talk.told[2]


def test_wrong_pin_then_right(ready: Bench, packages: Packages) -> None:
    one, two = ready.serials[:2]
    ready.talk(modify(packages), ready.operator(one, two, typed={one: ["wrong", ready.pins[one]]}))


def test_three_wrong_pins(ready: Bench, packages: Packages) -> None:
    one = ready.serials[0]
    before = contents(ready.folder)
    talk = ready.operator(one, typed={one: ["a", "b", "c"]})
    ready.refused_talk(modify(packages), Status.DECRYPT_FAILED, talk, tries=True)
    changed = {name for name, data in contents(ready.folder).items() if before.get(name) != data}
    assert changed == {f"silicon/cards/{one}"}
    assert b'"failures":3' in contents(ready.folder)[f"silicon/cards/{one}"]
    assert [(ask.wait_seconds, ask.left) for ask in talk.asks if hasattr(ask, "attempt")] == [(0, 2), (1, 1), (2, 0)]


def test_one_wrong_pin_is_one_try_on_that_card_alone(ready: Bench, packages: Packages) -> None:
    """Nothing tries it again by itself, nor on another card: here its holder leaves where they are asked again."""
    one = ready.serials[0]
    before = contents(ready.folder)
    talk = ready.operator(one, typed={one: ["wrong"]})
    types = talk.pin

    def leaves(ask: PinAsk) -> Pin:
        if ask.attempt > 1:
            raise KeyboardInterrupt
        return types(ask)

    talk.pin = leaves  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        ready.talk(modify(packages), talk)
    changed = {name for name, data in contents(ready.folder).items() if before.get(name) != data}
    assert changed == {f"silicon/cards/{one}"}
    assert b'"failures":1' in contents(ready.folder)[f"silicon/cards/{one}"]


def test_an_early_pin_is_not_looked_at_and_is_no_try(ready: Bench, packages: Packages) -> None:
    one = ready.serials[0]
    talk = ready.operator(one, typed={one: ["wrong", ready.pins[one], ready.pins[one]]})
    talk.waits = None
    ready.refused_talk(modify(packages), Status.TOKEN_AUTH_FAILED, talk, tries=True)
    assert b'"failures":1' in contents(ready.folder)[f"silicon/cards/{one}"]


def test_the_delay_grows_to_a_minute_and_ends_with_the_right_pin(ready: Bench, packages: Packages) -> None:
    one = ready.serials[0]
    waits = []
    for _ in range(3):
        talk = ready.operator(one, typed={one: ["a", "b", "c"]})
        ready.refused_talk(modify(packages), Status.DECRYPT_FAILED, talk, tries=True)
        waits += [ask.wait_seconds for ask in talk.asks if hasattr(ask, "attempt")]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    ready.copy(packages)
    assert b'"failures":0' in contents(ready.folder)[f"silicon/cards/{one}"]


def test_the_try_is_durable_before_the_pin_is_looked_at(
    ready: Bench, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hsm_emulator import cards

    one = ready.serials[0]

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cards, "open_shares", die)
    with pytest.raises(KeyboardInterrupt):
        ready.talk(modify(packages), ready.operator(one), request="killed")
    monkeypatch.undo()
    ready.reopen()
    assert b'"failures":1' in contents(ready.folder)[f"silicon/cards/{one}"]
    ready.talk(modify(packages), ready.operator(*ready.serials[:2]), request="killed")


def test_packages_that_do_not_verify_stop_before_any_card(ready: Bench, packages: Packages) -> None:
    other = make_packages("US-1")
    mixed = Packages(packages.kek, other.world, b"", "", "")
    talk = ready.operator(*ready.serials[:2])
    ready.refused_talk(modify(mixed), Status.VERIFY_FAILED, talk)
    assert talk.asks == []


# -- -Package ---------------------------------------------------------------------------------------------------------


def test_package_needs_the_copy(ready: Bench, packages: Packages) -> None:
    ready.refused(pack(packages), Status.UNKNOWN_KEY)
    ready.refused(pack(packages, "No-Such"), Status.INVALID_HOST_DATA_IDENTIFIER)


@pytest.mark.parametrize(
    "changes",
    [
        {"subscription_id": "not-a-guid"},
        {"subscription_id": "0000000011112222333344444444 4444"},
        {"subscription_id": ""},
        {"friendly_name": ""},
        {"friendly_name": "a" * 128},
        {"friendly_name": "with space"},
        {"friendly_name": "name\n"},
    ],
)
def test_package_names(ready: Bench, packages: Packages, changes: dict[str, str]) -> None:
    ready.copy(packages)
    ready.refused(pack(packages, **changes), Status.INVALID_PARAMETER)


def test_package_for_another_region(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    ready.refused(pack(make_packages("US-1")), Status.ACCESS_DENIED)
    mixed = Packages(packages.kek, make_packages("US-1").world, b"", "", "")
    ready.refused(pack(mixed), Status.VERIFY_FAILED)


def test_package_for_another_world_with_the_same_kek(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    others = (make_packages(seed=f"other {number}") for number in range(50))
    twin = next(other for other in others if other.kek_hash == packages.kek_hash and other.hkm != packages.hkm)
    assert "world of region" in ready.refused(pack(twin), Status.ACCESS_DENIED).words


def test_package_once_only(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    first = ready.do(pack(packages), request="once")
    ready.refused(pack(packages), Status.USE_LIMIT_EXCEEDED)
    assert ready.do(pack(packages), request="once") == first


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_deleting(ready: Bench) -> None:
    ready.refused(DeleteKey(app="simple", ident="contosokey"), Status.INVALID_PARAMETER)
    refused = ready.refused(DeleteKey(app="xferacld", ident="contosokey"), Status.UNKNOWN_KEY)
    assert "simple contosokey" in refused.words


@pytest.mark.parametrize(
    ("look", "status"),
    [
        (CollectOutput(request_id="nothing"), Status.UNKNOWN_ID),
        (CollectOutput(request_id="../silicon/x"), Status.UNKNOWN_ID),
        (InspectKey(app="simple", ident="nokey"), Status.UNKNOWN_KEY),
        (InspectKey(app="xferacId", ident="contosokey"), Status.UNKNOWN_KEY),
    ],
)
def test_looking_at_nothing(ready: Bench, look: Look, status: Status) -> None:
    with pytest.raises(Refused) as caught:
        ready.device.look(look)
    assert caught.value.status is status


def test_hint_for_the_misread_application(ready: Bench) -> None:
    with pytest.raises(Refused, match="small L"):
        ready.device.look(InspectKey(app="xferacId", ident="contosokey"))


def test_every_command_twice_is_harmless(make_bench: Callable[..., Bench], packages: Packages) -> None:
    bench = make_bench("twice")
    script: list[tuple[Change, tuple[str, ...]]] = [
        (ChangeMode(mode=Mode.INITIALIZATION), ()),
        (world(), tuple(bench.serials[:3])),
        (ChangeMode(mode=Mode.OPERATIONAL), ()),
        (generate(), ()),
        (modify(packages), tuple(bench.serials[:2])),
        (pack(packages), ()),
        (DeleteKey(app="xferacld", ident="contosokey"), ()),
    ]
    for place, (command, given) in enumerate(script):
        reply = bench.do(command, *given, request=f"step-{place}")
        files = contents(bench.folder)
        assert bench.do(command, request=f"step-{place}") == reply
        assert contents(bench.folder) == files
