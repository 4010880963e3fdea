"""Stop at every disk operation: afterwards the device is as before or as after, and the request ends exactly once."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from emulator_bench import (
    SUITE,
    Bench,
    FakeClock,
    Packages,
    ScriptedDialogue,
    SeededDraw,
    contents,
    generate,
    modify,
    pack,
)
from operators_bench import card_set, recoverable_world

from hsm_emulator import messages, receipts
from hsm_emulator.device import Device
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.facts import Mode
from hsm_emulator.messages import (
    ChangeMode,
    ChangePin,
    CheckPin,
    DeleteKey,
    GenerateKey,
    LoadWorld,
    ModifyAcls,
    NewWorld,
    Package,
    ReplaceCards,
    RestoreFile,
    TryCards,
)
from hsm_emulator.operator_messages import (
    CardSetCreated,
    ChangeSoftcard,
    CheckSoftcard,
    CreateCardSet,
    CreateSoftcard,
    DeleteSoftcard,
    EjectCard,
    InsertCard,
    Preload,
    RecoverKeys,
    RecoverPin,
    RecoverSoftcard,
    SoftcardCreated,
    Unload,
)
from hsm_emulator.store import Store
from hsm_emulator.world_messages import (
    AllocateArea,
    EraseCards,
    EraseModule,
    FreeArea,
    RestoreArea,
    SaveArea,
    WriteArea,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hsm_emulator.messages import Change, Reply


MEMORY = Path("/dev/shm")  # noqa: S108 (tests make folders of their own in it)
"""A disk in memory, where there is one: what a killed process leaves does not depend on syncs."""

QUICK = 5
"""In the quick loop commands that read cards stop at every so manieth operation; at every one where slow tests run."""


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """As everywhere, in memory."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        made: list[Bench] = []

        def make(name: str, **options: Any) -> Bench:
            made.append(Bench(Path(place) / name, **options))
            return made[-1]

        yield make
        for item in made:
            item.device.close()


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


def in_a_world(make_bench: Callable[..., Bench]) -> Bench:
    bench = make_bench("origin")
    bench.world()
    bench.key()
    return bench


def scene_generate(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    return Scene(bench, generate(), [])


def scene_world(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    bench.do(ChangeMode(mode=Mode.INITIALIZATION))
    return Scene(bench, NewWorld(cipher_suite=SUITE, threshold=2, cards=3), bench.serials[3:6])


def scene_mode(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    return Scene(in_a_world(make_bench), ChangeMode(mode=Mode.MAINTENANCE), [])


def scene_modify(make_bench: Callable[..., Bench], packages: Packages) -> Scene:
    bench = in_a_world(make_bench)
    return Scene(bench, modify(packages), bench.serials[:2])


def scene_package(make_bench: Callable[..., Bench], packages: Packages) -> Scene:
    bench = in_a_world(make_bench)
    bench.copy(packages)
    return Scene(bench, pack(packages), [])


def scene_delete(make_bench: Callable[..., Bench], packages: Packages) -> Scene:
    bench = in_a_world(make_bench)
    bench.copy(packages)
    return Scene(bench, DeleteKey(app="xferacld", ident="contosokey"), [])


def scene_replace(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    return Scene(bench, ReplaceCards(), [*bench.serials[:2], *bench.serials[3:6]])


def scene_try(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    return Scene(bench, TryCards(every=True), bench.serials[:3])


def scene_check(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    return Scene(bench, CheckPin(), bench.serials[:1])


def scene_change(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    """The new PIN is the old one: a card may be asked for it again."""
    bench = in_a_world(make_bench)
    return Scene(bench, ChangePin(), bench.serials[:1])


def elsewhere(make_bench: Callable[..., Bench]) -> tuple[Bench, RestoreFile]:
    """Another module with the cards of a world, and the world file of its backup."""
    old, new = make_bench("old"), make_bench("origin", seed="new")
    old.world()
    files = contents(old.folder)
    new.device.close()
    with Store.open(new.folder, Disk()) as store:
        cards = {name: data for name, data in files.items() if name.startswith(("cardstore/", "silicon/cards/"))}
        store.commit("the-cards", "Moved", "", {**store.files(), **cards}, b"{}")
    new.reopen()
    return new, RestoreFile(name="world", content=files["kmdata/local/world"])


def scene_restore(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    new, restore = elsewhere(make_bench)
    return Scene(new, restore, [])


def scene_load(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    new, restore = elsewhere(make_bench)
    new.do(restore)
    new.do(ChangeMode(mode=Mode.INITIALIZATION))
    return Scene(new, LoadWorld(threshold=0), new.serials[:2])


def operators(make_bench: Callable[..., Bench]) -> tuple[Bench, str, str]:
    """A world with two softcards and an operator card; the hkltu of one of each."""
    bench = in_a_world(make_bench)
    ops = bench.do(card_set("ops", threshold=1, cards=1), bench.serials[3])
    soft, _ = bench.do(CreateSoftcard(name="soft")), bench.do(CreateSoftcard(name="other"))
    assert isinstance(ops, CardSetCreated)
    assert isinstance(soft, SoftcardCreated)
    return bench, ops.hkltu, soft.hkltu


def scene_card_set(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    command = card_set("ops", threshold=1, cards=2, persistent=True, timeout=60)
    return Scene(bench, command, bench.serials[3:5])


def scene_softcard(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    return Scene(in_a_world(make_bench), CreateSoftcard(name="soft"), [])


def on_softcard(command: type) -> Callable[[Callable[..., Bench], Packages], Scene]:
    return lambda make_bench, _: Scene(operators(make_bench)[0], command(token="soft"), [])


def scene_preload(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, ops, _soft = operators(make_bench)
    return Scene(bench, Preload(hkltu=ops), bench.serials[3:4])


def scene_unload(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, _ops, soft = operators(make_bench)
    bench.do(Preload(hkltu=soft))
    return Scene(bench, Unload(hkltus=(soft,)), [])


def scene_recover(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, _ops, _soft = operators(make_bench)
    bench.do(generate("guarded", protect="softcard", token="soft"))
    command = RecoverKeys(target="other", keys=(("simple", "guarded"),))
    return Scene(bench, command, bench.serials[:2])


def scene_insert(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, _ops, _soft = operators(make_bench)
    return Scene(bench, InsertCard(serial=bench.serials[3]), [])


def scene_eject(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, _ops, _soft = operators(make_bench)
    bench.do(InsertCard(serial=bench.serials[3]))
    return Scene(bench, EjectCard(serial=bench.serials[3]), [])


def scene_recover_pin(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    recoverable_world(bench)
    return Scene(bench, RecoverPin(), [*bench.serials[:2], bench.serials[3]])


def scene_recover_softcard(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    recoverable_world(bench)
    return Scene(bench, RecoverSoftcard(token="soft"), bench.serials[:2])


def on_area(command: Change, *, saved: bool = False) -> Callable[[Callable[..., Bench], Packages], Scene]:
    """On an area of the NVRAM; `saved`: which was saved and given up."""

    def scene(make_bench: Callable[..., Bench], _: Packages) -> Scene:
        bench = in_a_world(make_bench)
        two = bench.serials[:2]
        if not isinstance(command, AllocateArea):
            bench.do(AllocateArea(name="one", size=16), *two)
        if saved:
            bench.do(SaveArea(name="one"), *two)
            bench.do(FreeArea(name="one"), *two)
        return Scene(bench, command, [] if isinstance(command, WriteArea) else two)

    return scene


def scene_erase_module(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    bench.mode(Mode.INITIALIZATION)
    return Scene(bench, EraseModule(), [])


def scene_erase_cards(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = in_a_world(make_bench)
    bench.do(card_set("ops", threshold=1, cards=1), bench.serials[3])
    return Scene(bench, EraseCards(serials=(bench.serials[3],)), [])


def scene_key_in_nvram(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench = make_bench("origin")
    bench.world()
    return Scene(bench, generate(nvram=True), bench.serials[:2])


def scene_clear(make_bench: Callable[..., Bench], _: Packages) -> Scene:
    bench, ops, _soft = operators(make_bench)
    bench.do(Preload(hkltu=ops), bench.serials[3])
    return Scene(bench, ChangeMode(mode=Mode.MAINTENANCE), [])


SCENES: dict[type, Callable[[Callable[..., Bench], Packages], Scene]] = {
    ChangeMode: scene_mode,
    NewWorld: scene_world,
    ReplaceCards: scene_replace,
    TryCards: scene_try,
    RestoreFile: scene_restore,
    LoadWorld: scene_load,
    GenerateKey: scene_generate,
    ModifyAcls: scene_modify,
    Package: scene_package,
    DeleteKey: scene_delete,
    CheckPin: scene_check,
    ChangePin: scene_change,
    CreateCardSet: scene_card_set,
    CreateSoftcard: scene_softcard,
    CheckSoftcard: on_softcard(CheckSoftcard),
    ChangeSoftcard: on_softcard(ChangeSoftcard),
    DeleteSoftcard: on_softcard(DeleteSoftcard),
    Preload: scene_preload,
    Unload: scene_unload,
    RecoverKeys: scene_recover,
    InsertCard: scene_insert,
    EjectCard: scene_eject,
    RecoverPin: scene_recover_pin,
    RecoverSoftcard: scene_recover_softcard,
    AllocateArea: on_area(AllocateArea(name="one", size=16)),
    WriteArea: on_area(WriteArea(name="one", content=b"written")),
    FreeArea: on_area(FreeArea(name="one")),
    SaveArea: on_area(SaveArea(name="one")),
    RestoreArea: on_area(RestoreArea(name="one"), saved=True),
    EraseModule: scene_erase_module,
    EraseCards: scene_erase_cards,
}
"""Every command that changes the device, in a scene where it is done."""

READING = (
    ReplaceCards, TryCards, LoadWorld, ModifyAcls, CheckPin, ChangePin,
    CheckSoftcard, ChangeSoftcard, Preload, RecoverKeys, RecoverPin, RecoverSoftcard,
    AllocateArea, FreeArea, SaveArea, RestoreArea,
)  # fmt: skip
"""They read cards or softcards: their draws follow the tries, which come in another order after a crash."""


def test_no_command_is_forgotten() -> None:
    assert set(SCENES) == set(get_args(messages.Change))


def without_tries(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith("silicon/cards/")}


def failures(files: dict[str, bytes]) -> int:
    """The failed tries on all chips."""
    found = (re.search(rb'"failures":(\d+)', data) for name, data in files.items() if name.startswith("silicon/cards/"))
    return sum(int(one[1]) for one in found if one is not None)


def audited(folder: Path) -> tuple[int, int]:
    """How many requests and how many changes of tries the audit log has."""
    with Store.open(folder, Disk()) as store:
        ids = [receipts.parse((folder / "audit" / f"{n:010d}.json").read_bytes(), n) for n in range(1, store.size + 1)]
    tries = sum(one.is_try for one in ids)
    return len(ids) - tries, tries


@pytest.mark.parametrize("command", SCENES, ids=lambda command: command.__name__)
def test_stop_at_operations(make_bench: Callable[..., Bench], packages: Packages, command: type) -> None:
    stop(make_bench, packages, SCENES[command], command, QUICK if command in READING else 1)


@pytest.mark.parametrize("scene", [scene_key_in_nvram, scene_clear], ids=lambda scene: scene.__name__)
def test_stop_where_a_command_does_more(make_bench: Callable[..., Bench], packages: Packages, scene: Any) -> None:
    """A key whose blob goes into the NVRAM, for which cards are read; a clear that forgets what is loaded."""
    command = {scene_key_in_nvram: GenerateKey, scene_clear: ChangeMode}[scene]
    stop(make_bench, packages, scene, command, QUICK, reading=scene is scene_key_in_nvram)


@pytest.mark.slow
@pytest.mark.parametrize("command", READING, ids=lambda command: command.__name__)
def test_stop_at_every_operation(make_bench: Callable[..., Bench], packages: Packages, command: type) -> None:
    stop(make_bench, packages, SCENES[command], command, 1)


def stop(
    make_bench: Callable[..., Bench],
    packages: Packages,
    make: Callable[[Callable[..., Bench], Packages], Scene],
    command: type,
    stride: int,
    *,
    reading: bool = False,
) -> None:
    """Afterwards the state is before or after, never between, and the audit log agrees; asked again it is done once."""
    scene = make(make_bench, packages)
    assert type(scene.command) is command
    before, (requests, tries) = contents(scene.origin), audited(scene.origin)
    whole = scene.fresh("whole")
    trap = Trap(None)
    reply = scene.run(whole, trap)
    after = contents(whole)
    assert trap.count is not None
    assert trap.count >= 9
    seen = []
    for at in sorted({*range(1, trap.count + 1, stride), trap.count}):
        folder = scene.fresh(f"at-{at}")
        with pytest.raises(Crash):
            scene.run(folder, Trap(at))
        clock = FakeClock()
        clock.now += 60  # a kill costs a try: the card waits
        with Device.open(folder, draw=SeededDraw("run"), clock=clock) as device:
            seen.append(device.holds("the-request"))
        now, (asked, tried) = contents(folder), audited(folder)
        assert without_tries(now) == without_tries(after if seen[-1] else before)
        assert asked == requests + seen[-1]
        assert failures(now) == (tried - tries) % 2  # a try is charged, and cleared where the PIN was right
        with Device.open(folder, draw=SeededDraw("run"), clock=clock) as device:
            talk = ScriptedDialogue(cards=scene.given, pins=scene.pins)
            again = device.change(scene.command, "the-request", talk)
        assert type(again) is type(reply)
        if command not in READING and not reading:
            assert again == reply
            assert contents(folder) == after
        assert contents(folder).keys() == after.keys()
        assert failures(contents(folder)) == 0
        assert audited(folder)[0] == requests + 1
        shutil.rmtree(folder)
    assert seen == sorted(seen)
    assert set(seen) == {False, True}


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
