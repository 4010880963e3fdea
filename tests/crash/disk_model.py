"""A small model of a file system, and every state that a traced run can leave on one when it is cut off.

Operations are those the two disk modules announce, with their contents filled in: mkdir, create, write, append, cut,
sync, link, rename, remove, sync_folder; and `nothing`, where a sync was left out. Paths are relative to the folder
under which everything happens.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hsm_emulator.disk import Operation as DeviceOperation
    from runner.host.disk import Operation as RecordOperation

Loss = Literal["nothing", "only what was synced", "names kept", "contents kept"]
"""What a disk keeps: everything (the process died); only what was synced (power failed); unsynced names without their
unsynced contents; unsynced contents under synced names only."""

Tree = dict[str, bytes | None]
"""Files with their bytes, folders with None, by relative path."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation as the model does it."""

    kind: str
    path: str
    target: str = ""
    content: bytes = b""


@dataclass(eq=False)
class File:
    now: bytes = b""
    synced: bytes = b""


@dataclass(eq=False)
class Folder:
    now: dict[str, Folder | File] = field(default_factory=dict)
    synced: dict[str, Folder | File] = field(default_factory=dict)

    def file(self, path: str) -> File | None:
        """The file of that path, where there is one."""
        folder, _, rest = path.partition("/")
        inner = self.now.get(folder)
        if isinstance(inner, Folder):
            return inner.file(rest)
        return None if rest else inner


class Recorder:
    """Takes what both disk modules announce, and reads the contents that the runner's does not tell afterwards."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._open: RecordOperation | None = None
        self.sizes: dict[str, int] = {}
        self.steps: list[Step] = []

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._base))

    def record(self, operation: RecordOperation) -> None:
        self.settle()
        self._open = operation

    def device(self, operation: DeviceOperation) -> None:
        self.settle()
        kind = {"fsync_file": "sync", "fsync_dir": "sync_folder", "unlink": "remove"}.get(
            operation.kind, operation.kind
        )
        name = self._name(operation.path)
        middle = len(operation.content) // 2
        match kind:
            case "write_new":
                self.steps += [
                    Step(kind="create", path=name),
                    Step(kind="append", path=name, content=operation.content[:middle]),
                ]
            case "write_half":
                self.steps.append(Step(kind="append", path=name, content=operation.content[middle:]))
            case "rename":
                assert operation.target is not None
                self.steps.append(Step(kind="rename", path=name, target=self._name(operation.target)))
            case _:
                self.steps.append(Step(kind=kind, path=name))

    def settle(self) -> None:
        """Write down the runner's last operation, now that it is done."""
        if self._open is None:
            return
        operation, self._open = self._open, None
        name = self._name(operation.path)
        match operation.kind:
            case "write":
                self.steps.append(Step(kind="append", path=name, content=operation.path.read_bytes()))
            case "append":
                content = operation.path.read_bytes()
                before = self.sizes.get(name, 0)
                self.steps.append(Step(kind="append", path=name, content=content[before:]))
                self.sizes[name] = len(content)
            case "cut":
                content = operation.path.read_bytes()
                self.sizes[name] = len(content)
                self.steps.append(Step(kind="cut", path=name, content=content))
            case "link":
                half = operation.path.with_name(f".{operation.path.name}.half")
                self.steps.append(Step(kind="link", path=self._name(half), target=name))
            case _:
                if operation.kind == "create":  # in the place of one that was removed, too
                    self.sizes[name] = 0
                self.steps.append(Step(kind=operation.kind, path=name))


def _find(root: Folder, name: str) -> Folder:
    for part in PurePosixPath(name).parts:
        inner = root.now[part]
        assert isinstance(inner, Folder), name
        root = inner
    return root


def _place(root: Folder, name: str) -> tuple[Folder, str]:
    path = PurePosixPath(name)
    return _find(root, str(path.parent)), path.name


def apply(root: Folder, step: Step, content: bytes | None = None) -> None:  # noqa: C901 (one case per operation)
    """Do one operation; `content` stands for another one than the step's, where a write was torn."""
    if step.kind == "sync_folder":
        folder = _find(root, step.path)
        folder.synced = dict(folder.now)
        return
    folder, name = _place(root, step.path)
    match step.kind:
        case "mkdir":
            folder.now.setdefault(name, Folder())
        case "create":
            folder.now[name] = File()
        case "append":
            file = folder.now[name]
            assert isinstance(file, File)
            file.now += step.content if content is None else content
        case "cut":
            file = folder.now[name]
            assert isinstance(file, File)
            file.now = step.content
        case "sync":
            file = folder.now[name]
            assert isinstance(file, File)
            file.synced = file.now
        case "link":
            other, target = _place(root, step.target)
            other.now[target] = folder.now[name]
        case "rename":
            other, target = _place(root, step.target)
            other.now[target] = folder.now.pop(name)
        case "remove":
            del folder.now[name]
        case "nothing":
            pass
        case _:
            raise AssertionError(step.kind)


def left(folder: Folder, loss: Loss, prefix: str = "") -> Tree:
    """What is on the disk after the cut."""
    found: Tree = {}
    names = folder.now if loss in ("nothing", "names kept") else folder.synced
    for name, inner in names.items():
        if isinstance(inner, Folder):
            found[prefix + name] = None
            found |= left(inner, loss, f"{prefix}{name}/")
        else:
            found[prefix + name] = inner.now if loss in ("nothing", "contents kept") else inner.synced
    return found


def read(path: Path) -> Tree:
    """What is in a real folder, locks left out."""
    found: Tree = {}
    for folder, folders, files in os.walk(path):
        above = os.path.relpath(folder, path)
        prefix = "" if above == "." else f"{above}/"
        found |= {prefix + name: None for name in folders}
        found |= {prefix + name: Path(folder, name).read_bytes() for name in files if name != "lock"}
    return found


def lines(log: bytes | None) -> list[bytes]:
    """The whole lines of a log."""
    content = log or b""
    return content[: content.rfind(b"\n") + 1].splitlines()


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One state that the run can leave: after how many operations, how torn, and what is on the disk."""

    after: int
    torn: bool
    tree: Tree
    step: Step | None

    def build(self, path: Path) -> None:
        """Make a real folder of it."""
        path.mkdir()
        for name, content in sorted(self.tree.items()):
            if content is None:
                (path / name).mkdir(mode=0o700)
            else:
                (path / name).write_bytes(content)


def cuts(root: Folder, steps: list[Step], tree_of: Callable[[Folder], Tree], *, torn: bool) -> Iterator[Cut]:
    """Every state after each operation, with `torn` the middle of each write too; of equal neighbours, the last."""
    tree = tree_of(root)
    for number, step in enumerate(steps):
        if torn and step.kind == "append" and len(step.content) > 1:
            folder, name = _place(root, step.path)
            file = folder.now[name]
            assert isinstance(file, File)
            before = file.now
            apply(root, step, step.content[: len(step.content) // 2])
            yield Cut(after=number, torn=True, tree=tree_of(root), step=step)
            file.now = before
        apply(root, step)
        after = tree_of(root)
        if after != tree:
            yield Cut(after=number, torn=False, tree=tree, step=step)
            tree = after
    yield Cut(after=len(steps), torn=False, tree=tree, step=None)
