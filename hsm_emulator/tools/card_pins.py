"""`cardpp`: what a card is, and its passphrase checked, changed, or replaced by the administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, add_json, add_module, demand_json

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _cardpp(options: Namespace, at: Installation) -> str:
    demand_json(options, "examine")
    return {"examine": _examine, "check": _check_card, "change": _change_card, "recover": _recover_card}[options.what](
        options, at
    )


def _examine(options: Namespace, at: Installation) -> str:
    from hsm_emulator.dialogue import card_name
    from hsm_emulator.tools.looking import json_page

    serial = at.operator.line("Insert a card: type its serial, or nothing to cancel: ")
    if not serial:
        raise Refused(Status.CANCELLED, "no card; nothing was looked at")
    shown = at.look(messages.ExamineCard(serial=serial), messages.CardExamined)
    if options.json:
        return json_page(card=shown)
    page = f"{MARK}\nModule 1 slot 0: {card_name(shown.set_name, shown.number)}"
    if not shown.set_name:
        return f"{page}\n"
    page += f" of {shown.cards}, {shown.threshold} needed, of world {shown.hknso}\n"
    if shown.replaced:
        page += "It is of a set that was replaced.\n"
    if not shown.lockout:
        return page
    locked = "it is locked" if shown.failures >= shown.lockout else f"{shown.failures} so far"
    return f"{page}Locked after {shown.lockout} wrong passphrases in a row; {locked}.\n"


def _check_card(_: Namespace, at: Installation) -> str:
    card = at.change(messages.CheckPin(), messages.PinChecked).cards[0]
    return f"{MARK}\nCard reading complete.\nThe passphrase of card {card.serial} is right.\n"


def _change_card(_: Namespace, at: Installation) -> str:
    card = at.change(messages.ChangePin(), messages.PinChanged).cards[0]
    return f"{MARK}\nCard writing complete.\nThe passphrase of card {card.serial} was changed.\n"


def _recover_card(_: Namespace, at: Installation) -> str:
    from hsm_emulator import operator_messages

    made = at.change(operator_messages.RecoverPin(), operator_messages.PinRecovered)
    return f"{MARK}\nCard writing complete.\nThe passphrase of card {made.cards[0].serial} was replaced.\n"


def _add_cardpp(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for name, does in (
        ("examine", "say what the card is; asks for no passphrase"),
        ("check", "check its passphrase"),
        ("change", "change its passphrase"),
        ("recover", "replace the passphrase of an operator's card without the old one"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=does)
    add_module(parser)
    add_json(parser)


TOOLS: Final = (
    Tool(
        name="cardpp",
        does="Examine a card, or check, change or replace its passphrase",
        needs="a card; but to examine it, its world and operational mode; with --recover, administrators' cards first",
        erases="with --change and --recover the old passphrase",
        interrupted="cardpp --check says which passphrase the card has; a try that was broken off is a wrong one",
        run=_cardpp,
        add=_add_cardpp,
    ),
)
