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
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import canonical
from runner.audit.tree import Frontier, leaf
from runner.verification.instructions import TEXT
from runner.verification.tree import Tree, leaf_hash

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Written


def command(start: str) -> str:
    """Return the command of VERIFY.txt that begins like this, as somebody would paste it."""
    blocks = re.split(r"\n\n", TEXT)
    return next(block for block in blocks if block.strip().startswith(start))


def pasted(folder: Path, start: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command(start)], cwd=folder, capture_output=True, text=True, check=False)


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


def test_openssl_accepts_the_signature_and_refuses_another_text(record: Written) -> None:
    need("openssl")
    ran = pasted(record.folder, "last=")
    assert ran.returncode == 0
    assert "Signature Verified Successfully" in ran.stdout
    edit(max((record.folder / "checkpoints").iterdir()), b"\n67\n", b"\n66\n")
    ran = pasted(record.folder, "last=")
    assert ran.returncode != 0
    assert "Signature Verified Successfully" not in ran.stdout


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


def test_jq_and_sha256sum_hold_plan_and_sources_to_the_log(record: Written) -> None:
    need("jq")
    lines = pasted(record.folder, "head -n 1").stdout.splitlines()
    assert lines[0] == lines[1].split()[0]
    assert lines[2:] == ["source/demo.ceremony.yaml: OK", "source/demo.roster.yaml: OK"]
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
