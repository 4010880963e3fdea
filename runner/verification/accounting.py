"""Every file of a record has its place, every place its file, and each holds the bytes it must hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.verification.approvals import MANIFEST, SUMS
from runner.verification.instructions import VERIFY_TXT
from runner.verification.people_keys import FILE
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.folder import Folder
    from runner.verification.plan import Plan
    from runner.verification.sittings import Recovered

_FIXED: Final = ("plan.json", "log.jsonl", MANIFEST, SUMS, FILE, "VERIFY.txt", "SHA256SUMS")
_CHECKPOINTS: Final = "checkpoints/"
"""Held to the log by `runner.verification.checkpoints`."""

_STATEMENT: Final = re.compile(r"statements/([0-9]{10})\.[a-z][a-z0-9-]*\.txt(\.sshsig)?\Z")
_TAIL: Final = re.compile(r"recovered/[0-9]{10}-[0-9a-f]{64}\.bin")
_BY_THE_LOG: Final = ("approval/", "statements/", "recovered/", "keys/")
_BY_THE_PLAN: Final = ("source/", "transfer/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the log says of the files there must be.

    Attributes:
        names: those that other parts of the verifier hold to it: keys, approvals, statements.
        made: size and digest of what was made to leave, by file name.
        recovered: the torn tails that were cut off.
        entries: how many entries there are.
        sittings: how many sittings began.
        over: whether the ceremony is closed, and the checkpoint of that is there; if not, a sitting may have begun after it.
        ended: whether the last sitting came to an end; if not, it may have left a file that no entry names yet.
        whole: whether all of the log could be followed; if not, more files may have a place than are known.
    """

    names: frozenset[str]
    made: Mapping[str, tuple[int, str]]
    recovered: tuple[Recovered, ...]
    entries: int
    sittings: int
    over: bool
    ended: bool
    whole: bool

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Beginnings of names that may have a place without being named."""
        begun = () if self.over else (f"keys/log-{self.sittings}.",)
        left = () if self.ended else (f"statements/{self.entries:010d}.",)
        return (_CHECKPOINTS, *begun, *left, *(() if self.whole else _BY_THE_LOG))


def account(record: Folder, plan: Plan | None, told: Told, *, missing: set[str]) -> Iterator[Finding]:
    """Give what is wrong with the files of a record.

    LOG021: a file that no rule gives a place. LOG022: a place without its file; the texts written at the end of a
    sitting, and what was made to leave, must be there once it ended. LOG018: a statement for an entry the log does not
    have. LOG024: VERIFY.txt is the text of the format version. LOG025: sources are what the plan was made from. LOG028:
    what leaves is what a step made. LOG089: torn tails are those the log names, each there. LOG023: SHA256SUMS is what
    it would be if it were made anew.

    Args:
        record: the folder.
        plan: None where it could not be read.
        told: what the log says.
        missing: files already found missing.
    """
    sources = {} if plan is None else {f"source/{item.file}": (item.size, item.sha256) for item in plan.sources}
    leaving = {f"transfer/{name}": content for name, content in told.made.items()}
    tails = {tail.name: (tail.size, tail.sha256) for tail in told.recovered}
    required = [*sources, *tails, *(["VERIFY.txt", "SHA256SUMS", *leaving] if told.ended else [])]
    absent = {name for name in required if not record.has(name) and name not in missing}
    for name in sorted(absent):
        yield Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
    for name in record.odd:
        yield Finding(rule="LOG021", file=_shown(name), words="neither a plain file nor a folder")
    known = {*_FIXED, *told.names, *sources, *leaving, *tails}
    if plan is not None and not told.ended:
        known |= {f"transfer/{item.file}" for item in plan.artefacts.values() if item.transfer}
    elsewhere = told.elsewhere if plan is not None else (*told.elsewhere, *_BY_THE_PLAN)
    for name in record.names:
        if name not in known and not name.startswith(elsewhere):
            yield _stray(name, told)
    yield from _held(record, sources, "LOG025", "it is not the file the plan was made from")
    yield from _held(record, leaving, "LOG028", "it is not the file that was made")
    yield from _held(record, tails, "LOG089", "it is not the tail that was cut off")
    instructions = record.read("VERIFY.txt")
    if instructions is not None and instructions != VERIFY_TXT:
        yield Finding(rule="LOG024", file="VERIFY.txt", words="it is not the text of this format version")
    yield from _sums(record, {name for name in absent | missing if not record.has(name)})


def _stray(name: str, told: Told) -> Finding:
    """Say what is wrong with a file that has no place."""
    statement = _STATEMENT.match(name)
    if statement is not None and int(statement[1]) >= told.entries:
        words = f"the log has {told.entries} entries, and this is a statement for a later one"
        return Finding(rule="LOG018", file=_shown(name), words=words)
    if _TAIL.fullmatch(name) is not None:
        means = Outcome.TAMPERED if told.over else Outcome.OPEN
        return Finding(rule="LOG089", file=name, words="no entry names this torn tail", means=means)
    return Finding(rule="LOG021", file=_shown(name), words="no such file belongs in a record")


def _held(record: Folder, files: Mapping[str, tuple[int, str]], rule: str, words: str) -> Iterator[Finding]:
    for name, content in files.items():
        found = record.digest(name)
        if found is not None and (found.size, found.sha256) != content:
            yield Finding(rule=rule, file=name, words=words)


def _sums(record: Folder, missing: set[str]) -> Iterator[Finding]:
    content = record.read("SHA256SUMS")
    if content is None:
        return
    rebuilt: list[bytes] = []
    for name in record.names:
        found = record.digest(name)
        if name != "SHA256SUMS" and found is not None:
            rebuilt.append(f"{found.sha256}  ".encode() + name.encode(errors="surrogateescape") + b"\n")
    absent = {name.encode() for name in missing}
    digits_and_spaces = 66
    written = [line for line in content.splitlines(keepends=True) if line[digits_and_spaces:-1] not in absent]
    if written != rebuilt:
        yield Finding(rule="LOG023", file="SHA256SUMS", words="it does not list exactly the files as they are")


def _shown(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()
