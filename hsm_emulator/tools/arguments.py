"""One style of command line for all tools: what each needs and erases, and how a wrong one is refused."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from msgspec import Struct
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hsm_emulator.tools.installation import Installation

_MODULE: Final = "1"
"""The number of the only module."""

_COUNT: Final = re.compile(r"[0-9]{1,4}")
_SIGNED: Final = re.compile(r"[+-]?[0-9]{1,11}")
_QUORUM: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})")
_SUFFIXES: Final = (".exe", ".py")
_OF_TWO_WORDS: Final = frozenset({"clock", "selftest"})
_INTERPRETERS: Final = frozenset({"python", "python2", "python3"})


class UsageError(Exception):
    """The command line is none of this tool's. Nothing was looked at or changed."""


class Parser(argparse.ArgumentParser):
    """A parser that raises what it does not understand, and knows no abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter, **options})

    @override
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class WordParser(Parser):
    """A parser for options of one dash and a whole word, as KeyTransferRemote has them."""

    @override
    def _get_option_tuples(self, option_string: str) -> list[Any]:
        return []  # argparse would take -KeyI for -KeyIdentifier


class Tool(Struct, frozen=True, kw_only=True):
    """A tool: what it does, what it needs (mode, world, cards), what it erases, and how it is done.

    `add` gives its parser the options; `run` gives the page it prints. `failure` is printed where it is refused;
    `interrupted` says how to go on where it was broken off, by Ctrl-C or in a harder way.
    """

    name: str
    does: str
    needs: str
    run: Callable[[argparse.Namespace, Installation], str]
    add: Callable[[Parser], None]
    erases: str = "nothing"
    failure: str = ""
    interrupted: str = "run it again"
    parser: type[Parser] = Parser

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the options of a command line, without the tool's name.

        Raises:
            UsageError: it is none of this tool's.
            SystemExit: help was asked for and printed.
        """
        about = (
            f"{self.does}. SIMULATED.\n\nNeeds: {self.needs}.\nErases: {self.erases}.\nInterrupted: {self.interrupted}."
        )
        parser = self.parser(prog=f"hsm-emulator {self.name}", description=about)
        self.add(parser)
        return parser.parse_args(words)


def tool_name(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    r"""Return the tool that a command line names, without folder and ending, and its other words.

    `new-world.exe`, `%nfast_home%\bin\new-world.exe` and `/opt/nfast/bin/new-world` are one tool; an interpreter
    before a script is passed over. The emulator's own tools below `emu` have names of three words, or of two.

    Raises:
        UsageError: there is none.
    """
    rest = tuple(words)
    while rest:
        name, rest = _bare(rest[0]), rest[1:]
        if name == "emu":
            taken = 1 if rest[:1] and rest[0] in _OF_TWO_WORDS else 2
            return " ".join((name, *rest[:taken])), rest[taken:]
        if name.casefold() not in _INTERPRETERS:
            return name, rest
    raise UsageError("a tool is needed")


def _bare(word: str) -> str:
    name = word.replace("\\", "/").rpartition("/")[2]
    for suffix in _SUFFIXES:
        if name.casefold().endswith(suffix):
            return name[: -len(suffix)]
    return name


def add_module(parser: argparse._ActionsContainer) -> None:
    """Add `-m MODULE`: there is one module."""
    parser.add_argument("-m", "--module", metavar="1", choices=[_MODULE], default=_MODULE, help="the module")


def add_json(parser: Parser) -> None:
    """Add `--json`, which the vendor's tools do not have."""
    parser.add_argument("--json", action="store_true", help="one JSON object (an extension of the emulator)")


def demand_json(options: argparse.Namespace, *shown: str) -> None:
    """Refuse `--json` where nothing is shown: with another `what` than these.

    Raises:
        UsageError: it is given there.
    """
    if options.json and options.what not in shown:
        raise UsageError(f"--json is for {' and '.join(f'--{name}' for name in shown)}, not for --{options.what}")


def whole_number(text: str) -> int:
    """Return a whole number of up to four digits."""
    if not _COUNT.fullmatch(text):
        raise argparse.ArgumentTypeError("a whole number from 0 to 9999")
    return int(text)


def signed_number(text: str) -> int:
    """Return a whole number of up to eleven digits, perhaps with a sign."""
    if not _SIGNED.fullmatch(text):
        raise argparse.ArgumentTypeError("a whole number, such as 3600 or -60")
    return int(text)


def quorum(text: str) -> tuple[int, int]:
    """Return K and N of `K/N`; whether a set can have them, the device says."""
    match = _QUORUM.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("a quorum is K/N, such as 2/3")
    return int(match[1]), int(match[2])
