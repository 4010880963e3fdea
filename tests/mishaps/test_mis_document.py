"""The file of faults: what it may say, each refusal at its place, and the schema that says the same of its shape."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator
from mishap_bench import ROOT, script

from runner.document.faults import parse_faults
from runner.document.source import read_source
from runner.host.rules import load_rules
from runner.schemas import file_name

VALIDATOR = Draft7Validator(json.loads((ROOT / "schemas" / file_name("faults")).read_text(encoding="utf-8")))

GOOD = script(
    "at: create-world, what: card-pulled, nth: 3",
    "at: create-world, attempt: 2, what: card-wrong, then: give-up",
    "at: generate-key, what: device-slow, seconds: 600",
    "at: generate-key, what: device-clock, seconds: -5",
    "at: generate-key, what: device-power, nth: 9999, then: go-on",
    ends="exit: 7, rule: RUN022",
)


RULES = load_rules()


def refused(text: str) -> tuple[list[tuple[str, int, int]], bool]:
    """Return our findings with their places, and whether the schema refuses it."""
    source = read_source("x.faults.yaml", text.encode())
    found = [
        (one.code, one.place.span.line, one.place.span.column)
        for one in parse_faults(source, None, rules=RULES).findings
    ]
    return found, any(True for _ in VALIDATOR.iter_errors(source.data))


def test_what_is_right_is_accepted_by_both() -> None:
    assert refused(GOOD) == ([], False)
    assert refused(script("at: x, what: card-worn", ends="exit: 6, rule: RUN020, step: x")) == ([], False)


@pytest.mark.parametrize(
    ("there", "instead", "finding"),
    [
        ("faults/1", "faults/2", ("SHP003", 1, 9)),
        ("ceremony: tiny\n", "", ("SHP002", 1, 1)),
        ("ceremony: tiny", "ceremony: Tiny", ("SHP003", 2, 11)),
        ("what: card-pulled, nth: 3", "what: card-pull, nth: 3", ("SHP003", 4, 30)),
        ("what: card-pulled, nth: 3", "nth: 3", ("SHP002", 4, 6)),
        ("what: card-pulled, nth: 3", "what: card-pulled, nth: 0", ("SHP003", 4, 48)),
        ("what: card-pulled, nth: 3", "what: card-pulled, nth: 10000", ("SHP003", 4, 48)),
        ("what: card-pulled, nth: 3", 'what: card-pulled, nth: "3"', ("SHP003", 4, 48)),
        ("what: card-pulled, nth: 3", "what: card-pulled, nths: 3", ("SHP001", 4, 43)),
        ("what: card-pulled, nth: 3", "what: card-pulled, seconds: 3", ("FLT001", 4, 43)),
        ("attempt: 2", "attempt: 0", ("SHP003", 5, 33)),
        ("then: give-up", "then: give up", ("SHP003", 5, 60)),
        ("seconds: 600", "seconds: 601", ("FLT001", 6, 52)),
        ("seconds: 600", "seconds: 0", ("FLT001", 6, 52)),
        (", seconds: 600", "", ("FLT001", 6, 30)),
        (", seconds: 600", ", seconds: 5, nth: 1", ("FLT001", 6, 55)),
        ("seconds: -5", "seconds: -1000000001", ("SHP003", 7, 53)),
        ("exit: 7, rule: RUN022", "exit: 7", ("FLT001", 9, 14)),
        ("exit: 7, rule: RUN022", "exit: 0, rule: RUN022", ("FLT001", 9, 14)),
        ("exit: 7, rule: RUN022", "exit: 0, step: create-world", ("FLT001", 9, 14)),
        ("exit: 7, rule: RUN022", "exit: 3, rule: RUN022", ("SHP003", 9, 14)),
        ("rule: RUN022", "rule: run022", ("SHP003", 9, 23)),
    ],
)
def test_what_is_not_right_is_refused_at_its_place(there: str, instead: str, finding: tuple[str, int, int]) -> None:
    assert GOOD.count(there) == 1
    found, schema = refused(GOOD.replace(there, instead))
    assert found == [finding]
    assert schema


def test_nothing_that_goes_wrong_is_no_script() -> None:
    found, schema = refused("format: faults/1\nceremony: tiny\nfaults: []\nends: {exit: 0}\n")
    assert (found, schema) == ([("SHP002", 3, 9)], True)


def test_the_same_fault_twice_is_refused_which_no_schema_can() -> None:
    text = script("at: a, what: card-worn", "at: b, what: card-worn", "at: a, what: card-worn, nth: 1")
    assert refused(text) == ([("SHP004", 6, 19)], False)
    assert refused(text.replace("nth: 1", "nth: 2")) == ([], False)


def test_a_rule_there_is_not_is_refused_with_the_closest() -> None:
    text = script("at: x, what: card-worn", ends="exit: 6, rule: RUN020, step: x")
    assert refused(text) == ([], False)
    source = read_source("x.faults.yaml", text.replace("RUN020", "RUN999").encode())
    (finding,) = parse_faults(source, None, rules=RULES).findings
    assert (finding.code, finding.place.span.line) == ("SHP008", 5)
    assert (finding.message, finding.help) == ("there is no rule `RUN999`", f"write `{max(RULES, key=_run)}`")


def _run(rule: str) -> int:
    return int(rule[3:]) if rule.startswith("RUN") else 0
