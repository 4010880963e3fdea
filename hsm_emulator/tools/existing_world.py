"""Tools for a Security World that is there: other cards for it (racs), a module into it or out of it (new-world).

What is printed before and after the cards is the emulator's own, but for `Card reading complete.`, `Card writing
complete.` and the lines about the slot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages, world_messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, add_module
from hsm_emulator.tools.waiting import await_initialization
from hsm_emulator.tools.world_options import properties

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.messages import ModuleState
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

_WORLD: Final = "world"


def program(options: Namespace, at: Installation) -> str:
    """Bring the module into the world in its folder; what cannot be is refused before anybody waits or puts in a card.

    Raises:
        UsageError: the world's own properties are named.
        Refused: UnknownID, InvalidState, and those of reading cards.
        WaitedTooLongError: the module did not come into initialization mode.
    """
    if properties(options):
        raise UsageError("--program takes the cipher suite, the quorum and all else of the world that is there")
    _demand_loadable(at.module())
    _demand_loadable(await_initialization(at, "new-world", options.wait_limit))
    at.operator.show(f"{MARK}\nProgram Security World:")
    loaded = at.change(messages.LoadWorld(threshold=0), messages.WorldLoaded)
    lines = ["Card reading complete.", "", f"module #1 is in Security World {loaded.hknso}", f"hkm {loaded.hkm}"]
    return "\n".join([*lines, ""])


def factory(options: Namespace, at: Installation) -> str:
    """Make the module as it came: in no world. The world's files stay, and its cards bring the module back into it.

    Raises:
        UsageError: properties of a world are named.
        Refused: Cancelled.
        WaitedTooLongError: as `program`.
    """
    if properties(options):
        raise UsageError("--factory makes no world, and takes no properties of one")
    module = await_initialization(at, "new-world", options.wait_limit)
    what = f"Security World {module.hknso}" if module.hknso else "no Security World"
    if at.operator.line(f"Module 1 is in {what}. This erases its keys, counters and NVRAM. Type yes: ") != "yes":
        raise Refused(Status.CANCELLED, "the module stays as it is; nothing was changed")
    at.change(world_messages.EraseModule(), world_messages.ModuleErased)
    return f"{MARK}\nmodule #1 is in no Security World; the world's files stay where they are\n"


def _demand_loadable(module: ModuleState) -> None:
    if module.hknso:
        words = f"module 1 is in Security World {module.hknso} already; a module is in one world"
        raise Refused(Status.INVALID_STATE, words)
    if all(file.name != _WORLD for file in module.files):
        words = "no existing world to load: put its files back first (emu file restore)"
        raise Refused(Status.UNKNOWN_ID, words)


def _racs(_options: Namespace, at: Installation) -> str:
    at.demand_usable("racs")
    at.operator.show(f"{MARK}\nReplace Administrator Card Set: first cards of the old set, then blank cards")
    made = at.change(messages.ReplaceCards(), messages.CardsReplaced)
    lines = [
        "Card writing complete.",
        "",
        f"Administrator Card Set of world {made.hknso} replaced",
        *(f"card {card.number}        {card.serial}" for card in made.cards),
        "The world file has changed: back it up. The old cards still open every older copy of it: destroy both.",
    ]
    return "\n".join([*lines, ""])


def _add_racs(parser: Parser) -> None:
    add_module(parser)


TOOLS: Final = (
    Tool(
        name="racs",
        does="Replace the Administrator Card Set by a new one of the same quorum",
        needs="a Security World; the module in operational mode; K cards of the old set, N blank cards",
        erases="nothing; the old cards open the changed world file no more",
        interrupted="nfkminfo says which cards are the set; where the old ones are, run it again with the same cards",
        run=_racs,
        add=_add_racs,
    ),
)
