"""Every fault of the corpus is refused with exactly its findings, where they are, before anything is opened or made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fault_bench import BASE, EU, FOLDER, SUBSCRIPTION, VAULT, Fault, faults, marked, placed, said

from runner.cli.main import main
from runner.document.findings import Severity
from runner.errors import CeremonyError
from runner.host.disk import Disk
from runner.host.documents import load
from runner.linting import lint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.document.findings import Finding
    from runner.document.source import Source

PLAYBOOK = "keys.ceremony.yaml"
FAULTS = [fault for fault in faults() if fault.family != "replay"]
OURS = re.compile(
    r"pydantic|ruamel|jinja|traceback|<\w+>|\[key\]|function-|tagged-union|Written|extra inputs|input should"
)
"""Words of the libraries, and of our own classes, which say nothing to an author."""


def _named(fault: Fault) -> str:
    return f"{fault.family}: {fault.name}"


def _option(choice: Sequence[str], name: str) -> str | None:
    return choice[choice.index(name) + 1] if name in choice else None


def _linted(choice: Sequence[str]) -> tuple[tuple[Finding, ...], dict[str, Source]]:
    documents = load(Disk(), Path(PLAYBOOK), roster=None)
    found = lint(
        documents, today="2026-11-25", region=_option(choice, "--region"), edition=_option(choice, "--edition")
    )
    return found, documents.by_name()


def _tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def _commands(choice: Sequence[str], params: Sequence[str] = ()) -> tuple[list[str], list[str], list[str]]:
    options = [*(() if "--region" in choice else EU), *choice]
    values = (f"subscription_id={SUBSCRIPTION}", f"vault_name={VAULT}", *params)
    given = [word for value in values for word in ("--param", value)]
    return (
        ["lint", PLAYBOOK, *choice, "--format", "oneline"],
        ["plan", PLAYBOOK, *options, *given, "--out", "plan.json"],
        ["rehearse", PLAYBOOK, *options, *given, "--out", "record"],
    )


@pytest.mark.parametrize("fault", FAULTS, ids=_named)
def test_a_fault_is_refused_where_it_is_and_nothing_is_made(
    base: Path, opened: list[str], capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    fault.apply(base)
    before = _tree(base)
    if fault.refused is not None:
        with pytest.raises(CeremonyError) as refused:
            _linted(fault.choice)
        raised = refused.value
        assert (raised.rule, raised.exit_code, raised.words) == (
            fault.refused.rule,
            fault.refused.exit,
            fault.refused.says,
        )
        for command in _commands(fault.choice):
            assert main(command) == fault.refused.exit
            assert f"refused {fault.refused.rule}: {fault.refused.says}" in capsys.readouterr().err
    else:
        found, sources = _linted(fault.choice)
        assert [(one.code, placed(one), marked(one, sources)) for one in found] == [
            (one.rule, one.place, one.marked) for one in fault.finds
        ]
        for one, expected in zip(found, fault.finds, strict=True):
            assert expected.says in {said(one), f"{said(one)[: len(expected.says) - 1]}…"}
            assert not OURS.search(f"{said(one)} {one.path}"), one
        _the_commands_say_it(fault, found, capsys)
    assert _tree(base) == before
    assert opened == []


def _the_commands_say_it(fault: Fault, found: Sequence[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    """What people read: a line for each finding from lint; and each that stops them from plan and rehearse."""
    if all(one.severity is Severity.WARNING for one in found):
        return
    capsys.readouterr()
    linting, planning, rehearsing = _commands(fault.choice, fault.params)
    assert main(linting) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == [f"{one.place.partition('-')[0]}:" for one in fault.finds]
    assert all(
        f" {one.rule} {one.says.removesuffix('…')}" in line for one, line in zip(fault.finds, lines, strict=True)
    )
    if not any({"eu"} & set(one.regions) or not one.regions for one in found):
        return
    for command in (planning, rehearsing):
        assert main(command) == 3
        assert f"error[{fault.finds[0].rule}]: " in capsys.readouterr().out


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.near is not None], ids=_named)
def test_the_same_change_made_right_has_no_finding(base: Path, fault: Fault) -> None:
    assert fault.near is not None
    for change in (*fault.also, fault.near):
        change.apply(base)
    assert _linted(fault.choice)[0] == ()


@pytest.mark.usefixtures("base")
def test_the_base_has_no_fault() -> None:
    assert _linted(())[0] == ()


def test_the_base_is_carried_out_and_that_would_be_noticed(
    base: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _lint, planning, rehearsing = _commands(())
    assert main(planning) == 0
    assert set(opened) == {"Disk.mkdir"}  # the folder of the plan's sources
    assert main(rehearsing) == 0
    assert "EmulatedHsm.__init__" in opened
    assert (base / "record").is_dir()
    assert "verdict" in capsys.readouterr().out


def test_no_two_faults_are_the_same() -> None:
    changes = [
        (fault.also, fault.change, fault.choice) for fault in FAULTS if fault.family not in {"history", "public"}
    ]
    assert len(set(changes)) == len(changes)
    names = [_named(fault) + fault.source for fault in FAULTS]
    assert len(set(names)) == len(names)


def test_there_are_no_other_files() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"base", *(f"{fault.family}.toml" for fault in faults())}
    assert {path.suffix for path in BASE.iterdir()} == {".yaml"}
