"""What a verdict tells beside its outcome: facts, and notes for an auditor."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.verification.earlier import notes_on
from runner.verification.verdict import Facts

if TYPE_CHECKING:
    from runner.verification.approvals import Approved
    from runner.verification.attestations import Attested
    from runner.verification.log import Entry
    from runner.verification.people_keys import PeopleKeys
    from runner.verification.plan import Plan
    from runner.verification.story import Story
    from runner.verification.tree import Tree
    from runner.verification.trust import Registry

_ALONE: Final = (
    "no registry: an older copy of this record, one that went on otherwise, and another ceremony with the same "
    "approval would look the same"
)
_WHEN: Final = (
    "signatures were checked as of the times that the entries claim; no clock but the machine's vouches for them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What people signed."""

    keys: PeopleKeys
    approved: Approved
    attested: Attested


def facts_of(
    opened: Entry | None, *, plan: Plan | None, story: Story | None, tree: Tree, signed: Signed | None
) -> Facts:
    """Return what a record says of itself.

    Args:
        opened: entry 0; None where it is no opening.
        plan: None where it could not be read.
        story: None where there is nothing to follow.
        tree: over all entries that were read.
        signed: None where nothing could be held to plan and log.
    """
    said = {} if opened is None else opened.data
    devices = said.get("devices", [])
    shown = {device["id"] for device in devices} if story is None else story.devices.ids
    simulated = any(device["backend"] == "emulator" for device in devices)
    people = () if signed is None else (*signed.approved.people, *signed.attested.people)
    return Facts(
        ceremony=said.get("ceremony"),
        title=None if plan is None else plan.title,
        origin=said.get("origin"),
        region=None if plan is None else plan.region,
        edition=None if plan is None else plan.edition,
        entries=tree.size,
        root=base64.b64encode(tree.root()).decode() if tree.size else None,
        rehearsal=said.get("rehearsal", False),
        simulated=simulated or (story is not None and story.devices.simulated),
        unaudited=() if plan is None else tuple(sorted({*plan.devices} - shown)),
        approved=() if signed is None else tuple(sorted(signed.approved.people)),
        signed=() if signed is None else tuple(sorted(signed.attested.people)),
        strangers=() if signed is None else tuple(sorted({*people} - signed.keys.known)),
        software=said.get("runner", {}).get("bundle_sha256"),
    )


def notes_of(
    plan: Plan | None, story: Story | None, signed: Signed | None, registry: Registry | None
) -> tuple[str, ...]:
    """Return what an auditor should know although it is no fault, in words.

    Args:
        plan: None where it could not be read.
        story: None where there is nothing to follow.
        signed: None where nothing could be held to plan and log.
        registry: what was seen before; None where nothing is known.
    """
    notes = [] if story is None else [*story.notes]
    if plan is not None:
        shown = frozenset() if story is None else story.devices.ids
        notes += [f"{device} has no audit log in it" for device in sorted({*plan.devices} - shown)]
        notes += notes_on(plan.records, registry)
    if signed is not None and (signed.approved.people or signed.attested.people):
        notes.append(_WHEN)
    if registry is None:
        notes.append(_ALONE)
    return tuple(notes)
