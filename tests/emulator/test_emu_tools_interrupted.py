"""Tools broken off in the middle, by SIGKILL and by Ctrl-C: what is left is what the device would leave, and what next.

Each is a process of its own that gets a real signal just before one of the operations on its disk.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from emulator_bench import (
    SUBSCRIPTION,
    Bench,
    FakeClock,
    Packages,
    ScriptedDialogue,
    SeededDraw,
    contents,
    generate,
    pins,
    serials,
)  # fmt: skip

from hsm_emulator import disk
from hsm_emulator.device import Device, Pin, PinAsk
from hsm_emulator.facts import Mode
from hsm_emulator.handling import SetClock
from hsm_emulator.messages import ChangeMode
from hsm_emulator.operator_messages import CreateSoftcard, InsertCard
from hsm_emulator.tools.main import all_tools, main
from hsm_emulator.world_messages import AllocateArea

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = Path("/dev/shm")  # noqa: S108 (tests make folders of their own in it)
CARDS = serials(8)
PINS = pins(CARDS)


def written(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]], PINS[CARDS[number]])]


def read(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]])]


@dataclass(frozen=True)
class Line:
    """A command line that is done once, what is typed, and with which code it says that it was done before.

    `start` is what was done before it: nothing but blank cards, a world with a key, its copy, or its package.
    `made` is a file that it makes outside the installation.
    """

    words: tuple[str, ...]
    typed: list[str] = field(default_factory=list)
    start: str = "key"
    before: int = 0
    made: str = ""


_REGION = ("-ExchangeKeyPackage", "kek", "-NewSecurityWorldPackage", "world")
_COPY = ("-KeyAppName", "simple", "-KeyIdentifier", "contosokey")
_PACK = ("-KeyIdentifier", "contosokey", "-SubscriptionId", SUBSCRIPTION, "-KeyFriendlyName", "First")
_NEW = ("--cipher-suite=DLf3072s256mRijndael", "--acs-quorum=2/3")
_KEY = ("type=RSA", "size=2048", "protect=module", "ident=a", "plainname=a", "nvram=no", "pubexp=")

LINES: dict[str, Line] = {
    "nopclearfail": Line(("nopclearfail", "-I")),
    "new-world": Line(("new-world", "--initialize", *_NEW), ["yes", *written(3, 4, 5)], start="init", before=3),
    "generatekey": Line(("generatekey", "--generate", "simple", *_KEY), before=1),
    "cardpp": Line(("cardpp", "--change"), [*read(0), PINS[CARDS[0]], PINS[CARDS[0]]]),
    "cardpp --check": Line(("cardpp", "--check"), read(0)),
    "KeyTransferRemote": Line(("KeyTransferRemote", "-ModifyAcls", *_COPY, *_REGION), read(0, 1), before=1),
    "KeyTransferRemote -Package": Line(
        ("KeyTransferRemote", "-Package", *_PACK, *_REGION),
        start="copy",
        before=1,
        made="KeyTransferPackage-First.byok",
    ),
    "racs": Line(("racs",), [*read(0, 1), *written(3, 4, 5)], before=3),
    "initunit": Line(("initunit",), ["yes"], start="init"),
    "bulkerase": Line(("bulkerase",), [CARDS[6], "yes", ""]),
    "slotinfo --format": Line(("slotinfo", "--format"), [CARDS[6], "yes"]),
    "createocs --erase": Line(("createocs", "--erase"), [CARDS[6], "yes", ""]),
    "nvram-sw": Line(("nvram-sw", "--allocate", "-n", "one", "-b", "12"), read(0, 1), before=1),
    "nvram-backup": Line(("nvram-backup", "--save", "-n", "one"), read(0, 1), start="area"),
    "createocs": Line(("createocs", "-Q", "1/2", "-N", "ops"), written(3, 4), before=1),
    "ppmk": Line(("ppmk", "--new", "third"), ["a pin", "a pin"]),
    "rocs": Line(("rocs", "-t", "other", "-k", "simple:guarded"), [*read(0, 1), "a pin"], start="soft", before=1),
    "preload": Line(("preload", "-s", "soft", "exit"), ["a pin"], start="soft"),
    "emu card insert": Line(("emu", "card", "insert", CARDS[0])),
    "emu card eject": Line(("emu", "card", "eject", CARDS[0]), start="inserted", before=1),
    "emu card copy": Line(("emu", "card", "copy", CARDS[0], "SIM-COPY"), before=1),
    "emu card lose": Line(("emu", "card", "lose", CARDS[0]), before=1),
    "emu power cut": Line(("emu", "power", "cut")),
    "emu module fail": Line(("emu", "module", "fail")),
    "emu power on": Line(("emu", "power", "on")),
    "emu clock": Line(("emu", "clock", "--off", "60")),
}
"""The tools that ask the module for a change, each in a line."""

TOOLSET = "KeyVault-BYOK-Tools-Europe.zip"
SETTING_UP: dict[str, Line] = {
    "manufacture": Line(("manufacture", "new", "--serial", "SIM0-0000-0002", "--cards", "2"), before=1),
    "install-vault": Line(("install-vault", "new", "--region", "eu"), before=1),
    "emu region toolset": Line(("emu", "region", "toolset", TOOLSET), before=1, made=TOOLSET),
    "nfkmattest": Line(("nfkmattest", "bundle", "--output", "a.att", "simple", "contosokey"), before=1, made="a.att"),
}
"""The tools that make something beside the module, where nothing is."""

LOOKING = {
    "enquiry", "nfkminfo", "slotinfo", "stattree", "nfkmverify", "nfkmcheck", "aclprint", "kmfile-dump",
    "verifykeypackage", "emu selftest",
}  # fmt: skip
"""They change nothing, so that breaking them off leaves nothing."""

ELSEWHERE = {
    "emu region import": "tests/region/test_region_vault.py",
    "emu card carry": "tests/emulator/test_emu_tools_recovery.py",
    "emu file restore": "tests/emulator/test_emu_crash.py",
}
"""Their work is broken off there, not the tool: the vault's import, a carry between its two commits, `RestoreFile`."""


def test_no_tool_is_forgotten() -> None:
    lines = {name.partition(" -")[0] for name in (*LINES, *SETTING_UP)}
    assert lines | LOOKING | set(ELSEWHERE) == {tool.name for tool in all_tools()}
    assert all(Path(__file__).parents[2].joinpath(path).is_file() for path in ELSEWHERE.values())


@pytest.mark.parametrize("name", [name for name, line in {**LINES, **SETTING_UP}.items() if line.before])
def test_what_is_not_simply_run_again_says_how_to_see_what_is_done(name: str) -> None:
    tool = next(tool for tool in all_tools() if tool.name == name.partition(" -")[0])
    assert re.search("says w|is refused where|remove the folder", tool.interrupted)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A disk in memory, where there is one: what a killed process leaves does not depend on syncs."""
    with tempfile.TemporaryDirectory(prefix="kill-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        yield Path(place)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, minus the signal that killed it; its stderr."""

    code: int
    err: str


def run(place: Path, line: Line, hook: Callable[[object], None]) -> Ended:
    """Run a tool in a process of its own, in a folder, its operations told to a hook."""
    (place / "typed").write_text("".join(f"{one}\n" for one in line.typed))
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.chdir(place)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            disk.Disk.__init__.__defaults__ = (hook,)  # type: ignore[attr-defined]  # the seam of every disk here
            sys.stdin, sys.stdout, sys.stderr = (
                (place / "typed").open(), (place / "out").open("w"), (place / "err").open("w")
            )  # fmt: skip
            code = main(["--folder", "hsm", *line.words])
            sys.stderr.flush()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return Ended(os.waitstatus_to_exitcode(status), (place / "err").read_text())


class Stop:
    """Sends this process a signal just before an operation, counted from 1."""

    def __init__(self, at: int, by: signal.Signals) -> None:
        self._left, self._by = at, by

    def __call__(self, _: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._by)


class Count:
    """Writes down how many operations there were."""

    def __init__(self, path: Path) -> None:
        self._path, self._count = path, 0

    def __call__(self, _: object) -> None:
        self._count += 1
        self._path.write_text(str(self._count))


class Softcards(ScriptedDialogue):
    """Every softcard has the same PIN."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(cards=[], pins=bench.pins)

    def pin(self, ask: PinAsk) -> Pin:
        return Pin("a pin") if ask.serial.startswith("softcard-") else super().pin(ask)


def prepared(memory: Path, bench: Bench, packages: Packages, start: str) -> Path:
    """A folder with an installation and a region's packages in it."""
    if start == "copy":
        bench.copy(packages)
    if start == "soft":
        for name in ("soft", "other"):
            bench.talk(CreateSoftcard(name=name), Softcards(bench))
        bench.talk(generate("guarded", protect="softcard", token="soft"), Softcards(bench))
    if start == "area":
        bench.do(AllocateArea(name="one", size=12), *CARDS[:2])
    if start == "inserted":
        bench.do(InsertCard(serial=CARDS[0]))
    if start == "init":
        bench.do(ChangeMode(mode=Mode.INITIALIZATION))
    bench.device.close()
    place = memory / "start"
    place.mkdir()
    shutil.copytree(bench.folder, place / "hsm")
    (place / "kek").write_bytes(packages.kek)
    (place / "world").write_bytes(packages.world)
    return place


def fresh(place: Path, name: str) -> Path:
    return Path(shutil.copytree(place, place.with_name(name)))


def requests(folder: Path) -> int:
    """How many requests the audit log of an installation has, once its last commit is finished."""
    with Device.open(folder, draw=SeededDraw("look"), clock=FakeClock()) as device:
        return len(device.since("0" * 64)[1])


def without_tries(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith("silicon/cards/")}


def names(folder: Path) -> set[str]:
    """The files of an installation, whatever its clock says, without hashes; an outbox's are named after requests."""
    found = {name.partition("outbox/")[0] for name in contents(folder) if not name.endswith("/clock")}
    return {re.sub("[0-9a-f]{40}", "*", name) for name in found}


def points(count: int, many: int) -> list[int]:
    """The first, the last, and as many between as are wanted."""
    return sorted({1, count, *(1 + count * part // many for part in range(1, many))})


def wait_is_over(folder: Path) -> None:
    """Let the clock go on by what a card waits after a try that was broken off; on a machine far from this one's."""
    with Device.open(folder, draw=SeededDraw("clock"), clock=FakeClock()) as device:
        device.handle(SetClock(seconds=600))


def broken_off(start: Path, line: Line, by: signal.Signals, many: int) -> None:
    """Break a tool off at some of its operations; judge what is left, and go on as it says."""
    whole = fresh(start, "whole")
    assert run(whole, line, Count(whole / "count")).code == 0, (whole / "err").read_text()
    count = int((whole / "count").read_text())
    before, done = contents(start / "hsm"), requests(start / "hsm")
    seen = set()
    for at in points(count, many):
        place = fresh(start, f"at-{at}")
        ended = run(place, line, Stop(at, by))
        if by is signal.SIGKILL:
            assert ended.code == -signal.SIGKILL
        else:
            assert ended.code == 3, ended
            assert "interrupted; what was asked of the module was done as a whole or not at all: " in ended.err
        now = requests(place / "hsm") - done
        assert now in {0, 1}
        seen.add(now)
        if not now:
            assert without_tries(contents(place / "hsm")) == without_tries(before)
        wait_is_over(place / "hsm")
        there = (place / line.made).exists() if line.made else bool(now)
        again = run(place, line, lambda _: None)
        assert again.code == (line.before if there else 0), again.err
        assert names(place / "hsm") == names(whole / "hsm")
        if line.made:
            assert (place / line.made).is_file()
            assert not list(place.glob("*.part"))
        shutil.rmtree(place)
    assert seen == {0, 1}


@pytest.mark.parametrize("name", ["generatekey", "KeyTransferRemote", "KeyTransferRemote -Package"])
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_some_tools_broken_off(memory: Path, ready: Bench, packages: Packages, name: str, by: signal.Signals) -> None:
    broken_off(prepared(memory, ready, packages, LINES[name].start), LINES[name], by, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_every_tool_broken_off(memory: Path, ready: Bench, packages: Packages, name: str, by: signal.Signals) -> None:
    broken_off(prepared(memory, ready, packages, LINES[name].start), LINES[name], by, 6)


@pytest.mark.parametrize("name", SETTING_UP)
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_setting_up_broken_off_is_begun_anew(
    memory: Path, ready: Bench, packages: Packages, name: str, by: signal.Signals
) -> None:
    """Run again it is refused or done; where the folder is removed, as it says, or nothing was made yet, it is done."""
    line, start = SETTING_UP[name], prepared(memory, ready, packages, "key")
    whole = fresh(start, "whole")
    assert run(whole, line, Count(whole / "count")).code == 0, (whole / "err").read_text()
    for at in points(int((whole / "count").read_text()), 2):
        place = fresh(start, f"at-{at}")
        assert run(place, line, Stop(at, by)).code == (-signal.SIGKILL if by is signal.SIGKILL else 3)
        again = run(place, line, lambda _: None)
        assert again.code in {0, line.before}
        if again.code:
            assert "nothing is ever overwritten" in again.err
            shutil.rmtree(place / "new", ignore_errors=True)
            (place / (line.made or "none")).unlink(missing_ok=True)
            assert run(place, line, lambda _: None).code == 0
        if line.made:
            assert (place / line.made).read_bytes() == (whole / line.made).read_bytes()
        else:
            assert contents(place / "new").keys() == contents(whole / "new").keys()
