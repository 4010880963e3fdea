"""The shipped regions: made again they are the same, and so are the toolsets everywhere."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from region_source import GENUINE_ROOT, ROOT, TOKENS, make_regions

from hsm_emulator import attestation, byok, crypto
from hsm_emulator.errors import Refused
from hsm_emulator.region import catalogue

CODES = [region.code for region in catalogue.REGIONS]
GOLDEN = Path(__file__).parent / "trust.golden.json"


def items(code: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(catalogue.toolset(code))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_there_are_18_regions_of_17_worlds() -> None:
    assert len(set(CODES)) == len(CODES) == 18
    assert {region.token for region in catalogue.REGIONS} == set(TOKENS)
    assert len({region.zip for region in catalogue.REGIONS}) == 18
    assert {path.stem for path in (ROOT / "hsm_emulator/region/data").glob("*.json")} == set(TOKENS)


def test_the_trust_list_is_the_one_an_auditor_knows() -> None:
    """A changed digest is a new list: change `TRUST_LIST_NAME` with the golden file."""
    made = {"name": catalogue.TRUST_LIST_NAME, "regions": {code: catalogue.simulated_trust(code) for code in CODES}}
    assert made == json.loads(GOLDEN.read_text())


def test_digests_are_18_and_exchange_keys_17(targets: dict[str, byok.VerifiedPackages]) -> None:
    trust = [catalogue.simulated_trust(code) for code in CODES]
    assert len({entry["toolset"] for entry in trust}) == 18
    assert {entry["maker_root"] for entry in trust} == {attestation.root_hash(attestation.root_public())}
    assert len({verified.kek_hash for verified in targets.values()}) == 17
    assert len({verified.hknso for verified in targets.values()}) == 17


def test_the_genuine_makers_root_is_nowhere() -> None:
    assert attestation.root_hash(attestation.root_public()) != GENUINE_ROOT
    for code in CODES:
        assert GENUINE_ROOT.encode() not in catalogue.toolset(code).lower()
        assert GENUINE_ROOT not in catalogue.simulated_trust(code).values()


@pytest.mark.parametrize("region", catalogue.REGIONS, ids=CODES)
def test_a_toolset_has_its_five_items_and_says_simulated(region: catalogue.Region) -> None:
    found = items(region.code)
    assert set(found) == {
        f"BYOK-KEK-pkg-{region.token}",
        f"BYOK-SecurityWorld-pkg-{region.token}",
        "verifykeypackage.py",
        "KeyTransferRemote.exe",
        "vcredist_x64.exe",
    }
    assert all(b"SIMULATED" in content for content in found.values())
    verified = byok.verify_packages(
        found[f"BYOK-KEK-pkg-{region.token}"], found[f"BYOK-SecurityWorld-pkg-{region.token}"]
    )
    assert verified.region == region.token
    assert catalogue.toolset(region.code) == catalogue.toolset(region.code)
    assert catalogue.toolset_name(region.code) == f"KeyVault-BYOK-Tools-{region.zip}.zip"


def test_germany_and_germany_public_share_all_but_the_zips_name() -> None:
    one, other = items("germany"), items("germany-public")
    assert {name for name in one if one[name] != other[name]} == {"KeyTransferRemote.exe", "vcredist_x64.exe"}
    assert catalogue.toolset("germany") != catalogue.toolset("germany-public")


def test_a_zip_says_nothing_of_where_it_was_made() -> None:
    with zipfile.ZipFile(io.BytesIO(catalogue.toolset("eu"))) as archive:
        for item in archive.infolist():
            assert item.compress_type == zipfile.ZIP_STORED
            assert item.date_time == (1980, 1, 1, 0, 0, 0)
            assert (item.create_system, item.external_attr, item.extra, item.comment) == (3, 0o100644 << 16, b"", b"")


def test_a_world_made_again_is_the_same_byte_for_byte() -> None:
    shipped = (ROOT / "hsm_emulator/region/data/EU-1.json").read_bytes()
    assert catalogue.world_file(make_regions().make("EU-1")) == shipped
    assert json.loads(shipped)["notice"] == catalogue.NOTICE


def test_worlds_of_two_tokens_share_no_secret(worlds: dict[str, catalogue.World]) -> None:
    assert len({world.silicon.km for world in worlds.values()}) == 17
    assert len({world.silicon.kek_private for world in worlds.values()}) == 17
    assert all(crypto.rsa_load_foreign(world.silicon.kek_private) for world in worlds.values())


def test_an_unknown_region_is_refused() -> None:
    for function in (catalogue.region, catalogue.toolset, catalogue.toolset_name, catalogue.simulated_trust):
        with pytest.raises(Refused, match="no region 'china'"):
            function("china")


def test_the_script_in_the_toolset_stands_alone(tmp_path: Path) -> None:
    for name, content in items("eu").items():
        (tmp_path / name).write_bytes(content)

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "verifykeypackage.py", *arguments],
            cwd=tmp_path,
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.returncode, done.stdout

    kek, world = "BYOK-KEK-pkg-EU-1", "BYOK-SecurityWorld-pkg-EU-1"
    code, printed = run("-k", kek, "-w", world)
    assert (code, printed.splitlines()[-1]) == (0, "Result: SUCCESS")
    assert f"Maker's root: {catalogue.simulated_trust('eu')['maker_root']}" in printed
    content = (tmp_path / kek).read_bytes()
    for spoilt in (content[:-1], content.replace(b'"EU-1"', b'"NA-1"'), b"", b"\xff" * 50):
        (tmp_path / kek).write_bytes(spoilt)
        code, printed = run("-k", kek, "-w", world)
        assert (code, printed.splitlines()[-1]) == (1, "Result: FAILURE")
    assert run("-k", "none", "-w", world)[0] == 1
    assert run("-k", kek)[0] == 2
