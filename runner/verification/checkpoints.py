"""Checkpoints: those in the log, those in files, and where there must be one."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.verification.notes import Checkpoint, NoteKey, read_checkpoint
from runner.verification.reading import ShapeError
from runner.verification.tree import Tree
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.folder import Folder
    from runner.verification.log import Entry, LooseEnd

EVERY: Final = 256
"""No more entries than this pass without a checkpoint, but for those that may not be parted."""

_TOGETHER: Final = 8
"""A request, what happens in the room before its reply, and the reply are not parted; a checkpoint may be so late."""


def file_name(size: int) -> str:
    """Return the path of the checkpoint over so many entries."""
    return f"checkpoints/{size:010d}.ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _SittingEnd:
    """Where a sitting ended: how many entries there were, their root, its key, and whether a last checkpoint is due."""

    size: int
    root: bytes
    key: NoteKey | None
    covered: bool


class Checkpoints:
    """Follows a log and holds its checkpoints to its tree.

    Args:
        wanted: sizes at which the root is to be kept.

    Attributes:
        tree: the tree over the entries so far.
        sizes: those of the checkpoints in the log so far, with their notes.
        roots: the root at each size that was wanted and reached.
    """

    def __init__(self, wanted: frozenset[int] = frozenset()) -> None:
        self.tree = Tree()
        self.sizes: dict[int, str] = {}
        self.roots: dict[int, bytes] = {}
        self._wanted = wanted
        self._key: NoteKey | None = None
        self._ends: list[_SittingEnd] = []
        self._begins = False
        self._last = 0
        self._begun = 0

    def sit(self, entry: Entry, key: NoteKey | None) -> Iterator[Finding]:
        """Begin a sitting with its first entry, which is fed right after this; None: its log key is not usable.

        LOG087: it says how many entries no checkpoint covers: those since the last one in the log, or none where the
        sitting before was sealed with a checkpoint that is a file only.
        """
        if entry.type == "ceremony.resumed":
            unsigned, size = entry.data["unsigned"], self.tree.size
            end = _SittingEnd(size=size, root=self.tree.root(), key=self._key, covered=unsigned == 0)
            self._ends.append(end)
            if unsigned not in (0, size - self._last):
                words = f"{size - self._last} entries before it have no checkpoint, and it says {unsigned}"
                yield Finding(rule="LOG087", seq=entry.seq, words=words)
        self._key = key
        self._begins = True

    def feed(self, entry: Entry) -> list[Finding]:
        """Take the next entry and return what is wrong with it.

        LOG010: the note is a checkpoint signed by the sitting's log key. LOG011: its size and root are those of all
        entries before it. LOG012: there is one right after the beginning of a sitting, one before each mutating request
        that covers all up to its step, and one at least every 256 entries.
        """
        found: list[Finding] = []
        kind = entry.type
        if kind == "checkpoint":
            self._begins = False
            found += self._entry(entry)
        elif self._begins and kind not in ("ceremony.opened", "ceremony.resumed", "log.recovered"):
            self._begins = False
            found.append(_uncovered(entry, "the beginning is not followed by its checkpoint"))
        if kind == "step.begun":
            self._begun = entry.seq
        if kind == "request" and entry.data["mutates"] and self._last < self._begun - 1:
            found.append(_uncovered(entry, "a device was changed without a checkpoint over what led to it"))
        if entry.seq - self._last == EVERY + _TOGETHER:
            found.append(_uncovered(entry, f"no checkpoint for more than {EVERY} entries"))
        self.tree.grow(entry.leaf)
        if self.tree.size in self._wanted:
            self.roots[self.tree.size] = self.tree.root()
        return found

    def _entry(self, entry: Entry) -> Iterator[Finding]:
        note = self._read(entry.data["note"], self._key, seq=entry.seq, file="")
        if isinstance(note, Finding):
            yield note
        elif not note.size == entry.data["size"] == entry.seq or note.root != self.tree.root():
            yield Finding(rule="LOG011", seq=entry.seq, words="the checkpoint is not over the entries before it")
        self._last = entry.seq
        self.sizes[entry.seq] = entry.data["note"]

    def mends(self, folder: Folder, end: LooseEnd) -> bool:
        """Say whether the last checkpoint is over the log with its last line mended."""
        content = folder.read(file_name(end.seq + 1)) or b""
        lines = content.decode(errors="replace").split("\n")
        return base64.b64encode(self.tree.root_with(end.mended)).decode() in lines

    def files(self, folder: Folder, *, ended: bool) -> Iterator[Finding]:
        """Give what is wrong with the checkpoint files, once the log was read.

        LOG013: a file holds exactly the note its entry holds; LOG010 and LOG011 hold for the last one of a sitting,
        which has no entry; LOG022: each entry's file is there, and the one that covers the end of a sitting; LOG018: a
        file for a size that the log does not have means that the log was cut.

        Args:
            folder: the record.
            ended: whether the last sitting came to an end.
        """
        whole = self.tree.size
        for size, note in self.sizes.items():
            content = folder.read(file_name(size))
            if content is None:
                yield _missing(file_name(size))
            elif content != note.encode():
                yield Finding(rule="LOG013", file=file_name(size), words="it is not the note that its entry holds")
        ends = [end for end in self._ends if end.covered]
        ends.append(_SittingEnd(size=whole, root=self.tree.root(), key=self._key, covered=ended))
        for end in ends:
            yield from self._sealed(folder, end)
        known = {file_name(size) for size in (*self.sizes, whole, *(end.size for end in ends))}
        for name in folder.names:
            if name.startswith("checkpoints/") and name not in known:
                yield Finding(rule="LOG018", file=name, words=f"the log has {whole} entries and no such checkpoint")

    def _sealed(self, folder: Folder, end: _SittingEnd) -> Iterator[Finding]:
        name = file_name(end.size)
        content = folder.read(name)
        if content is None:
            if end.covered:
                yield _missing(name)
            return
        note = self._read(content.decode(errors="replace"), end.key, seq=None, file=name)
        if isinstance(note, Finding):
            yield note
        elif note.size != end.size or note.root != end.root:
            words = "the last checkpoint is not over the log as it is: its last entry was changed"
            yield Finding(rule="LOG011", seq=end.size - 1, file=name, words=words)

    def _read(self, note: str, key: NoteKey | None, *, seq: int | None, file: str) -> Checkpoint | Finding:
        if key is None:
            return Finding(
                rule="LOG010", seq=seq, file=file, words="the sitting has no usable log key to check it with"
            )
        try:
            return read_checkpoint(note, key)
        except ShapeError as error:
            return Finding(rule="LOG010", seq=seq, file=file, words=str(error))


def _uncovered(entry: Entry, words: str) -> Finding:
    return Finding(rule="LOG012", seq=entry.seq, words=words)


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="a checkpoint is missing", means=Outcome.INCOMPLETE)
