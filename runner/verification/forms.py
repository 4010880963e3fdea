"""The data of every type of entry this version writes, as a verifier that was told nothing but the format reads it."""

from __future__ import annotations

import re
from typing import Any, Final

from runner.verification.reading import HASH, ID, NAME, RULE, SCALAR, ShapeError, fit, mapping, rising, whole

_ORIGIN: Final = re.compile(r"[^\s+]+")
_RUNNER: Final = {"version": str, "bundle_sha256": HASH}

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
    "against": frozenset({"plan", "published", "simulated", "step", "record"}),
    "published": (*SCALAR, None),
}
FORMS: Final[dict[str, dict[str, Any]]] = {
    "ceremony.opened": {
        "record": frozenset({"record/1"}),
        "ceremony": re.compile("[0-9a-f]{32}"),
        "origin": _ORIGIN,
        "rehearsal": bool,
        "sitting": lambda value: type(value) is int and value == 0,
        "stations": [ID],
        "plan_sha256": HASH,
        "manifest_sha256": HASH,
        "approvals": [{"person": ID, "sha256": HASH}],
        "signers": frozenset({"roster", "simulated"}),
        "allowed_signers_sha256": HASH,
        "trust": {"list": frozenset({"published", "simulated"}), "sha256": HASH},
        "environment_sha256": (HASH, None),
        "runner": _RUNNER,
        "log_key": str,
        "devices": [DEVICE],
        "beacon": ({"source": str, "value": str}, None),
        "previous": ({"origin": _ORIGIN, "size": whole, "root": str}, None),
    },
    "ceremony.resumed": {
        "sitting": whole,
        "log_key": str,
        "stations": [ID],
        "environment_sha256": (HASH, None),
        "runner": _RUNNER,
        "unsigned": whole,
        "devices": [DEVICE],
    },
    "log.recovered": {"offset": whole, "size": whole, "sha256": HASH},
    "person.present": {"person": ID, "roles": [ID]},
    "person.left": {"person": ID},
    "substitution": {"absent": ID, "instead": ID, "by": ID, "reason": str},
    "exception": {"rule": RULE, "about": str, "people": [ID], "reason": str},
    "break.begun": {"by": ID, "reason": str},
    "break.ended": {},
    "clock.stepped": {"by_us": int},
    "step.begun": {"title": str},
    "request": {"kind": NAME, "device": (ID, None), "mutates": bool, "request": mapping},
    "reply": {"to": whole, "kind": NAME, "reply": mapping, "device": (DEVICE, None)},
    "attested": {
        "person": ID,
        "role": ID,
        "about": frozenset({"consent", "result", "close", "handover", "recovery", "resolution"}),
        "how": frozenset({"signed", "typed"}),
        "size": whole,
        "statement_sha256": HASH,
        "signature_sha256": (HASH, None),
    },
    "step.done": {
        "results": [{"name": NAME, "value": SCALAR}],
        "made": [FILE],
        "destroyed": [ID],
        "comparisons": [COMPARISON],
    },
    "step.failed": {
        "rule": RULE,
        "status": (str, None),
        "result": (NAME, None),
        "expected": (*SCALAR, None),
        "found": (*SCALAR, None),
    },
    "step.declined": {"person": ID, "reason": str},
    "step.resolved": {
        "decision": frozenset({"happened", "redo", "abandon"}),
        "read_back": bool,
        "people": [ID],
        "reason": str,
        "devices": [DEVICE],
    },
    "checkpoint": {"size": whole, "note": str},
    "station.handed_over": {"to": ID, "step": ID, "devices": [DEVICE]},
    "ceremony.suspended": {"rule": RULE, "devices": [DEVICE]},
    "ceremony.aborted": {"rule": RULE, "by": (ID, None), "reason": (str, None), "devices": [DEVICE]},
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
    if not rising(data.get("people", [])):
        raise ShapeError("people are not sorted, each once")
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
