"""Frozen structs to canonical data and back, by their type hints and nothing else.

Fields may be text, whole numbers, flags, `None` beside one of these, records, and tuples of any of them. Reading is
strict: exactly the fields of the class, exactly their types (a flag is not a number).
"""

from __future__ import annotations

import re
import types
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from runner.canonical import NotCanonical

T = TypeVar("T")

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def kind_of(cls: type[Any]) -> str:
    """Return the name a class has in the log: GenerateKey is `generate_key`."""
    return _WORD.sub("_", cls.__name__).lower()


def to_data(value: Any) -> Any:
    """Return the canonical data of a record, a tuple of records, or a plain value."""
    if isinstance(value, Struct):
        return {name: to_data(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [to_data(item) for item in value]
    return value


def from_data(cls: type[T], data: object) -> T:
    """Return the record that `to_data` turned into `data`.

    Raises:
        NotCanonical: a field is missing, unknown, or of another type.
    """
    if not isinstance(data, dict):
        raise NotCanonical(f"{kind_of(cls)} is not an object")
    hints = _hints(_hashable(cls))
    if data.keys() != hints.keys():
        odd = sorted(data.keys() ^ hints.keys())
        raise NotCanonical(f"{kind_of(cls)}: fields missing or unknown: {', '.join(map(str, odd))}")
    return cls(**{name: _read(hint, data[name], f"{kind_of(cls)}.{name}") for name, hint in hints.items()})


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Struct)


def _hashable(cls: type[Any]) -> Any:
    """Give the class without its type: mypy does not see that classes are hashable."""
    return cls


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: hints[name] for name in cls.__struct_fields__}


def _read(hint: Any, data: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise NotCanonical(f"{where} is not a list")
        return tuple(_read(get_args(hint)[0], item, where) for item in data)
    if _is_record(hint):
        return from_data(hint, data)
    if origin is dict and isinstance(data, dict):
        return data
    if type(data) is not hint:
        raise NotCanonical(f"{where} is not {hint.__name__}")
    return data


def _read_union(members: tuple[Any, ...], data: object, where: str) -> Any:
    if data is None and types.NoneType in members:
        return None
    plain = [member for member in members if member is not types.NoneType]
    for member in plain:
        if not _is_record(member) and type(data) is member:
            return data
    records = [member for member in plain if _is_record(member)]
    for member in records:
        if isinstance(data, dict) and data.keys() == _hints(_hashable(member)).keys():
            return from_data(member, data)
    raise NotCanonical(f"{where} is of no allowed type")
