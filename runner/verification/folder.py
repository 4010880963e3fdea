"""The record's files: the only module of the verifier that reads any. Each is opened once, and hashed as it is read."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.verification.log import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

LARGEST: Final = 64 << 20
"""No file that is parsed as a whole is longer than this many bytes; a longer one is not read."""

_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Size in bytes and SHA-256 in lower-case hex of a file."""

    size: int
    sha256: str


class Folder:
    """A record folder. Links are never followed; what cannot be read counts as not there.

    Attributes:
        names: every plain file below the folder, relative with `/`, sorted by bytes.
        odd: everything else below it that is not a folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[str, Digest] = {}
        names: list[str] = []
        odd: list[str] = []
        for name, plain in _walk(str(path), ""):
            (names if plain else odd).append(name)
        self.names = tuple(sorted(names, key=os.fsencode))
        self.odd = tuple(sorted(odd, key=os.fsencode))
        self._there = frozenset(names)

    def has(self, name: str) -> bool:
        """Say whether there is a plain file of that name."""
        return name in self._there

    def size(self, name: str) -> int:
        """Return how many bytes a file seems to have; 0 where it is not there."""
        try:
            return os.lstat(self._path / name).st_size if name in self._there else 0
        except OSError:
            return 0

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None where it is not there or larger than `LARGEST`."""
        if name not in self._there:
            return None
        try:
            with self._open(name) as file:
                content = file.read(_CHUNK)
                if len(content) == _CHUNK:
                    content += file.read(LARGEST + 1 - _CHUNK)
        except OSError:
            return None
        if len(content) > LARGEST:
            return None
        self._digests[name] = Digest(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        return content

    def lines(self, name: str, told: Callable[[bytes], None] = lambda _read: None) -> Generator[bytes, None, None]:
        """Give a file's lines with their ends, cut off just beyond the longest a log may have.

        Once the iterator is exhausted or closed, the digest of the whole file is known, of the very bytes given.

        Args:
            name: the file.
            told: is told the digest of all that was read so far, whenever more was, before any line of it is given.
        """
        running, size = hashlib.sha256(), 0
        with self._open(name) as file:
            try:
                rest = b""
                while len(rest) <= LONGEST and (chunk := file.read(_CHUNK)):
                    running.update(chunk)
                    size += len(chunk)
                    told(running.digest())
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line + b"\n"
                if rest:
                    yield rest[: LONGEST + 1]
            finally:
                while chunk := file.read(_CHUNK):
                    running.update(chunk)
                    size += len(chunk)
                self._digests[name] = Digest(size=size, sha256=running.hexdigest())

    def digest(self, name: str) -> Digest | None:
        """Return size and digest of a file as it was read, reading it if it was not; None where it cannot be."""
        if name not in self._digests and name in self._there:
            running, size = hashlib.sha256(), 0
            try:
                with self._open(name) as file:
                    while chunk := file.read(_CHUNK):
                        running.update(chunk)
                        size += len(chunk)
            except OSError:
                return None
            self._digests[name] = Digest(size=size, sha256=running.hexdigest())
        return self._digests.get(name)

    def holds(self, other: Path) -> bool:
        """Say whether `other` lies in this folder, by its own name or by where its links lead."""
        return any(
            os.path.commonpath((follow(self._path), follow(other))) == follow(self._path)
            for follow in (os.path.realpath, os.path.abspath)
        )

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        with open_plain(self._path / name) as file:
            yield file


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file to be read, following no link in its last part.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a plain file")
        yield file


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.is_file(follow_symlinks=False)
