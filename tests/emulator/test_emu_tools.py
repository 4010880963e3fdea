"""The tools: pages, exit codes, that looking changes nothing, and what can be set up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emulator_bench import SUBSCRIPTION, Bench, Packages, contents, make_packages
from test_emu_attacks import forge
from tool_bench import Tools

import hsm_emulator.tools
from hsm_emulator import crypto, state
from hsm_emulator.operator_messages import InsertCard
from hsm_emulator.pages import MARK
from hsm_emulator.region import client
from hsm_emulator.tools.main import all_tools, main


@pytest.fixture
def lookable(ready: Bench, packages: Packages) -> Bench:
    ready.copy(packages)
    ready.device.close()
    return ready


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["enquiry"], ["\nServer:\n", "\nModule #1:\n", "SIM0-0000-0001", "operational", "hardware status       OK"]),
        (["nfkminfo"], ["\nModule #1\n  state         Usable\n", "\nModule #1 Slot #0 IC 0\n  token         empty\n"]),
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


def test_verifykeypackage(tmp_path: Path, tools: Tools, packages: Packages) -> None:
    kek, world, other = tmp_path / "kek", tmp_path / "world", tmp_path / "other"
    kek.write_bytes(packages.kek)
    world.write_bytes(packages.world)
    other.write_bytes(make_packages("US-1").world)
    assert "Result: SUCCESS" in tools.done("verifykeypackage", "-k", str(kek), "-w", str(world))
    shown = tools.refused(1, "verifykeypackage", "-k", str(kek), "-w", str(other))
    assert "Result: FAILURE" in shown.out
    assert "US-1" in shown.err
    assert "there is no file" in tools.refused(1, "verifykeypackage", "-k", str(kek), "-w", str(tmp_path / "none")).err


@pytest.mark.parametrize(
    "line", [["new-world"], [], ["aclprint", "simple"], ["enquiry", "--seed", "1"], ["--pin", "x"]]
)
def test_anything_else(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2
    shown = capsys.readouterr()
    assert shown.err.endswith("See hsm-emulator --help.\n")
    assert shown.out == ""


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


# -- setting up --------------------------------------------------------------------------------------------------------

SERIAL = "SIM0-0000-0007"


def test_manufacture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "devices" / "hsm"
    assert main(["manufacture", str(place), "--serial", SERIAL, "--cards", "2"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("SIMULATED")
    assert f"module        {SERIAL}" in page
    assert page.count("blank card") == 2
    assert {path.stem for path in (place / "cardstore").iterdir()} == {"SIM-CARD-0001", "SIM-CARD-0002"}
    assert main(["--folder", str(place), "enquiry"]) == 0
    assert SERIAL in capsys.readouterr().out


def test_manufacture_without_cards(tmp_path: Path) -> None:
    tmp_path.joinpath("empty").mkdir()
    assert main(["manufacture", str(tmp_path / "empty"), "--serial", SERIAL, "--cards", "0"]) == 0


@pytest.mark.parametrize("serial", ["0000-0000-0007", "SIM", "sim0-0000-0007", "SIM0/0007", ""])
def test_a_serial_says_that_it_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str], serial: str) -> None:
    assert main(["manufacture", str(tmp_path / "hsm"), "--serial", serial, "--cards", "1"]) == 1
    assert "no simulated serial number" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cards", ["-1", "65", "three", "1.0", "\u0663", ""])
def test_so_many_cards_there_are_not(tmp_path: Path, capsys: pytest.CaptureFixture[str], cards: str) -> None:
    assert main(["manufacture", str(tmp_path / "hsm"), "--serial", SERIAL, f"--cards={cards}"]) == 2
    assert "a whole number from 0 to 64" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line", [["manufacture", "PLACE", "--serial", SERIAL, "--cards", "1"], ["install-vault", "PLACE", "--region", "eu"]]
)
def test_nothing_is_set_up_where_something_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    def run(place: Path) -> int:
        return main([str(place) if word == "PLACE" else word for word in line])

    assert run(tmp_path / "new") == 0
    before = contents(tmp_path / "new")
    assert run(tmp_path / "new") == 1
    assert "is not empty, and nothing is ever overwritten" in capsys.readouterr().err
    assert contents(tmp_path / "new") == before
    (tmp_path / "file").write_text("mine")
    assert run(tmp_path / "file") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_install_vault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "vaults" / "eu"
    assert main(["install-vault", str(place), "--region", "eu"]) == 0
    assert capsys.readouterr().out == f"{MARK}\nvault         eu in {place}\n"
    assert client.state(place).code == "eu"


def test_no_vault_of_a_region_that_is_not_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-vault", str(tmp_path / "mars"), "--region", "mars"]) == 1
    assert "UnknownID" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tool", ["manufacture", "install-vault"])
def test_help_of_setting_up(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([tool, "--help"]) == 0
    assert "FOLDER" in capsys.readouterr().out
    assert main([tool]) == 2
    assert main([tool, "place"]) == 2


def test_every_module_that_has_tools_is_asked_for_them() -> None:
    package = Path(hsm_emulator.tools.__file__).parent
    rooms = {path.stem for path in package.glob("*.py") if "\nTOOLS: " in path.read_text(encoding="utf-8")}
    assert rooms == {tool.run.__module__.rpartition(".")[2] for tool in all_tools()}


def test_nfkminfo_says_the_hash_of_the_modules_signing_key(ready: Bench) -> None:
    now = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    kml = crypto.key_hash("kml", crypto.verify_key(state.recall(now).kml))
    ready.do(InsertCard(serial=ready.serials[0]))
    ready.device.close()
    tools = Tools(ready.folder)
    assert f"\n  hkml          {kml}\nModule #1 Slot #0 IC 1\n" in tools.done("nfkminfo")
    assert json.loads(tools.done("nfkminfo", "--json"))["hkml"] == kml
    assert "Admin Card #1" in tools.done("nfkminfo")


def test_nfkminfo_says_no_hash_where_the_modules_file_is_gone(ready: Bench) -> None:
    forge(ready, {"kmdata/local/module_SIM0-0000-0001": None})
    ready.device.close()
    assert "\n  hkml          none\n" in Tools(ready.folder).done("nfkminfo")


def test_who_stands_in_the_installation_makes_files_there_and_goes_on(
    ready: Bench, packages: Packages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has to say --folder, and what the tools write where people are is no file of the device."""
    ready.copy(packages)
    ready.device.close()
    monkeypatch.chdir(ready.folder)
    (ready.folder / "kek").write_bytes(packages.kek)
    (ready.folder / "world").write_bytes(packages.world)
    both = ["-ExchangeKeyPackage", "kek", "-NewSecurityWorldPackage", "world"]
    line = ["-KeyIdentifier", "contosokey", "-SubscriptionId", SUBSCRIPTION, "-KeyFriendlyName", "First", *both]
    assert main(["KeyTransferRemote", "-Package", *line]) == 0, capsys.readouterr().err
    assert main(["nfkmattest", "bundle", "simple", "contosokey"]) == 0
    assert main(["emu", "region", "toolset", "KeyVault-BYOK-Tools-Europe.zip"]) == 0
    for tool in ("enquiry", "nfkmverify", "nfkmcheck"):
        assert main([tool]) == 0, capsys.readouterr().err
    assert main(["nopclearfail", "-I"]) == 0
