"""The people's keys: which there are, that keys/allowed_signers holds them, and which are known from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.canonical import file_digest
from runner.verification.reading import ShapeError
from runner.verification.signatures import PublicKey, check_signature, read_key
from runner.verification.signers import allowed_signers, distinct
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.folder import Folder
    from runner.verification.log import Entry
    from runner.verification.plan import Plan
    from runner.verification.trust import Trust

FILE: Final = "keys/allowed_signers"

_LINE: Final = re.compile(r'([a-z][a-z0-9-]*) namespaces="[^"]*" (\S+ \S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleKeys:
    """Who can sign with what.

    Attributes:
        keys: the key of each person who has a usable one.
        known: those whose key is known from outside the record.
    """

    keys: Mapping[str, PublicKey]
    known: frozenset[str]

    def fault(self, person: str, signature: bytes, message: bytes, namespace: str) -> str:
        """Return why this is not that person's signature over the message, or "" where it is."""
        key = self.keys.get(person)
        if key is None:
            return f"{person} has no key"
        try:
            check_signature(signature, message, namespace=namespace, key=key)
        except ShapeError as error:
            return str(error)
        return ""


def written_keys(record: Folder, plan: Plan, opened: Entry, trust: Trust | None) -> dict[str, str]:
    """Return each person's key as it is written where it is taken from: `<type> <base64>`.

    With the roster's signers that is the plan. Simulated ones come from the trust file, or, where that gives none, from
    keys/allowed_signers itself: then they are as good as the log key.
    """
    if opened.data["signers"] == "roster":
        return {person: known.key for person, known in plan.people.items() if known.key is not None}
    if trust is not None and trust.people:
        return {person: trust.people[person] for person in plan.people if person in trust.people}
    found: dict[str, str] = {}
    for line in (record.read(FILE) or b"").decode(errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is not None and match[1] in plan.people:
            found[match[1]] = match[2]
    return {person: found[person] for person in plan.people if person in found}


def hold_keys(
    record: Folder, plan: Plan, opened: Entry, trust: Trust | None, written: Mapping[str, str]
) -> tuple[PeopleKeys, list[Finding]]:
    """Return the people's keys, and what is wrong with them.

    LOG022: keys/allowed_signers is there. LOG081: it is the one entry 0 names, and what it must be; a key that the
    trust file gives is the plan's; simulated signers have a key each. LOG083: no two people have one key.
    """
    keys: dict[str, PublicKey] = {}
    found: list[Finding] = []
    for person, text in written.items():
        try:
            keys[person] = read_key(text)
        except ShapeError as error:
            found.append(Finding(rule="LOG081", seq=0, words=f"the key of {person}: {error}"))
    try:
        distinct(keys)
    except ShapeError as error:
        found.append(Finding(rule="LOG083", seq=0, words=str(error)))
    roster = opened.data["signers"] == "roster"
    if not roster and set(plan.people) - written.keys():
        missing = ", ".join(sorted(set(plan.people) - written.keys()))
        found.append(Finding(rule="LOG081", seq=0, words=f"simulated signers without a key: {missing}"))
    given = {} if trust is None else trust.people
    others = [person for person in given if person in plan.people and written.get(person) != given[person]]
    if others:
        words = f"the key of {', '.join(others)} is not the one you know"
        found.append(Finding(rule="LOG081", seq=0, words=words))
    found += _file(record, opened, allowed_signers(list(written.items())))
    by_plan = roster and trust is not None and trust.plan_sha256 == plan.sha256
    known = frozenset(keys) if by_plan else frozenset(given).intersection(keys)
    return PeopleKeys(keys=keys, known=known - set(others)), found


def _file(record: Folder, opened: Entry, expected: bytes) -> Iterator[Finding]:
    content = record.read(FILE)
    if content is None:
        yield Finding(rule="LOG022", file=FILE, words="it is missing", means=Outcome.INCOMPLETE)
    elif file_digest(content) != opened.data["allowed_signers_sha256"]:
        yield Finding(rule="LOG081", file=FILE, words="it is not the file that entry 0 names")
    elif content != expected:
        yield Finding(rule="LOG081", file=FILE, words="it does not hold exactly the keys of these people")
