"""Who may act together: distinct people, one role each, separation of duties, holders of card sets.

`fill` decides before the ceremony whether a roster can fill a step; `quorum_fault` decides at the step whether the
people who came do.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from runner.exchange import Acting, Need
    from runner.plan import Person, Plan, PlannedStep

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})
"""No substitutions."""


def holds(person: Person, card_set: str) -> bool:
    """Say whether a person holds a card of a set; a stand-in has their own cards only."""
    return any(held.set == card_set for held in person.cards)


def in_place(person: Person, instead: Mapping[str, str] = NOBODY) -> bool:
    """Say whether a person acts at all: nobody took their place, and a stand-in took the one of the person it is for.

    Args:
        person: somebody of the roster.
        instead: who took whose place: the absent person's id to the stand-in's.
    """
    if person.id in instead:
        return False
    return person.stands_in_for is None or instead.get(person.stands_in_for) == person.id


def eligible(person: Person, need: Need, instead: Mapping[str, str] = NOBODY) -> bool:
    """Say whether a person may act for a need, after these substitutions."""
    able = need.role in person.roles and (need.holders_of is None or holds(person, need.holders_of))
    return able and in_place(person, instead)


def fill(people: Sequence[Person], needs: Sequence[Need], instead: Mapping[str, str] = NOBODY) -> dict[str, str] | None:
    """Return who acts in which role so that every need is met by distinct people, or None where nobody can say.

    A maximum matching (augmenting paths), so it fails only where no assignment exists. Deterministic: people and needs
    are tried in order.
    """
    slots = [need for need in needs for _ in range(need.count)]
    taken: dict[str, int] = {}

    def place(slot: int, tried: set[str]) -> bool:
        for person in people:
            if person.id in tried or not eligible(person, slots[slot], instead):
                continue
            tried.add(person.id)
            if person.id not in taken or place(taken[person.id], tried):
                taken[person.id] = slot
                return True
        return False

    for slot in range(len(slots)):
        if not place(slot, set()):
            return None
    return {person: slots[slot].role for person, slot in taken.items()}


def shortfall(people: Sequence[Person], needs: Sequence[Need], instead: Mapping[str, str] = NOBODY) -> str:
    """Return in words which need cannot be met; for a message after `fill` gave None."""
    for need in needs:
        able = sum(1 for person in people if eligible(person, need, instead))
        if able < need.count:
            whom = f"{need.role} with a card of `{need.holders_of}`" if need.holders_of else need.role
            return f"{_needed(need.count)} as {whom}, and {able} can come"
    wanted = ", ".join(f"{need.count} {need.role}" for need in needs)
    return f"{wanted} are needed, and too many of them would have to be the same people"


def quorum_fault(  # noqa: C901, PLR0911 (one return per reason)
    plan: Plan,
    step: PlannedStep,
    acting: Sequence[Acting],
    *,
    present: Collection[str],
    acted: Mapping[str, frozenset[str]],
    instead: Mapping[str, str] = NOBODY,
) -> str | None:
    """Return in words why these people do not meet the step's quorum, or None where they do (QUO008).

    1. Everybody is of the roster, in their own place or one they took, has the role, is in the room, and acts once.
    2. Nobody acts in two roles that exclude each other, in this step or an earlier one.
    3. Every need is met: as many distinct people as it says, holders where it says so.
    """
    if len({one.person for one in acting}) != len(acting):
        return "one person stands there twice"
    for one in acting:
        person = plan.person(one.person)
        if person is None:
            return f"{one.person} is not on the roster"
        if not in_place(person, instead):
            return _out_of_place(person, instead)
        if one.role not in person.roles:
            return f"{one.person} is not {one.role} on the roster"
        if one.person not in present:
            return f"{one.person} is not in the room"
        before = acted.get(one.person, frozenset()) | {one.role}
        for line in plan.separation:
            if len(before.intersection(line)) > 1:
                return f"{one.person} would act as {' and '.join(sorted(before.intersection(line)))}"
    for need in step.quorum:
        met = sum(
            1
            for one in acting
            if one.role == need.role
            and (person := plan.person(one.person)) is not None
            and eligible(person, need, instead)
        )
        if met < need.count:
            return f"{_needed(need.count)} as {need.role}, and {met} stand there"
    extra = [one.person for one in acting if one.role not in {need.role for need in step.quorum}]
    return f"{', '.join(extra)} act in a role this step does not need" if extra else None


def _needed(count: int) -> str:
    return f"{count} people are needed" if count > 1 else "1 person is needed"


def _out_of_place(person: Person, instead: Mapping[str, str]) -> str:
    if person.id in instead:
        return f"{instead[person.id]} has taken the place of {person.id}"
    return f"{person.id} stands in for {person.stands_in_for}, whose place nobody gave them"
