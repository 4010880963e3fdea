"""Records as large as one likes, made deterministically and written as they are made: what `verification.py` measures.

`python bench/big_record.py FOLDER [--entries 1000000]` writes the record of a rehearsal whose steps fail and begin
again many times: readings that are not as expected, each typed by somebody who acts. `--steps 1000 --sign-off signed`
writes one where every step is done at once and two people sign what they agree to and what they saw.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from runner import canonical
from runner.audit.note import LogKey
from runner.audit.tree import Frontier, leaf
from runner.canonical import file_digest
from runner.signing.sshsig import SimulatedSigner
from runner.verification.instructions import VERIFY_TXT
from runner.verification.manifest import Terms, rebuild_manifest, rebuild_sums
from runner.verification.signers import ATTEST, allowed_signers
from runner.verification.statements import rebuild_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "ceremony.example/big"
BEGIN = dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC)
EVERY = 256
READINGS = ("counter", "humidity", "temperature")
ASK = (
    "What does the instrument on the left-hand door of the cabinet say for the {}, as it stands now, not rounded? "
    "Read the last digit twice, say it aloud, wait until the witness has read it too, and type what both of you saw, "
    "with the number of the seal."
)
PEOPLE = {"dana": "operator", "emil": "witness"}
NEEDS = [{"role": role, "count": 1, "holders_of": None} for role in PEOPLE.values()]
ACTING = {"acting": [{"person": person, "role": role} for person, role in PEOPLE.items()]}
UNBOUND = {"of": [], "pattern": None, "at_least": None, "at_most": None, "max_length": None}
PER_ATTEMPT = 2 * (2 + len(READINGS)) + 2
SOURCES = {"big.ceremony.yaml": ("playbook", b"format: ceremony/1\n"), "big.roster.yaml": ("roster", b"people\n")}
TERMS = Terms(
    approval="ab" * 16,
    not_before=dt.date(2026, 11, 20),
    not_after=dt.date(2026, 12, 20),
    software="22" * 32,
    version="0.1.0",
)


def plan(steps: int, sign_off: str) -> dict[str, Any]:
    """Return a plan of steps in which two people do something by hand and type what instruments say."""
    return {
        "format": "plan/1",
        "ceremony": {
            "id": "big",
            "title": "Big",
            "version": "1.0",
            "owner": "key-office@example.com",
            "review_by": "2027-06-30",
            "procedure": None,
            "edition": None,
            "language": "en",
        },
        "region": None,
        "parameters": [],
        "sources": [
            {"file": name, "role": role, "size": len(content), "sha256": file_digest(content)}
            for name, (role, content) in SOURCES.items()
        ],
        "trust": [],
        "records": [],
        "stations": [{"id": "offline", "title": "Offline", "network": False}],
        "devices": [],
        "media": [],
        "roles": [{"id": role, "title": role.title()} for role in PEOPLE.values()],
        "separation": [[*PEOPLE.values()]],
        "card_sets": [],
        "people": [
            {"id": ident, "name": ident.title(), "roles": [role], "key": None, "cards": [], "stands_in_for": None}
            for ident, role in PEOPLE.items()
        ],
        "starts_with": [],
        "ends_with": [],
        "artefacts": [],
        "approvals": {"plan": [], "close": [], "days": None},
        "inventory": [],
        "exceptions": [],
        "waivers": [],
        "minutes": steps,
        "steps": [step(number, sign_off) for number in range(steps)],
    }


def step(number: int, sign_off: str) -> dict[str, Any]:
    """Return one step."""
    kinds = (("gather_people", 1, 1), ("ask_value", len(READINGS), 3 * len(READINGS)), ("do_by_hand", 1, 1))
    return {
        "id": f"reading-{number:04d}",
        "action": "do_by_hand@1",
        "part": "All of it",
        "title": f"Read the instruments of cabinet {number}",
        "station": "offline",
        "device": None,
        "minutes": 1,
        "quorum": NEEDS,
        "say": None,
        "note": None,
        "caution": None,
        "left_out": None,
        "repeat": "safe",
        "sign_off": sign_off,
        "settings": {},
        "uses": [],
        "makes": [],
        "changes": [],
        "destroys": [],
        "asks": [
            {"name": name, "type": "text", "ask": ASK.format(name), "twice": False, **UNBOUND} for name in READINGS
        ],
        "expect": [{"result": READINGS[-1], "equals": {"value": "21.50 C"}}],
        "command": None,
        "requests": [{"kind": kind, "mutates": False, "least": least, "most": most} for kind, least, most in kinds],
    }


class Pen:
    """Writes entries to the log as they come, with a checkpoint wherever one must be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = (folder / "log.jsonl").open("wb")
        self._tree = Frontier()
        self._prev = "0" * 64
        self._last = 0
        self._sums: dict[str, str] = {}
        self._whole = hashlib.sha256()
        self._place: tuple[str | None, int | None] = (None, None)
        self.key = LogKey.from_seed(ORIGIN, bytes(range(32)))
        self.signers = {name: SimulatedSigner.from_seed(hashlib.sha256(name.encode()).digest()) for name in PEOPLE}

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._tree.size

    def file(self, name: str, content: bytes) -> None:
        """Write a file of the record."""
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self._sums[name] = file_digest(content)

    def at(self, ident: str | None, attempt: int | None) -> None:
        """Begin an attempt at a step, or what stands outside steps."""
        self._place = (ident, attempt)

    def entry(self, kind: str, data: dict[str, Any], actors: tuple[str, ...] = ()) -> None:
        """Write an entry, behind a checkpoint where 256 entries had none and a reply is not the next."""
        if self.size - self._last >= EVERY and kind != "reply":
            self.checkpoint()
        self._write(kind, data, *self._place, actors)

    def exchange(
        self, kind: str, request: dict[str, Any], answer: str, reply: dict[str, Any], actors: tuple[str, ...] = ()
    ) -> None:
        """Write a request that changes nothing, and its reply."""
        self.entry("request", {"kind": kind, "device": None, "mutates": False, "request": request})
        self.entry("reply", {"to": self.size - 1, "kind": answer, "reply": reply, "device": None}, actors)

    def checkpoint(self) -> str:
        """Write a checkpoint and return the text that is signed."""
        size = self.size
        note = self._seal()
        self._write("checkpoint", {"size": size, "note": note}, None, None, ())
        self._last = size
        return note.partition("\n\n")[0] + "\n"

    def end(self) -> None:
        """Write what a sitting ends with."""
        self._seal()
        self._log.close()
        self._sums["log.jsonl"] = self._whole.hexdigest()
        self.file("keys/log-0.vkey", self.key.vkey.encode() + b"\n")
        self.file("keys/log-0.pub.pem", self.key.public_pem())
        self.file("VERIFY.txt", VERIFY_TXT)
        lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(self._sums.items()))
        (self._folder / "SHA256SUMS").write_text(lines)

    def _seal(self) -> str:
        note = self.key.checkpoint(self.size, self._tree.root())
        self.file(f"checkpoints/{self.size:010d}.ckpt", note.encode())
        return note

    def _write(
        self, kind: str, data: dict[str, Any], ident: str | None, attempt: int | None, actors: tuple[str, ...]
    ) -> None:
        seq = self.size
        moment = BEGIN + dt.timedelta(microseconds=100_003 * seq)
        entry = {
            "v": 1,
            "seq": seq,
            "prev": self._prev,
            "time": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            "mono_us": 100_003 * seq,
            "boot": "00000000deadbeef",
            "type": kind,
            "step": ident,
            "attempt": attempt,
            "actors": actors,
            "data": data,
        }
        line = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
        hashed = leaf(line)
        self._prev, self._tree = hashed.hex(), self._tree.add(hashed)
        self._log.write(line + b"\n")
        self._whole.update(line + b"\n")


def opening(pen: Pen, content: bytes, manifest: bytes, signers: bytes) -> dict[str, Any]:
    """Return the data of entry 0."""
    return {
        "record": "record/1",
        "ceremony": "0f" * 16,
        "origin": ORIGIN,
        "rehearsal": True,
        "sitting": 0,
        "stations": ["offline"],
        "plan_sha256": file_digest(content),
        "manifest_sha256": file_digest(manifest),
        "approvals": [],
        "signers": "simulated",
        "allowed_signers_sha256": file_digest(signers),
        "trust": {"list": "simulated", "sha256": file_digest(canonical.encode([]))},
        "environment_sha256": None,
        "runner": {"version": "0.1.0", "bundle_sha256": "22" * 32},
        "log_key": pen.key.vkey,
        "devices": [],
        "beacon": None,
        "previous": None,
    }


def values(ident: str, attempt: int) -> Iterator[tuple[str, str]]:
    """Give the readings of an attempt: no two attempts have the same, and none is the expected one."""
    drawn = hashlib.sha256(f"{ident} {attempt}".encode()).digest()
    for place, name in enumerate(READINGS):
        number = int.from_bytes(drawn[4 * place : 4 * place + 4])
        seal = f"{number:010d}"
        dial = f"{number % 100}.{number // 100 % 100000:05d} on the dial"
        yield name, f"{dial}, seal {seal[:5]}-{seal[5:]} is whole, read by both, nothing else to report"


def attempt_at(pen: Pen, planned: dict[str, Any], number: int, *, last: bool) -> None:
    """Write an attempt at a step: one that comes out otherwise than expected, or the last one."""
    typed = dict(values(planned["id"], number))
    if last:
        typed[READINGS[-1]] = "21.50 C"
    pen.at(planned["id"], number)
    pen.entry("step.begun", {"title": planned["title"]})
    pen.exchange("gather_people", {"needs": NEEDS}, "people_gathered", ACTING)
    attest(pen, planned, number, "consent", ())
    pen.exchange("do_by_hand", {"title": planned["title"]}, "hands_done", {"person": "dana"}, ("dana",))
    for name, value in typed.items():
        request = {"name": name, "ask": ASK.format(name), "type": "text"}
        pen.exchange("ask_value", request, "value_given", {"value": value, "person": "dana"}, ("dana",))
    compared = {"result": READINGS[-1], "expected": "21.50 C", "found": typed[READINGS[-1]]}
    if not last:
        pen.entry("step.failed", {"rule": "RUN002", "status": None, **compared})
        return
    attest(pen, planned, number, "result", tuple(typed.items()))
    results = [{"name": name, "value": value} for name, value in typed.items()]
    comparison = {**compared, "against": "plan", "published": None}
    pen.entry("step.done", {"results": results, "made": [], "destroyed": [], "comparisons": [comparison]})


def attest(pen: Pen, planned: dict[str, Any], number: int, about: str, results: tuple[tuple[str, str], ...]) -> None:
    """Have both people attest, where the step is signed off."""
    if planned["sign_off"] == "none":
        return
    size, checkpoint = pen.size, pen.checkpoint()
    for person, role in PEOPLE.items():
        text = rebuild_statement(
            about=about,
            ceremony="0f" * 16,
            title="Big",
            rehearsal=True,
            step=(planned["id"], number, planned["title"]),
            person=(person, person.title()),
            role=role,
            sentence_value=None,
            results=results,
            files=(),
            destroyed=(),
            checkpoint=checkpoint,
        )
        name = f"statements/{pen.size:010d}.{person}.txt"
        pen.file(name, text)
        signature = None
        if planned["sign_off"] == "signed":
            armoured = pen.signers[person].sign(ATTEST, text)
            pen.file(f"{name}.sshsig", armoured)
            signature = file_digest(armoured)
        made = {"about": about, "how": "typed" if signature is None else "signed", "size": size}
        digests = {"statement_sha256": file_digest(text), "signature_sha256": signature}
        pen.entry("attested", {"person": person, "role": role, **made, **digests}, (person,))


def write(base: Path, *, entries: int, steps: int, sign_off: str = "none") -> tuple[Path, Path]:
    """Write a record and its trust file.

    Args:
        base: the folder that both go to; it is there and empty.
        entries: at least so many entries; the steps fail as often as that takes.
        steps: how many steps.
        sign_off: none, typed or signed; with signatures, no step fails.

    Returns:
        The record's folder and the trust file.
    """
    folder = base / "record"
    folder.mkdir()
    planned = plan(steps, sign_off)
    content = canonical.encode(planned)
    pen = Pen(folder)
    keys = [(name, signer.public) for name, signer in pen.signers.items()]
    manifest, signers = rebuild_manifest(planned, file_digest(content), TERMS), allowed_signers(keys)
    for name, (_role, source) in SOURCES.items():
        pen.file(f"source/{name}", source)
    pen.file("plan.json", content)
    pen.file("keys/allowed_signers", signers)
    pen.file("approval/manifest.txt", manifest)
    pen.file("approval/sums.txt", rebuild_sums(file_digest(content), planned["sources"]))
    pen.entry("ceremony.opened", opening(pen, content, manifest, signers))
    pen.checkpoint()
    for person, role in PEOPLE.items():
        pen.entry("person.present", {"person": person, "roles": [role]})
    attempts = max(1, -(-entries // (steps * PER_ATTEMPT)))
    for item in planned["steps"]:
        for number in range(1, attempts + 1):
            attempt_at(pen, item, number, last=number == attempts)
    pen.at(None, None)
    pen.entry("ceremony.closed", {"outcome": "completed", "devices": []})
    pen.end()
    trust = base / "trust.json"
    given = {"format": "trust/1", "origin": ORIGIN, "log_keys": [pen.key.vkey], "plan_sha256": None}
    people = [{"person": name, "key": key} for name, key in keys]
    lists = [{"list": "simulated", "values": []}]
    trust.write_text(json.dumps(given | {"people": people, "trust_lists": lists}))
    return folder, trust


def main() -> None:
    """Write one record."""
    parser = argparse.ArgumentParser(description="Write a large record and its trust file to a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entries", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--sign-off", choices=("none", "typed", "signed"), default="none")
    args = parser.parse_args()
    args.folder.mkdir(parents=True)
    folder, trust = write(args.folder, entries=args.entries, steps=args.steps, sign_off=args.sign_off)
    print(f"{folder}: {(folder / 'log.jsonl').stat().st_size} bytes of log; trust file {trust}")


if __name__ == "__main__":
    main()
