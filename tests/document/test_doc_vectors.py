"""Every rule of documents has a file that breaks it, and only it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from document_vectors import VECTORS, parsed, vector

from runner.document import events
from runner.document.source import read_source

if TYPE_CHECKING:
    from runner.document.events import Parser

RULES = Path(__file__).parents[2] / "runner" / "rules.d" / "document.toml"
BY_PROGRAM = {"YAM004", "YAM005", "YAM006", "YAM007"}
"""Rules of size; `test_doc_source.py` makes what breaks them."""

KINDS = ("ceremony", "regions", "roster", "texts", "environment")
OF_A_CHOICE = {"REG004", "REG005", "REG012", "REG013", "TXT004"}
"""Rules about what somebody chooses, or a file beside it; other tests and vectors of faults and runs break them."""


def _index() -> list[tuple[str, str, str]]:
    lines = (VECTORS / "index.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [(name, code, place) for name, code, place in rows]


@pytest.mark.parametrize("parser", ["pure", "best"])
@pytest.mark.parametrize(("name", "code", "place"), _index(), ids=lambda value: value)
def test_one_fault_one_finding(name: str, code: str, place: str, parser: Parser) -> None:
    document = parsed(vector(name, parser))
    found = [(finding.code, f"{finding.place.span.line}:{finding.place.span.column}") for finding in document.findings]
    assert found == [(code, place)]
    assert document.value is None


@pytest.mark.parametrize("parser", ["pure", "best"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_good_has_no_findings(kind: str, parser: Parser) -> None:
    document = parsed(vector(f"good.{kind}.yaml", parser))
    assert document.findings == ()
    assert document.value is not None


@pytest.mark.parametrize("path", sorted((VECTORS / "near").iterdir()), ids=lambda path: path.stem)
def test_what_is_nearly_refused_reads_alike_with_both_parsers(path: Path) -> None:
    pure, best = (read_source(path.name, path.read_bytes(), parser=parser) for parser in ("pure", "best"))
    assert pure.findings == ()
    assert (best.findings, best.data) == (pure.findings, pure.data)
    assert pure.data


def test_every_rule_of_reading_has_something_near_it() -> None:
    rules = {code for code in tomllib.loads(RULES.read_text()) if code.startswith("YAM")}
    assert {path.stem for path in (VECTORS / "near").iterdir()} == rules - BY_PROGRAM


def test_every_vector_is_in_the_index() -> None:
    listed = {name for name, _, _ in _index()} | {f"good.{kind}.yaml" for kind in KINDS}
    assert listed == {path.name for path in VECTORS.glob("*.yaml")}


def test_every_rule_is_broken_somewhere_and_explained() -> None:
    rules = tomllib.loads(RULES.read_text())
    assert {code for _, code, _ in _index()} | BY_PROGRAM | OF_A_CHOICE == set(rules)
    for rule in rules.values():
        assert set(rule) == {"title", "why", "fix"}
        assert all(text.strip() for text in rule.values())


def test_the_c_parser_is_installed_here() -> None:
    assert events.c_parser() is not None


def test_findings_speak_the_authors_words() -> None:
    words = ("mapping values", "extra inputs", "scalar", "token", "pydantic", "input should", "node")
    for name, _, _ in _index():
        for finding in parsed(vector(name)).findings:
            said = f"{finding.message} {finding.help}".lower()
            assert not any(word in said for word in words), finding
