"""One attempt at a step: its requests and replies, in order, of the kinds and as often as the plan has them.

What they say is held to the plan by modules of their own: people, devices, files and keys, results, statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.verification.artefacts import Artefacts, Keys
from runner.verification.cards import WITH_CARDS, asked, told
from runner.verification.custody import held
from runner.verification.exceptions import Exceptions
from runner.verification.expectations import Expectations
from runner.verification.kinds import KINDS, REFUSALS, REPLIES
from runner.verification.proofs import PROVED_BY, proved
from runner.verification.reading import fits
from runner.verification.requests import differences
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.devices import Devices
    from runner.verification.gates import Gates
    from runner.verification.log import Entry
    from runner.verification.people import People
    from runner.verification.plan import Plan, Step

_BY_SOMEBODY_WHO_ACTS: Final = frozenset({"ask_value", "do_by_hand"})
_BY_THE_PLAN: Final = frozenset({"gather_people", "ask_exception", *WITH_CARDS})
"""Requests that name people of the plan."""


class Attempt:
    """Walks through the attempts at steps, one at a time.

    Attributes:
        step: the step under way, None between steps.
        number: which attempt at it this is, from 1.
        pending: the request that waits for its reply.
        declined: who declined what was asked last, and why.
        changed: whether a device was changed in the attempt.
        lost: the order broke, so nothing after that has a known meaning.
        artefacts: what was made.
        exceptions: what was let pass.
    """

    def __init__(
        self,
        plan: Plan,
        simulated: Mapping[str, str] | None,
        *,
        rehearsal: bool,
        people: People,
        devices: Devices,
        gates: Gates,
    ) -> None:
        self._plan = plan
        self._people = people
        self._devices = devices
        self._gates = gates
        self._keys = Keys()
        self.exceptions = Exceptions(people)
        self._expectations = Expectations(plan, simulated, self.exceptions, rehearsal=rehearsal)
        self.artefacts = Artefacts(plan)
        self._counts: dict[str, int] = {}
        self._refused = False
        self._deferred: list[Finding] = []
        self.step: Step | None = None
        self.number = 1
        self.pending: Entry | None = None
        self.declined: tuple[str, str] | None = None
        self.changed = False
        self.lost = False

    def begin(self, step: Step, number: int) -> None:
        """Begin an attempt: nothing was asked, shown or attested in it yet."""
        self.step, self.number = step, number
        self.pending, self.declined = None, None
        self._counts, self._refused, self._deferred, self.changed = {}, False, [], False
        self._people.begin()
        self._expectations.begin()
        self.exceptions.begin()
        self.artefacts.begin()
        self._gates.begin()

    def end(self) -> None:
        """End it as what it is: done, failed, declined, or begun anew."""
        self.step, self.pending = None, None

    def under_way(self, entry: Entry) -> bool:
        """Say whether an entry names the attempt under way."""
        return self.step is not None and (entry.step, entry.attempt) == (self.step.id, self.number)

    def went_on(self) -> list[Finding]:
        """Return what a reply showed to be wrong, now that the step went on after it instead of failing."""
        self._people.settle()
        deferred, self._deferred = self._deferred, []
        return deferred

    def request(self, step: Step, entry: Entry, *, on_break: bool) -> list[Finding]:
        """LOG031: a request of a kind the plan allows, and as it shows; LOG039: with the plan's fields.

        LOG035: where it changes a device, with everybody who acts still there. All else: `_misplaced`.
        """
        data: dict[str, Any] = entry.data
        kind = data["kind"]
        allowed = step.requests.get(kind)
        if allowed is None or not (entry.fitted or fits(data["request"], KINDS[kind].fields)):
            return [self._lose("LOG031", entry, f"step {step.id} may not make this request: {kind}")]
        count = self._counts.get(kind, 0) + 1
        first = not self._counts
        self._counts[kind] = count
        self.pending = entry
        often, late = count > allowed.most, first is not (kind == "gather_people")
        found = self._misplaced(step, entry, often=often, late=late, on_break=on_break)
        if not first and step.sign_off != "none":
            found += self._gates.consent(step, entry.seq)
        if data["mutates"]:
            found += self._people.still_here(entry)
            self._devices.asked(data)
        if data["mutates"] is not allowed.mutates or data["device"] != data["request"].get("device"):
            words = "the entry shows another device or effect than it has"
            found.append(Finding(rule="LOG031", seq=entry.seq, words=words))
        if others := {*differences(self._plan, step, kind, data["request"])}:
            words = f"not as the plan has it: {', '.join(sorted(others))}"
            found.append(Finding(rule="LOG039", seq=entry.seq, words=words))
        found += self.artefacts.asked(step, data["request"], entry.seq)
        if kind in _BY_THE_PLAN:
            found += self._people_of(step, entry)
        return found

    def _misplaced(self, step: Step, entry: Entry, *, often: bool, late: bool, on_break: bool) -> list[Finding]:
        """LOG031: a request is made no more often than planned, people first; LOG033: not after a refusal.

        LOG030: nor in a break.
        """
        if not (often or late or self._refused or on_break):
            return []
        faults = (
            (often, "LOG031", f"step {step.id} makes {entry.data['kind']} once too often"),
            (late, "LOG031", "a step calls its people first, and once"),
            (self._refused, "LOG033", "the step went on after a refusal"),
            (on_break, "LOG030", "something is asked in a break"),
        )
        return [Finding(rule=rule, seq=entry.seq, words=words) for wrong, rule, words in faults if wrong]

    def _people_of(self, step: Step, entry: Entry) -> Iterator[Finding]:
        kind, request = entry.data["kind"], entry.data["request"]
        if kind == "gather_people":
            yield from self._people.asked(step, request, entry.seq)
        elif kind == "ask_exception":
            yield from self.exceptions.asked(step, request, entry.seq)
        else:
            yield from asked(self._plan, self._people, kind, request, entry.seq)

    def reply(self, step: Step, entry: Entry) -> list[Finding]:
        """LOG032: a reply names the request that waits, and is of a kind that answers it, with its own fields."""
        data, pending = entry.data, self.pending
        if pending is None or data["to"] != pending.seq:
            return [self._lose("LOG032", entry, "a reply to no request that waits")]
        kind = pending.data["kind"]
        if data["kind"] not in KINDS[kind].replies or not (entry.fitted or fits(data["reply"], REPLIES[data["kind"]])):
            return [self._lose("LOG032", entry, f"{data['kind']} does not answer {kind}")]
        self.pending = None
        self._refused = data["kind"] in REFUSALS
        self._gates.told(entry.seq)
        found = [*self._devices.replied(data["device"], pending.data, refused=self._refused, seq=entry.seq)]
        if data["kind"] == "declined":
            self.declined = (data["reply"]["person"], data["reply"]["reason"])
        if not self._refused:
            self.changed |= pending.data["mutates"]
            found += self._told(step, pending, entry)
        return found

    def _told(self, step: Step, pending: Entry, entry: Entry) -> list[Finding]:
        kind, request = pending.data["kind"], pending.data["request"]
        reply: dict[str, Any] = entry.data["reply"]
        if kind == "gather_people":
            self._deferred += self._people.gathered(step, reply, entry.seq)
            return []
        if kind == "ask_exception":
            self._deferred += self.exceptions.granted(step, request, reply, entry.seq)
            return []
        self._expectations.replied(kind, request, reply)
        if kind in _BY_SOMEBODY_WHO_ACTS:
            if reply["person"] in self._people.acting:
                return []
            return [Finding(rule="LOG035", seq=entry.seq, words=f"{reply['person']} does not act in this step")]
        found: list[Finding] = []
        if kind == PROVED_BY:
            self._deferred += proved(pending.leaf, reply, entry.seq)
        if kind in WITH_CARDS:
            found += told(kind, request, reply, entry.seq)
        self._people.used_cards(request)
        self._deferred += self.artefacts.replied(step, (kind, request), reply, entry.seq)
        return [*found, *self._keys.replied(kind, request, reply, entry.seq)]

    def done(self, step: Step, entry: Entry) -> Iterator[Finding]:
        """LOG031: every request the plan wants was made. LOG033: a step with a refusal is not done."""
        for kind, allowed in step.requests.items():
            if self._counts.get(kind, 0) < allowed.least:
                words = f"step {step.id} is done without its {allowed.least} {kind}"
                yield Finding(rule="LOG031", seq=entry.seq, words=words)
        if self._refused:
            yield Finding(rule="LOG033", seq=entry.seq, words=f"step {step.id} is done after a refusal")
        yield from self._gates.result(step, entry.data, entry.seq)
        yield from self._expectations.done(step, entry.data, entry.seq)
        yield from held(step, entry.data["results"], self._people.acting, entry.seq)
        yield from self.artefacts.done(step, entry.data["made"], entry.data["destroyed"], entry.seq)
        self._gates.told(entry.seq)
        self.end()

    def _lose(self, rule: str, entry: Entry, words: str) -> Finding:
        self.lost = True
        return Finding(rule=rule, seq=entry.seq, words=words, means=Outcome.TAMPERED)
