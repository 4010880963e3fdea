"""What must hold within a roster, and between it and the playbook it is for.

1. People: nobody under two keys' worth of one key (QUO013), stand-ins stand in for somebody (SHP008) whose place can
   be taken (QUO014).
2. Cards: one person one card of a set, one card one person (QUO003).
3. With the playbook: its id, its roles, its card sets and their numbers (QUO006, SHP008, SHP006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.roster import Roster
    from runner.document.shape import Report


def check_roster(roster: Roster, playbook: Playbook | None, report: Report) -> None:
    """Write what does not hold in `roster` into `report`; without a playbook, what needs none."""
    _keys(roster, report)
    _stand_ins(roster, report)
    _cards(roster, report)
    if playbook is not None:
        _with_playbook(roster, playbook, report)


def _keys(roster: Roster, report: Report) -> None:
    """QUO013, by what a key is, whatever its type and spelling."""
    holders: dict[bytes, str] = {}
    for person, entry in roster.people.items():
        if entry.key is None:
            continue
        first = holders.setdefault(entry.key.identity, person)
        if first != person:
            message = f"`{person}` and `{first}` have the same key"
            report.add(
                "QUO013", message, ("people", person, "key"), related=[("first written here", ("people", first, "key"))]
            )


def _stand_ins(roster: Roster, report: Report) -> None:
    for person, entry in roster.people.items():
        path: Path = ("people", person, "stands_in_for")
        if entry.stands_in_for == person:
            report.add("SHP008", f"`{person}` cannot stand in for themselves", path)
        elif entry.stands_in_for is not None and report.declared(
            "SHP008", "person", entry.stands_in_for, set(roster.people) - {person}, path=path
        ):
            _place(roster, entry.stands_in_for, path, report)
    for person, entry in roster.people.items():
        for index, role in enumerate(entry.roles):
            if role in entry.roles[:index]:
                report.add("SHP004", f"`{role}` is named twice", ("people", person, "roles", index))


def _place(roster: Roster, absent: str, path: Path, report: Report) -> None:
    """QUO014: a written card stays with its holder, and a stand-in has no place of their own to give."""
    place = roster.people[absent]
    if place.cards:
        message = f"`{absent}` holds a card of `{next(iter(place.cards))}`, which nobody else can put in for them"
        report.add("QUO014", message, path, related=[("the card", ("people", absent, "cards"))])
    elif place.stands_in_for is not None:
        message = f"`{absent}` stands in for somebody too"
        report.add("QUO014", message, path, related=[("written here", ("people", absent, "stands_in_for"))])


def _cards(roster: Roster, report: Report) -> None:
    """QUO003. That one person holds two cards of a set cannot be written: a set is a key, and keys are written once."""
    holders: dict[tuple[str, int], str] = {}
    for person, entry in roster.people.items():
        for card_set, number in entry.cards.items():
            first = holders.setdefault((card_set, number), person)
            if first != person:
                message = f"card {number} of `{card_set}` is given to `{first}` and to `{person}`"
                other = ("given here", ("people", first, "cards", card_set))
                report.add("QUO003", message, ("people", person, "cards", card_set), related=[other])


def _with_playbook(roster: Roster, playbook: Playbook, report: Report) -> None:
    if roster.ceremony != playbook.id:
        message = f"this roster is for `{roster.ceremony}`, and the ceremony is `{playbook.id}`"
        report.add("SHP008", message, ("ceremony",), help_=f"write `{playbook.id}`")
    for person, entry in roster.people.items():
        for index, role in enumerate(entry.roles):
            report.declared("QUO006", "role", role, playbook.roles, path=("people", person, "roles", index))
        for card_set, number in entry.cards.items():
            path: Path = ("people", person, "cards", card_set)
            if not report.declared("SHP008", "card set", card_set, playbook.card_sets, path=path, key=True):
                continue
            cards = playbook.card_sets[card_set].cards
            if number > cards:
                report.add("QUO003", f"`{card_set}` has {cards} cards; there is no number {number}", path)
            held_by = playbook.card_sets[card_set].held_by
            if held_by in playbook.roles and held_by not in entry.roles:
                report.add(
                    "QUO006", f"cards of `{card_set}` are held by the role `{held_by}`, which `{person}` has not", path
                )
