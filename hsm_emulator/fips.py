"""Strict FIPS worlds (FIPS 140-2 level 3): some commands need a card of the world, any one, whose token opens KFIPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import quorum, tokens
from hsm_emulator.acl import Right
from hsm_emulator.dialogue import WORLD, CardAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.profiles import FIPS
from hsm_emulator.world_messages import WorldMode

if TYPE_CHECKING:
    from hsm_emulator.cards import Membership
    from hsm_emulator.quorum import Call, CardSet
    from hsm_emulator.state import Memory, State
    from hsm_emulator.worlds import World

_ASK: Final = CardAsk(purpose="read", set_name=WORLD, number=None, done=0, total=1)


def authorise(state: State, memory: Memory, world: World, call: Call) -> tuple[State, bytes]:
    """Return the state after one card of the world authorised a command, and LTFIPS.

    In an unrestricted world the state is unchanged, and b"" stands for the token. The card is of administrators or
    operators and opens with its PIN, which is stricter than what is documented of the device. A card of another world
    is named, and the slot keeps waiting.

    Raises:
        Refused: StrictFIPS140 where no card is put in; DecryptFailed or TokenAuthFailed after the last wrong PIN.
    """
    if world.profile.mode is not WorldMode.FIPS_140_LEVEL_3:
        return state, b""
    while True:
        serial, membership = _next_card(state, call)
        wanted = _set_of(membership, state, memory, world)
        if quorum.is_of(membership, serial, wanted, call):
            state, shares = quorum.with_pin(state, serial, membership, wanted, call)
            token = shares[0].value  # one card opens it: the share is the token
            world.use_key("KFIPS", {FIPS: token}, Right.USE_AS_CERTIFICATE)
            return state, token


def _next_card(state: State, call: Call) -> tuple[str, Membership]:
    try:
        return quorum.next_written(state, call, _ASK)
    except Refused as refusal:
        if refusal.status is not Status.CANCELLED:
            raise
        words = "FIPS token not present: in a FIPS 140-2 level 3 world one card of the world has to authorise this"
        raise Refused(Status.STRICT_FIPS_140, words) from None


def _set_of(membership: Membership, state: State, memory: Memory, world: World) -> CardSet:
    """Return the operators' set that a card says it is of, else the world's own."""
    for made in tokens.card_sets(state, memory):
        if made.hkltu == membership.set_id:
            return made.card_set(memory, FIPS)
    return world.card_set(memory, FIPS)
