"""Who may act where in a plan: each person's steps, by the role and the station they have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner.quorum import eligible

if TYPE_CHECKING:
    from runner.plan import Person, Plan


class Duty(Struct, frozen=True, kw_only=True):
    """What one person may do in one role at one station.

    Attributes:
        person: their id on the roster.
        role: as what they act there.
        station: where.
        steps: the numbers of the steps, from 1, in order.
    """

    person: str
    role: str
    station: str
    steps: tuple[int, ...]


def duties(plan: Plan) -> tuple[Duty, ...]:
    """Return what everybody may act in, in the order of the roster and then of the steps; left-out steps need nobody.

    Stand-ins have what falls to them once they take the place of the person they stand in for.
    """
    found: list[Duty] = []
    for person in plan.people:
        by_place: dict[tuple[str, str], list[int]] = {}
        for number, step in enumerate(plan.steps, 1):
            if step.left_out is not None:
                continue
            for need in step.quorum:
                if eligible(person, need, _in_their_place(person)):
                    by_place.setdefault((need.role, step.station), []).append(number)
        found += [
            Duty(person=person.id, role=role, station=station, steps=tuple(numbers))
            for (role, station), numbers in by_place.items()
        ]
    return tuple(found)


def _in_their_place(person: Person) -> dict[str, str]:
    return {} if person.stands_in_for is None else {person.stands_in_for: person.id}
