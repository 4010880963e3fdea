"""A world that is brought back: which files were put back, whose cards opened it, what the key signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import Change, acting, data, drop, place, reply, request, result, shown, together
from proving import proof, rsa_public, signed
from synthetic import Draft, device, done, exchange, made, sha, size_and_digest, write

from runner.audit.entry import EntryType
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import BIG, verify

if TYPE_CHECKING:
    from pathlib import Path

WORLD_FILE, KEY_FILE, OTHER = b"world of the backup", b"key of the backup", b"other bytes of it"
WORLD, KM, HASH = "ab" * 20, "cd" * 20, "ef" * 20
FILES = {"kept-world": ("world", WORLD_FILE), "kept-key": ("key_simple_kept", KEY_FILE)}
TWO = [{"person": "asha", "number": 1}, {"person": "bram", "number": 2}]
CARDS = [{"number": 1, "serial": "c1"}, {"number": 2, "serial": "c2"}]
ANOTHER = {"size": len(OTHER), "sha256": sha(OTHER)}


def plan_recovery(planned: dict[str, Any]) -> None:
    """Before the import a backup that was brought is put back, a world loaded, and a key proves itself."""
    at = next(number for number, item in enumerate(planned["steps"]) if item["id"] == "import")
    here: dict[str, Any] = {"device": "hsm"}
    planned["steps"][at:at] = [
        synthetic.step(
            "restore",
            "restore_files",
            "offline",
            [
                synthetic.allowed("look_at_file", least=2, most=2),
                synthetic.allowed("restore_file", mutates=True, least=2, most=2),
            ],
            uses=[{"input": "files", "artefacts": [*FILES]}],
            **here,
        ),
        synthetic.step(
            "load",
            "load_world",
            "offline",
            [synthetic.allowed("load_world", mutates=True)],
            settings={"card_set": "acs"},
            quorum=synthetic.HOLDERS,
            repeat="never",
            uses=[{"input": "world", "artefacts": ["kept-world"]}],
            expect=[{"result": "hknso", "equals": {"value": WORLD}}, {"result": "hkm", "equals": {"value": KM}}],
            **here,
        ),
        synthetic.step(
            "prove",
            "prove_key",
            "offline",
            [synthetic.allowed("prove_key")],
            uses=[{"input": "key", "artefacts": ["kept-key"]}],
            expect=[{"result": "public_key", "equals": {"value": rsa_public(0)}}],
            **here,
        ),
    ]
    planned["artefacts"] = [item for item in planned["artefacts"] if item["id"] != "world"]
    planned["artefacts"] += [
        synthetic.artefact(ident, file, "nobody")
        | {"made_by": None, "output": None, "brought": {"at": "offline", "sha256": sha(content)}}
        for ident, (file, content) in FILES.items()
    ]
    for step in planned["steps"]:
        for uses in step["uses"]:
            uses["artefacts"] = ["kek" if name == "world" else name for name in uses["artefacts"]]


def comparison(name: str, value: object) -> dict[str, Any]:
    return {"result": name, "found": value, "expected": value, "against": "plan", "published": None}


def tell() -> list[Draft]:
    told = synthetic.begin("restore")
    for file, content in FILES.values():
        looked = {"file": file, "at": "offline", "at_most": 1_000_000}
        told += exchange("restore", "look_at_file", looked, "file_arrived", size_and_digest(content))
    for size, (file, content) in enumerate(FILES.values(), 9):
        asked = {"device": "hsm", "at": "offline", "file": file, "sha256": sha(content)}
        there = {"file": file, **size_and_digest(content)}
        told += exchange("restore", "restore_file", asked, "file_restored", there, shown=device("hsm", size))
    loaded = {"device": "hsm", "card_set": "acs", "threshold": 2, "holders": TWO}
    world = {"hknso": WORLD, "hkm": KM, "cards": CARDS, "file": "world", **size_and_digest(WORLD_FILE)}
    proved = {"key_hash": HASH, "public_key": rsa_public(0)}
    return [
        *told,
        done(
            "restore",
            {"files": 2},
            made=[made(ident, file, "offline", content, "device") for ident, (file, content) in FILES.items()],
        ),
        *synthetic.begin("load", holders=True),
        *exchange("load", "load_world", loaded, "world_loaded", world, shown=device("hsm", 15)),  # four tries of PINs
        done(
            "load",
            {"hknso": WORLD, "hkm": KM, "cards": "c1, c2"},
            made=[made("kept-world", "world", "offline", WORLD_FILE, "device")],
            comparisons=[comparison("hknso", WORLD), comparison("hkm", KM)],
        ),
        *synthetic.begin("prove"),
        *exchange("prove", "prove_key", {"device": "hsm", "app": "simple", "ident": "kept"}, "key_proved", proved),
        done("prove", dict(proved), comparisons=[comparison("public_key", rsa_public(0))]),
    ]


def told(change: Change) -> Change:
    def whole(story: list[Draft]) -> None:
        drop(None, "person.left")(story)
        at = place(story, "import", "step.begun")
        story[at:at] = tell()
        story[-1].data["devices"][0] = device("hsm", 15)
        for draft in story:
            if "world" in draft.data.get("request", {}) and draft.data["request"]["world"] == "world":
                draft.data["request"]["world"] = "kek"
        change(story)

    return whole


def judged(base: Path, change: Change, big: int = BIG) -> Verdict:
    record = write(base, change=told(change), change_plan=plan_recovery)
    return verify(record.folder, record.trust, rehearsal=True, big=big)


def replies(step: str, kind: str, number: int, **fields: object) -> Change:
    """Change the reply of that number from 0 among those of its kind."""

    def change(story: list[Draft]) -> None:
        found = [draft for draft in story if (draft.step, draft.name) == (step, kind)]
        part = "reply" if found[number].type is EntryType.REPLY else "request"
        found[number].data[part].update(fields)

    return change


def test_a_recovery_as_told(tmp_path: Path) -> None:
    verdict = judged(tmp_path, lambda _: None)
    assert (verdict.outcome, verdict.findings) == (Outcome.VALID, ())


def test_a_long_log_is_held_to_the_same(tmp_path: Path) -> None:
    """Where two processes share the reading, the leaf hash of the request is there too."""
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    assert judged(tmp_path / "right", lambda _: None, big=0).outcome is Outcome.VALID
    verdict = judged(tmp_path / "wrong", reply("prove", "key_proved", challenge="55" * 32), big=0)
    assert {finding.rule for finding in verdict.findings} == {"LOG047"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        # which files
        (replies("restore", "file_arrived", 1, **ANOTHER), "LOG043"),
        (replies("restore", "restore_file", 1, sha256=sha(OTHER)), "LOG043"),
        (replies("restore", "file_restored", 1, **ANOTHER), "LOG043"),
        (replies("restore", "restore_file", 1, file="key_simple_other"), "LOG039"),
        (replies("restore", "restore_file", 1, at="online"), "LOG039"),
        (replies("restore", "restore_file", 1, device="other"), "LOG031"),
        (replies("restore", "file_restored", 1, file="world"), "LOG042"),
        (data("load", "step.done", made=[made("kept-key", "key_simple_kept", "offline", KEY_FILE, "device")]),
         "LOG042"),
        (data("restore", "step.done", made=[made(*("kept-world", "world", "offline", OTHER), "device"),
                                            made(*("kept-key", "key_simple_kept", "offline", KEY_FILE), "device")]),
         "LOG042"),
        (drop("restore", "restore_file", 2), "LOG031"),
        # whose cards, and how many
        (request("load", "load_world", threshold=1), "LOG038"),
        (request("load", "load_world", holders=TWO[:1]), "LOG038"),
        (request("load", "load_world", holders=[TWO[0], TWO[0]]), "LOG038"),
        (request("load", "load_world", holders=[TWO[0], {"person": "chen", "number": 3}]), "LOG038"),
        (request("load", "load_world", holders=[TWO[0], {"person": "bram", "number": 3}]), "LOG038"),
        (request("load", "load_world", holders=[TWO[0], {"person": "dana", "number": 2}]), "LOG038"),
        (request("load", "load_world", card_set="other"), "LOG039"),
        (reply("load", "world_loaded", cards=CARDS[:1]), "LOG038"),
        (reply("load", "world_loaded", cards=[CARDS[0], CARDS[0]]), "LOG038"),
        (reply("load", "world_loaded", cards=[CARDS[0], {"number": 3, "serial": "c3"}]), "LOG038"),
        (reply("load", "people_gathered", **acting("asha/administrator", "dana/operator", "emil/witness")), "LOG036"),
        # which world
        (reply("load", "world_loaded", **ANOTHER), "LOG043"),
        (reply("load", "world_loaded", hknso="12" * 20), "LOG041"),
        (reply("load", "world_loaded", hkm="12" * 20), "LOG041"),
        (result("load", "hknso", "12" * 20), "LOG040"),
        (together(reply("load", "world_loaded", hknso="12" * 20), result("load", "hknso", "12" * 20)), "LOG040"),
        (result("load", "cards", "c1, c9"), "LOG041"),
        # what was signed, by which key
        (reply("prove", "key_proved", challenge="55" * 32), "LOG047"),
        (reply("prove", "key_proved", signature=proof("55" * 32)), "LOG047"),
        (reply("prove", "key_proved", signature=""), "LOG047"),
        (reply("prove", "key_proved", signature="no base64"), "LOG047"),
        (reply("prove", "key_proved", signature=signed(b"other words")), "LOG047"),
        (reply("prove", "key_proved", public_key=rsa_public(1)), "LOG047"),
        (reply("prove", "key_proved", public_key="cHVibGlj"), "LOG047"),
        (together(reply("prove", "key_proved", public_key=rsa_public(1)), result("prove", "public_key", rsa_public(1))),
         "LOG047"),
        (result("prove", "public_key", rsa_public(1)), "LOG041"),
        (result("prove", "key_hash", "12" * 20), "LOG041"),
        (request("prove", "prove_key", ident="other"), "LOG039"),
        (request("prove", "prove_key", app="xferacld"), "LOG039"),
        # the device's own log
        (shown("load", "world_loaded", 10), "LOG050"),
        (data("load", "world_loaded", device=None), "LOG051"),
        (data("load", "load_world", mutates=False), "LOG031"),
        (data("prove", "key_proved", device=device("hsm", 16)), "LOG050"),
    ],
)  # fmt: skip
def test_a_recovery_that_is_not_as_told_is_seen(tmp_path: Path, change: Change, rule: str) -> None:
    verdict = judged(tmp_path, change)
    assert verdict.outcome is Outcome.TAMPERED
    assert rule in {finding.rule for finding in verdict.findings}


def test_a_key_whose_signature_was_refused_in_the_room_is_no_fault_of_the_record(tmp_path: Path) -> None:
    """The step failed, as it must; what the device gave stands in the record and is believed by nobody."""

    def failed(story: list[Draft]) -> None:
        reply("prove", "key_proved", signature="")(story)
        devices = [device("hsm", 15), device("vault", 0)]
        at = place(story, "prove", "step.done")
        story[at:] = [
            Draft(
                EntryType.STEP_FAILED,
                {"rule": "RUN023", "status": None, "result": None, "expected": None, "found": None},
                "prove",
            ),
            Draft(EntryType.CEREMONY_ABORTED, {"rule": "RUN023", "by": None, "reason": None, "devices": devices}),
            Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": devices}),
        ]

    verdict = judged(tmp_path, failed)
    assert {finding.rule for finding in verdict.findings} == {"LOG061"}
