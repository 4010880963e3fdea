"""The shape of a playbook: `format: ceremony/1`.

Structure is literal; values, titles and texts may hold templates and stay text here. What needs the region, the roster
or the action is checked later; what needs only the playbook itself is in `consistency.py`. The module is longer than
others because it is the grammar, key by key.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from runner.document.fields import (
    Cards,
    Count,
    Date,
    Days,
    DigestOf,
    Expected,
    FileName,
    Flag,
    Id,
    Language,
    Length,
    Minutes,
    Name,
    Named,
    OneOrSeveral,
    People,
    Setting,
    Several,
    Size,
    Text,
    Value,
    Version,
    When,
    Whole,
    fault,
    nothing,
)
from runner.document.shape import Written

ValueType = Literal["text", "whole", "flag", "date", "moment", "uuid", "sha256", "key_hash", "size", "choice"]
TrustType = Literal["text", "sha256", "key_hash"]
DEFAULT_AT_MOST = 1_000_000
"""Bytes that an artefact may have where `at_most` is not written."""


class Follows(Written):
    """The published procedure, and the editions of it this playbook was checked against."""

    procedure: Text
    edition: Date
    also: Several[Date] = ()

    def editions(self) -> tuple[str, ...]:
        """Return every edition a plan may choose, oldest first."""
        return tuple(sorted({self.edition, *self.also}))


class Kind(Written):
    """What a value that people give must be."""

    type: ValueType
    ask: Text
    example: Value | None = None
    pattern: Text | None = None
    at_least: Whole | None = None
    at_most: Whole | None = None
    max_length: Length | None = None
    of: Several[Text] = ()
    help: Text | None = None


class Parameter(Kind):
    """A value asked for before the plan is made; never a secret."""

    default: Value | None = None


class Ask(Kind):
    """A value typed in the room; it becomes a result of the step."""

    twice: Flag = False


class Trust(Written):
    """What somebody outside vouches for. `value` may be a template over region values."""

    type: TrustType
    value: Text
    said_by: Text


class Earlier(Written):
    """The record of an earlier ceremony: the id of its playbook, and what whoever makes the plan is asked for."""

    ceremony: Id
    ask: Text


class Station(Written):
    """A place with a machine."""

    title: Text
    network: Flag


class Device(Written):
    """An HSM at a station; which one is in the environment."""

    kind: Id
    at: Id


class Medium(Written):
    """Something files are carried on or kept on; `free` in bytes."""

    title: Text
    at: Id
    free: Size | None = None
    keeps: Literal["transfer", "backup", "archive"] = "transfer"


class Item(Written):
    """Something that must lie on the table before the start."""

    item: Text
    count: Count = 1


class Role(Written):
    """A part people act in."""

    title: Text


class CardSet(Written):
    """K of N cards."""

    kind: Literal["administrator", "operator"] = "administrator"
    threshold: Cards
    cards: Cards
    held_by: Id


class Approvals(Written):
    """How many people of which role approve the plan and close the record; an approval lasts `days`."""

    plan: Named[Id, Count] = Field(default_factory=nothing)
    close: Named[Id, Count] = Field(default_factory=nothing)
    days: Days | None = None


class ExceptionAllowed(Written):
    """A rule that may be let pass in the room, by so many people of a role."""

    rule: Text
    role: Id
    people: Count


class Brings(Written):
    """A file that exists before the ceremony, with its backups. `file` and `sha256` may hold templates.

    `sha256` may be that of a file in an earlier record; `at_most` in bytes; `backup_before` a step's id or `end`: by
    then it has a new backup, where it was changed.
    """

    at: Id
    file: Text
    sha256: DigestOf
    at_most: Size = DEFAULT_AT_MOST
    backup_before: Id | None = None


class Condition(Written):
    """What is true of a device, a card set, an artefact or a medium; which keys fit depends on which it is."""

    mode: Literal["operational", "initialization", "maintenance"] | None = None
    world: Text | None = None
    at: Id | None = None
    written: Literal[True] | None = None
    lost: Cards | None = None
    custody: Literal["sealed", "handed_over"] | None = None


class Waiver(Written):
    """A rule that does not hold here, and why."""

    rule: Text
    step: Id | None = None
    because: Text
    until: Date | None = None


class Part(Written):
    """A heading with station and quorum for the steps under it."""

    part: Text
    station: Id | None = None
    quorum: Annotated[Named[Id, People], Field(min_length=1)]
    say: Text | None = None


class Produces(Written):
    """A file that a step makes. `file` may hold templates; `at_most` in bytes; `backup_before` a step's id or `end`."""

    file: Text | None = None
    at_most: Size = DEFAULT_AT_MOST
    backup_before: Id | None = None


class Step(Written):
    """One step as written; `station` and `quorum` are None where the part's hold."""

    id: Id
    action: Name
    title: Text
    minutes: Minutes | None = None
    station: Id | None = None
    quorum: Annotated[Named[Id, People], Field(min_length=1)] | None = None
    device: Id | None = None
    say: Text | None = None
    note: Text | None = None
    caution: Text | None = None
    settings: Named[Name, Setting] = Field(default_factory=nothing, alias="with")
    uses: Named[Name, OneOrSeveral[Id]] = Field(default_factory=nothing)
    produces: Named[Id, Produces] = Field(default_factory=nothing)
    changes: Named[Name, OneOrSeveral[Id]] = Field(default_factory=nothing)
    destroys: OneOrSeveral[Id] = ()
    asks: Named[Name, Ask] = Field(default_factory=nothing)
    expect: Named[Name, Expected] = Field(default_factory=nothing)
    command: Text | None = None
    when: When | None = None
    left_out: Text | None = None
    repeat: Literal["safe", "never"] | None = None
    sign_off: Literal["signed", "typed", "none"] | None = None

    @model_validator(mode="after")
    def _when_and_left_out(self) -> Self:
        """SHP007: a step that may be left out says what stands in its place, and only such a step does."""
        if self.when is not None and self.left_out is None:
            raise fault("`when` needs `left_out`: what is said where the step is left out", code="SHP007")
        if self.left_out is not None and self.when is None:
            raise fault("`left_out` is for steps with `when`", code="SHP007")
        return self


def _part_or_step(value: Any) -> str:
    return "<part>" if isinstance(value, dict) and "part" in value else "<step>"


def _word_or_condition(value: Any) -> str:
    return "<condition>" if isinstance(value, dict) else "<word>"


Line = Annotated[Annotated[Part, Tag("<part>")] | Annotated[Step, Tag("<step>")], Discriminator(_part_or_step)]
StateWord = Literal["blank", "retired", "destroyed"]
State = Annotated[
    Annotated[Condition, Tag("<condition>")] | Annotated[StateWord, Tag("<word>")], Discriminator(_word_or_condition)
]


class Playbook(Written):
    """A ceremony as its author wrote it."""

    format: Literal["ceremony/1"]
    id: Id
    title: Text
    version: Version
    owner: Text
    review_by: Date
    follows: Follows | None = None
    regions: FileName | None = None
    languages: Annotated[Several[Language], Field(min_length=1)] = ("en",)
    names: Named[Name, Text] = Field(default_factory=nothing)
    parameters: Named[Name, Parameter] = Field(default_factory=nothing)
    records: Named[Name, Earlier] = Field(default_factory=nothing)
    trust: Named[Name, Trust] = Field(default_factory=nothing)
    stations: Annotated[Named[Id, Station], Field(min_length=1)]
    devices: Named[Id, Device] = Field(default_factory=nothing)
    media: Named[Id, Medium] = Field(default_factory=nothing)
    inventory: Several[Item] = ()
    roles: Annotated[Named[Id, Role], Field(min_length=1)]
    separation: Several[Several[Id]] = ()
    card_sets: Named[Id, CardSet] = Field(default_factory=nothing)
    approvals: Approvals | None = None
    exceptions: Several[ExceptionAllowed] = ()
    brings: Named[Id, Brings] = Field(default_factory=nothing)
    starts_with: Named[Id, State]
    ends_with: Named[Id, State]
    steps: Annotated[Several[Line], Field(min_length=1)]
    waivers: Several[Waiver] = ()

    def numbered_steps(self) -> tuple[tuple[int, Part | None, Step], ...]:
        """Return every step with its position in `steps` and the part it stands under."""
        part: Part | None = None
        found: list[tuple[int, Part | None, Step]] = []
        for position, line in enumerate(self.steps):
            if isinstance(line, Part):
                part = line
            else:
                found.append((position, part, line))
        return tuple(found)

    def artefacts(self) -> frozenset[str]:
        """Return the artefacts there are: those that are brought, and those that the steps make."""
        made = {name for _, _, step in self.numbered_steps() for name in step.produces}
        return frozenset(made | {*self.brings})
