"""Outside silicon/ a region's folder holds no private material, in no spelling, before and after an import."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from region_source import DRAW, SUBSCRIPTION, Lab, export

from hsm_emulator import byok, crypto
from hsm_emulator.disk import Disk
from hsm_emulator.region import records
from hsm_emulator.region.vault import ImportRequest, take_in
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hsm_emulator.region import catalogue


def material(der: bytes) -> Iterator[bytes]:
    """Yield every secret number of an RSA key, and the key in its two DER forms."""
    key = load_der_private_key(der, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    for value in (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp):
        yield value.to_bytes((value.bit_length() + 7) // 8)
    yield der
    yield der[26:]  # PKCS#1, inside the PKCS#8


def windows(secret: bytes) -> Iterator[bytes]:
    """Yield pieces of a secret as they would appear raw, in hex and in base64 at any of its three offsets."""
    piece = secret[4:28]
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield piece[::-1]
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * offset + piece)[4:-4]


def outside(folder: Path) -> dict[str, bytes]:
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {name: content for name, content in files.items() if not name.startswith("silicon/")}


def search(content: bytes, secrets: list[bytes]) -> bool:
    """Say whether a content holds a secret, or base64 text of one, or something that looks like a private key."""
    decoded = [base64.b64decode(text[: len(text) // 4 * 4]) for text in re.findall(rb"[A-Za-z0-9+/]{40,}", content)]
    return any(
        b"PRIVATE KEY" in text
        or b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in text
        or any(window in text for secret in secrets for window in windows(secret))
        for text in (content, *decoded)
    )


def test_the_search_finds_what_it_looks_for() -> None:
    der = crypto.rsa_private_der(DRAW.rsa(2048))
    for spelling in (der, der.hex().encode(), base64.b64encode(der), base64.b64encode(b"x" + der), der[:200]):
        assert search(b"before" + spelling + b"after", list(material(der)))
    assert not search(DRAW.take(4096), list(material(der)))


def test_nothing_outside_silicon_is_private(
    installed: Callable[[str], Path], source: Lab, targets: dict[str, byok.VerifiedPackages]
) -> None:
    folder = installed("eu")
    with Store.open(folder, Disk()) as store:
        inside = records.secrets_of(store.files())
        dev = store.files()[records.DEV]
    secrets = [*material(inside.kek_private), inside.km, dev, *material(source.kek)]
    before = outside(folder)
    package = export(source, targets["EU-1"]).seal()
    request = ImportRequest(
        package=package, vault="ContosoVault", name="FirstKey", subscription_id=SUBSCRIPTION, request_id="import-1"
    )
    with Store.open(folder, Disk()) as store:
        take_in(store, request, DRAW)
    after = outside(folder)
    assert len(before) >= 2
    assert len(after) > len(before)
    for name, content in (*before.items(), *after.items(), ("the package", package)):
        assert not search(content, secrets), name
    assert search((folder / records.DEV).read_bytes(), secrets)
    assert not search((folder / records.MODULE).read_bytes(), secrets)


def test_files_are_for_their_owner_only(installed: Callable[[str], Path]) -> None:
    folder = installed("eu")
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_is_shown_by_a_repr(worlds: dict[str, catalogue.World], source: Lab) -> None:
    silicon = worlds["EU-1"].silicon
    shown = repr(worlds["EU-1"]) + repr(records.Secrets(kek_private=silicon.kek_private, km=silicon.km))
    assert "<Silicon>" in shown
    assert "<Secrets>" in shown
    assert repr(source.certifier()) == "<Certifier>"
