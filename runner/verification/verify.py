"""A record, and what is known from outside, become a verdict.

In this order: (1) the folder is listed; (2) trust file and plan are read; (3) the log is read once, line by line:
hashed, parsed, put into the tree, held to the plan; (4) checkpoints, keys and all other files are held to what the log
says; (5) every finding is weighed. What must be there comes from the format, the plan and the trust file, never from
what there is.
"""

from __future__ import annotations

import base64
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from runner.verification.accounting import account
from runner.verification.checkpoints import Checkpoints
from runner.verification.folder import Folder, open_plain
from runner.verification.log import Entry, read_log
from runner.verification.notes import NoteKey, read_vkey
from runner.verification.plan import Plan, read_plan
from runner.verification.reading import ShapeError
from runner.verification.story import Story
from runner.verification.trust import Trust, list_digest, read_trust
from runner.verification.verdict import Facts, Finding, Outcome, Verdict, judge

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 100
"""No more findings than these are kept; the first ones say what happened."""

_LARGEST_TRUST: Final = 1 << 20


def verify(folder: Path, trust: Path | None, *, rehearsal: bool) -> Verdict:
    """Return the verdict on a record.

    Args:
        folder: the record.
        trust: the trust file, from outside the record; None where there is none.
        rehearsal: whether the record may be that of a rehearsal.
    """
    try:
        record = Folder(folder)
    except OSError:
        words = f"{folder} is no folder that can be read"
        finding = Finding(rule="LOG022", words=words, means=Outcome.UNVERIFIABLE)
        return judge((finding,), Facts())
    return _Examination(record, rehearsal=rehearsal).run(trust)


class _Examination:
    """One verification under way: what was read so far, and what was found."""

    def __init__(self, record: Folder, *, rehearsal: bool) -> None:
        self._record = record
        self._rehearsal_allowed = rehearsal
        self._findings: list[Finding] = []
        self._trust: Trust | None = None
        self._plan: Plan | None = None
        self._opened: Entry | None = None
        self._story: Story | None = None
        self._checkpoints = Checkpoints(None)
        self._broken = False

    def run(self, trust: Path | None) -> Verdict:
        self._read_trust(trust)
        self._read_plan()
        self._read_log()
        closed = self._ending()
        if self._opened is not None and not self._broken:
            self._add(*self._checkpoints.files(self._record, closed=closed))
        self._keys()
        self._files(closed=closed)
        return judge(tuple(self._findings), self._facts())

    def _add(self, *findings: Finding) -> None:
        for finding in findings:
            if len(self._findings) < MOST or all(kept.means is not finding.means for kept in self._findings):
                self._findings.append(finding)

    def _read_trust(self, path: Path | None) -> None:
        """LOG062: there is a trust file. LOG063: it lies outside the record, and is one."""
        if path is None:
            words = "no trust file: nothing outside the record says whose it is"
            self._add(Finding(rule="LOG062", words=words, means=Outcome.UNANCHORED))
            return
        if self._record.holds(path):
            words = "the trust file lies inside the record, so it proves nothing about it"
            self._add(Finding(rule="LOG063", words=words, means=Outcome.UNVERIFIABLE))
            return
        try:
            with open_plain(path) as file:
                self._trust = read_trust(file.read(_LARGEST_TRUST))
        except (OSError, ValueError) as error:
            words = str(error) if isinstance(error, ShapeError) else "the trust file cannot be read"
            self._add(Finding(rule="LOG063", words=words, means=Outcome.UNVERIFIABLE))

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
        if "log.jsonl" not in self._record.names:
            self._add(_missing("log.jsonl"))
            return
        try:
            with closing(self._record.lines("log.jsonl")) as pieces:
                for item in read_log(pieces):
                    self._add(*([item] if isinstance(item, Finding) else self._entry(item)))
                    self._broken = isinstance(item, Finding) and item.means is Outcome.TAMPERED
        except OSError:
            words = "the log cannot be read"
            self._add(Finding(rule="LOG022", file="log.jsonl", words=words, means=Outcome.UNVERIFIABLE))

    def _entry(self, entry: Entry) -> list[Finding]:
        found: list[Finding] = []
        if entry.seq == 0:
            found += self._open(entry)
        elif self._story is not None:
            found += self._story.feed(entry)
        return [*found, *self._checkpoints.feed(entry)]

    def _open(self, entry: Entry) -> list[Finding]:
        """LOG008: a log begins with the opening. LOG014: the log key is a note key of the log's origin."""
        if entry.type != "ceremony.opened":
            return [Finding(rule="LOG008", seq=0, words="the log does not begin with the opening of a ceremony")]
        self._opened = entry
        found: list[Finding] = []
        key: NoteKey | None = None
        try:
            key = read_vkey(entry.data["log_key"])
        except ShapeError as error:
            found.append(Finding(rule="LOG014", seq=0, words=str(error)))
        if key is not None and key.origin != entry.data["origin"]:
            found.append(Finding(rule="LOG014", seq=0, words="the log key is that of another log"))
        self._checkpoints = Checkpoints(key)
        found += self._bound(entry.data)
        found += self._policy(entry.data)
        found += self._anchored(entry.data, key)
        if self._plan is not None and self._plan.sha256 == entry.data["plan_sha256"]:
            simulated = None if self._trust is None else self._trust.simulated
            self._story = Story(self._plan, entry, simulated)
        return found

    def _bound(self, opened: dict[str, Any]) -> list[Finding]:
        """LOG026: entry 0 names the plan by its digest. LOG051: its devices are the plan's, and the vault."""
        if self._plan is None:
            return []
        found: list[Finding] = []
        if self._plan.sha256 != opened["plan_sha256"]:
            found.append(Finding(rule="LOG026", seq=0, file="plan.json", words="it is not the plan that entry 0 names"))
        strangers = {device["id"] for device in opened["devices"]} - {*self._plan.devices, "vault"}
        if strangers:
            words = f"devices that the plan has not: {', '.join(sorted(strangers))}"
            found.append(Finding(rule="LOG051", seq=0, words=words))
        return found

    def _policy(self, opened: dict[str, Any]) -> list[Finding]:
        """Check what kind of record it is.

        SEC001: a rehearsal compares with simulated values and nothing else does. SEC004: a rehearsal is judged only
        where that is asked for. SEC005: a ceremony on an emulator is a rehearsal, and an emulator's serial says SIM.
        """
        rehearsal, simulated = opened["rehearsal"], opened["trust"]["list"] == "simulated"
        found: list[Finding] = []
        if rehearsal is not simulated:
            words = "a real ceremony with simulated values" if simulated else "a rehearsal with the published values"
            found.append(_unverifiable("SEC001", words))
        if rehearsal and not self._rehearsal_allowed:
            found.append(_unverifiable("SEC004", "this is the record of a rehearsal, and that was not asked for"))
        emulators = [device for device in opened["devices"] if device["backend"] == "emulator"]
        if emulators and not rehearsal:
            found.append(_unverifiable("SEC005", "a ceremony on an emulator that does not say it is a rehearsal"))
        if any("SIM" not in device["serial"] for device in emulators):
            found.append(_unverifiable("SEC005", "an emulator whose serial does not say so"))
        return found

    def _anchored(self, opened: dict[str, Any], key: NoteKey | None) -> list[Finding]:
        """Hold entry 0 to the trust file.

        LOG016: the log is the one named from outside. LOG015: its key is one of those. LOG026: so is its plan, where
        the trust file names one. LOG017: the trust list it compares with is the published one, or the one from outside.
        """
        found: list[Finding] = []
        if self._trust is not None:
            if opened["origin"] != self._trust.origin:
                found.append(Finding(rule="LOG016", seq=0, words=f"this is the log {opened['origin']}, not yours"))
            if key not in self._trust.log_keys:
                found.append(Finding(rule="LOG015", seq=0, words="the log is signed by a key that you do not trust"))
            if self._trust.plan_sha256 not in (None, opened["plan_sha256"]):
                found.append(Finding(rule="LOG026", seq=0, words="the plan is not the one you trust"))
        simulated = opened["trust"]["list"] == "simulated"
        published = None if self._plan is None else self._plan.trust
        values = (None if self._trust is None else self._trust.simulated) if simulated else published
        if simulated and self._trust is not None and values is None:
            words = "the trust file has no list of simulated values to compare with"
            found.append(_unverifiable("LOG017", words))
        elif values is not None and list_digest(values) != opened["trust"]["sha256"]:
            found.append(Finding(rule="LOG017", seq=0, words="the values it compares with are not those of its list"))
        return found

    def _ending(self) -> bool:
        """LOG060: the ceremony was closed. LOG061: it was completed. Return whether it was closed."""
        if self._opened is None:
            if not any(finding.file == "log.jsonl" or finding.seq == 0 for finding in self._findings):
                self._add(Finding(rule="LOG022", file="log.jsonl", words="no entry in it", means=Outcome.INCOMPLETE))
            return False
        story = self._story
        if story is None or ((self._broken or story.lost) and story.closed is None):
            return False
        if story.closed is None:
            words = "the ceremony has no end: it goes on, broke off, or its end was cut off"
            last = self._checkpoints.tree.size - 1
            self._add(Finding(rule="LOG060", seq=last, words=words, means=Outcome.OPEN))
        elif story.aborted is not None:
            seq, rule = story.aborted
            self._add(Finding(rule="LOG061", seq=seq, words=f"it was aborted by {rule}", means=Outcome.ABORTED))
        return story.closed is not None

    def _keys(self) -> None:
        """LOG022: the key files are there. LOG014: they hold the key that entry 0 names, and nothing else."""
        key: NoteKey | None = None
        vkey = ""
        if self._opened is not None:
            vkey = self._opened.data["log_key"]
            try:
                key = read_vkey(vkey)
            except ShapeError:
                key = None
        files = {"keys/log-0.vkey": f"{vkey}\n".encode(), "keys/log-0.pub.pem": key.pem() if key else b""}
        for name, expected in files.items():
            content = self._record.read(name)
            if content is None:
                self._add(_missing(name))
            elif key is not None and content != expected:
                self._add(Finding(rule="LOG014", file=name, words="it is not the key that entry 0 names"))

    def _files(self, *, closed: bool) -> None:
        """Hold all files to plan and log: `runner.verification.accounting`."""
        missing = {finding.file for finding in self._findings if finding.rule == "LOG022"}
        made = {} if self._story is None else self._story.artefacts.transferred()
        self._add(*account(self._record, self._plan, made, closed=closed, missing=missing))

    def _facts(self) -> Facts:
        opened = {} if self._opened is None else self._opened.data
        devices = opened.get("devices", [])
        tree, plan = self._checkpoints.tree, self._plan
        return Facts(
            ceremony=opened.get("ceremony"),
            title=None if plan is None else plan.title,
            origin=opened.get("origin"),
            region=None if plan is None else plan.region,
            edition=None if plan is None else plan.edition,
            entries=tree.size,
            root=base64.b64encode(tree.root()).decode() if tree.size else None,
            rehearsal=opened.get("rehearsal", False),
            simulated=any(device["backend"] == "emulator" for device in devices),
            unaudited=() if plan is None else tuple(sorted({*plan.devices} - {device["id"] for device in devices})),
        )


def _missing(name: str) -> Finding:
    return Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)


def _unverifiable(rule: str, words: str) -> Finding:
    return Finding(rule=rule, seq=0, words=words, means=Outcome.UNVERIFIABLE)
