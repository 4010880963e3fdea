"""The log being written: each entry durable before anything follows from it, checkpoints signed by the log key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.audit.entry import BEFORE_FIRST, Entry, EntryType, encode_entry
from runner.audit.tree import Frontier, leaf
from runner.history import Said
from runner.host.disk import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.audit.note import LogKey
    from runner.host.clock import Clock
    from runner.host.disk import Disk

EVERY: Final = 256
"""After so many entries a checkpoint is made, but never between a request and its reply."""

STEPPED: Final = 5_000_000
"""Microseconds that the wall clock may move otherwise than the other one, from one entry to the next."""


class Written(Struct, frozen=True, kw_only=True):
    """An entry that is on the disk: its number, and its leaf hash, which is a request's id."""

    seq: int
    leaf: str


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The last checkpoint: over how many entries, and its text without the signature (three lines)."""

    size: int
    text: str


def checkpoint_name(size: int) -> str:
    """Return the path in a record of the checkpoint over so many entries."""
    return f"checkpoints/{size:010d}.ckpt"


class Logbook:
    """One sitting's log.

    Args:
        disk: the only way to files.
        record: the record's folder; `log.jsonl` and `checkpoints/` are made in it where they are missing.
        key: the sitting's log key.
        clock: the clock of the entries.
        log: the log to go on in, mended; None makes a new one.
        before: the lines of that log, without their line feeds.
    """

    def __init__(
        self,
        disk: Disk,
        record: Path,
        key: LogKey,
        clock: Clock,
        *,
        log: LogFile | None = None,
        before: Iterable[bytes] = (),
    ) -> None:
        self._disk = disk
        self._record = record
        self._key = key
        self._clock = clock
        self._frontier = Frontier()
        self._prev = BEFORE_FIRST
        self._waiting = False
        self._ticks: tuple[int, int] | None = None
        disk.mkdir(record / "checkpoints")
        self._log = log or LogFile.create(disk, record / "log.jsonl")
        for line in before:
            self._take(line)
        self._checkpointed = self.size
        self._last: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._frontier.size

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return self._frontier.root()

    @property
    def head(self) -> str:
        """The leaf hash of the last entry, 64 hex digits: what the next one names."""
        return self._prev

    def append(self, said: Said, actors: tuple[str, ...] = ()) -> Written:
        """Add an entry; it is durable when this returns. A jump of the wall clock is noted before it.

        Raises:
            LogBroken: it is not certain that it is there.
            Defect: it does not fit its type's form.
        """
        if said.type is not EntryType.ATTESTED:  # its statement is named by the number it is about to have
            self._interpose()
        return self._write(said, actors)

    def _interpose(self) -> None:
        """Write what is due by itself: a checkpoint after so many entries, a jump of the wall clock."""
        if self.size - self._checkpointed >= EVERY and not self._waiting:
            self.checkpoint()
        self._note_jump()

    def _note_jump(self) -> None:
        if (moved := self._moved()) is not None:
            self._write(Said(type=EntryType.CLOCK_STEPPED, step=None, attempt=None, data={"by_us": moved}), ())

    def _write(self, said: Said, actors: tuple[str, ...]) -> Written:
        now, mono_us = self._clock.now(), self._clock.mono_us()
        entry = Entry(
            seq=self.size,
            prev=self._prev,
            time=now,
            mono_us=mono_us,
            boot=self._clock.boot,
            type=said.type,
            step=said.step,
            attempt=said.attempt,
            actors=actors,
            data=said.data,
        )
        line = encode_entry(entry)
        self._log.append(line)
        self._take(line)
        if said.type not in (EntryType.ATTESTED, EntryType.CHECKPOINT):  # a jump before it is noted behind it
            self._ticks = _microseconds(now), mono_us
        if said.type in (EntryType.REQUEST, EntryType.REPLY):
            self._waiting = said.type is EntryType.REQUEST
        return Written(seq=entry.seq, leaf=self._prev)

    def _take(self, line: bytes) -> None:
        hashed = leaf(line)
        self._frontier = self._frontier.add(hashed)
        self._prev = hashed.hex()

    def _moved(self) -> int | None:
        """Return by how much the wall clock jumped since the last entry, None where it did not."""
        if self._ticks is None:
            return None
        wall, mono = self._ticks
        moved = (_microseconds(self._clock.now()) - wall) - (self._clock.mono_us() - mono)
        return moved if abs(moved) > STEPPED else None

    def checkpoint(self) -> Checkpoint:
        """Sign what there is, as a file and as the entry right behind it; right behind a checkpoint, that one holds."""
        if self._last is not None and self._last.size == self.size - 1:
            return self._last
        self._note_jump()  # before it is signed: the entry stands right behind what it covers
        checkpoint, note = self._sign()
        data = {"size": checkpoint.size, "note": note}
        self._write(Said(type=EntryType.CHECKPOINT, step=None, attempt=None, data=data), ())
        self._checkpointed, self._last = checkpoint.size, checkpoint
        return checkpoint

    @property
    def last(self) -> Checkpoint:
        """The last checkpoint of this sitting, made now where there is none."""
        return self._last or self.checkpoint()

    def seal(self) -> None:
        """Sign the whole log, as a file only: nothing may follow in this sitting."""
        self._sign()
        self._log.close()

    def close(self) -> None:
        """Give the log's lock back; the log stays as it is."""
        self._log.close()

    def _sign(self) -> tuple[Checkpoint, str]:
        size = self.size
        note = self._key.checkpoint(size, self.root)
        self._disk.write_new(self._record / checkpoint_name(size), note.encode())
        return Checkpoint(size=size, text=note[: note.index("\n\n") + 1]), note


def _microseconds(moment: str) -> int:
    parsed = datetime.fromisoformat(moment)
    return int(parsed.timestamp()) * 1_000_000 + parsed.microsecond
