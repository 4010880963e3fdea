"""Cards that do not belong to a device's world: a blank one, a worn-out one, and one of another world.

The other world is real: a module is made for it in memory, and thrown away once its one card is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import cards, creation, module
from hsm_emulator.dialogue import Pin
from hsm_emulator.facts import Mode
from hsm_emulator.faults import BLANK, OTHER, WORN
from hsm_emulator.messages import ChangeMode, NewWorld
from hsm_emulator.quorum import Call
from hsm_emulator.state import recall

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.dialogue import CardAsk, PinAsk
    from hsm_emulator.state import State

SUITE = "DLf3072s256mRijndael"


class _Owner:
    """Who made the other world with its one card."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def card(self, _ask: CardAsk) -> str | None:
        return OTHER

    def pin(self, _ask: PinAsk) -> Pin:
        return Pin(self._draw.take(16).hex())

    def tell(self, _words: str) -> None:
        """Nobody reads it."""


def lay_out(state: State, draw: Draw) -> State:
    """Return the state with the three cards `BLANK`, `WORN` and `OTHER` beside the module.

    Raises:
        Refused: AlreadyExists, one of them is there.
    """
    state = cards.blank(state, (BLANK, WORN, OTHER), draw)
    image = state.files[cards.image(WORN)]
    state = state.put({cards.image(WORN): image[: len(image) // 2]})
    other = module.manufacture("SIM9-9999-0001", recall(state).scrypt_n, draw)
    other = cards.blank(other, (OTHER,), draw)
    other, _ = module.change_mode(other, ChangeMode(mode=Mode.INITIALIZATION), draw)
    call = Call(draw=draw, now_ms=lambda: 0, dialogue=_Owner(draw), keep=lambda _: None)
    other, _ = creation.new_world(other, NewWorld(cipher_suite=SUITE, threshold=1, cards=1), call)
    paths = (cards.image(OTHER), cards.chip_path(OTHER))
    return replace(state, files={**state.files, **{path: other.files[path] for path in paths}})
