"""The only module that touches files. Every change announces itself first, so a test can stop the run there.

Files are made 0600 and folders 0700. Nothing here decides an order of operations; that is the store's business.
"""

from __future__ import annotations

import fcntl
import os
import stat
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from hsm_emulator.errors import Refused, Status, StoreBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST: Final = 4 << 20
"""No file of an installation is longer than this many bytes; a longer one is refused unread."""

Kind = Literal["mkdir", "write_new", "write_half", "rename", "unlink", "fsync_file", "fsync_dir"]


class Operation(Struct, frozen=True, kw_only=True):
    """One change that is about to be made.

    `write_half` comes in the middle of a `write_new`: the file exists and holds half of its bytes. `target` is where a
    rename goes to, `content` what a write is about to write.
    """

    kind: Kind
    path: Path
    target: Path | None = None
    content: bytes = b""


def _quiet(_: Operation) -> None:
    return


class Lock:
    """An exclusive lock, held until it is closed or forgotten."""

    def __init__(self, descriptor: int) -> None:
        self._close = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        """Give the lock back. Closing twice is allowed."""
        self._close()


class Disk:
    """Reads and changes files; durable only what was synced.

    Args:
        hook: is told every change just before it is made; what it raises stops the change, as a crash would.
    """

    def __init__(self, hook: Callable[[Operation], None] = _quiet) -> None:
        self._announce = hook

    def lock(self, path: Path) -> Lock:
        """Take the exclusive lock behind `path`; its folder exists, the file may not.

        Raises:
            Refused: InvalidState, another process or object holds it.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Refused(Status.INVALID_STATE, f"{path.parent} is in use by another process") from None
        return Lock(descriptor)

    def mkdir(self, path: Path) -> None:
        """Make the folder and its missing parents, each durable in the folder above it."""
        if path.is_dir():
            return
        self.mkdir(path.parent)
        self._announce(Operation(kind="mkdir", path=path))
        path.mkdir(mode=0o700)
        self.fsync_dir(path.parent)

    def write_new(self, path: Path, content: bytes) -> None:
        """Write a file that must not exist yet. Not durable before `fsync_file` and `fsync_dir`."""
        self._announce(Operation(kind="write_new", path=path, content=content))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            middle = len(content) // 2
            _write_all(file.fileno(), content[:middle])
            self._announce(Operation(kind="write_half", path=path, content=content))
            _write_all(file.fileno(), content[middle:])

    def rename(self, path: Path, target: Path) -> None:
        """Put a file in place, replacing what is there, at once. Not durable before `fsync_dir`."""
        self._announce(Operation(kind="rename", path=path, target=target))
        path.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file. Not durable before `fsync_dir`."""
        self._announce(Operation(kind="unlink", path=path))
        path.unlink()

    def fsync_file(self, path: Path) -> None:
        """Make a file's content durable."""
        self._announce(Operation(kind="fsync_file", path=path))
        _fsync(path)

    def fsync_dir(self, path: Path) -> None:
        """Make the names in a folder durable."""
        self._announce(Operation(kind="fsync_dir", path=path))
        _fsync(path)

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, or None where there is none.

        Raises:
            StoreBroken: not a plain file, or over-long.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError:
            raise StoreBroken(f"{path} cannot be opened") from None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StoreBroken(f"{path} is not a plain file")
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise StoreBroken(f"{path} is longer than {LARGEST} bytes")
        return content

    def list(self, folder: Path) -> tuple[str, ...]:
        """Return the names of all files at or below `folder`, relative to it with `/`, sorted; () where it is missing.

        Raises:
            StoreBroken: something there is neither a plain file nor a folder.
        """
        return tuple(sorted(_walk(folder, ""))) if folder.is_dir() else ()


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name
            else:
                raise StoreBroken(f"{entry.path} is neither a plain file nor a folder")


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
