"""Stand-ins, people who cannot come, and plans made again: who may act in whose place, and when nobody can."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
import refusal_bench
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from refusal_bench import EU, SHIPPED, SUBSCRIPTION, VAULT, drop, edit, name, of_person, waiving

from runner.check import check
from runner.document.editions import out_of_force
from runner.errors import PlaybookFault, WrongUse
from runner.exchange import Acting, Need
from runner.host.disk import Disk
from runner.host.documents import load
from runner.parameters import Given
from runner.plan import CheckedPlan, Parameter, Person, Plan
from runner.planning import Documents, choose, make_plan, reproduce
from runner.quorum import eligible, fill, in_place, quorum_fault, shortfall

if TYPE_CHECKING:
    from pathlib import Path

    from refusal_bench import Bench


def person(ident: str, *roles: str, stands_in_for: str | None = None) -> Person:
    return Person(id=ident, name=ident.title(), roles=roles, key=None, cards=(), stands_in_for=stands_in_for)


GORAN = person("goran", "operator")
INES = person("ines", "operator", stands_in_for="goran")
HANA = person("hana", "witness")
OPERATOR = Need(role="operator", count=1, holders_of=None)
TWO = replace(OPERATOR, count=2)


def test_a_stand_in_acts_only_in_the_place_they_took() -> None:
    assert (in_place(GORAN), in_place(INES)) == (True, False)
    taken = {"goran": "ines"}
    assert (in_place(GORAN, taken), in_place(INES, taken)) == (False, True)
    assert in_place(INES, {"goran": "jana"}) is False
    assert in_place(INES, {"hana": "ines"}) is False
    assert eligible(INES, OPERATOR, taken)
    assert not eligible(INES, replace(OPERATOR, role="witness"), taken)
    assert not eligible(INES, replace(OPERATOR, holders_of="acs"), taken)


def test_a_person_and_their_stand_in_are_one_place() -> None:
    people = (INES, GORAN, HANA)
    assert fill(people, (OPERATOR,)) == {"goran": "operator"}
    assert fill(people, (OPERATOR,), {"goran": "ines"}) == {"ines": "operator"}
    for instead in ({}, {"goran": "ines"}):
        assert fill(people, (TWO,), instead) is None
        assert "2 people are needed as operator, and 1 can come" in shortfall(people, (TWO,), instead)


IDS = ("a", "b", "c", "d", "e")


@settings(max_examples=300, deadline=None)
@given(
    roles=st.lists(st.sets(st.sampled_from(("operator", "witness"))), min_size=5, max_size=5),
    stands_in=st.lists(st.sampled_from([None, *IDS]), min_size=5, max_size=5),
    instead=st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS), max_size=2),
    counts=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_fill_with_substitutions_finds_people_where_trying_all_ways_does(
    roles: list[set[str]], stands_in: list[str | None], instead: dict[str, str], counts: tuple[int, int]
) -> None:
    people = [person(one, *sorted(own), stands_in_for=other) for one, own, other in zip(IDS, roles, stands_in, strict=True)]  # fmt: skip # noqa: E501 (one row per person)
    slots = ["operator"] * counts[0] + ["witness"] * counts[1]
    able = [
        one
        for one in people
        if one.id not in instead and (one.stands_in_for is None or instead.get(one.stands_in_for) == one.id)
    ]
    possible = any(
        all(slot in one.roles for one, slot in zip(chosen, slots, strict=True))
        for chosen in permutations(able, len(slots))
    )
    needs = [Need(role=role, count=slots.count(role), holders_of=None) for role in ("operator", "witness")]
    found = fill(people, needs, instead)
    assert (found is not None) == possible
    assert set(found or ()) <= {one.id for one in able}


# -- the shipped ceremony ------------------------------------------------------------------------------------------


def documents(folder: Path = SHIPPED) -> Documents:
    return load(Disk(), folder / name("ceremony"), roster=None)


def given_values() -> Given:
    return Given(values={"subscription_id": SUBSCRIPTION, "vault_name": VAULT})


def made(found: Documents) -> Plan:
    plan = make_plan(found, choose(found, region="eu", edition="2017-05-09", given=given_values())).plan
    assert plan is not None
    return plan


@pytest.fixture(scope="module")
def shipped() -> Plan:
    return made(documents())


def acting(plan: Plan, *people: str, instead: dict[str, str] | None = None) -> str | None:
    """What is wrong with these people as operator and witness of the first step."""
    roles = ("operator", "witness")
    return quorum_fault(
        plan,
        plan.steps[0],
        [Acting(person=one, role=role) for one, role in zip(people, roles, strict=True)],
        present=people,
        acted={},
        instead=instead or {},
    )


def test_the_people_who_come_act_in_their_own_place_or_one_they_took(shipped: Plan) -> None:
    assert acting(shipped, "goran", "hana") is None
    assert acting(shipped, "ines", "hana") == "ines stands in for goran, whose place nobody gave them"
    taken = {"goran": "ines"}
    assert acting(shipped, "ines", "hana", instead=taken) is None
    assert acting(shipped, "goran", "hana", instead=taken) == "ines has taken the place of goran"
    assert acting(shipped, "ines", "hana", instead={"hana": "ines"}) is not None


def test_a_stand_in_takes_the_place_of_somebody_who_cannot_come(shipped: Plan) -> None:
    assert isinstance(check(shipped), CheckedPlan)
    assert isinstance(check(shipped, absent=["goran"]), CheckedPlan)
    assert isinstance(check(shipped, absent=["ines"]), CheckedPlan)
    faults = check(shipped, absent=["goran", "ines"])
    assert not isinstance(faults, CheckedPlan)
    assert {fault.rule for fault in faults} == {"QUO004"}
    assert "1 person is needed as operator, and 0 can come" in {fault.words for fault in faults}


@pytest.mark.parametrize("one", ["deniz", "emeka", "freya", "hana"])
def test_nobody_stands_in_for_a_card_or_a_witness_here(shipped: Plan, one: str) -> None:
    faults = check(shipped, absent=[one])
    assert not isinstance(faults, CheckedPlan)
    assert {fault.rule for fault in faults} == {"QUO004"}


def test_who_approves_need_not_come_and_who_closes_must(shipped: Plan) -> None:
    assert isinstance(check(shipped, absent=["bjorn", "chiara", "amara"]), CheckedPlan)
    two = replace(shipped, approvals=replace(shipped.approvals, close=shipped.approvals.plan))
    assert isinstance(check(two), CheckedPlan)
    faults = check(two, absent=["bjorn"])
    assert not isinstance(faults, CheckedPlan)
    assert [(fault.rule, fault.key) for fault in faults] == [("QUO011", ("approvals", "close"))]


# -- plans made again ----------------------------------------------------------------------------------------------


def test_a_plan_is_made_again_byte_for_byte(bench: Bench) -> None:
    found = documents(bench.folder)
    plan = made(found)
    again = reproduce(documents(bench.folder), plan)
    assert again is not None
    assert again.plan == plan


CHANGES = {
    "the playbook": edit("title: Generate the key\n", "title: Generate a key\n"),
    "a comment": edit("# of this playbook", "# of this file"),
    "another key": of_person("hana", ' key: "ssh', '  key: "ssh'),
    "the region's file": edit("# Digests are SHA-256", "# They are SHA-256", "regions"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_documents_that_changed_make_another_plan(bench: Bench, what: str) -> None:
    plan = made(documents(bench.folder))
    bench.change(CHANGES[what])
    again = reproduce(documents(bench.folder), plan)
    assert again is not None
    assert again.plan != plan
    assert again.plan.sources != plan.sources


@pytest.mark.parametrize(
    "change", [drop("mode-operational"), edit('edition: "2017-05-09"', 'editon: "2017-05-09"')], ids=["room", "shape"]
)
def test_documents_with_faults_make_none(bench: Bench, change: refusal_bench.Edit) -> None:
    plan = made(documents(bench.folder))
    bench.change(change)
    assert reproduce(documents(bench.folder), plan) is None


def test_a_plan_for_what_the_documents_do_not_offer(shipped: Plan) -> None:
    found = documents()
    parameters = {item.name: item for item in shipped.parameters}
    name_in_vault = replace(parameters["friendly_name"], value="a'; Remove-Item 'b")
    stranger = Parameter(name="colour", type="text", value="red")
    for plan, rule in (
        (replace(shipped, region="atlantis"), "REG010"),
        (replace(shipped, region=None), "REG010"),
        (replace(shipped, ceremony=replace(shipped.ceremony, edition="2017-10-30")), "REG005"),
        (replace(shipped, parameters=(*shipped.parameters, stranger)), "SHP006"),
        (replace(shipped, parameters=shipped.parameters[1:]), "SHP006"),
        (replace(shipped, parameters=({**parameters, "friendly_name": name_in_vault}).values()), "SHP006"),
    ):
        with pytest.raises(WrongUse) as refused:
            reproduce(found, plan)
        assert refused.value.rule == rule
    with pytest.raises(PlaybookFault) as not_offered:
        reproduce(found, replace(shipped, region="china"))
    assert not_offered.value.rule == "REG004"


@pytest.mark.parametrize("size", ["16 MB", "1500 kB", "7 B", "0 B", "1 GB", "999999 GB", "1000 kB"])
def test_a_size_is_given_again_as_it_was(bench: Bench, size: str) -> None:
    bench.change(
        edit(
            "  inspect_copy:    {type: flag",
            "  room: {type: size, ask: Room on the drive}\n  inspect_copy:    {type: flag",
        )
    )
    found = documents(bench.folder)
    values = Given(values={**given_values().values, "room": size})
    plan = make_plan(found, choose(found, region="eu", edition=None, given=values)).plan
    assert plan is not None
    again = reproduce(found, plan)
    assert again is not None
    assert again.plan == plan


# -- editions that are no longer in force --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2017-10-29", ""),
        ("2017-10-30", "the edition of 2017-05-09 was replaced by that of 2017-10-30"),
        ("2021-06-29", "the edition of 2017-05-09 was replaced by that of 2017-10-30"),
        ("2021-06-30", "withdrawn on 2021-06-30: The publisher ended support"),
    ],
)
def test_an_edition_is_followed_until_it_is_replaced_or_withdrawn(bench: Bench, day: str, words: str) -> None:
    bench.change(edit('  "2017-05-09": {}\n', '  "2017-05-09": {replaced_by: "2017-10-30"}\n', "regions"))
    found = documents(bench.folder).regions
    assert found is not None
    assert found.value is not None
    said = out_of_force(found.value, "2017-05-09", day)
    assert words in said
    assert bool(said) == bool(words)
    assert out_of_force(found.value, "2019-08-16", "2021-06-29") == ""


def test_a_replaced_edition_makes_the_waiver_useful(bench: Bench) -> None:
    bench.change(
        edit('withdrawn: {on: "2021-06-30", because: The publisher ended support for this method}\n', "", "regions"),
        edit('  "2015-09-18": {}\n', '  "2015-09-18": {replaced_by: "2016-02-01"}\n', "regions"),
        waiving("{rule: REG007, because: It is a test}"),
    )
    assert bench.lint(*EU).out == ""
