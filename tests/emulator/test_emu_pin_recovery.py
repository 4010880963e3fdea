"""New PINs for operators by the administrators: only in a world made for it, for a set made for it, with its quorum."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import Bench, contents, generate
from operators_bench import LOCAL, OPS, SOFT, Staffed, card_set, hkltu, prove, recoverable_world
from test_emu_attacks import Recorder, edited, forge, hits
from tool_bench import Tools

from hsm_emulator.disk import Disk, Operation
from hsm_emulator.errors import Status
from hsm_emulator.messages import CheckPin, ReplaceCards
from hsm_emulator.operator_messages import (
    CheckSoftcard,
    CreateSoftcard,
    PinRecovered,
    Preload,
    RecoverPin,
    RecoverSoftcard,
    SoftcardRecovered,
)
from hsm_emulator.world_messages import WorldMode

if TYPE_CHECKING:
    from collections.abc import Callable


def forget(bench: Bench, serial: str) -> None:
    """Let the operator forget the PIN of a card: what is typed for it is wrong from now on."""
    bench.pins = {**bench.pins, serial: "forgotten"}


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_a_card_gets_a_new_pin_by_the_quorum_for_it(bench: Bench, quorum: int) -> None:
    recoverable_world(bench, quorum)
    one = bench.serials[3]
    bench.do(generate("key", protect="token", token=OPS), *bench.serials[4:6])
    forget(bench, one)
    wrong = bench.operator(one)
    bench.refused_talk(CheckPin(), Status.DECRYPT_FAILED, wrong, tries=True)
    for few in combinations(bench.serials[:3], quorum - 1):
        bench.refused_talk(RecoverPin(), Status.CANCELLED, bench.operator(*few), tries=True)
    before = contents(bench.folder)
    reply = bench.do(RecoverPin(), *bench.serials[3 - quorum : 3], one)
    assert isinstance(reply, PinRecovered)
    assert [card.serial for card in (*reply.read, *reply.cards)] == [*bench.serials[3 - quorum : 3], one]
    after = contents(bench.folder)
    assert {name for name in after if after[name] != before.get(name)} == {
        f"cardstore/{one}.card",
        f"silicon/cards/{one}",
    }
    assert b'"failures":0' in after[f"silicon/cards/{one}"]
    bench.do(CheckPin(), one)
    bench.do(Preload(hkltu=hkltu(bench, OPS)), one, bench.serials[5])
    bench.device.look(prove("key"))


def test_in_a_strict_fips_world_the_card_authorises_again(bench: Bench) -> None:
    recoverable_world(bench, mode=WorldMode.FIPS_140_LEVEL_3)
    one = bench.serials[3]
    forget(bench, one)
    bench.do(RecoverPin(), *bench.serials[:2], one)
    bench.do(generate("key"), one)
    bench.do(RecoverSoftcard(token=SOFT), *bench.serials[:2])
    bench.do(Preload(hkltu=hkltu(bench, OPS)), one, bench.serials[5])


def test_a_softcard_gets_a_new_pin(bench: Bench) -> None:
    recoverable_world(bench)
    serial = f"softcard-{hkltu(bench, SOFT)}"
    forget(bench, serial)
    bench.refused_talk(CheckSoftcard(token=SOFT), Status.DECRYPT_FAILED, bench.operator(), tries=True)
    one = [bench.serials[0]]
    bench.refused_talk(RecoverSoftcard(token=SOFT), Status.CANCELLED, bench.operator(*one), tries=True)
    reply = bench.do(RecoverSoftcard(token=SOFT), *bench.serials[:2])
    assert isinstance(reply, SoftcardRecovered)
    bench.do(CheckSoftcard(token=SOFT))
    bench.do(RecoverSoftcard(token=SOFT), *bench.serials[1:3])


def test_it_works_after_the_administrators_set_was_replaced(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("hsm", cards=9)
    recoverable_world(bench)
    bench.do(ReplaceCards(), *bench.serials[:2], *bench.serials[6:9])
    forget(bench, bench.serials[3])
    bench.refused(RecoverPin(), Status.CANCELLED, *bench.serials[:2], bench.serials[3])
    bench.do(RecoverPin(), *bench.serials[6:8], bench.serials[3])
    bench.do(CheckPin(), bench.serials[3])


def test_not_in_a_world_without_passphrase_recovery(staffed: Staffed) -> None:
    talk = staffed.operator(*staffed.serials)
    for command in (
        RecoverPin(),
        RecoverSoftcard(token=SOFT),
        card_set("more", recoverable=True),
        CreateSoftcard(name="more", recoverable=True),
    ):
        refused = staffed.refused_talk(command, Status.INVALID_PARAMETER, talk)
        assert "was made without passphrase recovery" in refused.words
    assert talk.asks == []


def test_not_for_a_set_or_softcard_that_was_made_without_it(bench: Bench) -> None:
    recoverable_world(bench)
    bench.do(card_set("closed", threshold=1, cards=1), bench.serials[6])
    bench.do(CreateSoftcard(name="closed-soft"))
    talk = bench.operator(*bench.serials[:2], bench.serials[6], bench.serials[2], bench.serials[7])
    bench.refused_talk(RecoverPin(), Status.CANCELLED, talk, tries=True)
    assert [words.partition(" is ")[2].partition(":")[0] for words in talk.told] == [
        "of card set closed, which was made without passphrase recovery",
        "no operator's of this world",
        "blank",
    ]
    talk = bench.operator(*bench.serials[:2])
    bench.refused_talk(RecoverSoftcard(token="closed-soft"), Status.INVALID_PARAMETER, talk)
    assert talk.asks == []


def _other_card(data: dict[str, Any]) -> None:
    data["index"] = 2


def _no_blob(data: dict[str, Any]) -> None:
    data["recovery"]["sealed"] = "AAAA"


@pytest.mark.parametrize("edit", [_other_card, _no_blob])
def test_an_edited_file_of_a_card(bench: Bench, edit: Callable[[dict[str, Any]], None]) -> None:
    recoverable_world(bench)
    path = f"{LOCAL}card_{hkltu(bench, OPS)}_1"
    forge(bench, {path: edited(bench, path, edit)})
    talk = bench.operator(*bench.serials[:2], bench.serials[3])
    bench.refused_talk(RecoverPin(), Status.VERIFY_FAILED, talk, tries=True)
    bench.do(RecoverPin(), *bench.serials[:2], bench.serials[4])


def test_the_file_of_another_card_or_none(bench: Bench) -> None:
    recoverable_world(bench)
    first, second = (f"{LOCAL}card_{hkltu(bench, OPS)}_{number}" for number in (1, 2))
    forge(bench, {first: contents(bench.folder)[second]})
    talk = bench.operator(*bench.serials[:2], bench.serials[3])
    bench.refused_talk(RecoverPin(), Status.HOST_DATA_INVALID, talk, tries=True)
    forge(bench, {first: None})
    talk = bench.operator(*bench.serials[:2], bench.serials[3])
    bench.refused_talk(RecoverPin(), Status.CANCELLED, talk, tries=True)
    assert "without passphrase recovery" in talk.told[0]


def test_a_card_that_says_another_quorum_than_its_set_is_named(bench: Bench) -> None:
    recoverable_world(bench)
    path = f"cardstore/{bench.serials[3]}.card"
    forge(bench, {path: edited(bench, path, lambda data: data["set"].update(k=1))})
    talk = bench.operator(*bench.serials[:2], bench.serials[3], bench.serials[4])
    bench.talk(RecoverPin(), talk)
    assert "says that 1 of 3 cards open its set, and it is 2 of 3: it was changed" in talk.told[0]


def test_a_card_relabelled_as_another_of_its_set_gets_no_share_of_its_own(bench: Bench) -> None:
    """The share that is sealed is that of the card it says it is; the set never has more than N shares."""
    recoverable_world(bench)
    path = f"cardstore/{bench.serials[3]}.card"
    forge(bench, {path: edited(bench, path, lambda data: data["set"].update(index=2))})
    bench.do(RecoverPin(), *bench.serials[:2], bench.serials[3])
    twice = bench.operator(bench.serials[3], bench.serials[4])
    bench.refused_talk(Preload(hkltu=hkltu(bench, OPS)), Status.CANCELLED, twice, tries=True)


def test_no_secret_is_written_outside_silicon(make_bench: Callable[..., Bench]) -> None:
    outside: list[bytes] = []

    def see(operation: Operation) -> None:
        if "silicon" not in operation.path.parts:
            outside.append(operation.content)

    draw = Recorder("recovered")
    bench = make_bench("hsm", disk=Disk(see), draw=draw)
    recoverable_world(bench)
    bench.do(RecoverPin(), *bench.serials[:2], bench.serials[3])
    bench.do(RecoverSoftcard(token=SOFT), *bench.serials[:2])
    typed = {pin.encode() for pin in bench.pins.values()}
    assert hits(b"\n".join(outside), draw.secrets | typed) == []


def test_the_tools(bench: Bench) -> None:
    recoverable_world(bench)
    bench.device.close()
    tools, pins, cards = Tools(bench.folder), bench.pins, bench.serials
    quorum = [line for card in cards[:2] for line in (card, pins[card])]
    page = tools.done("cardpp", "--recover", typed=[*quorum, cards[3], "new", "new"])
    assert f"The passphrase of card {cards[3]} was replaced." in page
    tools.done("cardpp", "--check", typed=[cards[3], "new"])
    page = tools.done("ppmk", "--recover", SOFT, typed=[*quorum, "new", "new"])
    assert "was replaced" in page
    tools.done("ppmk", "--check", SOFT, typed=["new"])
    tools.done("createocs", "-Q", "1/1", "-N", "open", typed=[cards[6], "a", "a"])
    tools.done("createocs", "-Q", "1/1", "-N", "closed", "-R", typed=[cards[7], "a", "a"])
    tools.done("ppmk", "--new", "--recoverable", "second", typed=["a", "a"])
    shown = tools.done("nfkminfo", "-c", "--json") + tools.done("nfkminfo", "-s", "--json")
    assert shown.count('"recoverable": true') == 4
    assert shown.count('"recoverable": false') == 1
    said = tools.refused(3, "cardpp", "--recover", typed=[*quorum, cards[7]], tries=True)
    assert "made without passphrase recovery" in said.out
