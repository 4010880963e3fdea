"""What editors show beside a key of a `*.faults.yaml`: one sentence for each, by the model it belongs to.

The key "" is the thing itself, as in `schema_words.py`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FAULT_KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "FaultScript": {
            "": "What goes wrong in a rehearsal, and how it ends then.",
            "format": "The format of this file.",
            "ceremony": "The id of the ceremony that it goes wrong in.",
            "faults": "What goes wrong, each once.",
            "ends": "How the rehearsal ends with all of it.",
        },
        "WentWrong": {
            "": "One thing that goes wrong, at a step.",
            "at": "The step.",
            "attempt": "In which attempt at the step; 1 where nothing is said.",
            "what": "What goes wrong: a card at the slot, the device, or files at a station or on a medium.",
            "nth": "At which ask, change or read of the step, counted from 1; 1 where nothing is said.",
            "seconds": "For how long (`device-slow`), or by how much the device's clock jumps (`device-clock`).",
            "then": "`go-on`: people do what they can, begin the step again, resume; `give-up`: they do not.",
        },
        "Ends": {
            "": "How the rehearsal ends.",
            "exit": "The exit code of `ceremony rehearse`.",
            "rule": "The id of the rule it ends by, such as `RUN020`; not with exit code 0.",
            "step": "The step that failed; left out where none did.",
        },
    }
)
"""Words by model and key."""
