"""All regions: each rehearsed to a valid record, and each package taken only where it belongs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench

from hsm_emulator import crypto
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused
from hsm_emulator.region import catalogue, client, vault
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
CODES = [region.code for region in catalogue.REGIONS]


def take_in(left: bench.Left, code: str, place: Path) -> client.Imported:
    """Have a new vault of a region take in the package that stands in a record."""
    vault.install(place, code, crypto.SystemDraw(), Disk())
    (package,) = (left.record / "transfer").iterdir()
    return client.import_key(
        place, package, vault="ContosoVault", name="SecondKey", subscription_id=SUBSCRIPTION, request_id="again"
    )


def test_a_package_opens_in_another_vault_of_its_region(left: bench.Left, tmp_path: Path) -> None:
    taken = take_in(left, "eu", tmp_path / "vault")
    made = next(entry.data["reply"] for entry in left.entries() if entry.data.get("kind") == "key_made")
    assert (taken.key_hash, taken.public_key) == (made["key_hash"], made["public_key"])


@pytest.mark.parametrize("code", ["na", "uk", "germany"])
def test_a_package_is_refused_in_another_region(left: bench.Left, code: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        take_in(left, code, tmp_path / "vault")
    assert client.state(tmp_path / "vault").keys == ()


def test_germanys_package_opens_in_germany_public_and_nowhere_near(
    together: tuple[bench.Left, bench.Left], tmp_path: Path
) -> None:
    germany = together[0]
    assert take_in(germany, "germany-public", tmp_path / "public").key_hash
    with pytest.raises(Refused):
        take_in(germany, "eu", tmp_path / "eu")


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_every_region_is_rehearsed_to_a_valid_record(code: str, tmp_path: Path) -> None:
    made = bench.rehearse(tmp_path / "record", code, "--edition", bench.EDITION)
    assert made.code == 0, made.err[-600:]
    verdict = made.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert (verdict.facts.region, verdict.facts.edition) == (code, bench.EDITION)
    assert bench.say("verify", str(made.record), "--trust", str(made.trust))[0] == 1
    token = next(region.token for region in catalogue.REGIONS if region.code == code)
    sealed = [entry.data["reply"]["region"] for entry in made.entries() if entry.data.get("kind") == "package_sealed"]
    assert sealed == [token]
    opened = json.loads(made.lines()[0])["data"]
    assert {device["serial"].startswith("SIM") for device in opened["devices"]} == {True}
    assert take_in(made, code, tmp_path / "vault").key_hash


def test_there_are_eighteen_regions() -> None:
    assert len(CODES) == len(set(CODES)) == 18
