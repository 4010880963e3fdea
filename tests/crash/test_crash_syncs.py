"""Each sync is needed: leave one kind of them out, and some power cut loses something that was acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from crash_bench import Traced
from test_crash_everywhere import enumerate_cuts, go_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from disk_model import Loss, Step


@dataclass(frozen=True)
class Forgotten:
    """A kind of sync that a mutant leaves out, and the loss in which that shows."""

    name: str
    left_out: Callable[[Step, Step], bool]
    loss: Loss


def _of_log(step: Step, _before: Step) -> bool:
    return step.kind == "sync" and step.path.endswith("log.jsonl")


def _of_new_files(step: Step, _before: Step) -> bool:
    return step.kind == "sync" and step.path.endswith(".half")


def _of_new_names(step: Step, before: Step) -> bool:
    return step.kind == "sync_folder" and before.kind == "remove" and before.path.endswith(".half")


def _of_the_logs_name(step: Step, before: Step) -> bool:
    return step.kind == "sync_folder" and before.kind == "create" and before.path.endswith("log.jsonl")


def _of_the_records_parent(step: Step, before: Step) -> bool:
    return step.kind == "sync_folder" and before.kind == "mkdir" and before.path.startswith("record")


def _of_staged_files(step: Step, _before: Step) -> bool:
    return step.kind == "sync" and "stage/" in step.path


def _of_stages(step: Step, _before: Step) -> bool:
    return step.kind == "sync_folder" and step.path.endswith("stage")


def _of_receipts(step: Step, _before: Step) -> bool:
    return step.kind == "sync_folder" and step.path.endswith("audit")


def _of_targets(step: Step, before: Step) -> bool:
    device = step.path.startswith(("record.sim/devices", "record.sim/vault"))
    named = not step.path.endswith(("audit", "stage"))
    return step.kind == "sync_folder" and device and named and before.kind in ("rename", "sync_folder", "remove")


FORGOTTEN = [
    Forgotten("the log's lines", _of_log, "only what was synced"),
    Forgotten("the contents of new files", _of_new_files, "names kept"),
    Forgotten("the names of new files", _of_new_names, "contents kept"),
    Forgotten("the log's name", _of_the_logs_name, "contents kept"),
    Forgotten("folders in their parents", _of_the_records_parent, "contents kept"),
    Forgotten("what the device stages", _of_staged_files, "names kept"),
    Forgotten("the device's stages", _of_stages, "only what was synced"),
    Forgotten("the device's receipts", _of_receipts, "only what was synced"),
    Forgotten("what the device puts in place", _of_targets, "contents kept"),
]


@pytest.mark.slow
@pytest.mark.parametrize("forgotten", FORGOTTEN, ids=lambda forgotten: forgotten.name)
def test_a_sync_that_is_left_out_shows(
    traced: Traced, place: Path, forgotten: Forgotten, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [traced.steps[0]]
    kept += [step for before, step in pairwise(traced.steps) if not forgotten.left_out(step, before)]
    assert len(kept) < len(traced.steps)
    mutant = Traced(traced.place, kept)
    for number, (cut, acknowledged) in enumerate(enumerate_cuts(mutant, forgotten.loss, forgotten.loss, torn=False)):
        try:
            go_on(cut, acknowledged, place / str(number), monkeypatch)
        except Exception:  # noqa: BLE001 (whatever shows it: a refusal, a lost entry, something done twice)
            return
    pytest.fail(f"nobody would notice that {forgotten.name} are not synced")
