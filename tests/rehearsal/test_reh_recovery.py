"""A world that is brought back, through the command line: what is taken from an earlier rehearsal, what is proved."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from msgspec.structs import replace
from sittings_bench import Broken, is_entry

from runner.audit.entry import EntryType
from runner.audit.tree import leaf
from runner.engine import Engine, StepFailed
from runner.errors import Exit
from runner.exchange import KeyProved, PersonPresent, parse_reply
from runner.plan import trust_list
from runner.proofs import challenge, proves
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from sittings_bench import When

CEREMONY = "world-recovery"
FOLDER = Path(__file__).parents[2] / "ceremonies" / CEREMONY


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of the ceremony before; its room lies beside it."""
    record = tmp_path_factory.mktemp("before") / "handover"
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        code, _, err = bench.say("rehearse", str(FOLDER / "world-handover.ceremony.yaml"), "--out", str(record))
    assert code == Exit.DONE, err
    return record


def recovery(handover: Path, record: Path, *more: str, playbook: str = CEREMONY) -> list[str]:
    records = [word for name in ("world", "key") for word in ("--record", f"{name}={handover}")]
    return ["rehearse", playbook, *records, "--out", str(record), *more]


def rehearsed(handover: Path, record: Path) -> bench.Left:
    code, out, err = bench.say(*recovery(handover, record))
    assert code == Exit.DONE, err
    return bench.Left(record=record, code=code, out=out, err=err)


def test_both_playbooks_are_right_at_release_level() -> None:
    for playbook in sorted(FOLDER.glob("*.ceremony.yaml")):
        assert bench.say("lint", str(playbook), "--level", "release")[0] == Exit.DONE


def test_the_world_is_the_one_of_before_and_the_earlier_room_is_left_as_it_was(handover: Path, tmp_path: Path) -> None:
    before = bench.tree(handover.parent)
    left = rehearsed(handover, tmp_path / "record")
    assert "REHEARSAL SIMULATED: VALID" in left.out
    assert bench.tree(handover.parent) == before
    shown = [entry.data["devices"][0]["inventory"] for entry in left.entries() if "devices" in entry.data]
    was = bench.Left(record=handover, code=0, out="", err="").entries()[-1].data["devices"][0]["inventory"]
    assert shown[0]["world"] == ""
    assert shown[0]["keys"] == []
    assert shown[-1]["world"] == was["world"] != ""
    assert shown[-1]["keys"] == was["keys"] != []
    assert was["cards"] != shown[-1]["cards"] == []  # which cards there are a module knows that wrote them


def test_an_auditor_checks_the_proof_with_openssl(handover: Path, tmp_path: Path) -> None:
    left = rehearsed(handover, tmp_path / "record")
    lines = left.lines()
    (asked,) = (entry.seq for entry in left.entries() if entry.data.get("kind") == "prove_key")
    (told,) = (entry.data["reply"] for entry in left.entries() if entry.data.get("kind") == "key_proved")
    assert told["challenge"] == leaf(lines[asked]).hex()
    der, signature, words = (tmp_path / name for name in ("key.der", "signature", "words"))
    der.write_bytes(base64.b64decode(told["public_key"]))
    signature.write_bytes(base64.b64decode(told["signature"]))
    line = ["openssl", "dgst", "-sha256", "-verify", str(der), "-keyform", "DER", "-signature", str(signature)]
    for content, good in ((told["challenge"], True), ("00" * 32, False)):
        words.write_text(f"ceremony key proof 1\n{content}\n")
        done = subprocess.run([*line, str(words)], capture_output=True, text=True, timeout=bench.OVER, check=False)
        assert ("Verified OK" in done.stdout) is good, done.stderr


PLACES: dict[str, tuple[When | None, When]] = {
    "before the first file is put back": (is_entry("request", kind="restore_file"), sittings.never),
    "when a file is put back, and nobody wrote it down": (is_entry("reply", kind="file_restored"), sittings.never),
    "when the files are put back": (is_entry("step.done", step="restore-files"), sittings.never),
    "before the world is loaded": (is_entry("request", kind="load_world"), sittings.never),
    "when it is loaded, and nobody wrote it down": (is_entry("reply", kind="world_loaded"), sittings.never),
    "when the key signed, and nobody wrote it down": (is_entry("reply", kind="key_proved"), sittings.never),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_goes_on_wherever_it_broke_off(
    place: str, handover: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = PLACES[place]
    record = tmp_path / "record"
    sittings.killed(monkeypatch, lambda: bench.say(*recovery(handover, record)), before=before, after=after)
    left = Broken(record=record).says("resume")
    assert left.code == Exit.DONE, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings


# -- what is taken from where -------------------------------------------------------------------------------------


def apart(handover: Path, place: Path) -> tuple[str, Path]:
    """The earlier record and its trust file without the room, and the backup beside them, as people would bring it."""
    shutil.copytree(handover, place / "handover")
    sim = handover.with_name(f"{handover.name}.sim")
    shutil.copy(sim / "trust.json", place / "trust.json")
    shutil.copytree(sim / "media" / "backup-disk", place / "backup")
    return f"{place / 'handover'},{place / 'trust.json'}", place / "backup"


def test_without_the_earlier_room_the_backup_is_brought_and_the_cards_are_blank(handover: Path, tmp_path: Path) -> None:
    record, backup = apart(handover, tmp_path)
    records = ["--record", f"world={record}", "--record", f"key={record}"]
    line = ["rehearse", CEREMONY, *records, "--out", str(tmp_path / "record")]
    code, _, err = bench.say(*line)
    assert (code, "ART010" in err) == (Exit.REFUSED, True)
    code, _, err = bench.say(*line, "--bring", str(backup))
    assert (code, "RUN020" in err) == (Exit.STEP_FAILED, True)
    assert "load-world" in err


def test_another_file_of_that_name_in_the_folder_is_not_taken(handover: Path, tmp_path: Path) -> None:
    record, backup = apart(handover, tmp_path)
    (backup / "world").write_bytes(bench.flip((backup / "world").read_bytes(), 40))
    records = ["--record", f"world={record}", "--record", f"key={record}"]
    before = bench.tree(tmp_path)
    line = ["rehearse", CEREMONY, *records, "--out", str(tmp_path / "record"), "--bring", str(backup)]
    code, _, err = bench.say(*line)
    assert (code, "ART010" in err) == (Exit.REFUSED, True)
    assert bench.tree(tmp_path) == before


def test_nothing_is_rehearsed_without_the_earlier_records(tmp_path: Path) -> None:
    code, _, err = bench.say("rehearse", CEREMONY, "--out", str(tmp_path / "record"))
    assert (code, "LOG020" in err) == (Exit.WRONG_USE, True)
    assert [*tmp_path.iterdir()] == []


# -- people --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("[operator]", "[operator, witness]", "QUO005"),
        ("[author]", "[author, operator]", "QUO005"),
        ("cards: {custodians: 2}", "cards: {custodians: 1}", "QUO003"),
        ("[custodian]", "[custodian, operator]", "QUO005"),
    ],
    ids=["operator and witness", "author and operator", "one card twice", "custodian and operator"],
)
def test_nobody_stands_in_two_places(handover: Path, tmp_path: Path, old: str, new: str, rule: str) -> None:
    shutil.copytree(FOLDER, tmp_path / "playbook")
    roster = tmp_path / "playbook" / f"{CEREMONY}.roster.yaml"
    written = roster.read_text()
    assert old in written
    roster.write_text(written.replace(old, new, 1))
    playbook = str(tmp_path / "playbook" / f"{CEREMONY}.ceremony.yaml")
    before = bench.tree(tmp_path)
    code, out, _ = bench.say(*recovery(handover, tmp_path / "record", playbook=playbook))
    assert (code, rule in out) == (Exit.REFUSED, True), out
    assert bench.tree(tmp_path) == before


# -- the proof itself ----------------------------------------------------------------------------------------------


def test_a_signature_proves_one_key_and_one_request(handover: Path, tmp_path: Path) -> None:
    left = rehearsed(handover, tmp_path / "record")
    (told,) = (entry.data["reply"] for entry in left.entries() if entry.data.get("kind") == "key_proved")
    said: dict[str, Any] = {name: told[name] for name in ("public_key", "challenge", "signature")}
    key, request, signature = said.values()
    assert challenge(request) == f"ceremony key proof 1\n{request}\n".encode()
    assert proves(key, request, signature)
    for wrong in (
        (key, "00" * 32, signature),
        (key, request, signature[:-8]),
        (key, request, "*"),
        (key, request, ""),
        ("", request, signature),
        ("cHVibGlj", request, signature),
        (ED25519, request, signature),
    ):
        assert not proves(*wrong)


def test_a_step_fails_where_the_signature_is_not_the_key_s(handover: Path, tmp_path: Path) -> None:
    """RUN023: the engine is fed what the log holds up to the proof, and then the reply with another signature."""
    left = rehearsed(handover, tmp_path / "record")
    engine = Engine(left.checked(), trust_list("simulated", {}))
    turn = engine.start()
    for entry in left.entries():
        if entry.type is EntryType.PERSON_PRESENT:
            engine.happened(PersonPresent(person=entry.data["person"]))
        if entry.type is not EntryType.REPLY or turn.request is None:
            continue
        reply = parse_reply(turn.request, entry.data["kind"], entry.data["reply"])
        if isinstance(reply, KeyProved):
            break
        turn = engine.answer(reply)
    assert isinstance(reply, KeyProved)
    wrong = replace(reply, challenge="00" * 32)
    failed = engine.answer(wrong).marks[0]
    assert isinstance(failed, StepFailed)
    assert (failed.step, failed.rule) == ("prove-key", "RUN023")


ED25519 = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
"""A public key that is no RSA key: of RFC 8032, section 7.1, test 1."""


def test_a_file_that_the_device_cannot_read_fails_the_step(handover: Path, tmp_path: Path) -> None:
    """The first three reads look at the files; the fourth is for the device."""
    faults = tmp_path / "x.faults.yaml"
    for nth, rule in ((3, "RUN030"), (4, "RUN020")):
        fault = f"{{at: restore-files, nth: {nth}, what: files-unreadable}}"
        faults.write_text(f"format: faults/1\nceremony: {CEREMONY}\nfaults: [{fault}]\nends: {{exit: 0}}\n")
        record = tmp_path / str(nth)
        code, out, err = bench.say(*recovery(handover, record, "--faults", str(faults)))
        assert code == Exit.DONE, err
        left = bench.Left(record=record, code=code, out=out, err=err)
        failed = [entry.data for entry in left.entries() if entry.type is EntryType.STEP_FAILED]
        assert [data["rule"] for data in failed] == [rule]
        assert left.verdict().outcome is Outcome.VALID
