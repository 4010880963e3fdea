"""Every other file of a real record: one byte changed, taken away, put in, or something else in its place."""

from __future__ import annotations

import base64
import os
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench

from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.verification.verdict import Verdict

PLACES = 3
"""How many bytes of each file are tried; the first and the last always."""

ALIKE = 15
"""Of the many checkpoints and statements every so-many-th stands for its neighbours."""


def files(left: bench.Left) -> list[str]:
    return [name for name in bench.tree(left.record) if name != "log.jsonl"]


def sample(left: bench.Left) -> list[str]:
    """Every file but those of many that are alike: of them the first, the last and some between."""
    found = []
    for folder, group in groupby(files(left), key=lambda name: name.rpartition("/")[0]):
        names = list(group)
        found += sorted({*names[::ALIKE], names[-1]}) if folder in ("checkpoints", "statements") else names
    return found


def caught(verdict: Verdict, name: str) -> bool:
    """Say whether the record is refused with a finding about this very file or the entry that is about it."""
    return verdict.outcome is not Outcome.VALID and any(
        finding.file == name or (name.startswith("checkpoints/") and finding.seq is not None)
        for finding in verdict.findings
    )


def places(name: str, size: int) -> Iterator[int]:
    yield from {0, size - 1, *(bench.pick(f"{name} {n}", size) for n in range(PLACES - 2))}


@pytest.mark.parametrize("sums", [False, True], ids=["as_it_was", "sums_made_anew"])
def test_a_changed_byte_is_found(twin: bench.Left, *, sums: bool) -> None:
    for name in sample(twin):
        path = twin.record / name
        content = path.read_bytes()
        for place in places(name, len(content)):
            path.write_bytes(bench.flip(content, place))
            if sums and name != "SHA256SUMS":
                bench.put_sums(twin)
            assert caught(twin.verdict(), name), (name, place)
        path.write_bytes(content)
        bench.put_sums(twin)
        assert twin.verdict().outcome is Outcome.VALID


def test_all_of_the_closing_checkpoint_counts(twin: bench.Left) -> None:
    """It has no entry that repeats it: only its own signature and form hold it."""
    path = max((twin.record / "checkpoints").iterdir())
    content = path.read_bytes()
    for place in [*range(0, len(content), 9), len(content) - 1]:
        path.write_bytes(bench.flip(content, place, bit=1 << bench.pick(f"bit {place}", 7)))
        bench.put_sums(twin)
        assert twin.verdict().outcome is not Outcome.VALID, place


def test_the_closing_checkpoint_has_one_spelling(twin: bench.Left) -> None:
    path = max((twin.record / "checkpoints").iterdir())
    text = path.read_text(encoding="utf-8")
    size, signature = text.splitlines()[1], text.split()[-1]
    spare = base64.b64decode(signature)
    other = signature[:-2] + chr(ord(signature[-2]) + 1) + "="
    assert base64.b64decode(other) == spare  # a lax reader takes it for the same
    for changed in (
        text.replace(signature, other),
        text.replace(signature, signature.rstrip("=")),
        text + text.splitlines(keepends=True)[-1],
        text + "\n",
        text.replace("\n", "\r\n"),
        text.replace(f"\n{size}\n", f"\n0{size}\n"),
        text.rstrip("\n"),
        "\ufeff" + text,
    ):
        assert changed != text
        path.write_bytes(changed.encode())
        bench.put_sums(twin)
        assert twin.verdict().outcome is not Outcome.VALID, changed
    path.write_bytes(text.encode())
    bench.put_sums(twin)
    assert twin.verdict().outcome is Outcome.VALID


@pytest.mark.parametrize("sums", [False, True], ids=["as_it_was", "sums_made_anew"])
def test_a_missing_file_is_found(twin: bench.Left, *, sums: bool) -> None:
    for name in [*sample(twin), "log.jsonl"]:
        path = twin.record / name
        content = path.read_bytes()
        path.unlink()
        if sums and name != "SHA256SUMS":
            bench.put_sums(twin)
        verdict = twin.verdict()
        assert verdict.outcome in (Outcome.INCOMPLETE, Outcome.TAMPERED), name
        assert any(finding.rule == "LOG022" and finding.file == name for finding in verdict.findings), name
        path.write_bytes(content)
        bench.put_sums(twin)


@pytest.mark.parametrize(
    "name",
    [
        "extra",
        ".hidden",
        "source/extra.yaml",
        "transfer/second.byok",
        "keys/log-1.vkey",
        "keys/allowed_signers",
        "checkpoints/0000000002.ckpt",
        "checkpoints/0000000138.ckpt",
        "checkpoints/extra",
        "approval/manifest.txt",
        "statements/0000000001.goran.txt",
        "artefacts/world",
        "log.jsonl.bak",
        "VERIFY.txt~",
        "trust.json",
        "people.json",
    ],
)
def test_an_extra_file_is_found(twin: bench.Left, name: str) -> None:
    path = twin.record / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x\n")
    assert caught(twin.verdict(), name)
    bench.put_sums(twin)
    assert caught(twin.verdict(), name)


def test_what_is_no_plain_file_is_found(twin: bench.Left, left: bench.Left) -> None:
    """A link to exactly the right bytes, and a pipe that nobody writes to: neither is followed or waited for."""
    name = next(name for name in files(twin) if name.startswith("transfer/"))
    path = twin.record / name
    path.unlink()
    path.symlink_to(left.record / name)
    assert path.read_bytes() == (left.record / name).read_bytes()
    assert caught(twin.verdict(), name)
    path.unlink()
    os.mkfifo(path)
    assert caught(twin.verdict(), name)


def swap(one: Path, two: Path) -> None:
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def test_files_that_changed_places_are_found(twin: bench.Left) -> None:
    for one, two in pairwise(sample(twin)):
        swap(twin.record / one, twin.record / two)
        if "SHA256SUMS" not in (one, two):
            bench.put_sums(twin)
        assert twin.verdict().outcome is not Outcome.VALID, (one, two)
        swap(twin.record / one, twin.record / two)
        bench.put_sums(twin)
    assert twin.verdict().outcome is Outcome.VALID


def test_files_of_another_record_are_found(twin: bench.Left, together: tuple[bench.Left, bench.Left]) -> None:
    """The same region rehearsed twice: sources and plan are the same, everything else is not."""
    theirs = bench.tree(together[1].record)
    same = {"VERIFY.txt", "plan.json", "approval/sums.txt", *(name for name in theirs if name.startswith("source/"))}
    for name in sample(twin):
        mine = (twin.record / name).read_bytes()
        assert (mine == theirs[name]) is (name in same), name
        if name in same:
            continue
        (twin.record / name).write_bytes(theirs[name])
        if name != "SHA256SUMS":
            bench.put_sums(twin)
        assert caught(twin.verdict(), name), name
        (twin.record / name).write_bytes(mine)
        bench.put_sums(twin)
