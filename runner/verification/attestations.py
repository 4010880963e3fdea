"""The files of people's statements, and their signatures, held to what they must have said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.canonical import file_digest
from runner.verification.signers import ATTEST, CLOSE
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.verification.folder import Folder
    from runner.verification.gates import Statement
    from runner.verification.people_keys import PeopleKeys

FOLDER: Final = "statements/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """Who signed what.

    Attributes:
        people: everybody of whom there is a good signature under a statement that is what it must be.
        closed: those of whom there is one about the close.
        vouched: the sittings over whose checkpoints somebody signed whose key is known from outside.
    """

    people: frozenset[str]
    closed: frozenset[str]
    vouched: frozenset[int]


def statement_file(seq: int, person: str) -> str:
    """Return the path of a statement."""
    return f"{FOLDER}{seq:010d}.{person}.txt"


def hold_statements(
    record: Folder, statements: Sequence[Statement], keys: PeopleKeys
) -> tuple[Attested, list[Finding]]:
    """Return who signed, and what is wrong with statements and signatures."""
    found: list[Finding] = []
    people: set[str] = set()
    closed: set[str] = set()
    vouched: set[int] = set()
    for statement in statements:
        faults = list(_hold(record, statement, keys))
        found += faults
        if not faults and statement.signature_sha256 is not None and statement.text is not None:
            people.add(statement.person)
            closed |= {statement.person} if statement.about == "close" else set()
            if statement.person in keys.known:
                vouched.add(statement.sitting)
    return Attested(people=frozenset(people), closed=frozenset(closed), vouched=frozenset(vouched)), found


def _hold(record: Folder, statement: Statement, keys: PeopleKeys) -> Iterator[Finding]:
    """Check one statement.

    LOG022: its files are there. LOG081: it is what plan and log make of it, and the file that its entry names. LOG080:
    its signature is the one that its entry names, and that person's.
    """
    name = statement_file(statement.seq, statement.person)
    content = record.read(name)
    if statement.text is not None and file_digest(statement.text) != statement.statement_sha256:
        words = f"what {statement.person} attested ({statement.about}) is not what plan and log make of it"
        yield Finding(rule="LOG081", seq=statement.seq, words=words)
    if content is None:
        yield _missing(name)
    elif file_digest(content) != statement.statement_sha256:
        yield Finding(rule="LOG081", file=name, words=f"it is not the statement that entry {statement.seq} names")
        content = None
    if statement.signature_sha256 is None:
        return
    signature = record.read(f"{name}.sshsig")
    if signature is None:
        yield _missing(f"{name}.sshsig")
    elif file_digest(signature) != statement.signature_sha256:
        words = f"it is not the signature that entry {statement.seq} names"
        yield Finding(rule="LOG080", file=f"{name}.sshsig", words=words)
    elif content is not None:
        namespace = CLOSE if statement.about == "close" else ATTEST
        if wrong := keys.fault(statement.person, signature, content, namespace):
            yield Finding(rule="LOG080", file=f"{name}.sshsig", words=wrong)


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
