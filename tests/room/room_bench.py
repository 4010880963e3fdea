"""What the tests here share: a small plan, people who type what a test says, and their terminal."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner.exchange import Need
from runner.host.live import LiveRoom
from runner.plan import (
    Approvals,
    CardHeld,
    CardSet,
    Ceremony,
    CheckedPlan,
    Device,
    Person,
    Plan,
    PlannedStep,
    Role,
    Station,
    plan_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = "e58294f2e9a227486e8b061b31cc528fd7fa3f19" + "00" * 12
FIRST_LINE = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator"
"""The published words of that digest's first eight bytes."""


def person(name: str, *roles: str, card: int | None = None, stands_in_for: str | None = None) -> Person:
    cards = () if card is None else (CardHeld(set="acs", number=card),)
    return Person(id=name, name=name.title(), roles=roles, key=None, cards=cards, stands_in_for=stands_in_for)


PEOPLE = (
    person("ada", "administrator", card=1),
    person("ben", "administrator", card=2),
    person("cem", "administrator", card=3),
    person("dan", "operator"),
    person("eva", "witness"),
    person("fay", "witness", "operator"),
    person("gus", "operator", stands_in_for="dan"),
)


def step(name: str = "generate", **changes: Any) -> PlannedStep:
    made = PlannedStep(
        id=name,
        action="generate_key@1",
        part="One",
        title=f"Do {name}",
        station="offline",
        device=None,
        minutes=5,
        quorum=(need("operator"), need("witness")),
        say=None,
        note=None,
        caution=None,
        left_out=None,
        repeat="safe",
        sign_off="none",
        settings={},
        uses=(),
        makes=(),
        changes=(),
        destroys=(),
        asks=(),
        expect=(),
        command=None,
        requests=(),
    )
    return replace(made, **changes)


def need(role: str, count: int = 1, holders_of: str | None = None) -> Need:
    return Need(role=role, count=count, holders_of=holders_of)


def plan(**changes: Any) -> Plan:
    made = Plan(
        format="plan/1",
        ceremony=Ceremony(
            id="small",
            title="Small",
            version="1",
            owner="o@example.com",
            review_by="2027-01-01",
            procedure=None,
            edition=None,
            language="en",
        ),
        region="eu",
        parameters=(),
        records=(),
        sources=(),
        trust=(),
        stations=(
            Station(id="online", title="Online", network=True),
            Station(id="offline", title="Offline", network=False),
        ),
        devices=(Device(id="hsm", kind="nshield", at="offline"),),
        media=(),
        roles=tuple(Role(id=role, title=role) for role in ("administrator", "operator", "witness")),
        separation=(),
        card_sets=(CardSet(id="acs", kind="administrator", threshold=2, cards=3, held_by="administrator"),),
        people=PEOPLE,
        starts_with=(),
        ends_with=(),
        artefacts=(),
        approvals=Approvals(plan=(), close=(), days=None),
        inventory=(),
        exceptions=(),
        waivers=(),
        minutes=5,
        steps=(step(),),
    )
    return replace(made, **changes)


def checked(made: Plan) -> CheckedPlan:
    return CheckedPlan(plan=made, content=plan_bytes(made), sha256=DIGEST)


@dataclass
class Typing:
    """A terminal at which a script is typed. None in it is silence until a card's time is over."""

    script: list[str | None]
    told: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    doing: list[str] = field(default_factory=list)
    stopping: bool = False

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, prompt: str, *, waiting: str = "") -> str:
        typed = self._next(prompt, waiting)
        assert typed is not None
        return typed

    def ask_within(self, prompt: str, seconds: float) -> str | None:
        return self._next(prompt, str(seconds))

    def secret(self, prompt: str) -> str:
        return self.ask(prompt)

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    @contextmanager
    def under_way(self, words: str) -> Iterator[None]:
        self.doing.append(words)
        yield

    def _next(self, prompt: str, waiting: str) -> str | None:
        self.asked.append((prompt, waiting))
        assert self.script, f"asked for more than was scripted: {prompt}"
        return self.script.pop(0)

    @property
    def shown(self) -> str:
        """Everything that was on the screen."""
        return "\n".join([*self.told, *(prompt for prompt, _ in self.asked)])


def never_signs(_person: str, _namespace: str, _text: bytes) -> bytes:
    raise AssertionError("nobody was to sign")


def room(*script: str | None, here: str = "", **more: Any) -> tuple[LiveRoom, Typing]:
    """A room in which these people are and this is typed."""
    console = Typing(list(script))
    more.setdefault("signer", never_signs)
    made = LiveRoom(console, more.pop("plan", None) or plan(), present=frozenset(here.split()), **more)
    return made, console
