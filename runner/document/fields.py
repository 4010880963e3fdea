"""The types of single fields: ids, names, dates, whole numbers, values and references.

Each accepts exactly one way of writing and says in the author's words what it wants; the shapes of the documents are
built from them. The module is longer than others because there are many types, a few lines each.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from msgspec import Struct
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import no_info_plain_validator_function

from runner.document.scalars import DIGITS
from runner.vocabulary import ID, NAME, size_in_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core.core_schema import CoreSchema

K = TypeVar("K")
V = TypeVar("V")

_ID: Final = re.compile(rf"{ID}\Z")
_NAME: Final = re.compile(rf"{NAME}\Z")
LANGUAGE: Final = r"[a-z]{2}(-[a-z]+)?"
"""A language's code, such as `fr` or `zh-hant`."""

_LANGUAGE: Final = re.compile(rf"{LANGUAGE}\Z")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_FILE: Final = re.compile(r"[^/\\\x00]+\Z")
_REFERENCE: Final = re.compile(r"(steps|trust|card_sets|records)(?=\.)")
_OF_RECORDS: Final = "write records.NAME.steps.ID.RESULT or records.NAME.artefacts.ID"
_ONE_TEMPLATE: Final = re.compile(r"\s*\{\{.*\}\}\s*\Z", re.DOTALL)
_STEP_RESULT: Final = re.compile(rf"steps\.(?P<step>{ID})\.(?P<result>{NAME})\Z")
_TRUST: Final = re.compile(rf"trust\.(?P<name>{NAME})\Z")
_RECORD_RESULT: Final = re.compile(rf"records\.(?P<record>{NAME})\.steps\.(?P<step>{ID})\.(?P<result>{NAME})\Z")
_RECORD_FILE: Final = re.compile(rf"records\.(?P<record>{NAME})\.artefacts\.(?P<artefact>{ID})\Z")
_CARD_SET: Final = re.compile(rf"card_sets\.(?P<card_set>{ID})\.(?P<figure>threshold|cards)\Z")


_WHOLE_TEXT: Final = re.compile(r"(?P<number>[-+]?[0-9](?:_?[0-9]){0,39})(?:\.0+)?\Z", re.ASCII)


class Checked:
    """A type of field, for `Annotated`: a function checks the value, and a JSON Schema tells editors of it.

    The library's own validators say the same, but find out anew about the function for each of some hundred fields.
    """

    __slots__ = ("_check", "_schema")

    def __init__(self, check: Callable[[Any], object], schema: Mapping[str, Any]) -> None:
        self._check = check
        self._schema = schema

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        """Return how the library calls the function."""
        return no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, _core: object, _handler: object) -> dict[str, Any]:
        """Return what stands in the JSON Schema."""
        return dict(self._schema)


def fault(message: str, help_: str = "", code: str = "SHP003") -> PydanticCustomError:
    """Return an error that says `message`, for use in a validator; `shape.py` turns it into a finding."""
    return PydanticCustomError("ceremony", "{message}", {"message": message, "help": help_, "code": code})


class StepResult(Struct, frozen=True):
    """`steps.STEP.RESULT`."""

    step: str
    result: str


class TrustName(Struct, frozen=True):
    """`trust.NAME`."""

    name: str


class CardSetFigure(Struct, frozen=True):
    """`card_sets.SET.threshold` or `card_sets.SET.cards`."""

    card_set: str
    figure: Literal["threshold", "cards"]


class RecordResult(Struct, frozen=True):
    """`records.NAME.steps.STEP.RESULT`."""

    record: str
    step: str
    result: str


class RecordFile(Struct, frozen=True):
    """`records.NAME.artefacts.ARTEFACT`."""

    record: str
    artefact: str


Reference = StepResult | TrustName | CardSetFigure | RecordResult | RecordFile


def reference(value: object) -> Reference | None:
    """Return the reference that `value` is, or None where it is a literal or a template."""
    if not isinstance(value, str):
        return None
    if match := _STEP_RESULT.match(value):
        return StepResult(match["step"], match["result"])
    if match := _TRUST.match(value):
        return TrustName(match["name"])
    if match := _CARD_SET.match(value):
        return CardSetFigure(match["card_set"], "threshold" if match["figure"] == "threshold" else "cards")
    return _of_record(value)


def _of_record(value: str) -> RecordResult | RecordFile | None:
    if match := _RECORD_RESULT.match(value):
        return RecordResult(match["record"], match["step"], match["result"])
    if match := _RECORD_FILE.match(value):
        return RecordFile(match["record"], match["artefact"])
    return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise fault("this must be text", f'write "{_written(value)}"' if isinstance(value, bool | int) else "")
    if not value.strip():
        raise fault("this text is empty")
    return value


def _written(value: bool | int) -> str:  # noqa: FBT001 (a value of the file)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(value: Any) -> str:
    text = _text(value)
    if not _ID.match(text):
        raise fault(
            f"`{text}` is not an id", "an id has lower-case letters, digits and dashes, and begins with a letter"
        )
    return text


def _name(value: Any) -> str:
    text = _text(value)
    if not _NAME.match(text):
        raise fault(
            f"`{text}` is not a name", "a name has lower-case letters, digits and underscores, and begins with a letter"
        )
    return text


def _language(value: Any) -> str:
    text = _text(value)
    if not _LANGUAGE.match(text):
        raise fault(f"`{text}` is not the code of a language", "a code is written like fr or zh-hant")
    return text


def is_date(text: str) -> bool:
    """Return whether text is a day of the calendar, written 2026-01-31."""
    if not _DATE.match(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date(value: Any) -> str:
    if not isinstance(value, str) or not is_date(value):
        raise fault("this must be a date", 'write it as "2026-01-31"')
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise fault("this must be true or false")
    return value


def _whole(least: int, most: int) -> Checked:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            read = _as_whole(value)
            if read is not None and not least <= read <= most:
                raise fault(f"{read} is out of range", f"write a whole number from {least} to {most}")
            raise fault("this must be a whole number", _whole_advice(value, read))
        if not least <= value <= most:
            raise fault(f"{value} is out of range", f"write a whole number from {least} to {most}")
        return value

    return Checked(check, {"type": "integer", "minimum": least, "maximum": most})


def _as_whole(value: Any) -> int | None:
    """Return the number that certainly is meant by a text; None where there is none."""
    match = _WHOLE_TEXT.match(value.strip()) if isinstance(value, str) else None
    return int(match["number"]) if match else None


def _whole_advice(value: Any, read: int | None) -> str:
    if isinstance(value, bool):
        return f"`{_written(value)}` is a flag"
    if read is None:
        return ""
    if len(str(read)) > DIGITS:
        return f"write at most {DIGITS} digits"
    return "write it without quotes" if value == str(read) else f"`{value}` is text; write {read}"


def _value(value: Any) -> str | int | bool:
    if not isinstance(value, str | int | bool):
        raise fault("this must be a single value: text, a whole number, true or false")
    return value


def _setting(value: Any) -> Any:
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, list):
        return tuple(_setting(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType({key: _setting(item) for key, item in value.items()})
    raise fault("a setting is missing after the colon")


def _expected(value: Any) -> str | int | bool:
    single = _value(value)
    if isinstance(single, str) and _REFERENCE.match(single) and reference(single) is None:
        advice = _OF_RECORDS if single.startswith("records.") else "write steps.ID.RESULT or trust.NAME"
        raise fault(f"`{single}` refers to nothing", advice, "TPL010")
    return single


def _digest(value: Any) -> str:
    text = _text(value)
    if text.startswith("records.") and not isinstance(reference(text), RecordFile):
        raise fault(f"`{text}` is no digest of a file", "write records.NAME.artefacts.ID", "TPL010")
    return text


def _when(value: Any) -> str | bool:
    if isinstance(value, bool) or (isinstance(value, str) and _ONE_TEMPLATE.match(value)):
        return value
    raise fault("this must be true, false or one template", 'write it as "{{ params.NAME }}"')


def _size(value: Any) -> int:
    size = size_in_bytes(value) if isinstance(value, str) else None
    if size is None:
        raise fault("this must be a size", "write a number and B, kB, MB or GB: 16 MB")
    return size


def _file(value: Any) -> str:
    text = _text(value)
    if not _FILE.match(text) or text in {".", ".."}:
        raise fault("this must be the name of a file, without folders")
    return text


def _figure(value: Any) -> int | CardSetFigure:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_PEOPLE:
        return value
    found = reference(value)
    if not isinstance(found, CardSetFigure):
        raise fault(
            "this must be a number of people",
            f"write a whole number from 1 to {MOST_PEOPLE}, card_sets.SET.threshold or card_sets.SET.cards",
        )
    return found


def _ids(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _frozen(value: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(dict(value))


MOST_PEOPLE: Final = 99
MOST_CARDS: Final = 64
"""Cards of a set (nCore: `KTokenParams`, at most 64 shares)."""

_TEXT: Final = {"type": "string", "pattern": r"\S", "patternErrorMessage": "this text is empty"}
_FLAG: Final = {"type": "boolean"}
SINGLE: Final = {"type": ["string", "number", "boolean"]}
"""A single value to a JSON Schema: what YAML calls a float is text here."""

_DIGEST: Final = r"^[\s:]*([0-9A-Fa-f][\s:]*){64}$|\{\{|^records\."

Text = Annotated[str, Checked(_text, _TEXT)]
"""Text that is not empty; it may hold templates where the field's own documentation says so."""

Version = Annotated[str, Checked(_text, _TEXT | {"type": ["string", "number"]})]
"""Text that is often a number with a point, such as `1.0`; to a JSON Schema that is also the whole number 1."""

Id = Annotated[str, Checked(_id, {"type": "string", "pattern": f"^{ID}$"})]
Name = Annotated[str, Checked(_name, {"type": "string", "pattern": f"^{NAME}$"})]
Language = Annotated[str, Checked(_language, {"type": "string", "pattern": f"^{LANGUAGE}$"})]
Date = Annotated[str, Checked(_date, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""A day, as ISO 8601 text; compares in calendar order."""

Flag = Annotated[bool, Checked(_flag, _FLAG)]
Count = Annotated[int, _whole(1, MOST_PEOPLE)]
Cards = Annotated[int, _whole(1, MOST_CARDS)]
Minutes = Annotated[int, _whole(1, 7 * 24 * 60)]
Days = Annotated[int, _whole(1, 3660)]
Whole = Annotated[int, _whole(-(10**15), 10**15)]
Turn = Annotated[int, _whole(1, 9999)]
Seconds = Annotated[int, _whole(-(10**9), 10**9)]
Length = Annotated[int, _whole(1, 65536)]
Size = Annotated[int, Checked(_size, {"type": "string", "pattern": r"^\d{1,9} ?(B|kB|MB|GB)$"})]
"""Bytes; written as `16 MB`."""

FileName = Annotated[str, Checked(_file, {"type": "string", "pattern": r"^[^/\\]*[^\s/\\][^/\\]*$"})]
Value = Annotated[str | int | bool, Checked(_value, SINGLE)]
Setting = Annotated[Any, Checked(_setting, {})]
"""A setting as written, lists as tuples; templates are still text. The action's own model decides what fits."""

Expected = Annotated[str | int | bool, Checked(_expected, SINGLE)]
"""A literal, a template, or a reference as text; `reference()` tells."""

DigestOf = Annotated[str, Checked(_digest, {"type": "string", "pattern": _DIGEST})]
"""A digest, a template, or a reference to a file of an earlier record as text."""

When = Annotated[str | bool, Checked(_when, {"anyOf": [{"type": "string"}, _FLAG]})]
"""A flag, or one template that gives one."""

People = Annotated[
    int | CardSetFigure,
    Checked(
        _figure,
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_PEOPLE},
                {"type": "string", "pattern": r"^card_sets\."},
            ]
        },
    ),
]
"""How many people of a role."""

Several = Annotated[tuple[V, ...], Field(strict=False)]
"""A list, kept as a tuple."""

OneOrSeveral = Annotated[tuple[V, ...], Field(strict=False), BeforeValidator(_ids)]
"""One value or a list of them, kept as a tuple."""

Named = Annotated[Mapping[K, V], AfterValidator(_frozen)]
"""A mapping nobody can change."""


def nothing() -> Mapping[Any, Any]:
    """Return an empty mapping nobody can change: the default of `Named` fields."""
    return MappingProxyType({})
