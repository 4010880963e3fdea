"""What `ppmk` does: a softcard is made, its PIN checked or changed, and it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import (
    administrators,
    cards,
    fips,
    keyfile,
    loading,
    pin_blob,
    ram,
    sharing,
    softcards,
    tokens,
    worlds,
)
from hsm_emulator.dialogue import PinAsk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.operator_messages import SoftcardChanged, SoftcardChecked, SoftcardCreated, SoftcardDeleted
from hsm_emulator.quorum import LTU, SALT
from hsm_emulator.state import State, demand, recall

if TYPE_CHECKING:
    from hsm_emulator.operator_messages import ChangeSoftcard, CheckSoftcard, CreateSoftcard, DeleteSoftcard
    from hsm_emulator.quorum import Call
    from hsm_emulator.sharing import Share
    from hsm_emulator.softcards import Softcard
    from hsm_emulator.state import Memory
    from hsm_emulator.worlds import World


def create_softcard(state: State, command: CreateSoftcard, call: Call) -> tuple[State, SoftcardCreated]:
    """Make a softcard with a new PIN. Several may have one name, as on the device.

    1. Mode, world and name; in a strict FIPS world, a card that authorises.
    2. A fresh token; its share is sealed under the new PIN and read back.

    Raises:
        Refused: InvalidState, UnknownID, InvalidParameter, Cancelled, StrictFIPS140, TokenAssemblyFailed. Nothing was
            changed but PIN tries.
    """
    memory, world = _ready(state)  # 1
    tokens.check_name(command.name, [])
    kp = administrators.demand_kp(world.keys) if command.recoverable else b""
    state, _ = fips.authorise(state, memory, world, call)
    token = call.draw.take(sharing.TOKEN)  # 2
    hkltu = tokens.hkltu_of(token)
    made = softcards.empty(
        memory.hknso,
        hkltu,
        command.name,
        check=sharing.check_value(token, LTU, hkltu),
        salt=b"",
        scrypt_n=memory.scrypt_n,
    )
    (share,) = sharing.split(token, softcards.ONE, call.draw)
    if kp:
        made = replace(made, recovery=pin_blob.seal(share, made.membership.place(LTU), kp, call.draw))
    state, made = seal(softcards.count_tries(state, made), memory, made, share, call)
    return state, SoftcardCreated(hkltu=hkltu, file=state.fact(made.path))


def check_softcard(state: State, command: CheckSoftcard, call: Call) -> tuple[State, SoftcardChecked]:
    """Check the PIN of a softcard.

    Raises:
        Refused: InvalidState, UnknownID, DecryptFailed or TokenAuthFailed. Nothing was changed but PIN tries.
    """
    memory, _ = _ready(state)
    made = tokens.find_softcard(state, memory, command.token)
    state, _ = loading.open_softcard(state, memory, made, call)
    return state, SoftcardChecked(hkltu=made.hkltu)


def change_softcard(state: State, command: ChangeSoftcard, call: Call) -> tuple[State, SoftcardChanged]:
    """Seal a softcard's share under a new PIN, once it opened with the old one.

    Raises:
        Refused: as `check_softcard`, and Cancelled.
    """
    memory, _ = _ready(state)
    made = tokens.find_softcard(state, memory, command.token)
    state, share = loading.open_softcard(state, memory, made, call)
    state, made = seal(state, memory, made, share, call)
    return state, SoftcardChanged(hkltu=made.hkltu, file=state.fact(made.path))


def delete_softcard(state: State, command: DeleteSoftcard, call: Call) -> tuple[State, SoftcardDeleted]:
    """Remove a softcard that protects no key: its file, the count of its tries, and its token from memory.

    Raises:
        Refused: InvalidState, UnknownID; ObjectInUse where it protects a key, which would be lost with it.
    """
    memory, _ = _ready(state)
    made = tokens.find_softcard(state, memory, command.token)
    if keys := [f"{key.app} {key.ident}" for key in keyfile.listing(state) if key.hkltu == made.hkltu]:
        raise Refused(Status.OBJECT_IN_USE, f"{made.words} protects {', '.join(keys)}")
    file = state.fact(made.path)
    state = softcards.forget_tries(state, made).without(frozenset({made.path}))
    state = ram.remember(state, ram.recall(state).without(frozenset({made.hkltu})), call.draw)
    return state, SoftcardDeleted(hkltu=made.hkltu, file=file)


def _ready(state: State) -> tuple[Memory, World]:
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "ppmk")
    return memory, worlds.load(state, memory)


def seal(state: State, memory: Memory, made: Softcard, share: Share, call: Call) -> tuple[State, Softcard]:
    """Return the softcard with its share sealed under a new PIN, with a new salt, and read back.

    Raises:
        Refused: Cancelled; TokenAssemblyFailed where it does not read back.
    """
    ask = PinAsk(set_name=made.name, number=1, serial=made.serial, new=True, attempt=1, left=0, wait_seconds=0)
    pin = call.dialogue.pin(ask)
    keys = made.card_set(memory).module_keys
    inside = cards.chip(state, made.serial)
    fresh = replace(made.membership, salt=call.draw.take(SALT), shares={})
    sealed = cards.seal_shares(fresh, inside, cards.stretch(fresh, pin), keys, shares={LTU: share}, draw=call.draw)
    made = replace(made, membership=sealed)
    state = state.put({made.path: softcards.render_softcard(made, memory, call.draw)})
    written = tokens.find_softcard(state, memory, made.hkltu)
    if cards.open_shares(written.membership, inside, pin, keys) != (share,):
        raise Refused(Status.TOKEN_ASSEMBLY_FAILED, f"{made.words} does not read back; nothing was changed")
    return state, made
