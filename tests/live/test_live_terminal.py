"""Every command of a live ceremony needs a terminal; and at one, ending it and deciding what nobody knows."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pexpect
import pytest
from live_bench import Premises
from small_bench import STOP, at

if TYPE_CHECKING:
    from small_bench import Bench

HERE = ("--environment", "room.environment.yaml")
COMMANDS = {
    "run": ("run", "plan.json", "--out", "record-2"),
    "resume": ("resume", "record"),
    "resolve": ("resolve", "record", "--step", "tell"),
    "abort": ("abort", "record", "--as", "fay", "--because", "enough"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_terminal_nothing_happens(small: Bench, command: str) -> None:
    if command != "run":
        assert small.run(answers=small.answers(told=STOP)).code == 130
    before = {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()}
    said = Premises(small.folder).call(*COMMANDS[command], *HERE)
    assert (said.returncode, said.stdout) == (8, ""), said.stderr
    assert "there is no terminal to ask them at" in said.stderr
    assert {path: path.read_bytes() for path in small.folder.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_abort_at_a_terminal(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    child = at(small, "fay types their id:", *COMMANDS["abort"])
    child.sendline("fay")
    child.expect("STATEMENT OF CLOSE")
    child.expect("fay types their id to sign this:")
    child.sendline("fay")
    child.expect("ended +aborted")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5
    assert small.entries()[-1]["data"]["outcome"] == "aborted"


@pytest.mark.slow
def test_resolve_at_a_terminal(small: Bench) -> None:
    """The device is an older copy of itself: what it did since is not known, and the step's people decide."""
    device = small.folder / "devices"
    shutil.copytree(device, small.folder / "older")
    assert small.run(answers=small.answers(told=STOP)).code == 130
    shutil.rmtree(device)
    shutil.move(small.folder / "older", device)
    refused = small.resume()
    assert (refused.code, "RUN022" in refused.err) == (7, True)
    child = at(small, "Decide: abandon:", *COMMANDS["resolve"])
    child.sendline("abandon")
    child.expect("Who acts types their id:")
    child.sendline("dee")
    child.expect("Why. One line:")
    child.sendline("an older copy")
    child.expect("dee types their id to say this:")
    child.sendline("dee")
    child.expect("ended +aborted")
    child.expect("aborted by dee: an older copy .RUN022.")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 6
    kinds = [entry["type"] for entry in small.entries()]
    assert kinds[-5:] == ["step.resolved", "checkpoint", "attested", "ceremony.aborted", "ceremony.closed"]
