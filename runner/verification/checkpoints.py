"""Checkpoints: those in the log, those in files, and where there must be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.verification.notes import Checkpoint, NoteKey, read_checkpoint
from runner.verification.reading import ShapeError
from runner.verification.tree import Tree
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.folder import Folder
    from runner.verification.log import Entry

EVERY: Final = 256
"""No more entries than this pass without a checkpoint, but for those that may not be parted."""

_TOGETHER: Final = 8
"""A request, what happens in the room before its reply, and the reply are not parted; a checkpoint may be so late."""


def file_name(size: int) -> str:
    """Return the path of the checkpoint over so many entries."""
    return f"checkpoints/{size:010d}.ckpt"


class Checkpoints:
    """Follows a log and holds its checkpoints to its tree.

    Attributes:
        tree: the tree over the entries so far.
        sizes: those of the checkpoints in the log so far, with their notes.
    """

    def __init__(self, key: NoteKey | None) -> None:
        self.tree = Tree()
        self.sizes: dict[int, str] = {}
        self._key = key
        self._last = 0
        self._begun = 0

    def feed(self, entry: Entry) -> Iterator[Finding]:
        """Take the next entry and give what is wrong with it.

        LOG010: the note is a checkpoint signed by the log key. LOG011: its size and root are those of all entries
        before it. LOG012: there is one right after the opening, one before each mutating request that covers all up to
        its step, and one at least every 256 entries.
        """
        if entry.type == "checkpoint":
            yield from self._entry(entry)
        elif entry.seq == 1:
            yield Finding(rule="LOG012", seq=1, words="the opening is not followed by its checkpoint")
        if entry.type == "step.begun":
            self._begun = entry.seq
        if entry.type == "request" and entry.data["mutates"] and self._last < self._begun - 1:
            yield Finding(
                rule="LOG012", seq=entry.seq, words="a device was changed without a checkpoint over what led to it"
            )
        if entry.seq - self._last == EVERY + _TOGETHER:
            yield Finding(rule="LOG012", seq=entry.seq, words=f"no checkpoint for more than {EVERY} entries")
        self.tree.grow(entry.leaf)

    def _entry(self, entry: Entry) -> Iterator[Finding]:
        note = self._read(entry.data["note"], seq=entry.seq, file="")
        if isinstance(note, Finding):
            yield note
        elif not note.size == entry.data["size"] == entry.seq or note.root != self.tree.root():
            yield Finding(rule="LOG011", seq=entry.seq, words="the checkpoint is not over the entries before it")
        self._last = entry.seq
        self.sizes[entry.seq] = entry.data["note"]

    def files(self, folder: Folder, *, closed: bool) -> Iterator[Finding]:
        """Give what is wrong with the checkpoint files, once the log was read.

        LOG013: a file holds exactly the note its entry holds; LOG010 and LOG011 hold for the last one, which has no
        entry; LOG022: each entry's file is there, and the one that covers the closing; LOG018: a file for a size
        that the log does not have means that the log was cut.
        """
        whole = self.tree.size
        for size, note in self.sizes.items():
            content = folder.read(file_name(size))
            if content is None:
                yield _missing(file_name(size))
            elif content != note.encode():
                yield Finding(rule="LOG013", file=file_name(size), words="it is not the note that its entry holds")
        last = folder.read(file_name(whole)) if whole not in self.sizes else None
        if last is not None:
            yield from self._closing(last)
        elif closed:
            yield _missing(file_name(whole))
        known = {file_name(size) for size in (*self.sizes, whole)}
        for name in folder.names:
            if name.startswith("checkpoints/") and name not in known:
                yield Finding(rule="LOG018", file=name, words=f"the log has {whole} entries and no such checkpoint")

    def _closing(self, content: bytes) -> Iterator[Finding]:
        name = file_name(self.tree.size)
        note = self._read(content.decode(errors="replace"), seq=None, file=name)
        if isinstance(note, Finding):
            yield note
        elif note.size != self.tree.size or note.root != self.tree.root():
            words = "the last checkpoint is not over the log as it is: its last entry was changed"
            yield Finding(rule="LOG011", seq=self.tree.size - 1, file=name, words=words)

    def _read(self, note: str, *, seq: int | None, file: str) -> Checkpoint | Finding:
        if self._key is None:
            return Finding(rule="LOG010", seq=seq, file=file, words="entry 0 names no usable log key to check it with")
        try:
            return read_checkpoint(note, self._key)
        except ShapeError as error:
            return Finding(rule="LOG010", seq=seq, file=file, words=str(error))


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="a checkpoint is missing", means=Outcome.INCOMPLETE)
