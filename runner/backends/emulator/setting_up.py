"""What a rehearsal begins with: a module and its cards, a world that is there already, cards from another room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import messages
from hsm_emulator.device import CardAsk, Device, Pin, PinAsk
from hsm_emulator.facts import Mode
from runner.backends.emulator.inside import Inside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.backends.interface import Secret

SUITE: Final = "DLf3072s256mRijndael"
"""The cipher suite of worlds that a rehearsal begins with."""

LOCAL: Final = "kmdata/local"
"""Where the world's files are in the installation's folder."""


def make_hsm(folder: Path, *, serial: str, cards: Sequence[str], inside: Inside | None = None) -> None:
    """Make a new emulated module in operational mode with a stack of blank cards beside it.

    Args:
        folder: the installation's new folder.
        serial: the module's serial; contains SIM.
        cards: serials of the blank cards; each begins with SIM.
        inside: what it stands on; the real ones by default.
    """
    on = inside or Inside()
    with Device.manufacture(
        folder, esn=serial, draw=on.draw, clock=on.clock, scrypt_n=on.scrypt_n, disk=on.disk
    ) as device:
        device.blank_cards(cards)
        if on.faults is not None:
            device.lay_out_strangers()


class _Stack(Struct, frozen=True, kw_only=True):
    """Whoever made the world before a rehearsal begins: puts in these cards in order, each with its PIN."""

    cards: tuple[tuple[str, Secret], ...]

    def card(self, ask: CardAsk) -> str | None:
        return self.cards[ask.done][0]

    def pin(self, ask: PinAsk) -> Pin:
        return Pin(dict(self.cards)[ask.serial].reveal())

    def tell(self, _words: str) -> None:
        """Nobody reads it."""


def make_world(
    folder: Path, *, threshold: int, cards: Sequence[tuple[str, Secret]], mode: str, inside: Inside | None = None
) -> None:
    """Put a module that `make_hsm` made into a new world: what a rehearsal of a later ceremony begins with.

    Args:
        folder: the installation.
        threshold: how many of the cards open the world.
        cards: serial and PIN of each card, blank until now, by number.
        mode: what mode the module is in afterwards.
        inside: what it stands on; the real ones by default.
    """
    on = inside or Inside()
    stack = _Stack(cards=tuple(cards))
    commands: tuple[messages.Change, ...] = (
        messages.ChangeMode(mode=Mode.INITIALIZATION),
        messages.NewWorld(cipher_suite=SUITE, threshold=threshold, cards=len(cards)),
        messages.ChangeMode(mode=Mode(mode)),
    )
    with on.device_in(folder) as device:
        for number, command in enumerate(commands, 1):
            device.change(command, f"before-{number}", stack)


def lay_out_cards(source: Path, target: Path, *, inside: Inside | None = None) -> None:
    """Put the written cards of one installation into another one too, where no card has that serial yet.

    Args:
        source: the installation whose cards they are; nothing is changed there, so both have them afterwards.
        target: the other one.
        inside: what both stand on; the real things by default.
    """
    on = inside or Inside()
    with on.device_in(source) as device:
        written = [card for card in device.all_cards() if not _is_blank(device, card.serial)]
    with on.device_in(target) as device:
        there = {card.serial for card in device.all_cards()}
        if fresh := [card for card in written if card.serial not in there]:
            device.take_cards(fresh)


def _is_blank(device: Device, serial: str) -> bool:
    shown = device.look(messages.ExamineCard(serial=serial))
    return isinstance(shown, messages.CardExamined) and not shown.set_name
