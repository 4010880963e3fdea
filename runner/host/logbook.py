"""The log being written: each entry durable before anything follows from it, checkpoints signed by the log key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.audit.entry import BEFORE_FIRST, Entry, EntryType, encode_entry
from runner.audit.tree import Frontier, leaf
from runner.history import Said
from runner.host.disk import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from runner.audit.note import LogKey
    from runner.host.clock import Clock
    from runner.host.disk import Disk

EVERY: Final = 256
"""After so many entries a checkpoint is made, but never between a request and its reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry that is on the disk: its number, and its leaf hash, which is a request's id."""

    seq: int
    leaf: str


class Logbook:
    """One sitting's log.

    Args:
        disk: the only way to files.
        record: the record's folder; `log.jsonl` and `checkpoints/` are made in it.
        key: the sitting's log key.
        clock: the clock of the entries.
    """

    def __init__(self, disk: Disk, record: Path, key: LogKey, clock: Clock) -> None:
        self._disk = disk
        self._record = record
        self._key = key
        self._clock = clock
        self._frontier = Frontier()
        self._prev = BEFORE_FIRST
        self._checkpointed = 0
        self._waiting = False
        disk.mkdir(record / "checkpoints")
        self._log = LogFile.create(disk, record / "log.jsonl")

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._frontier.size

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return self._frontier.root()

    def append(self, said: Said, actors: tuple[str, ...] = ()) -> Written:
        """Add an entry; it is durable when this returns.

        Raises:
            LogBroken: it is not certain that it is there.
            Defect: it does not fit its type's form.
        """
        due = self.size - self._checkpointed >= EVERY
        if due and not self._waiting and said.type is not EntryType.CHECKPOINT:
            self.checkpoint()
        entry = Entry(
            seq=self.size,
            prev=self._prev,
            time=self._clock.now(),
            mono_us=self._clock.mono_us(),
            boot=self._clock.boot,
            type=said.type,
            step=said.step,
            attempt=said.attempt,
            actors=actors,
            data=said.data,
        )
        line = encode_entry(entry)
        self._log.append(line)
        hashed = leaf(line)
        self._frontier = self._frontier.add(hashed)
        self._prev = hashed.hex()
        if said.type in (EntryType.REQUEST, EntryType.REPLY):
            self._waiting = said.type is EntryType.REQUEST
        return Written(seq=entry.seq, leaf=self._prev)

    def checkpoint(self) -> None:
        """Sign what there is: as a file, and as the entry right behind it."""
        size, note = self._sign()
        self.append(Said(type=EntryType.CHECKPOINT, step=None, attempt=None, data={"size": size, "note": note}))
        self._checkpointed = size

    def seal(self) -> None:
        """Sign the whole log, as a file only: nothing may follow."""
        self._sign()
        self._log.close()

    def close(self) -> None:
        """Give the log's lock back; the log stays as it is."""
        self._log.close()

    def _sign(self) -> tuple[int, str]:
        size = self.size
        note = self._key.checkpoint(size, self.root)
        self._disk.write_new(self._record / "checkpoints" / f"{size:010d}.ckpt", note.encode())
        return size, note
