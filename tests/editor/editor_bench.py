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
    "SHP002-ask-choice.ceremony.yaml",  # what else is there depends on the type
    "SHP002-no-part.ceremony.yaml",  # the quorum may be the step's own
    "SHP002-no-station.ceremony.yaml",  # there may be only one, or a part may say it
    "SHP003-approval-fraction.ceremony.yaml",  # to JSON Schema 1.0 is a whole number
    "SHP003-bad-date.ceremony.yaml",  # a date of no calendar
    "SHP003-edition.regions.yaml",  # a date of no calendar
    "SHP003-state.ceremony.yaml",  # as the first
}


@dataclass(frozen=True)
class Vector:
    """A file with one fault: its kind, and the rule that finds it."""

    path: Path
    kind: str
    rule: str

    @property
    def refused(self) -> bool:
        """Whether a schema has to refuse it."""
        return self.rule in SHAPES and self.path.name not in BEYOND_A_SCHEMA


def vectors() -> list[Vector]:
    """Return the vectors that are read without a finding: others are no YAML, or YAML as we do not take it."""
    lines = (VECTORS / "index.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [
        Vector(path=VECTORS / name, kind=name.split(".")[-2], rule=rule)
        for name, rule, _place in rows
        if not rule.startswith("YAM") and name.split(".")[-2] in KINDS
    ]


def shipped() -> list[Path]:
    """Return every file of the shipped ceremonies."""
    return sorted((ROOT / "ceremonies").glob("*/*.yaml"))
