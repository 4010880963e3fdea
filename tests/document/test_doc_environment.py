"""What an environment says where it says nothing, and which folders are apart."""

from __future__ import annotations

import pytest
from document_vectors import VECTORS

from runner.document.environment import Environment, parse_environment
from runner.document.source import read_source

GOOD = (VECTORS / "good.environment.yaml").read_text()
LEAST = "format: environment/1\nid: laptop\nstations: [online, offline]\n"


def environment(text: str) -> Environment:
    value = parse_environment(read_source("x", text.encode())).value
    assert value is not None
    return value


def test_what_is_left_out_has_a_default() -> None:
    least = environment(LEAST)
    assert least.stations == ("online", "offline")
    assert least.folders.model_dump() == {"work": "work", "devices": "devices", "vaults": "vaults", "ledger": "ledger"}
    assert (least.waits.card_minutes, least.waits.mode_minutes, least.pins) == (10, 5, "terminal")
    assert (least.devices, least.media, least.keys) == ({}, {}, {})


def test_what_is_written_stands() -> None:
    good = environment(GOOD)
    assert (good.devices["press"].backend, good.devices["press"].serial) == ("emulator", "SIM0-0000-0001")
    assert good.media["stick"].folder == "media/stick"
    assert good.folders.model_dump() == {
        "work": "files",
        "devices": "devices",
        "vaults": "vaults",
        "ledger": "used/approvals",
    }
    assert (good.waits.card_minutes, good.waits.mode_minutes) == (15, 5)
    assert good.keys == {"ada": "keys/ada", "bob": "/media/bob/id_ed25519.pub"}


@pytest.mark.parametrize("folder", ["files-2", "filesystem/files", "..files", ".hidden/x", "a b/c", "used/receipts"])
def test_folders_that_only_look_like_others_or_like_parents(folder: str) -> None:
    assert environment(GOOD.replace("media/stick", folder)).media["stick"].folder == folder


@pytest.mark.parametrize("folder", ["work/usb", "WORK", "used", '"media\\nusb"', '"~"/x', "..", "a/..", "a/."])
def test_folders_that_are_not_apart_or_not_below(folder: str) -> None:
    text = GOOD.replace("files, ", "work, ").replace("media/stick", folder)
    document = parse_environment(read_source("x", text.encode()))
    assert len(document.findings) == 1
    assert document.value is None
