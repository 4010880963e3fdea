"""The controlling terminal: the only way in which a live ceremony talks to people and listens to them.

It is opened as `/dev/tty`, so nothing that is piped in can act as a person. Lines are only ever added: no colour, no
cursor movement, nothing that a recording or a screen reader would lose. So `NO_COLOR`, `TERM=dumb` and narrow
terminals need no switch.

The first Ctrl-C (or SIGTERM, SIGHUP) asks to stop: at a question, where nothing is under way, at once (`StopAsked`);
anywhere else it is noted, and said. Ctrl-C after that is `KeyboardInterrupt`.

The module is longer than others because questions, signals and echo depend on each other at every moment.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from runner.errors import NoTerminal
from runner.host.console import TRIES, minutes, seen, wrapped
from runner.host.room import StopAsked

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE: Final = "/dev/tty"

BEAT: Final = 60.0
"""Seconds of silence after which a question is asked again, with the time that people have been waited for."""

_EMPTY: Final = "Nothing was typed; an empty line is no answer."

_LONGEST: Final = 4096
"""Bytes of a line; the kernel gives no longer one."""

_LOCAL: Final = 3
"""Where `tcgetattr` has the local modes, and below, the control characters."""
_CONTROL: Final = 6


class Terminal:
    """The terminal that controls this process. Made by `open`; closed by `close` or `with`.

    Args:
        descriptor: of the terminal.
        beat: seconds of silence after which a question is asked again.
    """

    def __init__(self, descriptor: int, *, beat: float = BEAT) -> None:
        self._descriptor = descriptor
        self._beat = beat
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._stopped_by: int | None = None
        self._asking = False
        self._doing = ""

    @classmethod
    def open(cls, *, beat: float = BEAT) -> Self:
        """Open the controlling terminal. Nothing is read and no signal is taken over yet.

        Raises:
            NoTerminal: there is none, or this process is in its background.
        """
        try:
            descriptor = os.open(PLACE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            raise NoTerminal("people are needed, and there is no terminal to ask them at") from None
        terminal = cls(descriptor, beat=beat)
        try:
            terminal._require_foreground()
        except NoTerminal:
            terminal.close()
            raise
        return terminal

    def close(self) -> None:
        """Let go of the terminal; its modes are as they were found. Where it is gone, nothing more is said to it."""
        _quiet_where_gone()
        for descriptor in (self._descriptor, self._woken, self._wake):
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- signals -----------------------------------------------------------------------------------------------------

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Within it the first Ctrl-C, SIGTERM or SIGHUP asks to stop, and Ctrl-C after that interrupts."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        woken = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)  # wakes a wait that is just beginning, too
        before = [(number, signal.signal(number, self._pressed)) for number in numbers]
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
            for number, handler in before:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @property
    def stopping(self) -> bool:
        """Whether the people asked to stop."""
        return self._stopped_by is not None

    @property
    def stopped_by(self) -> int | None:
        """The number of the first signal that asked to stop; None where there was none."""
        return self._stopped_by

    @contextmanager
    def under_way(self, words: str) -> Iterator[None]:
        """Within it the first Ctrl-C is noted and nothing else; `words` say what has to be done before it stops."""
        before, self._doing = self._doing, words
        try:
            yield
        finally:
            self._doing = before

    def _pressed(self, number: int, _: object) -> None:
        if self.stopping:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self._stopped_by = number
        if self._asking and not self._doing:
            self.tell("\nStopping here. Nothing is under way.")
        else:
            doing = self._doing or "what is being done"
            self.tell(f"\nNoted: it stops as soon as {doing} is over. Ctrl-C again stops at once.")

    # -- talking -----------------------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        r"""Show lines, wrapped between words where the terminal is narrow; what cannot be seen is shown as `\u{hex}`.

        Where the terminal is gone nobody reads it; the next question finds that out.
        """
        columns = self._columns()
        self._write("".join(f"{part}\n" for line in text.split("\n") for part in wrapped(seen(line), columns)))

    def ask(self, prompt: str, *, waiting: str = "") -> str:
        """Return what a person types, without white space around it. What was typed before the question is dropped.

        Args:
            prompt: the question, one line.
            waiting: who is waited for, such as `1 of 3 administrators`; said from time to time, with the minutes.

        Raises:
            StopAsked: nothing was typed, three times, or people asked to stop.
            NoTerminal: the terminal is gone, and no SIGHUP said so.
        """
        tries = 0
        while True:
            line = self._line(prompt, waiting=waiting)
            if line:
                return line
            tries += 1
            if tries == TRIES and not self._doing:
                self.tell(f"Nothing was typed {TRIES} times. Stopping here.")
                raise StopAsked
            self.tell(_EMPTY)

    def ask_within(self, prompt: str, seconds: float) -> str | None:
        """Return what a person types, or None where nobody typed anything in this time.

        Raises:
            StopAsked: people asked to stop.
            NoTerminal: the terminal is gone.
        """
        until = time.monotonic() + seconds
        while (line := self._line(prompt, until=until)) is not None:
            if line:
                return line
            self.tell(_EMPTY)
        return None

    def secret(self, prompt: str) -> str:
        """Return what a person types with echo off, white space and all; the terminal is restored on every path.

        Raises:
            NoTerminal: echo cannot be turned off, or the terminal is gone; nothing was read.
            StopAsked: people asked to stop.
        """
        while True:
            self._require_foreground()
            with self._echo_off():
                line = self._line(prompt, secret=True)
            self._write("\n")
            if line:
                return line
            self.tell(_EMPTY)

    def pause(self, seconds: float) -> None:
        """Let time pass; a first Ctrl-C is noted and ends the pause."""
        select.select([self._woken], [], [], seconds)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _line(self, prompt: str, *, waiting: str = "", until: float | None = None, secret: bool = False) -> str | None:
        """Return one line, "" where it is empty or no text, None where `until` has passed."""
        self._require_foreground()
        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._calm()
        begun = time.monotonic()
        self._asking = True
        try:
            while True:
                self._heed()
                self._show(prompt)
                found = self._wait(waiting, until)
                if self._descriptor in found:
                    return _text(self._read(), secret=secret)
                if self._woken in found:
                    self._calm()
                elif until is not None and time.monotonic() >= until:
                    self._write("\n")
                    return None
                elif waiting:
                    self.tell(f"\n{waiting}, {minutes(time.monotonic() - begun)}")
        finally:
            self._asking = False

    def _wait(self, waiting: str, until: float | None) -> list[int]:
        limits = [self._beat] if waiting else []
        limits += [] if until is None else [max(0.0, until - time.monotonic())]
        found, _, _ = select.select([self._descriptor, self._woken], [], [], min(limits, default=None))
        return found

    def _calm(self) -> None:
        """Forget that a signal woke us; whether to stop is known by then."""
        with suppress(BlockingIOError):
            os.read(self._woken, _LONGEST)

    def _heed(self) -> None:
        if self.stopping and not self._doing:
            raise StopAsked

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, _LONGEST)
        except OSError:
            raise self._gone() from None

    @contextmanager
    def _echo_off(self) -> Iterator[None]:
        """Turn echo off, and Ctrl-Z with it: a shell might turn it on again meanwhile."""
        try:
            before = termios.tcgetattr(self._descriptor)
        except termios.error:
            raise self._gone() from None
        silent = [*before[:_CONTROL], list(before[_CONTROL])]
        silent[_LOCAL] &= ~(termios.ECHO | termios.ECHONL)
        silent[_CONTROL][termios.VSUSP] = b"\0"
        try:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, silent)
            if termios.tcgetattr(self._descriptor)[_LOCAL] & termios.ECHO:
                raise NoTerminal("echo cannot be turned off, so nothing secret is asked for here")
            yield
        finally:
            with suppress(termios.error):  # the terminal may be gone; what was typed and not read shows nowhere
                termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, before)

    def _require_foreground(self) -> None:
        try:
            ours = os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            raise self._gone() from None
        if not ours:
            raise NoTerminal("people are needed, and this runs in the background, where they cannot be asked")

    def _gone(self) -> Exception:
        """Return what it means that the terminal is gone: where a signal said so, a stop like any other."""
        return StopAsked() if self.stopping and not self._doing else NoTerminal("the terminal is gone")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._descriptor).columns
        except OSError:
            return 0

    def _show(self, prompt: str) -> None:
        """Show a question; its last line stays open for the answer."""
        lines = [part for line in prompt.split("\n") for part in wrapped(seen(line), self._columns())]
        self._write("\n".join(lines) + " ")

    def _write(self, text: str) -> None:
        left = memoryview(text.encode())
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            return


def _quiet_where_gone() -> None:
    """Let stdout and stderr go nowhere where they went to a terminal that is gone: a last word would be a defect."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _text(line: bytes, *, secret: bool) -> str:
    try:
        text = line.decode().removesuffix("\n")
    except UnicodeDecodeError:
        return ""
    return text if secret else text.strip()
