"""The one byte form of the emulator's structures: JSON with sorted keys, no white space, bytes as standard base64.

Values are objects, arrays, text, booleans, null and integers within ±(2⁵³-1). Decoding refuses every other spelling of
a value, so what was authenticated and what is read are the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

from hsm_emulator.errors import DamagedFile

LARGEST: Final = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 8259, section 6)."""

LIMIT: Final = 1 << 20
"""No structure of the emulator is longer than this many bytes; a longer one is refused unread."""


def encode(value: object) -> bytes:
    """Return the canonical bytes of `value`.

    Raises:
        TypeError: `value` holds something other than the types above.
    """
    _admit(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def decode(data: bytes, what: str) -> Any:
    """Return the value whose canonical bytes are exactly `data`.

    Args:
        data: canonical bytes.
        what: names the structure in the error, in the operator's words.

    Raises:
        DamagedFile: not JSON, over-long, or not the canonical spelling.
    """
    if len(data) > LIMIT:
        raise DamagedFile(f"{what} is longer than {LIMIT} bytes")
    try:
        value = json.loads(data)
        same = encode(value) == data
    except (ValueError, TypeError, RecursionError):
        raise DamagedFile(f"{what} cannot be read") from None
    if not same:
        raise DamagedFile(f"{what} is not in canonical form")
    return value


def text(data: bytes) -> str:
    """Return `data` as standard base64 text (RFC 4648, section 4)."""
    return base64.b64encode(data).decode()


def untext(value: object, what: str) -> bytes:
    """Return the bytes of base64 text.

    Raises:
        DamagedFile: not text, or not the one spelling that `text` gives.
    """
    if not isinstance(value, str):
        raise DamagedFile(f"{what} is not base64 text")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise DamagedFile(f"{what} is not base64 text") from None
    if text(data) != value:
        raise DamagedFile(f"{what} is not base64 text in its one spelling")
    return data


def fields(value: object, names: frozenset[str], what: str) -> dict[str, Any]:
    """Return `value` as an object with exactly the fields `names`.

    Raises:
        DamagedFile: not an object, a field is missing, or one is unknown.
    """
    if not isinstance(value, dict):
        raise DamagedFile(f"{what} is not an object")
    if missing := sorted(names - value.keys()):
        raise DamagedFile(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(value.keys() - names):
        raise DamagedFile(f"{what} has unknown fields: {', '.join(unknown)}")
    return value


def _admit(value: object) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise TypeError("an integer beyond 2^53-1 has no portable JSON form")
        return
    if isinstance(value, list | tuple):
        for item in value:
            _admit(item)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("object keys are text")
            _admit(item)
        return
    raise TypeError(f"{type(value).__name__} has no canonical form")
