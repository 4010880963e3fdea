"""The schema of `*.replay.yaml` and ours say the same of a file's shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench
from jsonschema import Draft7Validator

from runner.document.replay import parse_replay
from runner.document.source import read_source
from runner.schemas import file_name

if TYPE_CHECKING:
    from pathlib import Path

VALIDATOR = Draft7Validator(json.loads((bench.ROOT / "schemas" / file_name("replay")).read_text(encoding="utf-8")))

GOOD = """\
format: replay/1
playbook: tiny.ceremony.yaml
roster: tiny.roster.yaml
plan: {region: eu, edition: "2016-11-30", params: {name: Contoso, count: 3, wanted: true}}
answers: {look-at-seal: {seal: S-0001, whole: 4}}
gives: {exit: 0, results: {generate-key: {size: 2048}}}
variants:
  - {name: a, set: {steps.generate-key.with: {type: RSA, list: [1, a]}}, fails: {rule: DEV010, step: x, exit: 3}}
  - {name: b, drop: create-world, fails: {rule: SIT001, step: create-world, exit: 3}}
  - {name: c, plan: {region: uk}, fails: {rule: REG004, exit: 2}}
  - {name: d, absent: [finn, bea], fails: {rule: QUO004, exit: 4}}
  - {name: e, answers: {look-at-seal: {seal: S-0002}}, fails: {rule: RUN002, exit: 6}}
  - {name: f, fault: {at: back-up-world, damage: world-file}, fails: {rule: RUN021, exit: 7}}
"""


def refused(text: str) -> tuple[bool, bool]:
    """Say whether ours and the schema refuse it."""
    source = read_source("x.replay.yaml", text.encode())
    ours = bool(parse_replay(source).findings)
    return ours, any(True for _ in VALIDATOR.iter_errors(source.data))


@pytest.mark.parametrize("path", sorted(bench.ROOT.glob("*/*/*.replay.yaml")), ids=lambda path: path.name)
def test_what_is_shipped_is_right(path: Path) -> None:
    assert refused(path.read_text(encoding="utf-8")) == (False, False)


def test_what_is_good_is_accepted_by_both() -> None:
    assert refused(GOOD) == (False, False)
    assert refused("format: replay/1\nplaybook: a.ceremony.yaml\ngives: {exit: 0}\n") == (False, False)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("replay/1", "replay/2"),
        ("playbook: tiny", "playbook: ../tiny"),
        ("roster: tiny", "roster: people/tiny"),
        ("roster: tiny", "rooster: tiny"),
        ("region: eu", "region: EU"),
        ('"2016-11-30"', "2016"),
        ("count: 3", "count: [3]"),
        ("seal: S-0001,", "Seal: S-0001,"),
        ("exit: 0,", "exit: 1,"),
        ("exit: 0,", ""),
        ("{size: 2048}", "2048"),
        ("name: b, ", ""),
        ("drop: create-world, ", ""),
        ("drop: create-world, ", "drop: create-world, absent: [finn], "),
        ("drop: create-world, ", "set: {a: 1, b: 2}, "),
        ("drop: create-world, ", "set: {}, "),
        ("drop: create-world, ", "drop: [create-world], "),
        ("absent: [finn, bea]", "absent: []"),
        ("absent: [finn, bea]", "absent: finn"),
        ("absent: [finn, bea]", "absent: [Finn]"),
        ("damage: world-file", "damages: world-file"),
        ("rule: SIT001", "rule: sit001"),
        ("rule: SIT001", "rule: SIT01"),
        ("rule: SIT001, ", ""),
        ("exit: 6", "exit: 0"),
        ("exit: 6", "exit: 8"),
        ("exit: 6", 'exit: "6"'),
    ],
)
def test_one_mistake_is_refused_by_both(there: str, instead: str) -> None:
    assert there in GOOD
    assert refused(GOOD.replace(there, instead, 1)) == (True, True)
