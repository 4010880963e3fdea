"""The record of the demonstration, line by line and field by field: any one changed, and written as it has to be."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench

from runner import canonical
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARTS = 8
"""Fields and lines are parted into so many tests, which run side by side."""

JSON = ("log.jsonl", "plan.json")
CAUGHT = (Outcome.TAMPERED, Outcome.INCOMPLETE)


def changes(value: Any) -> Iterator[Any]:
    """Give the value once for each field in it, with that field changed to something else of its type."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in changes(inner))
            yield {field: item for field, item in value.items() if field != name}
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in changes(inner))
            yield [*value[:place], *value[place + 1 :]]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    else:
        yield "0" if value is None else other_text(value)


def other_text(text: str) -> str:
    """Return another text that looks the same to a pattern: a digit or letter turned, or one added."""
    for place, character in enumerate(text):
        if character.isalnum() and character.isascii():
            turned = {"9": "8", "z": "y", "Z": "Y"}.get(character, chr(ord(character) + 1))
            return text[:place] + turned + text[place + 1 :]
    return text + "x"


def test_a_change_changes_one_thing() -> None:
    value = {"a": [1, "b9"], "c": None, "d": True}
    assert [*changes(value)] == [
        {"a": [2, "b9"], "c": None, "d": True},
        {"a": ["b9"], "c": None, "d": True},
        {"a": [1, "c9"], "c": None, "d": True},
        {"a": [1], "c": None, "d": True},
        {"c": None, "d": True},
        {"a": [1, "b9"], "c": "0", "d": True},
        {"a": [1, "b9"], "d": True},
        {"a": [1, "b9"], "c": None, "d": False},
        {"a": [1, "b9"], "c": None},
    ]


def damaged(left: bench.Left) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Give every way to change one line of a text or one field of an entry or the plan: the file, and its bytes."""
    for name, content in bench.tree(left.record).items():
        lines = content.split(b"\n")
        for number, line in enumerate(lines):
            around = lines[:number], lines[number + 1 :]
            if name == "log.jsonl" and line:
                for changed in changes(json.loads(line)):
                    yield name, partial(encoded_between, *around, changed)
            elif name not in JSON and line:
                yield name, partial(between, *around, bench.flip(line, len(line) // 2))
            if number + 1 < len(lines):
                yield name, partial(between, *around)
    plan = json.loads((left.record / "plan.json").read_bytes())
    for changed in changes(plan):
        yield "plan.json", partial(canonical.encode, changed)


def between(before: list[bytes], after: list[bytes], *lines: bytes) -> bytes:
    return b"\n".join([*before, *lines, *after])


def encoded_between(before: list[bytes], after: list[bytes], entry: Any) -> bytes:
    return between(before, after, canonical.encode(entry))


def overlooked(twin: bench.Left, part: int, parts: int) -> list[tuple[str, int]]:
    """The changes of one part, every so-many-th, that leave a verdict which an auditor would believe."""
    pristine = bench.tree(twin.record)
    found = []
    for number, (name, content) in enumerate(damaged(twin)):
        if number % parts != part:
            continue
        (twin.record / name).write_bytes(content())
        if name != "SHA256SUMS":
            bench.put_sums(twin)
        if twin.verdict().outcome not in CAUGHT:
            found.append((name, number))
        (twin.record / name).write_bytes(pristine[name])
        (twin.record / "SHA256SUMS").write_bytes(pristine["SHA256SUMS"])
    assert twin.verdict().outcome is Outcome.VALID
    return found


def test_some_lines_and_fields(twin: bench.Left) -> None:
    assert overlooked(twin, 3, 307) == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_every_line_and_field(twin: bench.Left, part: int) -> None:
    assert overlooked(twin, part, PARTS) == []
