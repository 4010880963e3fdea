"""A new PIN for an operator's card or a softcard without the old one: `cardpp --recover` and `ppmk --recover`.

It takes the world's quorum for passphrase recovery, which opens KP, and a set or softcard that was made recoverable.
The PINs of administrators' cards are not recovered: their set is replaced (`replacement.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import (
    administrators,
    cards,
    operator_cards,
    passphrases,
    pin_blob,
    quorum,
    softcard_changes,
    softcards,
    tokens,
    worlds,
)
from hsm_emulator.acl import Right
from hsm_emulator.dialogue import WORLD, CardAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import CardFact, Mode
from hsm_emulator.operator_messages import PinRecovered, SoftcardRecovered
from hsm_emulator.profiles import FIPS
from hsm_emulator.quorum import LTU
from hsm_emulator.sharing import Share
from hsm_emulator.state import demand, recall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.cards import Membership
    from hsm_emulator.operator_cards import OperatorCards
    from hsm_emulator.operator_messages import RecoverSoftcard
    from hsm_emulator.pin_blob import PinBlob
    from hsm_emulator.quorum import Call
    from hsm_emulator.sharing import Place
    from hsm_emulator.state import Memory, State
    from hsm_emulator.worlds import World

_LTP: Final = "LTP"


def recover_pin(state: State, call: Call) -> tuple[State, PinRecovered]:
    """Give an operator's card a new PIN.

    1. Mode, and a world with passphrase recovery.
    2. Its quorum of administrators opens KP.
    3. The card is of a set that was made recoverable; its share is sealed under the new PIN and read back.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter in a world without passphrase recovery, Cancelled and those
            of wrong PINs. Nothing was changed but PIN tries.
    """
    memory, world = _ready(state, "cardpp --recover")  # 1
    state, opened, read = _open(state, memory, world, call)  # 2
    kp = world.use_key("KP", opened, Right.DECRYPT)
    serial, membership, made, blob = _next_card(state, memory, call)  # 3
    shares = {LTU: _unseal(blob, made.place(membership.index), kp)}
    if made.fips:  # one card opens LTFIPS: every card's share is the token
        shares[FIPS] = Share(index=membership.index, value=opened[FIPS])
    wanted = made.card_set(memory)
    mine = tuple(shares[name] for name in wanted.module_keys)
    state = passphrases.seal_under_new_pin(state, serial, membership, wanted, shares=mine, call=call)
    card = CardFact(number=membership.index, serial=serial)
    return cards.clear(state, serial), PinRecovered(read=read, cards=(card,))


def recover_softcard(state: State, command: RecoverSoftcard, call: Call) -> tuple[State, SoftcardRecovered]:
    """Give a softcard a new PIN, as `recover_pin` does for a card.

    Raises:
        Refused: as `recover_pin`; UnknownID for a softcard that is not there; InvalidParameter for one that was not
            made recoverable, before any card is asked for.
    """
    memory, world = _ready(state, "ppmk --recover")
    made = tokens.find_softcard(state, memory, command.token)
    if made.recovery is None:
        raise Refused(Status.INVALID_PARAMETER, f"{made.words} was made without passphrase recovery")
    state, opened, read = _open(state, memory, world, call)
    share = _unseal(made.recovery, made.membership.place(LTU), world.use_key("KP", opened, Right.DECRYPT))
    state, made = softcard_changes.seal(softcards.count_tries(state, made), memory, made, share, call)
    reply = SoftcardRecovered(read=read, hkltu=made.hkltu, file=state.fact(made.path))
    return cards.clear(state, made.serial), reply


def _ready(state: State, command: str) -> tuple[Memory, World]:
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, command)
    world = worlds.load(state, memory)
    administrators.demand_kp(world.keys)
    return memory, world


def _open(
    state: State, memory: Memory, world: World, call: Call
) -> tuple[State, Mapping[str, bytes], tuple[CardFact, ...]]:
    """Read the quorum for passphrase recovery; it opens LTP, and LTFIPS in a strict FIPS world."""
    return quorum.read_quorum(state, world.card_set(memory, _LTP, FIPS), world.checks, call)


def _next_card(state: State, memory: Memory, call: Call) -> tuple[str, Membership, OperatorCards, PinBlob]:
    """Ask for cards until one is of a set whose PINs can be recovered."""
    ask = CardAsk(purpose="read", set_name=WORLD, number=None, done=0, total=1)
    while True:
        serial, membership = quorum.next_written(state, call, ask)
        made = next((one for one in tokens.card_sets(state, memory) if one.hkltu == membership.set_id), None)
        if made is None:
            call.dialogue.tell(f"card {serial} is no operator's of this world: it is {quorum.describe(membership)}")
            continue
        if not quorum.is_of(membership, serial, made.card_set(memory), call):
            continue
        blob = operator_cards.read_blob(state, made, membership.index, memory)
        if blob is not None:
            return serial, membership, made, blob
        call.dialogue.tell(f"card {serial} is of {made.words}, which was made without passphrase recovery")


def _unseal(blob: PinBlob, place: Place, kp: bytes) -> Share:
    share = pin_blob.unseal(blob, place, kp)
    if share is None:
        raise Refused(Status.DECRYPT_FAILED, f"the recovery blob of token {place.set_id} does not open under KP")
    return share
