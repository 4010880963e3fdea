"""The verifier's own reader of plan.json: strict about all of it, keeping what a record is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner import canonical
from runner.canonical import NotCanonical, file_digest
from runner.verification.answers import read_ask
from runner.verification.earlier import Earlier, read_records
from runner.verification.kinds import KINDS
from runner.verification.plan_shape import PLAN, fit_brought
from runner.verification.reading import ShapeError, fit

if TYPE_CHECKING:
    from runner.verification.answers import Ask, Value

DAYS: Final = 30
"""How long an approval lasts where the plan does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """How often a step may make a kind of request."""

    mutates: bool
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step is held to. `equals` of an expectation is the plan's own data; `asks` is by name."""

    id: str
    action: str
    title: str
    station: str
    device: str | None
    repeat: str
    sign_off: str
    settings: dict[str, Any]
    quorum: list[dict[str, Any]]
    uses: frozenset[str]
    makes: tuple[str, ...]
    changes: frozenset[str]
    destroys: frozenset[str]
    asks: dict[str, Ask]
    expect: tuple[tuple[str, dict[str, Value]], ...]
    requests: dict[str, Allowed]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSet:
    """K of N cards and the role of those who hold them."""

    threshold: int
    cards: int
    held_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the roster: the roles they may act in, first one first; the cards they hold by set and number."""

    name: str
    roles: tuple[str, ...]
    cards: frozenset[tuple[str, int]]
    key: str | None
    stands_in_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A file that a step makes, or that is brought with the digest `brought`; `at_most` in bytes."""

    file: str
    store: str
    at_most: int
    transfer: bool
    brought: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file under source/."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """A rule that may be let pass, by so many people of a role."""

    rule: str
    role: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a device starts or ends; None where the plan does not say. `world` is none, any, or a card set's id."""

    device: str
    mode: str | None
    world: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a record is held to.

    `data` is all of plan.json, which manifests are made from. `steps` are those that are not left out, `trust` the
    published values by name, `records` the earlier records by name, `devices` the station of each device, `approves`
    and `closes` how many people of which role, and `days` how long an approval lasts.
    """

    sha256: str
    data: dict[str, Any]
    title: str
    region: str | None
    edition: str | None
    sources: tuple[Source, ...]
    trust: dict[str, str]
    records: dict[str, Earlier]
    stations: frozenset[str]
    devices: dict[str, str]
    separation: tuple[tuple[str, ...], ...]
    card_sets: dict[str, CardSet]
    people: dict[str, Person]
    artefacts: dict[str, Artefact]
    approves: dict[str, int]
    closes: dict[str, int]
    days: int
    exceptions: tuple[Excepted, ...]
    starts_with: tuple[State, ...]
    ends_with: tuple[State, ...]
    steps: tuple[Step, ...]


def read_plan(content: bytes) -> Plan:
    """Return the plan of plan.json.

    Raises:
        ShapeError: not the canonical bytes of a plan; an id twice; a name of nothing; a request of no known kind.
    """
    try:
        data = canonical.decode(content)
    except NotCanonical as error:
        raise ShapeError(f"plan.json is not canonical: {error}") from None
    fit(data, PLAN, "plan")
    fit_brought(data)
    _each_once(data)
    plan = Plan(
        sha256=file_digest(content),
        data=data,
        title=data["ceremony"]["title"],
        region=data["region"],
        edition=data["ceremony"]["edition"],
        sources=tuple(Source(file=item["file"], size=item["size"], sha256=item["sha256"]) for item in data["sources"]),
        trust={item["name"]: item["value"] for item in data["trust"]},
        records=read_records(data),
        stations=frozenset(item["id"] for item in data["stations"]),
        devices={item["id"]: item["at"] for item in data["devices"]},
        separation=tuple(tuple(line) for line in data["separation"]),
        card_sets={
            item["id"]: CardSet(threshold=item["threshold"], cards=item["cards"], held_by=item["held_by"])
            for item in data["card_sets"]
        },
        people={item["id"]: _person(item) for item in data["people"]},
        artefacts={
            item["id"]: Artefact(
                file=item["file"],
                store=item["store"],
                at_most=item["at_most"],
                transfer=item["transfer"],
                brought=None if item["brought"] is None else item["brought"]["sha256"],
            )
            for item in data["artefacts"]
        },
        approves={item["role"]: item["count"] for item in data["approvals"]["plan"]},
        closes={item["role"]: item["count"] for item in data["approvals"]["close"]},
        days=data["approvals"]["days"] or DAYS,
        exceptions=tuple(Excepted(**item) for item in data["exceptions"]),
        starts_with=_states(data["starts_with"]),
        ends_with=_states(data["ends_with"]),
        steps=tuple(_step(item) for item in data["steps"] if item["left_out"] is None),
    )
    for step in plan.steps:
        _resolve(step, plan)
    return plan


def _each_once(data: dict[str, Any]) -> None:
    for part, key in (
        ("sources", "file"),
        ("trust", "name"),
        ("stations", "id"),
        ("devices", "id"),
        ("media", "id"),
        ("roles", "id"),
        ("card_sets", "id"),
        ("people", "id"),
        ("artefacts", "id"),
        ("steps", "id"),
    ):
        names = [item[key] for item in data[part]]
        if len(names) != len(set(names)):
            raise ShapeError(f"plan.{part} names something twice")
    for step in data["steps"]:
        kinds = [item["kind"] for item in step["requests"]]
        if len(kinds) != len(set(kinds)):
            raise ShapeError(f"step {step['id']} lists a kind of request twice")
    roles = {item["id"] for item in data["roles"]}
    named = {role for line in data["separation"] for role in line}
    named |= {need["role"] for step in data["steps"] for need in step["quorum"]}
    named |= {item["held_by"] for item in data["card_sets"]}
    named |= {item["role"] for item in data["exceptions"]}
    for part in ("plan", "close"):
        wanted = [item["role"] for item in data["approvals"][part]]
        if len(wanted) != len(set(wanted)):
            raise ShapeError(f"plan.approvals.{part} names a role twice")
        named |= {*wanted}
    if named - roles:
        raise ShapeError(f"plan.roles lacks {', '.join(sorted(named - roles))}")
    people = {item["id"]: item["stands_in_for"] for item in data["people"]}
    if set(people.values()) - {None, *people} or any(person == replaced for person, replaced in people.items()):
        raise ShapeError("plan.people: somebody stands in for nobody of the roster, or for themselves")
    if any(not item["roles"] for item in data["people"]):
        raise ShapeError("plan.people: somebody has no role")


def _person(item: dict[str, Any]) -> Person:
    return Person(
        name=item["name"],
        roles=tuple(item["roles"]),
        cards=frozenset((card["set"], card["number"]) for card in item["cards"]),
        key=item["key"],
        stands_in_for=item["stands_in_for"],
    )


def _states(items: list[dict[str, Any]]) -> tuple[State, ...]:
    return tuple(
        State(device=item["id"], mode=item["mode"], world=item["world"])
        for item in items
        if item["subject"] == "device"
    )


def _step(item: dict[str, Any]) -> Step:
    return Step(
        id=item["id"],
        action=item["action"],
        title=item["title"],
        station=item["station"],
        device=item["device"],
        repeat=item["repeat"],
        sign_off=item["sign_off"],
        settings=item["settings"],
        quorum=item["quorum"],
        uses=frozenset(artefact for uses in item["uses"] for artefact in uses["artefacts"]),
        makes=tuple(item["makes"]),
        changes=frozenset(item["changes"]),
        destroys=frozenset(item["destroys"]),
        asks={ask["name"]: read_ask(ask) for ask in item["asks"]},
        expect=tuple((expect["result"], expect["equals"]) for expect in item["expect"]),
        requests={
            request["kind"]: Allowed(mutates=request["mutates"], least=request["least"], most=request["most"])
            for request in item["requests"]
        },
    )


def _resolve(step: Step, plan: Plan) -> None:
    if {*step.uses, *step.makes, *step.destroys} - plan.artefacts.keys():
        raise ShapeError(f"step {step.id} names an artefact that the plan has not")
    if step.changes - step.uses:
        raise ShapeError(f"step {step.id} changes an artefact that it does not take")
    if {need["holders_of"] for need in step.quorum} - {None, *plan.card_sets}:
        raise ShapeError(f"step {step.id} names a card set that the plan has not")
    if {equals["trust"] for _result, equals in step.expect if "trust" in equals} - plan.trust.keys():
        raise ShapeError(f"step {step.id} names a trust value that the plan has not")
    for kind, allowed in step.requests.items():
        known = KINDS.get(kind)
        if known is None or known.mutates is not allowed.mutates:
            raise ShapeError(f"step {step.id} may make a request of a kind that the format has not: {kind}")
        if allowed.least > allowed.most or (allowed.mutates and allowed.least != allowed.most):
            raise ShapeError(f"step {step.id} may make {kind} an unclear number of times")
