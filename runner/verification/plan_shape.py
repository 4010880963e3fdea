"""The shape of plan.json, field by field."""

from __future__ import annotations

import re
from typing import Any, Final

from runner.verification.answers import TYPES
from runner.verification.reading import (
    HASH,
    ID,
    NAME,
    RULE,
    SCALAR,
    ShapeError,
    day,
    mapping,
    plain_name,
    positive,
    whole,
)

_TEXT_OR_NULL: Final = (str, None)
_WHOLE_OR_NULL: Final = (whole, None)
_ID_OR_NULL: Final = (ID, None)
_STORE: Final = frozenset({"station", "device"})
_STEP: Final = {
    "id": ID,
    "action": str,
    "part": str,
    "title": str,
    "station": ID,
    "device": _ID_OR_NULL,
    "minutes": _WHOLE_OR_NULL,
    "quorum": [{"role": ID, "count": positive, "holders_of": _ID_OR_NULL}],
    "say": _TEXT_OR_NULL,
    "note": _TEXT_OR_NULL,
    "caution": _TEXT_OR_NULL,
    "left_out": _TEXT_OR_NULL,
    "repeat": frozenset({"safe", "never"}),
    "sign_off": frozenset({"none", "typed", "signed"}),
    "settings": mapping,
    "uses": [{"input": NAME, "artefacts": [ID]}],
    "makes": [ID],
    "changes": [ID],
    "destroys": [ID],
    "asks": [
        {
            "name": NAME,
            "type": TYPES,
            "ask": str,
            "twice": bool,
            "of": [str],
            "pattern": _TEXT_OR_NULL,
            "at_least": (int, None),
            "at_most": (int, None),
            "max_length": (positive, None),
        }
    ],
    "expect": [
        {
            "result": NAME,
            "equals": (
                {"value": SCALAR},
                {"trust": NAME},
                {"step": ID, "result": NAME},
                {"record": NAME, "step": ID, "result": NAME},
                {"record": NAME, "artefact": ID},
            ),
        }
    ],
    "command": _TEXT_OR_NULL,
    "requests": [{"kind": NAME, "mutates": bool, "least": whole, "most": whole}],
}
_STATE: Final = {
    "subject": str,
    "id": ID,
    "mode": _TEXT_OR_NULL,
    "world": _TEXT_OR_NULL,
    "state": _TEXT_OR_NULL,
}
_WANTED: Final = [{"role": ID, "count": positive}]
PLAN: Final[dict[str, Any]] = {
    "format": frozenset({"plan/1"}),
    "ceremony": {
        "id": ID,
        "title": str,
        "version": str,
        "owner": str,
        "review_by": str,
        "procedure": _TEXT_OR_NULL,
        "edition": _TEXT_OR_NULL,
        "language": str,
    },
    "region": _TEXT_OR_NULL,
    "parameters": [{"name": NAME, "type": str, "value": SCALAR}],
    "sources": [
        {
            "file": plain_name,
            "role": frozenset({"playbook", "regions", "roster", "texts"}),
            "size": whole,
            "sha256": HASH,
        }
    ],
    "trust": [{"name": NAME, "type": str, "value": str, "said_by": str}],
    "records": [
        {
            "name": NAME,
            "playbook": ID,
            "ceremony": re.compile("[0-9a-f]{32}"),
            "rehearsal": bool,
            "origin": re.compile(r"[^\s+]+"),
            "size": positive,
            "root": str,
            "results": [{"step": ID, "result": NAME, "type": str, "value": SCALAR}],
            "files": [{"artefact": ID, "sha256": HASH}],
        }
    ],
    "stations": [{"id": ID, "title": str, "network": bool}],
    "devices": [{"id": ID, "kind": str, "at": ID}],
    "media": [{"id": ID, "title": str, "at": ID, "free": _WHOLE_OR_NULL, "keeps": str}],
    "roles": [{"id": ID, "title": str}],
    "separation": [[ID]],
    "card_sets": [{"id": ID, "kind": str, "threshold": positive, "cards": positive, "held_by": ID}],
    "people": [
        {
            "id": ID,
            "name": str,
            "roles": [ID],
            "key": _TEXT_OR_NULL,
            "cards": [{"set": ID, "number": positive}],
            "stands_in_for": _ID_OR_NULL,
        }
    ],
    "starts_with": [_STATE],
    "ends_with": [{**_STATE, "at": _ID_OR_NULL, "custody": _TEXT_OR_NULL}],
    "artefacts": [
        {
            "id": ID,
            "file": plain_name,
            "store": _STORE,
            "made_by": _ID_OR_NULL,
            "output": (NAME, None),
            "at_most": whole,
            "backup_before": _ID_OR_NULL,
            "transfer": bool,
            "brought": ({"at": ID, "sha256": HASH}, None),
        }
    ],
    "approvals": {"plan": _WANTED, "close": _WANTED, "days": (positive, None)},
    "inventory": [{"item": str, "count": positive}],
    "exceptions": [{"rule": RULE, "role": ID, "people": positive}],
    "waivers": [{"rule": RULE, "step": _ID_OR_NULL, "because": str, "until": (day, None)}],
    "minutes": whole,
    "steps": [_STEP],
}


def fit_brought(data: dict[str, Any]) -> None:
    """Return if what is brought lies at a station, is made by no step, and is all that no step makes.

    Raises:
        ShapeError: it is not so.
    """
    stations = {item["id"] for item in data["stations"]}
    for item in data["artefacts"]:
        where = item["brought"]
        made = item["made_by"] is not None
        if made is not (item["output"] is not None) or made is not (where is None):
            raise ShapeError(f"the artefact {item['id']} is made and brought, or neither")
        if where is not None and (where["at"] not in stations or item["store"] != "station" or item["transfer"]):
            raise ShapeError(f"the artefact {item['id']} cannot have been brought there")
        if where is not None and any(item["id"] in step["makes"] for step in data["steps"]):
            raise ShapeError(f"the artefact {item['id']} is brought, and a step makes it")
