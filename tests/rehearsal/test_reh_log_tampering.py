"""One line of a real log changed, left out, said twice or moved: not valid, and the entry is named.

SHA256SUMS is made anew each time, as whoever changes the log would do, so only the log protects itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench

from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.verification.verdict import Verdict


def inside(line: bytes) -> range:
    """Where the data of an entry stands in its line."""
    begin = line.index(b'"data":') + len(b'"data":')
    return range(begin, line.rindex(b',"mono_us":'))


def in_data(lines: list[bytes], at: int) -> list[bytes]:
    where = inside(lines[at])
    place = where[bench.pick(f"data {at}", len(where))]
    return [*lines[:at], bench.flip(lines[at], place), *lines[at + 1 :]]


def in_envelope(lines: list[bytes], at: int) -> list[bytes]:
    within = inside(lines[at])
    where = [place for place in range(len(lines[at])) if place not in within]
    place = where[bench.pick(f"envelope {at}", len(where))]
    return [*lines[:at], bench.flip(lines[at], place), *lines[at + 1 :]]


def deleted(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], *lines[at + 1 :]]


def repeated(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[: at + 1], *lines[at:]]


def swapped(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], *lines[at + 1 : at + 2], lines[at], *lines[at + 2 :]]


def expected(damage: str, at: int, last: int) -> set[int]:
    """Which entries may be named: the one that was damaged, or the next one, which no longer follows it."""
    if at == last and damage == "deleted":
        return {at - 1}  # where the log ends now
    if at == last and damage == "in_envelope":
        return {at - 1, at}  # nothing follows that could say which side of its link was changed
    return {at, at + 1}


DAMAGES = [in_data, in_envelope, deleted, repeated, swapped]


def judged(twin: bench.Left, lines: list[bytes], *, sums: bool = True) -> Verdict:
    bench.put_log(twin, lines)
    if sums:
        bench.put_sums(twin)
    return twin.verdict()


def named(verdict: Verdict) -> set[int]:
    return {finding.seq for finding in verdict.findings if finding.seq is not None}


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_line_is_protected_by_the_log_itself(
    twin: bench.Left, damage: Callable[[list[bytes], int], list[bytes]], every: int
) -> None:
    """In the quick loop each line is damaged in one or two of the ways, the first and the last ones in all of them."""
    lines = twin.lines()
    assert judged(twin, lines).outcome is Outcome.VALID
    last = len(lines) - 1 - (damage is swapped)
    for at in sorted({0, 1, last - 1, last, *range(DAMAGES.index(damage) % every, last, every)}):
        changed = damage(lines, at)
        assert changed != lines
        verdict = judged(twin, changed)
        assert verdict.outcome is Outcome.TAMPERED, (at, verdict.sentence())
        assert named(verdict) & expected(damage.__name__, at, len(lines) - 1), (at, verdict.sentence())
        assert not any(finding.rule == "LOG023" for finding in verdict.findings)


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_sums_notice_too(twin: bench.Left, damage: Callable[[list[bytes], int], list[bytes]]) -> None:
    lines = twin.lines()
    for at in range(bench.pick(damage.__name__, 15), len(lines) - 1, 15):
        verdict = judged(twin, damage(lines, at), sums=False)
        assert verdict.outcome is Outcome.TAMPERED
        assert named(verdict) & {at, at + 1}
        assert any(finding.rule == "LOG023" for finding in verdict.findings)


def chained(lines: list[bytes], at: int) -> list[bytes]:
    """Entry `at` said a microsecond later, and every later line made to follow again."""
    made = list(lines)
    made[at] = re.sub(
        rb'"time":"([^"]*)(\d)Z"', lambda m: b'"time":"%s%dZ"' % (m[1], (int(m[2]) + 1) % 10), made[at], count=1
    )
    for place in range(at + 1, len(made)):
        follows = b'"prev":"%s"' % bench.leaf(made[place - 1]).encode()
        made[place] = re.sub(rb'"prev":"[0-9a-f]{64}"', follows, made[place], count=1)
    return made


def test_a_chain_made_anew_is_found_at_the_next_checkpoint(twin: bench.Left) -> None:
    """All hashes fit; only the log key's signature does not."""
    lines = twin.lines()
    checkpoints = [place for place, line in enumerate(lines) if b'"type":"checkpoint"' in line]
    for at in [*range(0, len(lines), 6), len(lines) - 1]:
        verdict = judged(twin, chained(lines, at))
        following = next((place for place in checkpoints if place > at), len(lines) - 1)
        assert verdict.outcome is Outcome.TAMPERED, at
        deciding = verdict.deciding
        assert deciding is not None
        assert (deciding.rule, deciding.seq) == ("LOG011", following), at


def test_a_log_cut_back_with_its_checkpoints_is_open_at_best(twin: bench.Left) -> None:
    """Cut anywhere, later checkpoints and the closing texts gone: nothing in it is wrong, and it is not valid."""
    lines = twin.lines()
    for size in [len(lines) - 1, *range(len(lines) - 2, 0, -3)]:
        for path in (twin.record / "checkpoints").iterdir():
            if int(path.stem) > size:
                path.unlink()
        verdict = judged(twin, lines[:size])
        assert verdict.outcome in (Outcome.OPEN, Outcome.TAMPERED), size
    assert judged(twin, []).outcome is not Outcome.VALID


def test_a_torn_last_line_is_no_entry(twin: bench.Left) -> None:
    whole = (twin.record / "log.jsonl").read_bytes()
    for size in (len(whole) - 1, len(whole) - 2, len(whole) - 100):
        (twin.record / "log.jsonl").write_bytes(whole[:size])
        bench.put_sums(twin)
        assert twin.verdict().outcome is not Outcome.VALID


@pytest.mark.parametrize("ending", [b"\n", b"\0", b" ", b"{}\n", b"\r\n"])
def test_nothing_may_follow_the_last_line(twin: bench.Left, ending: bytes) -> None:
    path = twin.record / "log.jsonl"
    path.write_bytes(path.read_bytes() + ending)
    bench.put_sums(twin)
    assert twin.verdict().outcome is not Outcome.VALID


def test_lines_of_another_record_do_not_fit(twin: bench.Left, together: tuple[bench.Left, bench.Left]) -> None:
    """The same ceremony rehearsed twice: each line of the one in the place of the other's, one at a time."""
    lines, theirs = twin.lines(), together[1].lines()
    assert len(lines) == len(theirs)
    for at in range(0, len(lines), 5):
        verdict = judged(twin, [*lines[:at], theirs[at], *lines[at + 1 :]])
        assert verdict.outcome is Outcome.TAMPERED
        assert named(verdict) & {at, at + 1}
