"""`new-world --initialize`: a Security World and its Administrator Card Set are made."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import administrators, byok, crypto, nvram, profiles, quorum, sharing, worlds
from hsm_emulator.acl import OpPermissions, Right
from hsm_emulator.administrators import AdminKey
from hsm_emulator.facts import Mode
from hsm_emulator.limits import Since
from hsm_emulator.messages import NewWorld, WorldMade
from hsm_emulator.profiles import TOKENS
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, State, demand, km_hash, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call

KRE_BITS: Final = 3072


def new_world(state: State, command: NewWorld, call: Call) -> tuple[State, WorldMade]:
    """Create a world and its card set, erasing the one the module holds.

    1. Mode, quorum, and what the world is to be.
    2. Fresh KML, KM0 and administrator keys; the files of an old world are set aside.
    3. All cards written, read back and recombined.
    4. World file, module file and the module's memory, for one commit, if KNSO's time has not run out.

    Raises:
        Refused: InvalidState, InvalidParameter, Cancelled, TokenAssemblyFailed, TimeLimitExceeded. Nothing was changed.
    """
    memory = recall(state)
    demand(memory, Mode.INITIALIZATION, "new-world")  # 1
    needed = Quorum(k=command.threshold, n=command.cards)
    profile = profiles.profile_of(command, needed)
    keys, made_ms = _make_keys(profile.tokens, call.draw), call.now_ms()  # 2
    tokens = {name: call.draw.take(sharing.TOKEN) for name in profile.tokens}
    hknso, km = keys["KNSO"].hash, keys["KM"].secret
    made = worlds.new_card_set(hknso, needed, profile, tokens, km)
    state, written = quorum.write_set(nvram.wipe(_set_aside(state)), made, tokens, memory.scrypt_n, call)  # 3
    since = Since(uses=0, age_ms=call.now_ms() - made_ms)  # 4
    sign = OpPermissions(rights=frozenset({Right.SIGN}))
    administrators.demand("KNSO", keys["KNSO"].token, profile.nso_timeout, sign, since)
    memory = replace(
        memory,
        kml=crypto.signing_key(call.draw),
        km0=call.draw.take(32),
        km=km,
        hknso=hknso,
        cards=written,
        counters={},
    )
    world = worlds.render_world(profile, made, tokens, keys, call.draw)
    module = worlds.render_module(state.esn, memory, keys["KMC"])
    state = state.put({worlds.PATH: world, f"{LOCAL}module_{state.esn}": module})
    worlds.load(state, memory)
    hkre = keys["KRE"].hash if "KRE" in keys else ""
    return remember(state, memory, call.draw), WorldMade(
        hknso=hknso, hkm=keys["KM"].hash, hkre=hkre, cards=written, world=state.fact(worlds.PATH)
    )


def _set_aside(state: State) -> State:
    """Return the state with the folder of the old world's files under another name: local01, and so on."""
    old = state.local()
    names = (f"{LOCAL.rstrip('/')}{number:02d}/" for number in count(1))
    folder = next(name for name in names if not any(path.startswith(name) for path in state.files))
    kept = {folder + path.removeprefix(LOCAL): state.files[path] for path in old}
    return state.without(frozenset(old)).put(kept)


def _make_keys(tokens: tuple[str, ...], draw: Draw) -> dict[str, AdminKey]:
    keys = {}
    for token in tokens:
        for name in TOKENS[token]:
            if name == "KRE":
                kre = draw.rsa(KRE_BITS)
                public, secret = crypto.rsa_public_der(kre), crypto.rsa_private_der(kre)
                digest = byok.public_key_hash(public)
            elif name == "KP":
                kp = draw.rsa(KRE_BITS)
                public, secret = crypto.rsa_public_der(kp), crypto.rsa_private_der(kp)
                digest = crypto.key_hash("kp", public)
            elif name == "KM":
                public, secret = b"", draw.take(32)
                digest = km_hash(secret)
            else:
                secret = crypto.signing_key(draw)
                public = crypto.verify_key(secret)
                digest = byok.knso_hash(public) if name == "KNSO" else crypto.key_hash(name.lower(), public)
            keys[name] = AdminKey(token=token, hash=digest, public=public, secret=secret)
    return keys
