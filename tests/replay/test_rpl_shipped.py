"""Every variant of the smaller shipped ceremonies, and their base cases with valid records."""

from __future__ import annotations

import pytest
import replay_bench as bench

from runner.host.disk import Disk
from runner.host.replay_script import Case, Loaded, load_replay, try_case
from runner.host.simulated_slot import SimulatedSlot

pytestmark = pytest.mark.usefixtures("published_keys")


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
    ("name", "told"),
    [
        ("A custodian puts in the card of the other one", "was read already; it counts once"),
        ("A custodian does not know the passphrase", "the passphrase of card SIM-CARD-0001 is wrong"),
        ("A card of another world is put in", "card SIM-OTHER-0001 is of another Security World"),
        ("A card of the installers, which was to be shredded, is put in", "card SIM-CARD-0005 is of another set"),
    ],
)
def test_the_device_says_what_is_wrong_with_a_card(name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of these fail by one rule; what the people at the slot are told tells them apart."""
    heard: list[str] = []
    monkeypatch.setattr(SimulatedSlot, "tell", lambda _slot, words: heard.append(words))
    (found,) = ((loaded, case) for loaded, case in CASES if case.name == name)
    assert try_case(Disk(), *found).findings == ()
    assert any(told in words for words in heard), heard


@pytest.mark.parametrize(
    ("loaded", "case"), CASES, ids=[f"{loaded.folder.name}: {case.name}" for loaded, case in CASES]
)
def test_it_comes_as_it_is_written(loaded: Loaded, case: Case) -> None:
    assert try_case(Disk(), loaded, case).findings == ()
