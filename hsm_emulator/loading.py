"""A token is loaded: a quorum of its card set, or the PIN of its softcard, gives LTU."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hsm_emulator import quorum, ram, sharing, softcards
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.quorum import LTU
from hsm_emulator.softcards import Softcard

if TYPE_CHECKING:
    from hsm_emulator.facts import CardFact
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory, State
    from hsm_emulator.tokens import Token


def load(state: State, memory: Memory, token: Token, call: Call) -> tuple[State, bytes, tuple[CardFact, ...]]:
    """Return a token: out of the module's memory where it is loaded, else with the operators' cards or PIN.

    Returns:
        The state with the tries as they are now, the token, and the cards that were read for it.

    Raises:
        Refused: Cancelled, DecryptFailed or TokenAuthFailed after the last ask, TokenAssemblyFailed.
    """
    secret = ram.recall(state).secrets(call.now_ms()).get(token.hkltu)
    if secret is not None:
        return state, secret, ()
    match token:
        case OperatorCards():
            state, tokens, read = quorum.read_quorum(state, token.card_set(memory, LTU), {LTU: token.check}, call)
            return state, tokens[LTU], read
        case Softcard():
            state, share = open_softcard(state, memory, token, call)
            return state, sharing.assemble([share], softcards.ONE, LTU, token.hkltu, token.check), ()
        case _:
            assert_never(token)


def open_softcard(state: State, memory: Memory, token: Softcard, call: Call) -> tuple[State, sharing.Share]:
    """Return a softcard's share, with its PIN; each try is durable before the PIN is looked at.

    Raises:
        Refused: DecryptFailed or TokenAuthFailed after the last ask.
    """
    state = softcards.count_tries(state, token)
    state, shares = quorum.with_pin(state, token.serial, token.membership, token.card_set(memory), call)
    return state, shares[0]
