"""`hsm-emulator TOOL …`: the vendor's tools on an emulated device, in the vendor's syntax, and a few of the emulator's.

Exit codes are the emulator's own: 0 done; 1 refused or damaged; 2 not a command line, and nothing was looked at;
3 cancelled by the operator; 4 the module did not come into the mode that was waited for. What is refused has changed
nothing but PIN tries.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from hsm_emulator.tools.arguments import Parser, UsageError, tool_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hsm_emulator.tools.arguments import Tool

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CANCELLED: Final = 3
WAITED: Final = 4

ELSEWHERE: Final = {
    "cngimport": "the key store of Windows (CNG) is not modelled",
    "Add-AzureKeyVaultKey": "that is a command of Azure; here it is: emu region import",
    "Get-FileHash": "that is a command of Windows; sha256sum does the same",
}
"""What the procedures and the vendor name and these tools do not do, and why."""

_ROOMS: Final = (
    "looking",
    "changing",
    "existing_world",
    "card_pins",
    "erasing",
    "attesting",
    "nvram",
    "operator_tokens",
    "preloading",
    "recovering",
    "transferring",
    "setting_up",
    "handling",
    "carrying",
)
"""The modules of this package that have tools, in the order of the help."""


class _Program(Parser):
    """The command line before the tool's name. Its help lists all tools, and reads their modules only then."""

    @override
    def format_help(self) -> str:
        self.epilog = "\n".join(
            [
                "tools:",
                *(f"  {tool.name:<20} {tool.does}" for tool in all_tools()),
                "",
                "hsm-emulator TOOL --help says what a tool needs and what it erases. Exit codes, the emulator's own:",
                "0 done, 1 refused or damaged, 2 not a command line, 3 cancelled, 4 waited too long.",
            ]
        )
        return super().format_help()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one tool and return its exit code.

    Args:
        argv: the arguments without the program's name; those of the process by default.
    """
    from hsm_emulator.tools.operator import say

    failure, go_on = "", "run it again"
    try:
        folder, words = _split(sys.argv[1:] if argv is None else argv)
        tool, options = _tool(words)
        failure, go_on = tool.failure, tool.interrupted
        say(sys.stdout, _run(tool, options, folder))
    except UsageError as error:
        say(sys.stderr, f"hsm-emulator: {error}. See hsm-emulator --help.\n")
        return USAGE
    except SystemExit:  # --help has been printed
        return DONE
    except KeyboardInterrupt:
        words = "interrupted; what was asked of the module was done as a whole or not at all"
        say(sys.stderr, f"\nhsm-emulator: {words}: {go_on}.\n")
        return CANCELLED
    except _expected() as error:
        say(sys.stdout, failure)
        say(sys.stderr, f"hsm-emulator: {error}\n")
        return _code(error)
    return DONE


def _run(tool: Tool, options: argparse.Namespace, folder: Path) -> str:
    from hsm_emulator.tools.installation import Installation
    from hsm_emulator.tools.operator import Operator

    return tool.run(options, Installation(folder=folder, operator=Operator()))


def _expected() -> tuple[type[Exception], ...]:
    from hsm_emulator.errors import EmulatorError

    return (EmulatorError, OSError)


def _code(error: Exception) -> int:
    from hsm_emulator.errors import Refused, Status
    from hsm_emulator.tools.waiting import WaitedTooLongError

    if isinstance(error, WaitedTooLongError):
        return WAITED
    return CANCELLED if isinstance(error, Refused) and error.status is Status.CANCELLED else FAILED


def _split(argv: Sequence[str]) -> tuple[Path, Sequence[str]]:
    """Return the installation's folder and the rest of the command line, all of it text a file can be named with."""
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError("the command line is not UTF-8 text") from None
        if "\0" in word:
            raise UsageError("the command line holds a zero byte")
    parser = _Program(
        prog="hsm-emulator", description="The vendor's tools on a SIMULATED HSM, and a few of the emulator's own."
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="the installation (default: where you are)")
    parser.add_argument("words", metavar="TOOL", nargs=argparse.REMAINDER, help="a tool and its options")
    options = parser.parse_args(argv)
    return options.folder, options.words


def _tool(words: Sequence[str]) -> tuple[Tool, argparse.Namespace]:
    name, rest = tool_name(words)
    for tool in _each_tool():
        if tool.name.casefold() == name.casefold():
            return tool, tool.parse(rest)
    for other, why in ELSEWHERE.items():
        if other.casefold() == name.casefold():
            raise UsageError(f"there is no tool {other} here: {why}")
    raise UsageError(f"there is no tool {name!r}; names of tools are not translated")


def all_tools() -> tuple[Tool, ...]:
    """Return every tool, in the order of the help."""
    return tuple(_each_tool())


def _each_tool() -> Iterator[Tool]:
    """Give every tool; modules are read only as far as somebody looks."""
    for room in _ROOMS:
        yield from import_module(f"hsm_emulator.tools.{room}").TOOLS


if __name__ == "__main__":
    sys.exit(main())
