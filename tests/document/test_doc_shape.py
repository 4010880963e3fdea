"""Shape: names are suggested, one cause gives one message, and what comes out is typed and frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from document_vectors import ACTIONS, VECTORS, good_playbook
from pydantic import ValidationError

from runner.document.fields import CardSetFigure, StepResult, TrustName, reference
from runner.document.parse import parse_playbook, parse_regions
from runner.document.playbook import Condition
from runner.document.source import read_source

if TYPE_CHECKING:
    from runner.document.findings import Finding

GOOD = (VECTORS / "good.ceremony.yaml").read_text()


def _findings(old: str, new: str) -> tuple[Finding, ...]:
    assert old in GOOD
    return parse_playbook(read_source("x", GOOD.replace(old, new, 1).encode()), actions=ACTIONS).findings


def test_what_a_playbook_holds() -> None:
    playbook = good_playbook()
    (_, desk, obtain), (position, room, make), _ = playbook.numbered_steps()
    assert position == 3
    assert desk is not None
    assert room is not None
    assert (desk.station, room.part, make.id) == ("desk", "In the room", "make")
    assert make.quorum == {"holder": CardSetFigure("acs", "cards"), "clerk": 1}
    assert obtain.settings == {"file": "press-{{ region.zip }}.zip"}
    assert obtain.produces["tool"].at_most == 2_000_000
    assert make.produces["world"].at_most == 1_000_000
    assert playbook.media["stick"].free == 16_000_000
    assert playbook.starts_with["acs"] == "blank"
    assert playbook.ends_with["tool"] == Condition(at="desk")


def test_nothing_can_be_changed() -> None:
    playbook = good_playbook()
    with pytest.raises(ValidationError):
        playbook.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        playbook.stations["desk"] = None  # type: ignore[index]


def test_a_step_with_a_fault_is_a_step_all_the_same() -> None:
    """Nothing is said of a list that is empty only without what is wrong in it."""
    text = (VECTORS / "good.ceremony.yaml").read_text()
    steps = text[text.index("steps:") : text.index("ends_with:")]
    one = "{id: a, action: do_by_hand, title: A, minutes: x, quorum: {clerk: 1}, station: desk, repeat: safe}"
    findings = parse_playbook(read_source("x", text.replace(steps, f"steps:\n  - {one}\n").encode())).findings
    assert "minutes" in [finding.path.rsplit(" > ", 1)[-1] for finding in findings]
    assert not any("at least one" in finding.message for finding in findings)
    none = parse_playbook(read_source("x", text.replace(steps, "steps: []\n").encode())).findings
    assert "there must be at least one here" in [finding.message for finding in none]


def test_a_misspelt_key_is_one_finding_with_the_right_one() -> None:
    (finding,) = _findings("    title: Look at it\n", "    titel: Look at it\n")
    assert (finding.code, finding.help, finding.path) == ("SHP001", "write `title`", "steps > look > titel")


def test_a_misspelt_key_deep_inside() -> None:
    (finding,) = _findings("cards: 3, held_by", "cardes: 3, held_by")
    assert (finding.code, finding.help) == ("SHP001", "write `cards`")


def test_independent_faults_come_together_in_file_order() -> None:
    text = (
        GOOD.replace("minutes: 20", 'minutes: "20"')
        .replace("network: true", "network: 1")
        .replace("title: Clerk", "titel: Clerk")
    )
    codes = [finding.code for finding in parse_playbook(read_source("x", text.encode())).findings]
    assert codes == ["SHP003", "SHP001", "SHP003"]


def test_a_draft_is_there_where_only_names_do_not_fit() -> None:
    document = parse_playbook(read_source("x", GOOD.replace("threshold: 2", "threshold: 4").encode()))
    assert document.value is None
    assert document.draft is not None
    assert document.place(("card_sets", "acs", "threshold")) == document.findings[0].place


def test_the_same_file_without_its_regions_leaves_region_values_open() -> None:
    text = GOOD.replace("region.zip", "region.anything")
    assert parse_playbook(read_source("x", text.encode())).findings == ()


def test_a_playbook_without_regions_knows_no_region() -> None:
    text = GOOD.replace("regions: press.regions.yaml\n", "")
    assert {finding.code for finding in parse_playbook(read_source("x", text.encode())).findings} == {"TPL001"}


@pytest.mark.parametrize("bad", ["a: b: c", "", "- a", "text", "{}", "format: ceremony/1"])
def test_what_is_no_playbook_is_refused_with_reasons(bad: str) -> None:
    source = read_source("x", bad.encode())
    assert parse_playbook(source).findings
    assert parse_regions(source).findings


def test_references() -> None:
    assert reference("steps.make-it.public_key") == StepResult("make-it", "public_key")
    assert reference("trust.tool") == TrustName("tool")
    assert reference("card_sets.acs.threshold") == CardSetFigure("acs", "threshold")
    for text in (
        "steps.make",
        "trust",
        "trust.tool.x",
        "card_sets.acs.people",
        "stepsx.a.b",
        "{{ trust.tool }}",
        3,
        None,
    ):
        assert reference(text) is None


def test_settings_keep_their_structure() -> None:
    text = GOOD.replace("with: {card_set: acs}", "with: {card_set: acs, profile: {names: [a, b], ca: true}}")
    playbook = parse_playbook(read_source("x", text.encode())).value
    assert playbook is not None
    make = playbook.numbered_steps()[1][2]
    assert make.settings["profile"] == {"names": ("a", "b"), "ca": True}


def test_a_value_left_empty_is_told_at_its_key() -> None:
    owner = next(line for line in GOOD.splitlines() if line.startswith("owner:"))
    (finding,) = _findings(owner, "owner:")
    assert (finding.code, finding.message, finding.path) == ("SHP003", "a value is missing here", "owner")
    minutes = next(line for line in GOOD.splitlines() if line.strip().startswith("minutes:"))
    (finding,) = _findings(minutes, minutes.partition(":")[0] + ":")
    assert (finding.code, finding.message) == ("SHP003", "a value is missing here")
