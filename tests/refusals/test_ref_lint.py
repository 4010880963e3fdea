"""`lint` with several files, with files that nothing reads, and where what it prints cannot be shown or written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from refusal_bench import edit, name

if TYPE_CHECKING:
    from refusal_bench import Bench

UNTRIED = edit("  vault_name:", "  ticket: {type: text, ask: Number of the ticket}\n  vault_name:")


def test_a_parameter_without_default_and_example(bench: Bench) -> None:
    bench.change(UNTRIED)
    found = bench.lint()
    words = "`ticket` has neither a default nor an example, and nothing can be tried without one"
    assert (found.code, found.out.count("\n")) == (1, 1)
    assert f"{bench.place('  |ticket:')}: error SHP006 {words}" in found.out
    given = bench.run("plan", name("ceremony"), "--region", "eu", "--param", "ticket=T-1")
    assert "ticket" not in given.err


def test_one_of_several_that_is_refused_does_not_silence_the_others(bench: Bench) -> None:
    """A region that the second does not have is wrong use; what is wrong in the first is told before."""
    bench.change(edit("\ntitle:", "\ntitel:"))
    other = bench.folder / "other.ceremony.yaml"
    other.write_text((Path(__file__).parents[1] / "vectors/refusals/small.ceremony.yaml").read_text())
    found = bench.run("lint", name("ceremony"), other.name, "--region", "eu", "--format", "oneline")
    assert found.code == 2
    assert " error SHP001 " in found.out
    assert "refused REG010: " in found.err


@pytest.mark.parametrize("file", ["other.roster.yaml", "other.regions.yaml", "azure-byok.de.texts.yaml"])
def test_a_file_that_no_playbook_reads_is_not_called_good(bench: Bench, file: str) -> None:
    (bench.folder / file).write_text("garbage: [")
    found = bench.run("lint", file)
    assert found.code == 2
    assert f"refused: no playbook beside {file} reads it" in found.err


@pytest.mark.parametrize("kind", ["roster", "regions"])
def test_a_file_that_a_playbook_reads_is_looked_at(bench: Bench, kind: str) -> None:
    assert bench.run("lint", f"azure-byok.{kind}.yaml").code == 0
    (bench.folder / f"azure-byok.{kind}.yaml").write_text("garbage: [")
    found = bench.run("lint", f"azure-byok.{kind}.yaml", "--format", "oneline")
    assert found.code == 1
    assert f"azure-byok.{kind}.yaml:1:11: error YAM001" in found.out


def printed(folder: Path, encoding: str, out: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "import sys; from runner.cli.main import main; sys.exit(main())"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [*program, "lint", name("ceremony")]
    return subprocess.run(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.PIPE, check=False)


@pytest.mark.parametrize(
    ("encoding", "shown"), [("cp1252", b"\\u6f22"), ("ascii", b"\\u6f22"), ("utf-8", "漢".encode())]
)
def test_what_the_output_cannot_show_is_shown_by_its_number(bench: Bench, encoding: str, shown: bytes) -> None:
    bench.change(edit("\ntitle:", "\n漢: x\ntitle:"))
    found = printed(bench.folder, encoding)
    assert (found.returncode, b"defect" in found.stderr) == (1, False)
    assert b"SHP001" in found.stdout
    assert shown in found.stdout


def test_an_output_that_is_full_is_said(bench: Bench) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    bench.change(edit("\ntitle:", "\ntitel:"))
    full = os.open("/dev/full", os.O_WRONLY)
    found = printed(bench.folder, "utf-8", full)
    os.close(full)
    assert found.returncode == 2
    assert found.stderr.endswith(b"refused: what was to be printed could not be written: No space left on device\n")
