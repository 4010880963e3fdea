"""A folder of files that changes only by whole commits, each with a receipt that is also the stored answer.

One commit, in this order:

1. the new files are staged (those below `silicon/` inside `silicon/stage/`) and synced;
2. the receipt is written to the stage, synced and renamed to `audit/<n>.json` (**the commit point**), `audit/` synced;
3. the staged files are renamed into place, removed files are unlinked, their folders and the stages are synced.

Start-up does step 3 of the last receipt again and empties the stages. Only the last one can be unfinished, because
commit n+1 begins after step 3 of n is durable. Receipts hold digests and the reply, never the content of a file.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from hsm_emulator import receipts
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.receipts import AUDIT, BEGINNING, LOCK, STAGES, Receipt, digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hsm_emulator.disk import Disk

_REQUEST: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,127}(#try[0-9]{1,9})?")
_RECEIPT: Final = "receipt"


class Store:
    """The files of one installation, in memory as on disk. Made by `Store.open`; closed by `close` or `with`."""

    def __init__(self, folder: Path, disk: Disk, rooms: tuple[str, ...]) -> None:
        """Take the lock; use `Store.open`."""
        self._folder = folder
        self._disk = disk
        self._rooms = rooms
        disk.mkdir(folder)
        self._lock = disk.lock(folder / LOCK)
        self._usable = True
        self._files: dict[str, bytes] = {}
        self._receipts: list[Receipt] = []
        self._requests: dict[str, Receipt] = {}
        self._heads: dict[str, int] = {BEGINNING: 0}

    @classmethod
    def open(cls, folder: Path, disk: Disk, rooms: tuple[str, ...] = ("",)) -> Self:
        """Open the installation in `folder`, making an empty one where there is none, and finish its last commit.

        Args:
            folder: where it is.
            disk: its files.
            rooms: the folders in it whose files all have receipts, each with / at its end; people may keep files
                beside these. Usually everything.

        Raises:
            Refused: InvalidState, another process or object has it open.
            StoreBroken: its files are not what its receipts say, in a way that no crash explains.
        """
        store = cls(folder, disk, rooms)
        try:
            store._start()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Give the lock back; nothing else is pending. The store cannot be changed afterwards."""
        self._usable = False
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def files(self) -> Mapping[str, bytes]:
        """Return the committed files: relative path with `/` to content."""
        return MappingProxyType(dict(self._files))

    def beside(self, path: str) -> bytes | None:
        """Return the bytes of a file that people keep beside the committed ones (`receipts.BESIDE`), None for none.

        Raises:
            StoreBroken: it is no plain file, or over-long.
        """
        return self._disk.read(self._folder / path)

    @property
    def size(self) -> int:
        """How many receipts there are."""
        return len(self._receipts)

    @property
    def head(self) -> str:
        """The chain head: SHA-256 of the last receipt in hex, 64 zeros where there is none."""
        return self._receipts[-1].head if self._receipts else BEGINNING

    def receipt(self, request_id: str) -> Receipt | None:
        """Return what was committed under this request id."""
        return self._requests.get(request_id)

    def outbox(self, request_id: str) -> bytes | None:
        """Return the bytes that this request put into the outbox, as the file `outbox/<request id>`."""
        return self._files.get(f"outbox/{request_id}")

    def since(self, head: str) -> tuple[bool, tuple[str, ...]]:
        """Return whether `head` was ever this chain's head, and the ids committed after it, PIN tries left out."""
        position = self._heads.get(head)
        if position is None:
            return False, ()
        return True, tuple(receipt.request for receipt in self._receipts[position:] if not receipt.is_try)

    def commit(
        self, request_id: str, kind: str, command_digest: str, after: Mapping[str, bytes], reply: bytes
    ) -> Receipt:
        """Make `after` the content of the store, at once and durably.

        Args:
            request_id: names the request for ever; the same id and digest again gives the old receipt.
            kind: the command's name.
            command_digest: SHA-256 of the command's canonical bytes in hex.
            after: all files as they shall be; what is missing is removed.
            reply: the answer, UTF-8 text without secrets.

        Raises:
            Refused: InvalidParameter, a malformed id, or one that was used for another command.
            StoreBroken: an earlier commit failed half-way; open the store again.
        """
        if (known := self.answered(request_id, command_digest)) is not None:
            return known
        if not self._usable:
            raise StoreBroken("the store is closed, or a commit failed half-way; open it again")
        receipt = Receipt(
            n=self.size + 1,
            prev=self.head,
            request=request_id,
            kind=kind,
            command_digest=command_digest,
            reply=reply,
            targets=receipts.difference(self._files, after),
        )
        self._usable = False
        self._stage(receipt, after)
        self._finish(receipt)
        self._files = {path: after[path] for path in sorted(after)}
        self._remember(receipt)
        self._usable = True
        return receipt

    def answered(self, request_id: str, command_digest: str) -> Receipt | None:
        """Return the receipt of a request that was committed before, None for a new one.

        Raises:
            Refused: InvalidParameter, a malformed id, or one that was used for another command.
        """
        if not _REQUEST.fullmatch(request_id):
            raise Refused(Status.INVALID_PARAMETER, "the request id is not up to 128 letters, digits and ._:-")
        known = self._requests.get(request_id)
        if known is not None and known.command_digest != command_digest:
            raise Refused(Status.INVALID_PARAMETER, f"request {request_id} was another command ({known.kind})")
        return known

    def _remember(self, receipt: Receipt) -> None:
        self._receipts.append(receipt)
        self._requests[receipt.request] = receipt
        self._heads[receipt.head] = receipt.n

    def _stage(self, receipt: Receipt, after: Mapping[str, bytes]) -> None:
        for place, target in enumerate(receipt.targets):
            if target.after:
                staged = self._folder / receipts.staged(place, target.path)
                self._disk.write_new(staged, after[target.path])
                self._disk.fsync_file(staged)
        written = self._folder / STAGES[0] / _RECEIPT
        self._disk.write_new(written, receipt.content)
        self._disk.fsync_file(written)
        for stage in STAGES:
            self._disk.fsync_dir(self._folder / stage)
        self._disk.rename(written, self._folder / AUDIT / f"{receipt.n:010d}.json")
        self._disk.fsync_dir(self._folder / AUDIT)

    def _finish(self, receipt: Receipt) -> None:
        """Do step 3 of a receipt, from wherever a crash left it."""
        touched = set()
        for place, target in enumerate(receipt.targets):
            path, staged = self._folder / target.path, self._folder / receipts.staged(place, target.path)
            self._disk.mkdir(path.parent)
            touched.add(path.parent)
            now = digest(self._disk.read(path))
            if now == target.after:
                continue
            if now != target.before:
                raise StoreBroken(f"{target.path} is neither as before nor as after receipt {receipt.n}")
            if not target.after:
                self._disk.unlink(path)
            elif digest(self._disk.read(staged)) == target.after:
                self._disk.rename(staged, path)
            else:
                raise StoreBroken(f"{target.path} of receipt {receipt.n} was not staged")
        for folder in sorted(touched):
            self._disk.fsync_dir(folder)
        for stage in STAGES:
            self._disk.fsync_dir(self._folder / stage)

    def _start(self) -> None:
        for folder in (*STAGES, AUDIT):
            self._disk.mkdir(self._folder / folder)
        expected: dict[str, str] = {}
        for receipt in self._read_receipts():
            for target in receipt.targets:
                if expected.get(target.path, "") != target.before:
                    raise StoreBroken(f"receipt {receipt.n} starts from another {target.path}")
                expected[target.path] = target.after
            self._remember(receipt)
        if self._receipts:
            self._disk.fsync_dir(self._folder / AUDIT)
            self._finish(self._receipts[-1])
            self._name_folders(self._receipts[-1])
        self._empty_stages()
        names = [room + name for room in self._rooms for name in self._disk.list(self._folder / room)]
        found = {name: self._disk.read(self._folder / name) for name in names if receipts.is_state(name)}
        for path in sorted(found.keys() | expected.keys()):
            if path in found and not expected.get(path):
                raise StoreBroken(f"there is a file {path} that no receipt is about: take it away")
            if digest(found.get(path)) != expected.get(path, ""):
                raise StoreBroken(f"{path} is not what the receipts say")
        self._files = {path: content for path, content in found.items() if content is not None}

    def _name_folders(self, receipt: Receipt) -> None:
        """Make the names of the folders durable that step 3 makes; a process may have died before it did that."""
        paths = [self._folder / target.path for target in receipt.targets]
        for folder in sorted({path.parent.parent for path in paths if path.parent != self._folder}):
            self._disk.fsync_dir(folder)

    def _empty_stages(self) -> None:
        for stage in STAGES:
            names = self._disk.list(self._folder / stage)
            for name in names:
                self._disk.unlink(self._folder / stage / name)
            if names:
                self._disk.fsync_dir(self._folder / stage)

    def _read_receipts(self) -> list[Receipt]:
        found: list[Receipt] = []
        head = BEGINNING
        for n, name in enumerate(self._disk.list(self._folder / AUDIT), start=1):
            content = self._disk.read(self._folder / AUDIT / name) or b""
            if name != f"{n:010d}.json":
                raise StoreBroken(f"{AUDIT}{name} stands where receipt {n} belongs")
            receipt = receipts.parse(content, n)
            if receipt.prev != head:
                raise StoreBroken(f"receipt {n} does not continue the chain")
            found.append(receipt)
            head = receipt.head
        return found
