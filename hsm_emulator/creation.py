"""`new-world --initialize`: a Security World and its Administrator Card Set are made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hsm_emulator import byok, crypto, quorum, sharing, tries, worlds
from hsm_emulator.errors import Refused, Status
from hsm_emulator.messages import Mode, NewWorld, WorldMade
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, State, demand, km_hash, recall, remember
from hsm_emulator.worlds import TOKENS, AdminKey

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.quorum import Call

SUITES: Final = frozenset(
    {
        "DLf1024s160mDES3",
        "DLf1024s160mRijndael",
        "DLf3072s256mRijndael",
        "DLf3072s256mAEScSP800131Ar1",
        "ECp521mAES",
    }
)
"""Cipher suites a world can be made with; the name is kept and changes no algorithm here (declared)."""

KRE_BITS: Final = 3072


def new_world(state: State, command: NewWorld, call: Call) -> tuple[State, WorldMade]:
    """Create a world and its card set, erasing the one the module holds.

    1. Mode, suite, quorum and what locks a card.
    2. Fresh KML, KM0 and administrator keys; what the old world left is gone.
    3. All cards written, read back and recombined.
    4. World file, module file and the module's memory, for one commit.

    Raises:
        Refused: InvalidState, InvalidParameter, Cancelled, TokenAssemblyFailed. Nothing was changed.
    """
    memory = recall(state)
    demand(memory, Mode.INITIALIZATION, "new-world")  # 1
    if command.cipher_suite not in SUITES:
        words = f"there is no cipher suite {command.cipher_suite!r}; there are {', '.join(sorted(SUITES))}"
        raise Refused(Status.INVALID_PARAMETER, words)
    needed = Quorum(k=command.threshold, n=command.cards)
    tries.demand_policy(command.lockout)
    keys = _make_keys(call.draw)  # 2
    tokens = {name: call.draw.take(sharing.TOKEN) for name in TOKENS}
    hknso, km = keys["KNSO"].hash, keys["KM"].secret
    made = worlds.new_card_set(hknso, needed, tokens, km, lockout=command.lockout)
    state, written = quorum.write_set(state.without(frozenset(state.local())), made, tokens, memory.scrypt_n, call)  # 3
    memory = replace(  # 4
        memory,
        kml=crypto.signing_key(call.draw),
        km0=call.draw.take(32),
        km=km,
        hknso=hknso,
        cards=written,
        counters={},
    )
    world = worlds.render_world(command.cipher_suite, made, tokens, keys, call.draw)
    module = worlds.render_module(state.esn, memory, keys["KMC"])
    state = state.put({worlds.PATH: world, f"{LOCAL}module_{state.esn}": module})
    worlds.load(state, memory)
    return remember(state, memory, call.draw), WorldMade(
        hknso=hknso, hkm=keys["KM"].hash, hkre=keys["KRE"].hash, cards=written, world=state.fact(worlds.PATH)
    )


def _make_keys(draw: Draw) -> dict[str, AdminKey]:
    kre = draw.rsa(KRE_BITS)
    keys = {}
    for token, names in TOKENS.items():
        for name in names:
            if name == "KRE":
                public, secret = crypto.rsa_public_der(kre), crypto.rsa_private_der(kre)
                digest = byok.public_key_hash(public)
            elif name in {"KM", "KP"}:
                public, secret = b"", draw.take(32)
                digest = km_hash(secret) if name == "KM" else crypto.key_hash("kp", secret)
            else:
                secret = crypto.signing_key(draw)
                public = crypto.verify_key(secret)
                digest = byok.knso_hash(public) if name == "KNSO" else crypto.key_hash(name.lower(), public)
            keys[name] = AdminKey(token=token, hash=digest, public=public, secret=secret)
    return keys
