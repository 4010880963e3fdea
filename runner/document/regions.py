"""The shape of a regions file: `format: regions/1`, what differs from region to region, dated where it changed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from msgspec import Struct
from pydantic import BeforeValidator, Field, model_validator

from runner.document.fields import SINGLE, Checked, Date, Flag, Id, Name, Named, Text, fault, is_date, nothing
from runner.document.shape import Written

ALWAYS: Final = "0000-00-00"
"""The date of a value that was never different; it stands before every real one."""


class Dated(Struct, frozen=True):
    """A value and when it changed: dates ascending, each with the value in force from then on."""

    since: tuple[tuple[str, str | int | bool], ...]

    def at(self, date: str) -> str | int | bool | None:
        """Return the value in force at a date, or None before the first."""
        found: str | int | bool | None = None
        for begins, value in self.since:
            if begins <= date:
                found = value
        return found

    @property
    def written_plain(self) -> bool:
        """Whether the author gave one value without dates."""
        return self.since[0][0] == ALWAYS


def _dated(value: Any) -> Dated:
    if isinstance(value, str | int | bool):
        return Dated(((ALWAYS, value),))
    if (
        not isinstance(value, dict)
        or set(value) != {"since"}
        or not isinstance(value["since"], dict)
        or not value["since"]
    ):
        raise fault("this must be a value", 'write it plainly, or {since: {"2026-01-31": value}} where it changes')
    since = value["since"]
    for date, dated in since.items():
        if not is_date(date):
            raise fault(f"`{date}` is not a date", 'write it as "2026-01-31"')
        if not isinstance(dated, str | int | bool):
            raise fault(f"the value of {date} must be text, a whole number, true or false")
    return Dated(tuple(sorted(since.items())))


DatedValue = Annotated[
    Dated,
    Checked(
        _dated,
        {
            "anyOf": [
                SINGLE,
                {
                    "type": "object",
                    "properties": {"since": {"type": "object", "additionalProperties": SINGLE}},
                    "required": ["since"],
                    "additionalProperties": False,
                },
            ]
        },
    ),
]


class Edition(Written):
    """An edition of the published procedure."""

    note: Text | None = None
    replaced_by: Date | None = None


class Withdrawn(Written):
    """When the publisher ended the procedure, and why."""

    on: Date
    because: Text


class ValueKind(Written):
    """What a region's value must be, and whether no two regions may have the same at one time."""

    type: Literal["text", "whole", "flag", "date", "uuid", "sha256", "key_hash", "size"]
    pattern: Text | None = None
    distinct: Flag = False


class OfferedWhen(Written):
    """From when (and until when) the procedure is offered in a region, or that it never was, and why."""

    begins: Date | None = Field(default=None, alias="from")
    until: Date | None = None
    never: Literal[True] | None = None
    because: Text | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.never and (self.begins or self.until):
            raise fault("`never` and dates exclude each other")
        if not self.never and not self.begins:
            raise fault("`from` is missing", 'write from: "2026-01-31", or never: true with because:', "SHP002")
        if self.never and not self.because:
            raise fault("`because` is missing: why the procedure is not offered", "", "SHP002")
        if self.until and not self.because:
            raise fault("`because` is missing: why the procedure is no longer offered", "", "SHP002")
        if self.begins and self.until and self.until <= self.begins:
            raise fault("`until` is not after `from`")
        return self


class Region(Written):
    """A region: when it is offered and its values; `offered` None is a finding (REG008) of the checks."""

    offered: OfferedWhen | None = None
    shares: Named[Name, Id] = Field(default_factory=nothing)
    values: Named[Name, DatedValue] = Field(default_factory=nothing)


def _split(value: Any) -> Any:
    """Part what every region has from the values the file itself declares."""
    if not isinstance(value, dict):
        return value
    fixed = {key: inner for key, inner in value.items() if key in {"offered", "shares"}}
    return fixed | {"values": {key: inner for key, inner in value.items() if key not in fixed}}


WrittenRegion = Annotated[Region, BeforeValidator(_split)]


class Regions(Written):
    """Everything that differs from region to region, and from edition to edition."""

    format: Literal["regions/1"]
    source: Text | None = None
    editions: Annotated[Named[Date, Edition], Field(min_length=1)]
    withdrawn: Withdrawn | None = None
    kinds: Named[Name, ValueKind] = Field(alias="values")
    everywhere: Named[Name, DatedValue] = Field(default_factory=nothing)
    regions: Annotated[Named[Id, WrittenRegion], Field(min_length=1)]

    def names(self) -> frozenset[str]:
        """Return every name a template may take from `region`."""
        return frozenset({*self.kinds, *self.everywhere})

    def of(self, code: str) -> Mapping[str, Dated]:
        """Return the values of a region with those that are the same everywhere.

        Raises:
            KeyError: there is no such region.
        """
        return MappingProxyType({**self.everywhere, **self.regions[code].values})
