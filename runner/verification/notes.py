"""Reading keys and checkpoints (C2SP signed-note, tlog-checkpoint) and checking their signatures."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runner.canonical import Purpose, digest
from runner.verification.reading import ShapeError

_VKEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_NOTE: Final = re.compile(
    r"(([^\s+]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n)\n\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)\n"
)
_ED25519: Final = b"\x01"
_KEY_LENGTH: Final = 32
_SIGNATURE_LENGTH: Final = 64
_ID_LENGTH: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A key that checks notes: the name it signs under, its id, and its 32 bytes."""

    origin: str
    key_id: bytes
    public: bytes

    def pem(self) -> bytes:
        """Return the key as PEM of a SubjectPublicKeyInfo."""
        key = Ed25519PublicKey.from_public_bytes(self.public)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Say whether this key made `signature` over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says: the log's name, its size, and its root."""

    origin: str
    size: int
    root: bytes


def read_vkey(text: str) -> NoteKey:
    """Return the key of a note verifier key, `<origin>+<key id>+<base64>`.

    Raises:
        ShapeError: another form, another kind of key, or an id that is not the key's.
    """
    match = _VKEY.fullmatch(text)
    blob = _decoded(match[3]) if match else b""
    if match is None or len(blob) != 1 + _KEY_LENGTH or blob[:1] != _ED25519:
        raise ShapeError("not the verifier key of an Ed25519 note")
    key_id = digest(Purpose.FILE, match[1].encode() + b"\n" + blob)[:_ID_LENGTH]
    if key_id.hex() != match[2]:
        raise ShapeError("the key id is not the key's")
    return NoteKey(origin=match[1], key_id=key_id, public=blob[1:])


def read_checkpoint(note: str, key: NoteKey) -> Checkpoint:
    """Return what a signed note says, once its one signature line is found to be the key's.

    Raises:
        ShapeError: another form; another log's name; not this key's signature.
    """
    match = _NOTE.fullmatch(note)
    if match is None:
        raise ShapeError("not a checkpoint with one signature")
    text, origin, size, root, signer, line = match.groups()
    if not origin == signer == key.origin:
        raise ShapeError(f"a checkpoint of another log: {origin}, signed as {signer}")
    signature, root_bytes = _decoded(line), _decoded(root)
    if len(root_bytes) != _KEY_LENGTH or len(signature) != _ID_LENGTH + _SIGNATURE_LENGTH:
        raise ShapeError("a root or a signature of another length")
    if signature[:_ID_LENGTH] != key.key_id or not key.signed(text.encode(), signature[_ID_LENGTH:]):
        raise ShapeError("the signature is not the log key's")
    return Checkpoint(origin=origin, size=int(size), root=root_bytes)


def read_root(text: str) -> bytes:
    """Return the 32 bytes of a root in base64.

    Raises:
        ShapeError: something else.
    """
    root = _decoded(text)
    if len(root) != _KEY_LENGTH:
        raise ShapeError("not a root in base64")
    return root


def _decoded(text: str) -> bytes:
    """Return the bytes of canonical base64; nothing where it is another spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == text else b""
