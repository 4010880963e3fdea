"""A record, and what is known from outside, become a verdict.

In this order: (1) the folder is listed; (2) trust file, policy, registry and plan are read; (3) the log is read once,
line by line: hashed, parsed, put into the tree, held to the plan; (4) checkpoints, keys, approvals, statements and all
other files are held to what the log says; (5) every finding is weighed. What must be there comes from the format, the
plan and what is known from outside, never from what there is.

The module is longer than others because that order is its whole point.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.verification import approvals
from runner.verification.accounting import Told, account
from runner.verification.approvals import hold_approvals, signature_file
from runner.verification.attestations import hold_statements, statement_file
from runner.verification.checkpoints import Checkpoints, file_name
from runner.verification.companion import Doubt, can_help, read_with_companion
from runner.verification.demands import known_before, meet_policy
from runner.verification.earlier import seen_otherwise
from runner.verification.folder import Folder
from runner.verification.log import Entry, LooseEnd, read_log
from runner.verification.log_keys import LogKeys
from runner.verification.opening import as_known, of_its_kind, of_their_kind, of_this_log
from runner.verification.outside import Outside, bring
from runner.verification.people_keys import hold_keys, written_keys
from runner.verification.plan import Plan, read_plan
from runner.verification.reading import ShapeError
from runner.verification.spelling import Spelling, fastest
from runner.verification.story import Story
from runner.verification.telling import Signed, facts_of, notes_of
from runner.verification.verdict import Facts, Finding, Outcome, Verdict, judge

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 100
"""No more findings than these are kept; the first ones say what happened."""

BIG: Final = 16 << 20
"""A log of so many bytes takes longer to read than a second process takes to begin."""

_LOG: Final = "log.jsonl"
_BEGINNINGS: Final = frozenset({"ceremony.opened", "ceremony.resumed"})


def verify(
    folder: Path,
    trust: Path | None,
    *,
    rehearsal: bool,
    policy: Path | None = None,
    registry: Path | None = None,
    spelling: Spelling | None = None,
    big: int = BIG,
) -> Verdict:
    """Return the verdict on a record.

    Args:
        folder: the record.
        trust: the trust file, from outside the record; None where there is none.
        rehearsal: whether the record may be that of a rehearsal.
        policy: what is demanded beyond what the record asks of itself, from outside it; None where nothing is.
        registry: what was seen before, from outside the record; None where nothing is known.
        spelling: what parses and spells JSON; None: the fastest there is.
        big: a log of so many bytes is read by two processes, where the machine has cores for them.
    """
    try:
        record = Folder(folder)
    except OSError:
        words = f"{folder} is no folder that can be read"
        finding = Finding(rule="LOG022", words=words, means=Outcome.UNVERIFIABLE)
        return judge((finding,), Facts())
    spelling = spelling or fastest()
    if record.size(_LOG) >= big and can_help():
        try:
            return _Examination(record, spelling, rehearsal=rehearsal, alone=False).run(trust, policy, registry)
        except Doubt:
            pass  # somebody has to find the words for it, one line after the other
    return _Examination(record, spelling, rehearsal=rehearsal, alone=True).run(trust, policy, registry)


class _Examination:
    """One verification under way: what was read so far, and what was found."""

    def __init__(self, record: Folder, spelling: Spelling, *, rehearsal: bool, alone: bool) -> None:
        self._record = record
        self._spelling = spelling
        self._alone = alone
        self._rehearsal_allowed = rehearsal
        self._findings: list[Finding] = []
        self._outside = Outside()
        self._plan: Plan | None = None
        self._opened: Entry | None = None
        self._software: list[Entry] = []
        self._written: dict[str, str] = {}
        self._story: Story | None = None
        self._checkpoints = Checkpoints()
        self._log_keys = LogKeys()
        self._broken = False

    def run(self, trust: Path | None, policy: Path | None, registry: Path | None) -> Verdict:
        self._outside, found = bring(self._record, trust=trust, policy=policy, registry=registry)
        self._add(*found)
        self._read_plan()
        self._read_log()
        closed = self._ending()
        ended = self._story is not None and self._story.sittings.end != ""
        if self._opened is not None and not self._broken:
            self._add(*self._checkpoints.files(self._record, ended=closed or ended))
        self._add(*self._log_keys.held(self._record))
        signed = self._signed()
        self._demands(signed)
        self._files(closed=closed, ended=closed or ended)
        tree, opened, plan, story = self._checkpoints.tree, self._opened, self._plan, self._story
        facts = facts_of(opened, plan=plan, story=story, tree=tree, signed=signed)
        return judge(tuple(self._findings), facts, notes_of(plan, story, signed, self._outside.registry))

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            if len(self._findings) < MOST or all(kept.means is not finding.means for kept in self._findings):
                self._findings.append(finding)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read_plan(self) -> None:
        """LOG022: there is a plan. LOG027: it is one of this format."""
        content = self._record.read("plan.json")
        if content is None:
            self._add(_missing("plan.json"))
            return
        try:
            self._plan = read_plan(content)
        except ShapeError as error:
            self._add(Finding(rule="LOG027", file="plan.json", words=str(error)))

    def _read_log(self) -> None:
        """LOG022: there is a log. Its lines: `runner.verification.log`."""
        if not self._record.has(_LOG):
            self._add(_missing(_LOG))
            return
        if self._outside.registry is not None:
            self._checkpoints = Checkpoints(frozenset(size for _log, size, _root in self._outside.registry.checkpoints))
        try:
            if not self._alone:
                self._read_with_companion()
                return
            with closing(self._record.lines(_LOG)) as pieces:
                for item in read_log(pieces, self._spelling):
                    self._item(item)
        except OSError:
            words = "the log cannot be read"
            self._add(Finding(rule="LOG022", file=_LOG, words=words, means=Outcome.UNVERIFIABLE))

    def _read_with_companion(self) -> None:
        with closing(read_with_companion(self._record, _LOG, self._checkpoints, self._spelling)) as items:
            for item in items:
                if isinstance(item, Checkpoints):
                    self._checkpoints = item
                elif found := self._entry(item):
                    self._add(*found)

    def _item(self, item: Entry | Finding | LooseEnd) -> None:
        if isinstance(item, Entry):
            if found := self._entry(item):
                self._add(*found)
            return
        if isinstance(item, LooseEnd):
            item = item.finding(last=self._checkpoints.mends(self._record, item))
        self._broken = item.means is Outcome.TAMPERED
        self._add(item)

    def _entry(self, entry: Entry) -> list[Finding]:
        if entry.seq == 0 or entry.type in _BEGINNINGS:
            return self._beginning(entry)
        told = () if self._story is None else self._story.feed(entry)
        return [*told, *self._checkpoints.feed(entry)] if self._alone else [*told]

    def _beginning(self, entry: Entry) -> list[Finding]:
        found: list[Finding] = []
        if entry.seq == 0:
            found += self._open(entry)
        if self._opened is not None and entry.type in _BEGINNINGS:
            found += self._log_keys.sit(entry)
            if self._alone:
                found += self._checkpoints.sit(entry, self._log_keys.current)
            found += of_their_kind(entry.data["devices"], rehearsal=self._opened.data["rehearsal"], seq=entry.seq)
            self._software.append(entry)
        if self._story is not None:
            found += self._story.feed(entry)
        if self._alone:
            found += self._checkpoints.feed(entry)
        return found

    def _open(self, entry: Entry) -> list[Finding]:
        """LOG008: a log begins with the opening. A trust file about another log is set aside: it is no anchor here."""
        if entry.type != "ceremony.opened":
            return [Finding(rule="LOG008", seq=0, words="the log does not begin with the opening of a ceremony")]
        self._opened = entry
        found = [*of_its_kind(entry, rehearsal_allowed=self._rehearsal_allowed)]
        if self._outside.trust is not None and (others := [*of_this_log(entry, self._outside.trust)]):
            found += others
            self._outside = replace(self._outside, trust=None)
        found += as_known(entry, self._plan, self._outside.trust)
        if self._plan is not None and self._plan.sha256 == entry.data["plan_sha256"]:
            self._written = written_keys(self._record, self._plan, entry, self._outside.trust)
            simulated = None if self._outside.trust is None else self._outside.trust.simulated
            self._story = Story(self._plan, entry, simulated, frozenset(self._written))
        return found

    def _ending(self) -> bool:
        """LOG060: the ceremony was closed. LOG061: it was completed. Return whether it was closed."""
        if self._opened is None:
            if not any(finding.file == _LOG or finding.seq == 0 for finding in self._findings):
                self._add(Finding(rule="LOG022", file=_LOG, words="no entry in it", means=Outcome.INCOMPLETE))
            return False
        story = self._story
        if story is None or ((self._broken or story.lost) and story.ends.closed is None):
            return False
        if story.ends.closed is None:
            if self._record.has(file_name(self._checkpoints.tree.size)):
                self._add(*story.sealed(self._checkpoints.tree.size - 1))
            words = f"the ceremony has no end: {story.sittings.end or 'it goes on, broke off, or its end was cut off'}"
            last = self._checkpoints.tree.size - 1
            self._add(Finding(rule="LOG060", seq=last, words=words, means=Outcome.OPEN))
        elif story.ends.aborted is not None:
            seq, rule = story.ends.aborted
            self._add(Finding(rule="LOG061", seq=seq, words=f"it was aborted by {rule}", means=Outcome.ABORTED))
        return story.ends.closed is not None

    # -- holding what was read to the rest -------------------------------------------------------------------------

    def _signed(self) -> Signed | None:
        """Hold what people signed to the log; what the log keys are believed by comes before the rest of it."""
        plan, opened, story = self._plan, self._opened, self._story
        if plan is None or opened is None or story is None:
            return None
        keys, found = hold_keys(self._record, plan, opened, self._outside.trust, self._written)
        attested, faults = hold_statements(self._record, story.gates.statements, keys)
        if self._outside.trust is not None:
            self._add(*self._log_keys.believed(self._outside.trust, attested.vouched))
        approved, more = hold_approvals(self._record, plan, opened, keys)
        self._add(*found, *more, *faults)
        if approved.terms is not None:
            for entry in self._software:
                self._add(*approvals.of_software(approved.terms, entry))
        self._add(*approvals.apart(plan, approved.people, story.people.acted))
        return Signed(keys=keys, approved=approved, attested=attested)

    def _demands(self, signed: Signed | None) -> None:
        opened, story = self._opened, self._story
        if opened is None or story is None or signed is None:
            return
        origin = opened.data["origin"]
        if self._outside.policy is not None:
            demands = meet_policy(
                self._outside.policy,
                origin=origin,
                plan_sha256=opened.data["plan_sha256"],
                approved=signed.approved.people,
                closed=signed.attested.closed,
                typed=story.gates.typed,
            )
            self._add(*demands)
        if self._outside.registry is not None:
            seen = known_before(
                self._outside.registry,
                origin=origin,
                ceremony=opened.data["ceremony"],
                size=self._checkpoints.tree.size,
                roots=self._checkpoints.roots,
                terms=signed.approved.terms,
            )
            self._add(*seen)
            if self._plan is not None:
                self._add(*seen_otherwise(self._plan.records, self._outside.registry))

    def _files(self, *, closed: bool, ended: bool) -> None:
        """Hold all files to plan and log: `runner.verification.accounting`."""
        missing = {finding.file for finding in self._findings if finding.rule == "LOG022"}
        story, opened = self._story, self._opened
        names = {*self._log_keys.files}
        if opened is not None:
            names |= {signature_file(item["person"]) for item in opened.data["approvals"]}
        for statement in () if story is None else story.gates.statements:
            name = statement_file(statement.seq, statement.person)
            names |= {name} if statement.signature_sha256 is None else {name, f"{name}.sshsig"}
        told = Told(
            names=frozenset(names),
            made={} if story is None else story.artefacts.transferred(),
            recovered=() if story is None else tuple(story.sittings.recovered),
            entries=self._checkpoints.tree.size,
            sittings=0 if story is None else story.sittings.number + 1,
            over=closed and self._record.has(file_name(self._checkpoints.tree.size)),
            ended=ended,
            whole=story is not None and not self._broken and not story.lost,
        )
        self._add(*account(self._record, self._plan, told, missing=missing))


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
