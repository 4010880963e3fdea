"""Every fault of a replay file, or what comes otherwise than it says, is told with exactly its findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fault_bench import Fault, faults, marked, placed, said

from runner.cli.main import main
from runner.host.disk import Disk
from runner.host.replay_script import Unreadable, load_replay, try_case

if TYPE_CHECKING:
    from runner.document.findings import Finding
    from runner.document.source import Source

REPLAY = "keys.replay.yaml"
FAULTS = [fault for fault in faults() if fault.family == "replay"]


def _tried() -> tuple[list[Finding], dict[str, Source]]:
    loaded = load_replay(Disk(), Path(REPLAY))
    if isinstance(loaded, Unreadable):
        return list(loaded.findings), dict(loaded.by_name())
    found: list[Finding] = []
    sources: dict[str, Source] = {}
    for case in loaded.cases:
        tried = try_case(Disk(), loaded, case)
        found.extend(tried.findings)
        sources.update(tried.sources)
    return found, sources


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_a_replay_file_is_told_where_it_is(
    base: Path, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    fault.apply(base)
    found, sources = _tried()
    assert [(one.code, placed(one), marked(one, sources), said(one)) for one in found] == [
        (one.rule, one.place, one.marked, one.says) for one in fault.finds
    ]
    assert main(["replay", REPLAY, "--format", "oneline"]) == 1
    lines = capsys.readouterr().out.splitlines()
    for one in fault.finds:
        assert any(line.startswith(f"{one.place.partition('-')[0]}: error {one.rule} ") for line in lines)


@pytest.mark.usefixtures("base")
def test_the_base_comes_as_its_replay_file_says() -> None:
    assert main(["replay", REPLAY]) == 0
