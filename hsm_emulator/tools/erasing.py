"""`initunit` and `bulkerase`: a module without its world, and cards without what is on them. Both ask before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages, world_messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, add_module

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _initunit(_options: Namespace, at: Installation) -> str:
    module = at.module()
    if module.mode is not messages.Mode.INITIALIZATION:
        words = f"initunit needs the module in initialization mode; it is in {module.mode.value} mode"
        raise Refused(Status.INVALID_STATE, words)
    what = f"Security World {module.hknso}" if module.hknso else "no Security World"
    if at.operator.line(f"Module 1 is in {what}. This erases it with its NVRAM. Type yes: ") != "yes":
        raise Refused(Status.CANCELLED, "the module stays as it is; nothing was changed")
    at.change(world_messages.EraseModule(), world_messages.ModuleErased)
    return f"{MARK}\nModule 1 is in no Security World; the world's files stay where they are\n"


def _bulkerase(_options: Namespace, at: Installation) -> str:
    serials: list[str] = []
    while serial := at.operator.line("Insert a card to erase: type its serial, or nothing to go on: "):
        shown = at.look(messages.ExamineCard(serial=serial), messages.CardExamined)
        what = f"{shown.set_name} #{shown.number} of world {shown.hknso}" if shown.set_name else "blank card"
        replaced = ", of a set that was replaced" if shown.replaced else ""
        at.operator.show(f"Module 1 slot 0: {what}{replaced}")
        if at.operator.line(f"Erase card {serial}? Type yes: ") == "yes":
            serials.append(serial)
    if not serials:
        raise Refused(Status.CANCELLED, "no card is to be erased; nothing was changed")
    done = at.change(world_messages.EraseCards(serials=tuple(serials)), world_messages.CardsErased)
    lines = [f"erased        {serial}" for serial in done.serials] + [f"removed       {name}" for name in done.names]
    return "\n".join([MARK, *lines, ""])


def _add_module(parser: Parser) -> None:
    add_module(parser)


TOOLS: Final = (
    Tool(
        name="initunit",
        does="Make the module forget its Security World",
        needs="the module in initialization mode; no cards",
        erases="the module's keys and NVRAM, after asking; the world's files stay, and its cards bring the module back",
        run=_initunit,
        add=_add_module,
    ),
    Tool(
        name="bulkerase",
        does="Erase cards, each after asking; all of them or none",
        needs="the cards; in a strict FIPS world one card more, which authorises it",
        erases="the cards, and with the last card of operators their set's files; never cards of the world's own set",
        run=_bulkerase,
        add=_add_module,
    ),
)
