"""Tools of the emulator for what people carry from one installation to another: cards, and the files of a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool
from hsm_emulator.tools.installation import Installation

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser


def _carry(options: Namespace, at: Installation) -> str:
    """Take cards from one stack to another: they are there first, and only then gone here.

    Broken off in between both have them; the same command line again goes on.
    """
    source = Installation(folder=at.path(options.source), operator=at.operator)
    if source.folder.resolve() == at.folder.resolve():
        raise Refused(Status.INVALID_PARAMETER, "the cards are in that installation already")
    with source.device() as there, at.device() as here:
        stack = {card.serial: card for card in there.all_cards()}
        if missing := [serial for serial in options.serials if serial not in stack]:
            raise Refused(Status.UNKNOWN_ID, f"there is no card {', '.join(missing)} in {source.folder}")
        carried = [stack[serial] for serial in dict.fromkeys(options.serials)]
        here.take_cards(carried)
        there.give_cards(carried)
    return "\n".join([MARK, *(f"carried       {card.serial}" for card in carried), ""])


def _restore(options: Namespace, at: Installation) -> str:
    path = at.path(options.file)
    command = messages.RestoreFile(name=path.name, content=at.read(options.file))
    file = at.change(command, messages.FileRestored).file
    return f"{MARK}\nrestored      {file.name}  {file.size} B  {file.sha256}\n"


def _add_carry(parser: Parser) -> None:
    parser.add_argument("--from", dest="source", metavar="FOLDER", required=True, help="the installation they are in")
    parser.add_argument("serials", metavar="SERIAL", nargs="+", help="the cards")


def _add_restore(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="the file, under the name that it had in the world's folder")


TOOLS: Final = (
    Tool(
        name="emu card carry",
        does="Carry cards from another installation to this one",
        needs="both installations, which nobody else has open; no card here has one of the serials",
        erases="nothing; the cards are in this installation then, and no more in the other",
        run=_carry,
        add=_add_carry,
    ),
    Tool(
        name="emu file restore",
        does="Put a file of a backup back into the world's folder",
        needs="a module in no Security World; files of one world only; no cards",
        run=_restore,
        add=_add_restore,
    ),
)
