"""Every file of a record has its place, every place its file, and each holds the bytes it must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.verification.instructions import VERIFY_TXT
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.folder import Folder
    from runner.verification.plan import Plan

_FIXED: Final = ("plan.json", "log.jsonl", "keys/log-0.vkey", "keys/log-0.pub.pem", "VERIFY.txt", "SHA256SUMS")
_CHECKPOINTS: Final = "checkpoints/"
"""Held to the log by `runner.verification.checkpoints`."""


def account(
    record: Folder,
    plan: Plan | None,
    made: Mapping[str, tuple[int, str]],
    *,
    closed: bool,
    missing: set[str],
) -> Iterator[Finding]:
    """Give what is wrong with the files of a record.

    LOG021: a file that no rule gives a place. LOG022: a place without its file; the texts written at the end, and what
    was made to leave, must be there once the ceremony is closed. LOG024: VERIFY.txt is the text of the format version.
    LOG025: sources are what the plan was made from. LOG028: what leaves is what a step made. LOG023: SHA256SUMS is what
    it would be if it were made anew.

    Args:
        record: the folder.
        plan: None where it could not be read.
        made: size and digest of what was made to leave, by file name.
        closed: whether the log says that the ceremony is over.
        missing: files already found missing.
    """
    sources = {} if plan is None else {f"source/{item.file}": (item.size, item.sha256) for item in plan.sources}
    leaving = {f"transfer/{name}": content for name, content in made.items()}
    required = [*sources, *(["VERIFY.txt", "SHA256SUMS", *leaving] if closed else [])]
    absent = {name for name in required if name not in record.names and name not in missing}
    for name in sorted(absent):
        yield Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
    for name in record.odd:
        yield Finding(rule="LOG021", file=_shown(name), words="neither a plain file nor a folder")
    known = {*_FIXED, *sources, *leaving}
    if plan is not None and not closed:
        known |= {f"transfer/{item.file}" for item in plan.artefacts.values() if item.transfer}
    elsewhere = (_CHECKPOINTS,) if plan is not None else (_CHECKPOINTS, "source/", "transfer/")
    for name in record.names:
        if name not in known and not name.startswith(elsewhere):
            yield Finding(rule="LOG021", file=_shown(name), words="no such file belongs in a record")
    yield from _held(record, sources, "LOG025", "it is not the file the plan was made from")
    yield from _held(record, leaving, "LOG028", "it is not the file that was made")
    instructions = record.read("VERIFY.txt")
    if instructions is not None and instructions != VERIFY_TXT:
        yield Finding(rule="LOG024", file="VERIFY.txt", words="it is not the text of this format version")
    yield from _sums(record, (absent | missing) - set(record.names))


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
