"""A tiny maker of SSHSIG signatures (PROTOCOL.sshsig of OpenSSH) with Ed25519 keys, for records that tests write."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


class Signer:
    """Somebody with a key."""

    def __init__(self, name: str, seed: str = "") -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{seed}{name}".encode()).digest())
        self._blob = _string(b"ssh-ed25519") + _string(self._key.public_key().public_bytes_raw())
        self.public = f"ssh-ed25519 {base64.b64encode(self._blob).decode()}"

    def sign(self, namespace: str, message: bytes) -> bytes:
        """Return the armoured signature."""
        body = _string(namespace.encode()) + _string(b"") + _string(b"sha512")
        made = self._key.sign(b"SSHSIG" + body + _string(hashlib.sha512(message).digest()))
        whole = b"SSHSIG" + (1).to_bytes(4) + _string(self._blob) + body
        whole += _string(_string(b"ssh-ed25519") + _string(made))
        text = base64.b64encode(whole)
        lines = [text[start : start + 70] for start in range(0, len(text), 70)]
        return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])
