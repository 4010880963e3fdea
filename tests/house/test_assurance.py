"""What the pages claim is there: every test they point to, every rule and every link; and rows stand on their tests.

A pointer is `tests/…/file.py::test_name`, or with one of its cases in brackets. Rules of a row have to stand in tests
that it points to, or in the index of vectors that `test_doc_vectors.py` goes through.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/assurance.md", "docs/threat-model.md", "SECURITY.md")
VECTORS = ROOT / "tests" / "vectors" / "document" / "index.txt"

POINTER = re.compile(r"`(tests/[^`:]+)(?:::([^`\[]+)(?:\[([^`]+)\])?)?`")
RULE = re.compile(r"(?<![A-Z0-9_-])[A-Z]{3}\d{3}(?![0-9A-Z])")
RANGE = re.compile(r"([A-Z]{3})(\d{3}) to \1(\d{3})")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NO_RULES = {"SHA256", "SHA512"}
NO_ATTACKS = {"LOG061"}
"""A ceremony that was aborted, as people may."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a table, but for its head, under the heading it stands below."""

    heading: str
    text: str


@cache
def catalogue() -> frozenset[str]:
    paths = (ROOT / "runner" / "rules.d").glob("*.toml")
    return frozenset(code for path in paths for code in tomllib.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module of tests: the tests defined in it, and its texts that are no docstrings."""

    tests: frozenset[str]
    texts: tuple[str, ...]

    def names_rule(self, rule: str) -> bool:
        return any(rule in RULE.findall(text) for text in self.texts)


@cache
def module(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [str(node.value) for node in said if id(node) not in alone]
    if path.name == "test_doc_vectors.py":
        texts += VECTORS.read_text(encoding="utf-8").split()
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    return Module(tests=frozenset(defined), texts=tuple(texts))


@cache
def every_module() -> tuple[Module, ...]:
    mine = Path(__file__).resolve()
    return tuple(module(path) for path in sorted((ROOT / "tests").rglob("*.py")) if path != mine)


def rules(text: str) -> set[str]:
    """Return every rule that a text names, those between two of one family included."""
    between = {
        f"{family}{number:03d}"
        for family, low, high in RANGE.findall(text)
        for number in range(int(low), int(high) + 1)
    }
    return (set(RULE.findall(text)) - NO_RULES) | between


def rows(text: str) -> Iterator[Row]:
    heading, lines = "", text.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        body = line.startswith("|") and before.startswith("|") and not line.startswith("|---")
        if body:
            yield Row(heading=heading, text=line)


def anchors(text: str) -> set[str]:
    """Return the names under which headings can be linked to."""
    titles = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def lost_pointers(text: str) -> Iterator[str]:
    """Yield the pointers to tests that are not there."""
    for path, name, case in POINTER.findall(text):
        file = ROOT / path
        if not file.is_file():
            yield path
            continue
        if name and name not in module(file).tests:
            yield f"{path}::{name}"
        if case and case not in module(file).texts:
            yield f"{path}::{name}[{case}]"


def lost_links(text: str, folder: Path) -> Iterator[str]:
    """Yield the relative links that lead nowhere."""
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        if path and not (folder / path).exists():
            yield link
            continue
        titles = anchors((folder / path).read_text(encoding="utf-8") if path else text) if anchor else {anchor}
        if anchor not in titles:
            yield link


def loose_rules(row: str) -> set[str]:
    """Return the rules of a row that none of the tests it points to names."""
    held = [module(ROOT / path) for path, _name, _case in POINTER.findall(row)]
    return {rule for rule in rules(row) if not any(one.names_rule(rule) for one in held)}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_test_pointed_to_is_there(name: str) -> None:
    assert list(lost_pointers(page(name))) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_rule_named_is_in_the_catalogue_and_in_a_test(name: str) -> None:
    named = rules(page(name))
    assert named - catalogue() == set()
    assert {rule for rule in named if not any(one.names_rule(rule) for one in every_module())} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    assert LINK.search(page(name))
    assert list(lost_links(page(name), (ROOT / name).parent)) == []


def test_rows_stand_on_the_tests_they_point_to() -> None:
    pointed = [row for row in rows(page("docs/assurance.md")) if POINTER.search(row.text)]
    assert len(pointed) > 150
    assert {row.text: loose for row in pointed if (loose := loose_rules(row.text))} == {}


def test_every_attack_has_a_rule_and_a_test() -> None:
    attacks = [row for row in rows(page("docs/assurance.md")) if row.heading.startswith("Caught")]
    assert {row.heading for row in attacks} == {
        "Caught, by somebody without a key",
        "Caught, by somebody who holds every log key",
        "Caught only with more at hand",
    }
    assert [row.text for row in attacks if not (POINTER.search(row.text) and rules(row.text))] == []


def test_every_claim_has_a_test() -> None:
    claims = [row for row in rows(page("docs/assurance.md")) if not row.text.endswith("| - |")]
    assert [row.text for row in claims if not POINTER.search(row.text)] == []


def test_every_rule_of_the_verifier_is_in_the_assurance_case() -> None:
    log = {rule for rule in catalogue() if rule.startswith("LOG")}
    assert log - rules(page("docs/assurance.md")) - NO_ATTACKS == set()


# -- what the tests above would see ------------------------------------------------------------------------------------

HERE = "tests/house/test_assurance.py"


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (f"`{HERE}::test_every_claim_has_a_test`", []),
        (f"`{HERE}`", []),
        (f"`{HERE}::test_every_claim_has_no_test`", [f"{HERE}::test_every_claim_has_no_test"]),
        (f"`{HERE}::page`", [f"{HERE}::page"]),
        ("`tests/house/test_nothing.py::test_x`", ["tests/house/test_nothing.py"]),
        (f"`{HERE}::test_every_claim_has_a_test[docs/assurance.md]`", []),
        (f"`{HERE}::test_every_claim_has_a_test[{'x' * 3}]`", [f"{HERE}::test_every_claim_has_a_test[xxx]"]),
    ],
)
def test_a_pointer_to_nothing_is_seen(text: str, lost: list[str]) -> None:
    assert list(lost_pointers(text)) == lost


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("[a](record.md) [b](../SECURITY.md) [c](https://example.org/x) [d](record.md#folder)", []),
        ("[a](records.md)", ["records.md"]),
        ("[a](record.md#foulder)", ["record.md#foulder"]),
        ("# A head: two, three\n[a](#a-head-two-three)", []),
        ("# A head\n[a](#a-hat)", ["#a-hat"]),
    ],
)
def test_a_link_to_nowhere_is_seen(text: str, lost: list[str]) -> None:
    assert list(lost_links(text, ROOT / "docs")) == lost


def test_a_rule_without_a_test_is_seen() -> None:
    attacks = "`tests/record/test_rec_log_attacks.py::test_every_line_is_held_in_its_place`"
    assert loose_rules(f"| edit | LOG006 | {attacks} |") == set()
    assert loose_rules(f"| edit | LOG006, LOG097 | {attacks} |") == {"LOG097"}
    assert rules("ART011 to ART013, SHA256") == {"ART011", "ART012", "ART013"}
    vectors = "`tests/document/test_doc_vectors.py::test_one_fault_one_finding`"
    assert loose_rules(f"| {vectors} | YAM011 QUO005 |") == {"QUO005"}


def test_a_table_is_read_without_its_head() -> None:
    text = "## One\n\n| a | b |\n|---|---|\n| c | d |\n| e | f |\n\n### Two\n\n| g |\n|---|\n| h |\n"
    assert [(row.heading, row.text) for row in rows(text)] == [
        ("One", "| c | d |"),
        ("One", "| e | f |"),
        ("Two", "| h |"),
    ]
