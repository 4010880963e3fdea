"""Every variant of the smaller shipped ceremonies, and their base cases with valid records."""

from __future__ import annotations

import pytest
import replay_bench as bench

from runner.host.disk import Disk
from runner.host.replay_script import Case, Loaded, load_replay, try_case


def _cases() -> list[tuple[Loaded, Case]]:
    found: list[tuple[Loaded, Case]] = []
    for path in sorted((bench.ROOT / "ceremonies").glob("*/*.replay.yaml")):
        if path.parent.name == "azure-byok":
            continue  # in test_rpl_script.py
        loaded = load_replay(Disk(), path)
        assert isinstance(loaded, Loaded), path
        found += [(loaded, case) for case in loaded.cases]
    return found


CASES = _cases()


@pytest.mark.parametrize(
    ("loaded", "case"), CASES, ids=[f"{loaded.folder.name}: {case.name}" for loaded, case in CASES]
)
def test_it_comes_as_it_is_written(loaded: Loaded, case: Case) -> None:
    assert try_case(Disk(), loaded, case).findings == ()
