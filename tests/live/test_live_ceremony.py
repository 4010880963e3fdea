"""The whole ceremony, carried out at a terminal by people who make the mistakes that people make."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING

import pytest
from live_bench import PINS, WRONG, People, Premises, approve, entries, furnish

if TYPE_CHECKING:
    from pathlib import Path

HERE = ["deniz", "emeka", "freya", "goran", "hana"]


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    return furnish(tmp_path_factory.mktemp("room"))


@pytest.mark.slow
def test_a_signed_ceremony_with_everything_that_goes_wrong(premises: Premises) -> None:
    record = premises.place / "record"
    assert approve(premises, "bjorn") == 0
    refused = premises.call("run", "plan.json", "--environment", "room.environment.yaml", "--out", "record")
    assert (refused.returncode, "RUN017" in refused.stderr) == (4, True)
    assert approve(premises, "chiara") == 0
    no_terminal = premises.call("run", "plan.json", "--environment", "room.environment.yaml", "--out", "record")
    assert no_terminal.returncode == 8
    assert not record.exists()

    first = People(
        premises,
        HERE,
        events={"carry-in": ["break", "hana", "lunch"]},
        mistakes={"twice", "card"},
        interrupt="generate-key",
    )
    code = first.attend(premises.spawn("run", "plan.json", "--environment", "room.environment.yaml", "--out", "record"))
    talk = "".join(first.said)
    assert code == 130, talk[-2000:]
    assert first.mistakes == set()
    assert "each person counts once" in talk
    assert "SIM-CARD-9999" in talk
    status = premises.call("status", "record")
    assert (status.returncode, "suspended" in status.stdout) == (0, True)

    second = People(
        premises,
        HERE,
        events={
            "reduce-permissions": [
                "leave", "goran", "come", "ines", "substitute", "goran", "ines", "hana", "called away",
            ]
        },
        mistakes={"pin"},
    )  # fmt: skip
    code = second.attend(premises.spawn("resume", "record", "--environment", "room.environment.yaml"))
    talk = "".join(second.said)
    assert code == 0, talk[-3000:]
    assert second.mistakes == set()
    assert "is wrong" in talk

    kinds = [entry["type"] for entry in entries(record)]
    for kind in ("break.begun", "substitution", "ceremony.suspended", "ceremony.resumed"):
        assert kind in kinds
    verdict = premises.call("verify", "record", "--trust", "record.trust.json", "--rehearsal")
    assert verdict.returncode == 0, verdict.stdout
    assert "VALID" in verdict.stdout
    again = premises.call("run", "plan.json", "--environment", "room.environment.yaml", "--out", "record-2")
    assert (again.returncode, "RUN014" in again.stderr) == (4, True)
    _signatures_hold(record)
    _nothing_secret(premises, "".join([*first.said, *second.said]))


def _signatures_hold(record: Path) -> None:
    """`ssh-keygen` agrees with every signature, and refuses it over anything else."""
    signatures = sorted(record.glob("statements/*.sshsig"))
    assert len(signatures) > 15
    for signature in signatures:
        statement = signature.with_suffix("")
        person = statement.name.split(".")[1]
        close = b"STATEMENT OF CLOSE" in statement.read_bytes()
        command = [
            "ssh-keygen", "-Y", "verify", "-f", str(record / "keys" / "allowed_signers"), "-I", person,
            "-n", "ceremony-close@ceremony" if close else "step-attest@ceremony", "-s", str(signature),
        ]  # fmt: skip
        content = statement.read_bytes()
        assert subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0
        assert subprocess.run(command, input=content + b" ", capture_output=True, check=False).returncode != 0


def _nothing_secret(premises: Premises, talk: str) -> None:
    """No PIN in what was shown or written, outside the simulated silicon; nor the one that was wrong."""
    files = (path for path in premises.place.rglob("*") if path.is_file() and "silicon" not in path.parts)
    found = [talk.encode(), *(path.read_bytes() for path in files)]
    for pin in (*PINS.values(), WRONG):
        for form in _spellings(pin.encode()):
            assert not any(form in content for content in found), form


def _spellings(secret: bytes) -> list[bytes]:
    """What a secret looks like raw, backwards, in hex, and in base64 wherever it begins in what is written so."""
    shifted = [base64.b64encode(bytes(shift) + secret)[4 : (shift + len(secret)) // 3 * 4] for shift in range(3)]
    return [secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode(), *shifted]


def test_a_secret_is_found_however_it_is_written() -> None:
    secret = b"a PIN of somebody"
    for before in (b"", b"x", b"xy"):
        content = base64.b64encode(before + secret + b" and more")
        assert any(form in content for form in _spellings(secret))
    for content in (secret, secret[::-1], secret.hex().encode()):
        assert any(form in content for form in _spellings(secret))
    assert not any(form in b"another PIN, of somebody else" for form in _spellings(secret))
