"""`preload`, and the slot between commands: what is in the module's memory, and what takes it out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator import cards, keyfile, loading, ram, tokens, worlds
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.operator_messages import CardEjected, CardInserted, Preloaded, Unloaded
from hsm_emulator.ram import LoadedToken
from hsm_emulator.state import demand, recall

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.operator_messages import EjectCard, InsertCard, Preload, Unload
    from hsm_emulator.quorum import Call
    from hsm_emulator.ram import Ram
    from hsm_emulator.state import State


def preload(state: State, command: Preload, call: Call) -> tuple[State, Preloaded]:
    """Load a card set or softcard and keep it. The last card that was read stays in the slot.

    Raises:
        Refused: InvalidState, UnknownID, Cancelled, and those of wrong PINs. Nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "preload")
    worlds.load(state, memory)
    token = tokens.find(state, memory, command.hkltu)
    before = ram.recall(state).secrets(call.now_ms())
    state, secret, read = loading.load(state, memory, token, call)
    if token.hkltu in before:
        return state, Preloaded(hkltu=token.hkltu, cards=())
    inside = ram.recall(state)
    if read:
        inside = inside.with_card(read[-1].serial)
    loaded = LoadedToken(
        hkltu=token.hkltu,
        name=token.name,
        protect=keyfile.CARDS if isinstance(token, OperatorCards) else keyfile.SOFTCARD,
        persistent=not isinstance(token, OperatorCards) or token.persistent,
        timeout=token.timeout if isinstance(token, OperatorCards) else 0,
        loaded_ms=call.now_ms(),
        token=secret,
    )
    return ram.remember(state, inside.with_token(loaded), call.draw), Preloaded(hkltu=token.hkltu, cards=read)


def unload(state: State, command: Unload, call: Call) -> tuple[State, Unloaded]:
    """Forget tokens. The slot stays as it is."""
    inside = ram.recall(state)
    after = inside.without(frozenset(command.hkltus))
    return ram.remember(state, after, call.draw), Unloaded(hkltus=_gone(inside, after))


def insert_card(state: State, command: InsertCard, draw: Draw) -> tuple[State, CardInserted]:
    """Put a card into the slot; the one that is in it is taken out.

    Raises:
        Refused: UnknownID, there is no such card.
    """
    if not cards.known(state, command.serial):
        raise Refused(Status.UNKNOWN_ID, f"there is no card {command.serial}")
    inside = ram.recall(state)
    after = inside.with_card(command.serial)
    return ram.remember(state, after, draw), CardInserted(serial=command.serial, hkltus=_gone(inside, after))


def eject_card(state: State, command: EjectCard, draw: Draw) -> tuple[State, CardEjected]:
    """Take a card out of the slot: what is not persistent is unloaded with it.

    Raises:
        Refused: PhysTokenNotPresent, that card is not in the slot.
    """
    inside = ram.recall(state)
    if inside.slot != command.serial or not inside.slot:
        raise Refused(Status.PHYS_TOKEN_NOT_PRESENT, f"card {command.serial} is not in the slot")
    after = inside.with_card("")
    return ram.remember(state, after, draw), CardEjected(serial=command.serial, hkltus=_gone(inside, after))


def _gone(before: Ram, after: Ram) -> tuple[str, ...]:
    left = {token.hkltu for token in after.tokens}
    return tuple(token.hkltu for token in before.tokens if token.hkltu not in left)
