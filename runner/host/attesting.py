"""People's statements: each is written, made by its person, checked here, and only then an entry.

The order is statement, signature, entry: what the log names is on the disk. A statement without its entry was never
acknowledged; who goes on with the record removes it and asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.audit.entry import EntryType
from runner.canonical import file_digest
from runner.errors import ControlFault, Defect
from runner.exchange import Acting, Declined
from runner.history import Said
from runner.host.room import StatementWanted
from runner.signing.statements import CameOut, StepLine, namespace_of, statement_txt
from runner.verification.reading import ShapeError
from runner.verification.signatures import check_signature, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.host.disk import Disk
    from runner.host.logbook import Logbook
    from runner.host.room import Room
    from runner.plan import Plan

FOLDER: Final = "statements"


class Occasion(Struct, frozen=True, kw_only=True):
    """What people are asked to make statements about.

    Attributes:
        about: consent, result, close, handover, recovery or resolution.
        signed: whether a signature is due; where not, agreeing at the keyboard is enough.
        step: the step it is in, None outside steps.
        value: what the sentence names: an outcome, a station, a number, a decision.
        came_out: what the step's result is; for results only.
    """

    about: str
    signed: bool
    step: StepLine | None = None
    value: str | None = None
    came_out: CameOut | None = None


class Attesting:
    """Asks people for statements and keeps them.

    Args:
        disk: the only way to files.
        record: the record's folder.
        logbook: the log.
        room: the people.
        plan: for names and titles.
        ceremony: the ceremony's id.
        rehearsal: whether statements say that it is one.
        keys: each person's public key, `<type> <base64>`; who has none can only type.
    """

    def __init__(
        self,
        disk: Disk,
        record: Path,
        logbook: Logbook,
        room: Room,
        *,
        plan: Plan,
        ceremony: str,
        rehearsal: bool,
        keys: Mapping[str, str],
    ) -> None:
        self._disk = disk
        self._record = record
        self._logbook = logbook
        self._room = room
        self._plan = plan
        self._ceremony = ceremony
        self._rehearsal = rehearsal
        self._keys = keys

    def has_key(self, person: str) -> bool:
        """Say whether a person can sign."""
        return person in self._keys

    def ask(self, people: Sequence[Acting], occasion: Occasion) -> Declined | None:
        """Have each of these people make a statement, over the last checkpoint; stop at the first who declines.

        Raises:
            ControlFault: QUO016, a signature is due from somebody without a key; LOG080, one is not theirs.
            StopAsked: people asked to stop while somebody was waited for.
        """
        for one in people:
            declined = self._one(one, occasion)
            if declined is not None:
                return declined
        return None

    def _one(self, acting: Acting, occasion: Occasion) -> Declined | None:
        person = self._plan.person(acting.person)
        if person is None:
            raise Defect(f"{acting.person} is not on the roster")
        if occasion.signed and acting.person not in self._keys:
            raise ControlFault(f"{acting.person} has no key to sign with", rule="QUO016")
        checkpoint = self._logbook.last
        text = statement_txt(
            about=occasion.about,
            ceremony=self._ceremony,
            title=self._plan.ceremony.title,
            rehearsal=self._rehearsal,
            step=occasion.step,
            person=person,
            role=acting.role,
            value=occasion.value,
            came_out=occasion.came_out,
            checkpoint=checkpoint.text,
        )
        namespace = namespace_of(occasion.about)
        how = "signed" if occasion.signed else "typed"
        wanted = StatementWanted(
            person=acting.person, role=acting.role, about=occasion.about, namespace=namespace, text=text, how=how
        )
        made = self._room.attest(wanted)
        if isinstance(made, Declined):
            return made
        self._check(acting.person, occasion, made.signature, text, namespace)
        self._keep(acting, occasion, text, made.signature, checkpoint.size)
        return None

    def _check(self, person: str, occasion: Occasion, signature: bytes | None, text: bytes, namespace: str) -> None:
        if signature is None:
            if occasion.signed:
                raise ControlFault(f"{person} did not sign", rule="LOG080")
            return
        try:
            check_signature(signature, text, namespace=namespace, key=read_key(self._keys.get(person, "")))
        except ShapeError as error:
            raise ControlFault(f"the signature is not {person}'s: {error}", rule="LOG080") from None

    def _keep(self, acting: Acting, occasion: Occasion, text: bytes, signature: bytes | None, size: int) -> None:
        self._disk.mkdir(self._record / FOLDER)
        seq = self._logbook.size
        path = self._record / FOLDER / f"{seq:010d}.{acting.person}.txt"
        self._disk.write_new(path, text)
        if signature is not None:
            self._disk.write_new(path.with_name(f"{path.name}.sshsig"), signature)
        step = occasion.step
        data = {
            "person": acting.person,
            "role": acting.role,
            "about": occasion.about,
            "how": "typed" if signature is None else "signed",
            "size": size,
            "statement_sha256": file_digest(text),
            "signature_sha256": None if signature is None else file_digest(signature),
        }
        said = Said(
            type=EntryType.ATTESTED,
            step=None if step is None else step.id,
            attempt=None if step is None else step.attempt,
            data=data,
        )
        if self._logbook.append(said, (acting.person,)).seq != seq:
            raise Defect("an entry was written between a statement and its own")
