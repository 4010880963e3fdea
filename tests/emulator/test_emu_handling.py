"""What people do with their hands: a copied card opens nothing, a lost one is gone, no power means no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, contents, generate

from hsm_emulator import crypto, selftest
from hsm_emulator.errors import Refused, Status
from hsm_emulator.handling import FARTHEST, CopyCard, LoseCard, SetClock, SwitchPower
from hsm_emulator.messages import CheckPin, Enquiry, ExamineCard, ModuleState, PinChecked, Since

if TYPE_CHECKING:
    from tool_bench import Tools

    from hsm_emulator.handling import Act

COPY = "SIM-COPY-0001"


def refused(bench: Bench, act: Act, status: Status) -> str:
    before = contents(bench.folder)
    with pytest.raises(Refused) as caught:
        bench.device.handle(act)
    assert caught.value.status is status
    assert contents(bench.folder) == before
    return caught.value.words


# -- cards -----------------------------------------------------------------------------------------------------------


def test_a_copy_says_the_same_and_opens_nothing(ready: Bench) -> None:
    """The right PIN is a wrong one: the chip's secret was not copied. Each try counts on the copy, not on the card."""
    card = ready.serials[0]
    ready.device.handle(CopyCard(serial=card, copy=COPY))
    one, other = (ready.device.look(ExamineCard(serial=serial)) for serial in (card, COPY))
    assert repr(one).replace(card, COPY) == repr(other)
    ready.pins[COPY] = ready.pins[card]
    assert "wrong" in ready.refused_talk(CheckPin(), Status.DECRYPT_FAILED, ready.operator(COPY), tries=True).words
    assert isinstance(ready.do(CheckPin(), card), PinChecked)


def test_a_blank_card_gives_a_blank_copy(ready: Bench) -> None:
    ready.device.handle(CopyCard(serial=ready.serials[7], copy=COPY))
    assert ready.device.look(ExamineCard(serial=COPY)).number == 0  # type: ignore[union-attr]  # it is CardExamined


def test_no_copy_of_no_card_and_none_over_another(ready: Bench) -> None:
    refused(ready, CopyCard(serial="SIM-NONE", copy=COPY), Status.UNKNOWN_ID)
    refused(ready, CopyCard(serial=ready.serials[0], copy=ready.serials[1]), Status.ALREADY_EXISTS)
    refused(ready, CopyCard(serial=ready.serials[0], copy=ready.serials[0]), Status.ALREADY_EXISTS)
    refused(ready, CopyCard(serial=ready.serials[0], copy="COPY"), Status.INVALID_PARAMETER)


def test_a_lost_card_is_gone_and_the_others_are_still_a_quorum(ready: Bench) -> None:
    ready.device.handle(LoseCard(serial=ready.serials[0]))
    refused(ready, LoseCard(serial=ready.serials[0]), Status.UNKNOWN_ID)
    assert not [path for path in contents(ready.folder) if ready.serials[0] in path]
    talk = ready.operator(ready.serials[0], ready.serials[1])
    assert isinstance(ready.talk(CheckPin(), talk), PinChecked)
    assert talk.told == [f"there is no card {ready.serials[0]}"]


# -- power and clock -------------------------------------------------------------------------------------------------


def test_without_power_nothing_is_answered_and_nothing_done(ready: Bench) -> None:
    before = ready.device.look(Enquiry())
    ready.device.handle(SwitchPower(on=False))
    for look in (Enquiry(), ExamineCard(serial=ready.serials[0]), Since(head="0" * 64)):
        with pytest.raises(Refused, match="no power"):
            ready.device.look(look)
    with pytest.raises(Refused, match="no power"):
        ready.device.self_test()
    ready.refused(generate("another"), Status.INVALID_STATE)
    ready.reopen()
    ready.refused(generate("another"), Status.INVALID_STATE)
    ready.device.handle(LoseCard(serial=ready.serials[7]))  # hands need no power
    ready.device.handle(SwitchPower(on=True))
    after = ready.device.look(Enquiry())
    assert isinstance(before, ModuleState)
    assert isinstance(after, ModuleState)
    assert (after.mode, after.hknso, after.keys) == (before.mode, before.hknso, before.keys)
    ready.do(generate("another"))


def test_what_hands_do_stands_in_the_audit_log(ready: Bench) -> None:
    head = ready.device.look(Enquiry())
    assert isinstance(head, ModuleState)
    acts = (SwitchPower(on=False), SwitchPower(on=True), SetClock(seconds=5), SetClock(seconds=5), SetClock(seconds=0))
    for act in acts:
        ready.device.handle(act)
    known, ids = ready.device.since(head.audit_head)
    assert known
    assert len(set(ids)) == len(acts)


def test_the_clock_is_set_for_the_wait_after_a_wrong_pin(ready: Bench) -> None:
    """Forward the wait is over; back it begins anew, and is never longer than it was."""
    card = ready.serials[0]
    for _ in range(2):
        ready.refused_talk(CheckPin(), Status.DECRYPT_FAILED, ready.operator(card, typed={card: ["x"] * 3}), tries=True)
    waits = []
    for seconds in (3600, 0, -(10**9)):
        ready.device.handle(SetClock(seconds=seconds))
        talk = ready.operator(card)
        talk.pins = {}
        ready.refused_talk(CheckPin(), Status.DECRYPT_FAILED, talk, tries=True)
        waits.append(next(ask.wait_seconds for ask in talk.asks if hasattr(ask, "wait_seconds")))
    assert waits == [0, 60, 60]
    for seconds in (FARTHEST + 1, -FARTHEST - 1):
        refused(ready, SetClock(seconds=seconds), Status.INVALID_PARAMETER)


# -- the self test ---------------------------------------------------------------------------------------------------


def test_the_self_test_holds_and_changes_nothing(ready: Bench) -> None:
    before = contents(ready.folder)
    assert len(ready.device.self_test()) == 7
    assert contents(ready.folder) == before


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        ("sha256", lambda _data: b"x" * 32),
        ("hkdf", lambda _secret, _info, size=32: b"x" * size),
        ("scrypt", lambda _pin, _salt, _n: b"x" * 32),
        ("unseal", lambda _key, _sealed, _aad: bytes(16)),
        ("sign", lambda _private, _message: b"x"),
        ("verify", lambda _public, _signature, _message: True),
        ("oaep_decrypt", lambda _private, _ciphertext: None),
        ("rsa_verify", lambda _public, _signature, _message: True),
    ],
)
def test_the_self_test_notices_cryptography_that_is_wrong(
    ready: Bench, monkeypatch: pytest.MonkeyPatch, function: str, wrong: object
) -> None:
    """A broken library stands in for the right one: it is that, and nothing of ours, that the test is about."""
    state = ready.device._state()  # taken while all is well
    monkeypatch.setattr(crypto, function, wrong)
    with pytest.raises(Refused) as caught:
        selftest.run(state, crypto.SystemDraw())
    assert caught.value.status is Status.VERIFY_FAILED


def test_the_self_test_notices_a_card_that_cannot_be_read(ready: Bench) -> None:
    ready.device.lay_out_strangers()
    with pytest.raises(Refused, match="cards can be read"):
        ready.device.self_test()


# -- the tools -------------------------------------------------------------------------------------------------------


def test_the_tools_do_it(tools: Tools) -> None:
    assert tools.done("emu", "selftest").count("\nok") == 7
    assert '"held"' in tools.done("emu", "selftest", "--json")
    tools.done("emu", "card", "copy", "SIM-C-0001", COPY)
    assert "#1 of 3" in tools.done("cardpp", "--examine", typed=[COPY])
    tools.done("emu", "card", "lose", COPY)
    tools.refused(1, "cardpp", "--examine", typed=[COPY])
    tools.done("emu", "power", "cut")
    assert "no power" in tools.refused(1, "enquiry").err
    tools.done("emu", "power", "on")
    tools.done("enquiry")
    assert "clock         -60 s" in tools.done("emu", "clock", "--off", "-60")


@pytest.mark.parametrize(
    "line",
    [
        "emu card copy SIM-C-0001",
        "emu card lose",
        "emu card lose SIM-C-0001 SIM-C-0002",
        "emu card steal SIM-C-0001",
        "emu power off",
        "emu clock",
        "emu clock --off 1.5",
        "emu clock --off 123456789012",
        "emu selftest now",
        "emu",
    ],
)
def test_what_is_no_command_line_changes_nothing(tools: Tools, line: str) -> None:
    tools.refused(2, *line.split())


def test_where_there_is_no_device_none_is_made(tools: Tools) -> None:
    tools.folder /= "elsewhere"
    for line in ("emu card lose SIM-C-0001", "emu power cut", "emu clock --off 1", "emu selftest"):
        tools.refused(1, *line.split())
    assert not tools.folder.exists()
