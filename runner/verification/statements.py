"""What people attest, restated from the log (docs/record.md, "Statements").

Verification builds the whole text again and compares the bytes; nothing is read from a statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.spoken import plain, plain_value, word_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.answers import Value

_SENTENCES: Final = {
    "consent": "I agree that this step is carried out now, with the people and the settings of the plan.",
    "result": "I was there when this step was carried out. This is what came out:",
    "close": "I was there when the ceremony ended: {}.",
    "handover": "I was there when the ceremony was handed over to the station {}.",
    "recovery": "I have seen the log as it was found, with {} entries that no checkpoint covered.",
    "resolution": "We asked what the device holds, and decided: {}.",
}
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_MARGIN: Final = " " * 11


def rebuild_statement(
    *,
    about: str,
    ceremony: str,
    title: str,
    rehearsal: bool,
    step: tuple[str, int, str] | None,
    person: tuple[str, str],
    role: str,
    sentence_value: str | None,
    results: tuple[tuple[str, Value], ...],
    files: tuple[tuple[str, int, str], ...],
    destroyed: tuple[str, ...],
    checkpoint: str,
) -> bytes:
    """Return what a file of statements/ must hold.

    Args:
        about: `consent`, `result`, `close`, `handover`, `recovery` or `resolution`.
        ceremony: the ceremony's 32 hex digits.
        title: the ceremony's title.
        rehearsal: whether it is one.
        step: its id, the attempt and its title; None outside steps.
        person: their id and name.
        role: the one they act in.
        sentence_value: what the sentence names, None where it names nothing.
        results: the step's results in the order of its `step.done`; for a result only, as the next two.
        files: the file, size in bytes and digest of each that `step.done` lists in `made`, in its order.
        destroyed: the artefacts that were destroyed, in the order of `step.done`.
        checkpoint: the three text lines of the note that is signed over, each with its line feed.
    """
    lines = [f"STATEMENT OF {about.upper()} (statement/1)"]
    if rehearsal:
        lines.append("REHEARSAL, SIMULATED: nothing in it is genuine")
    lines += ["", f"ceremony   {ceremony}: {plain(title)}"]
    if step is not None:
        lines.append(f"step       {step[0]}, attempt {step[1]}: {plain(step[2])}")
    lines += [f"person     {person[0]}: {plain(person[1])}, as {role}", ""]
    lines.append(_SENTENCES[about].format(plain(sentence_value or "")))
    if about == "result":
        lines += _came_out(results, files, destroyed)
    return ("".join(f"{line}\n" for line in lines) + "\n" + checkpoint).encode()


def _came_out(
    results: tuple[tuple[str, Value], ...], files: tuple[tuple[str, int, str], ...], destroyed: tuple[str, ...]
) -> Iterator[str]:
    for name, value in results:
        yield f"result     {name} = {plain_value(value)}"
        if isinstance(value, str) and _DIGEST.fullmatch(value):
            yield from _in_words(value)
    for file, size, sha256 in files:
        yield f"file       {plain(file)}: {size} bytes, sha256 {sha256}"
        yield from _in_words(sha256)
    for artefact in destroyed:
        yield f"destroyed  {artefact}"


def _in_words(sha256: str) -> Iterator[str]:
    return (f"{_MARGIN}{words}" for words in word_lines(sha256))
