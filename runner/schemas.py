"""The schemas of all documents for editors and validators, made from the models and the actions.

A schema refuses less than `ceremony lint`, which also looks at what fits together; it refuses nothing that is right,
but for a number with a point that stands without quotes where text other than a version is expected.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from runner.actions.registry import ALL
from runner.document.control_rules import MAY_PASS, MAY_WAIVE
from runner.document.environment import Environment
from runner.document.faults import TIMED, FaultScript
from runner.document.playbook import Playbook
from runner.document.regions import Regions
from runner.document.replay import Replay
from runner.document.roster import Roster
from runner.document.texts import Texts
from runner.fault_words import FAULT_KEYS
from runner.json_schema import DRAFT, TEMPLATE, Schema, described, draft7, one_or_several, ref, tell, templated
from runner.replay_words import REPLAY_KEYS
from runner.schema_words import DOCUMENTS, KEYS, RESULTS
from runner.vocabulary import ID, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.actions.interface import Action, Output

NAMES: Final = ("ceremony", "regions", "roster", "texts", "environment", "replay", "faults")
"""The formats that have a schema."""

_ID: Final[Schema] = {"type": "string", "pattern": f"^{ID}$"}
_FIGURE: Final = rf"^card_sets\.{ID}\.(threshold|cards)$"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"
_SAID: Final = re.compile(r"(?P<names>`\w+`(?: and `\w+`)*): (?P<words>[^;]+?)(?:;|\.?\Z)")
_TAKES: Final = {"uses": False, "changes": True}
_WRITTEN: Final = {"flag": ["boolean", "string"], "text": ["number", "string"], "whole": ["integer", "string"]}


def file_name(name: str) -> str:
    """Return what the file with a schema is called."""
    return f"{name}-1.schema.json"


def schema_text(name: str) -> str:
    """Return a schema as the text of its file: keys sorted, indented by two, the same every time.

    Raises:
        KeyError: there is no such schema.
    """
    makers = {
        "ceremony": _ceremony,
        "regions": _regions,
        "roster": _roster,
        "texts": _texts,
        "environment": _environment,
        "replay": _replay,
        "faults": _faults,
    }
    schema = makers[name]()
    whole = {"$schema": DRAFT, "title": DOCUMENTS[name], **schema}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _roster() -> Schema:
    return tell(draft7(Roster), KEYS, root="Roster")


def _texts() -> Schema:
    return tell(draft7(Texts), KEYS, root="Texts")


def _environment() -> Schema:
    return tell(draft7(Environment), KEYS, root="Environment")


def _replay() -> Schema:
    schema = draft7(Replay)
    variant = schema["definitions"]["Variant"]
    variant |= {"minProperties": 3, "maxProperties": 3}  # its name, what it fails by, and the one change
    variant["properties"]["set"]["maxProperties"] = 1
    return tell(schema, REPLAY_KEYS, root="Replay")


def _faults() -> Schema:
    schema = draft7(FaultScript)
    wrong, ends = schema["definitions"]["WentWrong"], schema["definitions"]["Ends"]
    wrong["allOf"] = [
        {
            "if": {"properties": {"what": {"const": what}}, "required": ["what"]},
            "then": {
                "properties": {"nth": False, "seconds": {"minimum": least, "maximum": most}},
                "required": ["seconds"],
            },
        }
        for what, (least, most) in TIMED.items()
    ]
    timed = {"properties": {"what": {"enum": list(TIMED)}}}
    wrong["allOf"].append({"if": {"not": timed}, "then": {"properties": {"seconds": False}}})
    ends |= {
        "if": {"properties": {"exit": {"const": 0}}},
        "then": {"properties": {"rule": False, "step": False}},
        "else": {"required": ["rule"]},
    }
    return tell(schema, FAULT_KEYS, root="FaultScript")


# -- regions -------------------------------------------------------------------------------------------------------


def _regions() -> Schema:
    schema = draft7(Regions)
    definitions = schema["definitions"]
    region = definitions["Region"]
    dated = region["properties"].pop("values")["patternProperties"][f"^{NAME}$"]
    _dates(dated)
    _dates(schema["properties"]["everywhere"]["patternProperties"][f"^{NAME}$"])
    region["additionalProperties"] = dated  # beside its own two keys a region has values, by names of the author's
    region["propertyNames"] = {"pattern": f"^{NAME}$"}
    region["required"] = ["offered"]
    definitions["OfferedWhen"] |= {
        "if": {"required": ["never"]},
        "then": {"required": ["because"], "properties": {"from": False, "until": False}},
        "else": {"required": ["from"]},
    }
    return tell(schema, KEYS, root="Regions")


def _dates(dated: Schema) -> None:
    since = dated["anyOf"][1]["properties"]["since"]
    since |= {"propertyNames": {"pattern": _DATE}, "minProperties": 1}


# -- ceremonies ----------------------------------------------------------------------------------------------------


def _ceremony() -> Schema:
    schema = draft7(Playbook)
    definitions, properties = schema["definitions"], schema["properties"]
    properties["separation"]["items"]["minItems"] = 2
    lines = properties["steps"]
    lines["items"] = {"type": "object", "if": {"required": ["part"]}, "then": ref("Part"), "else": ref("Step")}
    for moment in ("starts_with", "ends_with"):
        states = properties[moment]["patternProperties"]
        states[f"^{ID}$"] = _state(states[f"^{ID}$"])
    for line in ("Part", "Step"):
        people = definitions[line]["properties"]["quorum"]["patternProperties"][f"^{ID}$"]
        people["anyOf"][1]["pattern"] = _FIGURE
    for asked in ("Parameter", "Ask"):
        definitions[asked] |= {
            "if": {"properties": {"type": {"const": "choice"}}, "required": ["type"]},
            "then": {"required": ["of"], "properties": {"of": {"minItems": 1}}},
        }
    definitions["ExceptionAllowed"]["properties"]["rule"] = {"type": "string", "enum": list(MAY_PASS)}
    definitions["Waiver"]["properties"]["rule"] = {"type": "string", "enum": list(MAY_WAIVE)}
    _step(definitions["Step"])
    schema = tell(schema, KEYS, root="Playbook")
    for action in ALL:
        schema["definitions"][f"action.{action.name}"] = _action(action, schema["definitions"])
    return schema


def _state(union: Schema) -> Schema:
    words = [member for member in union["oneOf"] if "enum" in member]
    return {"if": {"type": "string"}, "then": words[0], "else": ref("Condition")}


def _step(step: Schema) -> None:
    """Say which actions there are, and that the other keys of a step are those of its action."""
    properties = step["properties"]
    properties["action"] = {
        "type": "string",
        "enum": [action.name for action in ALL],
        "markdownEnumDescriptions": [action.does for action in ALL],
    }
    for taken in _TAKES:
        properties[taken]["patternProperties"][f"^{NAME}$"] = one_or_several(_ID)
    properties["destroys"] = one_or_several(_ID)
    when = {"type": "string", "pattern": rf"^\s*{TEMPLATE}\s*$"}
    properties["when"] = {"anyOf": [{"type": "boolean"}, when]}
    step["dependencies"] = {"when": ["left_out"], "left_out": ["when"]}
    step["allOf"] = [
        {
            "if": {"properties": {"action": {"const": action.name}}, "required": ["action"]},
            "then": ref(f"action.{action.name}"),
        }
        for action in ALL
    ]


def _action(action: Action[Any], definitions: Schema) -> Schema:
    """Return what the keys of a step are where it has this action."""
    settings = _settings(action, definitions)
    needed = {
        key: any(item.least and item.changed is changed for item in action.inputs) for key, changed in _TAKES.items()
    }
    needed |= {"with": "required" in settings, "produces": bool(action.outputs)}
    needed |= {"expect": bool(action.must_expect), "repeat": action.repeat == "author"}
    properties: Schema = {
        "with": settings,
        **{key: _takes(action, changed=changed) for key, changed in _TAKES.items()},
        "produces": _produces(action.outputs[0]) if action.outputs else {"maxProperties": 0},
        "expect": {
            "properties": {item.name: _expected(item.name, item.type) for item in action.results},
            **_required(action.must_expect),
        },
    }
    if not action.needs.device:
        properties["device"] = False
    if action.repeat == "never":
        properties["repeat"] = {"const": "never"}
    names = [item.name for item in action.results]
    only: Schema = {"propertyNames": {"enum": names}} if names else {"maxProperties": 0}
    return described(
        {
            "properties": properties,
            **_required([key for key, need in needed.items() if need]),
            "if": {"not": {"required": ["asks"]}},  # what is asked in the step is a result of it too
            "then": {"properties": {"expect": only}},
        },
        action.does,
    )


def _required(keys: Sequence[str]) -> Schema:
    return {"required": list(keys)} if keys else {}


def _settings(action: Action[Any], definitions: Schema) -> Schema:
    known = draft7(action.settings)
    if "properties" not in known:
        return described({"maxProperties": 0}, "This action has no settings.")
    definitions.update(known.pop("definitions", {}))
    words = " ".join((action.settings.__doc__ or "").split())
    said: dict[str, str] = {}
    for match in _SAID.finditer(words):
        names = re.findall(r"\w+", match["names"].replace(" and ", " "))
        said.update(dict.fromkeys(names, match["words"][0].upper() + match["words"][1:] + "."))
    properties: Schema = {}
    for name, schema in known["properties"].items():
        schema.pop("description", None)
        properties[name] = described(templated(schema), said[name]) if name in said else templated(schema)
    closed: Schema = {
        "type": "object",
        "properties": properties,
        **_required(known.get("required", [])),
        "additionalProperties": False,
    }
    return described(closed, words)


def _takes(action: Action[Any], *, changed: bool) -> Schema:
    inputs = [item for item in action.inputs if item.changed is changed]
    return {
        "properties": {item.name: one_or_several(_ID, most=None if item.many else 1) for item in inputs},
        **_required([item.name for item in inputs if item.least]),
        "additionalProperties": False,
    }


def _produces(output: Output[Any]) -> Schema:
    many: Schema = {} if output.many else {"maxProperties": 1}
    named: Schema = {} if output.file is not None else {"additionalProperties": {"required": ["file"]}}
    return {"minProperties": 1} | many | named


def _expected(name: str, kind: str) -> Schema:
    """Return what may stand for an expected result: a value of its type, a template or a reference."""
    return described({"type": _WRITTEN.get(kind, "string")}, f"Expected `{name}`: {RESULTS[kind]}.")
