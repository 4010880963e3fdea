"""What one person states in the room, in words: statements/<seq>.<person>.txt (docs/record.md gives the text)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.errors import Defect
from runner.signing.signers import ATTEST, CLOSE
from runner.spoken import plain, plain_value, word_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.plan import Person
    from runner.values import Value

REHEARSAL: Final = "REHEARSAL, SIMULATED: nothing in it is genuine"

_SENTENCES: Final = {
    "consent": "I agree that this step is carried out now, with the people and the settings of the plan.",
    "result": "I was there when this step was carried out. This is what came out:",
    "close": "I was there when the ceremony ended: {value}.",
    "handover": "I was there when the ceremony was handed over to the station {value}.",
    "recovery": "I have seen the log as it was found, with {value} entries that no checkpoint covered.",
    "resolution": "We asked what the device holds, and decided: {value}.",
}
_INDENT: Final = " " * 11
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class StepLine(Struct, frozen=True, kw_only=True):
    """The step a statement is about: its id, which attempt at it (from 1), and its title."""

    id: str
    attempt: int
    title: str


class FileLine(Struct, frozen=True, kw_only=True):
    """A file that came out of a step: its size in bytes, and its SHA-256 as hex."""

    file: str
    size: int
    sha256: str


class CameOut(Struct, frozen=True, kw_only=True):
    """What came out of a step: results by name, files, and artefacts destroyed, in the order of `step.done`."""

    results: tuple[tuple[str, Value], ...]
    files: tuple[FileLine, ...]
    destroyed: tuple[str, ...]


def namespace_of(about: str) -> str:
    """Return the namespace in which a statement is signed."""
    return CLOSE if about == "close" else ATTEST


def statement_txt(
    *,
    about: str,
    ceremony: str,
    title: str,
    rehearsal: bool,
    step: StepLine | None,
    person: Person,
    role: str,
    value: str | None,
    came_out: CameOut | None,
    checkpoint: str,
) -> bytes:
    """Return a statement.

    Args:
        about: consent, result, close, handover, recovery or resolution.
        ceremony: its id, 32 hex digits.
        title: the ceremony's.
        rehearsal: whether it is one.
        step: for consent, result and resolution.
        person: who states it.
        role: the role they act in.
        value: what the sentence names: an outcome, a station, a number, a decision; None where it names none.
        came_out: for results.
        checkpoint: the text of the last one: origin, size and base64 of the root, each with its line feed.

    Raises:
        Defect: a value or a result where the sentence has none, or the other way round.
    """
    sentence = _SENTENCES[about]
    if ("{value}" in sentence) is (value is None) or (about == "result") is (came_out is None):
        raise Defect(f"a statement of {about} with a value or a result too many or too few")
    lines = [f"STATEMENT OF {about.upper()} (statement/1)", *([REHEARSAL] if rehearsal else []), ""]
    lines.append(f"ceremony   {ceremony}: {plain(title)}")
    if step is not None:
        lines.append(f"step       {step.id}, attempt {step.attempt}: {plain(step.title)}")
    lines += [f"person     {person.id}: {plain(person.name)}, as {role}", ""]
    lines.append(sentence.format(value=plain(value or "")))
    if came_out is not None:
        lines += _came_out(came_out)
    lines.append("")
    return ("".join(f"{line}\n" for line in lines) + checkpoint).encode()


def _came_out(came_out: CameOut) -> Iterator[str]:
    for name, value in came_out.results:
        yield f"result     {name} = {plain_value(value)}"
        if isinstance(value, str) and _SHA256.fullmatch(value):
            yield from _in_words(value)
    for line in came_out.files:
        yield f"file       {plain(line.file)}: {line.size} bytes, sha256 {line.sha256}"
        yield from _in_words(line.sha256)
    for artefact in came_out.destroyed:
        yield f"destroyed  {artefact}"


def _in_words(sha256: str) -> Iterator[str]:
    for line in word_lines(sha256):
        yield _INDENT + line
