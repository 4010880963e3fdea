"""NVRAM: areas, whose quorum sets them aside; keys in it; what a restored world has of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import SUITE, Bench, Packages, SeededDraw, contents, generate
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_emu_attacks import edited, forge

from hsm_emulator import nvram, state
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.facts import Mode
from hsm_emulator.messages import LoadWorld, NewWorld, ProveKey, RestoreFile
from hsm_emulator.world_messages import (
    AllocateArea,
    AreaChanged,
    AreaFact,
    AreaRead,
    AreasListed,
    Feature,
    FreeArea,
    ListAreas,
    ReadArea,
    RestoreArea,
    SaveArea,
    WriteArea,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tool_bench import Tools

    from hsm_emulator.messages import Change

LOCAL = "kmdata/local/"
ONE = AllocateArea(name="one", size=16)
PROVE = ProveKey(app="simple", ident="contosokey", challenge=b"c" * 32)


def content(bench: Bench, name: str = "one") -> bytes:
    reply = bench.device.look(ReadArea(name=name))
    assert isinstance(reply, AreaRead)
    return reply.content


def listed(bench: Bench) -> AreasListed:
    reply = bench.device.look(ListAreas())
    assert isinstance(reply, AreasListed)
    return reply


@pytest.fixture
def one(ready: Bench) -> Bench:
    """A device in a 2-of-3 world with an area of 16 bytes."""
    made = ready.do(ONE, *ready.serials[:2])
    assert made == AreaChanged(name="one", size=16, serials=tuple(ready.serials[:2]))
    return ready


# -- areas -------------------------------------------------------------------------------------------------------------


def test_an_area_is_set_aside_written_read_and_given_up(one: Bench) -> None:
    assert content(one) == bytes(16)
    one.do(WriteArea(name="one", content=b"a long text"))
    one.do(WriteArea(name="one", content=b"text"))
    assert content(one) == b"text" + bytes(12)
    assert listed(one) == AreasListed(areas=(AreaFact(name="one", size=16),), free=nvram.CAPACITY - 16)
    one.do(FreeArea(name="one"), *one.serials[1:3])
    assert listed(one) == AreasListed(areas=(), free=nvram.CAPACITY)


@pytest.mark.parametrize("command", [AllocateArea(name="two", size=1), FreeArea(name="one"), SaveArea(name="one")])
def test_the_quorum_is_asked_for_and_fewer_do_not(one: Bench, command: Change) -> None:
    for cards in ((), one.serials[:1], [one.serials[0], one.serials[0]]):
        one.refused_talk(command, Status.CANCELLED, one.operator(*cards), tries=True)
    one.do(command, *one.serials[:2])


def test_a_quorum_of_its_own(bench: Bench) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.do(NewWorld(cipher_suite=SUITE, threshold=2, cards=3, features=((Feature.NVRAM, 3),)), *bench.serials[:3])
    bench.mode(Mode.OPERATIONAL)
    bench.refused_talk(ONE, Status.CANCELLED, bench.operator(*bench.serials[:2]), tries=True)
    bench.do(ONE, *bench.serials[:3])


def test_a_world_without_nvram(bench: Bench) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.do(NewWorld(cipher_suite=SUITE, threshold=1, cards=2, without=(Feature.NVRAM,)), *bench.serials[:2])
    bench.mode(Mode.OPERATIONAL)
    for command in (ONE, generate(nvram=True)):
        assert "without NVRAM" in bench.refused(command, Status.INVALID_PARAMETER, bench.serials[0]).words


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (ONE, Status.ALREADY_EXISTS),
        (AllocateArea(name="two", size=0), Status.INVALID_PARAMETER),
        (AllocateArea(name="two", size=nvram.CAPACITY + 1), Status.INVALID_PARAMETER),
        (AllocateArea(name="two", size=nvram.CAPACITY - 15), Status.INVALID_PARAMETER),
        (AllocateArea(name="twelve-chars", size=1), Status.INVALID_PARAMETER),
        (AllocateArea(name="", size=1), Status.INVALID_PARAMETER),
        (AllocateArea(name="Two", size=1), Status.INVALID_PARAMETER),
        (AllocateArea(name="../x", size=1), Status.INVALID_PARAMETER),
        (WriteArea(name="none", content=b""), Status.UNKNOWN_ID),
        (WriteArea(name="one", content=bytes(17)), Status.INVALID_PARAMETER),
        (FreeArea(name="none"), Status.UNKNOWN_ID),
        (SaveArea(name="none"), Status.UNKNOWN_ID),
        (RestoreArea(name="none"), Status.UNKNOWN_ID),
        (RestoreArea(name="one"), Status.ALREADY_EXISTS),
        (RestoreArea(name="../world"), Status.INVALID_PARAMETER),
    ],
)
def test_what_is_refused(one: Bench, command: Change, status: Status) -> None:
    one.refused_talk(command, status, one.operator(*one.serials[:2]), tries=True)
    one.do(AllocateArea(name="eleven-char", size=1), *one.serials[:2])


@pytest.mark.parametrize("mode", [Mode.INITIALIZATION, Mode.MAINTENANCE])
def test_in_another_mode(one: Bench, mode: Mode) -> None:
    one.mode(mode)
    for command in (AllocateArea(name="two", size=1), WriteArea(name="one", content=b"")):
        one.refused(command, Status.INVALID_STATE, *one.serials[:2])
    for look in (ListAreas(), ReadArea(name="one")):
        with pytest.raises(Refused) as caught:
            one.device.look(look)
        assert caught.value.status is Status.INVALID_STATE


def test_a_new_world_has_none_of_it(one: Bench) -> None:
    one.mode(Mode.INITIALIZATION)
    one.do(NewWorld(cipher_suite=SUITE, threshold=1, cards=2), *one.serials[3:5])
    one.mode(Mode.OPERATIONAL)
    assert listed(one).areas == ()


def test_its_memory_is_sealed_to_the_module(one: Bench, make_bench: Callable[..., Bench]) -> None:
    one.do(WriteArea(name="one", content=b"a secret text"))
    path = "silicon/SIM0-0000-0001/nvram"
    files = contents(one.folder)
    assert all(b"a secret text" not in data for data in files.values())
    other = make_bench("other", seed="other")
    other.world()
    forge(other, {path: files[path]})
    with pytest.raises(StoreBroken):
        listed(other)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(nvram.NAME, fullmatch=True), st.binary(max_size=40), max_size=4))
def test_areas_come_back(areas: dict[str, bytes]) -> None:
    draw = SeededDraw("areas")
    now = state.make_device_secret(state.State(esn="SIM-1", files={}), draw)
    made = {name: nvram.Area(content=data, acl=nvram.permissions("ab" * 20)) for name, data in areas.items()}
    assert nvram.recall(nvram.remember(now, made, draw)) == made
    assert nvram.recall(nvram.wipe(nvram.remember(now, made, draw))) == {}


# -- keys in NVRAM -----------------------------------------------------------------------------------------------------


@pytest.fixture
def inside(ready: Bench) -> Bench:
    """A device whose key `second` is in NVRAM."""
    ready.do(generate("second", nvram=True), *ready.serials[:2])
    return ready


SECOND = replace(PROVE, ident="second")


def test_a_key_in_nvram_works_and_its_file_has_no_blob(inside: Bench, packages: Packages) -> None:
    inside.device.look(SECOND)
    file = contents(inside.folder)[f"{LOCAL}key_simple_second"]
    assert b'"working":""' in file
    (area,) = listed(inside).areas
    assert area.name.startswith("k")
    inside.copy(packages, ident="second")
    inside.refused(WriteArea(name=area.name, content=b"x"), Status.ACCESS_DENIED)
    inside.do(FreeArea(name=area.name), *inside.serials[:2])
    with pytest.raises(Refused) as caught:
        inside.device.look(SECOND)
    assert caught.value.status is Status.KEY_NOT_LOADED
    inside.device.look(PROVE)


def test_a_key_in_nvram_needs_its_quorum(ready: Bench) -> None:
    ready.refused_talk(generate("x", nvram=True), Status.CANCELLED, ready.operator(ready.serials[0]), tries=True)


def test_a_file_with_its_blob_taken_out_is_not_a_key_in_nvram(ready: Bench) -> None:
    path = f"{LOCAL}key_simple_contosokey"
    forge(ready, {path: edited(ready, path, lambda data: data.update(working=""))})
    with pytest.raises(Refused) as caught:
        ready.device.look(PROVE)
    assert caught.value.status is Status.KEY_NOT_LOADED


# -- another module ----------------------------------------------------------------------------------------------------


@dataclass
class Moved:
    old: Bench
    new: Bench


@pytest.fixture
def moved(inside: Bench, make_bench: Callable[..., Bench]) -> Moved:
    """The world of `inside`, its areas saved, on another module."""
    inside.do(ONE, *inside.serials[:2])
    inside.do(WriteArea(name="one", content=b"kept"))
    for area in listed(inside).areas:
        inside.do(SaveArea(name=area.name), *inside.serials[:2])
    files, new = contents(inside.folder), make_bench("new", seed="new", esn="SIM0-0000-0002")
    forge(new, {path: data for path, data in files.items() if path.startswith(("cardstore/", "silicon/cards/"))})
    for path, data in files.items():
        if path.startswith(LOCAL):
            new.do(RestoreFile(name=path.removeprefix(LOCAL), content=data))
    new.mode(Mode.INITIALIZATION)
    new.do(LoadWorld(threshold=0), *inside.serials[:2])
    new.mode(Mode.OPERATIONAL)
    return Moved(inside, new)


def test_nvram_is_empty_after_a_restore_until_it_is_restored_too(moved: Moved) -> None:
    old, new = moved.old, moved.new
    assert listed(new).areas == ()
    new.device.look(PROVE)
    with pytest.raises(Refused) as caught:
        new.device.look(SECOND)
    assert caught.value.status is Status.KEY_NOT_LOADED
    for area in listed(old).areas:
        new.refused_talk(RestoreArea(name=area.name), Status.CANCELLED, new.operator(old.serials[0]), tries=True)
        new.do(RestoreArea(name=area.name), *old.serials[:2])
    assert listed(new) == listed(old)
    assert content(new) == b"kept" + bytes(12)
    new.device.look(SECOND)


def _set(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update(changes)


@pytest.mark.parametrize("changes", [{"sealed": "AAAA"}, {"name": "two"}, {"more": 1}, {"sealed": 1}])
def test_a_changed_copy_is_not_restored(moved: Moved, changes: dict[str, Any]) -> None:
    path = f"{LOCAL}nvram_one"
    forge(moved.new, {path: edited(moved.new, path, _set(**changes))})
    with pytest.raises(Refused) as caught:
        moved.new.do(RestoreArea(name="one"), *moved.old.serials[:2])
    assert caught.value.status in {Status.DECRYPT_FAILED, Status.HOST_DATA_INVALID}
    assert listed(moved.new).areas == ()


def test_a_copy_is_of_one_world_and_one_name(moved: Moved, make_bench: Callable[..., Bench]) -> None:
    copy = contents(moved.old.folder)[f"{LOCAL}nvram_one"]
    other = make_bench("other", seed="third")
    other.world()
    forge(other, {f"{LOCAL}nvram_one": copy})
    other.refused(RestoreArea(name="one"), Status.UNKNOWN_KM, *other.serials[:2])
    forge(moved.new, {f"{LOCAL}nvram_two": copy})
    moved.new.refused(RestoreArea(name="two"), Status.DECRYPT_FAILED, *moved.old.serials[:2])


def test_a_backup_holds_a_copy_under_its_own_name(make_bench: Callable[..., Bench], moved: Moved) -> None:
    new = make_bench("empty", seed="empty")
    copy = contents(moved.old.folder)[f"{LOCAL}nvram_one"]
    new.refused(RestoreFile(name="nvram_two", content=copy), Status.HOST_DATA_INVALID)
    new.refused(RestoreFile(name="nvram_One", content=copy), Status.INVALID_PARAMETER)
    new.do(RestoreFile(name="nvram_one", content=copy))


# -- tools -------------------------------------------------------------------------------------------------------------

TWO = ["SIM-C-0001", "correct horse SIM-C-0001", "SIM-C-0002", "correct horse SIM-C-0002"]


def test_the_tools(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"some text")
    tools.done("nvram-sw", "--allocate", "-n", "one", "-b", "12", typed=TWO)
    tools.done("nvram-sw", "--write", "-n", "one", "-f", str(tmp_path / "in"))
    tools.done("nvram-sw", "--read", "--name=one", f"--file={tmp_path / 'out'}")
    assert (tmp_path / "out").read_bytes() == b"some text" + bytes(3)
    assert "one             12 bytes" in tools.done("nvram-sw", "--list")
    assert json.loads(tools.done("nvram-sw", "--list", "--json"))["areas"] == [{"name": "one", "size": 12}]
    assert "saved" in tools.done("nvram-backup", "--save", "-n", "one", typed=TWO)
    assert "nvram area" in tools.done("kmfile-dump", "%NFAST_KMDATA%\\local\\nvram_one")
    assert "2 files" not in tools.done("nfkmcheck")
    assert "deleted" in tools.done("nvram-sw", "--delete", "-n", "one", typed=TWO)
    assert "restored" in tools.done("nvram-backup", "--restore", "-n", "one", typed=TWO)
    assert "0 areas" not in tools.done("nvram-sw", "--list")


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (2, ["nvram-sw"], "required"),
        (2, ["nvram-sw", "--list", "-n", "one"], "--list takes no --name"),
        (2, ["nvram-sw", "--allocate", "-n", "one"], "--allocate needs --bytes"),
        (2, ["nvram-sw", "--delete", "-n", "one", "-b", "1"], "--delete takes no --bytes"),
        (2, ["nvram-sw", "--read", "-n", "one"], "--read needs --file"),
        (2, ["nvram-sw", "--list", "--delete"], "not allowed with"),
        (2, ["nvram-backup", "--save"], "required"),
        (1, ["nvram-sw", "--read", "-n", "one", "-f", "out"], "there is no NVRAM area"),
        (1, ["nvram-sw", "--write", "-n", "one", "-f", "none"], "there is no file"),
        (3, ["nvram-sw", "--allocate", "-n", "one", "-b", "1"], "cancelled"),
    ],
)
def test_what_the_tools_refuse(tools: Tools, code: int, words: list[str], said: str) -> None:
    assert said in tools.refused(code, *words).err


def test_a_key_in_nvram_by_the_tool(tools: Tools) -> None:
    line = ("generatekey", "--generate", "simple", "protect=module", "type=RSA", "size=2048", "pubexp=", "nvram=yes")
    page = tools.done(*line, "ident=second", "plainname=second", typed=TWO)
    assert "nvram        yes" in page
    assert "in NVRAM area k" in tools.done("kmfile-dump", "%NFAST_KMDATA%\\local\\key_simple_second")
