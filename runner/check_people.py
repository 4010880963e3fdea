"""Whether the people of a plan suffice: for its card sets, its steps, its approvals and its exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.actions.registry import BY_PIN
from runner.exchange import Need
from runner.plan import Wanted
from runner.quorum import NOBODY, eligible, fill, holds, shortfall

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.plan import CardSet, Person, Plan, PlannedStep


_MORE: Final = "add people to the roster, or roles and cards to those who are there; or let the step need fewer"


class Fault(Struct, frozen=True, kw_only=True):
    """Something that will not work in the room: the step it is in (None: the plan itself), and where in it.

    A `key` that begins with `people` is one of the roster. `help` says what would put it right, "" where that is not
    certain. Faults of several steps with one `cause` are told once, at the first of them, and `also` has the others; ""
    for a cause of its own.
    """

    rule: str
    words: str
    step: str | None
    key: tuple[str | int, ...]
    help: str = ""
    cause: str = ""
    also: tuple[str, ...] = ()


def people_faults(plan: Plan, absent: Collection[str]) -> Iterator[Fault]:
    """QUO001, QUO005, QUO009, QUO002, QUO004, QUO011 and QUO016, in the order people set them right."""
    for card_set in plan.card_sets:
        if card_set.threshold > card_set.cards:
            words = f"{card_set.threshold} cards are needed and the set has {card_set.cards}"
            yield Fault(rule="QUO001", words=words, step=None, key=("card_sets", card_set.id, "threshold"))
    told: set[str] = set()
    for step in plan.active_steps():
        for fault in _cards_of_step(plan, step):
            told.add(step.id)
            yield fault
    if plan.people:
        yield from _roster(plan, absent, told)


def _roster(plan: Plan, absent: Collection[str], told: Collection[str]) -> Iterator[Fault]:
    """QUO005: nobody has two roles that exclude each other; QUO004: the people who can come fill every step.

    Steps in `told` have a fault of their holders already. Stand-ins count only where somebody is absent.
    """
    for person in plan.people:
        for line in plan.separation:
            both = sorted(set(person.roles).intersection(line))
            if len(both) > 1:
                words = f"{person.id} is {' and '.join(both)}, which exclude each other"
                yield Fault(rule="QUO005", words=words, step=None, key=("people", person.id, "roles"))
    coming = [person for person in plan.people if person.id not in absent]
    instead = _instead(coming, absent)
    unfilled = {needs for needs in {step.quorum for step in plan.steps} if fill(coming, needs, instead) is None}
    reported: set[str] = set()
    for step in plan.active_steps():
        if step.id not in told and step.quorum in unfilled:
            words = shortfall(coming, step.quorum, instead)
            if words not in reported:
                reported.add(words)
                yield Fault(rule="QUO004", words=words, step=step.id, key=("quorum",), help=_MORE)
    yield from _controls(plan, coming, instead, reported)
    yield from _signers(plan)


def _instead(coming: Sequence[Person], absent: Collection[str]) -> dict[str, str]:
    """Return who takes whose place where people are absent: the first stand-in who can come."""
    instead: dict[str, str] = {}
    for person in coming:
        if person.stands_in_for is not None and person.stands_in_for in absent:
            instead.setdefault(person.stands_in_for, person.id)
    return instead


def _controls(plan: Plan, coming: Sequence[Person], instead: Mapping[str, str], reported: set[str]) -> Iterator[Fault]:
    """QUO011: enough people can approve the plan (beforehand), close the ceremony, and let each rule pass.

    What is in `reported` was said of a step already, and is one cause.
    """
    approve, close = plan.approvals.plan, plan.approvals.close
    wanted: list[tuple[Sequence[Person], Sequence[Wanted], Mapping[str, str], tuple[str | int, ...]]] = [
        (plan.people, approve, NOBODY, ("approvals", "plan")),
        (coming, close, instead, ("approvals", "close")),
    ]
    for number, item in enumerate(plan.exceptions):
        wanted.append((plan.people, (Wanted(role=item.role, count=item.people),), NOBODY, ("exceptions", number)))
    for people, roles, places, key in wanted:
        needs = [Need(role=one.role, count=one.count, holders_of=None) for one in roles]
        if fill(people, needs, places) is None and (words := shortfall(people, needs, places)) not in reported:
            yield Fault(rule="QUO011", words=words, step=None, key=key)


def _signers(plan: Plan) -> Iterator[Fault]:
    """QUO016: whoever may have to sign, at a gate or for the plan or its close, has a key."""
    signing = {one.role: "approve the plan" for one in plan.approvals.plan}
    signing |= {one.role: "close the ceremony" for one in plan.approvals.close}
    for step in plan.active_steps():
        if step.sign_off == "signed":
            signing |= {need.role: f"sign for `{step.id}`" for need in step.quorum if need.role not in signing}
    for person in plan.people:
        roles = [role for role in person.roles if role in signing]
        if roles and person.key is None:
            words = f"{person.id} has no key, and as {roles[0]} may have to {signing[roles[0]]}"
            yield Fault(rule="QUO016", words=words, step=None, key=("people", person.id, "roles"))


def _cards_of_step(plan: Plan, step: PlannedStep) -> Iterator[Fault]:
    """QUO002: as many holders are called as the action reads, writes or tries cards."""
    needs = BY_PIN[step.action].needs
    every = needs.all_tried is not None and step.settings[needs.all_tried[0]] == needs.all_tried[1]
    for setting, verb, whole in (
        (needs.cards_read, "reads", False),
        (needs.cards_written, "writes", True),
        (needs.cards_tried, "tries", every),
    ):
        if setting is None:
            continue
        card_set = plan.card_set(str(step.settings[setting]))
        if card_set is None:
            words = f"no card set is called `{step.settings[setting]}`"
            yield Fault(rule="SHP008", words=words, step=step.id, key=("with", setting))
            continue
        wanted = card_set.cards if whole else card_set.threshold
        called = sum(_called(plan, need, card_set) for need in step.quorum)
        if called < wanted:
            words = f"the action {verb} {wanted} cards of `{card_set.id}` and {called} of their holders are called"
            yield Fault(rule="QUO002", words=words, step=step.id, key=("quorum",))
        elif plan.people and (held := _holders(plan, card_set)) < wanted:
            words = f"{wanted} people with a card of `{card_set.id}` are needed and the roster has {held}"
            advice = "give more people of the roster a card of it, or let the step need fewer"
            yield Fault(rule="QUO009", words=words, step=step.id, key=("quorum",), help=advice)


def _called(plan: Plan, need: Need, card_set: CardSet) -> int:
    """Return how many holders of a set a need calls for certain: its own, or of so many who hold a card of another."""
    if need.holders_of == card_set.id:
        return need.count
    if need.holders_of is None or need.role != card_set.held_by:
        return 0
    if not plan.people:
        return need.count  # the roster will tell
    able = [person for person in plan.people if eligible(person, need)]
    without = sum(1 for person in able if not holds(person, card_set.id))
    return max(0, need.count - without)


def _holders(plan: Plan, card_set: CardSet) -> int:
    need = Need(role=card_set.held_by, count=1, holders_of=card_set.id)
    return sum(1 for person in plan.people if eligible(person, need))
