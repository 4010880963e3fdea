"""Calling people together: each who acts says so by typing their own id, and counts once, in one role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.exchange import Acting
from runner.host.company import EVERY_WORD, Wrong
from runner.quorum import fill, shortfall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.exchange import Need
    from runner.host.company import Company
    from runner.plan import Person


class Gathering:
    """One call for people. Those who are here are proposed; nobody acts who did not type their id.

    Args:
        company: the people.
        needs: how many of which role.
        words: the words that can be typed meanwhile.
    """

    def __init__(self, company: Company, needs: Sequence[Need], *, words: frozenset[str] = EVERY_WORD) -> None:
        self._company = company
        self._needs = needs
        self._words = words
        self._acting: dict[str, str] = {}
        self._shown = ""

    def run(self) -> tuple[Acting, ...]:
        """Return who acts, sorted by person.

        Raises:
            DeclinedInRoom: somebody declined.
            StopAsked: three wrong answers in a row, or people asked to stop.
        """
        tries = 0
        while self._open():
            self._show()
            typed = self._company.hear("Who acts types their id:", words=self._words, waiting=self._waiting())
            if typed is None:
                tries = 0
                self._look_again()
                continue
            wrong = self._confirm(typed)
            tries = 0 if wrong is None else tries + 1
            if wrong is not None:
                self._company.wrong(wrong, tries)
        return tuple(Acting(person=person, role=role) for person, role in sorted(self._acting.items()))

    def _look_again(self) -> None:
        """Forget who acts but left; where the others cannot keep their roles either, begin anew."""
        self._acting = {one: role for one, role in self._acting.items() if one in self._company.present}
        if self._acting and self._proposal() is None:
            self._acting = {}
            self._company.console.tell("Who acts as what has to be said again.")

    def _proposal(self) -> dict[str, str] | None:
        return fill(self._free(), self._open(), self._company.instead)

    def _open(self) -> list[Need]:
        """Return what is still needed."""
        left = [replace(need, count=need.count - self._count(need.role)) for need in self._needs]
        return [need for need in left if need.count > 0]

    def _count(self, role: str) -> int:
        return sum(1 for mine in self._acting.values() if mine == role)

    def _free(self) -> list[Person]:
        return [person for person in self._company.here() if person.id not in self._acting]

    def _show(self) -> None:
        """Show who is proposed for what is still needed, where that is news."""
        proposal = self._proposal()
        if proposal is None:
            words = shortfall(self._free(), self._open(), self._company.instead)
            told = f"Not everybody is here: {words}. `come` notes who comes in, `substitute` a stand-in."
        else:
            lines = [f"  {role}: {person}" for person, role in sorted(proposal.items(), key=lambda one: one[::-1])]
            told = "\n".join(["Still to confirm; proposed of those who are here:", *lines])
        if told != self._shown:
            self._company.console.tell(told)
            self._shown = told

    def _waiting(self) -> str:
        return ", ".join(
            f"{self._count(need.role)} of {need.count} {_several(need.role, need.count)}" for need in self._needs
        )

    def _confirm(self, typed: str) -> Wrong | None:
        """Take a person's word that they act, in a role that leaves room for the others; or say why not."""
        company = self._company
        person = company.known(typed)
        if isinstance(person, Wrong):
            return person
        if person.id in self._acting:
            return Wrong(words=f"{person.id} is counted already, as {self._acting[person.id]}; each person counts once")
        if person.id not in company.present:
            return Wrong(words=f"{person.id} is not in the room; `come` notes who comes in")
        if self._proposal() is None:
            return Wrong(words="somebody who is needed is not here; `come` notes who comes in")
        others = [one for one in self._free() if one.id != person.id]
        role = (fill([person, *others], self._open(), company.instead) or {}).get(person.id)
        if role is None:
            return Wrong(words=f"{person.id} cannot act in a role that is still needed")
        self._acting[person.id] = role
        company.console.tell(f"{person.id} acts as {role}.")
        return None


def _several(role: str, count: int) -> str:
    if count == 1:
        return role
    return f"{role}es" if role.endswith("s") else f"{role}s"
