"""What the tests of the command lines share: a tool run with what somebody types, and what it printed."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator_bench import contents

from hsm_emulator.tools.main import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Shown:
    code: int
    out: str
    err: str


@dataclass
class Tools:
    """Runs tools on one installation, in one folder, without a terminal: answers and PINs are lines of stdin."""

    folder: Path

    def run(self, *words: str, typed: list[str] | None = None) -> Shown:
        out, err, before = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.StringIO("".join(f"{line}\n" for line in typed or []))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["--folder", str(self.folder), *words])
        finally:
            sys.stdin = before
        return Shown(code, out.getvalue(), err.getvalue())

    def line(self, line: str, typed: list[str] | None = None) -> str:
        """Run a command line as it is printed; it must be done."""
        return self.done(*shlex.split(line), typed=typed)

    def done(self, *words: str, typed: list[str] | None = None) -> str:
        shown = self.run(*words, typed=typed)
        assert shown.code == 0, shown.err
        return shown.out

    def refused(self, code: int, *words: str, typed: list[str] | None = None, tries: bool = False) -> Shown:
        """Run a tool that must be refused with this code and change no byte, or only PIN tries."""
        before = self._bytes(tries=tries)
        shown = self.run(*words, typed=typed)
        assert shown.code == code, (shown.out, shown.err)
        assert self._bytes(tries=tries) == before
        return shown

    def _bytes(self, *, tries: bool) -> dict[str, bytes]:
        found = contents(self.folder).items()
        return {name: data for name, data in found if not (tries and name.startswith("silicon/cards/"))}
