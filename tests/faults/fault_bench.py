"""Faults that authors write, as data: `tests/vectors/faults/*.toml` change `base/keys.*.yaml`, which has none.

A `[[fault]]` is one change and what is said about it:

- `name`: the fault in words; `source`: the public report or the defect of the published procedure that it is from.
- `file`: which of the base's files is changed (default: `ceremony`); `step`: the step of it within which it is.
- `old`, `new`: the text that is there exactly once, and what is written in its place. Without `new` the text is gone;
  `before = "…"` instead of `old` puts `new` in front of that text.
- `near`: in place of `new`, the nearest text that is right; nothing may be found in it.
- `also`: further changes, `{file, step, old, new}`, made first; alone they are no fault.
- `choice`: options of the command line; default: every region for `lint`, `--region eu` for the others.
- `params`: what is given to `plan` and `rehearse` beside, `NAME=VALUE`; `lint` finds the fault without it.
- `[[fault.finds]]`: `rule`, `place` as `file:line:column-line:column`, the first line of the text `marked` there, and
  what it `says`; `…` at the end stands for a list that grows with the language.
- `refused`: where it is about the choice and has no place in a file: the rule and what is said, with the exit code.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.document.findings import Finding
    from runner.document.source import Source

FOLDER = Path(__file__).parents[1] / "vectors" / "faults"
BASE = FOLDER / "base"
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
VAULT = "ContosoVault"
EU = ("--region", "eu")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One text of one file of the base put in place of another."""

    file: str
    step: str | None
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        path = folder / f"keys.{self.file}.yaml"
        whole = path.read_bytes().decode("utf-8")
        text = whole if self.step is None else step_text(whole, self.step)
        assert text.count(self.old) == 1, f"{text.count(self.old)} times: {self.old!r}"
        path.write_bytes(whole.replace(text, text.replace(self.old, self.new)).encode("utf-8", "surrogateescape"))


@dataclass(frozen=True, kw_only=True)
class Found:
    """A finding: its rule, where, the text there, and what people read."""

    rule: str
    place: str
    marked: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A refusal without a place: its rule, the exit code, and what people read."""

    rule: str
    exit: int
    says: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One change of the base and what is said about it; `near` is the same change made right."""

    name: str
    family: str
    source: str
    change: Change
    near: Change | None
    also: tuple[Change, ...]
    choice: tuple[str, ...]
    params: tuple[str, ...]
    finds: tuple[Found, ...]
    refused: Refused | None

    def apply(self, folder: Path) -> None:
        for change in (*self.also, self.change):
            change.apply(folder)

    def rules(self) -> set[str]:
        return {found.rule for found in self.finds} | ({self.refused.rule} if self.refused else set())


def step_text(text: str, step: str) -> str:
    """The lines of a step of the base, from its id to before the next step, part or section."""
    found = re.search(rf"^  - id: {step}\n(?:(?!  - )(?! *\n)(?!\w).*\n)*", text, re.MULTILINE)
    assert found is not None, step
    return found[0]


def copy_base(folder: Path) -> None:
    for path in BASE.iterdir():
        shutil.copy(path, folder / path.name)


def faults() -> list[Fault]:
    return [
        _fault(path.stem, item)
        for path in sorted(FOLDER.glob("*.toml"))
        for item in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    ]


def _change(item: dict[str, Any], new: str) -> Change:
    file, step = item.get("file", "ceremony"), item.get("step")
    if "before" in item:
        return Change(file=file, step=step, old=item["before"], new=new + item["before"])
    return Change(file=file, step=step, old=item["old"], new=new)


def _fault(family: str, item: dict[str, Any]) -> Fault:
    keys = {
        "name",
        "source",
        "file",
        "step",
        "old",
        "before",
        "new",
        "near",
        "also",
        "choice",
        "params",
        "finds",
        "refused",
    }
    assert set(item) <= keys, set(item) - keys
    return Fault(
        name=item["name"],
        family=family,
        source=item.get("source", ""),
        change=_change(item, item.get("new", "")),
        near=_change(item, item["near"]) if "near" in item else None,
        also=tuple(_change(one, one.get("new", "")) for one in item.get("also", ())),
        choice=tuple(item.get("choice", ())),
        params=tuple(item.get("params", ())),
        finds=tuple(Found(**found) for found in item.get("finds", ())),
        refused=Refused(**item["refused"]) if "refused" in item else None,
    )


def placed(finding: Finding) -> str:
    span = finding.place.span
    return f"{finding.place.file}:{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def marked(finding: Finding, sources: dict[str, Source]) -> str:
    """The text at a finding's place; its first line where there are several."""
    span = finding.place.span
    line = sources[finding.place.file].lines[span.line - 1]
    return line[span.column - 1 : span.end_column - 1 if span.end_line == span.line else None]


def said(finding: Finding) -> str:
    return f"{finding.message}; {finding.help}" if finding.help else finding.message
