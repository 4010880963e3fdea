"""manifest.txt and sums.txt are the texts of docs/record.md; goldens are files an auditor can read."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from plan_bench import BARE, FULL, SHA256, TERMS, signer

from runner.errors import EvidenceFault
from runner.signing.manifest import manifest_txt, plan_of, read_terms, sums_txt

if TYPE_CHECKING:
    from runner.plan import Plan

GOLDEN = Path(__file__).parent / "golden"
SUMS = (
    f"{SHA256}  plan.json\n"
    f"{'33' * 32}  source/Press.roster.yaml\n"
    f"{'11' * 32}  source/press.ceremony.yaml\n"
    f"{'22' * 32}  source/press.regions.yaml\n"
)


def fingerprint(key: str, folder: Path) -> str:
    """What `ssh-keygen -l` says of a key."""
    program = shutil.which("ssh-keygen")
    assert program is not None
    path = folder / "key.pub"
    path.write_text(key + "\n")
    said = subprocess.run([program, "-l", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


@pytest.mark.parametrize(("plan", "name"), [(FULL, "manifest-full.txt"), (BARE, "manifest-bare.txt")])
def test_the_manifest_is_the_golden_one(plan: Plan, name: str, tmp_path: Path) -> None:
    golden = (GOLDEN / name).read_text(encoding="utf-8").replace("@SUMS@", hashlib.sha256(SUMS.encode()).hexdigest())
    for number, who in ((1, "@ADA@"), (2, "@BOB@"), (5, "@EVE@")):
        golden = golden.replace(who, fingerprint(signer(number).public, tmp_path))
    assert manifest_txt(plan, SHA256, TERMS).decode() == golden


def test_sums_are_sorted_by_their_bytes() -> None:
    assert sums_txt(SHA256, FULL.sources).decode() == SUMS


def test_terms_and_plan_are_read_back() -> None:
    manifest = manifest_txt(FULL, SHA256, TERMS)
    assert read_terms(manifest) == TERMS
    assert plan_of(manifest) == SHA256


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("approval/1", "approval/2"),
        ("approval   0", "approval  0"),
        ("approval   0123", "approval   0123 "),
        ("approval   0123", "approval   012G"),
        ("2026-11-25 to", "2026-11-31 to"),
        ("2026-12-25", "2026-11-24"),
        ("2026-12-25", "26-12-25"),
        (" version 0.1.0", ""),
        ("5f5f", "5F5F"),
        ("plan       e5", "plan       e"),
        ("\n", "\r\n"),
    ],
)
def test_another_head_is_refused(old: str, new: str) -> None:
    manifest = manifest_txt(FULL, SHA256, TERMS).decode()
    assert old in manifest
    with pytest.raises(EvidenceFault):
        read_terms(manifest.replace(old, new, 1).encode())


@pytest.mark.parametrize("manifest", [b"", b"\xff\xfe", b"APPROVAL OF A KEY CEREMONY PLAN (approval/1)\n"])
def test_what_is_no_manifest_is_refused(manifest: bytes) -> None:
    with pytest.raises(EvidenceFault):
        plan_of(manifest)


def test_no_line_can_be_smuggled_in_by_a_title() -> None:
    title = "A press\nowner      mallory"
    forged = manifest_txt(replace(FULL, ceremony=replace(FULL.ceremony, title=title)), SHA256, TERMS).decode()
    assert forged.count("\nowner ") == 1
    assert "A press\\u{a}owner      mallory\n" in forged
