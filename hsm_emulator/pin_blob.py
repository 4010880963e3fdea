"""An operator's share under KP: with it a quorum of administrators can seal the share under a new PIN.

RSA-OAEP-SHA256(KP; KR), and the share under KR, bound to the place the share belongs to. Making one needs KP's public
half only, and no cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import crypto, encoding
from hsm_emulator.sharing import TOKEN, Share

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.sharing import Place

_FIELDS: Final = frozenset({"wrapped", "sealed"})


class PinBlob(Struct, frozen=True, kw_only=True):
    """The wrapped key, and the share under it."""

    wrapped: bytes
    sealed: bytes

    def content(self) -> dict[str, str]:
        """Return it in its stored form."""
        return {"wrapped": encoding.text(self.wrapped), "sealed": encoding.text(self.sealed)}


def parse(value: object) -> PinBlob | None:
    """Return the blob of its stored form, None where there is none.

    Raises:
        DamagedFile: it is neither.
    """
    if value is None:
        return None
    data = encoding.fields(value, _FIELDS, "the PIN's recovery blob")
    wrapped, sealed = (encoding.untext(data[name], "the PIN's recovery blob") for name in ("wrapped", "sealed"))
    return PinBlob(wrapped=wrapped, sealed=sealed)


def seal(share: Share, place: Place, kp_public: bytes, draw: Draw) -> PinBlob:
    """Return a share under KP; `kp_public` is its SubjectPublicKeyInfo."""
    key = draw.take(32)
    wrapped = crypto.oaep_encrypt(kp_public, key, draw)
    return PinBlob(wrapped=wrapped, sealed=crypto.seal(key, share.value, _label(place), draw))


def unseal(blob: PinBlob, place: Place, kp: bytes) -> Share | None:
    """Return the share, with KP's private half (PKCS#8 DER); None for another key, another place or changed bytes."""
    key = crypto.oaep_decrypt(kp, blob.wrapped)
    value = None if key is None else crypto.unseal(key, blob.sealed, _label(place))
    return None if value is None or len(value) != TOKEN else Share(index=place.index, value=value)


def _label(place: Place) -> bytes:
    return b"SIMULATED PIN recovery blob 1\0" + place.label
