"""The toolset's own script: its arithmetic agrees with the library's, on good signatures and bad ones."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from region_source import DRAW, Lab

from hsm_emulator import crypto, encoding
from hsm_emulator.region import verifier

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = crypto.signing_key(DRAW)
PUBLIC = crypto.verify_key(PRIVATE)


def agree(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return the verdict both give."""
    library = crypto.verify(public, signature, message)
    try:
        own = verifier.verify(encoding.text(public), encoding.text(signature), message)
    except verifier.WrongError:
        own = False
    assert own is library
    return own


@pytest.mark.parametrize("size", [0, 1, 63, 200])
def test_a_good_signature_is_good_and_a_changed_message_is_not(size: int) -> None:
    for _ in range(5):
        message = DRAW.take(size)
        signature = crypto.sign(PRIVATE, message)
        assert agree(PUBLIC, signature, message)
        assert not agree(PUBLIC, signature, message + b"\0")
        assert not agree(crypto.verify_key(crypto.signing_key(DRAW)), signature, message)


def test_the_emulators_order_of_the_curve_is_the_curves() -> None:
    assert crypto.P521_ORDER == verifier.N
    assert verifier.combine(verifier.N, (*verifier.BASE, 1), 0, (1, 1, 0))[2] == 0


def test_small_and_special_private_numbers() -> None:
    for scalar in (1, 2, 3, crypto.P521_ORDER - 1, crypto.P521_ORDER - 2):
        private = scalar.to_bytes(66)
        assert agree(crypto.verify_key(private), crypto.sign(private, b"m"), b"m")


def test_a_signature_that_is_cut_is_none() -> None:
    signature = crypto.sign(PRIVATE, b"m")
    for size in range(len(signature)):
        assert not agree(PUBLIC, signature[:size], b"m")


def test_numbers_out_of_range_are_no_signature() -> None:
    r, s = decode_dss_signature(crypto.sign(PRIVATE, b"m"))
    order = crypto.P521_ORDER
    for pair in ((0, s), (r, 0), (0, 0), (order, s), (r, order), (r + order, s), (r, s + order), (r, s ^ 1), (s, r)):
        assert not agree(PUBLIC, encode_dss_signature(*pair), b"m")
    assert agree(PUBLIC, encode_dss_signature(r, order - s), b"m")


def test_other_spellings_of_a_signature_are_refused() -> None:
    good = crypto.sign(PRIVATE, b"m")
    for spelling in (b"", b"\x30", good[:-1], good + b"\0", b"\x31" + good[1:], good[:3] + b"\x02\x81" + good[4:]):
        assert not agree(PUBLIC, spelling, b"m")


def test_what_is_no_point_of_the_curve_is_no_key() -> None:
    signature = crypto.sign(PRIVATE, b"m")
    off = bytearray(PUBLIC)
    off[-1] ^= 1
    beyond = PUBLIC[:-132] + b"\xff" * 132
    for public in (bytes(off), beyond, PUBLIC[:-1], PUBLIC + b"\0", b"", crypto.rsa_public_der(DRAW.rsa(2048))):
        assert not agree(public, signature, b"m")


def test_the_program(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kek, world = tmp_path / "kek", tmp_path / "world"
    kek.write_bytes(lab.kek_package())
    world.write_bytes(lab.world_package())
    assert verifier.main(["-k", str(kek), "-w", str(world)]) == 0
    assert capsys.readouterr().out.endswith("Result: SUCCESS\n")
    assert verifier.main(["-k", str(world), "-w", str(kek)]) == 1
    assert "does not begin with the line of its kind\nResult: FAILURE\n" in capsys.readouterr().out
    for noise in (b"{}", b"[]", b"null", b'{"root":1}', b"[" * 5000, base64.b64encode(b"x")):
        kek.write_bytes(verifier.KEK_LINE + noise)
        assert verifier.main(["-k", str(kek), "-w", str(world)]) == 1
        assert capsys.readouterr().out.endswith("Result: FAILURE\n")
    with pytest.raises(SystemExit) as usage:
        verifier.main(["-k", str(kek)])
    assert usage.value.code == 2
