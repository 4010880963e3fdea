"""PINs of administrators' and operators' cards: what a card is, whether its PIN is right, a new PIN (cardpp)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import cards, profiles, quorum, tokens, worlds
from hsm_emulator.dialogue import ACS, WORLD, CardAsk, PinAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import CardFact, Mode
from hsm_emulator.messages import CardExamined, PinChanged, PinChecked
from hsm_emulator.quorum import SALT
from hsm_emulator.state import demand, recall

if TYPE_CHECKING:
    from hsm_emulator.cards import Membership
    from hsm_emulator.messages import ExamineCard
    from hsm_emulator.quorum import Call, CardSet
    from hsm_emulator.sharing import Share
    from hsm_emulator.state import State


def examine_card(state: State, command: ExamineCard) -> CardExamined:
    """Say what is written on a card; needs no PIN and no world.

    Raises:
        Refused: InvalidState, the module failed; UnknownID, there is no such card; HostDataInvalid, it is unreadable.
    """
    if recall(state).mode is Mode.FAILED:
        raise Refused(Status.INVALID_STATE, "the module has failed, and reads no card")
    if not cards.known(state, command.serial):
        raise Refused(Status.UNKNOWN_ID, f"there is no card {command.serial}")
    membership, inside = cards.read(state, command.serial), cards.chip(state, command.serial)
    if membership is None:
        return CardExamined(
            serial=command.serial,
            set_name="",
            number=0,
            cards=0,
            threshold=0,
            hknso="",
            failures=0,
            lockout=0,
            replaced=False,
        )
    return CardExamined(
        serial=command.serial,
        set_name=membership.set_name,
        number=membership.index,
        cards=membership.quorum.n,
        threshold=membership.quorum.k,
        hknso=membership.world,
        failures=inside.failures,
        lockout=inside.lockout,
        replaced=_is_replaced(state, membership),
    )


def _is_replaced(state: State, membership: Membership) -> bool:
    """Say whether a card is of another Administrator Card Set than the one of the world that the module is in."""
    memory = recall(state)
    if memory.km is None or membership.set_name != ACS or membership.world != memory.hknso:
        return False
    try:
        return worlds.load(state, memory).set_id != membership.set_id
    except Refused:  # the world file is of no use, and nothing is known
        return False


def check_pin(state: State, call: Call) -> tuple[State, PinChecked]:
    """Check the PIN of a card of the world: an administrator's or an operator's.

    Raises:
        Refused: InvalidState, no usable world, Cancelled, DecryptFailed or TokenAuthFailed. Nothing was changed but
            PIN tries.
    """
    serial, membership, wanted = _next_card(state, call)
    state, _ = quorum.with_pin(state, serial, membership, wanted, call)
    return state, PinChecked(cards=(CardFact(number=membership.index, serial=serial),))


def change_pin(state: State, call: Call) -> tuple[State, PinChanged]:
    """Seal a card's shares under a new PIN.

    1. The card opens with its PIN.
    2. The same shares are sealed under the new one, with a new salt.
    3. The card is read back: it gives the same shares.

    Raises:
        Refused: as `check_pin`, and TokenAssemblyFailed where the card does not read back.
    """
    serial, membership, wanted = _next_card(state, call)
    state, shares = quorum.with_pin(state, serial, membership, wanted, call)  # 1
    state = seal_under_new_pin(state, serial, membership, wanted, shares=shares, call=call)  # 2, 3
    return state, PinChanged(cards=(CardFact(number=membership.index, serial=serial),))


def seal_under_new_pin(
    state: State, serial: str, membership: Membership, wanted: CardSet, *, shares: tuple[Share, ...], call: Call
) -> State:
    """Return the state in which a card has its shares of the set's tokens under a new PIN, and was read back.

    Raises:
        Refused: Cancelled; TokenAssemblyFailed where the card does not read back.
    """
    ask = PinAsk(
        set_name=wanted.name, number=membership.index, serial=serial, new=True, attempt=1, left=0, wait_seconds=0
    )
    pin = call.dialogue.pin(ask)
    inside = cards.chip(state, serial)
    fresh = replace(membership, salt=call.draw.take(SALT), shares={})
    named = dict(zip(wanted.module_keys, shares, strict=True))
    stretched = cards.stretch(fresh, pin)
    sealed = cards.seal_shares(fresh, inside, stretched, wanted.module_keys, shares=named, draw=call.draw)
    state = cards.write(state, serial, sealed)
    written = cards.read(state, serial)
    if written is None or cards.open_shares(written, inside, pin, wanted.module_keys) != shares:
        raise Refused(Status.TOKEN_ASSEMBLY_FAILED, f"card {serial} does not read back; nothing was changed")
    return state


def _next_card(state: State, call: Call) -> tuple[str, Membership, CardSet]:
    """Ask for cards until one is of the world; return its serial, what is written on it, and the set it is of.

    Raises:
        Refused: InvalidState, no usable world, Cancelled.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "cardpp")
    world = worlds.load(state, memory)
    ask = CardAsk(purpose="read", set_name=WORLD, number=None, done=0, total=1)
    while True:
        serial, membership = quorum.next_written(state, call, ask)
        sets = [made for made in tokens.card_sets(state, memory) if made.hkltu == membership.set_id]
        wanted = sets[0].card_set(memory) if sets else world.card_set(memory, *profiles.TOKENS)
        if quorum.is_of(membership, serial, wanted, call):
            return serial, membership, wanted
