"""Keys that prove themselves in synthetic records: published test keys, whose private halves everybody has."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

KEYS = Path(__file__).parents[1] / "vectors" / "rsa" / "test-keys-2048.pem"
BEGIN = "-----BEGIN PRIVATE KEY-----"


@cache
def rsa_key(number: int) -> RSAPrivateKey:
    """Return one of the keys of 2048 bits, by its place."""
    key = load_pem_private_key((BEGIN + KEYS.read_text().split(BEGIN)[number + 1]).encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def rsa_public(number: int) -> str:
    """Return the public half of a key: base64 of its DER SubjectPublicKeyInfo."""
    public = rsa_key(number).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode()


def signed(content: bytes, number: int = 0) -> str:
    """Return a signature of a key over bytes, as base64."""
    return base64.b64encode(rsa_key(number).sign(content, PKCS1v15(), SHA256())).decode()


def proof(challenge: str, number: int = 0) -> str:
    """Return what a key signs to prove itself to the request with this id."""
    return signed(f"ceremony key proof 1\n{challenge}\n".encode(), number)
