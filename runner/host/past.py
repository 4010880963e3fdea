"""A record read back by the program that wrote it: where the ceremony stands, rebuilt from its log.

The module is longer than others because one pass over the log gathers all of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from runner.audit.entry import Entry, EntryType, decode_entry
from runner.audit.tree import leaf
from runner.canonical import NotCanonical, file_digest
from runner.check import check
from runner.errors import Defect, EvidenceFault
from runner.exchange import Acting
from runner.history import rebuild
from runner.host.logbook import Written, checkpoint_name
from runner.host.record import Signers
from runner.host.session import Course, EndedBy
from runner.host.simulated import simulated_list
from runner.plan import CheckedPlan, parse_plan, published

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner.engine import Engine
    from runner.host.disk import Disk
    from runner.plan import Plan, PlannedStep, TrustList

_GOES_ON: Final = frozenset({EntryType.STEP_BEGUN, EntryType.REPLY, EntryType.CEREMONY_ABORTED})
"""What follows from a decision of the people."""

_ATTEMPT_ENDS: Final = frozenset({EntryType.STEP_BEGUN, EntryType.STEP_DONE, EntryType.STEP_FAILED})
_STEP_ENDS: Final = frozenset({EntryType.STEP_DONE, EntryType.STEP_FAILED, EntryType.STEP_DECLINED})
_ACCOUNTS: Final = frozenset({EntryType.CEREMONY_OPENED, EntryType.REPLY, EntryType.STEP_RESOLVED})
"""What accounts for where a device stands; the beginning and the end of a sitting only show it."""

_SIGNER: Final = re.compile(r'([a-z][a-z0-9-]*) namespaces="[^"]*" (\S+ \S+)')


class Decided(Struct, frozen=True, kw_only=True):
    """What people decided last, where nothing followed from it yet.

    Attributes:
        decision: happened, redo or abandon.
        people: who decided.
        step: the step and the attempt it was decided in; None outside steps.
        attested: who attested to it already, with the role they did it in.
    """

    decision: str
    people: tuple[str, ...]
    step: tuple[str, int] | None
    attested: Mapping[str, str]


class Past(Struct, frozen=True, kw_only=True):
    """What the log of a record says.

    Attributes:
        checked: the plan.
        trust: the list that steps compare with.
        signers: whose signatures count.
        opened: the data of entry 0.
        sitting: the number of the last sitting.
        lines: the log's lines, without their line feeds.
        course: where the ceremony stands.
        open: the step that people decide about, and its attempt: the one under way in the log, or, between two, the one
            that comes next; None where none does. The engine may be ahead of the log by what it says next.
        pending: id and device of the request that waits and changes a device; None where none does.
        decided: what people decided last, None where the course went on since.
        resolved: whether people ever decided so: what devices hold is then what they held, not what files they made.
        known: what each device said of itself when the log last accounted for it, by id.
        closed: the outcome of `ceremony.closed`, None where there is none.
        aborted: the rule of `ceremony.aborted`, None where there is none.
        ended_by: who declined, decided to abandon, or ended the ceremony; None where nobody did.
        failed_at: the step that failed last, None where none did.
        handed_to: the station the last sitting handed over to, None where it did not.
        on_purpose: the last sitting was suspended by people.
        unsigned: how many of the last entries no checkpoint covers.
        mentioned: digests of the torn tails that the log names.
        statements: the paths of the statements and signatures that the log names.
        notes: the checkpoints that have entries, by path.
    """

    checked: CheckedPlan
    trust: TrustList
    signers: Signers
    opened: Mapping[str, Any]
    sitting: int
    lines: tuple[bytes, ...]
    course: Course
    open: tuple[PlannedStep, int] | None
    pending: tuple[str, str] | None
    decided: Decided | None
    resolved: bool
    known: Mapping[str, Mapping[str, Any]]
    closed: str | None
    aborted: str | None
    ended_by: EndedBy | None
    failed_at: str | None
    handed_to: str | None
    on_purpose: bool
    unsigned: int
    mentioned: frozenset[str]
    statements: frozenset[str]
    notes: Mapping[str, bytes]

    @property
    def ceremony(self) -> str:
        """The ceremony's id."""
        return str(self.opened["ceremony"])

    @property
    def at(self) -> str | None:
        """The step that is open; None where there is none."""
        return None if self.open is None else self.open[0].id

    @property
    def head(self) -> str:
        """The leaf hash of the last entry, hex."""
        return leaf(self.lines[-1]).hex()

    @property
    def origin(self) -> str:
        """The name of the log."""
        return str(self.opened["origin"])


def whole_lines(content: bytes) -> tuple[bytes, ...]:
    """Return the lines of a log that have an end, without it."""
    return tuple(content[: content.rfind(b"\n") + 1].splitlines())


def read_past(disk: Disk, record: Path, content: bytes) -> Past:
    """Return where the ceremony of a record stands.

    Args:
        disk: the only way to files.
        record: the record's folder.
        content: the log's bytes; what stands after its last whole line is not looked at.

    Raises:
        EvidenceFault: LOG073, the record cannot be gone on with: a line is not an entry, the plan or a key file is
            not the one entry 0 names, or this version does not make that plan; LOG070, LOG071 from rebuilding.
    """
    lines = whole_lines(content)
    entries = _entries(lines)
    opened = entries[0].data
    plan = disk.read(record / "plan.json")
    _demand(file_digest(plan) == opened["plan_sha256"], "plan.json is not the plan that entry 0 names")
    manifest = disk.read(record / "approval" / "manifest.txt")
    _demand(file_digest(manifest) == opened["manifest_sha256"], "the manifest is not the one that entry 0 names")
    try:
        checked = check(parse_plan(plan))
    except NotCanonical:
        checked = ()
    if not isinstance(checked, CheckedPlan):
        raise EvidenceFault("this version of the runner would not carry out the plan", rule="LOG073")
    simulated = opened["trust"]["list"] == "simulated"
    trust = simulated_list(checked.plan) if simulated else published(checked.plan)
    _demand(trust.sha256 == opened["trust"]["sha256"], "the values to compare with are not those entry 0 names")
    engine, turn = rebuild(checked, trust, entries)
    scan = _Scan()
    for entry, line in zip(entries, lines, strict=True):
        scan.take(entry, line)
    return Past(
        checked=checked,
        trust=trust,
        signers=_signers(disk, record, opened),
        opened=opened,
        sitting=scan.sitting,
        lines=lines,
        course=Course(
            engine=engine, turn=turn, asked=scan.asked, people=scan.people, attested=frozenset(scan.attested)
        ),
        open=_open(checked.plan, engine, scan.begun),
        pending=scan.pending,
        decided=scan.decided,
        resolved=scan.resolved,
        known=scan.known,
        closed=scan.closed,
        aborted=scan.aborted,
        ended_by=scan.ended_by,
        failed_at=scan.failed_at,
        handed_to=scan.handed_to,
        on_purpose=entries[-1].type is EntryType.CEREMONY_SUSPENDED,
        unsigned=0 if disk.exists(record / checkpoint_name(len(lines))) else len(lines) - scan.checkpointed,
        mentioned=frozenset(scan.mentioned),
        statements=frozenset(scan.statements),
        notes=scan.notes,
    )


def _open(plan: Plan, engine: Engine, begun: tuple[str, int] | None) -> tuple[PlannedStep, int] | None:
    """Return the step and attempt that are open: what the log began, or else what the engine is at."""
    if begun is None:
        return None if engine.step is None else (engine.step, engine.attempt)
    step, attempt = begun
    return next(item for item in plan.steps if item.id == step), attempt


def _entries(lines: Iterable[bytes]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for number, line in enumerate(lines):
        try:
            entries.append(decode_entry(line))
        except NotCanonical as error:
            raise EvidenceFault(f"entry {number} is not as it was written: {error}", rule="LOG073") from None
    if not entries or entries[0].type is not EntryType.CEREMONY_OPENED:
        raise EvidenceFault("the log does not begin with the opening of a ceremony", rule="LOG073")
    return tuple(entries)


class _Scan:
    """What is gathered from the entries, one after the other, beside rebuilding the engine."""

    def __init__(self) -> None:
        self.sitting = 0
        self.asked: Written | None = None
        self.begun: tuple[str, int] | None = None
        self.pending: tuple[str, str] | None = None
        self.decided: Decided | None = None
        self.resolved = False
        self.people: tuple[Acting, ...] = ()
        self.attested: set[tuple[str, str]] = set()
        self.known: dict[str, Mapping[str, Any]] = {}
        self.closed: str | None = None
        self.aborted: str | None = None
        self.ended_by: EndedBy | None = None
        self.failed_at: str | None = None
        self.handed_to: str | None = None
        self.checkpointed = 0
        self.mentioned: set[str] = set()
        self.statements: set[str] = set()
        self.notes: dict[str, bytes] = {}

    def take(self, entry: Entry, line: bytes) -> None:  # noqa: C901, PLR0912 (one case per type)
        data = entry.data
        shown = [*data.get("devices", []), *([data["device"]] if isinstance(data.get("device"), dict) else [])]
        for device in shown:
            if entry.type in _ACCOUNTS or device["id"] not in self.known:
                self.known[device["id"]] = device
        if entry.type in _ATTEMPT_ENDS:
            self.attested, self.people = set(), ()
        if entry.type in _GOES_ON:
            self.decided = None
        if entry.type in _STEP_ENDS:
            self.begun = None
        match entry.type:
            case EntryType.CEREMONY_RESUMED:
                self.sitting, self.closed, self.handed_to = data["sitting"], None, None
            case EntryType.STEP_BEGUN if entry.step is not None and entry.attempt is not None:
                self.begun = entry.step, entry.attempt
            case EntryType.REQUEST:
                self.asked = Written(seq=entry.seq, leaf=leaf(line).hex())
                self.pending = (self.asked.leaf, data["device"]) if data["mutates"] else None
            case EntryType.REPLY:
                self.asked = self.pending = None
                if data["kind"] == "people_gathered":
                    self.people = tuple(Acting(**one) for one in data["reply"]["acting"])
            case EntryType.STEP_RESOLVED:
                self._resolved(entry)
            case EntryType.ATTESTED:
                self._statement(entry)
            case EntryType.CHECKPOINT:
                self.checkpointed = data["size"]
                self.notes[checkpoint_name(data["size"])] = data["note"].encode()
            case EntryType.LOG_RECOVERED:
                self.mentioned.add(data["sha256"])
            case EntryType.STATION_HANDED_OVER:
                self.handed_to = data["to"]
            case EntryType.STEP_FAILED:
                self.failed_at = entry.step
            case EntryType.STEP_DECLINED:
                self.ended_by = EndedBy(people=(data["person"],), because=data["reason"])
            case EntryType.CEREMONY_ABORTED:
                self.aborted = data["rule"]
                if data["by"] is not None:
                    self.ended_by = EndedBy(people=(data["by"],), because=data["reason"])
            case EntryType.CEREMONY_CLOSED:
                self.closed = data["outcome"]
            case _:
                pass

    def _resolved(self, entry: Entry) -> None:
        if entry.data["decision"] != "happened":
            self.asked = self.pending = None
        if entry.data["decision"] == "redo":
            self.begun = None
        if entry.data["decision"] == "abandon":
            self.ended_by = EndedBy(people=tuple(entry.data["people"]), because=entry.data["reason"])
        self.resolved = True
        where = None if entry.step is None or entry.attempt is None else (entry.step, entry.attempt)
        self.decided = Decided(
            decision=entry.data["decision"], people=tuple(entry.data["people"]), step=where, attested={}
        )

    def _statement(self, entry: Entry) -> None:
        person = entry.data["person"]
        if entry.data["about"] == "resolution" and self.decided is not None:
            attested = {**self.decided.attested, person: entry.data["role"]}
            self.decided = replace(self.decided, attested=attested)
        self.attested.add((entry.data["about"], person))
        name = f"statements/{entry.seq:010d}.{person}.txt"
        self.statements.add(name)
        if entry.data["signature_sha256"] is not None:
            self.statements.add(f"{name}.sshsig")


def _signers(disk: Disk, record: Path, opened: Mapping[str, Any]) -> Signers:
    content = disk.read(record / "keys" / "allowed_signers")
    same = file_digest(content) == opened["allowed_signers_sha256"]
    _demand(same, "keys/allowed_signers is not the file that entry 0 names")
    keys: dict[str, str] = {}
    for line in content.decode().splitlines():
        match = _SIGNER.fullmatch(line)
        if match is None:
            raise Defect("keys/allowed_signers holds another line than this program writes")
        keys[match[1]] = match[2]
    return Signers(list=opened["signers"], keys=keys)


def _demand(holds: bool, words: str) -> None:  # noqa: FBT001 (it reads as an assertion)
    if not holds:
        raise EvidenceFault(words, rule="LOG073")
