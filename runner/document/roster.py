"""The shape of a roster: `format: roster/1`, the people of one ceremony."""

from typing import Annotated, Any, Literal

from pydantic import Field

from runner.document.fields import Cards, Checked, Id, Named, Several, Text, fault, nothing
from runner.document.shape import Written
from runner.public_keys import PublicKey, parse_public_key


def _key(value: Any) -> PublicKey:
    if not isinstance(value, str):
        raise fault("this must be a public key, as OpenSSH writes it")
    try:
        return parse_public_key(value)
    except ValueError as why:
        raise fault(str(why), code="QUO015") from None


Key = Annotated[PublicKey, Checked(_key, {"type": "string"})]
"""A line such as `ssh-ed25519 AAAA…`; a comment behind it is dropped."""


class Person(Written):
    """Somebody who takes part: their roles, public key, and the numbers of the cards they hold."""

    name: Text
    roles: Annotated[Several[Id], Field(min_length=1)]
    key: Key | None = None
    cards: Named[Id, Cards] = Field(default_factory=nothing)
    stands_in_for: Id | None = None


class Roster(Written):
    """Who takes part in which ceremony."""

    format: Literal["roster/1"]
    ceremony: Id
    people: Annotated[Named[Id, Person], Field(min_length=1)]
