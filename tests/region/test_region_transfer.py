"""The transfer package: only its region's KEK opens it, and nothing in it can be changed."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from region_source import DRAW, SUBSCRIPTION, TOKENS, Export, Lab, export

from hsm_emulator import byok, crypto, encoding
from hsm_emulator.errors import DamagedFile, Refused, Status

if TYPE_CHECKING:
    from hsm_emulator.region import catalogue

Worlds = dict[str, "catalogue.World"]
Targets = dict[str, byok.VerifiedPackages]


@pytest.fixture(scope="module")
def eu(source: Lab, targets: Targets) -> Export:
    return export(source, targets["EU-1"])


@pytest.fixture(scope="module")
def package(eu: Export) -> bytes:
    return eu.seal()


def test_what_was_sealed_comes_out(eu: Export, package: bytes, worlds: Worlds) -> None:
    header, payload = byok.open_transfer(package, worlds["EU-1"].silicon.kek_private)
    assert header == eu.header
    assert encoding.decode(payload, "payload")["private_key"] == encoding.text(eu.private)
    assert package.startswith(b"SIMULATED")
    assert byok.read_transfer(package)[0].subscription_id == SUBSCRIPTION


def test_no_region_opens_the_package_of_another(source: Lab, targets: Targets, worlds: Worlds) -> None:
    packages = {token: export(source, targets[token]).seal() for token in TOKENS}
    for token, package in packages.items():
        assert byok.open_transfer(package, worlds[token].silicon.kek_private)
    refused = 0
    for one, other in permutations(TOKENS, 2):
        with pytest.raises(Refused, match=f"another exchange key: that of {one}") as refusal:
            byok.open_transfer(packages[one], worlds[other].silicon.kek_private)
        assert refusal.value.status is Status.UNKNOWN_KEY
        refused += 1
    assert refused == 17 * 16


def test_the_hash_is_compared_before_any_decryption(package: bytes, worlds: Worlds) -> None:
    """Both parts are noise, so a decryption would fail with other words."""
    data = encoding.decode(package.removeprefix(byok.TRANSFER_LINE), "package")
    noise = encoding.text(DRAW.take(256))
    spoilt = byok.TRANSFER_LINE + encoding.encode({**data, "wrapped_key": noise, "sealed": noise})
    with pytest.raises(Refused) as here:
        byok.open_transfer(spoilt, worlds["EU-1"].silicon.kek_private)
    with pytest.raises(Refused) as elsewhere:
        byok.open_transfer(spoilt, worlds["NA-1"].silicon.kek_private)
    assert (here.value.status, elsewhere.value.status) == (Status.DECRYPT_FAILED, Status.UNKNOWN_KEY)


def test_a_relabelled_package_still_does_not_open(eu: Export, targets: Targets, worlds: Worlds) -> None:
    """The KEK's hash is no lock: with it forged, the cryptography refuses."""
    other = targets["NA-1"]
    forged = eu.seal({"region": "NA-1", "kek_hash": other.kek_hash, "hkm": other.hkm, "hknso": other.hknso})
    with pytest.raises(Refused) as refusal:
        byok.open_transfer(forged, worlds["NA-1"].silicon.kek_private)
    assert refusal.value.status is Status.DECRYPT_FAILED


@pytest.mark.parametrize("name", sorted({*byok.TransferHeader.__struct_fields__} - {"kek_hash"}))
def test_no_field_of_the_header_can_be_changed(package: bytes, worlds: Worlds, name: str) -> None:
    data = encoding.decode(package.removeprefix(byok.TRANSFER_LINE), "package")
    value: Any = data["header"][name]
    data["header"][name] = f"{value}x" if isinstance(value, str) else {**value, "signature": "AAAA"}
    spoilt = byok.TRANSFER_LINE + encoding.encode(data)
    byok.read_transfer(spoilt)
    with pytest.raises(Refused, match="changed after it was sealed"):
        byok.open_transfer(spoilt, worlds["EU-1"].silicon.kek_private)


@pytest.mark.parametrize("part", ["wrapped_key", "sealed"])
def test_both_failures_to_decrypt_have_the_same_words(package: bytes, worlds: Worlds, part: str) -> None:
    data = encoding.decode(package.removeprefix(byok.TRANSFER_LINE), "package")
    for place in (0, 20, -1):
        spoilt = bytearray(encoding.untext(data[part], part))
        spoilt[place] ^= 1
        changed = byok.TRANSFER_LINE + encoding.encode({**data, part: encoding.text(bytes(spoilt))})
        with pytest.raises(Refused) as refusal:
            byok.open_transfer(changed, worlds["EU-1"].silicon.kek_private)
        assert str(refusal.value) == "DecryptFailed: the package was changed after it was sealed"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_bit_of_the_package_can_be_flipped(package: bytes, worlds: Worlds, data: st.DataObject) -> None:
    spoilt = bytearray(package)
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Refused):
        byok.open_transfer(bytes(spoilt), worlds["EU-1"].silicon.kek_private)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_truncated_package_is_damaged(package: bytes, data: st.DataObject) -> None:
    with pytest.raises(DamagedFile):
        byok.read_transfer(package[: data.draw(st.integers(0, len(package) - 1))])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=200), value=JSON, field=st.sampled_from(byok.TransferHeader.__struct_fields__))
def test_any_bytes_give_a_value_or_a_refusal(
    package: bytes, worlds: Worlds, noise: bytes, value: Any, field: str
) -> None:
    data = encoding.decode(package.removeprefix(byok.TRANSFER_LINE), "package")
    header = {**data["header"], field: value}
    attempts = [noise, byok.TRANSFER_LINE + noise]
    for changed in (value, {**data, "header": value}, {**data, "header": header}, {**data, "sealed": value}):
        try:
            attempts.append(byok.TRANSFER_LINE + encoding.encode(changed))
        except (TypeError, UnicodeEncodeError):
            continue
    for attempt in attempts:
        with pytest.raises(Refused):
            byok.open_transfer(attempt, worlds["EU-1"].silicon.kek_private)


def test_two_seals_of_the_same_key_differ_everywhere(eu: Export) -> None:
    one, other = (byok.read_transfer(eu.seal())[1] for _ in range(2))
    assert one.wrapped_key != other.wrapped_key
    assert one.sealed[: crypto.NONCE] != other.sealed[: crypto.NONCE]
