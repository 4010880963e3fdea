"""Who approved the plan, to what, and for how long: approval/ rebuilt from the plan and held to entry 0."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.canonical import file_digest
from runner.verification.manifest import Terms, read_terms, rebuild_manifest, rebuild_sums
from runner.verification.reading import ShapeError
from runner.verification.signers import APPROVE
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.verification.folder import Folder
    from runner.verification.log import Entry
    from runner.verification.people_keys import PeopleKeys
    from runner.verification.plan import Plan

MANIFEST: Final = "approval/manifest.txt"
SUMS: Final = "approval/sums.txt"
_DAY: Final = 10
"""Characters of a day in a moment."""


def signature_file(person: str) -> str:
    """Return the path of somebody's signature over the manifest."""
    return f"{MANIFEST}.{person}.sshsig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Who approved the plan, as far as their signatures go, and the terms; None where the manifest has none."""

    people: tuple[str, ...]
    terms: Terms | None


def hold_approvals(record: Folder, plan: Plan, opened: Entry, keys: PeopleKeys) -> tuple[Approved, list[Finding]]:
    """Return who approved, and what is wrong with it.

    LOG022: manifest, sums and signatures are there. LOG081: both texts are what the plan makes of them, and the
    manifest is the one entry 0 names. LOG080: each signature is that person's over it. LOG083: nobody counts twice.
    LOG084: enough of each role approved. LOG085: in time, and for this software.
    """
    found: list[Finding] = []
    manifest, sums = record.read(MANIFEST), record.read(SUMS)
    found += [_missing(name) for name, content in ((MANIFEST, manifest), (SUMS, sums)) if content is None]
    if sums is not None and sums != rebuild_sums(plan.sha256, plan.data["sources"]):
        found.append(Finding(rule="LOG081", file=SUMS, words="it does not list plan and sources by their digests"))
    terms: Terms | None = None
    if manifest is not None:
        terms, faults = _manifest(plan, opened.data, manifest)
        found += faults
    people, faults = _signed(record, opened.data["approvals"], manifest, keys)
    found += faults
    found += _enough(plan, sorted({item["person"] for item in opened.data["approvals"]}))
    if terms is not None:
        found += _in_time(plan, opened, terms)
    return Approved(people=people, terms=terms), found


def _manifest(plan: Plan, opened: dict[str, Any], manifest: bytes) -> tuple[Terms | None, list[Finding]]:
    found: list[Finding] = []
    if file_digest(manifest) != opened["manifest_sha256"]:
        found.append(Finding(rule="LOG081", file=MANIFEST, words="it is not the manifest that entry 0 names"))
    try:
        terms = read_terms(manifest)
        rebuilt = rebuild_manifest(plan.data, plan.sha256, terms)
    except ShapeError as error:
        found.append(Finding(rule="LOG081", file=MANIFEST, words=str(error)))
        return None, found
    if manifest != rebuilt:
        found.append(Finding(rule="LOG081", file=MANIFEST, words="it is not what the plan makes of it"))
    return terms, found


def _signed(
    record: Folder, approvals: list[dict[str, Any]], manifest: bytes | None, keys: PeopleKeys
) -> tuple[tuple[str, ...], list[Finding]]:
    found: list[Finding] = []
    people: list[str] = []
    for item in approvals:
        person, name = item["person"], signature_file(item["person"])
        signature = record.read(name)
        if person in people:
            found.append(Finding(rule="LOG083", seq=0, words=f"{person} approves twice"))
        elif signature is None:
            found.append(_missing(name))
        elif file_digest(signature) != item["sha256"]:
            found.append(Finding(rule="LOG080", file=name, words="it is not the signature that entry 0 names"))
        elif manifest is not None and (wrong := keys.fault(person, signature, manifest, APPROVE)):
            found.append(Finding(rule="LOG080", file=name, words=wrong))
        elif manifest is not None:
            people.append(person)
    return tuple(people), found


def _enough(plan: Plan, people: Collection[str]) -> Iterator[Finding]:
    """LOG084: as many distinct people of each role as the plan wants, each for one role, are those entry 0 names."""
    able = {
        person: frozenset(known.roles).intersection(plan.approves)
        for person in people
        if (known := plan.people.get(person)) is not None and known.stands_in_for is None
    }
    if not cover(plan.approves, able):
        wanted = ", ".join(f"{count} {role}" for role, count in plan.approves.items())
        words = f"the plan wants the approval of {wanted}, and has that of {', '.join(people) or 'nobody'}"
        yield Finding(rule="LOG084", seq=0, words=words)


def cover(wanted: Mapping[str, int], able: Mapping[str, Collection[str]]) -> bool:
    """Say whether distinct people fill all these places: a maximum matching by augmenting paths.

    Args:
        wanted: how many people of each role.
        able: the roles each person may fill.
    """
    places = [(role, number) for role, count in wanted.items() for number in range(count)]
    taken: dict[tuple[str, int], str] = {}

    def placed(person: str, tried: set[tuple[str, int]]) -> bool:
        for place in places:
            if place[0] in able[person] and place not in tried:
                tried.add(place)
                if place not in taken or placed(taken[place], tried):
                    taken[place] = person
                    return True
        return False

    return sum(placed(person, set()) for person in able) >= len(places)


def _in_time(plan: Plan, opened: Entry, terms: Terms) -> Iterator[Finding]:
    """LOG085: entry 0 is within the approval's days, which are no more than the plan allows."""
    day = dt.date.fromisoformat(opened.time[:_DAY])
    if not terms.not_before <= day <= terms.not_after:
        words = f"it began on {day}, and the approval holds from {terms.not_before} to {terms.not_after}"
        yield Finding(rule="LOG085", seq=0, words=words)
    if (terms.not_after - terms.not_before).days > plan.days:
        words = f"the approval holds from {terms.not_before} to {terms.not_after}, longer than {plan.days} days"
        yield Finding(rule="LOG085", file=MANIFEST, words=words)


def of_software(terms: Terms, entry: Entry) -> Iterator[Finding]:
    """LOG085: the software of a sitting is the one that was approved."""
    runner = entry.data["runner"]
    if (runner["bundle_sha256"], runner["version"]) != (terms.software, terms.version):
        words = f"it ran {runner['version']} ({runner['bundle_sha256'][:8]}…), and {terms.version} was approved"
        yield Finding(rule="LOG085", seq=entry.seq, words=f"{words} ({terms.software[:8]}…)")


def apart(plan: Plan, approvers: Collection[str], acted: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """LOG086: who approved is apart from who acted and from who wrote it, where the plan keeps those roles apart.

    An author acts in no step: whoever has a role that nothing in the plan asks for counts as acting in it.

    Args:
        plan: the plan.
        approvers: who approved.
        acted: the roles each person acted in.
    """
    asked = {need["role"] for step in plan.steps for need in step.quorum} | plan.approves.keys() | plan.closes.keys()
    for person in approvers:
        known = plan.people.get(person)
        if known is None:
            continue
        roles = set(known.roles) & plan.approves.keys()
        others = {*acted.get(person, ()), *(set(known.roles) - asked)}
        for line in plan.separation:
            both = {role for role in others if role in line and any(own in line and own != role for own in roles)}
            if both:
                words = f"{person} approved, and is or acted as {', '.join(sorted(both))}, which the plan keeps apart"
                yield Finding(rule="LOG086", seq=0, words=words)


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
