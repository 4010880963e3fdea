"""Every state that a traced rehearsal can leave on its disks, and what must come of it when people go on."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crash_bench import Play, Traced, lines, once, recover
from disk_model import Cut, Folder, Loss, Tree, cuts, left, read

from runner.audit.entry import Entry, EntryType, decode_entry
from runner.host.session import Session
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

LOG = "record/log.jsonl"
DEVICES = ("record.sim/devices/", "record.sim/vault/")

_OF_SITTINGS = (
    "record/checkpoints/",
    "record/keys/log-",
    "record/log.jsonl",
    "record/recovered",
    "record/statements/",
    "record.sim/trust.json",
)
"""Files that tell sittings apart, and that nothing in the rest of a ceremony reads."""

_SAID_BY_SITTINGS = frozenset({EntryType.CEREMONY_RESUMED, EntryType.LOG_RECOVERED, EntryType.CHECKPOINT})


class Known(BaseException):
    """Recovery is over, and the ceremony went on from here before."""


@dataclass
class Seen:
    """From where ceremonies went on to their end already, and how often which end was reached."""

    standings: set[str] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)

    def count(self, end: str) -> str:
        self.ends[end] = self.ends.get(end, 0) + 1
        return end


def fingerprint(tree: Tree) -> str:
    running = hashlib.sha256()
    for name, content in sorted(tree.items()):
        running.update(f"{name} {'folder' if content is None else hashlib.sha256(content).hexdigest()}\n".encode())
    return running.hexdigest()


def standing(here: Path) -> str:
    """Where a ceremony stands: all that its rest depends on, which sittings it had and how they began left out."""
    tree = {name: content for name, content in read(here).items() if not name.startswith(_OF_SITTINGS)}
    said = [_said(entry) for entry in map(decode_entry, lines((here / LOG).read_bytes()))]
    return fingerprint({**tree, LOG: repr([item for item in said if item]).encode()})


def _said(entry: Entry) -> tuple[Any, ...]:
    if entry.type in _SAID_BY_SITTINGS:
        return ()
    if entry.type is EntryType.ATTESTED:  # it names a checkpoint
        about, person = entry.data["about"], entry.data["person"]
        return () if about == "recovery" else (entry.type, entry.step, entry.attempt, about, person)
    data = {name: value for name, value in entry.data.items() if name != "to"}
    return entry.type, entry.step, entry.attempt, entry.actors, data


def go_on(  # noqa: PLR0913 (all of it is one case)
    cut: Cut,
    acknowledged: Sequence[bytes],
    place: Path,
    patch: pytest.MonkeyPatch,
    seen: Seen,
    *,
    may_be_uncertain: bool = False,
) -> str:
    """Recover from one state and hold the end to what must be; return how it ended.

    completed: everything happened exactly once and the record verifies. known: recovery came to where a ceremony went on
    to its end before; its record is in order so far. nothing: there was nothing to recover. resolved: it was uncertain
    what a device did, as it may be where one side lost what the other built on, and people ended it.
    """
    where = f"after {cut.after} operations, {'in' if cut.torn else 'before'} {cut.step}"
    here = place / "cut"
    cut.build(here)
    try:
        end = _recovered(here, acknowledged, patch, seen, where, may_be_uncertain=may_be_uncertain)
    finally:
        shutil.rmtree(here)
    return seen.count(end)


def _recovered(  # noqa: PLR0913 (as above)
    here: Path,
    acknowledged: Sequence[bytes],
    patch: pytest.MonkeyPatch,
    seen: Seen,
    where: str,
    *,
    may_be_uncertain: bool,
) -> str:
    again = Play("second")
    again.clock.now += 1_000
    run = Session.run

    def reached(self: Session, *said: Any) -> Any:
        mark = standing(here)
        if mark in seen.standings:
            raise Known
        seen.standings.add(mark)
        return run(self, *said)

    with patch.context() as patched:
        again.import_here(patched)
        patched.setattr(Session, "run", reached)
        try:
            how = recover(here, again.ground())
        except Known:
            how = "known"
        if how == "uncertain" and may_be_uncertain:
            how = recover(here, again.ground(), may_decide=True)
            assert how in ("completed", "aborted"), f"{how} {where}"
            hold_log(here, acknowledged, where)
            hold_record(here, {Outcome.VALID, Outcome.ABORTED}, where)
            return "resolved"
        if how == "nothing":
            assert not acknowledged, where
            return how
        hold_log(here, acknowledged, where)
        if how == "known":
            hold_record(here, {Outcome.OPEN}, where)
            return how
        assert how == "completed", f"{how} {where}"
        assert once(here), where
        hold_record(here, {Outcome.VALID}, where)
    return how


def hold_log(here: Path, acknowledged: Sequence[bytes], where: str) -> None:
    """Every entry that was acknowledged is still there, in its place."""
    final = lines((here / LOG).read_bytes())
    assert final[: len(acknowledged)] == list(acknowledged), f"an entry is lost {where}"


def hold_record(here: Path, outcomes: set[Outcome], where: str) -> None:
    verdict = verify(here / "record", here / "record.sim" / "trust.json", rehearsal=True)
    assert verdict.outcome in outcomes, f"{verdict.sentence()} {where}"


def acknowledged_in(root: Folder) -> list[bytes]:
    """The entries that were acknowledged: what was synced of the log."""
    folder = root.now.get("record")
    log = folder.now.get("log.jsonl") if isinstance(folder, Folder) else None
    return [] if log is None or isinstance(log, Folder) else lines(log.synced)


def enumerate_cuts(
    traced: Traced, loss_of_log: Loss, loss_of_device: Loss, *, torn: bool
) -> list[tuple[Cut, list[bytes]]]:
    """Every state that the rehearsal can leave, with the entries that were acknowledged by then."""
    root = Folder()

    def tree_of(folder: Folder) -> Tree:
        mine = left(folder, loss_of_log)
        if loss_of_log == loss_of_device:
            return mine
        theirs = left(folder, loss_of_device)
        kept = {name: content for name, content in mine.items() if not f"{name}/".startswith(DEVICES)}
        kept |= {name: content for name, content in theirs.items() if f"{name}/".startswith(DEVICES)}
        return {name: content for name, content in kept.items() if _has_folders(name, kept)}

    return [(cut, acknowledged_in(root)) for cut in cuts(root, traced.steps, tree_of, torn=torn)]


def _has_folders(name: str, tree: Tree) -> bool:
    parts = name.split("/")
    return all("/".join(parts[:number]) in tree for number in range(1, len(parts)))
