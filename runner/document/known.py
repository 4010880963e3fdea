"""Which keys may stand at a place of a document, read off its model; for suggestions."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag


def keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    """Return the keys that `model` knows at a location of the library's; empty where any key may stand."""
    inner: Any = model
    for part in loc:
        inner = _inside(inner, part)
    return _keys(inner)


def _inside(annotation: Any, part: str | int) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _inside(get_args(annotation)[0], part)
    if origin in {Union, types.UnionType}:
        return _member(get_args(annotation), part)
    if origin is Mapping:
        return get_args(annotation)[1]
    if origin is tuple:
        return get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if part in {name, info.alias}:
                return info.annotation
    return None


def _member(members: tuple[Any, ...], part: str | int) -> Any:
    for member in members:
        if get_origin(member) is Annotated and any(
            isinstance(mark, Tag) and mark.tag == part for mark in get_args(member)
        ):
            return get_args(member)[0]
    found = (_inside(member, part) for member in members)
    return next((inner for inner in found if inner is not None), None)


def _keys(annotation: Any) -> set[str]:
    if get_origin(annotation) in {Annotated, Union, types.UnionType}:
        return set().union(*(_keys(member) for member in get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {info.alias or name for name, info in annotation.model_fields.items()}
    return set()
