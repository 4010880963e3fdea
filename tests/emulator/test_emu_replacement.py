"""A card set that takes the place of another: any K of the old cards allow it, fewer do not, and then they are old."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, SeededDraw, contents, modify
from test_emu_attacks import KEY, WORLD, edited, forge

from hsm_emulator import cards, sharing, state
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import AclsModified, CardsReplaced, CardsTried, Enquiry, ModuleState, ReplaceCards, TryCards

if TYPE_CHECKING:
    from collections.abc import Callable

K, N = 2, 3


def replaced(bench: Bench, k: int = K, n: int = N) -> CardsReplaced:
    reply = bench.do(ReplaceCards(), *bench.serials[:k], *bench.serials[n : 2 * n])
    assert isinstance(reply, CardsReplaced)
    return reply


def tried(bench: Bench, *serials: str, every: bool = False) -> CardsTried:
    reply = bench.do(TryCards(every=every), *serials)
    assert isinstance(reply, CardsTried)
    return reply


def test_the_new_cards_do_what_the_old_ones_did(ready: Bench, packages: Packages) -> None:
    before = contents(ready.folder)
    reply = replaced(ready)
    after = contents(ready.folder)
    assert [card.number for card in reply.read] == [1, 2]
    assert [card.serial for card in reply.cards] == ready.serials[3:6]
    assert after[KEY] == before[KEY]
    assert after[WORLD] != before[WORLD]
    now = ready.device.look(Enquiry())
    assert isinstance(now, ModuleState)
    assert (now.hknso, now.usable, now.cards) == (reply.hknso, True, reply.cards)
    assert isinstance(ready.copy(packages, *ready.serials[4:6]), AclsModified)


def test_the_old_cards_open_nothing_any_more(ready: Bench, packages: Packages) -> None:
    assert tried(ready, *ready.serials[:2]).opens
    replaced(ready)
    talk = ready.operator(*ready.serials[:3])
    ready.refused_talk(modify(packages), Status.CANCELLED, talk)
    assert len(talk.told) == 3
    assert all("of another set" in words for words in talk.told)
    assert not tried(ready, *ready.serials[:2]).opens
    ready.refused(ReplaceCards(), Status.CANCELLED, *ready.serials[:3])


def test_an_old_and_a_new_card_make_no_quorum(ready: Bench, packages: Packages) -> None:
    replaced(ready)
    assert not tried(ready, ready.serials[0], ready.serials[3]).opens
    ready.refused_talk(
        modify(packages), Status.CANCELLED, ready.operator(ready.serials[0], ready.serials[3]), tries=True
    )


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 4)])
def test_any_k_old_cards_allow_it_and_fewer_do_not(make_bench: Callable[..., Bench], k: int, n: int) -> None:
    bench = make_bench("hsm")
    bench.world(k, n)
    new = bench.serials[n : 2 * n]
    bench.device.close()
    for place, some in enumerate(combinations(bench.serials[:n], k)):
        one = make_bench(f"hsm-{place}", like=bench.folder)
        for few in combinations(bench.serials[:n], k - 1):
            one.refused_talk(ReplaceCards(), Status.CANCELLED, one.operator(*few), tries=True)
        one.do(ReplaceCards(), *some, *new)
        assert tried(one, *new, every=True).opens
        for few in combinations(new, k - 1):
            one.refused_talk(TryCards(every=False), Status.CANCELLED, one.operator(*few), tries=True)


def test_too_few_blank_cards_leave_the_old_set_as_it_was(ready: Bench) -> None:
    talk = ready.operator(*ready.serials[:2], ready.serials[3], ready.serials[3], ready.serials[0])
    ready.refused_talk(ReplaceCards(), Status.CANCELLED, talk, tries=True)
    assert [words.split(":")[0] for words in talk.told] == [
        f"card {ready.serials[3]} is not blank",
        f"card {ready.serials[0]} is not blank",
    ]
    assert tried(ready, *ready.serials[:3], every=True).opens


@pytest.mark.parametrize("mode", [Mode.INITIALIZATION, Mode.MAINTENANCE])
def test_only_in_operational_mode(ready: Bench, mode: Mode) -> None:
    ready.mode(mode)
    ready.refused(ReplaceCards(), Status.INVALID_STATE, *ready.serials[:6])
    ready.refused(TryCards(every=False), Status.INVALID_STATE, *ready.serials[:2])


def test_only_in_a_world(bench: Bench) -> None:
    bench.refused(ReplaceCards(), Status.UNKNOWN_ID, *bench.serials[:6])
    bench.refused(TryCards(every=False), Status.UNKNOWN_ID, *bench.serials[:2])


def test_the_archived_world_file_and_the_old_cards_still_belong_together_and_it_is_told(
    ready: Bench, packages: Packages
) -> None:
    """As on the device: this is why the old cards are destroyed."""
    archived = contents(ready.folder)[WORLD]
    replaced(ready)
    forge(ready, {WORLD: archived})
    talk = ready.operator(*ready.serials[:2])
    ready.talk(modify(packages), talk)
    assert [words.split(",")[0] for words in talk.told] == [
        f"card {serial} is of a set that was replaced" for serial in ready.serials[:2]
    ]
    ready.refused(TryCards(every=False), Status.CANCELLED)
    assert not tried(ready, *ready.serials[3:5]).opens


def test_an_old_card_relabelled_as_a_new_one_opens_nothing(ready: Bench) -> None:
    replaced(ready)
    old, new = ready.serials[0], ready.serials[3]
    here = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    member = cards.read(here, new)
    assert member is not None
    path = f"cardstore/{old}.card"
    forge(ready, {path: edited(ready, path, lambda data: data["set"].update(set_id=member.set_id))})
    ready.refused_talk(TryCards(every=False), Status.DECRYPT_FAILED, ready.operator(old, old, new), tries=True)


def test_an_old_share_under_the_new_token_does_not_assemble() -> None:
    """Shares of two sets never give a token: its check value is that of one set."""
    draw, quorum = SeededDraw("sets"), sharing.Quorum(k=2, n=3)
    one, two = draw.take(32), draw.take(32)
    old, new = (sharing.split(token, quorum, draw) for token in (one, two))
    check = sharing.check_value(two, "LTNSO", "new")
    assert sharing.assemble(new[:2], quorum, "LTNSO", "new", check) == two
    with pytest.raises(Refused) as caught:
        sharing.assemble((old[0], new[1]), quorum, "LTNSO", "new", check)
    assert caught.value.status is Status.TOKEN_ASSEMBLY_FAILED


def test_a_card_of_another_world_is_named_and_opens_nothing(make_bench: Callable[..., Bench]) -> None:
    bench, other = make_bench("hsm"), make_bench("other", seed="other")
    bench.world()
    other.world()
    foreign = ready_card(other, bench.serials[0])
    forge(bench, {f"cardstore/{bench.serials[0]}.card": foreign})
    talk = bench.operator(*bench.serials[:2])
    reply = bench.talk(TryCards(every=False), talk)
    assert isinstance(reply, CardsTried)
    assert not reply.opens
    assert "another Security World" in talk.told[0]


def ready_card(bench: Bench, serial: str) -> bytes:
    return contents(bench.folder)[f"cardstore/{serial}.card"]


def test_trying_names_blank_cards_and_those_read_before_and_waits(ready: Bench) -> None:
    one, two = ready.serials[:2]
    talk = ready.operator(ready.serials[6], one, one, "SIM-NONE", two)
    reply = ready.talk(TryCards(every=False), talk)
    assert isinstance(reply, CardsTried)
    assert reply.opens
    assert talk.told == [
        f"card {ready.serials[6]} is blank",
        f"card {one} was read already; it counts once",
        "there is no card SIM-NONE",
    ]


def test_trying_changes_no_file_but_the_tries(ready: Bench) -> None:
    before = contents(ready.folder)
    assert tried(ready, *ready.serials[:3], every=True).opens
    assert contents(ready.folder) == before


def test_a_wrong_pin_ends_the_trial(ready: Bench) -> None:
    one = ready.serials[0]
    talk = ready.operator(one, typed={one: ["a", "b", "c"]})
    ready.refused_talk(TryCards(every=False), Status.DECRYPT_FAILED, talk, tries=True)


def test_too_many_quora_are_not_tried(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("hsm", cards=14)
    bench.world(7, 14)
    bench.refused(TryCards(every=True), Status.INVALID_PARAMETER)
    assert tried(bench, *bench.serials[:7]).opens


def test_the_same_request_gives_the_stored_reply(ready: Bench) -> None:
    talk = ready.operator(*ready.serials[:2], *ready.serials[3:6])
    first = ready.talk(ReplaceCards(), talk, request="once")
    trial = ready.talk(TryCards(every=False), ready.operator(*ready.serials[3:5]), request="trial")
    ready.reopen()
    assert ready.do(ReplaceCards(), request="once") == first
    assert ready.do(TryCards(every=False), request="trial") == trial
    ready.refused(TryCards(every=True), Status.INVALID_PARAMETER, request="trial")
