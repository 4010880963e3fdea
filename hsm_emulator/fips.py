"""Strict FIPS worlds (FIPS 140-2 level 3): some commands need a card of the world, any one, whose token opens KFIPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator import quorum
from hsm_emulator.acl import Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.profiles import FIPS
from hsm_emulator.world_messages import WorldMode

if TYPE_CHECKING:
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory, State
    from hsm_emulator.worlds import World


def demand_card(state: State, memory: Memory, world: World, call: Call) -> State:
    """Return the state after one card of the world authorised a command; unchanged in an unrestricted world.

    The card is of the Administrator Card Set and opens with its PIN, which is stricter than what is documented of the
    device. A card of another set or world is named, and the slot keeps waiting.

    Raises:
        Refused: StrictFIPS140 where no card is put in; DecryptFailed or TokenAuthFailed after the last wrong PIN.
    """
    if world.profile.mode is not WorldMode.FIPS_140_LEVEL_3:
        return state
    try:
        state, tokens, _ = quorum.read_quorum(state, world.card_set(memory, FIPS), world.checks, call)
    except Refused as refusal:
        if refusal.status is not Status.CANCELLED:
            raise
        words = "FIPS token not present: in a FIPS 140-2 level 3 world one card of the world has to authorise this"
        raise Refused(Status.STRICT_FIPS_140, words) from None
    world.use_key("KFIPS", tokens, Right.USE_AS_CERTIFICATE)
    return state
