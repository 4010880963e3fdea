"""What changed from one plan to another: nothing is passed over, and every change is named by its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plan_bench import BAG, BARE, FULL, PRESS, person, step

from runner.codec import from_data, to_data
from runner.difference import Change, differences
from runner.exchange import Need
from runner.plan import (
    AllowedRequest,
    Approvals,
    CardHeld,
    CardSet,
    ExceptionAllowed,
    Expectation,
    Item,
    Literal,
    Parameter,
    Plan,
    SourceFile,
    TrustRef,
    Waiver,
    Wanted,
)

LOOK, _, REST = FULL.steps
ADA, BOB, CYD, EVE = FULL.people


def said(old: Plan, new: Plan) -> list[str]:
    return [f"{'wording ' * change.wording}{change.place}: {change.words}" for change in differences(old, new)]


def with_press(**more: Any) -> Plan:
    return replace(FULL, steps=(LOOK, replace(PRESS, **more), REST))


@pytest.mark.parametrize("plan", [FULL, BARE])
def test_a_plan_does_not_differ_from_itself(plan: Plan) -> None:
    assert differences(plan, plan) == ()
    assert differences(plan, from_data(Plan, json.loads(json.dumps(to_data(plan))))) == ()


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (replace(FULL, region="south"), "plan: region: was `north`, is `south`"),
        (replace(FULL, minutes=26), "plan: minutes: was 25, is 26"),
        (
            replace(FULL, ceremony=replace(FULL.ceremony, edition=None)),
            "ceremony: edition: was `2021-01-01`, is nothing",
        ),
        (replace(FULL, people=(ADA, BOB, CYD)), "person eve: removed: name `Eve \u00fcber` roles `clerk` key"),
        (replace(FULL, people=(*FULL.people, person("fay", "Fay", "judge"))), "person fay: added: name `Fay`"),
        (
            replace(FULL, people=(replace(ADA, roles=("clerk", "judge")), BOB, CYD, EVE)),
            "person ada: roles: was `clerk`, is `clerk`, `judge`",
        ),
        (replace(FULL, people=(replace(ADA, key=BOB.key), BOB, CYD, EVE)), "person ada: key: was `ssh-ed25519 "),
        (
            replace(FULL, people=(ADA, BOB, replace(CYD, cards=(CardHeld(set="acs", number=2),)), EVE)),
            "person cyd: cards: was card 1 of acs, card 4 of ocs, is card 2 of acs",
        ),
        (
            replace(FULL, people=(ADA, BOB, CYD, replace(EVE, stands_in_for=None))),
            "person eve: stands in for: was `ada`, is nothing",
        ),
        (replace(FULL, separation=(("clerk", "judge"),)), "separation: removed: holder and clerk and judge"),
        (replace(FULL, separation=(*FULL.separation, ("judge", "x"))), "separation: added: judge and x"),
        (replace(FULL, separation=FULL.separation[::-1]), "separation: the lines are in another order"),
        (
            replace(FULL, separation=(*FULL.separation, FULL.separation[0])),
            "separation: a line is repeated another number of times",
        ),
        (
            replace(FULL, card_sets=(CardSet(id="acs", kind="acs", threshold=1, cards=3, held_by="holder"),)),
            "card set acs: threshold: was 2, is 1",
        ),
        (
            replace(FULL, trust=(replace(FULL.trust[0], value="cc" * 32),)),
            f"trusted value tool: value: was `{'bb' * 32}`, is `{'cc' * 32}`",
        ),
        (replace(FULL, trust=()), "trusted value tool: removed: type `sha256` value"),
        (
            replace(FULL, parameters=(*FULL.parameters[:2], Parameter(name="twice", type="flag", value=False))),
            "parameter twice: value: was true, is false",
        ),
        (
            replace(FULL, artefacts=(replace(FULL.artefacts[0], transfer=True), *FULL.artefacts[1:])),
            "artefact tap: transfer: was false, is true",
        ),
        (
            replace(FULL, artefacts=(replace(FULL.artefacts[0], backup_before=None), *FULL.artefacts[1:])),
            "artefact tap: backup before: was `end`, is nothing",
        ),
        (
            replace(FULL, sources=(replace(FULL.sources[0], sha256="44" * 32), *FULL.sources[1:])),
            f"wording source press.ceremony.yaml: sha256: was `{'11' * 32}`, is `{'44' * 32}`",
        ),
        (
            replace(FULL, approvals=Approvals(plan=(Wanted(role="judge", count=2),), close=(), days=7)),
            "approvals: plan: was 1 judge, 1 auditor, is 2 judge",
        ),
        (
            replace(FULL, exceptions=(ExceptionAllowed(rule="RUN002", role="clerk", people=1),)),
            "exception RUN002: role: was `judge`, is `clerk`",
        ),
        (
            replace(FULL, exceptions=(*FULL.exceptions, ExceptionAllowed(rule="RUN016", role="judge", people=1))),
            "exception RUN016: added: role `judge` people 1",
        ),
        (
            replace(FULL, waivers=(replace(FULL.waivers[0], until=None), FULL.waivers[1])),
            "waiver QUO012 press: until: was `2027-01-31`, is nothing",
        ),
        (
            replace(FULL, waivers=(*FULL.waivers, Waiver(rule="REG007", step=None, because="Again", until=None))),
            "waiver REG007 (2): added: because `Again`",
        ),
        (replace(FULL, inventory=(Item(item="Tamper-evident bags", count=2),)), "inventory Tamper-evident bags: count"),
        (
            replace(FULL, starts_with=(replace(FULL.starts_with[0], world="any"),)),
            "start device press: world: was `none`, is `any`",
        ),
        (replace(FULL, ends_with=()), "end artefact tap: removed: at `room`"),
        (
            with_press(quorum=(Need(role="holder", count=1, holders_of="acs"),)),
            "step press: quorum: was 1 clerk, 2 holder with a card of acs, is 1 holder with a card of acs",
        ),
        (with_press(sign_off="typed"), "step press: sign off: was `signed`, is `typed`"),
        (with_press(repeat="safe"), "step press: repeat: was `never`, is `safe`"),
        (with_press(station="hall"), "step press: station: was `room`, is `hall`"),
        (with_press(action="generate_key@2"), "step press: action: was `generate_key@1`, is `generate_key@2`"),
        (with_press(settings={"ident": "tap", "size": 1024}), "step press: setting size: was 2048, is 1024"),
        (with_press(settings={"size": 2048}), "step press: setting ident: was `tap`, is nothing"),
        (
            with_press(expect=(Expectation(result="sha256", equals=TrustRef(trust="other")),)),
            "step press: expect: was result `size` equals value 2048, ",
        ),
        (with_press(left_out="Not today"), "step press: left out: was nothing, is `Not today`"),
        (with_press(command=None), "step press: command: was `press.exe --size \\\\ 2048`, is nothing"),
        (
            replace(FULL, steps=(LOOK, step("count", title="Count"), PRESS, REST)),
            "step count: added behind look: action `do_by_hand@1` title `Count` station `room` quorum 1 clerk",
        ),
        (replace(FULL, steps=(step("count"), *FULL.steps)), "step count: added as the first: "),
        (
            replace(FULL, steps=(LOOK, REST)),
            (
                "step press: removed: action `generate_key@1` title `Press the key` station `room` device `press` "
                "quorum 1 clerk, 2 holder with a card of acs repeat `never` sign off `signed` part `In the room` "
                "minutes 20 say `Now the key is pressed.` caution `Once only.` uses input `tool` artefacts `tool` "
                "makes `tap` destroys `tool` asks name `bag` type `text` ask `Number of the bag` twice false expect"
                " result `size` equals value 2048, result `recoverable` equals value false, result `sha256` equals "
                "trust `tool`, result `hash` equals step `look` result `hash`, result `bag` equals record `tapped` "
                "step `tap` result `bag`, result `sha256` equals record `tapped` artefact `form` command `press.exe"
                " --size \\\\ 2048` setting ident `tap` setting size 2048"
            ),
        ),
        (
            replace(FULL, steps=(*FULL.steps, step("note", action="record_facts@1", asks=(BAG,), requests=()))),
            (
                "step note: added behind rest: action `record_facts@1` title `Look around` station `room` quorum 1 "
                "clerk repeat `safe` sign off `none` part `In the room` asks name `bag` type `text` ask `Number of "
                "the bag`"
            ),
        ),
        (
            replace(FULL, steps=(replace(LOOK, say="Put the disk into the safe."), PRESS, REST)),
            "step look: say: was nothing, is `Put the disk into the safe.`",
        ),
        (
            replace(FULL, steps=(replace(LOOK, note="At once."), PRESS, REST)),
            "step look: note: was nothing, is `At once",
        ),
        (replace(FULL, steps=(replace(LOOK, title="Look"), PRESS, REST)), "step look: title: was `Look around`, is"),
        (replace(FULL, steps=(replace(LOOK, part="There"), PRESS, REST)), "wording step look: part: was `In the room`"),
        (
            replace(FULL, steps=(LOOK, PRESS, replace(REST, title="Lie"))),
            "wording step rest: title: was `Rest`, is `Lie",
        ),
        (
            replace(FULL, sources=(replace(FULL.sources[0], file="tap.ceremony.yaml"), *FULL.sources[1:])),
            "wording source tap.ceremony.yaml: file: was `press.ceremony.yaml`, is `tap.ceremony.yaml`",
        ),
        (replace(FULL, sources=FULL.sources[:2]), "source Press.roster.yaml: removed: role `roster` size 12 sha256 `"),
        (replace(FULL, steps=(LOOK, REST, PRESS)), "step rest: moved: is behind look"),
        (replace(FULL, steps=(REST, LOOK, PRESS)), "step rest: moved: is the first"),
        (with_press(title="Squeeze"), "wording step press: title: was `Press the key`, is `Squeeze`"),
        (
            with_press(say=None, note="Slowly."),
            "wording step press: say: was `Now the key is pressed.`, is nothing; note: was nothing, is `Slowly.`",
        ),
    ],
)
def test_one_change_is_named(new: Plan, words: str) -> None:
    found = said(FULL, new)
    assert any(line.startswith(words) for line in found), found
    assert all(
        line.removeprefix("wording ").split(":")[0] == words.removeprefix("wording ").split(":")[0] for line in found
    )


@pytest.mark.parametrize("kind", ["gather_people", "ask_value", "ask_exception", "do_by_hand"])
def test_what_people_carry_out_is_changed_by_its_words(kind: str) -> None:
    asked = (AllowedRequest(kind=kind, mutates=False, least=1, most=1),)
    old, new = (with_press(say=words, requests=asked) for words in ("Put it into the safe.", "Give it to the press."))
    assert said(old, new) == ["step press: say: was `Put it into the safe.`, is `Give it to the press.`"]
    by_machine = AllowedRequest(kind="generate_key", mutates=True, least=1, most=1)
    old, new = (with_press(say=item.steps[1].say, requests=(*asked, by_machine)) for item in (old, new))
    assert [change.wording for change in differences(old, new)] == [kind != "do_by_hand"]


def test_texts_are_known_by_their_language() -> None:
    texts = [
        SourceFile(file=f"press.{code}.texts.yaml", role="texts", size=1, sha256="44" * 32) for code in ("fr", "nl")
    ]
    other = [replace(item, file=f"tap{item.file.removeprefix('press')}") for item in texts]
    old, new = (replace(FULL, sources=(*FULL.sources, *files)) for files in (texts, other))
    assert said(old, new) == [
        f"wording source tap.{code}.texts.yaml: file: was `press.{code}.texts.yaml`, is `tap.{code}.texts.yaml`"
        for code in ("fr", "nl")
    ]
    fewer = replace(FULL, sources=(*FULL.sources, other[1]))
    assert [line.partition(": size")[0] for line in said(old, fewer)] == [
        "source press.fr.texts.yaml: removed: role `texts` size 1 sha256 `" + "44" * 32 + "` language `fr`",
        "wording source tap.nl.texts.yaml: file: was `press.nl.texts.yaml`, is `tap.nl.texts.yaml`",
    ]


def test_a_flag_is_not_a_number() -> None:
    new = with_press(expect=(Expectation(result="size", equals=Literal(value=2048)), *PRESS.expect[1:]))
    assert said(FULL, new) == []
    number = with_press(
        expect=(*PRESS.expect[:1], Expectation(result="recoverable", equals=Literal(value=0)), *PRESS.expect[2:])
    )
    assert [change.place for change in differences(FULL, number)] == ["step press"]


def test_wording_comes_last_and_is_told_apart() -> None:
    new = replace(with_press(title="Squeeze", repeat="safe"), minutes=30, parameters=())
    found = differences(FULL, new)
    assert [change.wording for change in found] == [False] * (len(found) - 1) + [True]
    assert Change(place="step press", words="repeat: was `never`, is `safe`") in found


def test_nothing_that_cannot_be_seen_is_shown_as_it_is() -> None:
    new = replace(FULL, people=(replace(ADA, name="A\u202eda\n"), BOB, CYD, EVE))
    assert said(FULL, new) == ["person ada: name: was `Ada`, is `A\\u{202e}da\\u{a}`"]


# -- nothing is passed over --------------------------------------------------------------------------------------------


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(data, dict):
        return [leaf for name, value in data.items() for leaf in leaves(value, (*path, name))]
    if isinstance(data, list) and data:
        return [leaf for at, value in enumerate(data) for leaf in leaves(value, (*path, at))]
    return [path]


def changed(data: Any, path: tuple[str | int, ...]) -> Any:
    """The same data with another value of the same type at one place."""
    if not path:
        match data:
            case bool():
                return not data
            case int():
                return data + 1
            case str():
                return f"{data}x"
            case _:
                return data
    inner = changed(data[path[0]], path[1:])
    return (
        {**data, path[0]: inner} if isinstance(data, dict) else [*data[: path[0]], inner, *data[path[0] + 1 :]]  # type: ignore[operator,misc]
    )


DATA = to_data(FULL)
LEAVES = [path for path in leaves(DATA) if changed(DATA, path) != DATA]


def test_there_are_leaves_everywhere() -> None:
    assert {path[0] for path in LEAVES} == set(DATA)


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: ".".join(map(str, path)))
def test_each_single_value_is_missed(path: tuple[str | int, ...]) -> None:
    new = from_data(Plan, changed(DATA, path))
    assert differences(FULL, new)
    assert differences(new, FULL)


@given(st.permutations(range(len(FULL.people))), st.permutations(range(len(FULL.steps))), st.integers(0, 3))
def test_another_order_is_a_difference(people: list[int], steps: list[int], kept: int) -> None:
    new = replace(
        FULL,
        people=tuple(FULL.people[at] for at in people if at <= kept),
        steps=tuple(FULL.steps[at] for at in steps),
    )
    assert bool(differences(FULL, new)) is (new != FULL)
