"""Every byte of every file of a small record, changed one at a time: nothing of a record is not covered.

One record has no signatures of people, one has all of them. SHA256SUMS is made anew, unless it is what is changed: a
sum that does not fit would show any change. Which bit is changed differs from place to place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import synthetic

from runner.verification import signatures
from runner.verification.notes import NoteKey
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from synthetic import Written

PARTS = 16
"""The bytes are parted into so many tests, which run side by side."""


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer what was asked before from memory: the same signature is verified for nearly every byte."""
    of_people, of_logs = signatures._verifies, NoteKey.signed
    monkeypatch.setattr(signatures, "_verifies", kept(of_people, lambda key: key.identity))
    monkeypatch.setattr(NoteKey, "signed", kept(of_logs, lambda key: key))


def kept(function: Any, mark: Any) -> Any:
    answers: dict[Any, Any] = {}

    def answer(key: Any, *rest: Any) -> Any:
        asked = (mark(key), *rest)
        if asked not in answers:
            answers[asked] = function(key, *rest)
        return answers[asked]

    return answer


def places(folder: Path, part: int, parts: int) -> Iterator[tuple[str, int]]:
    """Give the places of one part: of each file every so-many-th."""
    every = [(name, place) for name in synthetic.files(folder) for place in range((folder / name).stat().st_size)]
    yield from every[part::parts]


def overlooked(record: Written, part: int, parts: int = PARTS) -> list[tuple[str, int]]:
    """The places of a part whose change leaves a verdict that an auditor would believe."""
    found: list[tuple[str, int]] = []
    sums = (record.folder / "SHA256SUMS").read_bytes()
    for name, place in places(record.folder, part, parts):
        path = record.folder / name
        pristine = path.read_bytes()
        content = bytearray(pristine)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        if name != "SHA256SUMS":
            again = sums.replace(synthetic.sha(pristine).encode(), synthetic.sha(bytes(content)).encode())
            (record.folder / "SHA256SUMS").write_bytes(again)
        if verify(record.folder, record.trust, rehearsal=True).outcome not in (Outcome.TAMPERED, Outcome.INCOMPLETE):
            found.append((name, place))
        path.write_bytes(pristine)
        (record.folder / "SHA256SUMS").write_bytes(sums)
    assert verify(record.folder, record.trust, rehearsal=True).outcome is Outcome.VALID
    return found


def test_some_bytes(record: Written) -> None:
    assert overlooked(record, 7, 331) == []


def test_some_bytes_of_what_people_signed(signed: Written) -> None:
    assert overlooked(signed, 7, 1021) == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_every_byte_of_a_record(record: Written, part: int) -> None:
    assert overlooked(record, part) == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_every_byte_of_a_record_that_people_signed(signed: Written, part: int) -> None:
    assert overlooked(signed, part) == []
