"""The store: whole commits, receipts, recovery, and what it refuses to start from."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.store import BEGINNING, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator_bench import Bench

FIRST = {"a/b/one": b"1", "silicon/x/two": b"2"}
SECOND = {"a/b/one": b"changed", "three": b"3"}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "store", Disk()) as store:
        store.commit("r1", "Kind", "d1", FIRST, b'{"answer":1}')
        store.commit("r1#try1", "PinTry", "d1", FIRST | {"a/try": b""}, b"{}")
        store.commit("r2", "Kind", "d2", SECOND, b"{}")
    return tmp_path / "store"


def test_files_receipts_and_chain(filled: Path) -> None:
    with Store.open(filled, Disk()) as store:
        assert dict(store.files()) == SECOND
        assert store.size == 3
        first = store.receipt("r1")
        assert first is not None
        assert (first.n, first.prev, first.reply) == (1, BEGINNING, b'{"answer":1}')
        written = (filled / "audit" / "0000000001.json").read_bytes()
        assert first.head == hashlib.sha256(written).hexdigest()
        assert set(json.loads(written)) == {"n", "prev", "request", "kind", "command_digest", "reply", "targets"}
        assert store.since(BEGINNING) == (True, ("r1", "r2"))
        assert store.since(first.head) == (True, ("r2",))
        assert store.since(store.head) == (True, ())
        assert store.since("1" * 64) == (False, ())
        assert store.receipt("r3") is None
        assert store.outbox("r1") is None


def test_modes_of_files_and_folders(filled: Path) -> None:
    for path in filled.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_the_same_id_again(filled: Path) -> None:
    with Store.open(filled, Disk()) as store:
        again = store.commit("r1", "Kind", "d1", {}, b"other")
        assert again.reply == b'{"answer":1}'
        assert dict(store.files()) == SECOND
        with pytest.raises(Refused) as caught:
            store.commit("r1", "Kind", "d9", {}, b"{}")
        assert caught.value.status is Status.INVALID_PARAMETER
        assert store.size == 3


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../x", "audit/1", "stage/1", "silicon/stage/1", "lock", "", "a//b", "./a", "a\0"]
)
def test_paths_no_commit_writes(filled: Path, path: str) -> None:
    with Store.open(filled, Disk()) as store, pytest.raises(StoreBroken):
        store.commit("r3", "Kind", "d3", SECOND | {path: b"x"}, b"{}")


def test_locked(filled: Path) -> None:
    with Store.open(filled, Disk()), pytest.raises(Refused) as caught:
        Store.open(filled, Disk())
    assert caught.value.status is Status.INVALID_STATE
    Store.open(filled, Disk()).close()


def test_closed_store_commits_nothing(filled: Path) -> None:
    store = Store.open(filled, Disk())
    store.close()
    with pytest.raises(StoreBroken):
        store.commit("r3", "Kind", "d3", {}, b"{}")


def _edit(path: str, content: bytes) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)

    return edit


def _receipt(n: int, /, **changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "audit" / f"{n:010d}.json"
        data = json.loads(path.read_bytes()) | changes
        path.write_text(json.dumps(data, sort_keys=True, separators=(",", ":")))

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        _edit("three", b"edited"),
        _edit("stray", b"x"),
        _edit("audit/0000000004.json", b"{}"),
        _edit("audit/0000000005.json", b"{}"),
        _edit("audit/stray", b"{}"),
        _receipt(1, reply="{}"),
        _receipt(2, n=7),
        _receipt(3, prev="0" * 64),
        _receipt(3, extra=1),
        _receipt(3, targets=[{"path": "../x", "before": "", "after": ""}]),
        lambda folder: (folder / "three").unlink(),
        lambda folder: (folder / "audit" / "0000000002.json").unlink(),
        lambda folder: (folder / "link").symlink_to("three"),
        lambda folder: (folder / "audit" / "0000000003.json").write_bytes(b"[1,"),
    ],
)
def test_what_no_crash_leaves(filled: Path, edit: Callable[[Path], None]) -> None:
    edit(filled)
    with pytest.raises(StoreBroken):
        Store.open(filled, Disk())


@pytest.mark.parametrize("name", ["stray", "other/stray", "kmdata/config/stray"])
def test_people_keep_files_beside_a_devices_folders(bench: Bench, name: str) -> None:
    path = bench.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    bench.reopen()
    bench.world()
    bench.reopen()
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["kmdata/local/world", "kmdata/stray", "cardstore/stray", "silicon/x", "outbox/x"])
def test_nobody_keeps_files_in_a_devices_folders(bench: Bench, name: str) -> None:
    path = bench.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    with pytest.raises(StoreBroken, match="that no receipt is about: take it away"):
        bench.reopen()
    path.unlink()
    bench.reopen()


def test_leftovers_of_a_crash_are_emptied(filled: Path) -> None:
    for name in ("stage/0", "stage/receipt", "silicon/stage/1"):
        (filled / name).write_bytes(b"half")
    with Store.open(filled, Disk()) as store:
        assert dict(store.files()) == SECOND
    assert not any(path.is_file() for name in ("stage", "silicon/stage") for path in (filled / name).iterdir())


def test_a_failed_commit_closes_the_store_for_changes(filled: Path) -> None:
    with Store.open(filled, Disk()) as store:
        (filled / "stage" / "0").write_bytes(b"in the way")
        with pytest.raises(FileExistsError):
            store.commit("r3", "Kind", "d3", SECOND | {"new": b"x"}, b"{}")
        with pytest.raises(StoreBroken):
            store.commit("r4", "Kind", "d4", SECOND | {"new": b"x"}, b"{}")
    with Store.open(filled, Disk()) as store:
        store.commit("r3", "Kind", "d3", SECOND | {"new": b"x"}, b"{}")
