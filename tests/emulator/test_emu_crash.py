"""Stop at every disk operation: afterwards the device is as before or as after, and the request ends exactly once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from emulator_bench import SUITE, Bench, FakeClock, Packages, ScriptedDialogue, SeededDraw, contents, generate, modify
from operators_bench import card_set, hkltu, recoverable_world

from hsm_emulator.device import Device
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.messages import ChangeMode, LoadWorld, Mode, NewWorld, ReplaceCards, RestoreFile
from hsm_emulator.operator_messages import (
    ChangeSoftcard,
    CreateSoftcard,
    DeleteSoftcard,
    Preload,
    RecoverKeys,
    RecoverPin,
    SoftcardCreated,
)
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsm_emulator.messages import Change, Reply


class Crash(BaseException):
    """The process ends here."""


class Trap:
    """A hook that ends the process at operation number `at`, counted from when it is armed."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.count: int | None = None

    def __call__(self, _: Operation) -> None:
        if self.count is None:
            return
        self.count += 1
        if self.count == self.at:
            raise Crash

    def arm(self) -> None:
        self.count = 0


class Scene:
    """One prepared installation and one command, run again and again on copies."""

    def __init__(self, bench: Bench, command: Change, given: list[str]) -> None:
        bench.device.close()
        self.origin, self.command, self.given, self.pins = bench.folder, command, given, bench.pins

    def run(self, folder: Path, trap: Trap) -> Reply:
        device = Device.open(folder, draw=SeededDraw("run"), clock=FakeClock(), disk=Disk(trap))
        trap.arm()
        try:
            return device.change(self.command, "the-request", ScriptedDialogue(cards=self.given, pins=self.pins))
        finally:
            device.close()

    def fresh(self, name: str) -> Path:
        folder = self.origin.parent / name
        shutil.copytree(self.origin, folder)
        return folder


def scene_generate(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    return Scene(bench, generate(), [])


def scene_world(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    bench.key()
    bench.do(ChangeMode(mode=Mode.INITIALIZATION))
    return Scene(bench, NewWorld(cipher_suite=SUITE, threshold=2, cards=3), bench.serials[3:6])


def scene_modify(make_bench: Callable[..., Bench], packages: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    bench.key()
    return Scene(bench, modify(packages), bench.serials[:2])


def scene_replace(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    bench.key()
    return Scene(bench, ReplaceCards(), [*bench.serials[:2], *bench.serials[3:6]])


def scene_load(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    old, new = make_bench("old"), make_bench("origin", seed="new")
    old.world()
    files = contents(old.folder)
    new.device.close()
    with Store.open(new.folder, Disk()) as store:
        cards = {name: data for name, data in files.items() if name.startswith(("cardstore/", "silicon/cards/"))}
        store.commit("the-cards", "Moved", "", {**store.files(), **cards}, b"{}")
    new.reopen()
    new.do(RestoreFile(name="world", content=files["kmdata/local/world"]))
    new.do(ChangeMode(mode=Mode.INITIALIZATION))
    return Scene(new, LoadWorld(threshold=0), new.serials[:2])


def staffed(make_bench: Callable[..., Bench]) -> Bench:
    """A world with a 1-of-1 card set and a key under it."""
    bench = make_bench("origin")
    bench.world(1, 1)
    bench.do(card_set("ops", threshold=1, cards=1), bench.serials[1])
    bench.do(generate("key", protect="token", token="ops"), bench.serials[1])
    return bench


def scene_card_set(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world(1, 1)
    return Scene(bench, card_set(), bench.serials[1:4])


def scene_softcard(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world(1, 1)
    return Scene(bench, CreateSoftcard(name="soft"), [])


def scene_delete_softcard(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world(1, 1)
    made = bench.do(CreateSoftcard(name="soft"))
    assert isinstance(made, SoftcardCreated)
    bench.do(Preload(hkltu=made.hkltu))
    return Scene(bench, DeleteSoftcard(token="soft"), [])


def scene_change_softcard(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world(1, 1)
    bench.do(CreateSoftcard(name="soft"))
    return Scene(bench, ChangeSoftcard(token="soft"), [])


def scene_preload(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = staffed(make_bench)
    return Scene(bench, Preload(hkltu=hkltu(bench, "ops")), [bench.serials[1]])


def scene_clear(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = staffed(make_bench)
    bench.do(Preload(hkltu=hkltu(bench, "ops")), bench.serials[1])
    return Scene(bench, ChangeMode(mode=Mode.MAINTENANCE), [])


def scene_recover(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = staffed(make_bench)
    bench.do(card_set("new", threshold=1, cards=1), bench.serials[2])
    command = RecoverKeys(target="new", keys=(("simple", "key"),))
    return Scene(bench, command, [bench.serials[0], bench.serials[2]])


def scene_nvram(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    return Scene(bench, generate(nvram=True), bench.serials[:2])


def scene_recover_pin(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    recoverable_world(bench)
    return Scene(bench, RecoverPin(), [*bench.serials[:2], bench.serials[3]])


READING = (
    scene_recover_pin,
    scene_modify,
    scene_replace,
    scene_load,
    scene_nvram,
    scene_change_softcard,
    scene_preload,
    scene_recover,
)
"""Their draws follow the tries, which come in another order after a crash."""


def without_tries(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith("silicon/cards/")}


@pytest.mark.parametrize(
    ("make", "stride"),
    [
        (scene_generate, 1),
        (scene_world, 1),
        (scene_modify, 3),
        (scene_replace, 3),
        (scene_load, 3),
        (scene_nvram, 3),
        (scene_card_set, 4),
        (scene_softcard, 2),
        (scene_delete_softcard, 2),
        (scene_change_softcard, 3),
        (scene_preload, 4),
        (scene_clear, 2),
        (scene_recover, 6),
        (scene_recover_pin, 6),
    ],
)
def test_stop_at_every_operation(
    make_bench: Callable[..., Bench], packages: Packages, make: Callable[..., Scene], stride: int
) -> None:
    scene = make(make_bench, packages)
    before = contents(scene.origin)
    whole = scene.fresh("whole")
    trap = Trap(None)
    reply = scene.run(whole, trap)
    after = contents(whole)
    assert trap.count is not None
    assert trap.count > 15
    seen = set()
    for at in range(1, trap.count + 1, stride):
        folder = scene.fresh(f"at-{at}")
        with pytest.raises(Crash):
            scene.run(folder, Trap(at))
        Device.open(folder, draw=SeededDraw("run"), clock=FakeClock()).close()
        now = contents(folder)
        state = "before" if without_tries(now) == without_tries(before) else "after"
        assert without_tries(now) == without_tries(before if state == "before" else after)
        seen.add(state)
        clock = FakeClock()
        clock.now += 60  # a kill costs a try: the card waits
        with Device.open(folder, draw=SeededDraw("run"), clock=clock) as device:
            talk = ScriptedDialogue(cards=scene.given, pins=scene.pins)
            again = device.change(scene.command, "the-request", talk)
        assert type(again) is type(reply)
        if make not in READING:
            assert again == reply
            assert contents(folder) == after
        assert contents(folder).keys() == after.keys()
        shutil.rmtree(folder)
    assert seen == {"before", "after"}


def test_stop_again_in_recovery(make_bench: Callable[..., Bench], packages: Packages) -> None:
    scene = scene_generate(make_bench, packages)
    before = contents(scene.origin)
    whole = scene.fresh("whole")
    trap = Trap(None)
    scene.run(whole, trap)
    after = contents(whole)
    assert trap.count is not None
    for at in range(1, trap.count + 1, 3):
        crashed = scene.fresh(f"at-{at}")
        with pytest.raises(Crash):
            scene.run(crashed, Trap(at))
        again = 0
        while True:
            again += 1
            folder = scene.origin.parent / "again"
            shutil.copytree(crashed, folder)
            second = Trap(again)
            second.arm()
            finished = True
            try:
                Device.open(folder, draw=SeededDraw("run"), clock=FakeClock(), disk=Disk(second)).close()
            except Crash:
                finished = False
                Device.open(folder, draw=SeededDraw("run"), clock=FakeClock()).close()
            assert contents(folder) in (before, after)
            shutil.rmtree(folder)
            if finished:
                break
        shutil.rmtree(crashed)


def test_two_runs_are_byte_identical(make_bench: Callable[..., Bench], packages: Packages) -> None:
    runs = []
    for name in ("one", "two"):
        bench = make_bench(name)
        bench.world()
        bench.key()
        bench.copy(packages)
        runs.append({path: Disk().read(bench.folder / path) for path in Disk().list(bench.folder)})
    assert runs[0] == runs[1]
    assert len(runs[0]) > 20
