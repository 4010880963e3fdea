"""What verification says: one outcome, and every finding that led to it with its rule and its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runner.errors import Exit


class Outcome(StrEnum):
    """What a record is.

    - valid: everything that must be there is there and agrees, with trust from outside;
    - aborted: so too, and the ceremony was ended before it was completed;
    - unanchored: nothing from outside the record says whose it is;
    - open: the ceremony has no end (yet);
    - incomplete: something that must be there is missing;
    - unverifiable: it cannot or may not be judged this way, as with a trust file that is about another log;
    - tampered: something in it contradicts itself, its plan, or the trust file.
    """

    VALID = "valid"
    ABORTED = "aborted"
    UNANCHORED = "unanchored"
    OPEN = "open"
    INCOMPLETE = "incomplete"
    UNVERIFIABLE = "unverifiable"
    TAMPERED = "tampered"


_WEIGHT: Final = {outcome: weight for weight, outcome in enumerate(Outcome)}
"""The outcome of a record is the heaviest one that any finding means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        rule: its id, such as LOG006.
        words: what is wrong, for an auditor.
        seq: the entry it is about, None where it is about none.
        file: the file it is about, relative to the record; "" where it is about none.
        means: the outcome it leads to, by itself.
    """

    rule: str
    words: str
    seq: int | None = None
    file: str = ""
    means: Outcome = Outcome.TAMPERED

    def line(self) -> str:
        """Return the finding as one line of text."""
        place = self.file or ("" if self.seq is None else f"entry {self.seq}")
        return f"{self.rule} {place}: {self.words}" if place else f"{self.rule}: {self.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a record says of itself; None where it could not be read. Believe it only as far as the outcome goes.

    Attributes:
        ceremony: the ceremony's random id, 32 hex.
        title: as the plan has it.
        origin: the name of its log.
        region: the plan's region.
        edition: the edition of the published procedure.
        entries: how many entries were read and found in order.
        root: base64 of the tree's root over them.
        rehearsal: entry 0 says that it is one.
        simulated: at least one device is an emulator.
        unaudited: the plan's devices that have no audit log of their own.
        approved: who approved the plan, by a good signature.
        signed: who signed a statement in the room, by a good signature.
        strangers: those of them whose key nothing from outside the record vouches for.
        software: the bundle digest of the runner that opened it.
    """

    ceremony: str | None = None
    title: str | None = None
    origin: str | None = None
    region: str | None = None
    edition: str | None = None
    entries: int = 0
    root: str | None = None
    rehearsal: bool = False
    simulated: bool = False
    unaudited: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    software: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of verifying a record, with every finding, in the order they were made.

    `notes` are what an auditor should know although it is no fault, in words: what was let pass, who stood in for whom,
    what was decided without knowing, what only typed statements stand for, and what this record alone cannot show.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    facts: Facts
    notes: tuple[str, ...] = ()

    @property
    def signed_by_people(self) -> bool:
        """Whether somebody whose key is known from outside approved the plan or signed in the room."""
        return bool({*self.facts.approved, *self.facts.signed} - {*self.facts.strangers})

    @property
    def exit_code(self) -> Exit:
        """0 only for a valid record."""
        return Exit.DONE if self.outcome is Outcome.VALID else Exit.FINDINGS

    @property
    def deciding(self) -> Finding | None:
        """The first finding that means the outcome; None for a valid record."""
        return next((finding for finding in self.findings if finding.means is self.outcome), None)

    def sentence(self) -> str:
        """Return the verdict in one line: what kind of record, the outcome, why, and who did not sign."""
        kind = " ".join(
            word for word, holds in (("REHEARSAL", self.facts.rehearsal), ("SIMULATED", self.facts.simulated)) if holds
        )
        what = f"{self.outcome.value.upper()}, {self.facts.entries} entries"
        why = f" ({self.deciding.line()})" if self.deciding else ""
        return f"{kind + ': ' if kind else ''}{what}{why}; {self._people()}."

    def _people(self) -> str:
        approved, signed = len(self.facts.approved), len(self.facts.signed)
        if not approved and not signed:
            return "not signed by people"
        strangers = len({*self.facts.strangers})
        unknown = f", {strangers} of them with keys that nothing from outside vouches for" if strangers else ""
        return f"approved by {approved}, signed by {signed} people{unknown}"


def judge(findings: tuple[Finding, ...], facts: Facts, notes: tuple[str, ...] = ()) -> Verdict:
    """Return the verdict these findings add up to."""
    heaviest = max((finding.means for finding in findings), key=_WEIGHT.__getitem__, default=Outcome.VALID)
    return Verdict(outcome=heaviest, findings=findings, facts=facts, notes=notes)
