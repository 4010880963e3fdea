"""Command lines that are refused, as data: `tests/vectors/runs/*.toml`, with files of `base/` and of other vectors.

A `[[case]]` is one command line and what comes of it:

- `name`: the case in words; `rule`: what refuses it.
- `run`: the words of the command line; `first`: command lines before it, which are carried out.
- `exit` and `says`: the exit code, and what people read; `unmade`: a pattern of files that are not there afterwards.
- `copy`: files that are there under another name too; `[[case.change]]`: the changes of files, each `file`, the text
  `old` that is there once and `new` in its place, or `before`: in front of that text; `times`: so many times.
- `near_run` in place of `run`, `[[case.near]]` in place of the changes: what is carried out. Where there is neither, it
  is the same without the changes.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fault_bench import BASE, FOLDER

if TYPE_CHECKING:
    from pathlib import Path

RUNS = FOLDER.parent / "runs"
BROUGHT = ("brought.ceremony.yaml", "brought.roster.yaml", "request.csr")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One command line and what comes of it; see above."""

    name: str
    rule: str
    run: list[str]
    exit: int
    says: str
    unmade: str = ""
    first: list[list[str]] = field(default_factory=list)
    copy: dict[str, str] = field(default_factory=dict)
    change: list[dict[str, Any]] = field(default_factory=list)
    near: list[dict[str, Any]] = field(default_factory=list)
    near_run: list[str] = field(default_factory=list)

    def prepare(self, folder: Path, *, near: bool) -> None:
        """Put the files into a folder, changed."""
        for path in (
            *BASE.iterdir(),
            *(RUNS / "base").iterdir(),
            *(FOLDER.parent / "grammar" / name for name in BROUGHT),
        ):
            shutil.copy(path, folder / path.name)
        for new, there in self.copy.items():
            shutil.copy(folder / there, folder / new)
        for change in self.near if near and not self.near_run else self.change:
            _apply(folder / change["file"], change)


def _apply(path: Path, change: dict[str, Any]) -> None:
    text = path.read_text(encoding="utf-8")
    old, before = change.get("old", ""), change.get("before", "")
    assert text.count(old or before) == 1, (path.name, old or before)
    new: str = change["new"] * change.get("times", 1) + before
    path.write_text(text.replace(old or before, new), encoding="utf-8")


def cases() -> list[Case]:
    """Return every case."""
    return [
        Case(**item)
        for path in sorted(RUNS.glob("*.toml"))
        for item in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]
