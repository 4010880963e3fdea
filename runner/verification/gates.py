"""Who attested what, where that is due: in their role, over a checkpoint of what they saw, once, and signed.

What each of them must have said follows from plan and log, so every statement is rebuilt here; its file and signature
are held to that by `runner.verification.attestations`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.verification.statements import rebuild_statement
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.verification.log import Entry
    from runner.verification.people import People
    from runner.verification.plan import Person, Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one person attested.

    Attributes:
        seq: its entry.
        person: who.
        about: consent, result, close, handover, recovery or resolution.
        sitting: whose log key signed the checkpoint it is over.
        statement_sha256: of the statement's file, as the entry names it.
        signature_sha256: of the signature's file; None where it was typed.
        text: what the statement must be; None where nothing on record says what they saw.
    """

    seq: int
    person: str
    about: str
    sitting: int
    statement_sha256: str
    signature_sha256: str | None
    text: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A statement that counts: the role it was made in, and over how many entries."""

    role: str
    size: int


class Gates:
    """Follows the statements of a ceremony.

    Args:
        plan: the plan.
        opened: the data of entry 0.
        people: who is in the room, and who acts.
        keyed: who has a key to sign with.

    Attributes:
        statements: all of them.
        typed: who only typed at which gate, by step and attempt.
    """

    def __init__(self, plan: Plan, opened: dict[str, Any], people: People, keyed: Collection[str]) -> None:
        self._plan = plan
        self._opened = opened
        self._people = people
        self._keyed = keyed
        self._made: dict[str, dict[str, _Made]] = {}
        self._values: dict[str, str] = {}
        self._unfinished: dict[int, dict[str, Any]] = {}
        self._checkpoint = (0, "")
        self._sitting = 0
        self._told = 0
        self._consented = False
        self.statements: list[Statement] = []
        self.typed: dict[tuple[str, int], set[str]] = {}

    def sit(self, number: int, unsigned: int) -> None:
        """Begin a sitting."""
        self._sitting = number
        self._made |= {"handover": {}, "recovery": {}}
        self._values["recovery"] = str(unsigned)

    def begin(self) -> None:
        """Begin an attempt at a step: nothing was attested in it yet."""
        self._made |= {"consent": {}, "result": {}}
        self._consented = False
        self._unfinished = {}

    def say(self, about: str, value: str) -> None:
        """Take it that statements about this name that outcome, station or decision."""
        self._values[about] = value

    def checkpoint(self, entry: Entry) -> None:
        """Take it that the next statements are over this checkpoint."""
        text, _line, _signature = entry.data["note"].partition("\n\n")
        self._checkpoint = (entry.data["size"], f"{text}\n")

    def told(self, seq: int) -> None:
        """Take it that a reply came, or a step was done: what is attested about it is over a checkpoint after it."""
        self._told = seq

    # -- one statement ---------------------------------------------------------------------------------------------

    def attested(self, entry: Entry, where: tuple[Step, int] | None) -> Iterator[Finding]:
        """Check one statement.

        LOG083: it is by somebody of the roster who is in the room, in the role they act in, once, and in its place.
        LOG037: that role excludes none they acted in. LOG082: it is signed where a signature is due, and says how it
        was made. LOG081: it is over the last checkpoint.

        Args:
            entry: the `attested` entry.
            where: the step and the attempt that it is about; None outside steps.
        """
        data = entry.data
        person, about = self._plan.people.get(data["person"]), data["about"]
        step = None if where is None else where[0]
        named = (None, None) if where is None else (where[0].id, where[1])
        if person is None or (entry.step, entry.attempt) != named:
            words = f"{data['person']} attests ({about}) where there is nothing of that kind to attest"
            yield Finding(rule="LOG083", seq=entry.seq, words=words)
            return
        if wrong := self._misplaced(data, person, step):
            yield Finding(rule="LOG083", seq=entry.seq, words=f"{data['person']} {wrong}")
        if (data["how"] == "signed") is not (data["signature_sha256"] is not None):
            yield Finding(
                rule="LOG082", seq=entry.seq, words="a statement is signed with a signature, or typed without"
            )
        elif data["how"] == "typed" and self._must_sign(data["person"], about, step):
            words = f"{data['person']} only typed ({about}), and a signature is due"
            yield Finding(rule="LOG082", seq=entry.seq, words=words)
        if data["size"] != self._checkpoint[0]:
            words = f"it is over {data['size']} entries, and the last checkpoint is over {self._checkpoint[0]}"
            yield Finding(rule="LOG081", seq=entry.seq, words=words)
        if data["how"] == "typed" and where is not None and about != "resolution":
            self.typed.setdefault((where[0].id, where[1]), set()).add(data["person"])
        if about == "close":
            yield from self._people.apart(data["person"], data["role"], entry.seq)
            self._people.acts(data["person"], data["role"])
        self._made.setdefault(about, {})[data["person"]] = _Made(role=data["role"], size=data["size"])
        self._keep(entry, person, where)

    def _misplaced(self, data: dict[str, Any], person: Person, step: Step | None) -> str:
        """Return what is wrong with who attests, or "" where nothing is."""
        who, role, about = data["person"], data["role"], data["about"]
        if who in self._made.get(about, {}):
            return f"attests twice ({about})"
        if who not in self._people.present:
            return "attests and is not in the room"
        asked, why = True, self._people.out_of_place(who)
        if about in ("consent", "result"):
            asked = step is not None and step.sign_off != "none" and self._people.acting.get(who) == role
        elif about in ("handover", "recovery"):
            asked, why = role == person.roles[0], ""
        elif about == "close":
            asked = role in self._plan.closes and role in person.roles
        else:
            asked = role in person.roles
        return why if asked else f"attests ({about}) as {role}, and is not asked for that in this place"

    def _must_sign(self, person: str, about: str, step: Step | None) -> bool:
        if about in ("consent", "result"):
            return step is not None and step.sign_off == "signed"
        return about == "close" or person in self._keyed

    def _keep(self, entry: Entry, person: Person, where: tuple[Step, int] | None) -> None:
        data = entry.data
        statement = Statement(
            seq=entry.seq,
            person=data["person"],
            about=data["about"],
            sitting=self._sitting,
            statement_sha256=data["statement_sha256"],
            signature_sha256=data["signature_sha256"],
        )
        place = len(self.statements)
        self.statements.append(statement)
        known = {
            "about": data["about"],
            "ceremony": self._opened["ceremony"],
            "title": self._plan.title,
            "rehearsal": self._opened["rehearsal"],
            "step": None if where is None else (where[0].id, where[1], where[0].title),
            "person": (data["person"], person.name),
            "role": data["role"],
            "sentence_value": self._values.get(data["about"]),
            "results": (),
            "files": (),
            "destroyed": (),
            "checkpoint": self._checkpoint[1],
        }
        if data["about"] == "result":
            self._unfinished[place] = known
        else:
            self._finish(place, known)

    def _finish(self, place: int, known: dict[str, Any]) -> None:
        self.statements[place] = replace(self.statements[place], text=rebuild_statement(**known))

    # -- where statements are due ----------------------------------------------------------------------------------

    def consent(self, step: Step, seq: int) -> Iterator[Finding]:
        """LOG082: before a gate's step asks for anything but its people, each who acts consented to it."""
        if step.sign_off != "none" and not self._consented:
            self._consented = True
            yield from self._all("consent", step, seq)

    def result(self, step: Step, data: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG082: before a gate's step is done, each who acts attested what came out of it, after the last reply."""
        if step.sign_off == "none":
            return
        yield from self._all("result", step, seq)
        came_out = {
            "results": tuple((item["name"], item["value"]) for item in data["results"]),
            "files": tuple((item["file"], item["size"], item["sha256"]) for item in data["made"]),
            "destroyed": tuple(data["destroyed"]),
        }
        for place, known in self._unfinished.items():
            self._finish(place, known | came_out)
        self._unfinished = {}

    def _all(self, about: str, step: Step, seq: int) -> Iterator[Finding]:
        made = self._made.get(about, {})
        early = sorted(person for person, one in made.items() if one.size <= self._told)
        missing = sorted(person for person in self._people.acting if person not in made)
        if missing:
            words = f"step {step.id} goes on without the {about} of {', '.join(missing)}"
            yield Finding(rule="LOG082", seq=seq, words=words)
        if early:
            words = f"the {about} of {', '.join(early)} in step {step.id} is over a checkpoint from before it"
            yield Finding(rule="LOG082", seq=seq, words=words)

    def everybody(self, about: str, people: Collection[str], seq: int) -> Iterator[Finding]:
        """LOG082: each of these people attested in this sitting (recovery, handover)."""
        missing = sorted(set(people) - self._made.get(about, {}).keys())
        if missing:
            words = f"it goes on without the {about} attested by {', '.join(missing)}"
            yield Finding(rule="LOG082", seq=seq, words=words)

    def resolved(self) -> dict[str, str]:
        """Return who attested to the last resolution, in which role; the next one is attested anew."""
        return {person: made.role for person, made in self._made.pop("resolution", {}).items()}

    def close(self, seq: int) -> Iterator[Finding]:
        """LOG082: the ceremony is closed as completed by so many people of each role as the plan wants, after it."""
        made = self._made.get("close", {})
        for role, count in self._plan.closes.items():
            able = [person for person, one in made.items() if one.role == role and one.size > self._told]
            if len(able) < count:
                words = f"{count} {role} close the ceremony, and {len(able)} did, over a checkpoint of all of it"
                yield Finding(rule="LOG082", seq=seq, words=words)
