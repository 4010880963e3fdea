"""A sitting that goes on with a ceremony, after whatever ended the one before.

It looks before it touches: the log's torn tail is cut off once a copy is durable, what the log does not name is tidied
away, the verifier must find nothing that a crash does not explain, every device is asked what it did since the log saw
it last, and every file must be what it was. Only then is there a new entry.

The module is longer than others because the order of these looks is the point of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from runner.audit.entry import EntryType
from runner.audit.note import LogKey
from runner.codec import to_data
from runner.errors import ControlFault, EvidenceFault, Uncertain, WrongUse
from runner.exchange import Acting
from runner.history import Said
from runner.host import record as folder
from runner.host.attesting import Occasion
from runner.host.disk import FileFacts, LogFile
from runner.host.logbook import Logbook, checkpoint_name
from runner.host.past import Decided, Past, read_past
from runner.host.room import StopAsked, Undecided
from runner.host.session import STOPPED, UNKNOWN, Ended, EndedBy, Session, reports
from runner.host.sitting import Identity, began, require_start, session_of
from runner.quorum import fill, quorum_fault
from runner.signing.manifest import read_terms
from runner.signing.statements import StepLine
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from runner.backends.interface import Hsm, Vault
    from runner.host.disk import Disk
    from runner.host.room import Decision
    from runner.host.sitting import Means

STOPPED_BY_PEOPLE: Final = "RUN043"
"""The ceremony was ended by people, outside a step."""

_LATER: Final = frozenset({Outcome.VALID, Outcome.ABORTED, Outcome.UNANCHORED, Outcome.OPEN})
"""What the verifier may find in a record that is gone on with."""

ABANDON: Final = "abandon"
"""What people decide where they give the ceremony up."""


def _quiet(_key: LogKey) -> None:
    return


def look_back(disk: Disk, record: Path) -> Past:
    """Return where a record stands, changing nothing.

    Raises:
        WrongUse: there is no record, or nothing was begun in it.
        EvidenceFault: it cannot be gone on with (LOG070, LOG071, LOG073).
    """
    if not began(disk, record):
        raise WrongUse(f"there is no ceremony in {record}: begin it")
    return read_past(disk, record, disk.read(record / "log.jsonl"))


def require_mine(past: Past, played: Collection[str]) -> None:
    """Return if the step that comes next is at a station that this machine plays.

    Raises:
        WrongUse: it belongs to another machine.
    """
    step = None if past.open is None else past.open[0]
    if past.closed is None and past.aborted is None and step and step.station not in played:
        raise WrongUse(f"the next step, {step.id}, is at {step.station}, which this machine does not play")


def require_approved_software(disk: Disk, record: Path) -> None:
    """Return if the software that goes on is the one that approvers named.

    Raises:
        ControlFault: RUN015, it is another.
    """
    terms = read_terms(disk.read(record / "approval" / "manifest.txt"))
    mine = folder.software(disk)["bundle_sha256"]
    if terms.software != mine:
        raise ControlFault(f"software {terms.software} was approved, and this is {mine}", rule="RUN015")


def resume_ceremony(
    means: Means, record: Path, *, may_decide: bool = False, announce: Callable[[LogKey], None] = _quiet
) -> Ended:
    """Go on with a ceremony.

    Args:
        means: what the sitting has at hand.
        record: the record's folder.
        may_decide: where it is uncertain what a device did, let the step's quorum decide.
        announce: is told the sitting's log key before anything is signed with it.

    Raises:
        WrongUse: there is nothing to go on with here; nothing was written.
        EvidenceFault: the record is not what a crash leaves; nothing was written but a torn tail's copy.
        StepFault: RUN021, a file is not what it was.
        ControlFault: RUN015, this is other software than was approved.
        Uncertain: RUN022, a device did something else than the log knows, and `may_decide` is not set.
    """
    return _Resumption(means, record, announce).run(may_decide=may_decide)


def abort_ceremony(
    means: Means, record: Path, *, by: str, reason: str, announce: Callable[[LogKey], None] = _quiet
) -> Ended:
    """End a ceremony for good, because a person of its roster says so; `announce` as for `resume_ceremony`.

    Raises:
        WrongUse: there is nothing to end, or no such person.
        EvidenceFault, StepFault, ControlFault: as `resume_ceremony`.
        Uncertain: RUN022, what a device did is not known, and the step's people are to decide.
    """
    return _Resumption(means, record, announce).abort(by, reason)


def _uncertain(undecided: Undecided) -> Uncertain:
    return Uncertain(f"{undecided.why}; `ceremony resolve` lets the step's people decide", rule="RUN022")


class _Resumption:
    """A sitting that goes on with a record."""

    def __init__(self, means: Means, record: Path, announce: Callable[[LogKey], None]) -> None:
        self._means = means
        self._record = record
        self._announce = announce
        self._disk = means.disk
        if not began(self._disk, record):
            raise WrongUse(f"there is no ceremony in {record}: begin it")
        self._log = LogFile.open(self._disk, record / "log.jsonl")

    def run(self, *, may_decide: bool) -> Ended:
        try:
            past = self._look()
            undecided = self._standing(past)
            if undecided is not None and not may_decide:
                raise _uncertain(undecided)
            self._require_files(past, devices=undecided is None and not past.resolved)
            logbook, session = self._begin(past)
            ended = self._go_on(past, logbook, session, undecided)
        finally:
            self._log.close()
        folder.finish(self._disk, self._record)
        return ended

    def abort(self, by: str, reason: str) -> Ended:
        try:
            past = self._look()
            if past.checked.plan.person(by) is None:
                raise WrongUse(f"{by} is not on the roster")
            if (undecided := self._standing(past)) is not None:
                raise _uncertain(undecided)
            self._require_files(past, devices=not past.resolved)
            _, session = self._begin(past)
            ended = session.end(STOPPED_BY_PEOPLE, by=by, reason=reason)
            past.course.engine.close()
        finally:
            self._log.close()
        folder.finish(self._disk, self._record)
        return ended

    # -- looking, and tidying what a crash leaves ----------------------------------------------------------------------

    def _look(self) -> Past:
        folder.settle(self._disk, self._record)
        self._log.mend(self._record / folder.RECOVERED)
        past = read_past(self._disk, self._record, self._disk.read(self._record / "log.jsonl"))
        if past.closed is not None and past.unsigned == 0:
            names = self._disk.list(self._record)
            if not {*folder.AT_END} <= {*names} or any(_is_half(name) for name in names):
                self._tidy(past)
                folder.reopen(self._disk, self._record)
                folder.finish(self._disk, self._record)
            raise WrongUse(f"the ceremony in {self._record} is over: {past.closed}")
        require_mine(past, self._means.played)
        require_approved_software(self._disk, self._record)
        self._require_whole(past)
        self._tidy(past)
        return past

    def _require_files(self, past: Past, *, devices: bool) -> None:
        """RUN021: every file at a station of this machine is what it was; `devices`: those of the devices too.

        ART010: so is every file that was brought and not read yet.
        """
        step = past.course.engine.step
        here = [(name, fact) for name, fact in past.course.engine.facts.items() if fact.at in self._means.played]
        for artefact, fact in here:
            if step is not None and artefact in (*step.destroys, *step.changes):
                continue  # the step under way may have removed or changed it already
            if fact.size is None:
                most = past.checked.plan.artefact(artefact).at_most
                self._means.stations.require_brought(fact.at, fact.file, fact.sha256, most)
            elif devices or fact.store != "device":
                facts = FileFacts(size=fact.size, sha256=fact.sha256)
                self._means.stations.arrive(fact.store, fact.at, fact.file, facts)
        folder.keep_packages(self._disk, self._record, past.checked.plan, self._means.stations, here)

    def _require_whole(self, past: Past) -> None:
        """Let the verifier look: nothing may be wrong but what a crash leaves over or keeps from being made."""
        unmade = {*folder.AT_END, *past.notes, checkpoint_name(len(past.lines))}
        over = self._left_over(past)
        for finding in verify(self._record, None, rehearsal=True).findings:
            missing = finding.means is Outcome.INCOMPLETE and finding.file in unmade
            stale = bool(over) and finding.file == folder.AT_END[0]  # it was made before the file that is left over
            if finding.means not in _LATER and not missing and not stale and finding.file not in over:
                raise EvidenceFault(f"the record is not what a crash leaves: {finding.line()}", rule="LOG073")

    def _left_over(self, past: Past) -> frozenset[str]:
        """Return what a crash leaves before its entry: a half-written file, the next statement, the next log key.

        Anything else that no entry names is evidence of something else.
        """
        early = (f"statements/{len(past.lines):010d}.", f"keys/log-{past.sitting + 1}.")
        return frozenset(
            name
            for name in self._disk.list(self._record)
            if name.startswith(early) or name.rpartition("/")[2].startswith(".")
        )

    def _tidy(self, past: Past) -> None:
        """Remove what a crash left over, and make checkpoint files that entries hold and the disk lost."""
        for name in sorted(self._left_over(past)):
            self._disk.remove(self._record / name)
        for name, note in past.notes.items():
            self._disk.write_new(self._record / name, note, same_ok=True)

    def _standing(self, past: Past) -> Undecided | None:
        """Ask every device what it did since the log saw it last; return what people must decide, if anything."""
        devices: dict[str, Hsm | Vault] = dict(self._means.hsms)
        if self._means.vault is not None:
            devices[self._means.vault.report().id] = self._means.vault
        for name, device in devices.items():
            if name not in past.known:
                continue
            audit = past.known[name]["audit"]
            since = device.since(audit["head"])
            waiting = past.pending[0] if past.pending is not None and past.pending[1] == name else None
            tries = device.report().audit.size - audit["size"] - len(since.requests)
            may_try = waiting is not None and hasattr(past.course.turn.request, "holders")
            if not since.known:
                why = f"{name} does not know the state the log saw it in: one of the two is an older copy"
            elif since.requests not in ((), (waiting,)):
                others = len(since.requests)
                why = f"{name} performed {others} requests since the log saw it last, and not just the one that waits"
            elif tries and not may_try:
                why = f"{name} saw {tries} tries of passphrases since then, and no request that waits has any"
            else:
                continue
            return self._undecided(past, why, holds=waiting is not None and device.holds(waiting))
        new = tuple(one for one in reports(self._means.hsms, self._means.vault) if one.id not in past.known)
        require_start(past.checked.plan, new)
        return None

    def _undecided(self, past: Past, why: str, *, holds: bool) -> Undecided:
        step = None if past.open is None else past.open[0]
        request = past.course.turn.request if past.pending is not None else None
        decisions = [ABANDON]
        if request is not None and step is not None:
            if holds:
                decisions.insert(0, "happened")
            if step.repeat == "safe" or not holds:
                decisions.insert(0 if not holds else 1, "redo")
        lines = [
            f"{one.id} {one.serial}: {one.inventory.mode}, world {one.inventory.world or 'none'}, "
            f"{len(one.inventory.keys)} keys, {len(one.inventory.cards)} cards, audit {one.audit.size} {one.audit.head}"
            for one in reports(self._means.hsms, self._means.vault)
        ]
        return Undecided(
            step="" if step is None else step.id,
            request=None if request is None else type(request).__name__,
            why=why,
            holds=tuple(lines),
            needs=() if step is None else step.quorum,
            decisions=tuple(decisions),
        )

    # -- the sitting ---------------------------------------------------------------------------------------------------

    def _begin(self, past: Past) -> tuple[Logbook, Session]:
        """Announce the sitting: its key, what was recovered, a checkpoint over both."""
        means, sitting = self._means, past.sitting + 1
        folder.reopen(self._disk, self._record)
        key = LogKey.from_seed(past.origin, means.draw(32))
        self._announce(key)
        folder.keep_key(self._disk, self._record, key, sitting)
        logbook = Logbook(self._disk, self._record, key, means.clock, log=self._log, before=past.lines)
        logbook.append(
            folder.resumed(
                self._disk,
                sitting=sitting,
                key=key,
                stations=means.played,
                environment_sha256=means.environment_sha256,
                unsigned=past.unsigned,
                devices=reports(means.hsms, means.vault),
            )
        )
        for name in self._disk.list(self._record / folder.RECOVERED):
            offset, _, rest = name.partition("-")
            sha256 = rest.removesuffix(".bin")
            if sha256 not in past.mentioned:
                size = self._disk.hash_file(self._record / folder.RECOVERED / name).size
                data: dict[str, Any] = {"offset": int(offset), "size": size, "sha256": sha256}
                logbook.append(Said(type=EntryType.LOG_RECOVERED, step=None, attempt=None, data=data))
        logbook.checkpoint()
        identity = Identity(
            plan=past.checked.plan,
            ceremony=past.ceremony,
            signers=past.signers,
            rehearsal=bool(past.opened["rehearsal"]),
        )
        return logbook, session_of(means, self._record, logbook, identity, past.course)

    def _go_on(self, past: Past, logbook: Logbook, session: Session, undecided: Undecided | None) -> Ended:
        engine = past.course.engine
        try:
            session.attend(past.unsigned)
            if past.closed is not None or past.aborted is not None:
                return session.close_again(past.closed or "aborted", past.aborted, past.ended_by)
            if (by := self._abandoned(past, logbook, session, undecided)) is not None:
                engine.close()
                return session.abandon(UNKNOWN, by)
        except StopAsked:
            return session.suspend(STOPPED if undecided is None else UNKNOWN)
        finally:
            if past.closed is not None or past.aborted is not None:
                engine.close()
        return session.run()

    def _abandoned(self, past: Past, logbook: Logbook, session: Session, undecided: Undecided | None) -> EndedBy | None:
        """Return who abandoned the ceremony, now or in a sitting before that broke off there; None where nobody did."""
        if undecided is not None:
            return self._resolve(past, logbook, session, undecided)
        if past.decided is None:
            return None
        decided = past.decided
        if set(decided.people) - decided.attested.keys():
            self._attest_still(past, decided, session)
        return past.ended_by if decided.decision == ABANDON else None

    def _attest_still(self, past: Past, decided: Decided, session: Session) -> None:
        """Have those attest to a decision who did not before the sitting that made it broke off."""
        plan = past.checked.plan
        step = next((item for item in plan.steps if decided.step is not None and item.id == decided.step[0]), None)
        people = [
            replace(person, roles=(decided.attested[person.id],)) if person.id in decided.attested else person
            for person in plan.people
            if person.id in decided.people
        ]
        roles = fill(people, () if step is None else step.quorum, past.course.engine.instead) or {}
        still = [
            Acting(person=person, role=role) for person, role in sorted(roles.items()) if person not in decided.attested
        ]
        attempt = 1 if decided.step is None else decided.step[1]
        line = None if step is None else StepLine(id=step.id, attempt=attempt, title=step.title)
        session.testify(still, Occasion(about="resolution", signed=False, step=line, value=decided.decision))

    def _resolve(self, past: Past, logbook: Logbook, session: Session, undecided: Undecided) -> EndedBy | None:
        """Let the step's quorum decide, write it down, and have each of them attest to it.

        Returns:
            those who decided to abandon the ceremony; None where they decided something else.
        """
        engine = past.course.engine
        decision = self._means.room.decide(undecided, engine.present)
        self._require_decision(past, undecided, decision)
        step, attempt = past.open or (None, None)
        data: dict[str, Any] = {
            "decision": decision.decision,
            "read_back": True,
            "people": sorted(one.person for one in decision.people),
            "reason": decision.reason,
            "devices": [to_data(one) for one in reports(self._means.hsms, self._means.vault)],
        }
        said = Said(
            type=EntryType.STEP_RESOLVED,
            step=None if step is None else step.id,
            attempt=attempt,
            data=data,
        )
        logbook.append(said, tuple(data["people"]))
        logbook.checkpoint()
        line = None if step is None or attempt is None else StepLine(id=step.id, attempt=attempt, title=step.title)
        session.testify(decision.people, Occasion(about="resolution", signed=False, step=line, value=decision.decision))
        if decision.decision == "redo":
            session.redo()
        if decision.decision != ABANDON:
            return None
        return EndedBy(people=tuple(data["people"]), because=decision.reason)

    def _require_decision(self, past: Past, undecided: Undecided, decision: Decision) -> None:
        if decision.decision not in undecided.decisions:
            raise ControlFault(f"{decision.decision} cannot be decided here", rule="RUN022")
        engine = past.course.engine
        step = None if past.open is None else past.open[0]
        if step is not None and (
            words := quorum_fault(
                past.checked.plan, step, decision.people, present=engine.present, acted={}, instead=engine.instead
            )
        ):
            raise ControlFault(words, rule="QUO008")


def _is_half(name: str) -> bool:
    """Say whether a file of the record is one that was being written."""
    return name.rpartition("/")[2].startswith(".")
