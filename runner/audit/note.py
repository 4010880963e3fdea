"""Checkpoints: signed notes over a tree's size and root (C2SP signed-note and tlog-checkpoint).

The key of a sitting is made when it begins, lives in memory only, and never has a text form.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runner.canonical import Purpose, digest
from runner.errors import Defect

_ED25519: Final = b"\x01"
"""The signature type of Ed25519 in C2SP signed-note."""

_NAME: Final = re.compile(r"[^\s+]+\Z")
_ROOT_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class LogKey:
    """The signing key of one sitting, under the name of its log."""

    origin: str
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, origin: str, seed: bytes) -> LogKey:
        """Return the key of a seed of 32 bytes (RFC 8032, section 5.1.5), drawn by the host for this sitting.

        Raises:
            Defect: `origin` is no key name: empty, or with white space or a plus sign.
        """
        return cls(_name(origin), Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """The public key: 32 bytes."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        return digest(Purpose.FILE, self.origin.encode() + b"\n" + _ED25519 + self.public)[:4]

    @property
    def vkey(self) -> str:
        """The key as a note verifier reads it: `<origin>+<key id>+<base64>`."""
        return f"{self.origin}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def public_pem(self) -> bytes:
        """Return the public key as `openssl` reads it: PEM of a SubjectPublicKeyInfo."""
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def checkpoint(self, size: int, root: bytes) -> str:
        """Return the signed note over the first `size` entries, whose tree has this root.

        Raises:
            Defect: a size below 0 or a root that is not 32 bytes.
        """
        if size < 0 or len(root) != _ROOT_LENGTH:
            raise Defect("a checkpoint is over a size from 0 and a root of 32 bytes")
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id + self._private.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {self.origin} {signature}\n"


def _name(origin: str) -> str:
    if _NAME.match(origin) is None:
        raise Defect("a log's name is not empty and has neither white space nor a plus sign")
    return origin
