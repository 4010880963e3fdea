"""Which regions each edition offers, why not the others, and what the edition decides in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from refusal_bench import EU, GIVEN, SHIPPED, SUBSCRIPTION, VAULT, Bench, Edit, edit, name, within

from runner.check import check
from runner.document.editions import values_at
from runner.document.findings import in_order
from runner.document.templated import templates_in
from runner.host.disk import Disk
from runner.host.documents import load
from runner.linting import lint
from runner.parameters import Given
from runner.plan import CheckedPlan, Plan, parse_plan
from runner.planning import Documents, choices, choose, make_plan, refused_regions
from runner.render import faults_of_texts

FIRST = ("na", "eu", "ap", "latam", "jpn", "aus")
COUNTS = {"2015-09-18": 6, "2016-02-01": 7, "2016-10-24": 10, "2016-11-30": 10, "2017-05-09": 12, "2019-08-16": 18}
SINCE_2017 = {"2017-05-09", "2019-08-16"}
SUITES = {edition: "DLf3072s256mRijndael" if edition == "2019-08-16" else "DLf1024s160mRijndael" for edition in COUNTS}


@pytest.fixture(scope="module")
def shipped() -> Documents:
    return load(Disk(), SHIPPED / name("ceremony"), roster=None)


def given() -> Given:
    return Given(values={"subscription_id": SUBSCRIPTION, "vault_name": VAULT})


def offered(documents: Documents, edition: str) -> list[str]:
    made = [choice.region for choice in choices(documents, region=None, edition=edition, given=given())]
    return [region for region in made if region is not None]


@pytest.mark.parametrize(("edition", "count"), COUNTS.items())
def test_an_edition_offers_so_many_regions_and_says_why_not_each_other(
    shipped: Documents, edition: str, count: int
) -> None:
    assert shipped.regions is not None
    assert shipped.regions.value is not None
    every = set(shipped.regions.value.regions)
    assert len(every) == 19
    here, refused = offered(shipped, edition), refused_regions(shipped, edition)
    assert len(here) == len(set(here)) == count
    assert set(here) >= set(FIRST)
    assert set(refused) == every - set(here)
    assert all(why.startswith(f"`{code}` is ") for code, why in refused.items())
    assert all("not in the edition of" in why for code, why in refused.items() if code != "china")
    assert "The publisher does not offer this method" in refused["china"]


@pytest.mark.parametrize("edition", COUNTS)
def test_every_offered_region_makes_a_checked_plan_of_its_own(shipped: Documents, edition: str) -> None:
    assert shipped.regions is not None
    assert shipped.regions.value is not None
    digests: set[str] = set()
    for code in offered(shipped, edition):
        made = make_plan(shipped, choose(shipped, region=code, edition=edition, given=given()))
        assert made.findings == ()
        assert made.checked is not None
        plan = made.checked.plan
        values = values_at(shipped.regions.value, code, edition)
        assert (plan.region, plan.ceremony.edition) == (code, edition)
        assert plan == parse_plan(made.checked.content)
        expect_what_the_edition_decides(plan, edition)
        assert plan.artefact("kek-package").file == f"BYOK-KEK-pkg-{values['token']}"
        assert plan.artefact("toolset").file == f"KeyVault-BYOK-Tools-{values['zip']}.zip"
        trusted = {item.name: item.value for item in plan.trust}
        assert trusted["toolset"] == str(values["toolset_sha256"]).lower()
        digests |= {trusted["toolset"], made.checked.sha256}
    assert len(digests) == 2 * COUNTS[edition]


def expect_what_the_edition_decides(plan: Plan, edition: str) -> None:
    prefix = "KeyTransferPackage" if edition in SINCE_2017 else "TransferPackage"
    assert plan.artefact("transfer-package").file == f"{prefix}-ContosoFirstHSMkey.byok"
    world = next(step for step in plan.steps if step.id == "create-world")
    assert world.settings["cipher_suite"] == SUITES[edition]
    assert f"--cipher-suite={SUITES[edition]} " in str(world.command)


def test_editions_select_values_and_never_steps(shipped: Documents) -> None:
    shapes = set()
    for edition in COUNTS:
        made = make_plan(shipped, choose(shipped, region="eu", edition=edition, given=given()))
        assert made.plan is not None
        shapes.add(tuple((step.id, step.action, step.station, step.quorum) for step in made.plan.steps))
    assert len(shapes) == 1


def test_the_default_edition_is_the_playbooks_own(shipped: Documents) -> None:
    choice = choose(shipped, region="eu", edition=None, given=given())
    assert choice.edition == "2017-05-09"
    assert choice == choose(shipped, region="eu", edition="2017-05-09", given=given())


@pytest.mark.parametrize("copy", ["true", "false"])
def test_the_plan_is_the_same_bytes_alone_and_in_a_rehearsal(bench: Bench, copy: str) -> None:
    more = (*EU, *GIVEN, "--param", "friendly_name=Second", "--param", f"inspect_copy={copy}")
    assert bench.run("plan", name("ceremony"), *more, "--out", "plan.json").code == 0
    rehearsed = bench.run("rehearse", name("ceremony"), *more, "--out", "record")
    assert rehearsed.code == 0
    assert Path("record/plan.json").read_bytes() == Path("plan.json").read_bytes()
    left_out = [step.id for step in parse_plan(Path("plan.json").read_bytes()).steps if step.left_out]
    assert left_out == ([] if copy == "true" else ["inspect-copy"])


ONLY_ELSEWHERE = "{{ 'x' if region.token == 'EU-1' else region.label > 3 }}"
"""Two types compared: it shows only where it is filled in, in every region but one."""


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (edit('title: "Obtain the toolset for {{ region.label }}"', f'title: "{ONLY_ELSEWHERE}"'), {"TPL002"}),
        (edit("said_by: The HSM maker", f'said_by: "{ONLY_ELSEWHERE}"'), {"TPL002"}),
        (edit('value: "{{ region.maker_root }}"', f'value: "{ONLY_ELSEWHERE}"'), {"TPL002", "SHP003"}),
        (within("obtain-toolset", 'zip }}.zip"', 'zip }}.zip{{ region.label > 3 }}"'), {"TPL002"}),
        (within("create-world", '"{{ region.cipher_suite }}"', '"{{ region.token }}"'), {"SHP003"}),
        (edit("card_sets:", "card_sets:"), set()),  # nothing is wrong
        (edit('"{{ region.package_prefix }}', "\"{{ 'a/' if region.token == 'EU-1' else '' }}"), {"ART003"}),
    ],
)
def test_nothing_is_overlooked_where_choices_are_alike(bench: Bench, change: Edit, rules: set[str]) -> None:
    """What lint finds is what looking at each region of each edition by itself finds, region by region."""
    bench.change(change)
    found = load(Disk(), bench.folder / name("ceremony"), roster=None)
    assert not found.findings()
    each = [
        finding
        for choice in choices(found, region=None, edition=None, given=Given(values={}, examples=True))
        for finding in (
            *make_plan(found, choice).findings,
            *(
                one
                for texts in found.texts.values()
                for one in faults_of_texts(found.written, choice, texts.source, templates_in(texts.source.data))
            ),
        )
    ]
    assert lint(found, today="2026-11-25", region=None, edition=None) == tuple(in_order(each))
    assert {finding.code for finding in each} == rules


@pytest.mark.parametrize("pattern", ["(", "(a+)+b", "a|b"])
def test_a_plan_that_came_with_a_record_has_no_other_patterns_than_authors_may_write(
    shipped: Documents, pattern: str
) -> None:
    """Nobody checked its sources, and an engine would match what people typed with it."""
    plan = make_plan(shipped, choose(shipped, region="eu", edition=None, given=given())).plan
    assert plan is not None
    assert isinstance(check(plan), CheckedPlan)
    first = next(step for step in plan.steps if step.asks)
    asked = replace(first, asks=(replace(first.asks[0], pattern=pattern), *first.asks[1:]))
    forged = replace(plan, steps=tuple(asked if step is first else step for step in plan.steps))
    faults = check(forged)
    assert not isinstance(faults, CheckedPlan)
    assert [(fault.rule, fault.step) for fault in faults] == [("SHP006", first.id)]
