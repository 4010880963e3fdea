"""What the tests here share: the shipped ceremony with one thing changed, commands, and proof that nothing was made."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

SHIPPED = Path(__file__).parents[2] / "ceremonies" / "azure-byok"
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
VAULT = "ContosoKeyVaultHSM"
GIVEN = ("--param", f"subscription_id={SUBSCRIPTION}", "--param", f"vault_name={VAULT}")
EU = ("--region", "eu", "--edition", "2017-05-09")

Kind = str
"""`ceremony`, `regions` or `roster`."""


def name(kind: Kind) -> str:
    return f"azure-byok.{kind}.yaml"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command returned and said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One replacement in one file; `old` must be there exactly once."""

    old: str
    new: str
    kind: Kind = "ceremony"


def edit(old: str, new: str, kind: Kind = "ceremony") -> Edit:
    return Edit(old=old, new=new, kind=kind)


def step_text(step: str) -> str:
    """The lines of a step of the shipped playbook, from its id to before the next step, part or section."""
    text = (SHIPPED / name("ceremony")).read_text()
    found = re.search(rf"  - id: {step}\n(?:(?!  - )(?! *\n).*\n)*", text)
    assert found is not None
    return found[0]


def drop(step: str) -> Edit:
    return Edit(old=step_text(step), new="")


def within(step: str, old: str, new: str) -> Edit:
    """A replacement inside one step of the shipped playbook."""
    text = step_text(step)
    assert text.count(old) == 1, (step, old)
    return Edit(old=text, new=text.replace(old, new))


def waiving(line: str) -> Edit:
    """One waiver in place of the shipped one."""
    (shipped,) = re.findall(r"^waivers: .*\n(?:  .*\n)+", (SHIPPED / name("ceremony")).read_text(), re.MULTILINE)
    return Edit(old=shipped, new=f"waivers:\n  - {line}\n")


def person_text(person: str) -> str:
    """The line of a person of the shipped roster."""
    text = (SHIPPED / name("roster")).read_text()
    (found,) = re.findall(rf"^  {person}: .*\n", text, re.MULTILINE)
    return str(found)


def key_of(person: str) -> str:
    """The key of a person of the shipped roster, in its quotes and with what stands before and behind it."""
    (found,) = re.findall(r', +key: "[^"]+"', person_text(person))
    return str(found)


def of_person(person: str, old: str, new: str) -> Edit:
    """A replacement in one line of the shipped roster."""
    text = person_text(person)
    assert text.count(old) == 1, (person, old)
    return Edit(old=text, new=text.replace(old, new), kind="roster")


def add_to(step: str, line: str) -> Edit:
    """One more key for a step."""
    text = step_text(step)
    return Edit(old=text, new=f"{text}    {line}\n")


class Bench:
    """The shipped ceremony in a folder of its own, to be changed; commands run with that folder as the current one."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        for kind in ("ceremony", "regions", "roster"):
            shutil.copy(SHIPPED / name(kind), folder / name(kind))
        text = re.sub(r"(?m)^languages: .*\n", "", self.text(), count=1)  # a change would be one to five languages
        (folder / name("ceremony")).write_text(text)

    def text(self, kind: Kind = "ceremony") -> str:
        return (self.folder / name(kind)).read_text()

    def change(self, *edits: Edit) -> None:
        for one in edits:
            text = self.text(one.kind)
            assert text.count(one.old) == 1, f"{text.count(one.old)} times in {one.kind}: {one.old!r}"
            (self.folder / name(one.kind)).write_text(text.replace(one.old, one.new))

    def place(self, marked: str, kind: Kind = "ceremony") -> str:
        """`file:line:column` of a stretch that is there once; `|` marks the character if not the first."""
        before, bar, after = marked.partition("|")
        needle = before + after
        text = self.text(kind)
        assert text.count(needle) == 1, f"{text.count(needle)} times in {kind}: {needle!r}"
        start = text.index(needle) + (len(before) if bar else 0)
        line = text.count("\n", 0, start) + 1
        column = start - (text.rfind("\n", 0, start) + 1) + 1
        return f"{name(kind)}:{line}:{column}"

    def run(self, *arguments: str) -> Said:
        self._capsys.readouterr()
        try:
            code = int(main(list(arguments)))
        except SystemExit as left:
            code = int(left.code or 0)
        said = self._capsys.readouterr()
        return Said(code=code, out=said.out, err=said.err)

    def lint(self, *more: str) -> Said:
        return self.run("lint", name("ceremony"), *(more or EU), "--format", "oneline")

    def plan(self, *more: str) -> Said:
        return self.run("plan", name("ceremony"), *(more or EU), *GIVEN, "--out", "plan.json")

    def rehearse(self, *more: str) -> Said:
        return self.run("rehearse", name("ceremony"), *(more or EU), "--out", "record")

    def refused_everywhere(self, rule: str, place: str, words: str) -> None:
        """Lint, plan and rehearse name one fault: this rule at this place; and none of them makes anything."""
        before = tree(self.folder)
        linted = self.lint()
        assert linted.code == 1
        (line,) = linted.out.splitlines()
        assert line.startswith(f"{place}: error {rule} "), line
        assert words in line
        for said in (self.plan(), self.rehearse()):
            assert said.code == 3, said
            assert f"error[{rule}]: " in said.out
            assert f"--> {place}" in said.out
            assert said.out.count("--> ") == 1
        assert tree(self.folder) == before


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: files with their bytes, folders with None."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def rules(said: Said) -> Sequence[str]:
    """The rules of the findings that `lint --format oneline` printed."""
    return [line.split(" error ")[1].split(" ")[0] for line in said.out.splitlines()]
