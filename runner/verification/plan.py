"""The verifier's own reader of plan.json: strict about all of it, keeping what a record is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runner import canonical
from runner.canonical import NotCanonical, file_digest
from runner.verification.kinds import KINDS
from runner.verification.reading import HASH, ID, NAME, SCALAR, ShapeError, fit, mapping, plain_name, positive, whole

Value = str | int | bool

_TEXT_OR_NULL: Final = (str, None)
_WHOLE_OR_NULL: Final = (whole, None)
_ID_OR_NULL: Final = (ID, None)
_STORE: Final = frozenset({"station", "device"})
_STEP: Final = {
    "id": ID,
    "action": str,
    "part": str,
    "title": str,
    "station": ID,
    "device": _ID_OR_NULL,
    "minutes": _WHOLE_OR_NULL,
    "quorum": [{"role": ID, "count": positive, "holders_of": _ID_OR_NULL}],
    "say": _TEXT_OR_NULL,
    "note": _TEXT_OR_NULL,
    "caution": _TEXT_OR_NULL,
    "left_out": _TEXT_OR_NULL,
    "repeat": frozenset({"safe", "never"}),
    "sign_off": frozenset({"none", "typed", "signed"}),
    "settings": mapping,
    "uses": [{"input": NAME, "artefacts": [ID]}],
    "makes": [ID],
    "destroys": [ID],
    "asks": [{"name": NAME, "type": str, "ask": str, "twice": bool}],
    "expect": [{"result": NAME, "equals": ({"value": SCALAR}, {"trust": NAME}, {"step": ID, "result": NAME})}],
    "command": _TEXT_OR_NULL,
    "requests": [{"kind": NAME, "mutates": bool, "least": whole, "most": whole}],
}
_STATE: Final = {
    "subject": str,
    "id": ID,
    "mode": _TEXT_OR_NULL,
    "world": _TEXT_OR_NULL,
    "state": _TEXT_OR_NULL,
}
_PLAN: Final = {
    "format": frozenset({"plan/1"}),
    "ceremony": {
        "id": ID,
        "title": str,
        "version": str,
        "owner": str,
        "review_by": str,
        "procedure": _TEXT_OR_NULL,
        "edition": _TEXT_OR_NULL,
        "language": str,
    },
    "region": _TEXT_OR_NULL,
    "parameters": [{"name": NAME, "type": str, "value": SCALAR}],
    "sources": [
        {"file": plain_name, "role": frozenset({"playbook", "regions", "roster"}), "size": whole, "sha256": HASH}
    ],
    "trust": [{"name": NAME, "type": str, "value": str, "said_by": str}],
    "stations": [{"id": ID, "title": str, "network": bool}],
    "devices": [{"id": ID, "kind": str, "at": ID}],
    "media": [{"id": ID, "title": str, "at": ID, "free": _WHOLE_OR_NULL, "keeps": str}],
    "roles": [{"id": ID, "title": str}],
    "separation": [[ID]],
    "card_sets": [{"id": ID, "kind": str, "threshold": positive, "cards": positive, "held_by": ID}],
    "people": [
        {
            "id": ID,
            "name": str,
            "roles": [ID],
            "key": _TEXT_OR_NULL,
            "cards": [{"set": ID, "number": positive}],
            "stands_in_for": _ID_OR_NULL,
        }
    ],
    "starts_with": [_STATE],
    "ends_with": [{**_STATE, "at": _ID_OR_NULL}],
    "artefacts": [
        {
            "id": ID,
            "file": plain_name,
            "store": _STORE,
            "made_by": ID,
            "output": NAME,
            "at_most": whole,
            "backup_before": _ID_OR_NULL,
            "transfer": bool,
        }
    ],
    "minutes": whole,
    "steps": [_STEP],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """How often a step may make a kind of request."""

    mutates: bool
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step is held to. `equals` of an expectation is the plan's own data."""

    id: str
    title: str
    station: str
    device: str | None
    settings: dict[str, Any]
    quorum: list[dict[str, Any]]
    uses: frozenset[str]
    makes: tuple[str, ...]
    destroys: frozenset[str]
    asks: tuple[str, ...]
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
    """Somebody of the roster: the roles they may act in, the cards they hold by set and number."""

    roles: frozenset[str]
    cards: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A file that a step makes; `at_most` in bytes."""

    file: str
    store: str
    at_most: int
    transfer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file under source/."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a record is held to; `steps` are those that are not left out, `trust` the published values by name."""

    sha256: str
    title: str
    region: str | None
    edition: str | None
    sources: tuple[Source, ...]
    trust: dict[str, str]
    devices: tuple[str, ...]
    separation: tuple[tuple[str, ...], ...]
    card_sets: dict[str, CardSet]
    people: dict[str, Person]
    artefacts: dict[str, Artefact]
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
    fit(data, _PLAN, "plan")
    _each_once(data)
    plan = Plan(
        sha256=file_digest(content),
        title=data["ceremony"]["title"],
        region=data["region"],
        edition=data["ceremony"]["edition"],
        sources=tuple(Source(file=item["file"], size=item["size"], sha256=item["sha256"]) for item in data["sources"]),
        trust={item["name"]: item["value"] for item in data["trust"]},
        devices=tuple(item["id"] for item in data["devices"]),
        separation=tuple(tuple(line) for line in data["separation"]),
        card_sets={
            item["id"]: CardSet(threshold=item["threshold"], cards=item["cards"], held_by=item["held_by"])
            for item in data["card_sets"]
        },
        people={item["id"]: _person(item) for item in data["people"]},
        artefacts={
            item["id"]: Artefact(
                file=item["file"], store=item["store"], at_most=item["at_most"], transfer=item["transfer"]
            )
            for item in data["artefacts"]
        },
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
    if named - roles:
        raise ShapeError(f"plan.roles lacks {', '.join(sorted(named - roles))}")


def _person(item: dict[str, Any]) -> Person:
    return Person(
        roles=frozenset(item["roles"]), cards=frozenset((card["set"], card["number"]) for card in item["cards"])
    )


def _step(item: dict[str, Any]) -> Step:
    return Step(
        id=item["id"],
        title=item["title"],
        station=item["station"],
        device=item["device"],
        settings=item["settings"],
        quorum=item["quorum"],
        uses=frozenset(artefact for uses in item["uses"] for artefact in uses["artefacts"]),
        makes=tuple(item["makes"]),
        destroys=frozenset(item["destroys"]),
        asks=tuple(ask["name"] for ask in item["asks"]),
        expect=tuple((expect["result"], expect["equals"]) for expect in item["expect"]),
        requests={
            request["kind"]: Allowed(mutates=request["mutates"], least=request["least"], most=request["most"])
            for request in item["requests"]
        },
    )


def _resolve(step: Step, plan: Plan) -> None:
    if {*step.uses, *step.makes, *step.destroys} - plan.artefacts.keys():
        raise ShapeError(f"step {step.id} names an artefact that the plan has not")
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
