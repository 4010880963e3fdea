"""The person at the terminal: cards go into the slot by their serials, PINs are typed unseen.

Attested of the vendor's tools (research, section 4) are the lines `Module 1: 0 cards of 3 written`, `... read`,
`Module 1 slot 0: empty`, `blank card`, `Admin Card #1` and `` `NAME' #1 ``; every prompt is the emulator's own, and
goes to stderr. Without a terminal, answers are lines of stdin, PINs too.
"""

from __future__ import annotations

import getpass
import sys
import time
from typing import TYPE_CHECKING, Final

from hsm_emulator.dialogue import ACS, SOFTCARD, WORLD, CardAsk, Pin, PinAsk, card_name
from hsm_emulator.errors import Refused, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_SLOT: Final = "Module 1 slot 0:"
_AGAIN: Final = 3
"""How often a new PIN may be typed in two ways."""

LONGEST_LINE: Final = 4096
"""Characters of a typed line that are read; the rest is another line."""


class Operator:
    """Asks at the terminal.

    Args:
        aside: show everything on stderr, where stdout is for a program.
    """

    def __init__(self, *, aside: bool = False) -> None:
        self._aside = aside
        self._purpose = "read"

    def card(self, ask: CardAsk) -> str | None:
        """Return the serial typed; None for an empty line or the end of the input."""
        self._purpose = ask.purpose
        done = {"write": "written", "read": "read"}[ask.purpose]
        self.tell(f"{ask.done} cards of {ask.total} {done}", slot="Module 1:")
        self.tell("empty")
        wanted = "a blank card" if ask.purpose == "write" else f"a card of {_set(ask.set_name)}"
        return self.line(f"Insert {wanted}: type its serial, or nothing to cancel: ") or None

    def pin(self, ask: PinAsk) -> Pin:
        """Return the PIN typed; a new one is typed twice.

        Raises:
            Refused: Cancelled, the input ended, or a new PIN was never typed the same twice.
        """
        self._tell_card(ask)
        if ask.new:
            return self._new_pin(ask)
        if ask.wait_seconds:
            self.tell(f"{ask.holder} looks at no passphrase for {ask.wait_seconds} s; waiting")
            time.sleep(ask.wait_seconds)
        return Pin(_secret(f"Passphrase of {ask.holder} ({ask.left} more tries after this one): "))

    def tell(self, words: str, *, slot: str = _SLOT) -> None:
        """Show a sentence."""
        self.show(f"{slot} {words}")

    def show(self, words: str) -> None:
        """Show lines that are not about the slot."""
        say(sys.stderr if self._aside else sys.stdout, f"{words}\n")

    def line(self, prompt: str) -> str:
        """Return a typed line without its white space, "" at the end of the input."""
        _prompt(prompt)
        return _typed(lambda: sys.stdin.readline(LONGEST_LINE)).strip()

    def _tell_card(self, ask: PinAsk) -> None:
        """Show what the card in the slot is, before its PIN is asked for the first time."""
        if ask.serial.startswith(SOFTCARD) or ask.attempt != 1:
            return
        if ask.new and self._purpose == "write":
            self.tell("blank card")
        elif not ask.new:
            self.tell(card_name(ask.set_name, ask.number))

    def _new_pin(self, ask: PinAsk) -> Pin:
        for _ in range(_AGAIN):
            first = _secret(f"New passphrase for {ask.holder}: ")
            if _secret("The same again: ") == first:
                return Pin(first)
            self.tell("the two differ")
        raise Refused(Status.CANCELLED, "no new passphrase was typed the same twice; nothing was changed")


def _set(name: str) -> str:
    return f"the {name}" if name in {ACS, WORLD} else f"`{name}'"


def say(stream: TextIO, text: str) -> None:
    """Write text to a stream, with everything but printable characters spelled out."""
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    encoding = stream.encoding or "utf-8"
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _prompt(words: str) -> None:
    """Ask for a line; what is not typed at a terminal shows no line end, so one is written."""
    say(sys.stderr, words if sys.stdin.isatty() else f"{words.rstrip()}\n")


def _secret(prompt: str) -> str:
    if sys.stdin.isatty():
        line = _typed(lambda: getpass.getpass(prompt))
    else:
        _prompt(prompt)
        line = _typed(lambda: sys.stdin.readline(LONGEST_LINE))
        if not line:
            raise _ended()
    return line.removesuffix("\n").removesuffix("\r")


def _typed(read: Callable[[], str]) -> str:
    try:
        return read()
    except UnicodeDecodeError:
        raise Refused(Status.INVALID_PARAMETER, "what was typed is not text; nothing was changed") from None
    except EOFError:
        raise _ended() from None


def _ended() -> Refused:
    return Refused(Status.CANCELLED, "the input ended; nothing was changed but passphrase tries")
