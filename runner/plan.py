"""The plan: a ceremony with every value fixed, for one region, as canonical bytes with one digest.

`docs/record.md` gives the form of plan.json field by field. A `Plan` says what was rendered; a `CheckedPlan` is made
only by `runner.check` and is what the engine accepts.

The module is longer than others because it is the form of plan.json, record by record.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from runner import canonical
from runner.canonical import NotCanonical
from runner.codec import from_data, to_data
from runner.exchange import Need  # noqa: TC001 (the codec reads type hints at run time)

FORMAT: Final = "plan/1"

APPROVAL_DAYS: Final = 30
"""How long an approval lasts where the playbook does not say."""

TRIES: Final = 3
"""How often a person may type a value that does not fit (RUN003)."""

UNMET: Final = "RUN002"
"""The rule that an expected result was not met; a playbook may allow people to let one pass."""


class Ceremony(Struct, frozen=True, kw_only=True):
    """Which ceremony, and which edition of the published procedure it follows."""

    id: str
    title: str
    version: str
    owner: str
    review_by: str
    procedure: str | None
    edition: str | None
    language: str


class Parameter(Struct, frozen=True, kw_only=True):
    """A value that was given or defaulted when the plan was made."""

    name: str
    type: str
    value: str | int | bool


class SourceFile(Struct, frozen=True, kw_only=True):
    """A file the plan was rendered from."""

    file: str
    role: str
    size: int
    sha256: str


class Trusted(Struct, frozen=True, kw_only=True):
    """A value somebody outside vouches for; digests in lower-case hex."""

    name: str
    type: str
    value: str
    said_by: str


class RecordedResult(Struct, frozen=True, kw_only=True):
    """A result of a step of an earlier ceremony, as its log has it."""

    step: str
    result: str
    type: str
    value: str | int | bool


class RecordedFile(Struct, frozen=True, kw_only=True):
    """A file of an earlier ceremony as it was seen there last; its digest in lower-case hex."""

    artefact: str
    sha256: str


class EarlierRecord(Struct, frozen=True, kw_only=True):
    """The record of an earlier ceremony: which one, and what is taken from it.

    Attributes:
        name: what the playbook calls it.
        playbook: the id of the playbook that was carried out.
        ceremony: the ceremony's own id, 32 hex digits.
        rehearsal: whether it was a rehearsal.
        origin: the name of its log.
        size: the entries its last checkpoint covers: all there are.
        root: the root of that checkpoint, base64.
        results: those that are taken.
        files: those whose digests are taken.
    """

    name: str
    playbook: str
    ceremony: str
    rehearsal: bool
    origin: str
    size: int
    root: str
    results: tuple[RecordedResult, ...]
    files: tuple[RecordedFile, ...]


class Station(Struct, frozen=True, kw_only=True):
    """A place with a machine, with or without a network."""

    id: str
    title: str
    network: bool


class Device(Struct, frozen=True, kw_only=True):
    """An HSM of some kind at a station."""

    id: str
    kind: str
    at: str


class Medium(Struct, frozen=True, kw_only=True):
    """Something files are carried on or kept on; `free` in bytes."""

    id: str
    title: str
    at: str
    free: int | None
    keeps: str


class Role(Struct, frozen=True, kw_only=True):
    """A part people act in."""

    id: str
    title: str


class CardSet(Struct, frozen=True, kw_only=True):
    """K of N cards, and the role of the people who hold them."""

    id: str
    kind: str
    threshold: int
    cards: int
    held_by: str


class CardHeld(Struct, frozen=True, kw_only=True):
    """A card of a set that a person holds, by the number printed on it."""

    set: str
    number: int


class Person(Struct, frozen=True, kw_only=True):
    """Somebody of the roster."""

    id: str
    name: str
    roles: tuple[str, ...]
    key: str | None
    cards: tuple[CardHeld, ...]
    stands_in_for: str | None


class Wanted(Struct, frozen=True, kw_only=True):
    """So many people of a role."""

    role: str
    count: int


class Approvals(Struct, frozen=True, kw_only=True):
    """Who approves the plan, who closes the ceremony, and how many days an approval lasts (None: `APPROVAL_DAYS`)."""

    plan: tuple[Wanted, ...]
    close: tuple[Wanted, ...]
    days: int | None


class Item(Struct, frozen=True, kw_only=True):
    """Something that must lie on the table before the start."""

    item: str
    count: int


class ExceptionAllowed(Struct, frozen=True, kw_only=True):
    """A rule that may be let pass in the room, by so many people of a role."""

    rule: str
    role: str
    people: int


class Waiver(Struct, frozen=True, kw_only=True):
    """A rule that does not hold in this plan, in one step or anywhere, and why."""

    rule: str
    step: str | None
    because: str
    until: str | None


class StartState(Struct, frozen=True, kw_only=True):
    """What must be true before anything changes."""

    subject: str
    id: str
    mode: str | None
    world: str | None
    state: str | None


class EndState(Struct, frozen=True, kw_only=True):
    """What must be true at the end."""

    subject: str
    id: str
    mode: str | None
    world: str | None
    state: str | None
    at: str | None
    custody: str | None


class Brought(Struct, frozen=True, kw_only=True):
    """Where a file lies before the ceremony, and its digest in lower-case hex."""

    at: str
    sha256: str


class PlannedArtefact(Struct, frozen=True, kw_only=True):
    """A file that a step makes, or one that is brought: then no step makes it, and `brought` says what it is.

    `store` is `device` for files in the world's folder; `at_most` in bytes; `backup_before` a step or `end`.
    """

    id: str
    file: str
    store: str
    made_by: str | None
    output: str | None
    at_most: int
    backup_before: str | None
    transfer: bool
    brought: Brought | None


class Uses(Struct, frozen=True, kw_only=True):
    """Which artefacts an input of the action takes."""

    input: str
    artefacts: tuple[str, ...]


class Ask(Struct, frozen=True, kw_only=True):
    """A value typed in the room, and what it is held to (`runner.values.Bounds`)."""

    name: str
    type: str
    ask: str
    twice: bool
    of: tuple[str, ...]
    pattern: str | None
    at_least: int | None
    at_most: int | None
    max_length: int | None


class Literal(Struct, frozen=True, kw_only=True):
    """Compare with this value."""

    value: str | int | bool


class TrustRef(Struct, frozen=True, kw_only=True):
    """Compare with what an outsider vouches for."""

    trust: str


class ResultRef(Struct, frozen=True, kw_only=True):
    """Compare with the result of an earlier step."""

    step: str
    result: str


class RecordResultRef(Struct, frozen=True, kw_only=True):
    """Compare with the result of a step of an earlier ceremony."""

    record: str
    step: str
    result: str


class RecordFileRef(Struct, frozen=True, kw_only=True):
    """Compare with the digest of a file of an earlier ceremony."""

    record: str
    artefact: str


Equals = Literal | TrustRef | ResultRef | RecordResultRef | RecordFileRef


class Expectation(Struct, frozen=True, kw_only=True):
    """The printed column "expected result": equality only."""

    result: str
    equals: Equals


class AllowedRequest(Struct, frozen=True, kw_only=True):
    """How often a step may make a kind of request."""

    kind: str
    mutates: bool
    least: int
    most: int


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One line of the plan; every value fixed. `settings` are the action's, as canonical data.

    `changes` are those of the artefacts in `uses` that are other files afterwards.
    """

    id: str
    action: str
    part: str
    title: str
    station: str
    device: str | None
    minutes: int | None
    quorum: tuple[Need, ...]
    say: str | None
    note: str | None
    caution: str | None
    left_out: str | None
    repeat: str
    sign_off: str
    settings: dict[str, Any]
    uses: tuple[Uses, ...]
    makes: tuple[str, ...]
    changes: tuple[str, ...]
    destroys: tuple[str, ...]
    asks: tuple[Ask, ...]
    expect: tuple[Expectation, ...]
    command: str | None
    requests: tuple[AllowedRequest, ...]

    @property
    def action_name(self) -> str:
        """The action without its version."""
        return self.action.partition("@")[0]


class Plan(Struct, frozen=True, kw_only=True):
    """A ceremony for one region with every value fixed."""

    format: str
    ceremony: Ceremony
    region: str | None
    parameters: tuple[Parameter, ...]
    sources: tuple[SourceFile, ...]
    trust: tuple[Trusted, ...]
    records: tuple[EarlierRecord, ...]
    stations: tuple[Station, ...]
    devices: tuple[Device, ...]
    media: tuple[Medium, ...]
    roles: tuple[Role, ...]
    separation: tuple[tuple[str, ...], ...]
    card_sets: tuple[CardSet, ...]
    people: tuple[Person, ...]
    starts_with: tuple[StartState, ...]
    ends_with: tuple[EndState, ...]
    artefacts: tuple[PlannedArtefact, ...]
    approvals: Approvals
    inventory: tuple[Item, ...]
    exceptions: tuple[ExceptionAllowed, ...]
    waivers: tuple[Waiver, ...]
    minutes: int
    steps: tuple[PlannedStep, ...]

    def artefact(self, artefact: str) -> PlannedArtefact:
        """Return the artefact of that id; the plan was rendered, so it exists."""
        return next(item for item in self.artefacts if item.id == artefact)

    def recorded(self, of: RecordResultRef | RecordFileRef) -> str | int | bool:
        """Return a value taken from an earlier record; the plan was rendered, so it is there."""
        record = next(item for item in self.records if item.name == of.record)
        if isinstance(of, RecordFileRef):
            return next(item.sha256 for item in record.files if item.artefact == of.artefact)
        return next(item.value for item in record.results if (item.step, item.result) == (of.step, of.result))

    @property
    def brings(self) -> tuple[tuple[PlannedArtefact, Brought], ...]:
        """The artefacts that exist before the ceremony, each with where it lies and its digest."""
        return tuple((item, item.brought) for item in self.artefacts if item.brought is not None)

    @property
    def only_administrators(self) -> str | None:
        """The id of the Administrator Card Set, where there is one and no other; by it a device's cards are called."""
        sets = [item.id for item in self.card_sets if item.kind == "administrator"]
        return sets[0] if len(sets) == 1 else None

    def medium(self, medium: str) -> Medium | None:
        """Return the medium of that id, or None."""
        return next((item for item in self.media if item.id == medium), None)

    def card_set(self, card_set: str) -> CardSet | None:
        """Return the card set of that id, or None."""
        return next((item for item in self.card_sets if item.id == card_set), None)

    def person(self, person: str) -> Person | None:
        """Return the person of that id, or None."""
        return next((item for item in self.people if item.id == person), None)

    def station(self, station: str) -> Station:
        """Return the station of that id."""
        return next(item for item in self.stations if item.id == station)

    def active_steps(self) -> tuple[PlannedStep, ...]:
        """Return the steps that are not left out, in order."""
        return tuple(step for step in self.steps if step.left_out is None)


class CheckedPlan(Struct, frozen=True, kw_only=True):
    """A plan every step of which is proven possible; only `runner.check` makes one."""

    plan: Plan
    content: bytes
    sha256: str


def plan_bytes(plan: Plan) -> bytes:
    """Return plan.json: canonical, no line feed at the end."""
    return canonical.encode(to_data(plan))


def parse_plan(content: bytes) -> Plan:
    """Return the plan of plan.json.

    Raises:
        NotCanonical: not the canonical bytes of a plan of this format.
    """
    data = canonical.decode(content)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise NotCanonical(f"not a plan of format {FORMAT}")
    return from_data(Plan, data)


class TrustedValue(Struct, frozen=True, kw_only=True):
    """A name and the value somebody outside vouches for."""

    name: str
    value: str


class TrustList(Struct, frozen=True, kw_only=True):
    """The list that steps compare with: the plan's own published one, or the whole simulated one of a rehearsal."""

    list: str
    values: tuple[TrustedValue, ...]

    @property
    def sha256(self) -> str:
        """The digest that entry 0 binds: of the canonical values, sorted by name."""
        return canonical.file_digest(canonical.encode(to_data(self.values)))

    def value(self, name: str) -> str:
        """Return the value of that name; the plan's check made sure it exists."""
        return next(item.value for item in self.values if item.name == name)


def published(plan: Plan) -> TrustList:
    """Return the list of what the plan says outsiders published."""
    return trust_list("published", {item.name: item.value for item in plan.trust})


def trust_list(kind: str, values: dict[str, str]) -> TrustList:
    """Return a trust list of the kind `published` or `simulated`; values in lower case."""
    ordered = sorted(values.items())
    return TrustList(list=kind, values=tuple(TrustedValue(name=name, value=value.lower()) for name, value in ordered))
