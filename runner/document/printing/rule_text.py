"""What the catalogue says of a rule, as printers need it."""

from __future__ import annotations

import re
from typing import Final, Protocol

_NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


class RuleText(Protocol):
    """A rule of the catalogue: what it demands, why, and what to do where it is not met."""

    @property
    def title(self) -> str:
        """What it is about, without a full stop."""

    @property
    def why(self) -> str:
        """Why it matters, in sentences."""

    @property
    def fix(self) -> str:
        """What to do, in sentences."""


def doc_anchor(code: str, rule: RuleText) -> str:
    """Return where the documentation has a rule: the page and the anchor that web pages of it give its heading."""
    heading = _NOT_IN_ANCHORS.sub("", f"{code}: {rule.title}".lower())
    return f"docs/rules.md#{heading.replace(' ', '-')}"
