"""The catalogue of rules, from the data files in `runner/rules.d`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from msgspec import Struct


class Rule(Struct, frozen=True, kw_only=True):
    """What a rule demands, why, and what to do where it is not met."""

    title: str
    why: str
    fix: str


def load_rules() -> dict[str, Rule]:
    """Return every rule by its id, sorted."""
    rules: dict[str, Rule] = {}
    for path in sorted((Path(__file__).resolve().parents[1] / "rules.d").glob("*.toml")):
        for code, fields in tomllib.loads(path.read_text(encoding="utf-8")).items():
            rules[code] = Rule(title=fields["title"], why=fields["why"], fix=fields["fix"])
    return dict(sorted(rules.items()))
