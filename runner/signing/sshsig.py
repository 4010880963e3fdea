"""SSHSIG signatures of simulated people (OpenSSH, PROTOCOL.sshsig); real people sign with `ssh-keygen`.

What comes out is byte for byte what `ssh-keygen -Y sign` writes with the same key, as Ed25519 has no chance in it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runner.errors import Defect

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = (1).to_bytes(4)
_KEY_TYPE: Final = b"ssh-ed25519"
_HASH: Final = b"sha512"
_RESERVED: Final = b""
_LINE: Final = 70


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSigner:
    """The private key of somebody who does not exist."""

    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> SimulatedSigner:
        """Return the signer of a seed of 32 bytes (RFC 8032, section 5.1.5)."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> str:
        """The public key, `ssh-ed25519 <base64>`."""
        return f"{_KEY_TYPE.decode()} {base64.b64encode(self._blob).decode()}"

    def sign(self, namespace: str, message: bytes) -> bytes:
        """Return the armoured signature over `message`, hashed with SHA-512.

        Raises:
            Defect: an empty namespace, which the format forbids.
        """
        if not namespace:
            raise Defect("a signature has a namespace")
        bound = _text(namespace.encode()) + _text(_RESERVED) + _text(_HASH)
        signature = self._private.sign(_MAGIC + bound + _text(hashlib.sha512(message).digest()))
        blob = _MAGIC + _VERSION + _text(self._blob) + bound + _text(_text(_KEY_TYPE) + _text(signature))
        return _armoured(blob)

    @property
    def _blob(self) -> bytes:
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return _text(_KEY_TYPE) + _text(raw)


def _text(data: bytes) -> bytes:
    """Return an SSH string (RFC 4251, section 5)."""
    return len(data).to_bytes(4) + data


def _armoured(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()
