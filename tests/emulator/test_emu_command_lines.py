"""Every command line of five editions of the published procedure, each in its language, as it is printed."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from emulator_bench import SUBSCRIPTION, Bench, contents
from tool_bench import Tools

from hsm_emulator.region import catalogue
from hsm_emulator.tools.arguments import tool_name
from hsm_emulator.tools.main import all_tools

VECTORS = Path(__file__).parent.parent / "vectors" / "commands"
PROSE = tomllib.loads((VECTORS / "prose.toml").read_text(encoding="utf-8"))["refused"]
EDITIONS: list[dict[str, Any]] = [
    tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(VECTORS.glob("20*.toml"))
]
LINES = tuple(dict.fromkeys(line for edition in EDITIONS for line in edition["lines"]))
ELSEWHERE = tuple(dict.fromkeys(line for edition in EDITIONS for line in edition["elsewhere"]))
TOKENS = sorted({match[1] for line in LINES if (match := re.search(r"BYOK-KEK-pkg-([A-Z]+-1)", line))})
EVERYWHERE = tuple(line for line in LINES if "BYOK-KEK-pkg" not in line)
TOOLS = {tool.name: tool for tool in all_tools()}


def begins(tool: str, lines: tuple[str, ...] = EVERYWHERE) -> tuple[str, ...]:
    """Return the lines that run a tool; there is one at least."""
    found = tuple(line for line in lines if tool_name(shlex.split(line))[0] == tool)
    assert found
    return found


def test_the_editions_are_whole() -> None:
    shown = {(edition["edition"], edition["language"]): len(edition["lines"]) for edition in EDITIONS}
    assert shown == {
        ("2015-09-18", "fr"): 22,
        ("2016-02-01", "es"): 25,
        ("2016-10-24", "zh-tw"): 34,
        ("2016-11-30", "en"): 34,
        ("2017-05-09", "nl"): 40,
    }
    assert len(TOKENS) == 12


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition["language"])
def test_every_line_is_one_of_a_tool(edition: dict[str, Any]) -> None:
    for line in edition["lines"]:
        name, rest = tool_name(shlex.split(line))
        assert TOOLS[name].parse(rest)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A module on which the lines that come before a region's have been run."""
    bench = Bench(tmp_path_factory.mktemp("lines") / "hsm")
    bench.device.close()
    tools = Tools(bench.folder)
    tools.done("nopclearfail", "-I")
    for line in begins("new-world"):
        tools.line(line, typed=[word for card in bench.serials[:3] for word in (card, "a PIN", "a PIN")])
    tools.done("nopclearfail", "-O")
    for line in begins("generatekey"):
        assert "key_simple_contosokey" in tools.line(line)
    return bench


@pytest.fixture
def tools(made: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """A copy of that module, and an empty folder to be in."""
    shutil.copytree(made.folder, tmp_path / "hsm")
    (tmp_path / "toolset").mkdir()
    monkeypatch.chdir(tmp_path / "toolset")
    return Tools(tmp_path / "hsm")


@pytest.mark.parametrize("token", TOKENS)
def test_every_line_of_a_region_runs_unchanged(tools: Tools, made: Bench, token: str) -> None:
    code = next(region.code for region in catalogue.REGIONS if region.token == token)
    with zipfile.ZipFile(io.BytesIO(catalogue.toolset(code))) as toolset:
        toolset.extractall()
    lines = tuple(line for line in LINES if f"-{token} " in f"{line} ")
    verify, remote = begins("verifykeypackage", lines), begins("KeyTransferRemote", lines)
    modify = [line for line in remote if "-ModifyAcls" in line]
    package = [line for line in remote if "-Package" in line]
    assert len(verify) + len(modify) + len(package) == len(lines)
    for line in verify:
        assert tools.line(line).endswith("Result: SUCCESS (SIMULATED)\n")
    assert len(modify) == 1
    assert "key_xferacld_contosokey" in tools.line(
        modify[0], typed=[made.serials[0], "a PIN", made.serials[2], "a PIN"]
    )
    for line in begins("preload"):
        assert "Loading complete. Executing subprocess" in tools.line(line)
    for line in begins("kmfile-dump"):
        assert "signed by KNSO" in tools.line(line)
    assert len(package) == 1
    before = contents(tools.folder)
    shown = tools.run(*shlex.split(package[0]))  # SubscriptionID stands for the reader's own
    assert (shown.code, contents(tools.folder)) == (1, before)
    assert "'SubscriptionID' is no subscription id: it is a GUID" in shown.err
    tools.line(package[0].replace("SubscriptionID", SUBSCRIPTION))
    assert Path("KeyTransferPackage-ContosoFirstHSMkey.byok").is_file()


@pytest.mark.parametrize("prose", PROSE, ids=lambda prose: prose["line"])
def test_names_that_only_the_prose_has(tools: Tools, prose: dict[str, str]) -> None:
    shown = tools.refused(1, *shlex.split(prose["line"]))
    assert prose["says"] in shown.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("line", ELSEWHERE)
def test_lines_that_no_device_has(tools: Tools, line: str) -> None:
    assert "there is no tool" in tools.refused(2, *shlex.split(line)).err


def test_other_spellings(tools: Tools) -> None:
    page = tools.line("kmfile-dump %NFAST_KMDATA%/local/key_simple_contosokey")
    for line in (
        r"KMFILE-DUMP.EXE '%nfast_kmdata%\local\key_simple_contosokey'",
        "/opt/nfast/bin/kmfile-dump /opt/nfast/kmdata/local/key_simple_contosokey",
        r"kmfile-dump 'C:\ProgramData\nCipher\Key Management Data\local\key_simple_contosokey'",
        f"kmfile-dump {tools.folder}/kmdata/local/key_simple_contosokey",
    ):
        assert tools.line(line) == page
