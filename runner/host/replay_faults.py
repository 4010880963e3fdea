"""What a fault of a scripted ceremony has somebody do wrong at the card slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.host.simulated_room import STRANGE
from runner.host.simulated_slot import Slip

if TYPE_CHECKING:
    from runner.document.replay import Fault

ANOTHER_WORLD: Final = "another-world"
"""How a fault names a card of another world; any other card is named by its serial."""


def slip_of(fault: Fault) -> Slip | None:
    """Return what goes wrong at the card slot; None where the fault is another one."""
    if fault.other_card is not None:
        card = STRANGE if fault.other_card.card == ANOTHER_WORLD else fault.other_card.card
        return Slip(step=fault.at, person=fault.other_card.person, does="other_card", card=card)
    if fault.no_card is not None:
        return Slip(step=fault.at, person=fault.no_card, does="no_card")
    if fault.wrong_pin is not None:
        return Slip(step=fault.at, person=fault.wrong_pin, does="wrong_pin")
    return None
