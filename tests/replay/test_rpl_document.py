"""The replay file: what it may say, each refusal at its line; and a document changed in memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import replay_bench as bench

from runner.document.edited import locate, with_value, without
from runner.document.parse import parse_playbook
from runner.document.replay import CHANGES, parse_replay
from runner.document.source import Source, read_source
from runner.errors import WrongUse
from runner.host.disk import Disk
from runner.host.replay_script import Unreadable, load_replay, try_case

if TYPE_CHECKING:
    from pathlib import Path

QUO004 = "rule: QUO004, exit: 3"


def found(text: str) -> list[tuple[str, int]]:
    parsed = parse_replay(read_source("x", text.encode()))
    return [(one.code, one.place.span.line) for one in parsed.findings]


def test_the_shipped_one_and_the_smallest_are_right() -> None:
    assert found(bench.HEAD) == []
    assert found((bench.GOLDENS / "tiny.replay.yaml").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (bench.HEAD.replace("replay/1", "replay/2"), ("SHP003", 1)),
        (bench.HEAD.replace("tiny.c", "../tiny.c"), ("SHP003", 2)),
        (bench.HEAD.replace("gives: {exit: 0}\n", ""), ("SHP002", 1)),
        (bench.HEAD.replace("exit: 0", "exit: 6"), ("SHP003", 3)),
        (bench.HEAD + "rooster: x.yaml\n", ("SHP001", 4)),
        (bench.HEAD + "plan: {region: EU}\n", ("SHP003", 4)),
        (bench.HEAD + "plan: {language: en}\n", ("SHP001", 4)),
        (bench.HEAD + "answers: {look-at-seal: S-0001}\n", ("SHP003", 4)),
        (bench.HEAD + "answers: {look-at-seal: {seal: [S-0001]}}\n", ("SHP003", 4)),
        (bench.variant("drop: a", "rule: QUO4, exit: 3"), ("SHP003", 7)),
        (bench.variant("drop: a", "rule: [QUO004], exit: 3"), ("SHP003", 7)),
        (bench.variant("drop: a", "rule: QUO004"), ("SHP002", 7)),
        (bench.variant("drop: a", "rule: QUO004, exit: 0"), ("SHP003", 7)),
        (bench.variant("drop: a", "rule: QUO004, exit: 3, at: x"), ("SHP001", 7)),
        (bench.variant("set: {}", QUO004), ("SHP002", 6)),
        (bench.variant("set: {a: 1, b: 2}", QUO004), ("RPL001", 5)),
        (bench.variant("absent: []", QUO004), ("SHP002", 6)),
        (bench.variant("fault: {at: x}", QUO004), ("RPL001", 6)),
        (bench.variant("fault: {damage: x}", QUO004), ("SHP002", 6)),
        (bench.variant("fault: {at: a, damage: b, no_card: finn}", QUO004), ("RPL001", 6)),
        (bench.variant("fault: {at: a, no_card: finn, wrong_pin: finn}", QUO004), ("RPL001", 6)),
        (bench.variant("fault: {at: a, other_card: {person: finn}}", QUO004), ("SHP002", 6)),
        (bench.variant("minutes: 5", QUO004), ("SHP001", 6)),
        (bench.variant("drop: a\n    absent: [b]", QUO004), ("RPL001", 5)),
        (bench.variant("drop: a", QUO004, name="base"), ("SHP004", 5)),
        (bench.variant("drop: a", QUO004) + "  - {name: x, drop: b, fails: {rule: QUO004, exit: 3}}\n", ("SHP004", 8)),
        (bench.HEAD + "variants:\n  - name: x\n    fails: {rule: QUO004, exit: 3}\n", ("RPL001", 5)),
    ],
)
def test_one_mistake_is_told_once_at_its_line(text: str, expected: tuple[str, int]) -> None:
    assert found(text) == [expected]


def test_each_change_alone_is_right() -> None:
    changes = {
        "set": "{a: 1}", "drop": "a", "plan": "{region: eu}", "absent": "[finn]", "answers": "{a: {b: c}}",
        "fault": "{at: a, damage: b}",
    }  # fmt: skip
    assert tuple(changes) == CHANGES
    for key, value in changes.items():
        assert found(bench.variant(f"{key}: {value}", QUO004)) == []
    for fault in ("no_card: b", "wrong_pin: b", "other_card: {person: b, card: SIM-CARD-0001}"):
        assert found(bench.variant(f"fault: {{at: a, {fault}}}", QUO004)) == []


# -- what it names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected", "near"),
    [
        (bench.HEAD + "answers: {look-at-seals: {seal: x}}\n", ("SHP008", 4), "look-at-seal"),
        (bench.HEAD + "answers: {look-at-seal: {seel: x}}\n", ("SHP008", 4), "seal"),
        (bench.HEAD.replace("0}", "0, results: {generate: {size: 1}}}"), ("SHP008", 3), ""),
        (bench.variant("absent: [fin]", QUO004), ("SHP008", 6), "finn"),
        (bench.variant("absent: [finn]", "rule: QUO004, step: generate-keys, exit: 3"), ("SHP008", 7), "generate-key"),
        (bench.variant("absent: [finn]", "rule: ART999, exit: 3"), ("SHP008", 7), "write `ART0"),
        (bench.variant("absent: [finn]", "rule: QOU004, exit: 3"), ("SHP008", 7), "write `QUO004`"),
        (bench.variant("absent: [finn]", "rule: ZZZ000, exit: 3"), ("SHP008", 7), ""),
        (bench.variant("answers: {look-at-seal: {seel: x}}", QUO004), ("SHP008", 6), "seal"),
        (bench.variant("fault: {at: back-up-worlds, damage: key}", QUO004), ("SHP008", 6), "back-up-world"),
        (bench.variant("fault: {at: back-up-world, damage: keys}", QUO004), ("SHP008", 6), ""),
        (bench.variant("fault: {at: back-up-world, no_card: fin}", QUO004), ("SHP008", 6), "finn"),
        (bench.variant("fault: {at: back-up-world, wrong_pin: fin}", QUO004), ("SHP008", 6), "finn"),
        (
            bench.variant("fault: {at: back-up-world, other_card: {person: fin, card: X}}", QUO004),
            ("SHP008", 6),
            "finn",
        ),
        (bench.HEAD.replace("tiny.ceremony", "teeny.ceremony"), ("RPL002", 2), ""),
        (bench.HEAD + "roster: nobody.yaml\n", ("RPL002", 2), ""),
        (bench.HEAD + "plan: {records: {first: tiny.replay.yaml}}\n", ("SHP008", 4), ""),
    ],
)
def test_what_it_names_is_there(tmp_path: Path, text: str, expected: tuple[str, int], near: str) -> None:
    path = bench.project(tmp_path, text)
    refused = load_replay(Disk(), path)
    assert isinstance(refused, Unreadable)
    assert [(one.code, one.place.span.line) for one in refused.findings] == [expected]
    assert near in refused.findings[0].help
    assert refused.by_name()[refused.findings[0].place.file] is refused.source


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUse):
        load_replay(Disk(), tmp_path / "x.replay.yaml")


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ("drop: back-up-worlds", "back-up-world"),
        ("drop: steps.back-up-worlds", "steps.back-up-world"),
        ("drop: separations", "separation"),
        ("drop: steps.back-up-world.minute", "steps.back-up-world.minutes"),
        ("drop: nothing-like-it", ""),
        ("set: {steps.back-up-worlds.minutes: 3}", "steps.back-up-world.minutes"),
        ("set: {back-up-world.with.medium: x}", "steps.back-up-world.with.medium"),
        ("set: {steps.back-up-world.minutes.most: 3}", ""),
    ],
)
def test_a_change_that_leads_nowhere_names_the_closest(tmp_path: Path, change: str, near: str) -> None:
    loaded = bench.loaded(bench.project(tmp_path, bench.variant(change, QUO004)))
    (finding,) = try_case(Disk(), loaded, loaded.cases[1]).findings
    assert (finding.code, finding.place.span.line) == ("RPL002", 6)
    assert finding.help == (f"write `{near}`" if near else "")


# -- a document changed in memory ------------------------------------------------------------------------------------


def playbook() -> Source:
    path = bench.GOLDENS / "tiny.ceremony.yaml"
    return read_source(path.name, path.read_bytes())


def steps(source: Source) -> list[str]:
    return [line.get("id", "") for line in source.data["steps"]]


def line_of(source: Source, needle: str) -> int:
    return next(number for number, line in enumerate(source.lines, 1) if needle in line)


@pytest.mark.parametrize(
    ("way", "path"),
    [
        ("title", ("title",)),
        ("card_sets.acs.threshold", ("card_sets", "acs", "threshold")),
        ("steps.create-world", ("steps", 3)),
        ("create-world", ("steps", 3)),
        ("create-world.with.card_set", None),
        ("steps.create-world.with.card_set", ("steps", 3, "with", "card_set")),
        ("steps.Make the world and the key.quorum", ("steps", 0, "quorum")),
        ("separation.1.3", ("separation", 0, 2)),
        ("separation.0", None),
        ("separation.2", None),
        ("separation.one", None),
        ("title.x", None),
        ("steps.create-worlds", None),
        ("", None),
    ],
)
def test_a_way_leads_to_a_path(way: str, path: tuple[str | int, ...] | None) -> None:
    assert locate(playbook().data, way) == path


def test_a_dropped_step_leaves_every_other_at_its_line() -> None:
    whole = playbook()
    before = copy.deepcopy(whole.data)
    edited = without(whole, "create-world")
    assert edited is not None
    assert steps(edited) == [one for one in steps(whole) if one != "create-world"]
    for index, line in enumerate(edited.data["steps"]):
        if "id" in line:
            assert edited.span_of(("steps", index, "id")).line == line_of(whole, f"id: {line['id']}")
    assert whole.data == before
    assert whole.span_of(("steps", 3, "id")).line == line_of(whole, "id: create-world")


def test_a_dropped_key_is_gone_with_what_was_in_it() -> None:
    whole = playbook()
    edited = without(whole, "steps.create-world.quorum.administrator")
    assert edited is not None
    assert edited.data["steps"][3]["quorum"] == {"operator": 1, "witness": 1}
    assert edited.span_of(("steps", 3, "quorum", "administrator")) == edited.span_of(("steps", 3, "quorum"))
    assert "administrator" in whole.data["steps"][3]["quorum"]


def test_a_value_that_is_set_stands_where_the_old_one_stood() -> None:
    whole = playbook()
    edited = with_value(whole, "steps.generate-key.with", {"type": "RSA"})
    assert edited is not None
    assert edited.data["steps"][6]["with"] == {"type": "RSA"}
    there = whole.span_of(("steps", 6, "with"))
    assert edited.span_of(("steps", 6, "with")) == edited.span_of(("steps", 6, "with", "type")) == there
    assert edited.span_of(("steps", 7, "id")) == whole.span_of(("steps", 7, "id"))
    assert whole.data["steps"][6]["with"]["protect"] == "module"


def test_a_key_that_is_new_stands_where_its_mapping_does() -> None:
    whole = playbook()
    edited = with_value(whole, "steps.generate-key.caution", "Careful")
    assert edited is not None
    assert edited.data["steps"][6]["caution"] == "Careful"
    assert edited.span_of(("steps", 6, "caution")) == whole.span_of(("steps", 6))
    top = with_value(whole, "procedure", "x")
    assert top is not None
    assert top.data["procedure"] == "x"
    item = with_value(whole, "separation.1.1", "author")
    assert item is not None
    assert item.data["separation"] == [["author", "approver", "witness"]]


@pytest.mark.parametrize("way", ["a.b", "title.x", "separation.7", "separation.1.9", "steps.nothing.with", "", "a."])
def test_nothing_is_set_or_dropped_where_nothing_is(way: str) -> None:
    assert with_value(playbook(), way, 1) is None
    assert without(playbook(), way) is None


def test_what_is_wrong_after_a_change_has_a_place_in_the_file() -> None:
    whole = playbook()
    changes: list[tuple[str, Any, str]] = [
        ("steps.generate-key.minutes", "five", "id: generate-key"),
        ("card_sets.acs.cards", 0, "acs: {threshold"),
        ("steps.look-at-seal.when", True, "id: look-at-seal"),
    ]
    for way, value, needle in changes:
        edited = with_value(whole, way, value)
        assert edited is not None
        (finding, *_) = parse_playbook(edited).findings
        first = line_of(whole, needle)
        assert first <= finding.place.span.line <= first + 5, finding
