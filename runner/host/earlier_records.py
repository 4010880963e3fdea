"""Records of earlier ceremonies: verified, and only then read for the values that a plan takes.

What is read is what was verified: the tree over the lines that were read has the root of the verdict, and the plan has
the digest that entry 0 names.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.actions.registry import BY_PIN
from runner.audit.entry import Entry, EntryType, decode_entry
from runner.audit.tree import Frontier, leaf
from runner.canonical import NotCanonical, file_digest
from runner.errors import PlaybookFault, WrongUse
from runner.host.documents import shown
from runner.host.past import whole_lines
from runner.host.rehearsal import TRUST, beside
from runner.plan import EarlierRecord, RecordedFile, RecordedResult, parse_plan
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner.document.playbook import Playbook
    from runner.host.disk import Disk
    from runner.plan import Plan
    from runner.verification.verdict import Facts


class RecordAt(Struct, frozen=True, kw_only=True):
    """Where a record lies, and the trust file that came from outside it.

    Without a trust file only a rehearsal's record can be taken, with the file that the rehearsal left beside it.
    """

    folder: Path
    trust: Path | None


def read_records(disk: Disk, playbook: Playbook, places: Mapping[str, RecordAt]) -> tuple[EarlierRecord, ...]:
    """Return those of a playbook's earlier records that were given, each with everything there is to take from it.

    Raises:
        WrongUse: LOG020, the playbook does not name one; a folder is not there.
        PlaybookFault: LOG020, one is not valid, was changed meanwhile, or cannot be read by this version.
    """
    for name in places:
        if name not in playbook.records:
            known = ", ".join(playbook.records) or "none"
            raise WrongUse(f"the playbook names no record `{name}`; it names: {known}", rule="LOG020")
    return tuple(_read(disk, name, places[name]) for name in playbook.records if name in places)


def _read(disk: Disk, name: str, place: RecordAt) -> EarlierRecord:
    """LOG020: (1) the record is valid, by a trust file from outside; (2) it is still what was verified."""
    facts = _verified(disk, name, place)
    plan_bytes = disk.read(place.folder / "plan.json")
    lines = whole_lines(disk.read(place.folder / "log.jsonl"))
    if _root(lines) != facts.root:
        raise _refused(name, place, "it was changed while it was looked at")
    try:
        plan = parse_plan(plan_bytes)
        entries = [decode_entry(line) for line in lines]
        results = tuple(_results(plan, entries))
    except NotCanonical as error:
        raise _refused(name, place, f"this version cannot read it: {error}") from None
    opened = entries[0].data
    if file_digest(plan_bytes) != opened["plan_sha256"]:
        raise _refused(name, place, "its plan was changed while it was looked at")
    return EarlierRecord(
        name=name,
        playbook=plan.ceremony.id,
        ceremony=opened["ceremony"],
        rehearsal=opened["rehearsal"],
        origin=opened["origin"],
        size=len(lines),
        root=facts.root,
        results=results,
        files=_files(plan, entries),
    )


def _verified(disk: Disk, name: str, place: RecordAt) -> Facts:
    if not disk.exists(place.folder):
        raise WrongUse(f"there is no record {shown(place.folder)}")
    left = beside(place.folder) / TRUST
    trust = place.trust or (left if disk.exists(left) else None)
    verdict = verify(place.folder, trust, rehearsal=True)
    if verdict.outcome is not Outcome.VALID:
        raise _refused(name, place, verdict.sentence())
    if place.trust is None and not verdict.facts.rehearsal:
        raise _refused(name, place, "nothing from outside says whose it is: name its trust file")
    return verdict.facts


def _refused(name: str, place: RecordAt, words: str) -> PlaybookFault:
    return PlaybookFault(f"the record `{name}` in {shown(place.folder)}: {words}", rule="LOG020")


def _root(lines: Iterable[bytes]) -> str:
    tree = Frontier()
    for line in lines:
        tree = tree.add(leaf(line))
    return base64.b64encode(tree.root()).decode()


def _done(entries: Iterable[Entry]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return ((entry.step or "", entry.data) for entry in entries if entry.type is EntryType.STEP_DONE)


def _results(plan: Plan, entries: Iterable[Entry]) -> Iterable[RecordedResult]:
    kinds: dict[tuple[str, str], str] = {}
    for planned in plan.steps:
        action = BY_PIN.get(planned.action)
        kinds.update({(planned.id, result.name): result.type for result in (action.results if action else ())})
        kinds.update({(planned.id, ask.name): ask.type for ask in planned.asks})
    for step, data in _done(entries):
        for item in data["results"]:
            kind = kinds.get((step, item["name"]))
            if kind is None:
                raise NotCanonical(f"no action of this version gives the result {item['name']} of {step}")
            yield RecordedResult(step=step, result=item["name"], type=kind, value=item["value"])


def _files(plan: Plan, entries: Iterable[Entry]) -> tuple[RecordedFile, ...]:
    """Return the files that there were at the end, as they were seen last."""
    digests = {artefact.id: where.sha256 for artefact, where in plan.brings}
    for _step, data in _done(entries):
        digests.update({file["artefact"]: file["sha256"] for file in data["made"]})
        for artefact in data["destroyed"]:
            digests.pop(artefact, None)
    return tuple(RecordedFile(artefact=artefact, sha256=sha256) for artefact, sha256 in digests.items())
