"""A small, complete and valid record of a rehearsal, written as docs/record.md says, without the engine.

`drafts()` is the story; an attack changes the drafts, the plan or entry 0, and `write()` gives them numbers, hashes,
checkpoints and signatures: the result is what somebody who holds the log key could have written. `sums()` makes
SHA256SUMS anew. `write(base, signed=True)` writes the same ceremony as people sign it: approved, with gates, over three
sittings on two machines, and closed by a witness. `python tests/record/synthetic.py FOLDER` writes one to look at.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from proving import proof
from sshsig import Signer

from runner import canonical
from runner.audit.entry import BEFORE_FIRST, Entry, EntryType, encode_entry
from runner.audit.note import LogKey
from runner.audit.tree import Frontier, leaf
from runner.verification.instructions import VERIFY_TXT
from runner.verification.manifest import Terms, rebuild_manifest, rebuild_sums
from runner.verification.reading import ShapeError
from runner.verification.signers import APPROVE, ATTEST, CLOSE, allowed_signers
from runner.verification.statements import rebuild_statement

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
TERMS = Terms(
    approval="ab" * 16,
    not_before=dt.date(2026, 11, 20),
    not_after=dt.date(2026, 12, 20),
    software="22" * 32,
    version="0.1.0",
)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def size_and_digest(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": sha(content)}


@dataclass
class Draft:
    """An entry without number, hash and time. `name` is the kind of a request or reply, else the type.

    What `data` leaves out is filled in when it is written, as it must be. Of an `attested` entry, `text` is the
    statement, `signer` whose key signs it and `namespace` in which, where they are others than they must be; of a
    `log.recovered` entry, `text` is the tail; a `ceremony.resumed` entry may say that the sitting before `broke_off`.
    """

    type: EntryType
    data: dict[str, Any]
    step: str | None = None
    actors: tuple[str, ...] = ()
    attempt: int = 1
    text: bytes | None = None
    signer: str | None = None
    namespace: str | None = None
    broke_off: bool = False
    boot: str | None = None

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

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


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
        "changes": [],
        "destroys": [],
        "asks": [],
        "expect": [],
        "command": None,
        "requests": [allowed("gather_people"), *requests],
    }
    return plain | fields


def ask(name: str, kind: str, question: str, **bounds: Any) -> dict[str, Any]:
    free = {"of": [], "pattern": None, "at_least": None, "at_most": None, "max_length": None}
    return {"name": name, "type": kind, "ask": question, "twice": False, **free, **bounds}


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
        "brought": None,
    }


def person(ident: str, role: str, card: int | None = None, *, instead: str | None = None) -> dict[str, Any]:
    cards = [] if card is None else [{"set": "acs", "number": card}]
    return {"id": ident, "name": ident.title(), "roles": [role], "key": None, "cards": cards, "stands_in_for": instead}


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
            asks=[ask("bag", "text", "Which bag?", pattern="[A-Z] [0-9]{2}", max_length=4)],
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
        "records": [],
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
        "approvals": {"plan": [], "close": [], "days": None},
        "inventory": [],
        "exceptions": [],
        "waivers": [],
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
        Draft(EntryType.BREAK_BEGUN, {"by": "dana", "reason": "lunch"}),
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


# -- the same ceremony as people sign it -----------------------------------------------------------------------------

GATES = {"verify": "typed", "generate": "signed", "reduce": "signed", "seal": "signed", "import": "signed"}


def sign_plan(planned: dict[str, Any], seed: str = "") -> None:
    """Have the plan approved by two, gated, closed by a witness; everybody has a key, and two can be replaced."""
    planned["roles"] += [{"id": role, "title": role.title()} for role in ("approver", "author")]
    planned["people"] += [
        person("fay", "approver"),
        person("gus", "approver"),
        person("hal", "author"),
        person("ivo", "operator", instead="dana"),
        person("jun", "administrator", instead="asha"),
    ]
    for one in planned["people"]:
        one["key"] = Signer(one["id"], seed).public
    planned["separation"] += [["author", "approver"], ["approver", "operator", "witness"]]
    planned["approvals"] = {
        "plan": [{"role": "approver", "count": 2}],
        "close": [{"role": "witness", "count": 1}],
        "days": 30,
    }
    planned["exceptions"] = [
        {"rule": "RUN002", "role": "witness", "people": 1},
        {"rule": "RUN016", "role": "operator", "people": 1},
    ]
    for item in planned["steps"]:
        item["sign_off"] = GATES.get(item["id"], "none")


def attested(about: str, who: str, role: str, step: str | None = None, how: str = "signed") -> Draft:
    return Draft(EntryType.ATTESTED, {"person": who, "role": role, "about": about, "how": how}, step, (who,))


def checkpoint() -> Draft:
    return Draft(EntryType.CHECKPOINT, {})


def gate(told: list[Draft], step: str, how: str) -> None:
    """Have everybody who acts consent to a step, and attest what came out."""
    place = next(number for number, item in enumerate(told) if (item.step, item.name) == (step, "people_gathered"))
    acting = sorted((one["person"], one["role"]) for one in told[place].data["reply"]["acting"])
    told[place + 1 : place + 1] = [checkpoint(), *(attested("consent", who, role, step, how) for who, role in acting)]
    place = next(number for number, item in enumerate(told) if (item.step, item.name) == (step, "step.done"))
    told[place:place] = [checkpoint(), *(attested("result", who, role, step, how) for who, role in acting)]


PRESENT = [("asha", "administrator"), ("bram", "administrator"), ("dana", "operator"), ("emil", "witness")]


def hand_over(
    told: list[Draft], step: str, to: str, devices: list[dict[str, Any]], next_: list[dict[str, Any]]
) -> None:
    """Hand the ceremony over before a step."""
    place = next(number for number, item in enumerate(told) if (item.step, item.name) == (step, "step.begun"))
    told[place:place] = [
        Draft(EntryType.STATION_HANDED_OVER, {"to": to, "step": step, "devices": devices}),
        checkpoint(),
        *(attested("handover", who, role) for who, role in PRESENT),
        resumed([to], next_),
    ]


def resumed(stations: list[str], devices: list[dict[str, Any]], *, broke_off: bool = False) -> Draft:
    return Draft(EntryType.CEREMONY_RESUMED, {"stations": stations, "devices": devices}, broke_off=broke_off)


def sign_story(told: list[Draft]) -> None:
    """Tell the story of `sign_plan`: at the station online, then offline, then online again."""
    for step_id, how in GATES.items():
        gate(told, step_id, how)
    hand_over(told, "verify", "offline", [device("vault", 0)], [device("hsm", 3)])
    hand_over(told, "import", "online", [device("hsm", 8)], [device("vault", 0)])
    told[-1].data["devices"] = [device("vault", 1)]
    told[-1:-1] = [checkpoint(), attested("close", "emil", "witness")]


# -- writing ---------------------------------------------------------------------------------------------------------

SIMULATED = [{"name": "toolset", "value": sha(TOOLSET)}]
ENDS = (EntryType.CEREMONY_CLOSED, EntryType.CEREMONY_SUSPENDED)


def opening(key: LogKey, files: dict[str, bytes], *, signed: bool) -> dict[str, Any]:
    prefix = "approval/manifest.txt."
    approvals = [name for name in sorted(files) if name.startswith(prefix)]
    return {
        "record": "record/1",
        "ceremony": "0f" * 16,
        "origin": key.origin,
        "rehearsal": True,
        "sitting": 0,
        "stations": ["online"] if signed else ["online", "offline"],
        "plan_sha256": sha(files["plan.json"]),
        "manifest_sha256": sha(files["approval/manifest.txt"]),
        "approvals": [
            {"person": name.removeprefix(prefix).removesuffix(".sshsig"), "sha256": sha(files[name])}
            for name in approvals
        ],
        "signers": "roster" if signed else "simulated",
        "allowed_signers_sha256": sha(files["keys/allowed_signers"]),
        "trust": {"list": "simulated", "sha256": sha(canonical.encode(SIMULATED))},
        "environment_sha256": None,
        "runner": RUNNER,
        "log_key": key.vkey,
        "devices": [device("vault", 0)] if signed else [device("hsm", 3), device("vault", 0)],
        "beacon": None,
        "previous": None,
    }


RUNNER = {"version": "0.1.0", "bundle_sha256": "22" * 32}


def later_key(first: LogKey, sitting: int) -> LogKey:
    """Return the log key of a later sitting."""
    return LogKey.from_seed(first.origin, hashlib.sha256(f"{first.vkey} {sitting}".encode()).digest())


class Pen:
    """Gives drafts their envelope, fills in what follows from the rest, and makes checkpoints where they must be."""

    def __init__(
        self, key: LogKey, plan: dict[str, Any], people: dict[str, Signer], without: frozenset[int] = frozenset()
    ) -> None:
        self.without = without
        self.key, self.lines, self.tree = key, list[bytes](), Frontier()
        self.keys = [key]
        self.files: dict[str, bytes] = {}
        self.notes: dict[int, str] = {}
        self._plan, self._people = plan, people
        self._opened: dict[str, Any] = {}
        self._last = (0, "")
        self._start = self._asked = 0
        self._values: dict[str, str] = {}

    def write(self, draft: Draft, **data: Any) -> None:
        seq = len(self.lines)
        in_step = draft.step is not None
        sitting = len(self.keys) - 1
        entry = Entry(
            seq=seq,
            prev=leaf(self.lines[-1]).hex() if seq else BEFORE_FIRST,
            time=f"2026-11-25T18:{seq // 60 % 60:02d}:{seq % 60:02d}.000000Z",
            mono_us=1000 * seq,
            boot=draft.boot or f"{0xDEADBEEF + sitting:016x}",
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
        self.seal()
        self._last = (size, self.notes[size].partition("\n\n")[0] + "\n")
        self.write(Draft(EntryType.CHECKPOINT, {"size": size, "note": self.notes[size]}))

    def seal(self) -> None:
        self.notes[self.tree.size] = self.key.checkpoint(self.tree.size, self.tree.root())

    def story(self, opened: dict[str, Any], told: list[Draft]) -> None:
        self._opened = opened
        self.write(Draft(EntryType.CEREMONY_OPENED, opened))
        self.checkpoint()
        due = False
        for place, draft in enumerate(told):
            if due and draft.type is not EntryType.LOG_RECOVERED:
                self.checkpoint()
                due = False
            match draft.type:
                case EntryType.CHECKPOINT if not draft.data:
                    self.checkpoint()
                case EntryType.CEREMONY_RESUMED:
                    self._resume(draft)
                    due = True
                case EntryType.LOG_RECOVERED:
                    self._recover(draft)
                case EntryType.ATTESTED:
                    self._attest(draft, told[place:])
                case EntryType.REPLY if draft.data["to"] == 0:
                    self.write(draft, to=self._asked, **self._proof(draft))
                case _:
                    if draft.type is EntryType.REQUEST and draft.data["mutates"]:
                        self.checkpoint()
                    self._remember(draft)
                    self.write(draft)
        self.seal()

    def _proof(self, draft: Draft) -> dict[str, Any]:
        """Return what a key that proves itself must have signed: the id of the request that waits."""
        if draft.name != "key_proved":
            return {}
        challenge = draft.data["reply"].get("challenge", leaf(self.lines[self._asked]).hex())
        return {"reply": {"challenge": challenge, "signature": proof(challenge), **draft.data["reply"]}}

    def _remember(self, draft: Draft) -> None:
        if draft.type is EntryType.REQUEST:
            self._asked = len(self.lines)
        elif draft.type is EntryType.STATION_HANDED_OVER:
            self._values["handover"] = draft.data["to"]
        elif draft.type is EntryType.STEP_RESOLVED:
            self._values["resolution"] = draft.data["decision"]

    def _resume(self, draft: Draft) -> None:
        if not draft.broke_off:
            self.seal()
        sitting = len(self.keys)
        self.key = later_key(self.keys[0], sitting)
        self.keys.append(self.key)
        unsigned = self.tree.size - self._last[0] if draft.broke_off else 0
        filled = {
            "sitting": sitting,
            "log_key": self.key.vkey,
            "environment_sha256": None,
            "runner": RUNNER,
            "unsigned": unsigned,
        }
        self._start = sum(len(line) + 1 for line in self.lines)
        self.write(replace(draft, data=filled | draft.data))
        self._values["recovery"] = str(unsigned)

    def _recover(self, draft: Draft) -> None:
        tail = draft.text or b"torn"
        data = {"offset": self._start, **size_and_digest(tail)} | draft.data
        self.files[f"recovered/{data['offset']:010d}-{data['sha256']}.bin"] = tail
        self.write(replace(draft, data=data))

    def _attest(self, draft: Draft, later: list[Draft]) -> None:
        data = draft.data
        text = draft.text if draft.text is not None else self.statement(draft, later)
        namespace = draft.namespace or (CLOSE if data["about"] == "close" else ATTEST)
        name = f"statements/{len(self.lines):010d}.{data['person']}.txt"
        self.files[name] = text
        filled: dict[str, Any] = {
            "size": self._last[0],
            "statement_sha256": sha(text),
            "signature_sha256": None,
        }
        if data["how"] == "signed":
            signature = self._people[draft.signer or data["person"]].sign(namespace, text)
            self.files[f"{name}.sshsig"] = signature
            filled["signature_sha256"] = sha(signature)
        self.write(replace(draft, data=filled | data))

    def statement(self, draft: Draft, later: list[Draft]) -> bytes:
        """Return what somebody must have attested; `later` are the drafts from this one on."""
        data = draft.data
        about = data["about"]
        done: dict[str, Any] = {}
        if about == "result":
            ends = (item.data for item in later if (item.step, item.type) == (draft.step, EntryType.STEP_DONE))
            done = next(ends, {})
        names = {item["id"]: item["name"] for item in self._plan["people"]}
        titles = {item["id"]: item["title"] for item in self._plan["steps"]}
        return rebuild_statement(
            about=about,
            ceremony=self._opened["ceremony"],
            title=self._plan["ceremony"]["title"],
            rehearsal=self._opened["rehearsal"],
            step=None if draft.step is None else (draft.step, draft.attempt, titles[draft.step]),
            person=(data["person"], names.get(data["person"], "")),
            role=data["role"],
            sentence_value={"close": "completed", **self._values}.get(about),
            results=tuple((item["name"], item["value"]) for item in done.get("results", [])),
            files=tuple((item["file"], item["size"], item["sha256"]) for item in done.get("made", [])),
            destroyed=tuple(done.get("destroyed", [])),
            checkpoint=self._last[1],
        )


def write(
    base: Path,
    *,
    signed: bool = False,
    change: Callable[[list[Draft]], None] = lambda _: None,
    change_plan: Callable[[dict[str, Any]], None] = lambda _: None,
    change_opening: Callable[[dict[str, Any]], None] = lambda _: None,
    change_files: Callable[[dict[str, bytes]], None] = lambda _: None,
    key: LogKey | None = None,
    without: frozenset[int] = frozenset(),
    approvers: tuple[str, ...] = ("fay", "gus"),
    terms: Terms = TERMS,
    seed: str = "",
) -> Written:
    """Write a record to `base/record` and its trust file to `base/record.sim/trust.json`; `base` exists.

    Args:
        base: where.
        signed: whether people sign it; see above.
        change: changes the story.
        change_plan: changes the plan.
        change_opening: changes the data of entry 0.
        change_files: changes what is written before entry 0, which names it.
        key: the log key of sitting 0.
        without: sizes at which no checkpoint is made.
        approvers: who approves a record that people sign.
        terms: of the approval.
        seed: of the people's keys.
    """
    key = key or LogKey.from_seed(ORIGIN, SEED)
    planned, told = copy.deepcopy(plan()), [copy.deepcopy(draft) for draft in drafts()]
    if signed:
        sign_plan(planned, seed)
        sign_story(told)
    change_plan(planned)
    people = {item["id"]: Signer(item["id"], seed) for item in planned["people"]}
    content = canonical.encode(planned)
    keys = [(who, signer.public) for who, signer in people.items()]
    files = {f"source/{name}": source for name, (source, _role) in SOURCES.items()}
    files |= {
        "plan.json": content,
        "keys/allowed_signers": allowed_signers(keys),
        "approval/manifest.txt": manifest(planned, content, terms),
        "approval/sums.txt": rebuild_sums(sha(content), planned["sources"]),
    }
    for who in approvers if signed else ():
        files[f"approval/manifest.txt.{who}.sshsig"] = people[who].sign(APPROVE, files["approval/manifest.txt"])
    change_files(files)
    opened = opening(key, files, signed=signed)
    change_opening(opened)
    change(told)
    pen = Pen(key, planned, people, without)
    pen.story(opened, told)
    files |= pen.files
    files["log.jsonl"] = b"".join(line + b"\n" for line in pen.lines)
    for size, note in pen.notes.items():
        files[f"checkpoints/{size:010d}.ckpt"] = note.encode()
    for number, one in enumerate(pen.keys):
        files |= {f"keys/log-{number}.vkey": one.vkey.encode() + b"\n", f"keys/log-{number}.pub.pem": one.public_pem()}
    if any(item["artefact"] == "package" for draft in told for item in draft.data.get("made", [])):
        files["transfer/demo.byok"] = PACKAGE
    files["VERIFY.txt"] = VERIFY_TXT
    folder = base / "record"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    sums(folder)
    anchors: dict[str, Any] = {"log_keys": [], "plan_sha256": sha(content)} if signed else {}
    given = [] if signed else [{"person": who, "key": public} for who, public in keys]
    return Written(folder, trust_file(base, key, people=given, **anchors), key, planned, pen.lines)


def manifest(planned: dict[str, Any], content: bytes, terms: Terms) -> bytes:
    """Return the manifest of a plan; nothing where the plan is so odd that it has none."""
    try:
        return rebuild_manifest(planned, sha(content), terms)
    except ShapeError:
        return b""


def trust_file(base: Path, key: LogKey, **fields: Any) -> Path:
    """Write the trust file that belongs to a key."""
    data = {
        "format": "trust/1",
        "origin": key.origin,
        "log_keys": [key.vkey],
        "plan_sha256": None,
        "people": [],
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

    write(Path(sys.argv[1]), signed=True)
