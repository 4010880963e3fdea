"""Operator card sets and softcards: made, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import operator_cards, quorum, ram, sharing, tokens, worlds
from hsm_emulator.cards import known, read
from hsm_emulator.dialogue import ACS, WORLD
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import Mode, SlotFact
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.operator_messages import CardSetCreated, OperatorsListed
from hsm_emulator.quorum import LTU
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import demand, recall

if TYPE_CHECKING:
    from hsm_emulator.operator_messages import CreateCardSet
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import State

LONGEST: Final = 365 * 24 * 3600
"""The longest time-out of a card set, in seconds; the device's own limit is not public."""


def create_card_set(state: State, command: CreateCardSet, call: Call) -> tuple[State, CardSetCreated]:
    """Make an operator card set. No administrator is needed for that.

    1. Mode, world, name, quorum and time-out.
    2. A fresh token; all cards written, read back and recombined.
    3. The set's files, for one commit.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter, AlreadyExists, Cancelled, TokenAssemblyFailed. Nothing was
            changed.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "createocs")  # 1
    world = worlds.load(state, memory)
    tokens.check_name(command.name, [ACS, WORLD, *(made.name for made in tokens.card_sets(state, memory))])
    needed = Quorum(k=command.threshold, n=command.cards)
    if not 0 <= command.timeout <= LONGEST:
        words = f"a time-out is from 1 to {LONGEST} seconds, 0 for none, not {command.timeout}"
        raise Refused(Status.INVALID_PARAMETER, words)
    token = call.draw.take(sharing.TOKEN)  # 2
    hkltu = tokens.hkltu_of(token)
    made = OperatorCards(
        hknso=world.hknso,
        hkltu=hkltu,
        name=command.name,
        quorum=needed,
        persistent=command.persistent,
        timeout=command.timeout,
        check=sharing.check_value(token, LTU, hkltu),
    )
    state, written = quorum.write_set(state, made.card_set(memory), {LTU: token}, memory.scrypt_n, call)
    state = state.put(operator_cards.render_cards(made, memory, call.draw))  # 3
    tokens.find_cards(state, memory, hkltu)
    return state, CardSetCreated(hkltu=hkltu, cards=written, file=state.fact(made.path))


def list_operators(state: State, now_ms: int) -> OperatorsListed:
    """Say which card sets and softcards there are, what is loaded, and what is in the slot.

    A file that is not as it was made is left out.
    """
    memory, inside = recall(state), ram.recall(state)
    in_world = memory.km is not None
    return OperatorsListed(
        card_sets=tuple(made.fact() for made in tokens.card_sets(state, memory)) if in_world else (),
        softcards=tuple(made.fact() for made in tokens.all_softcards(state, memory)) if in_world else (),
        loaded=inside.facts(now_ms),
        slot=_slot(state, inside),
    )


def _slot(state: State, inside: ram.Ram) -> SlotFact:
    if not inside.slot or not known(state, inside.slot):
        return SlotFact(serial="", insertions=0, set_name="", number=0)
    try:
        membership = read(state, inside.slot)
    except DamagedFile:
        membership = None
    name, number = ("", 0) if membership is None else (membership.set_name, membership.index)
    return SlotFact(serial=inside.slot, insertions=inside.insertions, set_name=name, number=number)
