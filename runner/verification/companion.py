"""A big log read by two processes at once: one holds the bytes to each other, one holds what they say to the plan.

The other process, the companion, does the work of `runner.verification.log` and `runner.verification.checkpoints`:
canonical bytes, shapes, chain, tree, checkpoints. This one parses the same lines again, but never a byte before the
companion has vouched for it: both hash what they read, and compare the hash after each piece of the file. Whatever the
companion does not vouch for is a `Doubt`; then the log is read by one process, which finds the words for it. So the
companion says nothing but yes, and a verdict is the same with and without it.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import closing
from typing import TYPE_CHECKING

from runner.verification.checkpoints import Checkpoints
from runner.verification.log import Entry, read_log, take_entry
from runner.verification.log_keys import LogKeys

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection

    from runner.verification.folder import Folder
    from runner.verification.spelling import Spelling


class Doubt(Exception):
    """The companion does not vouch for all of the log, or is not there any more."""


def can_help() -> bool:
    """Say whether this machine lends a second core, and makes processes that have what this one has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1  # macOS has none, nor a safe fork
    return cores > 1 and "fork" in multiprocessing.get_all_start_methods()


def read_with_companion(
    record: Folder, name: str, checkpoints: Checkpoints, spelling: Spelling
) -> Generator[Entry | Checkpoints, None, None]:
    """Give the entries of a log in order, their `leaf` empty, and at last the checkpoints once the log was followed.

    Args:
        record: the folder.
        name: the log's name in it.
        checkpoints: fresh ones, for the companion.
        spelling: what parses and spells JSON.

    Raises:
        Doubt: the log is to be read by one process.
        OSError: it cannot be read.
    """
    context = multiprocessing.get_context("fork")
    try:
        ours, theirs = multiprocessing.Pipe(duplex=False)
    except OSError:
        raise Doubt from None
    companion = context.Process(target=_vouch, args=(theirs, record, name, checkpoints, spelling), daemon=True)
    try:
        companion.start()
    except OSError:
        ours.close()
        raise Doubt from None
    finally:
        theirs.close()
    try:
        with closing(record.lines(name, lambda read: _wait(ours, read))) as pieces:
            start = 0
            for piece in pieces:
                yield take_entry(piece, start, spelling)
                start += len(piece)
        yield _told(ours)
    finally:
        companion.kill()
        companion.join()
        ours.close()


def _wait(ours: Connection, read: bytes) -> None:
    """Return once the companion has vouched for the same bytes; all of the file is vouched for with its checkpoints."""
    if _receive(ours) != read:
        raise Doubt


def _told(ours: Connection) -> Checkpoints:
    told = _receive(ours)
    if not isinstance(told, Checkpoints):
        raise Doubt
    return told


def _receive(ours: Connection) -> object:
    try:
        return ours.recv()
    except (EOFError, OSError):  # it ended, perhaps in the middle of a word
        raise Doubt from None


def _vouch(theirs: Connection, record: Folder, name: str, checkpoints: Checkpoints, spelling: Spelling) -> None:
    """Be the companion: say the hash of what was read so far whenever all lines in it are in order."""
    keys = LogKeys()
    before: list[bytes] = []

    def say(read: bytes) -> None:
        if before:
            theirs.send(before.pop())
        before.append(read)

    with closing(record.lines(name, say)) as pieces:
        for item in read_log(pieces, spelling):
            if not isinstance(item, Entry) or _fault(item, checkpoints, keys):
                return
    theirs.send(before.pop())
    theirs.send(checkpoints)


def _fault(entry: Entry, checkpoints: Checkpoints, keys: LogKeys) -> bool:
    """Say whether anything is to be said about an entry, or it holds fields that nobody looked at."""
    if entry.seq == 0 and entry.type != "ceremony.opened":
        return True
    if entry.type in ("ceremony.opened", "ceremony.resumed"):
        if [*keys.sit(entry), *checkpoints.sit(entry, keys.current)]:
            return True
    elif entry.type in ("request", "reply") and not entry.fitted:
        return True
    return bool(checkpoints.feed(entry))
