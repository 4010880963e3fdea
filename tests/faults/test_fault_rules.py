"""Every rule about documents is broken by data beside data that is right; the others have tests of their own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from fault_bench import BASE, Change, faults

from runner.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
FAMILIES = ("YAM", "SHP", "TPL", "TXT", "REG", "QUO", "ART", "SIT", "DEV", "SEC", "RPL", "FLT")
INDEX = ROOT / "tests" / "vectors" / "document" / "index.txt"

ELSEWHERE: Final[Mapping[str, str]] = {
    # of size: the files would be large
    "YAM004": "tests/document/test_doc_source.py::test_limits",
    "YAM006": "tests/document/test_doc_source.py::test_limits",
    "YAM007": "tests/document/test_doc_source.py::test_limits",
    # of a choice, or of the day
    "TXT004": "tests/refusals/test_ref_texts.py::test_a_language_without_texts_is_refused_by_name",
    "REG007": "tests/room/test_room_preflight.py::test_an_edition_out_of_force",
    "REG012": "tests/document/test_doc_second_source.py::test_a_digit_that_was_copied_wrongly",
    "ART009": "tests/refusals/test_ref_choice.py::test_a_place_that_is_taken",
    # of the room
    "QUO008": "tests/rehearsal/test_reh_history.py::test_a_person_who_never_came_cannot",
    "ART010": "tests/rehearsal/test_reh_brought.py::test_whoever_goes_on_looks_again",
    "ART011": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART012": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART013": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART014": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART015": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART016": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART017": "tests/refusals/test_ref_archive.py::test_what_is_not_is_refused_and_nothing_is_written",
    "ART018": "tests/faults/test_fault_rules.py::test_a_file_that_nobody_publishes",
    "ART019": "tests/rehearsal/test_reh_brought.py::test_what_people_were_to_put_there_is_looked_at",
    "DEV002": "tests/room/test_room_premises.py::test_no_device_with_the_serial",
    # of the record and of what runs
    "SEC001": "tests/record/test_rec_verdicts.py::test_lists_and_devices_must_be_of_the_ceremonys_kind",
    "SEC004": "tests/record/test_rec_verdicts.py::test_a_rehearsal_is_unverifiable_where_none_was_asked_for",
    "SEC005": "tests/record/test_rec_verdicts.py::test_lists_and_devices_must_be_of_the_ceremonys_kind",
    "SEC006": "tests/house/test_bundle.py::test_a_bundle_that_is_not_what_it_says_is_refused",
    "SEC007": "tests/house/test_bundle.py::test_an_emulator_from_elsewhere_is_refused",
    # of a runner with a defect
    "RPL005": "tests/replay/test_rpl_script.py::test_a_record_that_does_not_stand_is_told",
    "RPL008": "tests/replay/test_rpl_script.py::test_something_made_before_a_refusal_is_told",
    # of what goes wrong in a rehearsal
    "FLT001": "tests/mishaps/test_mis_document.py::test_what_is_not_right_is_refused_at_its_place",
    "FLT002": "tests/mishaps/test_mis_rehearsal.py::test_a_fault_that_never_comes_is_told",
    "FLT003": "tests/mishaps/test_mis_rehearsal.py::test_an_end_that_is_another_is_told",
}
"""Rules of these families that no file of data breaks by itself, each with the test that breaks it."""


def _rules() -> set[str]:
    catalogues = (ROOT / "runner" / "rules.d").glob("*.toml")
    every = {code for path in catalogues for code in tomllib.loads(path.read_text(encoding="utf-8"))}
    return {code for code in every if code.startswith(FAMILIES)}


def _broken() -> set[str]:
    listed = {line.split()[1] for line in INDEX.read_text().splitlines() if not line.startswith("#")}
    return listed | {rule for fault in faults() for rule in fault.rules()}


def test_every_rule_about_documents_is_broken_by_data_or_in_a_test_named_here() -> None:
    assert _rules() - _broken() == set(ELSEWHERE)


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


@pytest.mark.parametrize("pointer", sorted(set(ELSEWHERE.values())))
def test_the_test_that_is_named_is_there(pointer: str) -> None:
    file, _, name = pointer.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_a_file_that_nobody_publishes(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ART018: the first digest that is compared is of a file that is there; the name is misspelt in one letter."""
    rehearsal = ["rehearse", "keys.ceremony.yaml", "--region", "eu", "--param", "vault_name=ContosoVault"]
    Change(file="ceremony", step="obtain", old="BYOK-Tools-", new="BYOK-Tool-").apply(base)
    assert main([*rehearsal, "--out", "record"]) == 6
    assert "ART018" in capsys.readouterr().err
    assert not list((base / "record").rglob("*.zip"))
