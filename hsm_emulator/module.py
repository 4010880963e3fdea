"""The module itself: how it leaves the factory, its mode switch, and what it says of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import attestation, cards, crypto, encoding, keyfile, ram, worlds
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode, ModeChanged, ModuleState
from hsm_emulator.profiles import TOKEN_OF
from hsm_emulator.state import Memory, State, make_device_secret, recall, remember
from hsm_emulator.world_messages import WorldFact

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.worlds import World

ESN: Final = re.compile(r"(?=[0-9A-Z-]*SIM)[0-9A-Z-]{4,40}")


def manufacture(esn: str, scrypt_n: int, draw: Draw) -> State:
    """Return a module fresh from the factory: no world, operational mode, certified by the emulated maker.

    Raises:
        Refused: InvalidParameter for a serial number that does not say it is simulated, or an impossible scrypt cost.
    """
    if not ESN.fullmatch(esn):
        raise Refused(Status.INVALID_PARAMETER, f"{esn!r} is no simulated serial number such as SIM0-0000-0001")
    if scrypt_n not in cards.COSTS:
        raise Refused(Status.INVALID_PARAMETER, "the scrypt cost is a power of two from 2^4 to 2^20")
    klf2 = crypto.signing_key(draw)
    body = {"esn": esn, "klf2": encoding.text(crypto.verify_key(klf2))}
    memory = Memory(
        klf2=klf2,
        kml=crypto.signing_key(draw),
        km0=draw.take(32),
        km=None,
        hknso="",
        mode=Mode.OPERATIONAL,
        cards=(),
        counters={},
        generated=0,
        scrypt_n=scrypt_n,
        warrant=attestation.to_data(attestation.issue(Kind.WARRANT, body, attestation.ROOT_PRIVATE)),
    )
    return remember(make_device_secret(State(esn=esn, files={}), draw), memory, draw)


def change_mode(state: State, command: ChangeMode, draw: Draw) -> tuple[State, ModeChanged]:
    """Move the mode switch and clear the module. Allowed in every mode, also to the one it is in.

    Raises:
        Refused: InvalidParameter: no switch makes a module fail.
    """
    if command.mode is Mode.FAILED:
        raise Refused(Status.INVALID_PARAMETER, "no mode switch makes a module fail")
    memory = replace(recall(state), mode=command.mode)
    return remember(ram.clear(state, draw), memory, draw), ModeChanged(mode=command.mode)


def cleared_mode(mode: Mode) -> Mode:
    """Return the mode that a module is in after a clear: one that failed comes back in operational mode."""
    return Mode.OPERATIONAL if mode is Mode.FAILED else mode


def fail(state: State, draw: Draw) -> State:
    """Return the state of a module that failed: what its memory held is lost, and it does nothing till a clear."""
    return remember(ram.clear(state, draw), replace(recall(state), mode=Mode.FAILED), draw)


def enquire(state: State, audit_size: int, audit_head: str) -> ModuleState:
    """Say what the module is. `usable` means: a world, its file as KNSO signed it, and operational mode."""
    memory = recall(state)
    world = _world(state, memory)
    return ModuleState(
        esn=state.esn,
        mode=memory.mode,
        hknso=memory.hknso,
        usable=world is not None and memory.mode is Mode.OPERATIONAL,
        keys=keyfile.listing(state),
        cards=memory.cards,
        files=tuple(state.fact(path) for path in state.local()),
        world=None if world is None else _fact(world),
        audit_size=audit_size,
        audit_head=audit_head,
    )


def _world(state: State, memory: Memory) -> World | None:
    """Return the world that the module is in, None where there is none or its file is not as it was signed."""
    try:
        return worlds.load(state, memory)
    except Refused:
        return None


def _fact(world: World) -> WorldFact:
    """Return what is said of a world."""
    profile, k = world.profile, world.quorum.k
    has = {feature: token for feature, token in TOKEN_OF.items() if token in profile.tokens}
    return WorldFact(
        suite=profile.suite,
        mode=profile.mode,
        threshold=k,
        cards=world.quorum.n,
        nso_timeout=profile.nso_timeout,
        features=tuple((feature, profile.thresholds.get(token, k)) for feature, token in has.items()),
        hashes=tuple((f"hk{name.lower()[1:]}", key.hash) for name, key in world.keys.items()),
    )
