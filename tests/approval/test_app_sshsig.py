"""Signatures of simulated people are what `ssh-keygen` writes and verifies; tampered twins are refused by it."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from approval_bench import write_key
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from plan_bench import signer

from runner.errors import Defect
from runner.signing.signers import APPROVE, ATTEST, allowed_signers

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = shutil.which("ssh-keygen") or ""
MESSAGE = b"STATEMENT OF CONSENT (statement/1)\n"


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    path = tmp_path / "allowed_signers"
    path.write_bytes(allowed_signers([("ada", signer(1).public), ("bob", signer(2).public)]))
    return path


def accepted(signers: Path, person: str, namespace: str, signature: bytes, message: bytes) -> bool:
    path = signers.with_name("m.sshsig")
    path.write_bytes(signature)
    command = [PROGRAM, "-Y", "verify", "-f", str(signers), "-I", person, "-n", namespace, "-s", str(path)]
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


def test_the_signature_is_the_one_ssh_keygen_makes(tmp_path: Path) -> None:
    key = write_key(tmp_path / "ada", 1)
    command = [PROGRAM, "-q", "-Y", "sign", "-f", str(key), "-n", ATTEST]
    made = subprocess.run(command, input=MESSAGE, capture_output=True, check=True).stdout
    assert made == signer(1).sign(ATTEST, MESSAGE)


def test_the_public_key_is_the_one_ssh_keygen_reads(tmp_path: Path) -> None:
    key = write_key(tmp_path / "ada", 1)
    made = subprocess.run([PROGRAM, "-y", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    assert made.split()[:2] == signer(1).public.split()


@pytest.mark.parametrize("namespace", [APPROVE, ATTEST])
@pytest.mark.parametrize("message", [b"", MESSAGE, os.urandom(70_000)], ids=["empty", "statement", "long"])
def test_ssh_keygen_verifies_it(signers: Path, namespace: str, message: bytes) -> None:
    assert accepted(signers, "ada", namespace, signer(1).sign(namespace, message), message)


@pytest.mark.parametrize(
    ("person", "namespace", "message"),
    [("bob", ATTEST, MESSAGE), ("ada", APPROVE, MESSAGE), ("ada", ATTEST, MESSAGE + b"\n"), ("eve", ATTEST, MESSAGE)],
)
def test_ssh_keygen_refuses_it_for_anything_else(signers: Path, person: str, namespace: str, message: bytes) -> None:
    signature = signer(1).sign(ATTEST, MESSAGE)
    assert accepted(signers, "ada", ATTEST, signature, MESSAGE)
    assert not accepted(signers, person, namespace, signature, message)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_ssh_keygen_refuses_a_twin_with_one_bit_changed(signers: Path, place: int, bit: int) -> None:
    begin, *lines, end, _ = signer(1).sign(ATTEST, MESSAGE).split(b"\n")
    blob = bytearray(base64.b64decode(b"".join(lines)))
    blob[place % len(blob)] ^= 1 << bit
    assume(blob[6:10] != bytes(4))  # it takes version 0 for 1 (test_rec_signatures has that)
    twin = b"\n".join([begin, base64.b64encode(bytes(blob)), end, b""])
    assert not accepted(signers, "ada", ATTEST, twin, MESSAGE)


def test_no_namespace_is_a_defect() -> None:
    with pytest.raises(Defect):
        signer(1).sign("", MESSAGE)


def test_the_private_key_has_no_text_form() -> None:
    shown = f"{signer(1)!r} {signer(1)}"
    assert shown == "SimulatedSigner() SimulatedSigner()"
