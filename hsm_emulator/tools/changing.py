"""Tools that change a device in the vendor's syntax. Each is one request; what is refused has changed nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hsm_emulator import messages
from hsm_emulator.errors import EmulatorError, Refused, Status
from hsm_emulator.messages import Mode
from hsm_emulator.pages import MARK
from hsm_emulator.state import LOCAL
from hsm_emulator.tools.arguments import Tool, UsageError, add_json, add_module, quorum, whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.messages import ModuleState
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

WAIT: Final = 60
"""Seconds that new-world waits for initialization mode where `--wait-limit` does not say; the device waits for ever."""

_POLL: Final = 0.5

_PARAMETERS: Final = {
    "protect": "module",
    "type": "RSA",
    "size": "2048",
    "pubexp": "",
    "ident": "",
    "plainname": "",
    "nvram": "no",
}
"""What generatekey knows and asks for where it is not given, in that order, with the answer an empty line means."""

_INITIALIZE: Final = "initialize"

_FIXED: Final = {"recovery": "yes", "verify": "yes", "slot": "0"}

_PROTECTORS: Final = {"token": "cardset", "softcard": "softcard"}
"""By which parameter generatekey is told what protects the key besides the module."""


class WaitedTooLongError(EmulatorError):
    """The module did not come into the mode that was waited for. Nothing was changed."""


def _nopclearfail(options: Namespace, at: Installation) -> str:
    mode = options.mode or at.module().mode
    at.change(messages.ChangeMode(mode=mode), messages.ModeChanged)
    return f"{MARK}\nModule 1, command ClearUnitEx: OK\n"


def _new_world(options: Namespace, at: Installation) -> str:
    if options.action != _INITIALIZE:
        raise UsageError(f"there is no tool for --{options.action} yet; see docs/emulator.md")
    if options.cipher_suite is None or options.acs_quorum is None:
        raise UsageError("--initialize needs --cipher-suite and --acs-quorum: nothing is assumed")
    module = _await_initialization(at, options.wait_limit)
    if module.hknso and at.operator.line(f"This erases world {module.hknso} and all its keys. Type yes: ") != "yes":
        raise Refused(Status.CANCELLED, "the module keeps its Security World; nothing was changed")
    at.operator.show(f"{MARK}\nCreate Security World:")
    k, n = options.acs_quorum
    command = messages.NewWorld(
        cipher_suite=options.cipher_suite, threshold=k, cards=n, lockout=options.emu_pin_lockout
    )
    made = at.change(command, messages.WorldMade)
    return f"Card writing complete.\n\nsecurity world generated on module #1; hknso = {made.hknso}\n"


def _await_initialization(at: Installation, limit: int) -> ModuleState:
    """Return the module once it is in initialization mode; others can reach it while this waits."""
    end = time.monotonic() + limit
    told = False
    while (module := at.module()).mode is not Mode.INITIALIZATION:
        words = f"module 1 is in {module.mode.value} mode; new-world needs initialization mode"
        if time.monotonic() >= end:
            raise WaitedTooLongError(f"{words}, and {limit} s were waited for it; nothing was changed")
        if not told:
            at.operator.show(f"{words}. Waiting for up to {limit} s.")
            told = True
        time.sleep(_POLL)
    return module


def _generatekey(options: Namespace, at: Installation) -> str:
    given = _parameters(options.parameters)
    module = at.module()
    if not module.usable:  # before anybody answers prompts
        words = f"generatekey needs a Security World and operational mode; module 1 is in {module.mode.value} mode"
        raise Refused(Status.INVALID_STATE, words)
    for name, usual in _PARAMETERS.items():
        if name not in given:
            given[name] = at.operator.line(f"{name} [{usual}]: ") or usual
    ident = given["ident"].lower()
    note = f"The identifier is written small: {ident}\n" if ident != given["ident"] else ""
    for name, only in _FIXED.items():
        if given.get(name, only) != only:
            raise Refused(Status.INVALID_PARAMETER, f"{name}={given[name]} is not modelled; only {name}={only}")
    if given["nvram"] not in {"yes", "no"}:
        raise Refused(Status.INVALID_PARAMETER, f"nvram is yes or no, not {given['nvram']!r}")
    size = whole(given["size"])
    by = _protector(given, at)
    command = messages.GenerateKey(
        app=options.generate,
        ident=ident,
        plainname=given["plainname"],
        type=given["type"],
        size=size,
        protect=given["protect"],
        nvram=given["nvram"] == "yes",
        pubexp=given["pubexp"],
        token=by,
    )
    made = at.change(command, messages.KeyGenerated)
    table = {"operation": "generate", "application": options.generate, **given, "ident": ident}
    lines = [f" {name:<12} {value}" for name, value in table.items()]
    path = at.folder / LOCAL / made.file.name
    return "\n".join(
        [
            f"{note}{MARK}",
            "key generation parameters:",
            *lines,
            "Key successfully generated.",
            f"Path to key: {path}",
            "",
        ]
    )


def _protector(given: dict[str, str], at: Installation) -> str:
    """Return the name of the card set or softcard that protects the key; asked for where it is not given."""
    wanted = _PROTECTORS.get(given["protect"], "")
    for name in _PROTECTORS.values():
        if name in given and name != wanted:
            raise Refused(Status.INVALID_PARAMETER, f"{name} is for another protection than protect={given['protect']}")
    if not wanted:
        return ""
    if wanted not in given:
        given[wanted] = at.operator.line(f"{wanted}: ")
    if not given[wanted]:
        raise Refused(Status.INVALID_PARAMETER, f"protect={given['protect']} needs {wanted}=NAME")
    at.operator.show(f"Loading `{given[wanted]}':")
    return given[wanted]


def whole(text: str) -> int:
    """Return the size that a text names.

    Raises:
        Refused: InvalidParameter, it is no whole number of up to five digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len("99999")):
        raise Refused(Status.INVALID_PARAMETER, f"{text!r} is no size of a key in bits")
    return int(text)


def _parameters(words: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        known = {*_PARAMETERS, *_FIXED, *_PROTECTORS.values()}
        if not equals or name not in known:
            raise UsageError(f"{word!r} is no parameter; there are {', '.join(sorted(known))}")
        if name in given:
            raise UsageError(f"{name} is given twice")
        given[name] = value
    return given


def _cardpp(options: Namespace, at: Installation) -> str:
    return {"examine": _examine, "check": _check_card, "change": _change_card}[options.what](options, at)


def _examine(options: Namespace, at: Installation) -> str:
    from hsm_emulator.dialogue import ACS
    from hsm_emulator.tools.looking import json_page

    serial = at.operator.line("Insert a card: type its serial, or nothing to cancel: ")
    if not serial:
        raise Refused(Status.CANCELLED, "no card; nothing was looked at")
    shown = at.look(messages.ExamineCard(serial=serial), messages.CardExamined)
    if options.json:
        from dataclasses import asdict

        return json_page(card=asdict(shown))
    if not shown.set_name:
        return f"{MARK}\nModule 1 slot 0: blank card\n"
    name = shown.set_name if shown.set_name == ACS else f"`{shown.set_name}'"
    page = (
        f"{MARK}\nModule 1 slot 0: {name} #{shown.number} of {shown.cards}, {shown.threshold} needed,"
        f" of world {shown.hknso}\n"
    )
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


def _add_nopclearfail(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for words, mode in (
        (("-I", "--initialization"), Mode.INITIALIZATION),
        (("-O", "--operational"), Mode.OPERATIONAL),
        (("--maintenance",), Mode.MAINTENANCE),
    ):
        what.add_argument(*words, dest="mode", action="store_const", const=mode, help=f"change to {mode.value} mode")
    what.add_argument("-c", "--clear", action="store_true", help="clear the module's memory and stay in its mode")
    which = parser.add_mutually_exclusive_group()
    add_module(which)
    which.add_argument("-a", "--all", action="store_true", help="all modules, which is the one")
    parser.add_argument("--wait", action="store_true", help="wait for the module; it never takes time here")


def _add_new_world(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for short, action, does in (
        ("-i", _INITIALIZE, "make a new Security World"),
        ("-l", "program", "no tool for it yet"),
        ("-e", "factory", "not modelled"),
    ):
        what.add_argument(short, f"--{action}", dest="action", action="store_const", const=action, help=does)
    add_module(parser)
    parser.add_argument("-c", "--cipher-suite", metavar="SUITE", help="such as DLf3072s256mRijndael")
    parser.add_argument("-Q", "--acs-quorum", metavar="K/N", type=quorum, help="K of N cards open it, such as 2/3")
    parser.add_argument(
        "--emu-pin-lockout",
        metavar="N",
        type=whole_number,
        default=0,
        help="N wrong passphrases in a row lock a card for good (the emulator's own; default: it only waits longer)",
    )
    parser.add_argument(
        "--wait-limit",
        metavar="SECONDS",
        type=whole_number,
        default=WAIT,
        help=f"how long to wait for initialization mode (default: {WAIT}; an extension of the emulator)",
    )


def _add_generatekey(parser: Parser) -> None:
    parser.add_argument("--generate", metavar="APP", required=True, help="the application: simple")
    parser.add_argument("parameters", metavar="NAME=VALUE", nargs="*", help="what is not given is asked for")
    add_module(parser)


def _add_cardpp(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for name, does in (
        ("examine", "say what the card is; asks for no passphrase"),
        ("check", "check its passphrase"),
        ("change", "change its passphrase"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=does)
    add_module(parser)
    add_json(parser)


TOOLS: Final = (
    Tool(
        name="nopclearfail",
        does="Clear the module, and change its mode",
        needs="a module in any mode; no cards",
        erases="what the module's memory held; keys and world stay",
        run=_nopclearfail,
        add=_add_nopclearfail,
    ),
    Tool(
        name="new-world",
        does="Make a Security World and its Administrator Card Set",
        needs="the module in initialization mode, which is waited for; N blank cards, each with a new passphrase",
        erases="the world the module is in and all its keys, after asking",
        interrupted="nfkminfo says whether there is a new world; where not, run it again with the same cards",
        run=_new_world,
        add=_add_new_world,
    ),
    Tool(
        name="generatekey",
        does="Generate a key that the module, a card set or a softcard protects",
        needs="a Security World; the module in operational mode; a card set's quorum, or a softcard's passphrase",
        interrupted="nfkminfo -k says whether the key is there; where not, run it again",
        run=_generatekey,
        add=_add_generatekey,
    ),
    Tool(
        name="cardpp",
        does="Examine a card, or check or change its passphrase",
        needs="a card; to check or change, the world it is of and the module in operational mode",
        erases="with --change the old passphrase",
        interrupted="cardpp --check says which passphrase the card has; a try that was broken off is a wrong one",
        run=_cardpp,
        add=_add_cardpp,
    ),
)
