"""Public keys: each kind as OpenSSH writes it is taken and named as it names it; anything else is refused in words."""

from __future__ import annotations

import base64
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from runner.public_keys import TYPES, parse_public_key

if TYPE_CHECKING:
    from pathlib import Path

SSH_KEYGEN = shutil.which("ssh-keygen")
PRIME = 2**255 - 19
SK = "sk-ssh-ed25519@openssh.com"
SK_EC = "sk-ecdsa-sha2-nistp256@openssh.com"


def string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def line(kind: str, *fields: bytes, inside: str | None = None) -> str:
    blob = string((inside or kind).encode()) + b"".join(string(field) for field in fields)
    return f"{kind} {base64.b64encode(blob).decode()}"


def number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def openssh(private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


RAW = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
POINT = EC_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
RSA_KEY = rsa.generate_private_key(65537, 2048)
MODULUS = RSA_KEY.public_key().public_numbers().n

GOOD = {
    "ssh-ed25519": line("ssh-ed25519", RAW),
    "ecdsa-sha2-nistp256": openssh(EC_KEY),
    "ecdsa-sha2-nistp384": openssh(ec.generate_private_key(ec.SECP384R1())),
    "ecdsa-sha2-nistp521": openssh(ec.generate_private_key(ec.SECP521R1())),
    "ssh-rsa": openssh(RSA_KEY),
    SK: line(SK, RAW, b"ssh:"),
    SK_EC: line(SK_EC, b"nistp256", POINT, b"ssh:"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_taken_and_a_comment_is_dropped(kind: str) -> None:
    key = parse_public_key(GOOD[kind])
    assert (key.type, key.text) == (kind, GOOD[kind])
    assert parse_public_key(f" {GOOD[kind]}  ada@desk, second key ") == key


@pytest.mark.skipif(SSH_KEYGEN is None, reason="OpenSSH is not installed")
@pytest.mark.parametrize("kind", TYPES)
def test_the_fingerprint_is_the_one_openssh_prints(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(GOOD[kind] + "\n")
    said = subprocess.run([str(SSH_KEYGEN), "-l", "-f", str(path)], check=True, capture_output=True, text=True).stdout
    assert said.split()[1] == parse_public_key(GOOD[kind]).fingerprint


def test_a_key_is_what_it_is_whatever_it_is_called() -> None:
    """The private half of a key signs under every type and application its public half is written with."""
    plain = parse_public_key(GOOD["ssh-ed25519"])
    assert parse_public_key(GOOD[SK]).identity == plain.identity
    assert parse_public_key(line(SK, RAW, b"ssh:other")).identity == plain.identity
    assert parse_public_key(GOOD[SK_EC]).identity == parse_public_key(GOOD["ecdsa-sha2-nistp256"]).identity
    rsa_3 = parse_public_key(line("ssh-rsa", number(3), number(MODULUS)))
    assert rsa_3.identity == parse_public_key(GOOD["ssh-rsa"]).identity
    identities = {parse_public_key(text).identity for text in GOOD.values()}
    assert len(identities) == len(GOOD) - 2
    assert parse_public_key(openssh(Ed25519PrivateKey.generate())).identity != plain.identity


PRIVATE = (
    Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode().strip()
)
PEM = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ED = GOOD["ssh-ed25519"]
CERT = "ssh-ed25519-cert-v01@openssh.com"
OFF_CURVE = POINT[:-1] + bytes([POINT[-1] ^ 1])
COMPRESSED = EC_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
HYBRID = bytes([6 + (POINT[-1] & 1)]) + POINT[1:]
NO_X = next(y for y in range(2, 100) if pow((y * y - 1) * pow(-121665 * pow(121666, -1, PRIME) * y * y + 1, -1, PRIME), (PRIME - 1) // 2, PRIME) != 1)  # fmt: skip # noqa: E501 (one formula)

BAD = {
    "nothing": ("", "not one line"),
    "a private key": (PRIVATE, "private key"),
    "a private key in one line": (PRIVATE.replace("\n", " "), "private key"),
    "another form": (PEM, "not one line"),
    "RFC 4716": ("---- BEGIN SSH2 PUBLIC KEY ----", "not one line"),
    "two lines": (f"{ED}\n{ED}", "not one line"),
    "a tab": (ED.replace(" ", "\t"), "not one line"),
    "a certificate": (line(CERT, b"nonce", RAW), "certificate"),
    "a forced command": (f'command="ls" {ED}', "options"),
    "an option": (f"no-pty {ED}", "options"),
    "somebody's line of a list of signers": (f"ada {ED}", "options"),
    "DSA": (line("ssh-dss", b"\1", b"\1", b"\1", b"\1"), "not taken"),
    "another curve": (line("ecdsa-sha2-nistk163", b"nistk163", b"\4"), "not taken"),
    "upper case": (ED.replace("ssh-ed25519", "SSH-ED25519"), "not taken"),
    "no key": ("ssh-ed25519", "no key behind"),
    "no base64": ("ssh-ed25519 AAAA*", "base64"),
    "base64 without its padding": (f"{ED[:-2]}", "base64"),
    "base64 with bits left over": (f"{line('ssh-ed25519', RAW + b'x')[:-3]}B==", "base64"),
    "base64 of the web": (line("ssh-ed25519", b"\xfb" * 32).replace("+", "-"), "base64"),
    "another type inside": (line("ssh-ed25519", RAW, inside="ssh-rsa"), "something else"),
    "a security key as a plain one": (line("ssh-ed25519", RAW, b"ssh:", inside=SK), "something else"),
    "cut off": (f"ssh-ed25519 {base64.b64encode(string(b'ssh-ed25519') + string(RAW)[:-1]).decode()}", "cut off"),
    "more behind it": (f"ssh-ed25519 {base64.b64encode(string(b'ssh-ed25519') + string(RAW) + b'x').decode()}", "cut"),
    "a field more": (line("ssh-ed25519", RAW, b""), "32 bytes"),
    "31 bytes": (line("ssh-ed25519", RAW[:-1]), "32 bytes"),
    "no field": (line("ssh-ed25519"), "32 bytes"),
    "not the one encoding": (line("ssh-ed25519", (PRIME + 3).to_bytes(32, "little")), "no point"),
    "no point": (line("ssh-ed25519", NO_X.to_bytes(32, "little")), "no point"),
    "a security key without application": (line(SK, RAW), "what it is for"),
    "a security key with an empty application": (line(SK, RAW, b""), "what it is for"),
    "a security key with nothing": (line(SK), "what it is for"),
    "an application that does not print": (line(SK, RAW, b"ssh:\n"), "what it is for"),
    "an application beyond ASCII": (line(SK, RAW, "ssh:ä".encode()), "what it is for"),
    "1024 bits": (line("ssh-rsa", number(65537), number(2**1023 + 1)), "this has 1024"),
    "2047 bits": (line("ssh-rsa", number(65537), number(2**2046 + 1)), "this has 2047"),
    "16385 bits": (line("ssh-rsa", number(65537), number(2**16384 + 1)), "this has 16385"),
    "an even modulus": (line("ssh-rsa", number(65537), number(2**2047)), "not those"),
    "the exponent 1": (line("ssh-rsa", number(1), number(MODULUS)), "not those"),
    "an even exponent": (line("ssh-rsa", number(65536), number(MODULUS)), "not those"),
    "an exponent over the modulus": (line("ssh-rsa", number(MODULUS + 2), number(MODULUS)), "not those"),
    "a needless zero": (line("ssh-rsa", number(65537), b"\0" + number(MODULUS)), "not written"),
    "a negative modulus": (line("ssh-rsa", number(65537), number(MODULUS)[1:]), "not written"),
    "an exponent of no bytes": (line("ssh-rsa", b"", number(MODULUS)), "not written"),
    "one number": (line("ssh-rsa", number(MODULUS)), "two numbers"),
    "another curve inside": (line("ecdsa-sha2-nistp256", b"nistp384", POINT), "one point"),
    "a point off the curve": (line("ecdsa-sha2-nistp256", b"nistp256", OFF_CURVE), "no point"),
    "a compressed point": (line("ecdsa-sha2-nistp256", b"nistp256", COMPRESSED), "uncompressed"),
    "a hybrid point": (line("ecdsa-sha2-nistp256", b"nistp256", HYBRID), "uncompressed"),
    "infinity": (line("ecdsa-sha2-nistp256", b"nistp256", b"\0"), "uncompressed"),
    "a point and more": (line("ecdsa-sha2-nistp256", b"nistp256", POINT, b"ssh:"), "one point"),
    "a security key's point off the curve": (line(SK_EC, b"nistp256", OFF_CURVE, b"ssh:"), "no point"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_key_is_refused_and_never_repeated(what: str) -> None:
    text, words = BAD[what]
    with pytest.raises(ValueError, match=words) as refused:
        parse_public_key(text)
    assert not any(part in str(refused.value) for part in text.split()[1:] if len(part) > 20)


@pytest.mark.parametrize("turned", [False, True], ids=["", "with the sign bit"])
@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_a_key_that_everybody_can_sign_under_is_refused(order: int, turned: bool) -> None:  # noqa: FBT001 (a parameter)
    """Points of low order; for the first one the forgery is shown: R is any [S]B, here that of S = 0."""
    y = {
        1: 1,
        2: PRIME - 1,
        4: 0,
        8: int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    }[order]
    raw = (y | (turned << 255)).to_bytes(32, "little")
    if order == 1 and not turned:
        Ed25519PublicKey.from_public_bytes(raw).verify(raw + bytes(32), b"anything at all")
    for point in (raw, ((PRIME - y) % PRIME | (turned << 255)).to_bytes(32, "little")):
        with pytest.raises(ValueError, match="no point"):
            parse_public_key(line("ssh-ed25519", point))


@given(st.sampled_from(TYPES), st.data())
def test_bytes_that_were_changed_are_another_key_or_none(kind: str, data: st.DataObject) -> None:
    """No change of a single byte gives the key again, and none ends in anything but words."""
    key = parse_public_key(GOOD[kind])
    blob = bytearray(base64.b64decode(GOOD[kind].split()[1]))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    try:
        changed = parse_public_key(f"{kind} {base64.b64encode(blob).decode()}")
    except ValueError:
        return
    assert changed.fingerprint != key.fingerprint
    assert changed.text != key.text


@given(st.text() | st.text(alphabet="ssh-ed25519 A=/+").map(lambda text: f"ssh-ed25519 {text}"))
def test_any_text_is_a_key_or_refused_in_words(text: str) -> None:
    try:
        key = parse_public_key(text)
    except ValueError:
        return
    assert key.text in text
