"""Whatever a file holds comes to findings, a refusal or a plan: soon, in little memory, and with both parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from judging import OUTCOMES, judge, seeds
from mutations import mutated
from running import Ran, run

if TYPE_CHECKING:
    from runner.document.events import Parser

COUNT = 50_000
FIRST = 1_000_000_000
"""Seeds that `make fuzz` does not come to."""


def _ran_well(ran: Ran) -> bool:
    return ran.bad == () and set(ran.counts) <= OUTCOMES


@pytest.mark.fuzz
def test_many_inputs_come_to_findings_or_plans() -> None:
    ran = run(COUNT, first=FIRST, large=False, workers=2)
    assert _ran_well(ran), ran.bad[:5]
    assert sum(ran.counts.values()) == COUNT
    assert min(ran.counts[what] for what in ("unread", "wrong", "planned")) > COUNT // 100


def test_some_inputs_come_to_findings_or_plans() -> None:
    ran = run(200, first=FIRST + COUNT, large=True, workers=1)
    assert _ran_well(ran), ran.bad[:5]
    assert sum(ran.counts.values()) == 200


@pytest.mark.parametrize("parser", ["pure", "best"])
def test_sound_files_are_planned(parser: Parser) -> None:
    sound = [one for one in seeds(large=True) if one.sound and not one.name.startswith("good.")]  # no real steps
    came = {one.name: judge(one, one.content, parser) for one in sound}
    assert set(came.values()) == {"planned"}, came


def test_a_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    one = next(one for one in seeds(large=False) if one.sound)
    others = [one.content]
    first, again, *rest = (mutated(seed, one.content, one.tree, others) for seed in (7, 7, *range(100, 120)))
    assert first == again
    assert len({first, *rest}) > 15


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("traceback", "ZeroDivisionError"),
        ("slow", "seconds"),
        ("large", "MemoryError"),
        ("killed", "the process ended"),
    ],
)
def test_what_is_bad_is_seen(monkeypatch: pytest.MonkeyPatch, fault: str, why: str) -> None:
    monkeypatch.setenv("FUZZ_PLANTED", fault)
    ran = run(3, first=FIRST, large=False, workers=1)
    assert len(ran.bad) in {1, 3}
    assert all(why in one[2] for one in ran.bad), ran.bad
    assert not _ran_well(ran)
