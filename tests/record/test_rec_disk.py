"""The disk: nothing is overwritten, nothing half-written stays, and a log that failed once takes nothing more."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import Defect, EvidenceFault, StepFault, WrongUse
from runner.host.disk import Disk, FileFacts, LogBroken, LogFile, Operation

if TYPE_CHECKING:
    from collections.abc import Callable


class Crash(BaseException):
    """The power went."""


def facts(content: bytes) -> FileFacts:
    return FileFacts(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def at(number: int, what: BaseException) -> Callable[[Operation], None]:
    """Return a hook that raises at the operation of that number, from 0."""
    seen: list[Operation] = []

    def hook(operation: Operation) -> None:
        seen.append(operation)
        if len(seen) == number + 1:
            raise what

    return hook


def operations(act: Callable[[Disk], object]) -> list[str]:
    seen: list[str] = []
    act(Disk(lambda operation: seen.append(operation.kind)))
    return seen


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_new_file_is_whole_and_durable(tmp_path: Path) -> None:
    path = tmp_path / "a"
    kinds = operations(lambda disk: disk.write_new(path, b"content"))
    assert kinds == ["create", "write", "sync", "link", "remove", "sync_folder"]
    assert path.read_bytes() == b"content"
    assert names(tmp_path) == ["a"]
    assert Disk().hash_file(path) == facts(b"content")
    assert Disk().read(path) == b"content"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "a"
    disk.write_new(path, b"one")
    for content, same_ok in ((b"two", False), (b"two", True), (b"one", False)):
        with pytest.raises(StepFault) as caught:
            disk.write_new(path, content, same_ok=same_ok)
        assert caught.value.rule == "ART009"
        assert path.read_bytes() == b"one"
    disk.write_new(path, b"one", same_ok=True)
    assert names(tmp_path) == ["a"]


def test_a_link_is_something_that_exists(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"one")
    for target in ("real", "none"):
        link = tmp_path / f"link-{target}"
        link.symlink_to(tmp_path / target)
        with pytest.raises(StepFault) as caught:
            Disk().write_new(link, b"one", same_ok=True)
        assert caught.value.rule == "ART009"
        with pytest.raises(WrongUse):
            Disk().read(link)


def test_a_name_taken_in_the_last_moment_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def hook(operation: Operation) -> None:
        if operation.kind == "link":
            path.write_bytes(b"theirs")

    with pytest.raises(StepFault) as caught:
        Disk(hook).write_new(path, b"ours")
    assert caught.value.rule == "ART009"
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("number", range(6))
def test_a_crash_leaves_the_name_with_all_of_it_or_without_a_file(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    with pytest.raises(Crash):
        Disk(at(number, Crash())).write_new(path, b"content")
    assert not path.exists() or path.read_bytes() == b"content"
    Disk().write_new(path, b"content", same_ok=True)
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("number", range(5))
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    with pytest.raises(StepFault, match="the disk is full") as caught:
        Disk(at(number, OSError(errno.ENOSPC, "full"))).write_new(path, b"content")
    assert caught.value.rule == "RUN030"
    assert [name for name in names(tmp_path) if name != "a"] == []
    assert not path.exists() or path.read_bytes() == b"content"


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.write, 0

    def small(descriptor: int, content: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "full")
        return real(descriptor, bytes(content)[:3])

    monkeypatch.setattr("os.write", small)
    with pytest.raises(StepFault, match="the disk is full"):
        Disk().write_new(tmp_path / "a", b"content")
    assert names(tmp_path) == []


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr("os.write", lambda descriptor, content: real(descriptor, bytes(content)[:2]))
    Disk().write_new(tmp_path / "a", b"content")
    assert (tmp_path / "a").read_bytes() == b"content"


def test_a_copy_is_read_back(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(content)
    disk = Disk()
    assert disk.copy_new(tmp_path / "a", tmp_path / "b") == facts(content)
    assert (tmp_path / "b").read_bytes() == content
    with pytest.raises(StepFault):
        disk.copy_new(tmp_path / "a", tmp_path / "b")
    assert disk.copy_new(tmp_path / "a", tmp_path / "b", same_ok=True) == facts(content)
    with pytest.raises(WrongUse):
        disk.copy_new(tmp_path / "none", tmp_path / "c")
    assert names(tmp_path) == ["a", "b"]


def test_folders_are_made_from_the_top_and_each_is_synced(tmp_path: Path) -> None:
    kinds = operations(lambda disk: disk.mkdir(tmp_path / "a" / "b", private=True))
    assert kinds == ["mkdir", "sync_folder", "mkdir", "sync_folder"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert operations(lambda disk: disk.mkdir(tmp_path / "a" / "b")) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StepFault) as caught:
        Disk().mkdir(tmp_path / "file")
    assert caught.value.rule == "ART009"


def test_files_are_listed_removed_and_counted(tmp_path: Path) -> None:
    disk = Disk()
    disk.mkdir(tmp_path / "a")
    for name in ("b", "a/c", "a-b"):
        disk.write_new(tmp_path / name, b"x")
    assert disk.list(tmp_path) == ("a-b", "a/c", "b")
    assert disk.list(tmp_path / "none") == ()
    disk.remove(tmp_path / "a/c")
    assert not disk.exists(tmp_path / "a/c")
    with pytest.raises(WrongUse):
        disk.remove(tmp_path / "a/c")
    (tmp_path / "link").symlink_to("nowhere")
    assert disk.exists(tmp_path / "link")
    with pytest.raises(WrongUse):
        disk.list(tmp_path)
    assert disk.free_space(tmp_path) > 0
    for act in (disk.read, disk.hash_file, disk.free_space):
        with pytest.raises(WrongUse):
            act(tmp_path / "none")
    with pytest.raises(WrongUse):
        disk.read(tmp_path / "a")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WrongUse):
        Disk().read(tmp_path / "pipe")


def test_a_read_only_folder_is_found_before_the_start_and_named_in_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    disk.require_writable(tmp_path)
    with pytest.raises(WrongUse):
        disk.require_writable(tmp_path / "none")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(WrongUse) as caught:
        disk.require_writable(tmp_path)
    assert caught.value.rule == "RUN030"
    with pytest.raises(StepFault, match="the disk is read-only") as failed:
        Disk(at(0, OSError(errno.EROFS, "read-only"))).write_new(tmp_path / "a", b"")
    assert failed.value.rule == "RUN030"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StepFault):
        Disk().write_new(tmp_path / "a", b"")


# -- the log ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_a_log_takes_lines_and_keeps_them(path: Path) -> None:
    log = LogFile.create(Disk(), path)
    log.append(b"one")
    log.append(b"two")
    assert list(log.lines()) == [b"one", b"two"]
    log.close()
    log.close()
    with pytest.raises(LogBroken):
        log.append(b"three")
    with pytest.raises(StepFault) as caught:
        LogFile.create(Disk(), path)
    assert caught.value.rule == "ART009"
    log = LogFile.open(Disk(), path)
    log.append(b"three")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_every_entry_is_announced_written_at_once_and_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real_write, real_sync = os.write, os.fdatasync
    log = LogFile.create(Disk(lambda operation: seen.append(operation.kind)), path)

    def write(descriptor: int, content: bytes) -> int:
        seen.append(f"write {content!r}")
        return real_write(descriptor, content)

    def sync(descriptor: int) -> None:
        seen.append("fdatasync")
        real_sync(descriptor)

    monkeypatch.setattr("os.write", write)
    monkeypatch.setattr("os.fdatasync", sync)
    log.append(b"one")
    assert seen == ["create", "sync_folder", "append", "write b'one\\n'", "sync", "fdatasync"]


def test_one_writer_at_a_time(path: Path) -> None:
    log = LogFile.create(Disk(), path)
    with pytest.raises(WrongUse, match="in use"):
        LogFile.open(Disk(), path)
    code = f"from pathlib import Path; from runner.host.disk import *; LogFile.open(Disk(), Path({str(path)!r}))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert "in use by another process" in ran.stderr
    del log
    LogFile.open(Disk(), path).close()


def test_a_missing_log_is_not_opened_and_an_empty_one_is(path: Path) -> None:
    with pytest.raises(WrongUse):
        LogFile.open(Disk(), path)
    path.write_bytes(b"")
    LogFile.open(Disk(), path).append(b"one")


def test_a_torn_log_takes_nothing_before_it_is_mended(path: Path, tmp_path: Path) -> None:
    torn = b'{"whole":1}\n{"parses":1}'
    path.write_bytes(torn)
    log = LogFile.open(Disk(), path)
    with pytest.raises(LogBroken):
        log.append(b"two")
    assert path.read_bytes() == torn
    log.mend(tmp_path / "recovered")
    digest = hashlib.sha256(b'{"parses":1}').hexdigest()
    assert (tmp_path / "recovered" / f"0000000012-{digest}.bin").read_bytes() == b'{"parses":1}'
    log.append(b"two")
    assert path.read_bytes() == b'{"whole":1}\ntwo\n'


def test_more_than_a_line_without_an_end_is_left_alone(path: Path, tmp_path: Path) -> None:
    content = b"one\n" + b"x" * 65_536
    path.write_bytes(content)
    log = LogFile.open(Disk(), path)
    with pytest.raises(EvidenceFault, match="LOG072"):
        log.mend(tmp_path / "recovered")
    assert path.read_bytes() == content
    assert not (tmp_path / "recovered").exists()


@pytest.mark.parametrize("line", [b"", b"a\nb", b"a\n", b"x" * 65_535])
def test_a_line_that_is_none_is_our_mistake_and_breaks_nothing(path: Path, line: bytes) -> None:
    log = LogFile.create(Disk(), path)
    with pytest.raises(Defect):
        log.append(line)
    log.append(b"x" * 65_534)
    assert path.stat().st_size == 65_535


def broken(log: LogFile, path: Path, expected: bytes) -> None:
    with pytest.raises(LogBroken) as caught:
        log.append(b"two")
    assert caught.value.rule == "RUN030"
    assert path.read_bytes() == expected


def test_a_short_write_ends_the_log_and_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, real = LogFile.create(Disk(), path), os.write
    log.append(b"one")
    with monkeypatch.context() as patch:
        patch.setattr("os.write", lambda descriptor, content: real(descriptor, content[:2]))
        broken(log, path, b"one\n")
    broken(log, path, b"one\n")
    log.close()
    LogFile.open(Disk(), path).append(b"two")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_a_write_that_fails_ends_the_log(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    log = LogFile.create(Disk(), path)
    log.append(b"one")

    def fail(_descriptor: int, _content: bytes) -> int:
        raise OSError(code, "no")

    with monkeypatch.context() as patch:
        patch.setattr("os.write", fail)
        broken(log, path, b"one\n")
    broken(log, path, b"one\n")


def test_a_sync_that_fails_ends_the_log_and_touches_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile.create(Disk(), path)
    log.append(b"one")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", fail)
        broken(log, path, b"one\ntwo\n")
    broken(log, path, b"one\ntwo\n")  # the next sync would succeed, and prove nothing


def test_what_does_not_read_back_ends_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile.create(Disk(), path)
    with monkeypatch.context() as patch:
        patch.setattr("os.pread", lambda *_: b"twp\n")
        broken(log, path, b"two\n")
    broken(log, path, b"two\n")


def test_a_second_writer_that_ignores_the_lock_is_noticed(path: Path) -> None:
    log = LogFile.create(Disk(), path)
    with path.open("ab") as other:
        other.write(b"x\n")
    broken(log, path, b"x\n")


def test_a_full_device_ends_the_log(path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    log = LogFile.create(Disk(), path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._descriptor)
    os.close(full)
    with pytest.raises(LogBroken, match="the disk is full"):
        log.append(b"one")
    with pytest.raises(LogBroken):
        log.append(b"one")


def test_a_crash_in_an_append_leaves_the_log_broken(path: Path) -> None:
    for number, expected in ((2, b""), (3, b"one\n")):
        path.unlink(missing_ok=True)
        log = LogFile.create(Disk(at(number, Crash())), path)
        with pytest.raises(Crash):
            log.append(b"one")
        assert path.read_bytes() == expected
        with pytest.raises(LogBroken):
            log.append(b"two")
