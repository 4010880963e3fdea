"""A digest of the published table copied with one wrong digit: told against a second source, and by nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fault_bench import placed, said

from runner.cli.main import main
from runner.document.second_source import check_against
from runner.host.disk import Disk
from runner.host.documents import load_regions

if TYPE_CHECKING:
    from runner.document.findings import Finding

SHIPPED = Path(__file__).parents[2] / "ceremonies" / "azure-byok"
DIGEST = "61BE1A1F80AC79912A42DEBBCC42CF87C88C2CE249E271934630885799717C7B"
WRONG = DIGEST.replace("7C7B", "7C7D")
KIN = ("ceremony", "regions", "roster", "fr.texts", "es.texts", "nl.texts", "zh-hant.texts")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped procedure with one digit of Canada's digest copied wrongly, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for kind in KIN:
        shutil.copy(SHIPPED / f"azure-byok.{kind}.yaml", tmp_path)
    file = tmp_path / "azure-byok.regions.yaml"
    text = file.read_text()
    assert text.count(DIGEST) == 1
    file.write_text(text.replace(DIGEST, WRONG))
    return tmp_path


def _place(file: Path, marked: str) -> str:
    (line,) = (number for number, text in enumerate(file.read_text().splitlines()) if marked in text)
    begin = file.read_text().splitlines()[line].index(marked) + 1
    return f"{line + 1}:{begin}-{line + 1}:{begin + len(marked)}"


def test_it_is_told_where_it_is_and_where_it_is_right(
    copied: Path, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["lint", "azure-byok.ceremony.yaml", "--level", "release", "--format", "oneline"]
    assert main(command) == 0  # by itself it is a digest like any other
    before = {path: path.read_bytes() for path in copied.iterdir()}
    capsys.readouterr()
    right = SHIPPED / "azure-byok.regions.yaml"
    assert main([*command, "--against", str(right)]) == 1
    here = _place(copied / "azure-byok.regions.yaml", WRONG)
    words = (
        f"`toolset_sha256` is `{WRONG}` here and `{DIGEST}` in the second source from 2017-10-30 on; "
        "look at what was published, and put right the one that is wrong"
    )
    shown = capsys.readouterr().out
    assert shown == f"azure-byok.regions.yaml:{here.partition('-')[0]}: error REG012 {words} (regions canada)\n"
    found: tuple[Finding, ...] = check_against(
        load_regions(Disk(), Path("azure-byok.regions.yaml")), load_regions(Disk(), right), region=None
    )
    assert [(one.code, placed(one), said(one)) for one in found] == [
        ("REG012", f"azure-byok.regions.yaml:{here}", words)
    ]
    ((_why, there),) = found[0].related
    span = there.span
    assert f"{span.line}:{span.column}-{span.end_line}:{span.end_column}" == _place(right, DIGEST)
    assert {path: path.read_bytes() for path in copied.iterdir()} == before
    assert opened == []
