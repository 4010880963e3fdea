"""What the tests here share: the vectors of documents, and which of them a schema can judge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "document"
CEREMONY = ROOT / "ceremonies" / "azure-byok"
KINDS = ("ceremony", "regions", "roster", "texts", "environment")
"""Kinds that have vectors."""

SETTINGS = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))

SHAPES = ("SHP001", "SHP002", "SHP003", "SHP005", "SHP007", "SHP012", "REG008")
"""Rules of the shape of one file, which a schema can tell; the other rules are about what fits together."""

BEYOND_A_SCHEMA = {
    "SHP001-device-at.ceremony.yaml",  # which keys a state has depends on what it is the state of
    "SHP002-no-part.ceremony.yaml",  # the quorum may be the step's own
    "SHP002-no-station.ceremony.yaml",  # there may be only one, or a part may say it
    "SHP003-approval-fraction.ceremony.yaml",  # to JSON Schema 1.0 is a whole number
    "SHP003-bad-date.ceremony.yaml",  # a date of no calendar
    "SHP003-minutes-fraction.ceremony.yaml",  # to JSON Schema 2.0 is a whole number
    "SHP003-version-whole.ceremony.yaml",  # to JSON Schema 1 and 1.0 are the same, and 1.0 is text
    "SHP003-edition.regions.yaml",  # a date of no calendar
    "SHP003-state.ceremony.yaml",  # as the first
}


ALSO_REFUSED = {
    "SHP006-brings-digits.ceremony.yaml",  # every digest there has the same form
}
"""Vectors of other rules that a schema can tell all the same."""

TAKEN = {
    "a version with a point": ('version: "1"', "version: 1.0"),
    "a value that is text with a point": ("example: A1", "example: 1.5"),
    "a choice that says what there is": ("type: text, ask: Number", "type: choice, of: [A1], ask: Number"),
}
"""Changes of `good.ceremony.yaml` after which it is as right as before."""


@dataclass(frozen=True)
class Vector:
    """A file with one fault: its kind, and the rule that finds it."""

    path: Path
    kind: str
    rule: str

    @property
    def refused(self) -> bool:
        """Whether a schema has to refuse it."""
        name = self.path.name
        return name in ALSO_REFUSED or (self.rule in SHAPES and name not in BEYOND_A_SCHEMA)


def vectors() -> list[Vector]:
    """Return the vectors that are read without a finding: others are no YAML, or YAML as we do not take it."""
    lines = (VECTORS / "index.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [
        Vector(path=VECTORS / name, kind=name.split(".")[-2], rule=rule)
        for name, rule, _place in rows
        if not rule.startswith("YAM") and name.split(".")[-2] in KINDS
    ]


def written_anew(there: str, instead: str) -> str:
    """Return `good.ceremony.yaml` with one change."""
    text = (VECTORS / "good.ceremony.yaml").read_text(encoding="utf-8")
    assert text.count(there) == 1, there
    return text.replace(there, instead)


def shipped() -> list[Path]:
    """Return every file of the shipped ceremonies."""
    return sorted((ROOT / "ceremonies").glob("*/*.yaml"))
