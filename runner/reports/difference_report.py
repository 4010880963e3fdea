"""What changed in meaning between two plans, as text for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.difference import Change

VERSION: Final = 1


def difference_text(changes: Sequence[Change]) -> str:
    """Return a line for each change of meaning, then those of wording and comments; without a last line feed."""
    meaning = [f"  {change.place}: {change.words}" for change in changes if not change.wording]
    wording = [f"  {change.place}: {change.words}" for change in changes if change.wording]
    return "\n".join(
        [*(meaning or ["  nothing changed in meaning"]), *(["Wording or comments only:", *wording] if wording else [])]
    )


def difference_json(old: str, new: str, changes: Sequence[Change]) -> str:
    """Return one JSON object in ASCII, with a line feed at its end.

    Args:
        old: the digest of the older plan.json, as hex.
        new: that of the newer one.
        changes: what changed; nothing where the two are the same bytes.
    """
    data = {
        "version": VERSION,
        "same": not changes,
        "old": {"sha256": old},
        "new": {"sha256": new},
        "changes": [{"place": change.place, "words": change.words, "wording": change.wording} for change in changes],
    }
    return json.dumps(data, indent=2) + "\n"
