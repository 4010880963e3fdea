"""What a key signed to prove that it can be used: the id of the request that asked for it, checked here by itself.

The id of a request is the leaf hash of its line, so the signature was made after everything before it was written, for
this record and for no other.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVED_BY: Final = "prove_key"
"""The kind of request whose reply is held to the leaf hash of the request."""


def proved(leaf: bytes, reply: dict[str, Any], seq: int) -> Iterator[Finding]:
    """LOG047: a key signed the id of the request that asked for it, and the signature is by the key that is named.

    Args:
        leaf: the leaf hash of the request's line.
        reply: its fields.
        seq: the reply's entry.
    """
    if reply["challenge"] != leaf.hex():
        yield Finding(rule="LOG047", seq=seq, words="the key signed something else than the id of this request")
    elif not _signed(reply["public_key"], reply["signature"], f"ceremony key proof 1\n{leaf.hex()}\n".encode()):
        yield Finding(rule="LOG047", seq=seq, words="the signature is not by the public key that is named")


def _signed(public_key: str, signature: str, content: bytes) -> bool:
    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(base64.b64decode(signature, validate=True), content, PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
