"""Who was in the room, who acted, and whether those were enough, the right ones, and apart where they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.log import Entry
    from runner.verification.plan import Plan, Step


class People:
    """Follows the people of a ceremony.

    Attributes:
        acting: the role each person acts in for the step under way.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._present: set[str] = set()
        self._acted: dict[str, set[str]] = {}
        self.acting: dict[str, str] = {}

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

    def asked(self, step: Step, request: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG036: a step calls for exactly the people its plan calls for."""
        self.acting = {}
        if request["needs"] != step.quorum:
            yield Finding(rule="LOG036", seq=seq, words=f"step {step.id} asked for other people than the plan does")

    def gathered(self, step: Step, reply: dict[str, Any], seq: int) -> Iterator[Finding]:
        """Check who acts in a step.

        LOG036: distinct persons, each in one role that they have, enough for every need of the plan, and none in a role
        that nobody asked for. LOG035: they are in the room. LOG037: nobody acts, over the whole ceremony, in two roles
        that exclude each other.
        """
        acting: list[tuple[str, str]] = [(item["person"], item["role"]) for item in reply["acting"]]
        if len({person for person, _role in acting}) != len(acting):
            yield Finding(rule="LOG036", seq=seq, words=f"somebody counts twice in step {step.id}")
        self.acting = dict(acting)
        for person, role in acting:
            known = self._plan.people.get(person)
            if known is None or role not in known.roles:
                yield Finding(rule="LOG036", seq=seq, words=f"{person} does not have the role {role} on the roster")
            elif person not in self._present:
                yield Finding(rule="LOG035", seq=seq, words=f"{person} acts and is not in the room")
            yield from self._separate(person, role, seq)
        yield from self._enough(step, seq)

    def _enough(self, step: Step, seq: int) -> Iterator[Finding]:
        wanted: dict[str, int] = {}
        for need in step.quorum:
            role, card_set = need["role"], need["holders_of"]
            wanted[role] = wanted.get(role, 0) + need["count"]
            able = [
                person for person, as_role in self.acting.items() if as_role == role and self._holds(person, card_set)
            ]
            if len(able) < need["count"]:
                words = f"step {step.id} needs {need['count']} as {role}, and {len(able)} acted"
                yield Finding(rule="LOG036", seq=seq, words=words)
        roles = list(self.acting.values())
        for role, count in wanted.items():
            if roles.count(role) < count:
                words = f"step {step.id} needs {count} as {role} in all, and {roles.count(role)} acted"
                yield Finding(rule="LOG036", seq=seq, words=words)
        if set(roles) - wanted.keys():
            yield Finding(rule="LOG036", seq=seq, words=f"somebody acts in a role that step {step.id} does not need")

    def _holds(self, person: str, card_set: str | None) -> bool:
        known = self._plan.people.get(person)
        return card_set is None or (known is not None and any(name == card_set for name, _number in known.cards))

    def _separate(self, person: str, role: str, seq: int) -> Iterator[Finding]:
        roles = self._acted.setdefault(person, set())
        roles.add(role)
        for line in self._plan.separation:
            if role in line and len(roles.intersection(line)) > 1:
                both = " and ".join(sorted(roles.intersection(line)))
                yield Finding(rule="LOG037", seq=seq, words=f"{person} acted as {both}, which exclude each other")

    def holders(self, request: dict[str, Any], *, needed: int | None, seq: int) -> Iterator[Finding]:
        """LOG038: the cards of a set are used by people who act in the step, as the set's holders, each with their own.

        Args:
            request: with `card_set` and `holders`.
            needed: how many cards, None for the set's threshold.
            seq: the request's entry.
        """
        card_set = self._plan.card_sets.get(request["card_set"])
        if card_set is None:
            yield Finding(rule="LOG038", seq=seq, words=f"no card set is called {request['card_set']}")
            return
        numbers = {holder["number"] for holder in request["holders"]}
        if len(numbers) != len(request["holders"]) or len(numbers) < (needed or card_set.threshold):
            yield Finding(rule="LOG038", seq=seq, words=f"too few cards of {request['card_set']}, or one of them twice")
        for holder in request["holders"]:
            person, number = holder["person"], holder["number"]
            known = self._plan.people.get(person)
            if self.acting.get(person) != card_set.held_by:
                yield Finding(rule="LOG038", seq=seq, words=f"{person} does not act as a holder of the set")
            elif known is None or (request["card_set"], number) not in known.cards:
                yield Finding(rule="LOG038", seq=seq, words=f"card {number} of the set is not {person}'s")
