"""The sittings of a ceremony: how each begins and ends, what it plays, and what was found when it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.log import Entry
    from runner.verification.plan import Plan

HANDED_OVER, SUSPENDED, CLOSED = "handed over", "suspended", "closed"
"""How a sitting ends; one that has no such end broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A torn tail that was cut off the log: where it began, in bytes, and what it was."""

    offset: int
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """Its path in the record."""
        return f"recovered/{self.offset:010d}-{self.sha256}.bin"


class Sittings:
    """Follows one sitting after the other.

    Attributes:
        number: of the sitting under way, from 0.
        began: its first entry.
        unsigned: how many entries before it no checkpoint covers.
        end: how it ended; "" while it goes on.
        recovered: the torn tails that the log names.
        notes: what an auditor should know of them, in words.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._boots: set[str] = set()
        self._starts: set[int] = set()
        self._stations: list[str] = []
        self.number = -1
        self.began = 0
        self.unsigned = 0
        self.end = ""
        self.recovered: list[Recovered] = []
        self.notes: list[str] = []

    def sit(self, entry: Entry) -> Iterator[Finding]:
        """LOG087: sittings are counted without gaps, each is a process of its own, and plays stations of the plan."""
        data = entry.data
        self.number += 1
        if data["sitting"] != self.number:
            words = f"it says sitting {data['sitting']} where sitting {self.number} begins"
            yield Finding(rule="LOG087", seq=entry.seq, words=words)
        if entry.boot in self._boots:
            words = "a sitting is a process of its own, and this one wrote before"
            yield Finding(rule="LOG087", seq=entry.seq, words=words)
        stations = data["stations"]
        if not stations or len(stations) != len(set(stations)) or set(stations) - self._plan.stations:
            words = "it plays no station, one of them twice, or one that the plan has not"
            yield Finding(rule="LOG087", seq=entry.seq, words=words)
        self._boots.add(entry.boot)
        self._starts.add(entry.start)
        self._stations = stations
        before, self.end, self.began = self.end, "", entry.seq
        self.unsigned = data.get("unsigned", 0)
        if self.number:
            tail = f", with {self.unsigned} entries before it that no checkpoint covered" if self.unsigned else ""
            where = ", ".join(stations)
            words = (
                f"sitting {self.number} at {where} from entry {entry.seq} on, the one before {before or 'broke off'}"
            )
            self.notes.append(words + tail)

    def plays(self, station: str) -> bool:
        """Say whether the sitting plays a station."""
        return station in self._stations

    def recover(self, entry: Entry) -> Iterator[Finding]:
        """LOG089: a torn tail is named once, where a sitting begins, and was where a sitting went on in its stead."""
        tail = Recovered(offset=entry.data["offset"], size=entry.data["size"], sha256=entry.data["sha256"])
        if any(tail.name == known.name for known in self.recovered):
            yield Finding(rule="LOG089", seq=entry.seq, words="it names a tail that was named before")
        if tail.offset not in self._starts:
            words = f"no sitting went on at byte {tail.offset}, where it says that the tail was"
            yield Finding(rule="LOG089", seq=entry.seq, words=words)
        self.recovered.append(tail)
        self.notes.append(f"a torn tail of {tail.size} bytes was cut off the log before entry {self.began}")
