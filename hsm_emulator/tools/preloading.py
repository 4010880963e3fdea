"""Tools about what stays in the module and its slot between command lines: `preload`, and `emu card insert|eject`.

Attested is how preload's lines begin and end (research, section 4); the rest is the emulator's own.
"""

from __future__ import annotations

import argparse
import shlex
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import operator_messages as messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.keyfile import MODULE
from hsm_emulator.naming import called
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, add_json, add_module, tool_name
from hsm_emulator.tools.operator import Operator

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from hsm_emulator.facts import KeyFact
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

EXIT: Final = "exit"
PAUSE: Final = "pause"


def _preload(options: Namespace, at: Installation) -> str:
    if not options.command:
        return f"{MARK}\nNothing to do.\n"
    shows = _demand_command(options)
    if options.json:
        at = replace(at, operator=Operator(aside=True))
    keys = _keys(options, at.demand_usable("preload").keys)
    given = shlex.join(_given(options))
    at.operator.show(f"{MARK}\n{_log(f'Preload running with: {given}')}".rstrip())
    loaded: list[str] = []
    keep = False
    try:
        for hkltu in _wanted(options, at, keys):
            _load(at, hkltu, loaded)
        at.operator.show(_log(f"Loading complete. {_what(options.command)}").rstrip())
        page = _pages(options, at, keys) if shows else ""
        if options.command == [PAUSE]:
            at.operator.line("The module keeps what is loaded until you press Enter. ")
        keep = options.command == [EXIT]
    finally:
        if loaded and not keep:
            at.change(messages.Unload(hkltus=tuple(loaded)), messages.Unloaded)
    return page


def _demand_command(options: Namespace) -> bool:
    """Say whether the command shows keys; refuse one that is not known here."""
    if (options.app is None) != (options.ident is None):
        raise UsageError("-A and -K belong together")
    if options.command in ([EXIT], [PAUSE]):
        return False
    name, rest = tool_name(options.command)
    if name != "aclprint" or rest:
        raise UsageError(f"preload runs aclprint.py here, or pause, or exit, not {' '.join(options.command)!r}")
    if options.app is None:
        raise UsageError("aclprint.py needs -A and -K")
    return True


def _given(options: Namespace) -> list[str]:
    words = ["-m", options.module]
    for option, values in (
        ("-c", options.cardset),
        ("--cardset-name", options.cardset_name),
        ("-s", options.softcard),
        ("-A", [options.app] if options.app else []),
        ("-K", [options.ident] if options.ident else []),
    ):
        for value in values:
            words += [option, value]
    return [*words, *options.command]


def _what(command: list[str]) -> str:
    return {EXIT: "Exiting", PAUSE: "Pausing"}.get(command[0], f"Executing subprocess {shlex.join(command)}")


def _keys(options: Namespace, there: Sequence[KeyFact]) -> list[KeyFact]:
    """Return the keys that were asked for.

    Raises:
        Refused: UnknownKey, saying which there are.
    """
    if options.app is None:
        return []
    found = [key for key in there if key.app == options.app and fnmatchcase(key.ident, options.ident)]
    if not found:
        names = ", ".join(f"{key.app} {key.ident}" for key in there) or "none"
        hint = " (the application is written with a small L: xferacld)" if options.app == "xferacId" else ""
        words = f"there is no key {options.app} {options.ident}{hint}; there are: {names}"
        raise Refused(Status.UNKNOWN_KEY, words)
    return found


def _wanted(options: Namespace, at: Installation, keys: list[KeyFact]) -> list[str]:
    """Return the hashes of the tokens that were named, and of those that protect the keys, each once."""
    there = at.look(messages.ListOperators(), messages.OperatorsListed)
    named = [
        *(called(there.card_sets, name, "card set").hkltu for name in (*options.cardset, *options.cardset_name)),
        *(called(there.softcards, name, "softcard").hkltu for name in options.softcard),
        *(key.hkltu for key in keys if key.protect != MODULE),
    ]
    return list(dict.fromkeys(named))


def _load(at: Installation, hkltu: str, loaded: list[str]) -> None:
    there = at.look(messages.ListOperators(), messages.OperatorsListed)
    if hkltu not in {token.hkltu for token in there.loaded}:
        at.change(messages.Preload(hkltu=hkltu), messages.Preloaded)
        loaded.append(hkltu)


def _pages(options: Namespace, at: Installation, keys: list[KeyFact]) -> str:
    from hsm_emulator.tools.looking import acl_facts, inspect, json_page

    shown = [inspect(at, key.app, key.ident) for key in keys]
    if options.json:
        return json_page(keys=[acl_facts(key) for key in shown])
    return "".join(key.acl for key in shown)


def _log(words: str) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())}: [1]: INFO: {words}\n"


def _insert(options: Namespace, at: Installation) -> str:
    made = at.change(messages.InsertCard(serial=options.serial), messages.CardInserted)
    return _moved(f"card {made.serial} is in the slot", made.hkltus)


def _eject(options: Namespace, at: Installation) -> str:
    made = at.change(messages.EjectCard(serial=options.serial), messages.CardEjected)
    return _moved(f"card {made.serial} was taken out", made.hkltus)


def _moved(words: str, hkltus: Sequence[str]) -> str:
    return "\n".join([MARK, words, *(f"unloaded      {hkltu}" for hkltu in hkltus), ""])


def _add_preload(parser: Parser) -> None:
    add_module(parser)
    for short, name, what in (
        ("-c", "cardset", "a card set, by its hash"),
        ("", "cardset-name", "a card set, by its name"),
        ("-s", "softcard", "a softcard, by its name or hash"),
    ):
        words = [word for word in (short, f"--{name}") if word]
        parser.add_argument(*words, metavar="TOKEN", action="append", default=[], help=f"load {what}")
    parser.add_argument("-A", "--app", metavar="APP", help="the application of keys to load")
    parser.add_argument("-K", "--ident", metavar="PATTERN", help="their identifiers; * stands for anything")
    add_json(parser)
    parser.add_argument(
        "command", metavar="COMMAND", nargs=argparse.REMAINDER, help="python aclprint.py, or pause, or exit"
    )


def _add_serial(parser: Parser) -> None:
    parser.add_argument("serial", metavar="SERIAL", help="the card's serial")


TOOLS: Final = (
    Tool(
        name="preload",
        does="Load keys and what protects them, and run aclprint.py on them, or pause, or exit and leave it loaded",
        needs="a Security World; the module in operational mode; the cards or passphrases that protect the keys",
        interrupted="nfkminfo says what is loaded; nopclearfail -c unloads it",
        run=_preload,
        add=_add_preload,
    ),
    Tool(
        name="emu card insert",
        does="Put a card into the slot, where it stays between commands",
        needs="the card",
        interrupted="slotinfo says which card is in the slot",
        erases="what is loaded and not persistent, where another card has to be taken out",
        run=_insert,
        add=_add_serial,
    ),
    Tool(
        name="emu card eject",
        does="Take a card out of the slot",
        needs="the card in the slot",
        interrupted="slotinfo says which card is in the slot",
        erases="what is loaded and not persistent",
        run=_eject,
        add=_add_serial,
    ),
)
