"""The one canonical encoder and the one digest function.

The encoding is RFC 8785 (JCS) restricted to a subset in which every common tool agrees (`jq -cS`, `orjson`, `json`):
objects with keys `[a-z][a-z0-9_]*`, arrays, text of valid Unicode without U+007F, booleans, null, and integers within
±(2⁵³-1). No floats. Decoding accepts only the canonical bytes of a value, which also refuses duplicate keys, white
space and every second spelling.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import Enum
from typing import Any, Final

LARGEST: Final = 2**53 - 1
"""The largest integer that is exact in every JSON reader (RFC 8785, section 3.2.2.3)."""

DEPTH: Final = 32
"""Nesting beyond this is refused before any recursion limit can matter."""

_KEY: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


class NotCanonical(ValueError):
    """A value outside the subset, or bytes that are not the canonical spelling of one."""


class Purpose(Enum):
    """What a digest is for; the prefix separates domains where the format allows one.

    FILE digests are those `sha256sum` prints; LEAF and NODE are those of RFC 6962, section 2.1.
    """

    FILE = b""
    LEAF = b"\x00"
    NODE = b"\x01"


def digest(purpose: Purpose, data: bytes) -> bytes:
    """Return the SHA-256 of `data` for one purpose: 32 bytes."""
    return hashlib.sha256(purpose.value + data).digest()


def file_digest(data: bytes) -> str:
    """Return what `sha256sum` prints for these bytes: 64 lower-case hex digits."""
    return digest(Purpose.FILE, data).hex()


def encode(value: object) -> bytes:
    """Return the canonical bytes of `value`.

    Raises:
        NotCanonical: it holds something outside the subset.
    """
    _admit(value, DEPTH)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if "\x7f" in text:
        raise NotCanonical("text with U+007F")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NotCanonical("text with a lone surrogate") from None


def decode(data: bytes) -> Any:
    """Return the value whose canonical bytes are exactly `data`.

    Raises:
        NotCanonical: not JSON, or another spelling of it.
    """
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise NotCanonical("not JSON in UTF-8") from None
    if encode(value) != data:
        raise NotCanonical("not the canonical spelling")
    return value


def _admit(value: object, depth: int) -> None:
    if depth == 0:
        raise NotCanonical(f"nested deeper than {DEPTH}")
    if isinstance(value, list | tuple):
        for item in value:
            _admit(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not _KEY.match(key):
                raise NotCanonical("a key outside [a-z][a-z0-9_]*")
            _admit(item, depth - 1)
    elif value is not None and not isinstance(value, int | str):
        raise NotCanonical(f"{type(value).__name__} has no canonical form")
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise NotCanonical("an integer beyond 2^53-1")
