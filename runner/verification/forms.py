"""The data of every type of entry this version writes, as a verifier that was told nothing but the format reads it."""

from __future__ import annotations

import re
from typing import Any, Final

from runner.verification.reading import HASH, ID, NAME, SCALAR, ShapeError, fit, mapping, rising, whole

_RULE: Final = re.compile(r"[A-Z]{3}[0-9]{3}")

DEVICE: Final = {
    "id": ID,
    "backend": frozenset({"emulator"}),
    "serial": str,
    "audit": {"size": whole, "head": HASH},
    "inventory": {"mode": str, "world": str, "keys": [str], "cards": [str]},
}
FILE: Final = {
    "artefact": ID,
    "file": str,
    "store": frozenset({"station", "device"}),
    "at": ID,
    "size": whole,
    "sha256": HASH,
}
COMPARISON: Final = {
    "result": NAME,
    "found": SCALAR,
    "expected": SCALAR,
    "against": frozenset({"plan", "published", "simulated", "step"}),
    "published": (*SCALAR, None),
}
FORMS: Final[dict[str, dict[str, Any]]] = {
    "ceremony.opened": {
        "record": frozenset({"record/1"}),
        "ceremony": re.compile("[0-9a-f]{32}"),
        "origin": re.compile(r"[^\s+]+"),
        "rehearsal": bool,
        "sitting": lambda value: type(value) is int and value == 0,
        "plan_sha256": HASH,
        "manifest_sha256": None,
        "approvals": lambda value: value == [],
        "allowed_signers_sha256": None,
        "trust": {"list": frozenset({"published", "simulated"}), "sha256": HASH},
        "environment_sha256": (HASH, None),
        "runner": {"version": str, "bundle_sha256": HASH},
        "log_key": str,
        "devices": [DEVICE],
        "beacon": None,
        "previous": None,
    },
    "person.present": {"person": ID, "roles": [ID]},
    "person.left": {"person": ID},
    "step.begun": {"title": str},
    "request": {"kind": NAME, "device": (ID, None), "mutates": bool, "request": mapping},
    "reply": {"to": whole, "kind": NAME, "reply": mapping, "device": (DEVICE, None)},
    "step.done": {
        "results": [{"name": NAME, "value": SCALAR}],
        "made": [FILE],
        "destroyed": [ID],
        "comparisons": [COMPARISON],
    },
    "step.failed": {
        "rule": _RULE,
        "status": (str, None),
        "result": (NAME, None),
        "expected": (*SCALAR, None),
        "found": (*SCALAR, None),
    },
    "break.begun": {},
    "break.ended": {},
    "checkpoint": {"size": whole, "note": str},
    "ceremony.aborted": {"rule": _RULE, "devices": [DEVICE]},
    "ceremony.closed": {"outcome": frozenset({"completed", "aborted"}), "devices": [DEVICE]},
}


def fit_data(kind: str, data: Any) -> None:
    """Return if `data` is what an entry of this type holds.

    Raises:
        ShapeError: no such type, another shape, a list that must be sorted and is not, or the reserved key `prev`.
    """
    shape = FORMS.get(kind)
    if shape is None:
        raise ShapeError(f"no entry has the type {kind}")
    fit(data, shape, kind)
    _refuse_prev(data)
    shown = data.get("device")
    devices = [*data.get("devices", []), *([shown] if isinstance(shown, dict) else [])]
    if not rising([device["id"] for device in data.get("devices", [])]):
        raise ShapeError("devices are not sorted by id, each once")
    for device in devices:
        if not (rising(device["inventory"]["keys"]) and rising(device["inventory"]["cards"])):
            raise ShapeError("an inventory is not sorted, each once")


def _refuse_prev(value: Any) -> None:
    if isinstance(value, dict):
        if "prev" in value:
            raise ShapeError("the key prev stands inside data")
        for item in value.values():
            _refuse_prev(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_prev(item)
