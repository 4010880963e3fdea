"""What erases: `initunit` a module, `bulkerase`, `createocs --erase` and `slotinfo --format` cards. All ask before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages, world_messages
from hsm_emulator.dialogue import card_name
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, add_module
from hsm_emulator.tools.waiting import add_wait_limit, await_initialization

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _initunit(options: Namespace, at: Installation) -> str:
    module = await_initialization(at, "initunit", options.wait_limit)
    what = f"Security World {module.hknso}" if module.hknso else "no Security World"
    if at.operator.line(f"Module 1 is in {what}. This erases it with its NVRAM. Type yes: ") != "yes":
        raise Refused(Status.CANCELLED, "the module stays as it is; nothing was changed")
    at.change(world_messages.EraseModule(), world_messages.ModuleErased)
    return f"{MARK}\nModule 1 is in no Security World; the world's files stay where they are\n"


def _bulkerase(_options: Namespace, at: Installation) -> str:
    return erase_cards(at, "bulkerase")


def erase_cards(at: Installation, tool: str) -> str:
    """Show cards one after the other, ask of each, and erase all that are to be; return the page.

    Raises:
        Refused: InvalidState in another mode, Cancelled, and those of the device.
    """
    _demand_mode(at, tool)
    serials: list[str] = []
    while serial := at.operator.line("Insert a card to erase: type its serial, or nothing to go on: "):
        if _is_to_be_erased(at, serial):
            serials.append(serial)
    return _erase(at, serials)


def format_card(at: Installation) -> str:
    """Erase the card in slot 0, or, where the slot is empty, the one that is put in, after asking; return the page.

    Raises:
        Refused: as `erase_cards`.
    """
    from hsm_emulator import operator_messages

    _demand_mode(at, "slotinfo --format")
    serial = at.look(operator_messages.ListOperators(), operator_messages.OperatorsListed).slot.serial
    serial = serial or at.operator.line("Insert a card to format: type its serial, or nothing to cancel: ")
    return _erase(at, [serial] if serial and _is_to_be_erased(at, serial) else [])


def _demand_mode(at: Installation, tool: str) -> None:
    mode = at.module().mode
    if mode not in {Mode.OPERATIONAL, Mode.INITIALIZATION}:  # before anybody puts in a card
        words = f"{tool} needs operational or initialization mode; module 1 is in {mode.value} mode"
        raise Refused(Status.INVALID_STATE, words)


def _is_to_be_erased(at: Installation, serial: str) -> bool:
    shown = at.look(messages.ExamineCard(serial=serial), messages.CardExamined)
    world = f" of world {shown.hknso}" if shown.set_name else ""
    replaced = ", of a set that was replaced" if shown.replaced else ""
    at.operator.show(f"Module 1 slot 0: {card_name(shown.set_name, shown.number)}{world}{replaced}")
    return at.operator.line(f"Erase card {serial}? Type yes: ") == "yes"


def _erase(at: Installation, serials: Sequence[str]) -> str:
    if not serials:
        raise Refused(Status.CANCELLED, "no card is to be erased; nothing was changed")
    done = at.change(world_messages.EraseCards(serials=tuple(serials)), world_messages.CardsErased)
    lines = [f"erased        {serial}" for serial in done.serials] + [f"removed       {name}" for name in done.names]
    return "\n".join([MARK, *lines, ""])


def _add_initunit(parser: Parser) -> None:
    add_module(parser)
    add_wait_limit(parser)


def _add_bulkerase(parser: Parser) -> None:
    add_module(parser)


TOOLS: Final = (
    Tool(
        name="initunit",
        does="Make the module forget its Security World",
        needs="the module in initialization mode, which is waited for; no cards",
        interrupted="nfkminfo says whether the module is still in its world; where it is, run it again",
        erases="the module's keys and NVRAM, after asking; the world's files stay, and its cards bring the module back",
        run=_initunit,
        add=_add_initunit,
    ),
    Tool(
        name="bulkerase",
        interrupted="cardpp --examine says whether a card is blank; where none of them is, run it again",
        does="Erase cards, each after asking; all of them or none",
        needs=(
            "the cards; the module in operational or initialization mode; in a strict FIPS world one card more, which "
            "authorises it"
        ),
        erases="the cards, and with the last card of operators their set's files; never cards of the world's own set",
        run=_bulkerase,
        add=_add_bulkerase,
    ),
)
