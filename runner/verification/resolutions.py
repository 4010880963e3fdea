"""What people decided where nobody knew whether a device had done what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.spoken import plain
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.devices import Devices
    from runner.verification.gates import Gates
    from runner.verification.log import Entry
    from runner.verification.people import People
    from runner.verification.plan import Step

_FOLLOWS: Final = {"happened": "reply", "redo": "step.begun", "abandon": "ceremony.aborted"}


class Resolution:
    """Follows one decision at a time.

    Attributes:
        open: the decision that is attested and followed next, and the step it is about; None where there is none.
        notes: every decision, in words.
    """

    def __init__(self, people: People, devices: Devices, gates: Gates) -> None:
        self._people = people
        self._devices = devices
        self._gates = gates
        self._unknown = False
        self.open: tuple[Entry, Step | None] | None = None
        self.notes: list[str] = []

    def suspended(self, *, unknown: bool) -> None:
        """Take it that a sitting was suspended, perhaps because what a device did is not known."""
        self._unknown |= unknown

    def decided(self, entry: Entry, step: Step | None, pending: Entry | None) -> Iterator[Finding]:
        """LOG090: there is something to decide, and what is to have happened is a request that waits.

        Where no step is under way or due (None), all that can be decided is to abandon the ceremony.
        """
        data = entry.data
        if not (self._unknown or self._devices.uncertain or self._devices.perhaps):
            yield Finding(rule="LOG090", seq=entry.seq, words="nothing was unknown, so there is nothing to resolve")
        if data["decision"] == "happened" and (pending is None or not pending.data["mutates"]):
            yield Finding(rule="LOG090", seq=entry.seq, words="no request that changes a device waits for its reply")
        if data["decision"] != "abandon" and step is None:
            yield Finding(rule="LOG090", seq=entry.seq, words="no step is under way that could go on")
        self._unknown = False
        self.open = (entry, step)
        self._gates.say("resolution", data["decision"])
        where = "outside steps" if step is None else f"step {step.id}"
        what = f"{where}: {', '.join(data['people'])} decided {data['decision']}: {plain(data['reason'])}"
        claim = "" if data["read_back"] else "; no device was read back, so this is a claim"
        self.notes.append(what + claim)

    def followed(self, entry: Entry) -> Iterator[Finding]:
        """LOG090: the people of the step's quorum decided, each attested to it, and the decision is what follows."""
        if self.open is None:
            return
        (decided, step), self.open = self.open, None
        people, attested = decided.data["people"], self._gates.resolved()
        if missing := sorted(set(people) - attested.keys()):
            words = f"{', '.join(missing)} decided, and did not attest to it"
            yield Finding(rule="LOG090", seq=decided.seq, words=words)
        acting = {person: attested[person] for person in people if person in attested}
        if step is not None and (short := next(self._people.quorum(step, acting, decided.seq), None)):
            yield Finding(rule="LOG090", seq=decided.seq, words=f"not decided by the step's quorum: {short.words}")
        follows = _FOLLOWS[decided.data["decision"]]
        if entry.type != follows:
            words = f"people decided {decided.data['decision']}, and {entry.type} follows"
            yield Finding(rule="LOG090", seq=entry.seq, words=words)
