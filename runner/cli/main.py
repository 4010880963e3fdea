"""`ceremony`: finds the command, and turns what it raises into words on stderr and an exit code.

Commands load only what they need: each is imported when it is called, so `--help` needs none of them.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

from runner.errors import CeremonyError, Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS: Final = {
    "new": "make a commented ceremony to begin with",
    "lint": "find what is wrong in a playbook, in every region and edition",
    "plan": "make the plan for one region: everything resolved, checked, with its digest",
    "diff": "say what changed in meaning between two playbooks, plans or records",
    "approve": "read what a plan means and sign it",
    "rehearse": "carry a ceremony out on the emulator, with simulated people",
    "run": "carry an approved plan out with the people in the room",
    "status": "say where a ceremony stands, changing nothing",
    "resume": "go on with a ceremony that stopped, broke off or was handed over",
    "resolve": "let people decide what an unknown result of a step counts as, and go on",
    "abort": "end a ceremony for good",
    "verify": "judge a record with a trust file from outside",
    "replay": "replay records without a device, and scripted ceremonies on the emulator",
    "software": "say which software this is, and check a bundle of it",
    "explain": "say what a rule is for and how to meet it",
    "schema": "print or check the schemas that editors use",
}

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says where nothing more can be written."""

USAGE: Final = "usage: ceremony COMMAND …\n\ncommands:\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_help())
        return Exit.DONE if arguments else Exit.WRONG_USE
    if arguments[0] in ("-V", "--version"):
        from runner import __version__

        sys.stdout.write(f"ceremony-runner {__version__}\n")
        return Exit.DONE
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        sys.stderr.write(f"ceremony: there is no command `{name}`\n{_help()}")
        return Exit.WRONG_USE
    if argv is not None:
        return guarded(lambda: _load(name)(rest))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character shows its number
    gc.disable()  # this process runs one short command, and looking for cycles would cost a tenth of its time
    try:
        return guarded(lambda: _load(name)(rest))
    finally:
        gc.freeze()  # at its end Python would look for them all the same, and that costs another tenth


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what it raises becomes words and the exit code of its branch of the error tree."""
    try:
        code = command()
        sys.stdout.flush()
    except CeremonyError as fault:
        tell(fault)
        return fault.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return Exit.SIGNAL + 2
    except OSError as fault:
        return _unwritten(fault)
    except Exception as fault:  # noqa: BLE001 (the last resort: nothing of a defect's values may be shown)
        _defect(fault)
        return Exit.DEFECT
    return code


def tell(fault: CeremonyError) -> None:
    """Say on stderr what was refused, and by which rule."""
    rule = f" {fault.rule}" if fault.rule else ""
    sys.stderr.write(f"refused{rule}: {fault.words}\n")
    if fault.rule:
        sys.stderr.write(f"more: ceremony explain {fault.rule}\n")


def _unwritten(fault: OSError) -> int:
    """Return the exit code where stdout takes no more: nobody reads it, or the disk is full; other faults are ours."""
    full = fault.filename is None and fault.errno in _FULL
    if not full and not isinstance(fault, BrokenPipeError):
        _defect(fault)
        return Exit.DEFECT
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not full:
        return Exit.SIGNAL + 13
    sys.stderr.write(f"refused: what was to be printed could not be written: {fault.strerror}\n")
    return Exit.WRONG_USE


def _defect(fault: Exception) -> None:
    """Say where our own mistake is, without the values in it: they might be secret."""
    import traceback

    sys.stderr.write(
        f"defect: {type(fault).__name__}. This is a mistake in the ceremony runner; please report it with:\n"
    )
    for frame in traceback.extract_tb(fault.__traceback__):
        sys.stderr.write(f"  {frame.filename}:{frame.lineno} in {frame.name}\n")


def _help() -> str:
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {what}\n" for name, what in COMMANDS.items()]
    return USAGE + "".join(lines) + "\n`ceremony COMMAND --help` says more. Exit codes: see docs/cli.md.\n"


def _load(name: str) -> Callable[[Sequence[str]], int]:
    from importlib import import_module

    module = import_module(f"runner.cli.{name}")
    command: Callable[[Sequence[str]], int] = module.main
    return command
