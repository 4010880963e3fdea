"""Files: the only module of the runner that touches them.

Every change announces itself to an optional hook just before it is made; what the hook raises stops the change there,
as a crash would, and nothing is tidied up after it (an `OSError` from the hook counts as the system's own). What the
operating system refuses becomes one of the errors of the tree:

- the disk is full, read-only, or not ours to write: `StepFault`, RUN030, and nothing half-written is left behind.
  `Disk.require_writable` finds a read-only folder before anything starts, as `WrongUse`;
- the file exists already, with other bytes: `StepFault`, ART009;
- a file that should be there is not: `WrongUse`. In a step, a backend answers with the error's rule and words.

The module is longer than others because a second one with file access is what it exists to prevent.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from runner.errors import CeremonyError, Defect, EvidenceFault, StepFault, WrongUse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FULL_OR_READ_ONLY: Final = "RUN030"
EXISTS: Final = "ART009"

_CHUNK: Final = 1 << 20
_LONGEST_LINE: Final = 65_535
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system without links answers."""

_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW

Kind = Literal["mkdir", "create", "write", "sync", "link", "replace", "remove", "sync_folder", "append", "cut"]


class Operation(Struct, frozen=True, kw_only=True):
    """One change that is about to be made. `create`, `write` and `sync` of a new file name its temporary path."""

    kind: Kind
    path: Path


class FileFacts(Struct, frozen=True, kw_only=True):
    """What a file holds: its size in bytes, and its SHA-256 as lower-case hex."""

    size: int
    sha256: str


class LogBroken(StepFault):
    """The log could not be written for certain; nothing may follow in it, and no device may be touched."""


def _quiet(_: Operation) -> None:
    return


def _unheard(_: Path) -> None:
    return


class Disk:
    """Reads and changes files. What a method made is durable, names included, when it returns.

    Args:
        hook: is told every change just before it is made.
        reads: is told every file just before it is read; an `OSError` from it counts as the system's own.
        called: what errors call a path.
    """

    def __init__(
        self,
        hook: Callable[[Operation], None] = _quiet,
        *,
        reads: Callable[[Path], None] = _unheard,
        called: Callable[[Path], str] = str,
    ) -> None:
        self._hook = hook
        self._reads = reads
        self._called = called

    def calling(self, called: Callable[[Path], str]) -> Disk:
        """Return the same disk whose errors call a path otherwise: what a record keeps names no folder of a machine."""
        return Disk(self._hook, reads=self._reads, called=called)

    def announce(self, kind: Kind, path: Path) -> None:
        """Tell the hook what is about to be done to `path`."""
        self._hook(Operation(kind=kind, path=path))

    # -- looking -----------------------------------------------------------------------------------------------------

    def exists(self, path: Path) -> bool:
        """Say whether anything at all has this name, a dangling link included."""
        return os.path.lexists(path)

    def read(self, path: Path) -> bytes:
        """Return a plain file's bytes.

        Raises:
            WrongUse: there is no such plain file, or it cannot be read.
        """
        return b"".join(self._chunks(path))

    def hash_file(self, path: Path) -> FileFacts:
        """Return size and digest of a plain file, reading it a piece at a time.

        Raises:
            WrongUse: as `read`.
        """
        return _facts(self._chunks(path))

    def list(self, folder: Path) -> tuple[str, ...]:
        """Return the names of all files at or below `folder`, relative with `/`, sorted; () where there is no folder.

        Raises:
            WrongUse: something there is neither a plain file nor a folder, or cannot be looked at.
        """
        try:
            return tuple(sorted(_walk(folder, ""))) if folder.is_dir() else ()
        except OSError as error:
            raise self.unreadable(folder, error) from None

    def free_space(self, folder: Path) -> int:
        """Return how many bytes can still be written to the disk that holds `folder`.

        Raises:
            WrongUse: there is no such folder.
        """
        try:
            found = os.statvfs(folder)
        except OSError as error:
            raise self.unreadable(folder, error) from None
        return found.f_bavail * found.f_frsize

    def require_writable(self, folder: Path) -> None:
        """Find out, before anything starts, that files can be made in a folder.

        Raises:
            WrongUse: RUN030, they cannot.
        """
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            raise WrongUse(f"nothing can be written in {self._called(folder)}", rule=FULL_OR_READ_ONLY)

    # -- changing ----------------------------------------------------------------------------------------------------

    def mkdir(self, path: Path, *, private: bool = False) -> None:
        """Make a folder and its missing parents, each durable in the one above it; `private`: for its owner only.

        Raises:
            StepFault: RUN030, or ART009 where a file has that name.
        """
        if path.is_dir():
            return
        self.mkdir(path.parent, private=private)
        try:
            self.announce("mkdir", path)
            path.mkdir(mode=0o700 if private else 0o755)
        except OSError as error:
            raise self.unwritable(path, error) from None
        self.sync_folder(path.parent)

    def write_new(self, path: Path, content: bytes, *, same_ok: bool = False) -> None:
        """Make a file that is not there yet: whole and durable, or not at all.

        Args:
            path: where; its folder exists.
            content: all of its bytes.
            same_ok: a plain file with exactly these bytes is as good, once its name is durable.

        Raises:
            StepFault: ART009, it exists already; RUN030, it cannot be written.
        """
        if self._must_be_made(path, iter((content,)), same_ok=same_ok):
            self._place(path, iter((content,)))
        else:
            self.sync_folder(path.parent)  # a process that made it may have died before it did that

    def write_folder(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Make a folder that is not there yet, with files in it: whole and durable, or not at all.

        Args:
            path: where; the folder above it exists.
            files: their bytes, by relative path with `/`.

        Raises:
            StepFault: ART009, something has this name already; RUN030, it cannot be written.
        """
        if self.exists(path):
            raise StepFault(f"{path.name} exists already; nothing is ever overwritten", rule=EXISTS)
        half = path.with_name(f".{path.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        try:
            self.announce("mkdir", half)
            half.mkdir()
            for name, content in files.items():
                self.mkdir((half / name).parent)
                self.write_new(half / name, content)
            self.announce("link", path)
            half.rename(path)  # a folder that somebody made just now is replaced only while it is empty
        except (OSError, CeremonyError) as error:
            shutil.rmtree(half, ignore_errors=True)
            if isinstance(error, CeremonyError):
                raise
            raise self.unwritable(path, error) from None
        self.sync_folder(path.parent)

    def copy_new(self, source: Path, target: Path, *, same_ok: bool = False) -> FileFacts:
        """Copy a file to a name that is not there yet, and return size and digest of the copy as read back.

        Raises:
            WrongUse: there is no plain file `source`.
            StepFault: as `write_new`; RUN030 too where the copy does not read back as what was written.
        """
        if self._must_be_made(target, self._chunks(source), same_ok=same_ok):
            written = self._place(target, self._chunks(source))
            if self.hash_file(target) != written:
                raise StepFault(f"{target.name} does not read back as it was written", rule=FULL_OR_READ_ONLY)
        else:
            self.sync_folder(target.parent)
        return self.hash_file(target)

    def replace(self, path: Path, content: bytes, *, was: bytes) -> None:
        """Put other bytes into a file that people write, as an editor does: whole and durable, or it stays as it is.

        Nothing of a record is ever replaced. The file keeps its permissions.

        Args:
            path: a plain file.
            content: all of its bytes from now on.
            was: the bytes that it was read as.

        Raises:
            WrongUse: there is no such plain file, or it holds other bytes by now.
            StepFault: RUN030, it cannot be written.
        """
        half = path.with_name(f".{path.name}.half")
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            half.unlink(missing_ok=True)
            self.announce("create", half)
            descriptor = os.open(half, os.O_WRONLY | _NEW, 0o600)
            try:
                os.fchmod(descriptor, mode)
                self.announce("write", half)
                _facts(_written(descriptor, iter((content,))))
                self.announce("sync", half)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if self.read(path) != was:
                raise WrongUse(f"{self._called(path)} was changed while it was looked at; nothing was written to it")
            self.announce("replace", path)
            half.replace(path)
        except (OSError, CeremonyError) as error:
            _discard(half)
            if isinstance(error, CeremonyError):
                raise
            raise self.unwritable(path, error) from None
        self.sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """Remove a file.

        Raises:
            WrongUse: there is none.
            StepFault: RUN030, it cannot be removed.
        """
        try:
            self.announce("remove", path)
            path.unlink()
        except FileNotFoundError as error:
            raise self.unreadable(path, error) from None
        except OSError as error:
            raise self.unwritable(path, error) from None
        self.sync_folder(path.parent)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _chunks(self, path: Path) -> Iterator[bytes]:
        try:
            self._reads(path)
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise WrongUse(f"{self._called(path)} is not a plain file")
                while chunk := file.read(_CHUNK):
                    yield chunk
        except OSError as error:
            raise self.unreadable(path, error) from None

    def _must_be_made(self, path: Path, content: Iterator[bytes], *, same_ok: bool) -> bool:
        """Say whether `path` is free; refuse it where it is taken by anything but, if allowed, the same bytes."""
        if not self.exists(path):
            return True
        if same_ok and not path.is_symlink() and path.is_file() and self.hash_file(path) == _facts(content):
            return False
        raise StepFault(f"{path.name} exists already; nothing is ever overwritten", rule=EXISTS)

    def _place(self, path: Path, content: Iterator[bytes]) -> FileFacts:
        """Write a temporary file beside `path`, sync it, and give it its name unless that is taken."""
        half = path.with_name(f".{path.name}.half")
        try:
            half.unlink(missing_ok=True)
            self.announce("create", half)
            descriptor = os.open(half, os.O_WRONLY | _NEW, 0o644)
            try:
                self.announce("write", half)
                facts = _facts(_written(descriptor, content))
                self.announce("sync", half)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self.announce("link", path)
            self._give_name(half, path)
        except (OSError, CeremonyError) as error:
            _discard(half)
            if isinstance(error, CeremonyError):
                raise
            raise self.unwritable(path, error) from None
        self.sync_folder(path.parent)
        return facts

    def _give_name(self, half: Path, path: Path) -> None:
        """Give a whole and synced file its name, replacing nothing; FAT has no links, so there it is renamed."""
        try:
            os.link(half, path)
        except OSError as error:
            if error.errno not in _NO_LINKS or os.path.lexists(path):
                raise
            half.rename(path)  # another process could take the name just now; a medium has one user
            return
        self.announce("remove", half)
        half.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable.

        Raises:
            StepFault: RUN030, that failed.
        """
        try:
            self.announce("sync_folder", folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self.unwritable(folder, error) from None

    def unwritable(self, path: Path, error: OSError) -> StepFault:
        """Return what the system's refusal to change something is to the runner: ART009 or RUN030."""
        if isinstance(error, FileExistsError):
            return StepFault(f"{path.name} exists already; nothing is ever overwritten", rule=EXISTS)
        return StepFault(f"{self._called(path)} cannot be written: {_words(error)}", rule=FULL_OR_READ_ONLY)

    def unreadable(self, path: Path, error: OSError) -> WrongUse:
        """Return what the system's refusal to read something is to the runner."""
        if isinstance(error, FileNotFoundError):
            return WrongUse(f"there is no {self._called(path)}")
        why = os.strerror(error.errno) if error.errno else "input failed"
        return WrongUse(f"{self._called(path)} cannot be read: {why}")


class LogFile:
    """The log of one ceremony: one writer, one write per entry, durable and read back before anything follows.

    Use `create` or `open`. After any failure to write, `LogBroken` is raised then and at every later append. A line
    that was written in part is cut off again where the system lets us; after a failed sync nothing is touched, because
    nobody knows what is on the disk (PostgreSQL's wiki on fsync errors).
    """

    def __init__(self, disk: Disk, path: Path, descriptor: int) -> None:
        self._disk = disk
        self._path = path
        self._descriptor = descriptor
        self._release = weakref.finalize(self, os.close, descriptor)
        self._size = os.fstat(descriptor).st_size
        self._broken = False

    @classmethod
    def create(cls, disk: Disk, path: Path) -> LogFile:
        """Make an empty log that is not there yet, and lock it.

        Raises:
            StepFault: ART009, it exists already; RUN030, it cannot be written.
        """
        try:
            disk.announce("create", path)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _NEW, 0o644)
        except OSError as error:
            raise disk.unwritable(path, error) from None
        log = cls._locked(disk, path, descriptor)
        disk.sync_folder(path.parent)
        return log

    @classmethod
    def open(cls, disk: Disk, path: Path) -> LogFile:
        """Open a log to go on in it, and lock it. Where its last line has no end, it takes lines only after `mend`.

        Raises:
            WrongUse: there is none, or another process has it.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise disk.unreadable(path, error) from None
        log = cls._locked(disk, path, descriptor)
        log._broken = log._end_of_lines() != log._size  # noqa: SLF001 (its own, being made)
        return log

    def mend(self, kept: Path) -> None:
        """Cut off what stands after the last whole line, once a copy of it is durable.

        In this order: the copy, synced; the cut, synced. A crash between the two leaves a copy of what is still there,
        which the next `mend` finds to be the same.

        Args:
            kept: the folder for the copy, `<offset, 10 digits>-<sha256>.bin`; made where it is missing.

        Raises:
            EvidenceFault: LOG072, there is more than one line could have left; nothing was changed.
            StepFault: RUN030, the copy cannot be written.
            LogBroken: the cut cannot be made durable.
        """
        offset = self._end_of_lines()
        tail = os.pread(self._descriptor, _LONGEST_LINE + 1, offset)
        if not tail:
            return
        if len(tail) > _LONGEST_LINE:
            words = f"after byte {offset} the log holds no whole line, and more than one could have left"
            raise EvidenceFault(words, rule="LOG072")
        self._disk.mkdir(kept)
        name = f"{offset:010d}-{hashlib.sha256(tail).hexdigest()}.bin"
        self._disk.write_new(kept / name, tail, same_ok=True)
        try:
            self._disk.announce("cut", self._path)
            os.ftruncate(self._descriptor, offset)
            self._disk.announce("sync", self._path)
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._broken = True
            raise LogBroken(f"the log could not be mended: {_words(error)}", rule=FULL_OR_READ_ONLY) from None
        self._size, self._broken = offset, False

    def _end_of_lines(self) -> int:
        """Return where the last whole line ends."""
        end = self._size
        while end > 0:
            start = max(0, end - _CHUNK)
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    @classmethod
    def _locked(cls, disk: Disk, path: Path, descriptor: int) -> LogFile:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise WrongUse(f"{path.name} is in use by another process") from None
        return cls(disk, path, descriptor)

    def append(self, line: bytes) -> None:
        """Add one entry: `line` has no line feed.

        Raises:
            Defect: the line is empty, too long, or holds a line feed.
            LogBroken: it is not certain that the entry is there, now or at an earlier append.
        """
        if not line or b"\n" in line or len(line) >= _LONGEST_LINE:
            raise Defect("an entry is one line of at most 65,535 bytes")
        if self._broken:
            raise LogBroken("the log ended at an earlier failure", rule=FULL_OR_READ_ONLY)
        self._broken = True
        entry = line + b"\n"
        self._write(entry)
        try:
            self._disk.announce("sync", self._path)
            os.fdatasync(self._descriptor)
            back = os.pread(self._descriptor, len(entry) + 1, self._size)
        except OSError as error:
            raise LogBroken(f"the log could not be made durable: {_words(error)}", rule=FULL_OR_READ_ONLY) from None
        if back != entry:
            raise LogBroken("the log does not read back as it was written", rule=FULL_OR_READ_ONLY)
        self._size += len(entry)
        self._broken = False

    def _write(self, entry: bytes) -> None:
        try:
            self._disk.announce("append", self._path)
            if os.fstat(self._descriptor).st_size != self._size:
                raise LogBroken("somebody else wrote to the log", rule=FULL_OR_READ_ONLY)
            written = os.write(self._descriptor, entry)
            why = "the disk took only a part of the entry"
        except OSError as error:
            written, why = 0, _words(error)
        if written != len(entry):
            self._cut_back()
            raise LogBroken(f"the log could not be written: {why}", rule=FULL_OR_READ_ONLY)

    def _cut_back(self) -> None:
        """Cut what a failed write left, so that the log ends with a whole line; where that fails, the tail shows it."""
        try:
            os.ftruncate(self._descriptor, self._size)
            os.fdatasync(self._descriptor)
        except OSError:
            return

    def lines(self) -> Iterator[bytes]:
        """Give the lines so far, without their line feeds."""
        with self._path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")

    def close(self) -> None:
        """Give the lock back. The log stays as it is; closing twice is allowed."""
        self._release()
        self._broken = True


def _facts(chunks: Iterator[bytes]) -> FileFacts:
    size, running = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        running.update(chunk)
    return FileFacts(size=size, sha256=running.hexdigest())


def _written(descriptor: int, content: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in content:
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]
        yield chunk


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name
            else:
                raise WrongUse(f"{entry.path} is neither a plain file nor a folder")


def _discard(half: Path) -> None:
    try:
        half.unlink(missing_ok=True)
    except OSError:
        return


def _words(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full"
        case errno.EROFS:
            return "the disk is read-only"
        case errno.EACCES | errno.EPERM:
            return "this user may not write there"
        case _:
            return os.strerror(error.errno) if error.errno else "input or output failed"
