"""A small, complete and valid record of a rehearsal, written as docs/record.md says, without the engine.

`drafts()` is the story; an attack changes the drafts, the plan or entry 0, and `write()` gives them numbers, hashes,
checkpoints and signatures: the result is what somebody who holds the log key could have written. `sums()` makes
SHA256SUMS anew. `python tests/record/synthetic.py FOLDER` writes one to look at.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner import canonical
from runner.audit.entry import BEFORE_FIRST, Entry, EntryType, encode_entry
from runner.audit.note import LogKey
from runner.audit.tree import Frontier, leaf
from runner.verification.instructions import VERIFY_TXT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGIN = "ceremony.example/synthetic"
SEED = bytes(range(32))
TOOLSET = b"toolset" * 100
PACKAGE = b"package" * 50
KEY_FILE = b"key blob"
SOURCES = {"demo.ceremony.yaml": (b"format: ceremony/1\n", "playbook"), "demo.roster.yaml": (b"people\n", "roster")}
PUBLIC = "cHVibGlj"
KEY_HASH = "ab" * 20
GUID = "11111111-2222-4333-8444-555555555555"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def size_and_digest(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": sha(content)}


@dataclass
class Draft:
    """An entry without number, hash and time. `name` is the kind of a request or reply, else the type."""

    type: EntryType
    data: dict[str, Any]
    step: str | None = None
    actors: tuple[str, ...] = ()
    attempt: int = 1

    @property
    def name(self) -> str:
        return str(self.data.get("kind", self.type.value))


@dataclass
class Written:
    """A record on disk, its trust file beside it, and what it was made from."""

    folder: Path
    trust: Path
    key: LogKey
    plan: dict[str, Any]
    lines: list[bytes] = field(default_factory=list)


# -- the plan --------------------------------------------------------------------------------------------------------

QUORUM = [{"role": "operator", "count": 1, "holders_of": None}, {"role": "witness", "count": 1, "holders_of": None}]
HOLDERS = [{"role": "administrator", "count": 2, "holders_of": "acs"}, *QUORUM]


def allowed(kind: str, *, mutates: bool = False, least: int = 1, most: int = 1) -> dict[str, Any]:
    return {"kind": kind, "mutates": mutates, "least": least, "most": most}


def step(ident: str, action: str, station: str, requests: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "id": ident,
        "action": f"{action}@1",
        "part": "All of it",
        "title": f"Step {ident}",
        "station": station,
        "device": None,
        "minutes": 5,
        "quorum": QUORUM,
        "say": None,
        "note": None,
        "caution": None,
        "left_out": None,
        "repeat": "safe",
        "sign_off": "none",
        "settings": {},
        "uses": [],
        "makes": [],
        "destroys": [],
        "asks": [],
        "expect": [],
        "command": None,
        "requests": [allowed("gather_people"), *requests],
    }
    return plain | fields


def artefact(ident: str, file: str, made_by: str, *, store: str = "station", transfer: bool = False) -> dict[str, Any]:
    return {
        "id": ident,
        "file": file,
        "store": store,
        "made_by": made_by,
        "output": "file",
        "at_most": 1000,
        "backup_before": None,
        "transfer": transfer,
    }


def person(ident: str, role: str, card: int | None = None) -> dict[str, Any]:
    cards = [] if card is None else [{"set": "acs", "number": card}]
    return {"id": ident, "name": ident.title(), "roles": [role], "key": None, "cards": cards, "stands_in_for": None}


def plan() -> dict[str, Any]:
    """Return the plan: obtain, carry, verify, generate, reduce, seal, import, compare; one step is left out."""
    by_trust = [{"result": "sha256", "equals": {"trust": "toolset"}}]
    steps = [
        step(
            "obtain",
            "obtain_file",
            "online",
            [allowed("ask_value", most=3), allowed("obtain_file")],
            makes=["toolset"],
            asks=[{"name": "bag", "type": "text", "ask": "Which bag?", "twice": False}],
            expect=[*by_trust, {"result": "bag", "equals": {"value": "A 12"}}],
        ),
        step(
            "carry",
            "carry_media",
            "online",
            [allowed("carry_file")],
            settings={"medium": "usb", "to": "offline"},
            uses=[{"input": "files", "artefacts": ["toolset"]}],
            expect=by_trust,
        ),
        step("install", "do_by_hand", "offline", [allowed("do_by_hand")], left_out="Not on this machine."),
        step(
            "verify",
            "verify_packages",
            "offline",
            [allowed("verify_packages")],
            device="hsm",
            uses=[{"input": "kek", "artefacts": ["kek"]}, {"input": "world", "artefacts": ["world"]}],
        ),
        step(
            "generate",
            "generate_key",
            "offline",
            [allowed("generate_key", mutates=True)],
            device="hsm",
            repeat="never",
            settings={"type": "RSA", "size": 2048, "protect": "module", "ident": "demo"},
            makes=["key"],
        ),
        step(
            "reduce",
            "reduce_key",
            "offline",
            [allowed("reduce_key", mutates=True)],
            device="hsm",
            quorum=HOLDERS,
            settings={"card_set": "acs"},
            uses=[{"input": "key", "artefacts": ["key"]}, {"input": "packages", "artefacts": ["kek", "world"]}],
            makes=["copy"],
        ),
        step(
            "seal",
            "seal_package",
            "offline",
            [allowed("seal_package", mutates=True), allowed("collect_package")],
            device="hsm",
            makes=["package"],
            settings={"subscription_id": GUID, "friendly_name": "demo"},
            uses=[{"input": "key", "artefacts": ["copy"]}, {"input": "packages", "artefacts": ["kek", "world"]}],
        ),
        step(
            "import",
            "import_key",
            "online",
            [allowed("import_key", mutates=True)],
            settings={"vault": "demo-vault", "name": "demo", "subscription_id": GUID},
            uses=[{"input": "package", "artefacts": ["package"]}],
        ),
        step(
            "compare",
            "read_vault_key",
            "online",
            [allowed("read_vault_key")],
            settings={"vault": "demo-vault", "name": "demo"},
            expect=[{"result": "public_key", "equals": {"step": "generate", "result": "public_key"}}],
        ),
    ]
    return {
        "format": "plan/1",
        "ceremony": {
            "id": "demo",
            "title": "Demo",
            "version": "1.0",
            "owner": "key-office@example.com",
            "review_by": "2027-06-30",
            "procedure": None,
            "edition": "2017-05-09",
            "language": "en",
        },
        "region": "eu",
        "parameters": [{"name": "vault", "type": "text", "value": "demo-vault"}],
        "sources": [
            {"file": name, "role": role, **size_and_digest(content)} for name, (content, role) in SOURCES.items()
        ],
        "trust": [{"name": "toolset", "type": "sha256", "value": "11" * 32, "said_by": "The maker"}],
        "stations": [
            {"id": "online", "title": "Online", "network": True},
            {"id": "offline", "title": "Offline", "network": False},
        ],
        "devices": [{"id": "hsm", "kind": "nshield", "at": "offline"}],
        "media": [{"id": "usb", "title": "Drive", "at": "online", "free": 16_000_000, "keeps": "transfer"}],
        "roles": [{"id": role, "title": role.title()} for role in ("administrator", "operator", "witness")],
        "separation": [["administrator", "witness"], ["operator", "witness"]],
        "card_sets": [{"id": "acs", "kind": "acs", "threshold": 2, "cards": 3, "held_by": "administrator"}],
        "people": [
            person("asha", "administrator", 1),
            person("bram", "administrator", 2),
            person("chen", "administrator", 3),
            person("dana", "operator"),
            person("emil", "witness"),
        ],
        "starts_with": [{"subject": "device", "id": "hsm", "mode": "operational", "world": None, "state": None}],
        "ends_with": [],
        "artefacts": [
            artefact("toolset", "tools.zip", "obtain"),
            artefact("kek", "kek", "install"),
            artefact("world", "world", "install"),
            artefact("key", "key_simple_demo", "generate", store="device"),
            artefact("copy", "key_xferacld_demo", "reduce", store="device"),
            artefact("package", "demo.byok", "seal", transfer=True),
        ],
        "minutes": 45,
        "steps": steps,
    }


# -- the story -------------------------------------------------------------------------------------------------------


def device(ident: str, size: int) -> dict[str, Any]:
    keys = [f"simple/demo/{KEY_HASH}"] if size > (3 if ident == "hsm" else 0) else []
    return {
        "id": ident,
        "backend": "emulator",
        "serial": f"SIM-{ident}",
        "audit": {"size": size, "head": sha(f"{ident} {size}".encode()) if size else "0" * 64},
        "inventory": {"mode": "operational", "world": "", "keys": keys, "cards": []},
    }


def exchange(
    step_id: str,
    request_kind: str,
    request: dict[str, Any],
    reply_kind: str,
    reply: dict[str, Any],
    *,
    shown: dict[str, Any] | None = None,
) -> list[Draft]:
    asked = {
        "kind": request_kind,
        "device": request.get("device"),
        "mutates": shown is not None,
        "request": request,
    }
    answer = {"to": 0, "kind": reply_kind, "reply": reply, "device": shown}
    return [
        Draft(EntryType.REQUEST, asked, step_id),
        Draft(EntryType.REPLY, answer, step_id, ("dana",) if reply_kind == "value_given" else ()),
    ]


def begin(step_id: str, *, holders: bool = False) -> list[Draft]:
    acting = [{"person": "dana", "role": "operator"}, {"person": "emil", "role": "witness"}]
    if holders:
        acting = [{"person": name, "role": "administrator"} for name in ("asha", "bram")] + acting
    needs = HOLDERS if holders else QUORUM
    return [
        Draft(EntryType.STEP_BEGUN, {"title": f"Step {step_id}"}, step_id),
        *exchange(step_id, "gather_people", {"needs": needs}, "people_gathered", {"acting": acting}),
    ]


def done(step_id: str, results: dict[str, Any], **fields: Any) -> Draft:
    data = {
        "results": [{"name": name, "value": value} for name, value in results.items()],
        "made": [],
        "destroyed": [],
        "comparisons": [],
    }
    return Draft(EntryType.STEP_DONE, data | fields, step_id)


def made(ident: str, file: str, at: str, content: bytes, store: str = "station") -> dict[str, Any]:
    return {"artefact": ident, "file": file, "store": store, "at": at, **size_and_digest(content)}


def drafts() -> list[Draft]:
    """Return the whole story, without the opening, checkpoints, and numbers."""
    toolset = size_and_digest(TOOLSET)
    by_trust = {
        "result": "sha256",
        "found": sha(TOOLSET),
        "expected": sha(TOOLSET),
        "against": "simulated",
        "published": "11" * 32,
    }
    bag = {"result": "bag", "found": "A 12", "expected": "A 12", "against": "plan", "published": None}
    same = {"result": "public_key", "found": PUBLIC, "expected": PUBLIC, "against": "step", "published": None}
    card = {"person": "asha", "number": 1}, {"person": "bram", "number": 2}
    packages = {"at": "offline", "kek": "kek", "world": "world"}
    roles = {item["id"]: item["roles"] for item in plan()["people"]}
    imported = {"key_hash": KEY_HASH, "public_key": PUBLIC, "kid": "https://demo"}
    key = {"key_hash": KEY_HASH, "file": "key_simple_demo", **size_and_digest(KEY_FILE)}
    copied = {"file": "key_xferacld_demo", **size_and_digest(b"copy")}
    cards = [{"number": 1, "serial": "c1"}, {"number": 2, "serial": "c2"}]
    return [
        *(Draft(EntryType.PERSON_PRESENT, {"person": name, "roles": role}) for name, role in roles.items()),
        *begin("obtain"),
        *exchange(
            "obtain",
            "ask_value",
            {"name": "bag", "ask": "Which bag?", "type": "text"},
            "value_given",
            {"value": "A 12", "person": "dana"},
        ),
        *exchange(
            "obtain", "obtain_file", {"file": "tools.zip", "at": "online", "at_most": 1000}, "file_arrived", toolset
        ),
        done(
            "obtain",
            {"sha256": sha(TOOLSET), "size": len(TOOLSET), "bag": "A 12"},
            made=[made("toolset", "tools.zip", "online", TOOLSET)],
            comparisons=[by_trust, bag],
        ),
        Draft(EntryType.BREAK_BEGUN, {}),
        Draft(EntryType.PERSON_LEFT, {"person": "chen"}),
        Draft(EntryType.BREAK_ENDED, {}),
        *begin("carry"),
        *exchange(
            "carry",
            "carry_file",
            {"file": "tools.zip", "store": "station", "source": "online", "medium": "usb", "to": "offline"},
            "file_arrived",
            toolset,
        ),
        done("carry", {"sha256": sha(TOOLSET), "files": 1}, comparisons=[by_trust]),
        *begin("verify"),
        *exchange(
            "verify",
            "verify_packages",
            {"device": "hsm", **packages},
            "packages_verified",
            {"root_hash": "r", "kek_hash": "k", "world_hash": "w", "hknso": "h", "region": "EU-1"},
        ),
        done("verify", {"root_hash": "r", "kek_hash": "k", "world_hash": "w", "region": "EU-1"}),
        *begin("generate"),
        *exchange(
            "generate",
            "generate_key",
            {"device": "hsm", "app": "simple", "ident": "demo", "type": "RSA", "size": 2048, "protect": "module"},
            "key_made",
            {**key, "public_key": PUBLIC},
            shown=device("hsm", 4),
        ),
        done(
            "generate",
            {"key_hash": KEY_HASH, "public_key": PUBLIC, "size": 2048},
            made=[made("key", "key_simple_demo", "offline", KEY_FILE, "device")],
        ),
        *begin("reduce", holders=True),
        *exchange(
            "reduce",
            "reduce_key",
            {"device": "hsm", "app": "simple", "ident": "demo", **packages, "card_set": "acs", "holders": list(card)},
            "key_reduced",
            {"key_hash": KEY_HASH, "cards": cards, **copied},
            shown=device("hsm", 7),
        ),
        done(
            "reduce",
            {"key_hash": KEY_HASH, "cards": "c1, c2"},
            made=[made("copy", "key_xferacld_demo", "offline", b"copy", "device")],
        ),
        *begin("seal"),
        *exchange(
            "seal",
            "seal_package",
            {"device": "hsm", "ident": "demo", **packages, "subscription_id": GUID, "friendly_name": "demo"},
            "package_sealed",
            {"key_hash": KEY_HASH, "region": "EU-1", "output": "out-1", **size_and_digest(PACKAGE)},
            shown=device("hsm", 8),
        ),
        *exchange(
            "seal",
            "collect_package",
            {"device": "hsm", "output": "out-1", "file": "demo.byok", "at": "offline"},
            "file_arrived",
            size_and_digest(PACKAGE),
        ),
        done(
            "seal",
            {"key_hash": KEY_HASH, "region": "EU-1", "sha256": sha(PACKAGE)},
            made=[made("package", "demo.byok", "offline", PACKAGE)],
        ),
        *begin("import"),
        *exchange(
            "import",
            "import_key",
            {
                "device": "vault",
                "at": "online",
                "package": "demo.byok",
                "vault": "demo-vault",
                "name": "demo",
                "subscription_id": GUID,
            },
            "key_imported",
            imported,
            shown=device("vault", 1),
        ),
        done("import", imported),
        *begin("compare"),
        *exchange(
            "compare",
            "read_vault_key",
            {"device": "vault", "vault": "demo-vault", "name": "demo"},
            "vault_key_read",
            imported,
        ),
        done("compare", imported, comparisons=[same]),
        Draft(EntryType.CEREMONY_CLOSED, {"outcome": "completed", "devices": [device("hsm", 8), device("vault", 1)]}),
    ]


# -- writing ---------------------------------------------------------------------------------------------------------

SIMULATED = [{"name": "toolset", "value": sha(TOOLSET)}]


def opening(plan_bytes: bytes, key: LogKey) -> dict[str, Any]:
    return {
        "record": "record/1",
        "ceremony": "0f" * 16,
        "origin": key.origin,
        "rehearsal": True,
        "sitting": 0,
        "plan_sha256": sha(plan_bytes),
        "manifest_sha256": None,
        "approvals": [],
        "allowed_signers_sha256": None,
        "trust": {"list": "simulated", "sha256": sha(canonical.encode(SIMULATED))},
        "environment_sha256": None,
        "runner": {"version": "0.1.0", "bundle_sha256": "22" * 32},
        "log_key": key.vkey,
        "devices": [device("hsm", 3), device("vault", 0)],
        "beacon": None,
        "previous": None,
    }


class Pen:
    """Gives drafts their envelope, and puts a checkpoint where there must be one."""

    def __init__(self, key: LogKey, without: frozenset[int] = frozenset()) -> None:
        self.without = without
        self.key, self.lines, self.tree = key, list[bytes](), Frontier()
        self.notes: dict[int, str] = {}

    def write(self, draft: Draft, **data: Any) -> None:
        seq = len(self.lines)
        in_step = draft.step is not None
        entry = Entry(
            seq=seq,
            prev=leaf(self.lines[-1]).hex() if seq else BEFORE_FIRST,
            time=f"2026-11-25T18:{seq // 60 % 60:02d}:{seq % 60:02d}.000000Z",
            mono_us=1000 * seq,
            boot="00000000deadbeef",
            type=draft.type,
            step=draft.step,
            attempt=draft.attempt if in_step else None,
            actors=draft.actors,
            data=draft.data | data,
        )
        line = encode_entry(entry)
        self.lines.append(line)
        self.tree = self.tree.add(leaf(line))

    def checkpoint(self) -> None:
        size = self.tree.size
        if size in self.without:
            return
        self.notes[size] = self.key.checkpoint(size, self.tree.root())
        self.write(Draft(EntryType.CHECKPOINT, {"size": size, "note": self.notes[size]}))

    def story(self, opened: dict[str, Any], told: list[Draft]) -> None:
        self.write(Draft(EntryType.CEREMONY_OPENED, opened))
        self.checkpoint()
        for draft in told:
            if draft.type is EntryType.REQUEST and draft.data["mutates"]:
                self.checkpoint()
            if draft.type is EntryType.REPLY and draft.data["to"] == 0:
                self.write(draft, to=len(self.lines) - 1)
            else:
                self.write(draft)
        self.notes[self.tree.size] = self.key.checkpoint(self.tree.size, self.tree.root())


def write(
    base: Path,
    *,
    change: Callable[[list[Draft]], None] = lambda _: None,
    change_plan: Callable[[dict[str, Any]], None] = lambda _: None,
    change_opening: Callable[[dict[str, Any]], None] = lambda _: None,
    key: LogKey | None = None,
    without: frozenset[int] = frozenset(),
) -> Written:
    """Write a record to `base/record` and its trust file to `base/record.sim/trust.json`; `base` exists.

    `without` are sizes at which no checkpoint is made.
    """
    key = key or LogKey.from_seed(ORIGIN, SEED)
    planned, told = copy.deepcopy(plan()), [copy.deepcopy(draft) for draft in drafts()]
    change_plan(planned)
    content = canonical.encode(planned)
    opened = opening(content, key)
    change_opening(opened)
    change(told)
    pen = Pen(key, without)
    pen.story(opened, told)
    folder = base / "record"
    for part in ("source", "checkpoints", "keys", "transfer"):
        (folder / part).mkdir(parents=True)
    for name, (source, _role) in SOURCES.items():
        (folder / "source" / name).write_bytes(source)
    (folder / "plan.json").write_bytes(content)
    (folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in pen.lines))
    for size, note in pen.notes.items():
        (folder / f"checkpoints/{size:010d}.ckpt").write_bytes(note.encode())
    (folder / "keys/log-0.vkey").write_bytes(key.vkey.encode() + b"\n")
    (folder / "keys/log-0.pub.pem").write_bytes(key.public_pem())
    if any(item["artefact"] == "package" for draft in told for item in draft.data.get("made", [])):
        (folder / "transfer/demo.byok").write_bytes(PACKAGE)
    (folder / "VERIFY.txt").write_bytes(VERIFY_TXT)
    sums(folder)
    return Written(folder, trust_file(base, key), key, planned, pen.lines)


def trust_file(base: Path, key: LogKey, **fields: Any) -> Path:
    """Write the trust file that belongs to a key."""
    data = {
        "format": "trust/1",
        "origin": key.origin,
        "log_keys": [key.vkey],
        "plan_sha256": None,
        "trust_lists": [{"list": "simulated", "values": SIMULATED}],
    }
    path = base / "record.sim" / "trust.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data | fields, indent=1))
    return path


def sums(folder: Path) -> None:
    """Write SHA256SUMS anew."""
    files = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    text = "".join(f"{sha((folder / name).read_bytes())}  {name}\n" for name in files if name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text(text)


def files(folder: Path) -> list[str]:
    """Return every file of a record, relative."""
    return sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())


def find(told: list[Draft], step_id: str, name: str) -> Draft:
    """Return the first draft of that step and kind (of request, reply) or type."""
    return next(draft for draft in told if draft.step == step_id and draft.name == name)


def seq_of(record: Written, step_id: str | None, name: str, *, last: bool = False) -> int:
    """Return the number of the first (or last) entry of that step and kind (of request, reply) or type."""
    entries = [json.loads(line) for line in record.lines]
    found = [
        entry["seq"]
        for entry in entries
        if entry["step"] == step_id and name in (entry["data"].get("kind"), entry["type"])
    ]
    return found[-1 if last else 0]


if __name__ == "__main__":
    import sys
    from pathlib import Path

    write(Path(sys.argv[1]))
