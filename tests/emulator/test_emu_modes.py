"""What each tool does in each state of the module (research, section 10.6): done, waited for, or refused."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import pytest
from emulator_bench import SUBSCRIPTION, Bench, Packages, generate

from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.handling import FailModule, SwitchPower
from hsm_emulator.messages import ChangeMode, CheckPin

if TYPE_CHECKING:
    from pathlib import Path

    from tool_bench import Tools

REGION: Final = "-ExchangeKeyPackage kek -NewSecurityWorldPackage world"
PACK: Final = f"-KeyIdentifier contosokey -SubscriptionId {SUBSCRIPTION} -KeyFriendlyName X {REGION}"

# In initialization, operational and maintenance mode, and failed. y: not refused for its mode, - refused, w waits for
# initialization mode. Nobody answers, so what asks for a card is cancelled.
TABLE: Final = {
    "enquiry": "yyyy",
    "slotinfo": "yyyy",
    "nfkminfo": "yyyy",
    "nfkminfo -c": "yyyy",
    "kmfile-dump '%NFAST_KMDATA%/local/world'": "yyyy",
    "nopclearfail -c": "yyyy",
    "nopclearfail -I": "yyyy",
    "nopclearfail -O": "yyyy",
    "nopclearfail --maintenance": "yyyy",
    "new-world -i -c DLf3072s256mRijndael -Q 1/1 --wait-limit 0": "yw--",
    "new-world -e --wait-limit 0": "yw--",
    "initunit --wait-limit 0": "yw--",
    "bulkerase": "yy--",
    "createocs --erase": "yy--",
    "slotinfo --format": "yy--",
    "createocs -Q 1/1 -N new": "-y--",
    "generatekey --generate simple type=RSA size=2048 protect=module ident=x plainname=x nvram=no pubexp=": "-y--",
    "generatekey --generate simple": "-y--",
    "preload -A simple -K contosokey exit": "-y--",
    "preload -s soft exit": "-y--",
    "aclprint simple contosokey": "-y--",
    "cardpp --check": "-y--",
    "cardpp --change": "-y--",
    "cardpp --recover": "-y--",
    "racs": "-y--",
    "rocs": "-y--",
    "ppmk --new third": "-y--",
    "ppmk --check soft": "-y--",
    "nvram-sw --list": "-y--",
    "nvram-sw --allocate -n one -b 12": "-y--",
    "nvram-backup --save -n one": "-y--",
    "verifykeypackage -k kek -w world": "-y--",
    f"KeyTransferRemote -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey {REGION}": "-y--",
    f"KeyTransferRemote -Package {PACK}": "-y--",
}
STATES: Final = (Mode.INITIALIZATION, Mode.OPERATIONAL, Mode.MAINTENANCE, Mode.FAILED)


@pytest.fixture
def place(tmp_path: Path, packages: Packages, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder somebody is in, with a region's packages."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "kek").write_bytes(packages.kek)
    (tmp_path / "here" / "world").write_bytes(packages.world)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def bring(tools: Tools, mode: Mode) -> None:
    words = {
        Mode.INITIALIZATION: "nopclearfail -I",
        Mode.OPERATIONAL: "nopclearfail -O",
        Mode.MAINTENANCE: "nopclearfail --maintenance",
        Mode.FAILED: "emu module fail",
    }
    tools.line(words[mode])
    assert f"  mode                  {mode.value}\n" in tools.done("enquiry")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("mode", STATES)
@pytest.mark.parametrize("line", TABLE)
def test_each_tool_in_each_state(staffed_tools: Tools, line: str, mode: Mode) -> None:
    bring(staffed_tools, mode)
    match TABLE[line][STATES.index(mode)]:
        case "y":
            shown = staffed_tools.run(*shlex.split(line))
            assert shown.code in {0, 1, 3}
            assert "InvalidState" not in shown.err
        case "w":
            shown = staffed_tools.refused(4, *shlex.split(line))
            assert "needs initialization mode" in shown.err
        case _:
            shown = staffed_tools.refused(1, *shlex.split(line))
            assert shown.err.startswith("hsm-emulator: InvalidState: ")  # nobody was asked for anything before
            assert shown.err.count("\n") == 1
            assert mode.value in shown.err


def test_a_module_that_failed_does_nothing_until_it_is_cleared(ready: Bench) -> None:
    ready.do(CheckPin(), ready.serials[0])
    ready.device.handle(FailModule())
    ready.refused(generate("x"), Status.INVALID_STATE)
    ready.refused(ChangeMode(mode=Mode.FAILED), Status.INVALID_PARAMETER)
    ready.mode(Mode.OPERATIONAL)
    ready.do(generate("x"))


def test_a_power_cut_brings_it_back_too_and_a_module_without_power_does_not_fail(ready: Bench) -> None:
    ready.device.handle(FailModule())
    ready.device.handle(SwitchPower(on=False))
    with pytest.raises(Refused) as caught:
        ready.device.handle(FailModule())
    assert caught.value.status is Status.INVALID_STATE
    ready.device.handle(SwitchPower(on=True))
    ready.do(generate("x"))


def test_a_clear_brings_a_module_back_that_failed_in_another_mode(tools: Tools) -> None:
    tools.done("nopclearfail", "-I")
    tools.done("emu", "module", "fail")
    assert "has failed, and reads no card" in tools.refused(1, "cardpp", "--examine", typed=["SIM-C-0001"]).err
    tools.done("nopclearfail", "-c")
    assert "operational" in tools.done("enquiry")


def test_verifykeypackage_needs_a_world(blank_tools: Tools, place: Path) -> None:
    shown = blank_tools.refused(1, "verifykeypackage", "-k", str(place / "kek"), "-w", str(place / "world"))
    assert "there is no Security World" in shown.err
    assert "Result: FAILURE" in shown.out
