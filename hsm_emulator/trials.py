"""Whether cards open the world, tried with the cards themselves. Nothing is changed but the counts of PIN tries."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Final

from hsm_emulator import quorum, sharing, worlds
from hsm_emulator.dialogue import CardAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import CardFact, Mode
from hsm_emulator.messages import CardsTried, TryCards
from hsm_emulator.state import State, demand, recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.quorum import Call, CardSet
    from hsm_emulator.sharing import Share
    from hsm_emulator.worlds import World

MOST: Final = 1000
"""So many quora are tried at most; each takes some milliseconds."""


def try_cards(state: State, command: TryCards, call: Call) -> tuple[State, CardsTried]:
    """Try K cards, or all N and every K of them.

    A card of another set or world is named and counts as one that does not open; its PIN is not asked for. A blank or
    unreadable card, and one that was read already, is named and the slot keeps waiting.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter where there are too many quora; Cancelled; DecryptFailed or
            TokenAuthFailed after the last wrong PIN.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "trying cards")
    world = worlds.load(state, memory)
    k, n = world.quorum.k, world.quorum.n
    if command.every and math.comb(n, k) > MOST:
        words = f"{n} cards have {math.comb(n, k)} quora of {k}, and at most {MOST} are tried"
        raise Refused(Status.INVALID_PARAMETER, words)
    wanted = world.card_set(memory, *sorted(worlds.BEFORE_KM))
    state, read = _read(state, wanted, n if command.every else k, call)
    shares = [mine for _, mine in read if mine is not None]
    opens = len(shares) == len(read) and all(_opens(world, wanted, some) for some in combinations(shares, k))
    return state, CardsTried(opens=opens, hknso=world.hknso, cards=tuple(card for card, _ in read))


def _read(
    state: State, wanted: CardSet, total: int, call: Call
) -> tuple[State, list[tuple[CardFact, tuple[Share, ...] | None]]]:
    """Return the cards in the order they came, each with its shares, None where it is of another set."""
    read: dict[str, tuple[CardFact, tuple[Share, ...] | None]] = {}
    while len(read) < total:
        ask = CardAsk(purpose="read", set_name=wanted.name, number=None, done=len(read), total=total)
        serial, membership = quorum.next_written(state, call, ask)
        if serial in read:
            call.dialogue.tell(f"card {serial} was read already; it counts once")
            continue
        card = CardFact(number=membership.index, serial=serial)
        if not quorum.is_of(membership, serial, wanted, call):
            read[serial] = (card, None)
            continue
        state, shares = quorum.with_pin(state, serial, membership, wanted, call)
        read[serial] = (card, shares)
    return state, list(read.values())


def _opens(world: World, wanted: CardSet, some: Sequence[tuple[Share, ...]]) -> bool:
    try:
        tokens = {
            name: sharing.assemble([mine[place] for mine in some], world.quorum, name, world.set_id, world.checks[name])
            for place, name in enumerate(wanted.module_keys)
        }
        world.open_km(tokens)
    except Refused:
        return False
    return True
