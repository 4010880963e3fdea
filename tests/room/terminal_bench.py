"""A program at a pseudo-terminal that is its controlling one, and somebody who types there."""

from __future__ import annotations

import os
import sys
import termios
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]

OVER = 20
"""Seconds after which a program of ours hangs rather than works."""

HEAD = """
import os, signal, sys, time
from runner.errors import NoTerminal
from runner.host.room import StopAsked
from runner.host.terminal import Terminal

def end(words):
    print("END " + words, flush=True)
    sys.exit(0)

try:
    terminal = Terminal.open({beat})
except NoTerminal as no:
    end("no terminal: " + no.words)
"""

BODY = """
try:
    with terminal, terminal.heeding_signals():
        {body}
except StopAsked:
    end("stopped")
except NoTerminal as no:
    end("no terminal: " + no.words)
except KeyboardInterrupt:
    end("interrupted")
except ZeroDivisionError:
    end("our mistake")
end("done")
"""


def program(body: str, *, beat: str = "") -> str:
    """A program that opens the terminal, does `body` with it, and says how that ended in a line that begins END."""
    indented = body.strip().replace("\n", "\n        ")
    return HEAD.format(beat=beat) + BODY.format(body=indented)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "COVERAGE", "COV_"))}
    return kept | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"} | more


def at_a_terminal(body: str, *, columns: int = 80, beat: str = "", **more: str) -> pexpect.spawn[str]:
    """Start a program at a terminal of its own."""
    return pexpect.spawn(
        sys.executable,
        ["-c", program(body, beat=beat)],
        env=environment(**more),
        dimensions=(24, columns),
        encoding="utf-8",
        codec_errors="replace",
        timeout=OVER,
    )


def ending(child: pexpect.spawn[str]) -> str:
    """Wait for the program's end, and return how it ended and all that was on the screen since last looked."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def echo(child: pexpect.spawn[str]) -> bool:
    modes = termios.tcgetattr(child.child_fd)[3]
    return bool(modes & termios.ECHO)
