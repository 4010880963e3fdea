"""`hsm-emulator TOOL …`: the vendor's tools on an emulated device, in the vendor's syntax, and a few of the emulator's.

Exit codes are the emulator's own: 0 done; 1 refused or damaged; 2 not a command line, and nothing was looked at;
3 cancelled by the operator; 4 the module did not come into the mode that was waited for. What is refused has changed
nothing but PIN tries.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hsm_emulator.tools.arguments import Parser, UsageError, tool_name

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one tool and return its exit code.

    Args:
        argv: the arguments without the program's name; those of the process by default.
    """
    from hsm_emulator.tools.operator import say

    failure = ""
    try:
        folder, words = _split(sys.argv[1:] if argv is None else argv)
        tool, options = _tool(words)
        failure = tool.failure
        say(sys.stdout, _run(tool, options, folder))
    except UsageError as error:
        say(sys.stderr, f"hsm-emulator: {error}. See hsm-emulator --help.\n")
        return USAGE
    except SystemExit:  # --help has been printed
        return DONE
    except KeyboardInterrupt:
        say(sys.stderr, "\nhsm-emulator: interrupted; a request is done as a whole or not at all.\n")
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
    parser = Parser(
        prog="hsm-emulator",
        description="The vendor's tools on a SIMULATED HSM, and a few of the emulator's own.",
        epilog="\n".join(
            [
                "tools:",
                *(f"  {tool.name:<20} {tool.does}" for tool in all_tools()),
                "",
                "hsm-emulator TOOL --help says what a tool needs and what it erases. Exit codes, the emulator's own:",
                "0 done, 1 refused or damaged, 2 not a command line, 3 cancelled, 4 waited too long.",
            ]
        ),
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="the installation (default: where you are)")
    parser.add_argument("words", metavar="TOOL", nargs=argparse.REMAINDER, help="a tool and its options")
    options = parser.parse_args(argv)
    return options.folder, options.words


def _tool(words: Sequence[str]) -> tuple[Tool, argparse.Namespace]:
    name, rest = tool_name(words)
    for tool in all_tools():
        if tool.name.casefold() == name.casefold():
            return tool, tool.parse(rest)
    for other, why in ELSEWHERE.items():
        if other.casefold() == name.casefold():
            raise UsageError(f"there is no tool {other} here: {why}")
    raise UsageError(f"there is no tool {name!r}; names of tools are not translated")


def all_tools() -> tuple[Tool, ...]:
    """Return every tool, in the order of the help."""
    from hsm_emulator.tools import (
        attesting,
        card_pins,
        carrying,
        changing,
        erasing,
        existing_world,
        handling,
        looking,
        nvram,
        operator_tokens,
        preloading,
        recovering,
        setting_up,
        transferring,
    )

    keys = (attesting, nvram, operator_tokens, preloading, recovering, transferring)
    rooms = (looking, changing, existing_world, card_pins, erasing, *keys, setting_up, handling, carrying)
    return tuple(tool for room in rooms for tool in room.TOOLS)


if __name__ == "__main__":
    sys.exit(main())
