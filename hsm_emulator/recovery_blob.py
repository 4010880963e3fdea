"""A key's recovery blob: RSA-OAEP-SHA256(KRE; KR), and the key with its permissions under KR (`keyfile.py`).

Making one needs KRE's public half only, and no cards; opening one needs a quorum of administrators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from hsm_emulator import crypto
from hsm_emulator.errors import Refused, Status

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.keyfile import KeyFile


def seal_recovery(file: KeyFile, payload: bytes, hkre: str, kre_public: bytes, draw: Draw) -> KeyFile:
    """Return the file with its recovery blob under KRE. The caller has asked `acl.authorise`."""
    key = draw.take(32)
    wrapped = crypto.oaep_encrypt(kre_public, key, draw)
    return replace(file, recovery=(hkre, wrapped, crypto.seal(key, payload, file.recovery_label(hkre), draw)))


def open_recovery(file: KeyFile, kre: bytes) -> bytes:
    """Return what a file's recovery blob seals, with KRE's private half (PKCS#8 DER).

    Raises:
        Refused: DecryptFailed: there is none, or the blob, its key or the file's name is another.
    """
    hkre, wrapped, sealed = file.recovery or ("", b"", b"")
    key = crypto.oaep_decrypt(kre, wrapped)
    payload = None if key is None else crypto.unseal(key, sealed, file.recovery_label(hkre))
    if payload is None:
        raise Refused(Status.DECRYPT_FAILED, f"the recovery blob of key {file.app} {file.ident} does not open")
    return payload
