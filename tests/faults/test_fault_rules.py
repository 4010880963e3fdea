"""Every rule about documents is broken by data beside data that is right; the others have tests of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from fault_bench import BASE, faults
from rule_sources import says, texts_by_test
from run_bench import cases

from runner.host.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "tests" / "vectors" / "document" / "index.txt"

FAMILIES = ("YAM", "SHP", "TPL", "TXT", "REG", "QUO", "ART", "SIT", "DEV", "SEC", "RPL", "FLT")
"""Families of rules that data breaks, but for those below."""

BY_CODE: Final[Mapping[str, str]] = {
    "LOG": "a record is made by a ceremony and then damaged by a program; kept as files, each would be a whole record, "
    "made anew whenever the form of entries changes",
    "RUN": "people, cards and machines do it while the ceremony runs, each at its moment; a file has no moments",
}
"""Families whose rules tests break that make what is wrong, with the reason."""

ELSEWHERE: Final[Mapping[str, str]] = {
    # of a live ceremony: approvals, an environment and devices come before it
    "REG007": "tests/room/test_room_preflight.py::test_an_edition_out_of_force",
    "DEV002": "tests/room/test_room_premises.py::test_no_device_with_the_serial",
    "QUO008": "tests/rehearsal/test_reh_history.py::test_a_person_who_never_came_cannot",
    "ART019": "tests/rehearsal/test_reh_brought.py::test_what_people_were_to_put_there_is_looked_at",
    # of a record that lies: no command makes one
    "SEC001": "tests/record/test_rec_verdicts.py::test_lists_and_devices_must_be_of_the_ceremonys_kind",
    "SEC005": "tests/record/test_rec_verdicts.py::test_lists_and_devices_must_be_of_the_ceremonys_kind",
    # of the program's own files
    "SEC006": "tests/house/test_bundle.py::test_a_bundle_that_is_not_what_it_says_is_refused",
    "SEC007": "tests/house/test_bundle.py::test_an_emulator_from_elsewhere_is_refused",
    # of a runner with a defect
    "RPL005": "tests/replay/test_rpl_script.py::test_a_record_that_does_not_stand_is_told",
    "RPL008": "tests/replay/test_rpl_script.py::test_something_made_before_a_refusal_is_told",
}
"""Rules of the other families that no file of data breaks, each with the test that does."""


def _rules(*families: str) -> set[str]:
    return {code for code in load_rules() if code.startswith(families)}


def _broken() -> set[str]:
    listed = {line.split()[1] for line in INDEX.read_text().splitlines() if not line.startswith("#")}
    return listed | {rule for fault in faults() for rule in fault.rules()} | {case.rule for case in cases()}


def test_every_rule_about_documents_is_broken_by_data_or_in_a_test_named_here() -> None:
    assert _rules(*FAMILIES) - _broken() == set(ELSEWHERE)


def test_every_family_is_broken_by_data_or_by_code_for_a_reason() -> None:
    assert {code[:3] for code in load_rules()} == {*FAMILIES, *BY_CODE}
    assert set(FAMILIES).isdisjoint(BY_CODE)
    by_data = {family: len(_rules(family) & _broken()) for family in FAMILIES}
    assert min(by_data.values()) >= 1, by_data


@pytest.mark.parametrize("family", BY_CODE)
def test_every_rule_of_a_family_by_code_stands_in_a_test(family: str) -> None:
    texts = [said for path in sorted((ROOT / "tests").rglob("test_*.py")) for said in texts_by_test(path).values()]
    left = {rule for rule in _rules(family) - _broken() if not any(says(said, rule) for said in texts)}
    assert left == set()


def test_a_change_made_right_is_a_change() -> None:
    """What is right about a fault without one of its own is the base, which differs in nothing else."""
    for fault in faults():
        if fault.near is not None:
            assert fault.near.new not in {fault.change.new, fault.change.old}, fault.name


def test_no_fault_leaves_the_base_as_it_is() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in BASE.iterdir()}
    for fault in faults():
        if fault.refused is None:
            assert fault.change.old in texts[f"keys.{fault.change.file}.yaml"] or fault.also, fault.name
            assert fault.change.old != fault.change.new, fault.name


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_the_test_that_is_named_is_there_and_says_the_rule(rule: str) -> None:
    file, _, name = ELSEWHERE[rule].partition("::")
    tests = texts_by_test(ROOT / file)
    assert name in tests
    assert says(tests[name], rule), f"{ELSEWHERE[rule]} says nothing of {rule}"


def test_a_test_that_says_nothing_of_a_rule_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "test_x.py"
    path.write_text(
        'CASES = ["ART001"]\nOTHER = ["ART002"]\n\n'
        '@mark(CASES)\ndef test_it():\n    """ART003"""\n    assert "ART004"\n',
        encoding="utf-8",
    )
    said = texts_by_test(path)["test_it"]
    assert [rule for rule in ("ART001", "ART002", "ART003", "ART004") if says(said, rule)] == ["ART001", "ART004"]
