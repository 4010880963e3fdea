"""A plan as JSON for programs: the plan itself, its digest as hex and as words, and who may act where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from runner.codec import to_data
from runner.reports.duties import duties
from runner.spoken import words

if TYPE_CHECKING:
    from runner.plan import CheckedPlan

VERSION: Final = 1


def plan_json(checked: CheckedPlan) -> str:
    """Return one JSON object in ASCII, with a line feed at its end; `plan` is as in plan.json (docs/record.md).

    The digest is that of plan.json, which is canonical; it is not that of the text given here.
    """
    data = {
        "version": VERSION,
        "sha256": checked.sha256,
        "words": list(words(bytes.fromhex(checked.sha256))),
        "minutes": checked.plan.minutes,
        "duties": [
            {"person": duty.person, "role": duty.role, "station": duty.station, "steps": list(duty.steps)}
            for duty in duties(checked.plan)
        ],
        "plan": to_data(checked.plan),
    }
    return json.dumps(data, indent=2) + "\n"
