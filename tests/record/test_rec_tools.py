"""Tools nobody here wrote agree with the writer and the verifier, and refuse a tampered twin."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pymerkle
import pytest
import rfc8785
import synthetic
from changes import statement
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import canonical
from runner.audit.tree import Frontier, leaf
from runner.verification.instructions import TEXT
from runner.verification.signers import ATTEST
from runner.verification.tree import Tree, leaf_hash

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Written


def command(start: str) -> str:
    """Return the command of VERIFY.txt that begins like this, as somebody would paste it."""
    blocks = re.split(r"\n\n", TEXT)
    return next(block for block in blocks if block.strip().startswith(start))


def pasted(folder: Path, start: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command(start)], cwd=folder, capture_output=True, text=True, check=False)


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def test_pymerkle_finds_the_same_roots() -> None:
    theirs, writers, verifiers = pymerkle.InmemoryTree(algorithm="sha256"), Frontier(), Tree()
    assert theirs.get_root() == writers.root() == verifiers.root()
    for number in range(131):
        line = b'{"seq":%d}' % number
        theirs.append_entry(line)
        writers = writers.add(leaf(line))
        verifiers.grow(leaf_hash(line))
        assert theirs.get_root() == writers.root() == verifiers.root()
        assert writers.size == verifiers.size == number + 1


def test_perl_finds_the_root_of_the_last_checkpoint_and_an_edit(record: Written) -> None:
    need("perl")
    last = max((record.folder / "checkpoints").iterdir()).read_text().splitlines()
    ran = pasted(record.folder, "perl")
    assert ran.stdout.splitlines() == last[1:3]
    assert pasted(record.folder, "sed -n 2,3p").stdout.splitlines() == last[1:3]
    edit(record.folder / "log.jsonl", b".000000Z", b".000001Z")
    ran = pasted(record.folder, "perl")
    assert ran.returncode != 0
    assert "line 2 does not follow" in ran.stderr


@pytest.mark.parametrize("lines", [1, 2, 3, 7, 8, 64, 66])
def test_perl_agrees_on_every_length(record: Written, lines: int) -> None:
    need("perl")
    kept = record.lines[:lines]
    (record.folder / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in kept))
    import base64

    tree = Frontier()
    for line in kept:
        tree = tree.add(leaf(line))
    ran = pasted(record.folder, "perl")
    assert ran.stdout.split() == [str(lines), base64.b64encode(tree.root()).decode()]


def test_openssl_accepts_the_signatures_and_refuses_another_text(signed: Written) -> None:
    need("openssl")
    ran = pasted(signed.folder, 'tmp="$(mktemp -d)"\n       for note')
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert [line[0] for line in lines] == [f"checkpoints/{path.name}" for path in notes(signed)]
    assert {line[1] for line in lines} == {f"keys/log-{number}.pub.pem" for number in (0, 1, 2)}
    edit(notes(signed)[-1], b"\n119\n", b"\n118\n")
    ran = pasted(signed.folder, 'tmp="$(mktemp -d)"\n       for note')
    assert [line.split()[1] == "FAILED" for line in ran.stdout.splitlines()] == [*([False] * (len(lines) - 1)), True]


def notes(record: Written) -> list[Path]:
    return sorted((record.folder / "checkpoints").iterdir())


def test_the_key_files_are_those_the_log_names(signed: Written) -> None:
    need("openssl")
    need("jq")
    start = 'tmp="$(mktemp -d)"\n       jq'
    ran = pasted(signed.folder, start)
    assert (ran.returncode, ran.stdout) == (0, "keys/log-0 OK\nkeys/log-1 OK\nkeys/log-2 OK\n")
    one, other = (signed.folder / f"keys/log-{number}.pub.pem" for number in (0, 1))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    assert "keys/log-0 FAILED" in pasted(signed.folder, start).stdout
    one.write_bytes(content)
    (signed.folder / "keys/log-2.vkey").write_bytes((signed.folder / "keys/log-1.vkey").read_bytes())
    assert pasted(signed.folder, start).returncode != 0


def test_ssh_keygen_accepts_what_people_signed_and_refuses_anything_else(signed: Written) -> None:
    need("ssh-keygen")
    need("jq")
    lines = pasted(signed.folder, "for text in").stdout.splitlines()
    approved = [line for line in lines if line.startswith("approval/")]
    typed = [line for line in lines if line.endswith(" typed")]
    assert approved == [f"approval/manifest.txt.{who}.sshsig OK" for who in ("fay", "gus")]
    assert [line.split(".")[1] for line in typed] == ["dana", "emil", "dana", "emil"]
    signatures = list((signed.folder / "statements").glob("*.sshsig"))
    assert len(lines) == len(signatures) + len(approved) + len(typed)
    assert all(line.endswith((" OK", " typed")) for line in lines)

    edit(signed.folder / "approval/manifest.txt", b"approves   2", b"approves   1")
    texts = sorted(path for path in (signed.folder / "statements").glob("*.txt"))
    for path in texts:
        path.write_bytes(path.read_bytes().replace(b"as operator", b"as Operator"))
    one, other = signatures[0], signatures[1]
    one.write_bytes(other.read_bytes())
    failed = {line.split()[0] for line in pasted(signed.folder, "for text in").stdout.splitlines() if "FAILED" in line}
    changed = {f"statements/{path.name}" for path in signatures if ".dana." in path.name}
    approvals = {line.split()[0] for line in approved}
    assert failed == approvals | changed | {f"statements/{one.name}"}


def test_a_close_signed_for_another_purpose_is_refused(tmp_path: Path) -> None:
    need("ssh-keygen")
    record = synthetic.write(tmp_path, signed=True, change=statement(None, "close", "emil", namespace=ATTEST))
    lines = pasted(record.folder, "for text in").stdout.splitlines()
    assert [line.split(".")[1] for line in lines if line.endswith("FAILED")] == ["emil"]


def test_the_record_without_signatures_has_nothing_to_verify(record: Written) -> None:
    ran = pasted(record.folder, "for text in")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_peoples_keys_are_those_of_the_plan(signed: Written) -> None:
    need("jq")
    assert pasted(signed.folder, "jq -r '.people").returncode == 0
    edit(signed.folder / "keys/allowed_signers", b"fay", b"zoe")
    assert pasted(signed.folder, "jq -r '.people").returncode != 0


def test_sha256sum_accepts_the_files_and_refuses_a_changed_one(record: Written) -> None:
    need("sha256sum")
    ran = pasted(record.folder, "sha256sum")
    counts = ran.stdout.splitlines()[-2:]
    assert ran.returncode == 0
    assert counts[0] == counts[1]
    edit(record.folder / "plan.json", b"Demo", b"Memo")
    assert "plan.json: FAILED" in pasted(record.folder, "sha256sum").stdout


def test_jq_finds_log_and_plan_canonical_and_a_second_spelling_not(record: Written) -> None:
    need("jq")
    ran = pasted(record.folder, "jq -cS")
    assert (ran.returncode, ran.stdout) == (0, "")
    edit(record.folder / "plan.json", b'"format":"plan/1"', b'"format": "plan/1"')
    assert pasted(record.folder, "jq -cS").stdout != ""


def test_jq_and_sha256sum_hold_what_people_signed_to_the_log(signed: Written) -> None:
    need("jq")
    start = "jq -r '\n"
    ran = pasted(signed.folder, start)
    lines = ran.stdout.splitlines()
    statements = len(list((signed.folder / "statements").iterdir()))
    assert (ran.returncode, len(lines)) == (0, statements + 3 + 2 + 3 + 1)
    assert all(line.endswith(": OK") for line in lines)
    path = next((signed.folder / "statements").glob("*.sshsig"))
    content = path.read_bytes()
    path.unlink()
    assert f"statements/{path.name}: FAILED open or read" in pasted(signed.folder, start).stdout
    path.write_bytes(content)
    for name in ("approval/manifest.txt", "source/demo.roster.yaml"):
        edit(signed.folder / name, b"p", b"q")
    lines = pasted(signed.folder, start).stdout.splitlines()
    assert "approval/manifest.txt: FAILED" in lines
    assert "source/demo.roster.yaml: FAILED" in lines
    edit(signed.folder / "approval/sums.txt", b"plan.json", b"plan.JSON")
    assert pasted(signed.folder, start).stdout.splitlines()[-1] == "approval/manifest.txt: FAILED"


def test_every_command_of_the_page_finds_a_good_record_good(signed: Written) -> None:
    for program in ("jq", "openssl", "perl", "ssh-keygen"):
        need(program)
    before = {name: (signed.folder / name).read_bytes() for name in synthetic.files(signed.folder)}
    blocks = [block for block in re.split(r"\n\n", TEXT) if block.startswith("       ")]
    assert len(blocks) == 10
    for block in blocks:
        ran = subprocess.run(["sh", "-c", block], cwd=signed.folder, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), block
        assert "FAILED" not in ran.stdout
    assert before == {name: (signed.folder / name).read_bytes() for name in synthetic.files(signed.folder)}


def test_jq_finds_how_it_ended(record: Written) -> None:
    need("jq")
    assert pasted(record.folder, "tail -n 1 log.jsonl").stdout == "completed\n"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=150)
def test_rfc8785_spells_every_value_alike(value: object) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)


def test_jq_spells_a_value_alike() -> None:
    need("jq")
    value = {"b": [1, -(2**53) + 1, '\u2028é\U0001f600\x00\t"\\/'], "a": {"z": None, "y": True}}
    encoded = canonical.encode(value)
    ran = subprocess.run(["jq", "-cjS", "."], input=json.dumps(value).encode(), capture_output=True, check=True)
    assert ran.stdout == encoded
