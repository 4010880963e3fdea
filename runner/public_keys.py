"""Public keys of people as OpenSSH writes them, read strictly.

A line is `<type> <base64>`, and a comment that is dropped. The blob in the base64 repeats the type and holds the key's
fields as length-prefixed strings (RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4; PROTOCOL.u2f).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

from msgspec import Struct

LEAST_RSA_BITS: Final = 2048
MOST_RSA_BITS: Final = 16384
"""The longest modulus OpenSSH takes."""

TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""The types that are taken."""

_LINE: Final = re.compile(r"(?P<type>\S+)(?: +(?P<blob>\S+)(?: .*)?)?")


class PublicKey(Struct, frozen=True, kw_only=True):
    """A public key.

    Attributes:
        type: as OpenSSH calls it.
        text: `<type> <base64>`, without a comment.
        identity: equal for two keys that the same private key signs under, whatever their types and spellings.
        fingerprint: `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it.
    """

    type: str
    text: str
    identity: bytes
    fingerprint: str


def parse_public_key(text: str) -> PublicKey:
    """Return the public key in one line.

    Raises:
        ValueError: it is none, or one that is not taken; says why, and never repeats what stands behind the type.
    """
    kind, written = _words(text.strip(" "))
    try:
        blob = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    if not blob or base64.b64encode(blob).decode() != written:
        raise ValueError("what stands behind the type is not the base64 of a key")
    fields = _fields(blob)
    if fields[0] != kind.encode():
        raise ValueError(f"the line says {kind}, and the key inside says something else")
    if kind.startswith("sk-"):
        if len(fields) < 2 or not _is_application(fields.pop()):  # noqa: PLR2004 (the type, and what it is for)
            raise ValueError("the key does not say what it is for")
        kind_of_key = kind.removeprefix("sk-").removesuffix("@openssh.com")
    else:
        kind_of_key = kind
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(
        type=kind,
        text=f"{kind} {written}",
        identity=_identity(kind_of_key, fields[1:]),
        fingerprint=f"SHA256:{digest}",
    )


def _words(text: str) -> tuple[str, str]:
    """Return the type and the base64 of a line."""
    if "PRIVATE KEY" in text:
        raise ValueError("this is a private key; write the public half, and make the person a new key")
    found = _LINE.fullmatch(text)
    if found is None or text.startswith("--"):
        raise ValueError("this is not one line `<type> <base64>`, as OpenSSH writes into a file that ends in .pub")
    kind = found["type"]
    if kind not in TYPES:
        if "-cert-v01@" in kind:
            raise ValueError("this is a certificate; write the key itself")
        if any(word in TYPES for word in text.split(" ")):
            raise ValueError("options stand before the key; the line begins with its type")
        raise ValueError(f"keys of the type {kind[:40]!r} are not taken; one of: {', '.join(TYPES)}")
    if found["blob"] is None:
        raise ValueError("there is a type and no key behind it")
    return kind, found["blob"]


def _fields(blob: bytes) -> list[bytes]:
    """Return the strings of a blob; each begins with its length in four bytes."""
    fields: list[bytes] = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise ValueError("the key is cut off, or is none")
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return fields


def _is_application(field: bytes) -> bool:
    try:
        text = field.decode("ascii")
    except UnicodeDecodeError:
        return False
    return bool(text) and text.isprintable()


def _identity(kind: str, fields: list[bytes]) -> bytes:
    """Return what a key is: `kind` without the mark of a security key, and its own fields behind the type.

    The application of a security key does not count: a program that holds the private half signs for any.
    """
    if kind == "ssh-ed25519":
        return b"ed25519:" + _ed25519(fields)
    if kind == "ssh-rsa":
        return b"rsa:" + _modulus(fields)
    curve = kind.removeprefix("ecdsa-sha2-")
    return curve.encode() + b":" + _point(curve, fields)


# -- Ed25519 -------------------------------------------------------------------------------------------------------

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_LOW_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of the points whose order divides 8; anybody can sign under them."""


def _ed25519(fields: list[bytes]) -> bytes:
    """Return the 32 bytes of a key that is a point of the curve in its one encoding (RFC 8032, section 5.1.3)."""
    if len(fields) != 1 or len(fields[0]) != 32:  # noqa: PLR2004 (bytes of a key)
        raise ValueError("an Ed25519 key has 32 bytes")
    y = int.from_bytes(fields[0], "little") & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if y >= _P or y in _LOW_ORDER or pow(square, (_P - 1) // 2, _P) != 1:
        raise ValueError("the key is no point of its curve that a private key belongs to")
    return fields[0]


# -- RSA -----------------------------------------------------------------------------------------------------------


def _modulus(fields: list[bytes]) -> bytes:
    """Return the modulus; it alone tells keys apart, since whoever has one private exponent has them all."""
    if len(fields) != 2:  # noqa: PLR2004 (e and n)
        raise ValueError("an RSA key has two numbers")
    e, n = (_number(field) for field in fields)
    if not LEAST_RSA_BITS <= n.bit_length() <= MOST_RSA_BITS:
        raise ValueError(f"an RSA key has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits; this has {n.bit_length()}")
    if not 3 <= e < n or e % 2 == 0 or n % 2 == 0:  # noqa: PLR2004 (the least exponent)
        raise ValueError("the numbers are not those of an RSA key")
    return fields[1]


def _number(field: bytes) -> int:
    """Return a positive whole number in its one spelling: no sign bit, no needless zero in front (RFC 4251)."""
    if not field or field[0] >= 0x80 or (field[0] == 0 and field[1:2] < b"\x80"):  # noqa: PLR2004 (the sign bit)
        raise ValueError("a number of the key is not written as OpenSSH writes it")
    return int.from_bytes(field, "big")


# -- the curves of NIST ----------------------------------------------------------------------------------------------

_COORDINATE: Final = {"nistp256": 32, "nistp384": 48, "nistp521": 66}
"""Bytes of a coordinate."""


def _point(name: str, fields: list[bytes]) -> bytes:
    """Return the uncompressed point of a key on a curve; OpenSSH writes no other form."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey

    if len(fields) != 2 or fields[0] != name.encode():  # noqa: PLR2004 (the curve and the point)
        raise ValueError(f"the key does not hold one point of {name}")
    point = fields[1]
    if len(point) != 1 + 2 * _COORDINATE[name] or point[:1] != b"\x04":
        raise ValueError(f"the key is no uncompressed point of {name}")
    curve = {"nistp256": SECP256R1(), "nistp384": SECP384R1(), "nistp521": SECP521R1()}[name]
    try:
        EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError:
        raise ValueError(f"the key is no point of {name}") from None
    return point
