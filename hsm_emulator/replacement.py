"""`racs`: a new Administrator Card Set takes the place of the old one; the world and its keys stay what they are.

What the module cannot do is reported where it shows (`quorum.read_quorum`): the old cards and the world file of before
still belong together, so both are destroyed by whoever has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import quorum, sharing, worlds
from hsm_emulator.acl import MakeBlob, OpPermissions, Right
from hsm_emulator.facts import Mode
from hsm_emulator.limits import LOADED, Since
from hsm_emulator.messages import CardsReplaced
from hsm_emulator.profiles import TOKENS
from hsm_emulator.state import State, demand, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.quorum import Call


def replace_cards(state: State, call: Call) -> tuple[State, CardsReplaced]:
    """Replace the card set by one of the same quorum on blank cards.

    1. Mode and world.
    2. A quorum of the old set opens every administrator key, and they are this world's.
    3. New tokens; all new cards written, read back and recombined.
    4. The world file with the same keys under the new tokens, for one commit, if KNSO's time has not run out.

    Raises:
        Refused: InvalidState, UnknownID, Cancelled, DecryptFailed, TokenAssemblyFailed, TimeLimitExceeded and those of
            a changed world file. Nothing was changed but PIN tries; the old set still works.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "racs")  # 1
    world = worlds.load(state, memory)
    old = world.card_set(memory, *TOKENS)
    state, tokens, read = quorum.read_quorum(state, old, world.checks, call)  # 2
    loaded_ms = call.now_ms()
    world.open_km(tokens)
    keys = {name: world.admin_key(name, tokens) for name in world.keys}
    for name, key in keys.items():
        world.demand_use(name, MakeBlob(under=key.token), LOADED)
    fresh = {name: call.draw.take(sharing.TOKEN) for name in world.profile.tokens}  # 3
    made = worlds.new_card_set(world.hknso, world.quorum, world.profile, fresh, memory.module_key)
    state, written = quorum.write_set(state, made, fresh, memory.scrypt_n, call)
    since = Since(uses=0, age_ms=call.now_ms() - loaded_ms)  # 4
    world.demand_use("KNSO", OpPermissions(rights=frozenset({Right.SIGN})), since)
    state = state.put({worlds.PATH: worlds.render_world(world.profile, made, fresh, keys, call.draw)})
    memory = replace(memory, cards=written)
    worlds.load(state, memory)
    reply = CardsReplaced(hknso=world.hknso, read=read, cards=written, world=state.fact(worlds.PATH))
    return remember(state, memory, call.draw), reply
