"""Remote slots: the list that people keep, what it lets through, and that a card it does not name is not recognised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from emulator_bench import ESN, Bench, Packages, contents, modify
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_bench import Tools

from hsm_emulator import remote
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode

if TYPE_CHECKING:
    from pathlib import Path

FIRST = f"{remote.LINE}\ndynamic-slots 2\n"


def put(folder: Path, text: str) -> None:
    path = folder / remote.PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_a_card_on_the_list_is_read_from_afar(ready: Bench, packages: Packages) -> None:
    one, two = ready.serials[:2]
    put(ready.folder, f"{FIRST}{two}\n")
    dialogue = ready.operator(one, f"#1 {two}")
    ready.talk(modify(packages), dialogue)
    assert dialogue.told == [f"card {two} is in dynamic slot 1 of module {ESN}, read from afar"]


def test_a_card_that_is_not_on_the_list_is_not_recognised_and_the_slot_waits(ready: Bench, packages: Packages) -> None:
    one, two = ready.serials[:2]
    put(ready.folder, f"{FIRST}{two}\n")
    dialogue = ready.operator(f"#1 {one}", f"#2 {two}")
    ready.refused_talk(modify(packages), Status.CANCELLED, dialogue, tries=True)
    assert dialogue.told[0] == f"card {one} is not recognised in dynamic slot 1: it is not on the list"
    assert [ask.serial for ask in dialogue.asks if hasattr(ask, "serial")] == [two]
    ready.do(modify(packages), one, f"#2 {two}")


@pytest.mark.parametrize("answer", ["#3 SIM-C-0001", "#99 SIM-C-0001"])
def test_a_slot_that_is_not_there(ready: Bench, packages: Packages, answer: str) -> None:
    put(ready.folder, f"{FIRST}*\n")
    dialogue = ready.operator(answer)
    ready.refused_talk(modify(packages), Status.CANCELLED, dialogue)
    assert dialogue.told == [f"module 1 has no slot {answer[1:].split(maxsplit=1)[0]}"]


def test_without_a_list_there_are_no_dynamic_slots(ready: Bench, packages: Packages) -> None:
    dialogue = ready.operator("#1 SIM-C-0001")
    ready.refused_talk(modify(packages), Status.CANCELLED, dialogue)
    assert dialogue.told == ["module 1 has no slot 1"]
    ready.do(modify(packages), "#0 SIM-C-0001", "SIM-C-0002")


def test_the_star_is_every_card_and_an_empty_list_is_none(ready: Bench, packages: Packages) -> None:
    put(ready.folder, FIRST)
    ready.refused_talk(modify(packages), Status.CANCELLED, ready.operator("#1 SIM-C-0001"))
    put(ready.folder, f"{FIRST}*\n")
    ready.do(modify(packages), "#1 SIM-C-0001", "#2 SIM-C-0002")


def test_the_list_is_no_file_of_the_receipts(ready: Bench) -> None:
    put(ready.folder, f"{FIRST}*\n")
    ready.reopen()
    assert remote.PATH in contents(ready.folder)
    put(ready.folder, FIRST)
    ready.reopen()
    ready.mode(Mode.MAINTENANCE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*\n",
        FIRST[:-1],
        f"{remote.LINE}\n",
        FIRST.replace("version 1", "version 2"),
        FIRST.replace("2\n", "0\n"),
        FIRST.replace("2\n", "17\n"),
        FIRST.replace("slots 2", "slots  2"),
        FIRST.replace("\n", "\r\n"),
        f"{FIRST}*\nSIM-C-0001\n",
        f"{FIRST}SIM-C-0001\n*\n",
        f"{FIRST}C-0001\n",
        f"{FIRST}\n",
        f"{FIRST}# a remark\n",
        f"{FIRST}SIM-C-0001\nSIM-C-0001\n",
        f"{FIRST}SIM-C-0001 \n",
        f"{FIRST}SIM-C-0001",
        f"{FIRST}SIM-Ü\n",
    ],
)
def test_a_list_that_is_none_refuses_every_command(ready: Bench, text: str) -> None:
    put(ready.folder, f"{FIRST}SIM-C-0001\n")
    ready.do(ChangeMode(mode=Mode.OPERATIONAL))
    put(ready.folder, text)
    ready.refused(ChangeMode(mode=Mode.MAINTENANCE), Status.HOST_DATA_INVALID)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=30).map(lambda text: f"{FIRST}{text}".encode())))
def test_any_list(content: bytes) -> None:
    try:
        listed = remote.parse(content)
    except DamagedFile:
        return
    assert 1 <= listed.slots <= remote.MOST
    again = [remote.LINE, f"dynamic-slots {listed.slots}"]
    again += ["*"] if listed.serials is None else content.decode().split("\n")[2:-1]
    assert "\n".join([*again, ""]).encode() == content


def test_slotinfo_shows_dynamic_slots(tools: Tools) -> None:
    assert "#1" not in tools.done("slotinfo")
    put(tools.folder, f"{FIRST}*\n")
    page = tools.done("slotinfo")
    assert "#1    Smartcard  -       0   RD" in page
    assert "#2    Smartcard  -       0   RD" in page
    assert "#0" not in tools.done("slotinfo", "-s", "2")
    slots = json.loads(tools.done("slotinfo", "--json"))["slots"]
    assert [slot["slot"] for slot in slots] == [0, 1, 2]
    assert slots[2]["flags"] == "RD"
    assert "no slot 3" in tools.refused(1, "slotinfo", "--slot", "3").err
    put(tools.folder, "*\n")
    assert "HostDataInvalid" in tools.refused(1, "slotinfo").err


def test_a_remote_card_at_the_terminal(ready: Bench, packages: Packages, tmp_path: Path) -> None:
    ready.device.close()
    put(ready.folder, f"{FIRST}SIM-C-0002\n")
    tools = Tools(ready.folder)
    for name, content in (("kek", packages.kek), ("world", packages.world)):
        (tmp_path / name).write_bytes(content)
    line = ["KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", "-KeyIdentifier", "contosokey"]
    line += ["-ExchangeKeyPackage", str(tmp_path / "kek"), "-NewSecurityWorldPackage", str(tmp_path / "world")]
    pin = "correct horse SIM-C-000{}"
    typed = ["#1 SIM-C-0001", "SIM-C-0001", pin.format(1), "#2 SIM-C-0002", pin.format(2)]
    page = tools.done(*line, typed=typed)
    assert "card SIM-C-0001 is not recognised in dynamic slot 1" in page
    assert f"card SIM-C-0002 is in dynamic slot 2 of module {ESN}" in page


def test_no_list_is_a_refusal_of_its_own() -> None:
    assert remote.parse(None) == remote.NOTHING
    with pytest.raises(Refused):
        remote.parse(b"")
