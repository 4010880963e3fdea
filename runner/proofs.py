"""How a key proves that it can be used: it signs the id of the request that asks for it.

The id is the leaf hash of the request's entry in the log. The entry names the one before it, so nobody knew the id
before all that was written: no signature was made beforehand, and none of another ceremony fits. RSASSA-PKCS1-v1_5
with SHA-256 (RFC 8017, section 8.2).
"""

from __future__ import annotations

import base64


def challenge(request_id: str) -> bytes:
    """Return what a key signs to prove itself: two lines of text, the second one the id (64 hex digits)."""
    return f"ceremony key proof 1\n{request_id}\n".encode()


def proves(public_key: str, request_id: str, signature: str) -> bool:
    """Say whether a signature over the challenge of a request is that of a key.

    Args:
        public_key: base64 of a DER SubjectPublicKeyInfo; where it is no RSA key's it proves nothing.
        request_id: as for `challenge`.
        signature: base64.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(base64.b64decode(signature, validate=True), challenge(request_id), PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
