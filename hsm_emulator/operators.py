"""Operator card sets and softcards: made, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import administrators, fips, operator_cards, pin_blob, quorum, ram, sharing, tokens, worlds
from hsm_emulator.cards import known, read
from hsm_emulator.dialogue import ACS, WORLD
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import Mode, SlotFact
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.operator_messages import CardSetCreated, OperatorsListed
from hsm_emulator.profiles import FIPS
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
    """Make an operator card set. No administrator is needed for that, but one card of a strict FIPS world.

    1. Mode, world, name, quorum and time-out.
    2. A fresh token, and that of a strict FIPS world; all cards written, read back and recombined.
    3. The set's files, for one commit.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter, AlreadyExists, Cancelled, TokenAssemblyFailed, and in a
            strict FIPS world as `fips.authorise`. Nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "createocs")  # 1
    world = worlds.load(state, memory)
    kp = administrators.demand_kp(world.keys) if command.recoverable else b""
    tokens.check_name(command.name, [ACS, WORLD, *(made.name for made in tokens.card_sets(state, memory))])
    needed = Quorum(k=command.threshold, n=command.cards)
    if not 0 <= command.timeout <= LONGEST:
        words = f"a time-out is from 1 to {LONGEST} seconds, 0 for none, not {command.timeout}"
        raise Refused(Status.INVALID_PARAMETER, words)
    state, ltfips = fips.authorise(state, memory, world, call)  # 2
    token = call.draw.take(sharing.TOKEN)
    hkltu = tokens.hkltu_of(token)
    made = OperatorCards(
        hknso=world.hknso,
        hkltu=hkltu,
        name=command.name,
        quorum=needed,
        persistent=command.persistent,
        timeout=command.timeout,
        fips=bool(ltfips),
        check=sharing.check_value(token, LTU, hkltu),
        recoverable=command.recoverable,
    )
    shared = {LTU: token, FIPS: ltfips} if ltfips else {LTU: token}
    wanted = made.card_set(memory)
    shares = {name: sharing.split(secret, wanted.quorum_of(name), call.draw) for name, secret in shared.items()}
    state, written = quorum.write_shares(state, wanted, shared, shares, scrypt_n=memory.scrypt_n, call=call)
    blobs = [pin_blob.seal(share, made.place(share.index), kp, call.draw) if kp else None for share in shares[LTU]]  # 3
    state = state.put(operator_cards.render_cards(made, blobs, memory, call.draw))
    tokens.find_cards(state, memory, hkltu)
    return state, CardSetCreated(hkltu=hkltu, cards=written, file=state.fact(made.path))


def list_operators(state: State, now_ms: int) -> OperatorsListed:
    """Say which card sets and softcards there are, what is loaded, and what is in the slot.

    A file that is not as it was made is left out.
    """
    memory, inside = recall(state), ram.recall(state)
    return OperatorsListed(
        card_sets=tuple(made.fact() for made in tokens.card_sets(state, memory)),
        softcards=tuple(made.fact() for made in tokens.all_softcards(state, memory)),
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
