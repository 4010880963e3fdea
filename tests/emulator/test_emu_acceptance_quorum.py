"""Acceptance check 1: every K of the cards open the world, and no K-1 of them do.

Every card is read as the device reads it: its image, its chip and its PIN. Its shares are then tried in every set.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import TYPE_CHECKING

import pytest
from emulator_bench import CHEAP, ESN, SUITE, FakeClock, ScriptedDialogue, SeededDraw, pins, serials

from hsm_emulator import cards, creation, module, quorum, sharing, worlds
from hsm_emulator.dialogue import Pin
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode, NewWorld
from hsm_emulator.quorum import Call
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import recall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hsm_emulator.sharing import Share
    from hsm_emulator.state import State

PAIRS = [(k, n) for n in range(1, 9) for k in range(1, n + 1)]
QUICK = [(1, 1), (1, 4), (2, 2), (2, 3), (3, 5), (5, 5), (4, 7), (7, 8)]
"""In the quick loop; all of them where slow tests run."""

MOST = 80
"""So many sets of cards of one world are tried; where there are more, as many drawn ones."""


@dataclass
class Made:
    """A world in memory, and what can be read of each of its cards by who has the PINs."""

    state: State
    serials: list[str]
    world: worlds.World
    read: list[tuple[Share, ...]] = field(default_factory=list)

    def opens(self, some: Sequence[tuple[Share, ...]], needed: Quorum | None = None) -> bool:
        """Whether these cards' shares open KNSO and KM, of which the world file knows the hashes."""
        try:
            tokens = {
                name: sharing.assemble(
                    [mine[place] for mine in some],
                    needed or self.world.quorum,
                    name,
                    self.world.set_id,
                    self.world.checks[name],
                )
                for place, name in enumerate(sorted(worlds.BEFORE_KM))
            }
            self.world.open_km(tokens)
        except Refused as refused:
            return refused.status is not Status.TOKEN_ASSEMBLY_FAILED  # another reason would be another finding
        return True

    def talk(self, *some: int) -> tuple[Call, ScriptedDialogue]:
        """An operator who has these cards only, and then cancels."""
        dialogue = ScriptedDialogue(cards=[self.serials[one] for one in some], pins=pins(self.serials))
        clock = FakeClock()
        call = Call(draw=SeededDraw("talk"), now_ms=lambda: int(clock() * 1000), dialogue=dialogue, keep=lambda _: None)
        return call, dialogue


def make(k: int, n: int) -> Made:
    draw, names = SeededDraw(f"{k} of {n}"), serials(n)
    state = cards.blank(module.manufacture(ESN, CHEAP, draw), names, draw)
    state, _ = module.change_mode(state, ChangeMode(mode=Mode.INITIALIZATION), draw)
    call = Call(
        draw=draw,
        now_ms=lambda: 0,
        dialogue=ScriptedDialogue(cards=list(names), pins=pins(names)),
        keep=lambda _: None,
    )
    state, _ = creation.new_world(state, NewWorld(cipher_suite=SUITE, threshold=k, cards=n), call)
    made = Made(state, names, worlds.load(state, recall(state)))
    wanted = made.world.card_set(recall(state), *sorted(worlds.BEFORE_KM))
    for name in names:
        membership = cards.read(state, name)
        assert membership is not None
        shares = cards.open_shares(membership, cards.chip(state, name), Pin(pins(names)[name]), wanted.module_keys)
        assert shares is not None
        made.read.append(shares)
    return made


def some_of(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """Every set of k of n, or `MOST` drawn ones, the first and the last always."""
    if math.comb(n, k) <= MOST:
        yield from combinations(range(n), k)
        return
    draw = random.Random(f"{k} of {n}")  # noqa: S311 (which sets are tried is no secret)
    drawn = {tuple(range(k)), tuple(range(n - k, n))}
    while len(drawn) < MOST:
        drawn.add(tuple(sorted(draw.sample(range(n), k))))
    yield from sorted(drawn)


def hold(k: int, n: int) -> None:
    made = make(k, n)
    for some in some_of(n, k):
        assert made.opens([made.read[one] for one in some])
    for few in some_of(n, k - 1):
        shares = [made.read[one] for one in few]
        assert not made.opens(shares)
        if few:
            assert not made.opens([*shares, shares[-1]])  # one card twice
            assert not made.opens(shares, Quorum(k=k - 1, n=n))  # somebody says that so many do
    for some in islice(some_of(n, k), 2):
        call, _ = made.talk(*some)
        wanted = made.world.card_set(recall(made.state), *worlds.TOKENS)
        _, tokens, read = quorum.read_quorum(made.state, wanted, made.world.checks, call)
        assert made.world.open_km(tokens) == recall(made.state).module_key
        assert [card.serial for card in read] == [made.serials[one] for one in some]
        call, talk = made.talk(*some[:-1], *some[:-1])  # K-1 cards, and the same again
        with pytest.raises(Refused) as refused:
            quorum.read_quorum(made.state, wanted, made.world.checks, call)
        assert refused.value.status is Status.CANCELLED
        assert len([words for words in talk.told if "counts once" in words]) == k - 1


@pytest.mark.parametrize(("k", "n"), QUICK)
def test_check_01_k_cards_open_and_one_fewer_do_not(k: int, n: int) -> None:
    hold(k, n)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [pair for pair in PAIRS if pair not in QUICK])
def test_check_01_k_cards_open_and_one_fewer_do_not_for_all_up_to_eight(k: int, n: int) -> None:
    hold(k, n)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2, 3])
def test_check_01_of_sixty_four_cards(k: int) -> None:
    hold(k, 64)


@pytest.mark.slow
@pytest.mark.parametrize("k", [33, 64])
def test_check_01_of_sixty_four_shares(k: int) -> None:
    """As many as a set can have and need: one token shared, since a world with eight takes minutes."""
    token, needed = SeededDraw("token").take(sharing.TOKEN), Quorum(k=k, n=64)
    check = sharing.check_value(token, "LTM", "set")
    shares = sharing.split(token, needed, SeededDraw("shares"))
    for some in islice(some_of(64, k), 0, None, 27):
        assert sharing.assemble([shares[one] for one in some], needed, "LTM", "set", check) == token
    for few in islice(some_of(64, k - 1), 0, None, 27):
        for quorum_said in (needed, Quorum(k=k - 1, n=64)):
            with pytest.raises(Refused) as refused:
                sharing.assemble([shares[one] for one in few], quorum_said, "LTM", "set", check)
            assert refused.value.status is Status.TOKEN_ASSEMBLY_FAILED
