"""The regions a rehearsal can use, and what an outsider vouches for in each: the simulated trust list.

18 regions share 17 worlds: germany and germany-public have one between them, and so one exchange key. The worlds were
made once by `scripts/make_regions.py` and are shipped, so digests are the same everywhere and known beforehand. Zip
parts and tokens are those of the published toolsets; nothing else is, and every file says SIMULATED.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Final

from msgspec import Struct

from hsm_emulator import byok, chain, crypto, encoding
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.unshown import Unshown

TRUST_LIST_NAME: Final = "simulated-regions-2"
"""Names the one set of values `simulated_trust` gives; a changed value is a new name."""

NOTICE: Final = (
    "SIMULATED region of the HSM emulator. Nothing here is genuine and nothing here is secret, silicon included."
)

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every item in a toolset: the earliest a zip can hold."""


class Region(Struct, frozen=True, kw_only=True):
    """A region: its code in playbooks, its part of the zip's name, and the token in the packages' names."""

    code: str
    zip: str
    token: str


class Silicon(Unshown, frozen=True, kw_only=True):
    """What only the inside of a region's HSM knows: the KEK (PKCS#8 DER) and the module key KM."""

    kek_private: bytes
    km: bytes


class World(Struct, frozen=True, kw_only=True):
    """A region's shipped world: its two public packages and its silicon."""

    kek_package: bytes
    world_package: bytes
    silicon: Silicon


REGIONS: Final = tuple(
    Region(code=code, zip=part, token=token)
    for code, part, token in (
        ("na", "UnitedStates", "NA-1"),
        ("eu", "Europe", "EU-1"),
        ("ap", "AsiaPacific", "AP-1"),
        ("latam", "LatinAmerica", "LATAM-1"),
        ("jpn", "Japan", "JPN-1"),
        ("korea", "Korea", "KOREA-1"),
        ("aus", "Australia", "AUS-1"),
        ("usgov", "USGovCloud", "USGOV-1"),
        ("usdod", "USGovernmentDoD", "USDOD-1"),
        ("canada", "Canada", "CANADA-1"),
        ("germany", "Germany", "GERMANY-1"),
        ("germany-public", "Germany-Public", "GERMANY-1"),
        ("india", "India", "INDIA-1"),
        ("uk", "UnitedKingdom", "UK-1"),
        ("sa", "SouthAfrica", "SA-1"),
        ("uae", "UAE", "UAE-1"),
        ("france", "France", "FRANCE-1"),
        ("sui", "Switzerland", "SUI-1"),
    )
)


def region(code: str) -> Region:
    """Return the region with this code.

    Raises:
        Refused: UnknownID.
    """
    for item in REGIONS:
        if item.code == code:
            return item
    raise Refused(Status.UNKNOWN_ID, f"the emulator has no region {code!r}")


def world(token: str) -> World:
    """Return the shipped world of a token.

    Raises:
        DamagedFile: the installed data was edited.
    """
    what = f"the shipped world {token}"
    try:
        shipped = json.loads((_data() / f"{token}.json").read_bytes())
    except ValueError:
        raise DamagedFile(f"{what} cannot be read") from None
    data = encoding.fields(shipped, frozenset({"notice", "public", "silicon"}), what)
    public = encoding.fields(data["public"], frozenset({"kek_package", "world_package"}), what)
    silicon = encoding.fields(data["silicon"], frozenset({"kek_private", "km"}), what)
    return World(
        kek_package=chain.word(public, "kek_package").encode(),
        world_package=chain.word(public, "world_package").encode(),
        silicon=Silicon(
            kek_private=encoding.untext(silicon["kek_private"], "the KEK"), km=encoding.untext(silicon["km"], "KM")
        ),
    )


def world_file(shipped: World) -> bytes:
    """Return the bytes of a shipped world's file: what `world` reads."""
    data = {
        "notice": NOTICE,
        "public": {
            "kek_package": shipped.kek_package.decode("ascii"),
            "world_package": shipped.world_package.decode("ascii"),
        },
        "silicon": {
            "kek_private": encoding.text(shipped.silicon.kek_private),
            "km": encoding.text(shipped.silicon.km),
        },
    }
    return json.dumps(data, indent=1, sort_keys=True).encode("ascii") + b"\n"


def toolset_name(code: str) -> str:
    """Return the name of the region's toolset zip."""
    return f"KeyVault-BYOK-Tools-{region(code).zip}.zip"


def toolset(code: str) -> bytes:
    """Return the region's toolset zip: five items, stored, undated, the same bytes on every machine."""
    place = region(code)
    shipped = world(place.token)
    items = {
        f"BYOK-KEK-pkg-{place.token}": shipped.kek_package,
        f"BYOK-SecurityWorld-pkg-{place.token}": shipped.world_package,
        "verifykeypackage.py": (_data().parent / "verifier.py").read_bytes(),
        "KeyTransferRemote.exe": _stub(place, "KeyTransferRemote", "Run `hsm-emulator KeyTransferRemote` instead."),
        "vcredist_x64.exe": _stub(place, "Runtime installer", "The emulator needs no runtime."),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in items.items():
            item = zipfile.ZipInfo(name, EPOCH)
            item.create_system = 3  # Unix, on every machine
            item.external_attr = 0o100644 << 16
            archive.writestr(item, content)
    return buffer.getvalue()


def simulated_trust(code: str) -> dict[str, str]:
    """Return the region's part of the trust list.

    Returns:
        `toolset`: SHA-256 of the zip, lower-case hex. `maker_root`: hash of the emulated maker's root, 40 hex digits.
    """
    shipped = world(region(code).token)
    verified = byok.verify_packages(shipped.kek_package, shipped.world_package)
    return {"toolset": crypto.sha256(toolset(code)).hex(), "maker_root": verified.root_hash}


def _stub(place: Region, program: str, instead: str) -> bytes:
    return f"SIMULATED {program} of KeyVault-BYOK-Tools-{place.zip}.zip, not a program.\n{instead}\n".encode("ascii")


def _data() -> Path:
    return Path(__file__).parent / "data"
