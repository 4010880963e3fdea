"""A plan in which every optional line of a manifest is there once, built by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.exchange import Need
from runner.plan import (
    AllowedRequest,
    Approvals,
    Ask,
    Brought,
    CardHeld,
    CardSet,
    Ceremony,
    Device,
    EarlierRecord,
    EndState,
    ExceptionAllowed,
    Expectation,
    Item,
    Literal,
    Medium,
    Parameter,
    Person,
    Plan,
    PlannedArtefact,
    PlannedStep,
    RecordedFile,
    RecordedResult,
    RecordFileRef,
    RecordResultRef,
    ResultRef,
    Role,
    SourceFile,
    StartState,
    Station,
    Trusted,
    TrustRef,
    Uses,
    Waiver,
    Wanted,
)
from runner.signing.manifest import Terms
from runner.signing.sshsig import SimulatedSigner

if TYPE_CHECKING:
    from typing import Any

SHA256 = "e58294f2e9a227486e8b061b31cc528fd7fa3f19" + "ff00" * 6
"""A digest whose first words are the example that is published with the word list."""

WORDS = (
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator",
    "goldfish Medusa afflict bravado chatter revolver Dupont midsummer",
    "stopwatch whimsical cowbell bottomless Zulu adroitness Zulu adroitness",
    "Zulu adroitness Zulu adroitness Zulu adroitness Zulu adroitness",
)
TERMS = Terms(
    approval="0123456789abcdef0123456789abcdef",
    not_before="2026-11-25",
    not_after="2026-12-25",
    software="5f" * 32,
    version="0.1.0",
)


def signer(number: int) -> SimulatedSigner:
    return SimulatedSigner.from_seed(bytes([number]) * 32)


def person(who: str, name: str, *roles: str, number: int | None = None, **more: Any) -> Person:
    key = None if number is None else signer(number).public
    return Person(**{"id": who, "name": name, "roles": roles, "key": key, "cards": (), "stands_in_for": None, **more})


def step(who: str, **more: Any) -> PlannedStep:
    fields: dict[str, Any] = {
        "id": who,
        "action": "do_by_hand@1",
        "part": "In the room",
        "title": "Look around",
        "station": "room",
        "device": None,
        "minutes": None,
        "quorum": (Need(role="clerk", count=1, holders_of=None),),
        "say": None,
        "note": None,
        "caution": None,
        "left_out": None,
        "repeat": "safe",
        "sign_off": "none",
        "settings": {},
        "uses": (),
        "makes": (),
        "changes": (),
        "destroys": (),
        "asks": (),
        "expect": (),
        "command": None,
        "requests": (AllowedRequest(kind="do_by_hand", mutates=False, least=1, most=1),),
    }
    return PlannedStep(**(fields | more))


BAG = Ask(
    name="bag",
    type="text",
    ask="Number of the bag",
    twice=False,
    of=(),
    pattern=None,
    at_least=None,
    at_most=None,
    max_length=None,
)
PRESS = step(
    "press",
    action="generate_key@1",
    title="Press the key",
    device="press",
    minutes=20,
    quorum=(Need(role="clerk", count=1, holders_of=None), Need(role="holder", count=2, holders_of="acs")),
    say="Now the key is pressed.",
    caution="Once only.",
    repeat="never",
    sign_off="signed",
    settings={"ident": "tap", "size": 2048},
    uses=(Uses(input="tool", artefacts=("tool",)),),
    makes=("tap",),
    destroys=("tool",),
    asks=(BAG,),
    expect=(
        Expectation(result="size", equals=Literal(value=2048)),
        Expectation(result="recoverable", equals=Literal(value=False)),
        Expectation(result="sha256", equals=TrustRef(trust="tool")),
        Expectation(result="hash", equals=ResultRef(step="look", result="hash")),
        Expectation(result="bag", equals=RecordResultRef(record="tapped", step="tap", result="bag")),
        Expectation(result="sha256", equals=RecordFileRef(record="tapped", artefact="form")),
    ),
    command="press.exe --size \\ 2048",
    requests=(AllowedRequest(kind="generate_key", mutates=True, least=1, most=1),),
)
FULL = Plan(
    format="plan/1",
    ceremony=Ceremony(
        id="press-test",
        title="A press\u202e, and \\ more\n",
        version="1",
        owner="keys@example.com",
        review_by="2030-01-31",
        procedure="Pressing keys",
        edition="2021-01-01",
        language="en",
    ),
    region="north",
    parameters=(
        Parameter(name="label", type="text", value="blue"),
        Parameter(name="copies", type="whole", value=3),
        Parameter(name="twice", type="flag", value=True),
    ),
    sources=(
        SourceFile(file="press.ceremony.yaml", role="playbook", size=10, sha256="11" * 32),
        SourceFile(file="press.regions.yaml", role="regions", size=11, sha256="22" * 32),
        SourceFile(file="Press.roster.yaml", role="roster", size=12, sha256="33" * 32),
    ),
    trust=(Trusted(name="tool", type="sha256", value="bb" * 32, said_by="The maker"),),
    records=(
        EarlierRecord(
            name="tapped",
            playbook="tap-test",
            ceremony="ab" * 16,
            rehearsal=False,
            origin="tap-test.ceremony/1",
            size=72,
            root=f"{'A' * 43}=",
            results=(RecordedResult(step="tap", result="bag", type="text", value="B-1\u202e"),),
            files=(RecordedFile(artefact="form", sha256=SHA256),),
        ),
    ),
    stations=(Station(id="room", title="Room", network=False),),
    devices=(Device(id="press", kind="nshield", at="room"),),
    media=(Medium(id="stick", title="Stick", at="room", free=16_000_000, keeps="no"),),
    roles=(Role(id="clerk", title="Clerk"), Role(id="holder", title="Holder"), Role(id="judge", title="Judge")),
    separation=(("clerk", "judge"), ("holder", "clerk", "judge")),
    card_sets=(CardSet(id="acs", kind="acs", threshold=2, cards=3, held_by="holder"),),
    people=(
        person("ada", "Ada", "clerk", number=1),
        person("bob", "Bob", "judge", "auditor", number=2),
        person("cyd", "Cyd", "holder", cards=(CardHeld(set="acs", number=1), CardHeld(set="ocs", number=4))),
        person("eve", "Eve \u00fcber", "clerk", number=5, stands_in_for="ada"),
    ),
    starts_with=(StartState(subject="device", id="press", mode="operational", world="none", state=None),),
    ends_with=(EndState(subject="artefact", id="tap", mode=None, world=None, state=None, at="room", custody=None),),
    artefacts=(
        PlannedArtefact(
            id="tap",
            file="key_simple_tap",
            store="device",
            made_by="press",
            output="key",
            at_most=10_000,
            backup_before="end",
            transfer=False,
            brought=None,
        ),
        PlannedArtefact(
            id="form",
            file="form.txt",
            store="station",
            made_by=None,
            output=None,
            at_most=10_000,
            backup_before=None,
            transfer=False,
            brought=Brought(at="room", sha256=SHA256),
        ),
    ),
    approvals=Approvals(
        plan=(Wanted(role="judge", count=1), Wanted(role="auditor", count=1)),
        close=(Wanted(role="clerk", count=1),),
        days=None,
    ),
    inventory=(Item(item="Tamper-evident bags", count=3),),
    exceptions=(ExceptionAllowed(rule="RUN002", role="judge", people=1),),
    waivers=(
        Waiver(rule="QUO012", step="press", because="It is a test", until="2027-01-31"),
        Waiver(rule="REG007", step=None, because="Nothing else is published", until=None),
    ),
    minutes=25,
    steps=(
        step("look", title="Look around"),
        PRESS,
        step("rest", title="Rest", left_out="Nobody is tired"),
    ),
)

BARE = replace(
    FULL,
    artefacts=FULL.artefacts[:1],
    ceremony=replace(FULL.ceremony, title="A press", procedure=None, edition=None),
    region=None,
    parameters=(),
    trust=(),
    records=(),
    separation=(),
    card_sets=(),
    people=(person("ada", "Ada", "clerk"),),
    approvals=Approvals(plan=(), close=(), days=None),
    inventory=(),
    exceptions=(),
    waivers=(),
    steps=(step("look"),),
)
"""The same with no optional line at all."""
