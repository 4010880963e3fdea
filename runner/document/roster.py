"""The shape of a roster: `format: roster/1`, the people of one ceremony."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runner.document.fields import Cards, Id, Named, Several, Text, nothing
from runner.document.shape import Written


class Person(Written):
    """Somebody who takes part: their roles, public key, and the numbers of the cards they hold."""

    name: Text
    roles: Annotated[Several[Id], Field(min_length=1)]
    key: Text | None = None
    cards: Named[Id, Cards] = Field(default_factory=nothing)
    stands_in_for: Id | None = None


class Roster(Written):
    """Who takes part in which ceremony."""

    format: Literal["roster/1"]
    ceremony: Id
    people: Annotated[Named[Id, Person], Field(min_length=1)]
