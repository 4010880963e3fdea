"""Write what is made from the code: the schemas, and the page of rules; `--check` says instead whether they are stale.

python scripts/make_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.host.rules import load_rules
from runner.schemas import NAMES, file_name, schema_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.host.rules import Rule

ROOT: Final = Path(__file__).resolve().parents[1]

FAMILIES: Final = {
    "YAM": "Reading YAML",
    "SHP": "The shape of a document",
    "TPL": "Templates and references",
    "TXT": "Texts in other languages",
    "REG": "Regions and editions",
    "QUO": "People, roles and card sets",
    "ART": "Artefacts and media",
    "SIT": "The room",
    "DEV": "Devices",
    "SEC": "Trust and secrets",
    "RUN": "Carrying out",
    "LOG": "Records and their evidence",
    "RPL": "Replays and scripted ceremonies",
    "FLT": "Rehearsals in which something goes wrong",
}
"""What each family of rules is about, in the order of a ceremony's life."""

HEAD: Final = """\
<!-- Made by scripts/make_docs.py from runner/rules.d; change the rules there. -->

# Rules

Each rule by its id, as findings, logs and verdicts name it. `ceremony explain ID` says the same without a network.
"""


def pages() -> dict[Path, str]:
    """Return everything that is made, by its path from the root of the project."""
    made = {Path("schemas") / file_name(name): schema_text(name) for name in NAMES}
    return made | {Path("docs", "rules.md"): rules_page(load_rules())}


def rules_page(rules: Mapping[str, Rule]) -> str:
    """Return the page of rules: a heading for each family, a section for each rule.

    Raises:
        SystemExit: a rule belongs to no family.
    """
    if strangers := sorted(code for code in rules if code[:3] not in FAMILIES):
        raise SystemExit(f"no family in scripts/make_docs.py for {', '.join(strangers)}")
    parts = [HEAD]
    for family, about in FAMILIES.items():
        own = {code: rule for code, rule in rules.items() if code.startswith(family)}
        if own:
            parts.append(f"\n## {family}: {about}\n")
        parts.extend(
            f"\n### {code}: {rule.title}\n\n{rule.why}\n\n**What to do:** {rule.fix}\n" for code, rule in own.items()
        )
    return "".join(parts)


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` return 1 where one on disk is not what would be written."""
    stale: list[Path] = []
    for path, text in pages().items():
        there = ROOT / path
        if there.is_file() and there.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            there.parent.mkdir(exist_ok=True)
            there.write_text(text, encoding="utf-8")
    verb = "stale" if "--check" in arguments else "written"
    for path in stale:
        print(f"{verb}  {path}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
