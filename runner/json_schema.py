"""JSON Schema draft-07 from a pydantic model, in the form that editors of YAML understand best.

The library writes draft 2020-12 with a title on everything and a null wherever a key may be left out. Editors want
`definitions`, no unions of which only one member is meant, and words to show beside a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
TEMPLATE: Final = r"\{\{[\s\S]*\}\}"
"""Text with a template in it."""

_MAPS: Final = ("properties", "patternProperties", "definitions")
_SINGLE: Final = ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_LISTS: Final = ("anyOf", "allOf", "oneOf")


def draft7(model: type[BaseModel]) -> Schema:
    """Return the schema of what a model accepts, keys by the names the author writes.

    A key that may be left out may not be written empty: an author who writes `note:` and nothing behind it has
    forgotten something.
    """
    schema = model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}", mode="validation")
    if "$defs" in schema:
        schema["definitions"] = schema.pop("$defs")
    clean: Schema = _clean(schema)
    return clean


def ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, words: str) -> Schema:
    """Return a schema with words for people: plain, and as Markdown where they have code in them."""
    if "$ref" in schema:  # draft-07 ignores whatever stands beside a reference
        schema = {"allOf": [schema]}
    described_ = schema | {"description": words.replace("`", "")}
    return described_ | {"markdownDescription": words} if "`" in words else described_


def tell(schema: Schema, words: Mapping[str, Mapping[str, str]], *, root: str) -> Schema:
    """Return a schema with words on its definitions and their keys.

    Args:
        schema: as `draft7` gives it.
        words: by definition and key; the key "" is the definition itself.
        root: what the schema itself is called in `words`.
    """
    definitions = {name: _tell(inner, words.get(name, {})) for name, inner in schema.get("definitions", {}).items()}
    told = _tell(schema, words.get(root, {}))
    return told | {"definitions": definitions} if definitions else told


def templated(schema: Schema) -> Schema:
    """Return the schema of a value that may also be written as text with a template in it."""
    if schema.get("type") == "array":
        return schema | {"items": templated(schema["items"])}
    if schema.get("type") == "string" and not {"enum", "const", "pattern", "minLength", "maxLength"} & set(schema):
        return schema
    return {"anyOf": [schema, {"type": "string", "pattern": TEMPLATE}]}


def one_or_several(schema: Schema, *, most: int | None = None) -> Schema:
    """Return the schema of a value or a list of such values."""
    listed: Schema = {"type": "array", "items": schema, "minItems": 1}
    return {"anyOf": [schema, listed if most is None else listed | {"maxItems": most}]}


def _tell(schema: Schema, words: Mapping[str, str]) -> Schema:
    own = words.get("") or " ".join(schema.get("description", "").split())
    told = described(schema, own) if own else schema
    if "properties" not in schema:
        return told
    keys = {key: described(inner, words[key]) if key in words else inner for key, inner in schema["properties"].items()}
    return told | {"properties": keys}


def _clean(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    clean: Schema = {key: value for key, value in schema.items() if key not in {"title", "discriminator"}}
    for key in _MAPS:
        if key in clean:
            clean[key] = {name: _clean(inner) for name, inner in clean[key].items()}
    for key in _SINGLE:
        if key in clean:
            clean[key] = _clean(clean[key])
    for key in _LISTS:
        if key in clean:
            clean[key] = [_clean(inner) for inner in clean[key]]
    return _closed(_joined(_defaulted(clean)))


def _defaulted(schema: Schema) -> Schema:
    """Leave out a default that says only that nothing is written, or that is not written as the author would."""
    default = schema.get("default")
    written_otherwise = isinstance(default, int) and schema.get("type") == "string"
    if default in (None, []) or written_otherwise:
        schema.pop("default", None)
    return schema


def _joined(schema: Schema) -> Schema:
    """Take the null out of a union, and write a union of plain types as a list of types."""
    if "anyOf" not in schema:
        return schema
    members = [member for member in schema.pop("anyOf") if member != {"type": "null"}]
    if len(members) == 1:
        (member,) = members
        return {"allOf": [member], **schema} if "$ref" in member and schema else member | schema
    if all(set(member) == {"type"} for member in members):
        return schema | {"type": [member["type"] for member in members]}
    return schema | {"anyOf": members}


def _closed(schema: Schema) -> Schema:
    """Close a mapping whose keys have one form, and count its keys as keys."""
    if schema.get("type") == "object":
        if "minLength" in schema:
            schema["minProperties"] = schema.pop("minLength")
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
    return schema
