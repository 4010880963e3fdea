"""Attacks on the log by somebody without its key; SHA256SUMS is always made anew, as they would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import synthetic
from synthetic import ORIGIN, Written, write

from runner import canonical
from runner.audit.note import LogKey
from runner.audit.tree import leaf
from runner.verification.verdict import Finding, Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRIES = 67


def judged(record: Written, lines: list[bytes] | None = None) -> Verdict:
    if lines is not None:
        (record.folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    synthetic.sums(record.folder)
    return verify(record.folder, record.trust, rehearsal=True)


def first(verdict: Verdict) -> Finding:
    assert verdict.deciding is not None
    return verdict.deciding


@pytest.mark.parametrize("place", range(ENTRIES))
def test_every_line_is_held_in_its_place(record: Written, place: int) -> None:
    lines = record.lines
    assert len(lines) == ENTRIES
    edited = [*lines]
    edited[place] = lines[place].replace(b".000000Z", b".000001Z", 1)
    verdict = judged(record, edited)
    assert (verdict.outcome, first(verdict).seq) == (Outcome.TAMPERED, place)
    assert first(verdict).rule == ("LOG011" if place == ENTRIES - 1 else "LOG006")

    spaced = [*lines]
    spaced[place] = lines[place].replace(b",", b", ", 1)
    verdict = judged(record, spaced)
    assert (verdict.outcome, first(verdict).seq, first(verdict).rule) == (Outcome.TAMPERED, place, "LOG003")

    verdict = judged(record, lines[:place] + lines[place + 1 :])
    last = place == ENTRIES - 1
    assert verdict.outcome is Outcome.TAMPERED
    assert (first(verdict).rule, first(verdict).seq) == (("LOG018", None) if last else ("LOG005", place))

    verdict = judged(record, [*lines[: place + 1], *lines[place:]])
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG005", place + 1)

    if not last:
        verdict = judged(record, [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]])
        assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG005", place)


def test_a_last_line_that_names_another_line_is_the_one_at_fault(record: Written) -> None:
    last = json.loads(record.lines[-1]) | {"prev": "0" * 64}
    verdict = judged(record, [*record.lines[:-1], canonical.encode(last)])
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG006", ENTRIES - 1)
    (record.folder / f"checkpoints/{ENTRIES:010d}.ckpt").unlink()
    verdict = judged(record)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG006", ENTRIES - 2)


@pytest.mark.parametrize("place", range(1, ENTRIES - 1, 5))
def test_a_chain_that_was_made_anew_does_not_fit_its_checkpoints(record: Written, place: int) -> None:
    lines = [*record.lines]
    lines[place] = lines[place].replace(b".000000Z", b".000001Z", 1)
    for number in range(place + 1, ENTRIES):
        entry = json.loads(lines[number])
        lines[number] = canonical.encode(entry | {"prev": leaf(lines[number - 1]).hex()})
    verdict = judged(record, lines)
    types = [json.loads(line)["type"] for line in lines]
    held = next((number for number in range(place + 1, ENTRIES) if types[number] == "checkpoint"), ENTRIES - 1)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG011", held)


@pytest.mark.parametrize("kept", range(1, ENTRIES))
def test_a_tail_that_was_cut_is_missed(record: Written, kept: int) -> None:
    verdict = judged(record, record.lines[:kept])
    assert verdict.outcome is Outcome.TAMPERED
    assert (first(verdict).rule, first(verdict).file[:12]) == ("LOG018", "checkpoints/")
    for path in (record.folder / "checkpoints").iterdir():
        if int(path.stem) > kept:
            path.unlink()
    verdict = judged(record)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.OPEN, "LOG060", kept - 1)
    (record.folder / "SHA256SUMS").unlink()
    assert verify(record.folder, record.trust, rehearsal=True).outcome is Outcome.OPEN


def test_an_empty_log_is_incomplete(record: Written) -> None:
    verdict = judged(record, [])
    assert (verdict.outcome, first(verdict).rule, first(verdict).file) == (Outcome.INCOMPLETE, "LOG022", "log.jsonl")


def test_a_torn_tail_is_no_entry_even_if_it_parses(record: Written) -> None:
    path = record.folder / "log.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED  # the closing checkpoint is over one entry more
    assert first(verdict).rule == "LOG018"
    (record.folder / f"checkpoints/{ENTRIES:010d}.ckpt").unlink()
    verdict = judged(record)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.OPEN, "LOG001", ENTRIES - 1)


def test_a_record_made_anew_with_another_key_is_caught_by_the_anchors_alone(record: Written, tmp_path: Path) -> None:
    forger = LogKey.from_seed(ORIGIN, b"forger" + bytes(26))
    (tmp_path / "forged").mkdir()
    forged = write(tmp_path / "forged", key=forger)
    assert verify(forged.folder, forged.trust, rehearsal=True).outcome is Outcome.VALID
    verdict = verify(forged.folder, record.trust, rehearsal=True)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG015", 0)


def test_checkpoints_of_another_record_of_the_same_log_do_not_fit(record: Written, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", change_opening=lambda opened: opened.update(ceremony="ee" * 16))
    assert verify(other.folder, other.trust, rehearsal=True).outcome is Outcome.VALID
    for size, rule in ((1, "LOG013"), (ENTRIES, "LOG011")):
        name = f"checkpoints/{size:010d}.ckpt"
        mine = (record.folder / name).read_bytes()
        (record.folder / name).write_bytes((other.folder / name).read_bytes())
        verdict = judged(record)
        assert (verdict.outcome, first(verdict).rule, first(verdict).file) == (Outcome.TAMPERED, rule, name)
        (record.folder / name).write_bytes(mine)
    assert judged(record).outcome is Outcome.VALID


def entry_0(**fields: object) -> Callable[[list[bytes]], None]:
    def change(lines: list[bytes]) -> None:
        lines[0] = canonical.encode(json.loads(lines[0]) | fields)

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (entry_0(v=2), "LOG004"),
        (entry_0(more=1), "LOG004"),
        (entry_0(time="2026-11-25T18:23:05Z"), "LOG004"),
        (entry_0(time="2026-13-25T18:23:05.000000Z"), "LOG004"),
        (entry_0(type="ceremony.opened.again"), "LOG004"),
        (entry_0(actors=["b", "a"]), "LOG004"),
        (entry_0(step="a"), "LOG004"),
        (entry_0(seq=False), "LOG004"),
        (entry_0(prev="1" * 64), "LOG006"),
        (lambda lines: lines.__setitem__(0, b"\xef\xbb\xbf" + lines[0]), "LOG003"),
        (lambda lines: lines.__setitem__(0, lines[0].replace(b'"v":1', b'"v":1,"v":1')), "LOG003"),
        (lambda lines: lines.__setitem__(0, lines[0].replace(b'"v":1', b'"v":1.0')), "LOG003"),
        (lambda lines: lines.__setitem__(0, lines[0] + b"\r"), "LOG003"),
        (lambda lines: lines.__setitem__(0, b""), "LOG003"),
        (lambda lines: lines.__setitem__(0, b'"' + b"x" * 70_000 + b'"'), "LOG002"),
        (lambda lines: lines.__setitem__(0, b"[" * 60_000), "LOG003"),
    ],
)
def test_the_form_of_a_line_is_one(record: Written, change: Callable[[list[bytes]], None], rule: str) -> None:
    lines = [*record.lines]
    change(lines)
    verdict = judged(record, lines)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, rule, 0)


def with_data(**fields: object) -> Callable[[list[bytes]], None]:
    def change(lines: list[bytes]) -> None:
        entry = json.loads(lines[0])
        lines[0] = canonical.encode(entry | {"data": entry["data"] | fields})

    return change


HSM, VAULT = synthetic.device("hsm", 3), synthetic.device("vault", 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"devices": [VAULT, HSM]},
        {"devices": [HSM, HSM]},
        {"devices": [HSM | {"inventory": HSM["inventory"] | {"keys": ["b", "a"]}}, VAULT]},
        {"beacon": {"source": "", "value": "", "prev": ""}},
        {"signers": "published"},
        {"sitting": 1},
        {"manifest_sha256": None},
        {"approvals": [{"person": "fay"}]},
        {"stations": "online"},
        {"previous": {"origin": "a b", "size": 1, "root": ""}},
    ],
)
def test_what_an_entry_holds_has_one_form(record: Written, fields: dict[str, object]) -> None:
    lines = [*record.lines]
    with_data(**fields)(lines)
    verdict = judged(record, lines)
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG004", 0)


def test_a_log_key_that_is_none_signs_nothing(record: Written) -> None:
    lines = [*record.lines]
    with_data(log_key="ours")(lines)
    verdict = judged(record, lines[:1])
    assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG014", 0)


def test_one_process_writes_and_its_clock_never_goes_back(record: Written) -> None:
    for fields in ({"boot": "1" * 16}, {"mono_us": 1}):
        entry = json.loads(record.lines[5]) | fields
        verdict = judged(record, [*record.lines[:5], canonical.encode(entry)])
        assert (verdict.outcome, first(verdict).rule, first(verdict).seq) == (Outcome.TAMPERED, "LOG007", 5)
