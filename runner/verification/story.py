"""The entries of a log held to their plan, one after the other.

What is held: (1) the order of the ceremony; (2) in each step, the order of requests and replies, their kinds and how
often; (3) people, (4) devices, (5) files and keys, (6) results, each by a module of its own. Where the order itself
breaks, the walk ends: what comes after has no known meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.verification.artefacts import Artefacts, Keys
from runner.verification.devices import Devices
from runner.verification.expectations import Expectations
from runner.verification.kinds import KINDS, REFUSALS, REPLIES
from runner.verification.people import People
from runner.verification.reading import fits
from runner.verification.requests import differences
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.log import Entry
    from runner.verification.plan import Plan, Step

_ROOM: Final = frozenset({"person.present", "person.left", "break.begun", "break.ended"})


class Story:
    """Walks through one ceremony.

    Attributes:
        closed: the outcome of `ceremony.closed`, None before it.
        aborted: entry and rule of `ceremony.aborted`, None where there is none.
        artefacts: what was made.
        lost: the order of the entries broke, so nothing after that was looked at.
    """

    def __init__(self, plan: Plan, opened: Entry, simulated: Mapping[str, str] | None) -> None:
        self._plan = plan
        self._next = 0
        self._step: Step | None = None
        self._pending: Entry | None = None
        self._counts: dict[str, int] = {}
        self._refused = False
        self._deferred: list[Finding] = []
        self._failed = False
        self._broken_off = False
        self._on_break = False
        self.lost = False
        self._people = People(plan)
        self._devices = Devices(opened.data["devices"])
        self._keys = Keys()
        rehearsal = opened.data["trust"]["list"] == "simulated"
        self._expectations = Expectations(plan, simulated, rehearsal=rehearsal)
        self.artefacts = Artefacts(plan)
        self.closed: str | None = None
        self.aborted: tuple[int, str] | None = None

    def feed(self, entry: Entry) -> Iterator[Finding]:
        """Take the next entry after the opening, and give what is wrong with it."""
        if self.lost:
            return
        yield from self._people.known(entry)
        if self.closed is not None:
            yield self._lose("LOG008", entry, "something stands after the end of the ceremony")
        elif entry.type in _ROOM:
            yield from self._room(entry)
        else:
            yield from self._placed(entry)

    def _room(self, entry: Entry) -> Iterator[Finding]:
        """LOG030: what happens in the room names no step but the one under way; breaks begin and end in turn."""
        if entry.step is not None and not self._under_way(entry):
            yield Finding(rule="LOG030", seq=entry.seq, words=f"step {entry.step} is not under way")
        if entry.type.startswith("person."):
            yield from self._people.room(entry)
            return
        begins = entry.type == "break.begun"
        if begins is self._on_break:
            yield Finding(rule="LOG030", seq=entry.seq, words="a break begins in a break, or ends outside one")
        self._on_break = begins

    def _placed(self, entry: Entry) -> Iterator[Finding]:
        """LOG030: everything but the room stands where the order of a ceremony has it."""
        if self._pending is not None and not self._may_interrupt(entry):
            yield self._lose("LOG032", entry, f"entry {self._pending.seq} waits for its reply")
            return
        within = entry.type == "checkpoint" and self._under_way(entry)
        if entry.step is not None and not within and entry.type.startswith(("checkpoint", "ceremony.")):
            yield Finding(rule="LOG030", seq=entry.seq, words=f"{entry.type} names a step that is not under way")
        match entry.type:
            case "checkpoint":
                return
            case "step.begun":
                yield from self._begin(entry)
            case "request" | "reply" | "step.done" | "step.failed":
                yield from self._in_step(entry)
            case "ceremony.aborted":
                yield from self._abort(entry)
            case "ceremony.closed":
                yield from self._close(entry)
            case _:
                yield self._lose("LOG008", entry, f"{entry.type} has no place here")

    def _under_way(self, entry: Entry) -> bool:
        return self._step is not None and entry.step == self._step.id

    def _may_interrupt(self, entry: Entry) -> bool:
        """Say whether `entry` may follow a request: its reply, or people stopping while nothing can have changed."""
        stopped = entry.type == "ceremony.aborted" and self._pending is not None and not self._pending.data["mutates"]
        return entry.type == "reply" or stopped

    def _begin(self, entry: Entry) -> Iterator[Finding]:
        """LOG030: the steps of the plan that are not left out begin in order, each once, under their title."""
        step = self._plan.steps[self._next] if self._next < len(self._plan.steps) else None
        if self._step is not None or self._broken_off or step is None or entry.step != step.id or entry.attempt != 1:
            due = "no step" if step is None or self._broken_off else f"step {step.id}"
            yield self._lose("LOG030", entry, f"step {entry.step} begins where {due} is due")
            return
        if entry.data["title"] != step.title:
            yield Finding(rule="LOG030", seq=entry.seq, words="the step has another title than in the plan")
        self._step, self._counts, self._refused, self._deferred = step, {}, False, []
        self._expectations.begin()
        self.artefacts.begin()

    def _in_step(self, entry: Entry) -> Iterator[Finding]:
        step = self._step
        if step is None or entry.step != step.id or entry.attempt != 1:
            yield self._lose("LOG030", entry, f"step {entry.step} is not under way")
            return
        match entry.type:
            case "request":
                yield from self._went_on()
                yield from self._request(step, entry)
            case "reply":
                yield from self._reply(step, entry)
            case "step.done":
                yield from self._went_on()
                yield from self._done(step, entry)
            case _:
                self._step, self._failed, self._broken_off = None, True, True

    def _went_on(self) -> Iterator[Finding]:
        """Give what a reply showed to be wrong, now that the step went on after it instead of failing."""
        yield from self._deferred
        self._deferred = []

    def _request(self, step: Step, entry: Entry) -> Iterator[Finding]:
        """LOG031: a request of a kind the plan allows, no more often, people first; LOG030: not in a break.

        LOG039: with the plan's fields. LOG035: where it changes a device, with everybody who acts still there.
        """
        data: dict[str, Any] = entry.data
        allowed = step.requests.get(data["kind"])
        if allowed is None or not fits(data["request"], KINDS[data["kind"]].fields):
            yield self._lose("LOG031", entry, f"step {step.id} may not make this request: {data['kind']}")
            return
        count = self._counts.get(data["kind"], 0) + 1
        first = not self._counts
        self._counts[data["kind"]] = count
        self._pending = entry
        if count > allowed.most:
            yield Finding(rule="LOG031", seq=entry.seq, words=f"step {step.id} makes {data['kind']} once too often")
        if first is not (data["kind"] == "gather_people"):
            yield Finding(rule="LOG031", seq=entry.seq, words="a step calls its people first, and once")
        if self._refused:
            yield Finding(rule="LOG033", seq=entry.seq, words="the step went on after a refusal")
        if self._on_break:
            yield Finding(rule="LOG030", seq=entry.seq, words="something is asked in a break")
        if data["mutates"]:
            yield from self._people.still_here(entry)
        if data["mutates"] is not allowed.mutates or data["device"] != data["request"].get("device"):
            yield Finding(rule="LOG031", seq=entry.seq, words="the entry shows another device or effect than it has")
        others = sorted(set(differences(self._plan, step, data["kind"], data["request"])))
        if others:
            yield Finding(rule="LOG039", seq=entry.seq, words=f"not as the plan has it: {', '.join(others)}")
        yield from self._people_of(step, entry)

    def _people_of(self, step: Step, entry: Entry) -> Iterator[Finding]:
        kind, request = entry.data["kind"], entry.data["request"]
        if kind == "gather_people":
            yield from self._people.asked(step, request, entry.seq)
        elif kind == "create_world":
            card_set = self._plan.card_sets.get(request["card_set"])
            planned = None if card_set is None else (card_set.threshold, card_set.cards)
            if (request["threshold"], request["cards"]) != planned:
                yield Finding(rule="LOG038", seq=entry.seq, words="the card set is made otherwise than planned")
            yield from self._people.holders(request, needed=request["cards"], seq=entry.seq)
        elif kind == "reduce_key":
            yield from self._people.holders(request, needed=None, seq=entry.seq)

    def _reply(self, step: Step, entry: Entry) -> Iterator[Finding]:
        """LOG032: a reply names the request before it, and is of a kind that answers it, with its own fields."""
        data, pending = entry.data, self._pending
        if pending is None or data["to"] != pending.seq:
            yield self._lose("LOG032", entry, "a reply to no request that waits")
            return
        kind = pending.data["kind"]
        if data["kind"] not in KINDS[kind].replies or not fits(data["reply"], REPLIES[data["kind"]]):
            yield self._lose("LOG032", entry, f"{data['kind']} does not answer {kind}")
            return
        self._pending = None
        self._refused = data["kind"] in REFUSALS
        yield from self._devices.replied(data["device"], pending.data, refused=self._refused, seq=entry.seq)
        if not self._refused:
            yield from self._told(step, kind, pending.data["request"], entry)

    def _told(self, step: Step, kind: str, request: dict[str, Any], entry: Entry) -> Iterator[Finding]:
        reply: dict[str, Any] = entry.data["reply"]
        if kind == "gather_people":
            self._deferred += self._people.gathered(step, reply, entry.seq)
            return
        if kind == "reduce_key":
            used = {card["number"] for card in reply["cards"]}
            if not used <= {holder["number"] for holder in request["holders"]}:
                yield Finding(rule="LOG038", seq=entry.seq, words="a card was used that nobody here holds")
        if kind in ("ask_value", "do_by_hand") and reply["person"] not in self._people.acting:
            yield Finding(rule="LOG035", seq=entry.seq, words=f"{reply['person']} does not act in this step")
        self._expectations.replied(kind, request, reply)
        self._deferred += self.artefacts.replied(step, (kind, request), reply, entry.seq)
        yield from self._keys.replied(kind, request, reply, entry.seq)

    def _done(self, step: Step, entry: Entry) -> Iterator[Finding]:
        """LOG031: every request the plan wants was made. LOG033: a step with a refusal is not done."""
        for kind, allowed in step.requests.items():
            if self._counts.get(kind, 0) < allowed.least:
                words = f"step {step.id} is done without its {allowed.least} {kind}"
                yield Finding(rule="LOG031", seq=entry.seq, words=words)
        if self._refused:
            yield Finding(rule="LOG033", seq=entry.seq, words=f"step {step.id} is done after a refusal")
        yield from self._expectations.done(step, entry.data, entry.seq)
        yield from self.artefacts.done(step, entry.data["made"], entry.data["destroyed"], entry.seq)
        self._step = None
        self._next += 1

    def _abort(self, entry: Entry) -> Iterator[Finding]:
        """LOG034: a ceremony is aborted once; its devices stand where the log left them."""
        if self.aborted is not None:
            yield self._lose("LOG034", entry, "aborted twice")
            return
        self.aborted = (entry.seq, entry.data["rule"])
        self._step, self._pending, self._broken_off = None, None, True
        yield from self._devices.ended(entry.data["devices"], entry.seq)

    def _close(self, entry: Entry) -> Iterator[Finding]:
        """LOG034: closed as completed once every step is done, as aborted once it was aborted, and never in a step.

        LOG030: nor in a break.
        """
        self.closed = entry.data["outcome"]
        if self._step is not None or (self._failed and self.aborted is None):
            yield Finding(rule="LOG034", seq=entry.seq, words="closed in the middle of a step, or without an abort")
        if self._on_break:
            yield Finding(rule="LOG030", seq=entry.seq, words="closed in a break")
        if (self.closed == "aborted") is not (self.aborted is not None):
            yield Finding(rule="LOG034", seq=entry.seq, words=f"closed as {self.closed} against what happened")
        elif self.closed == "completed" and self._next < len(self._plan.steps):
            due = self._plan.steps[self._next].id
            yield Finding(rule="LOG034", seq=entry.seq, words=f"closed as completed, and step {due} was not done")
        yield from self._devices.ended(entry.data["devices"], entry.seq)

    def _lose(self, rule: str, entry: Entry, words: str) -> Finding:
        self.lost = True
        return Finding(rule=rule, seq=entry.seq, words=words, means=Outcome.TAMPERED)
