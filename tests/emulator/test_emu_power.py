"""The power fails at every disk operation, in three models of what a disk then loses."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest
from emulator_bench import SUITE, Bench, FakeClock, ScriptedDialogue, SeededDraw, contents, generate

from hsm_emulator.device import Device
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.facts import Mode
from hsm_emulator.messages import NewWorld

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsm_emulator.messages import Change

Model = Literal["only what was synced", "names kept", "contents kept"]


@dataclass
class File:
    now: bytes = b""
    synced: bytes = b""


@dataclass
class Folder:
    now: dict[str, Folder | File] = field(default_factory=dict)
    synced: dict[str, Folder | File] = field(default_factory=dict)


def load(path: Path) -> Folder:
    names: dict[str, Folder | File] = {}
    for entry in path.iterdir():
        names[entry.name] = load(entry) if entry.is_dir() else File(entry.read_bytes(), entry.read_bytes())
    return Folder(dict(names), dict(names))


def find(root: Folder, parts: tuple[str, ...]) -> Folder:
    for part in parts:
        inner = root.now[part]
        assert isinstance(inner, Folder)
        root = inner
    return root


def apply(root: Folder, base: Path, operation: Operation) -> None:
    parts = operation.path.relative_to(base).parts
    if operation.kind == "fsync_dir":
        folder = find(root, parts)
        folder.synced = dict(folder.now)
        return
    folder, name = find(root, parts[:-1]), parts[-1]
    match operation.kind:
        case "mkdir":
            folder.now[name] = Folder()
        case "write_new":
            folder.now[name] = File(operation.content)
        case "write_half":
            pass
        case "unlink":
            del folder.now[name]
        case "rename":
            assert operation.target is not None
            target = operation.target.relative_to(base).parts
            find(root, target[:-1]).now[target[-1]] = folder.now.pop(name)
        case "fsync_file":
            file = folder.now[name]
            assert isinstance(file, File)
            file.synced = file.now


def left(folder: Folder, model: Model, prefix: str = "") -> dict[str, bytes | None]:
    """What is on the disk after the cut: files with their bytes, folders with None."""
    found: dict[str, bytes | None] = {}
    for name, inner in (folder.now if model == "names kept" else folder.synced).items():
        if isinstance(inner, Folder):
            found[prefix + name] = None
            found |= left(inner, model, f"{prefix}{name}/")
        else:
            found[prefix + name] = inner.now if model == "contents kept" else inner.synced
    return found


def build(path: Path, files: dict[str, bytes | None]) -> None:
    path.mkdir()
    for name, content in sorted(files.items()):
        if content is None:
            (path / name).mkdir()
        else:
            (path / name).write_bytes(content)


def run(folder: Path, command: Change, bench: Bench, cards: list[str], trace: list[Operation]) -> None:
    disk = Disk(trace.append)
    with Device.open(folder, draw=SeededDraw("run"), clock=FakeClock(), disk=disk) as device:
        trace.clear()
        device.change(command, "the-request", ScriptedDialogue(cards=cards, pins=bench.pins))


def prepare(make_bench: Callable[..., Bench], kind: str) -> tuple[Bench, Change, list[str]]:
    """A closed installation, and the command that is cut: a key in a world, or the first world of all."""
    bench = make_bench("origin")
    command: Change = generate()
    cards: list[str] = []
    if kind == "key":
        bench.world()
    else:
        bench.mode(Mode.INITIALIZATION)
        command, cards = NewWorld(cipher_suite=SUITE, threshold=2, cards=3), bench.serials[:3]
    bench.device.close()
    return bench, command, cards


@pytest.mark.parametrize("model", ["only what was synced", "names kept", "contents kept"])
@pytest.mark.parametrize("kind", ["key", "world"])
def test_power_fails_at_every_operation(
    make_bench: Callable[..., Bench], tmp_path: Path, model: Model, kind: str
) -> None:
    bench, command, cards = prepare(make_bench, kind)
    before = contents(bench.folder)
    root = load(bench.folder)
    trace: list[Operation] = []
    run(bench.folder, command, bench, cards, trace)
    after = contents(bench.folder)
    assert len(trace) > 15
    outcomes = []
    last: dict[str, bytes | None] = {}
    for operation in [*trace, None]:
        files = left(root, model)
        if files != last:
            last = files
            folder = tmp_path / "cut"
            build(folder, files)
            Device.open(folder, draw=SeededDraw("run"), clock=FakeClock()).close()
            now = contents(folder)
            assert now in (before, after), operation
            outcomes.append(now == after)
            shutil.rmtree(folder)
        if operation is not None:
            apply(root, bench.folder, operation)
    assert outcomes == sorted(outcomes)  # never back again
    assert not outcomes[0]
    assert outcomes[-1]  # what was answered is there


def without(kind: str, part: str) -> Callable[[Operation], bool]:
    return lambda operation: operation.kind == kind and part in operation.path.parts


@pytest.mark.parametrize(
    ("forgotten", "model", "kind"),
    [
        (without("fsync_file", "stage"), "names kept", "key"),
        (without("fsync_dir", "stage"), "only what was synced", "key"),
        (without("fsync_dir", "audit"), "only what was synced", "key"),
        (lambda operation: operation.kind == "fsync_dir" and operation.path.name == "kmdata", "contents kept", "world"),
    ],
)
def test_the_models_notice_a_forgotten_sync(
    make_bench: Callable[..., Bench],
    tmp_path: Path,
    forgotten: Callable[[Operation], bool],
    model: Model,
    kind: str,
) -> None:
    bench, command, cards = prepare(make_bench, kind)
    before = contents(bench.folder)
    root = load(bench.folder)
    trace: list[Operation] = []
    run(bench.folder, command, bench, cards, trace)
    after = contents(bench.folder)
    bad = 0
    for place, operation in enumerate(trace):
        if not forgotten(operation):
            apply(root, bench.folder, operation)
        folder = tmp_path / f"cut-{place}"
        build(folder, left(root, model))
        try:
            Device.open(folder, draw=SeededDraw("run"), clock=FakeClock()).close()
        except Exception:  # noqa: BLE001  # any way to notice will do
            bad += 1
        else:
            bad += contents(folder) not in (before, after) or (place == len(trace) - 1 and contents(folder) != after)
    assert bad
