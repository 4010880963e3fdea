"""Who was in the room, who acted, and whether those were enough, the right ones, and apart where they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.verification.log import Entry
    from runner.verification.plan import Plan, Step


class People:
    """Follows the people of a ceremony.

    Attributes:
        acting: the role each person acts in for the step under way.
        acted: the roles each person acted in so far, in steps that went on with them.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._present: set[str] = set()
        self._instead: dict[str, str] = {}
        self._card_users: set[str] = set()
        self._settled = True
        self.acting: dict[str, str] = {}
        self.acted: dict[str, set[str]] = {}

    @property
    def present(self) -> frozenset[str]:
        """Who is in the room."""
        return frozenset(self._present)

    def room(self, entry: Entry) -> Iterator[Finding]:
        """LOG035: people come and go who are on the roster, in roles they have there, once each way."""
        person = entry.data["person"]
        known = self._plan.people.get(person)
        if known is None:
            yield Finding(rule="LOG035", seq=entry.seq, words=f"{person} is not on the roster")
            return
        if (person in self._present) is (entry.type == "person.present"):
            yield Finding(rule="LOG035", seq=entry.seq, words=f"{person} came twice or left without having come")
        if entry.type == "person.present":
            self._present.add(person)
            if sorted(entry.data["roles"]) != sorted(known.roles):
                yield Finding(rule="LOG035", seq=entry.seq, words=f"{person} has another role than on the roster")
        else:
            self._present.discard(person)

    def substituted(self, entry: Entry) -> Iterator[Finding]:
        """LOG094: the stand-in of the roster takes the place of somebody who is not here and used no card of theirs."""
        absent, instead, by = entry.data["absent"], entry.data["instead"], entry.data["by"]
        known = self._plan.people.get(instead)
        faults = {
            f"{instead} does not stand in for {absent} on the roster": known is None or known.stands_in_for != absent,
            f"{absent} was replaced before": absent in self._instead,
            f"{absent} is in the room": absent in self._present,
            f"{absent} acted with a card of theirs, which nobody else holds": absent in self._card_users,
            f"{by} says so, and is not in the room or one of the two": by not in self._present - {absent, instead},
        }
        for words, wrong in faults.items():
            if wrong:
                yield Finding(rule="LOG094", seq=entry.seq, words=words)
        self._instead[absent] = instead

    def out_of_place(self, person: str) -> str:
        """Return why somebody may not act now although they have the role, or "" where they may."""
        if person in self._instead:
            return f"{person} was replaced by {self._instead[person]}"
        known = self._plan.people.get(person)
        if known is None or known.stands_in_for is None or self._instead.get(known.stands_in_for) == person:
            return ""
        return f"{person} stands in for {known.stands_in_for}, who was not replaced"

    def has(self, person: str, role: str) -> bool:
        """Say whether somebody has a role on the roster."""
        known = self._plan.people.get(person)
        return known is not None and role in known.roles

    def still_here(self, entry: Entry) -> Iterator[Finding]:
        """LOG035: when a device is asked to change, everybody who acts in the step is in the room."""
        gone = sorted(person for person in self.acting if person not in self._present)
        if gone:
            yield Finding(rule="LOG035", seq=entry.seq, words=f"{', '.join(gone)} acts and left the room before this")

    def known(self, entry: Entry) -> Iterator[Finding]:
        """LOG035: whoever an entry names as its actor is on the roster."""
        strangers = [person for person in entry.actors if person not in self._plan.people]
        if strangers:
            yield Finding(rule="LOG035", seq=entry.seq, words=f"not on the roster: {', '.join(strangers)}")

    def begin(self) -> None:
        """Begin a step: nobody acts in it yet."""
        self.acting = {}

    def asked(self, step: Step, request: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG036: a step calls for exactly the people its plan calls for."""
        if request["needs"] != step.quorum:
            yield Finding(rule="LOG036", seq=seq, words=f"step {step.id} asked for other people than the plan does")

    def gathered(self, step: Step, reply: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG036: nobody counts twice among those who act in a step. All else: `quorum`."""
        acting: list[tuple[str, str]] = [(item["person"], item["role"]) for item in reply["acting"]]
        if len({person for person, _role in acting}) != len(acting):
            yield Finding(rule="LOG036", seq=seq, words=f"somebody counts twice in step {step.id}")
        self.acting = dict(acting)
        self._settled = False
        yield from self.quorum(step, self.acting, seq)

    def settle(self) -> None:
        """Take it that those who act in the step under way did act, now that it went on with them."""
        if self._settled:
            return
        for person, role in self.acting.items():
            self.acts(person, role)
        self._settled = True

    def acts(self, person: str, role: str) -> None:
        """Take it that somebody acted in a role."""
        self.acted.setdefault(person, set()).add(role)

    def quorum(self, step: Step, acting: Mapping[str, str], seq: int) -> Iterator[Finding]:
        """Check who acts for a step.

        LOG036: distinct persons, each in one role that they have, enough for every need of the plan, and none in a role
        that nobody asked for. LOG035: they are in the room. LOG037: nobody acts, over the whole ceremony, in two roles
        that exclude each other. LOG094: a stand-in acts once in somebody's place, and that person no more.
        """
        for person, role in acting.items():
            if not self.has(person, role):
                yield Finding(rule="LOG036", seq=seq, words=f"{person} does not have the role {role} on the roster")
            elif person not in self._present:
                yield Finding(rule="LOG035", seq=seq, words=f"{person} acts and is not in the room")
            elif why := self.out_of_place(person):
                yield Finding(rule="LOG094", seq=seq, words=why)
            yield from self.apart(person, role, seq)
        yield from self._enough(step, acting, seq)

    def _enough(self, step: Step, acting: Mapping[str, str], seq: int) -> Iterator[Finding]:
        wanted: dict[str, int] = {}
        for need in step.quorum:
            role, card_set = need["role"], need["holders_of"]
            wanted[role] = wanted.get(role, 0) + need["count"]
            able = [person for person, as_role in acting.items() if as_role == role and self._holds(person, card_set)]
            if len(able) < need["count"]:
                words = f"step {step.id} needs {need['count']} as {role}, and {len(able)} acted"
                yield Finding(rule="LOG036", seq=seq, words=words)
        roles = list(acting.values())
        for role, count in wanted.items():
            if roles.count(role) < count:
                words = f"step {step.id} needs {count} as {role} in all, and {roles.count(role)} acted"
                yield Finding(rule="LOG036", seq=seq, words=words)
        if set(roles) - wanted.keys():
            yield Finding(rule="LOG036", seq=seq, words=f"somebody acts in a role that step {step.id} does not need")

    def _holds(self, person: str, card_set: str | None) -> bool:
        known = self._plan.people.get(person)
        return card_set is None or (known is not None and any(name == card_set for name, _number in known.cards))

    def apart(self, person: str, role: str, seq: int) -> Iterator[Finding]:
        """LOG037: with this role, nobody acts in two roles that exclude each other."""
        roles = self.acted.get(person, set()) | {role}
        for line in self._plan.separation:
            if role in line and len(roles.intersection(line)) > 1:
                both = " and ".join(sorted(roles.intersection(line)))
                yield Finding(rule="LOG037", seq=seq, words=f"{person} acted as {both}, which exclude each other")

    def let_pass(self, rule: str, people: Collection[str], seq: int) -> Iterator[Finding]:
        """LOG093: a rule is let pass where the plan lists it, by enough people of the role it names, who are here."""
        options = [item for item in self._plan.exceptions if item.rule == rule]
        if not options:
            yield Finding(rule="LOG093", seq=seq, words=f"the plan does not list {rule} among its exceptions")
        elif not any(self._grants(item.role, item.people, people) for item in options):
            needs = " or ".join(f"{item.people} {item.role}" for item in options)
            words = f"{rule} is let pass by {', '.join(sorted(people)) or 'nobody'}, and {needs} in the room may do so"
            yield Finding(rule="LOG093", seq=seq, words=words)

    def _grants(self, role: str, count: int, people: Collection[str]) -> bool:
        able = {
            person
            for person in people
            if self.has(person, role) and person in self._present and not self.out_of_place(person)
        }
        return len(able) >= count and able == set(people)

    def holders(self, name: str, holders: list[dict[str, Any]], *, needed: int | None, seq: int) -> Iterator[Finding]:
        """LOG038: the cards of a set are used by people who act in the step, as the set's holders, each with their own.

        Args:
            name: the card set.
            holders: who holds which card of it, as a request says.
            needed: how many cards, None for the set's threshold.
            seq: the request's entry.
        """
        card_set = self._plan.card_sets.get(name)
        if card_set is None:
            yield Finding(rule="LOG038", seq=seq, words=f"no card set is called {name}")
            return
        numbers = {holder["number"] for holder in holders}
        if len(numbers) != len(holders) or len(numbers) < (needed or card_set.threshold):
            yield Finding(rule="LOG038", seq=seq, words=f"too few cards of {name}, or one of them twice")
        for holder in holders:
            person, number = holder["person"], holder["number"]
            known = self._plan.people.get(person)
            if self.acting.get(person) != card_set.held_by:
                yield Finding(rule="LOG038", seq=seq, words=f"{person} does not act as a holder of the set")
            elif known is None or (name, number) not in known.cards:
                yield Finding(rule="LOG038", seq=seq, words=f"card {number} of the set is not {person}'s")

    def used_cards(self, request: dict[str, Any]) -> None:
        """Take it that the holders of a request acted with their cards: nobody can take their place any more."""
        for name in ("holders", "new_holders"):
            self._card_users.update(holder["person"] for holder in request.get(name, []))
