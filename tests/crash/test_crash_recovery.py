"""Recovery cut off at each of its own operations, and begun again: a second crash loses nothing either."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from crash_bench import Play, lines, recover
from crash_points import LOG, Seen, enumerate_cuts, fingerprint, go_on
from disk_model import Recorder, Step, cuts, left, load

from runner.host.session import Session

PARTS = 8

if TYPE_CHECKING:
    from pathlib import Path

    from crash_bench import Traced
    from disk_model import Cut


class Reached(BaseException):
    """Recovery is over: the ceremony would go on now."""


def recovering(cut: Cut, here: Path, patch: pytest.MonkeyPatch) -> list[Step]:
    """What recovery does to the disk, made in `here`, before the ceremony goes on."""
    recorder = Recorder(here)
    recorder.sizes[LOG] = len(cut.tree.get(LOG) or b"")
    again = Play("second", on_record=recorder.record, on_device=recorder.device)
    again.clock.now += 1_000

    def reached(_self: Session, *_said: Any) -> None:
        recorder.settle()
        raise Reached

    with patch.context() as patched:
        again.import_here(patched)
        patched.setattr(Session, "run", reached)
        try:
            recover(here, again.ground())
        except Reached:
            pass
        recorder.settle()
    return recorder.steps


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_again_at_every_operation_of_recovery(
    traced: Traced, place: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    size = len(enumerate_cuts(traced, "nothing", "nothing", torn=True))
    first = -(-size // PARTS) * part  # neighbours in one part: their recoveries are often the same
    for cut, _ in enumerate_cuts(traced, "nothing", "nothing", torn=True)[first : first + -(-size // PARTS)]:
        build(place / "state", cut.tree)
        root = load(place / "state")
        shutil.rmtree(place / "state")
        for second in cuts(
            root, recovering(cut, place, monkeypatch), lambda folder: left(folder, "nothing"), torn=True
        ):
            mark = fingerprint(second.tree)
            if mark in seen:
                continue
            seen.add(mark)
            go_on(second, lines(second.tree.get(LOG)), place, monkeypatch)
    assert len(seen) > 100
