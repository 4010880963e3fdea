"""What editors show beside a key of a `*.replay.yaml`: one sentence for each, by the model it belongs to.

The key "" is the thing itself, as in `schema_words.py`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLAY_KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Replay": {
            "": "A playbook tried out: as it should go, and once for each mistake that it must catch.",
            "format": "The format of this file.",
            "playbook": "The file name of the playbook, which lies beside this file.",
            "roster": "The file name of the roster, beside this file; without it the one beside the playbook.",
            "plan": "What the plan is made for; what is not said is the playbook's own, or its examples.",
            "answers": "What is typed, by step and question; without it the example, or what the step expects.",
            "gives": "How the base case ends.",
            "variants": "The base case with one thing changed, each of which must fail.",
        },
        "PlanFor": {
            "": "What a plan is made for.",
            "region": "The region.",
            "edition": "The edition of the published procedure: a day such as `2027-06-30`, in quotes.",
            "params": "Parameters of the playbook, by name.",
            "records": "Whose base case leaves each earlier record: a `*.replay.yaml` in the same folder, by name.",
        },
        "Gives": {
            "": "How the base case ends: it is carried out.",
            "exit": "The exit code of `ceremony rehearse`: 0.",
            "results": "Results by step and name, each of the type it has in the log. Others may be anything.",
        },
        "Variant": {
            "": "A mistake: a `name`, what it `fails` by, and exactly one of "
            "`set`, `drop`, `plan`, `absent`, `answers`, `fault`.",
            "name": "What the mistake is; tests are called by it.",
            "set": "One value of the playbook is another: `{PATH: VALUE}`, such as `{card_sets.acs.threshold: 4}`.",
            "drop": "A key or a step of the playbook is not there, such as `back-up-world`.",
            "plan": "The plan is made for another region or edition, or with other parameters.",
            "absent": "These people of the roster cannot come.",
            "answers": "Something else is typed, by step and question.",
            "fault": "One byte of a file changes where it lies.",
            "fails": "How it must fail: all of what stands here must be so.",
        },
        "Fault": {
            "": "What goes wrong in a step: exactly one thing.",
            "at": "The step it goes wrong in.",
            "damage": "The artefact of which one byte changes where it lies, when the step begins.",
            "no_card": "Who puts in no card where cards are read.",
            "other_card": "Who puts in another card than their own.",
            "wrong_pin": "Who types another passphrase than that of their card.",
        },
        "OtherCard": {
            "": "A card that is put in instead of somebody's own.",
            "person": "Who puts it in.",
            "card": "Its serial number, or `another-world` for a card of another Security World.",
        },
        "Fails": {
            "": "By what a variant must fail.",
            "rule": "The id of the rule that refuses, such as `SIT001`.",
            "step": "The step it is about; left out where the refusal is about none.",
            "exit": "The exit code of `ceremony rehearse`: 3 and 4 also say that nothing was made by then.",
        },
    }
)
"""Words by model and key."""
