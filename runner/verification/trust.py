"""What is known from outside the record: whose log it is, which keys sign it, and a rehearsal's list of values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from runner import canonical
from runner.canonical import NotCanonical, file_digest
from runner.verification.notes import NoteKey, read_vkey
from runner.verification.reading import HASH, NAME, ShapeError, fit

_TRUST: Final = {
    "format": frozenset({"trust/1"}),
    "origin": str,
    "log_keys": [str],
    "plan_sha256": (HASH, None),
    "trust_lists": [{"list": frozenset({"simulated"}), "values": [{"name": NAME, "value": str}]}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The anchors. `simulated` are a rehearsal's values by name, None where the file has no such list."""

    origin: str
    log_keys: tuple[NoteKey, ...]
    plan_sha256: str | None
    simulated: dict[str, str] | None


def read_trust(content: bytes) -> Trust:
    """Return the anchors of a trust file.

    Raises:
        ShapeError: not JSON; another shape; a key that is none or of another log; a name or a list twice.
    """
    try:
        data = json.loads(content.decode(), object_pairs_hook=_closed)
    except (ValueError, RecursionError) as error:
        raise ShapeError(
            f"the trust file is not JSON in UTF-8, or holds a key twice ({type(error).__name__})"
        ) from None
    fit(data, _TRUST, "trust")
    keys = tuple(read_vkey(text) for text in data["log_keys"])
    if not keys or any(key.origin != data["origin"] for key in keys):
        raise ShapeError("trust.log_keys: at least one, each of the log that trust.origin names")
    lists = data["trust_lists"]
    values = lists[0]["values"] if lists else []
    if len(lists) > 1 or len(values) != len({item["name"] for item in values}):
        raise ShapeError("trust.trust_lists: a list or a name stands twice")
    return Trust(
        origin=data["origin"],
        log_keys=keys,
        plan_sha256=data["plan_sha256"],
        simulated={item["name"]: item["value"] for item in values} if lists else None,
    )


def list_digest(values: dict[str, str]) -> str | None:
    """Return the digest that entry 0 gives of a trust list; None where a value has no canonical form."""
    items = [{"name": name, "value": value.lower()} for name, value in sorted(values.items())]
    try:
        return file_digest(canonical.encode(items))
    except NotCanonical:
        return None


def _closed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice")
    return data
