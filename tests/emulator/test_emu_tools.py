"""The inspection tools: pages, exit codes, and that they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, contents, make_packages

from hsm_emulator import crypto
from hsm_emulator.tools.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lookable(ready: Bench, packages: Packages) -> Bench:
    ready.copy(packages)
    ready.device.close()
    return ready


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["enquiry"], ["SIM0-0000-0001", "operational"]),
        (["nfkminfo"], ["Initialised Usable", "Key list - 2 keys", "contosokey", "SIM-C-0003"]),
        (["aclprint", "simple", "contosokey"], ["ExpandACL", "needs a certificate of"]),
        (["aclprint", "xferacld", "contosokey"], ["at most 1 use(s)", "archive blob"]),
    ],
)
def test_pages(lookable: Bench, capsys: pytest.CaptureFixture[str], line: list[str], words: list[str]) -> None:
    before = contents(lookable.folder)
    assert main(["--folder", str(lookable.folder), *line]) == 0
    page = capsys.readouterr().out
    assert page.startswith("SIMULATED")
    for word in words:
        assert word in page
    assert contents(lookable.folder) == before


@pytest.mark.parametrize(
    "name",
    [
        "kmdata/local/world",
        "kmdata/local/module_SIM0-0000-0001",
        "kmdata/local/key_simple_contosokey",
        "cardstore/SIM-C-0001.card",
        "cardstore/SIM-C-0008.card",
    ],
)
def test_kmfile_dump(lookable: Bench, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["kmfile-dump", str(lookable.folder / name)]) == 0
    assert capsys.readouterr().out.startswith("SIMULATED")


def test_verifykeypackage(tmp_path: Path, packages: Packages, capsys: pytest.CaptureFixture[str]) -> None:
    kek, world, other = tmp_path / "kek", tmp_path / "world", tmp_path / "other"
    kek.write_bytes(packages.kek)
    world.write_bytes(packages.world)
    other.write_bytes(make_packages("US-1").world)
    assert main(["verifykeypackage", "-k", str(kek), "-w", str(world)]) == 0
    assert "Result: SUCCESS" in capsys.readouterr().out
    assert main(["verifykeypackage", "-k", str(kek), "-w", str(other)]) == 1
    shown = capsys.readouterr()
    assert "Result: FAILURE" in shown.out
    assert "US-1" in shown.err
    assert main(["verifykeypackage", "-k", str(kek), "-w", str(tmp_path / "none")]) == 1


@pytest.mark.parametrize(
    "line", [["new-world"], [], ["aclprint", "simple"], ["enquiry", "--seed", "1"], ["--pin", "x"]]
)
def test_anything_else(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2
    assert "only look" in capsys.readouterr().err


def test_refused_and_help(lookable: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path / "none"), "enquiry"]) == 1
    assert main(["--folder", str(lookable.folder), "aclprint", "simple", "none"]) == 1
    assert "simple contosokey" in capsys.readouterr().err
    assert main(["kmfile-dump", str(lookable.folder / "silicon/SIM0-0000-0001/dev")]) == 1
    (tmp_path / "text").write_text("not a file of ours")
    assert main(["kmfile-dump", str(tmp_path / "text")]) == 1
    assert main(["--help"]) == 0


def test_no_command_line_makes_cheap_cards() -> None:
    assert crypto.SCRYPT_N == 1 << 15
