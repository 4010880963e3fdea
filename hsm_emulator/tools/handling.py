"""Tools of the emulator for what people do with their hands: cards, power, a failure, the clock, a self test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator.handling import CopyCard, FailModule, LoseCard, SetClock, SwitchPower
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, signed_number
from hsm_emulator.tools.looking import json_page

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.handling import Act
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _do(at: Installation, act: Act, words: str) -> str:
    with at.device() as device:
        device.handle(act)
    return f"{MARK}\n{words}\n"


def _copy(options: Namespace, at: Installation) -> str:
    words = f"card          {options.copy}: what can be read of {options.serial}; its chip is another"
    return _do(at, CopyCard(serial=options.serial, copy=options.copy), words)


def _lose(options: Namespace, at: Installation) -> str:
    return _do(at, LoseCard(serial=options.serial), f"lost          {options.serial}")


def _cut(_options: Namespace, at: Installation) -> str:
    return _do(at, SwitchPower(on=False), "power         off; what the module held in its memory is lost")


def _on(_options: Namespace, at: Installation) -> str:
    return _do(at, SwitchPower(on=True), "power         on")


def _fail(_options: Namespace, at: Installation) -> str:
    return _do(at, FailModule(), "module        failed; nopclearfail or a power cut brings it back")


def _clock(options: Namespace, at: Installation) -> str:
    return _do(at, SetClock(seconds=options.off), f"clock         {options.off:+d} s from the machine's")


def _selftest(options: Namespace, at: Installation) -> str:
    with at.device() as device:
        held = device.self_test()
    if options.json:
        return json_page(held=list(held))
    return "\n".join([MARK, *(f"ok            {line}" for line in held), ""])


def _add_nothing(_parser: Parser) -> None:
    """There are no options."""


def _add_card(parser: Parser) -> None:
    parser.add_argument("serial", metavar="SERIAL", help="the card")


def _add_copy(parser: Parser) -> None:
    _add_card(parser)
    parser.add_argument("copy", metavar="NEW", help="the serial of the new plastic; begins with SIM")


def _add_clock(parser: Parser) -> None:
    parser.add_argument(
        "--off", metavar="SECONDS", type=signed_number, required=True, help="from the machine's clock; 0 sets it right"
    )


def _add_selftest(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object")


_BY_HAND: Final = "an installation; no power"

TOOLS: Final = (
    Tool(
        name="emu card copy",
        does="Copy what can be read of a card onto a new one, as a copier would; it opens nothing",
        needs=_BY_HAND,
        interrupted="run it again; it is refused where the copy is there",
        run=_copy,
        add=_add_copy,
    ),
    Tool(
        name="emu card lose",
        does="Lose a card for good",
        needs=_BY_HAND,
        interrupted="run it again; it is refused where the card is gone",
        erases="the card",
        run=_lose,
        add=_add_card,
    ),
    Tool(
        name="emu power cut",
        does="Cut the module's power",
        needs=_BY_HAND,
        erases="what the module holds in its memory",
        run=_cut,
        add=_add_nothing,
    ),
    Tool(name="emu power on", does="Switch the module's power on", needs=_BY_HAND, run=_on, add=_add_nothing),
    Tool(
        name="emu module fail",
        does="Let the module fail, as a defect would",
        needs="an installation, its module with power",
        erases="what the module holds in its memory",
        interrupted="enquiry says whether it failed",
        run=_fail,
        add=_add_nothing,
    ),
    Tool(
        name="emu clock",
        does="Set the module's clock off from the machine's",
        needs=_BY_HAND,
        run=_clock,
        add=_add_clock,
    ),
    Tool(
        name="emu selftest",
        does="Have the module try its cryptography against published answers, and read what it holds",
        needs="a module in any mode; no cards",
        run=_selftest,
        add=_add_selftest,
    ),
)
