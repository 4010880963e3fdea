"""What the tests of the command lines share: a tool run with what somebody types, and what it printed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator_bench import contents

from hsm_emulator.tools.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


@dataclass(frozen=True)
class Shown:
    code: int
    out: str
    err: str


@dataclass
class Tools:
    """Runs tools on one installation, in one folder, without a terminal: answers and PINs are lines of stdin."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, typed: list[str] | None = None) -> Shown:
        self.monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed or [])))
        self.capsys.readouterr()
        code = main(["--folder", str(self.folder), *words])
        shown = self.capsys.readouterr()
        return Shown(code, shown.out, shown.err)

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
