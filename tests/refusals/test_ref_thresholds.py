"""QUO007: how many cards of a set are needed, as a warning in a draft, an error at release, and waived."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.document.findings import Severity
from runner.document.parse import parse_playbook
from runner.document.source import read_source
from runner.host.disk import Disk
from runner.host.documents import load
from runner.linting import lint

if TYPE_CHECKING:
    from runner.document.findings import Finding

VECTORS = Path(__file__).parents[1] / "vectors"
SMALL = VECTORS / "refusals"
PLAYBOOK, ROSTER = "small.ceremony.yaml", "small.roster.yaml"
WAIVER = "waivers: [{rule: QUO007, because: It is a test}]\n"


def findings(needed: int, cards: int, more: str = "") -> tuple[Finding, ...]:
    text = (VECTORS / "document" / "good.ceremony.yaml").read_text()
    changed = text.replace("threshold: 2, cards: 3", f"threshold: {needed}, cards: {cards}")
    return parse_playbook(read_source("x", (changed + more).encode())).findings


@pytest.mark.parametrize(("needed", "cards"), [(2, 3), (3, 4), (3, 5), (4, 5), (4, 7), (33, 64), (63, 64)])
def test_more_than_half_and_not_all(needed: int, cards: int) -> None:
    assert findings(needed, cards) == ()


@pytest.mark.parametrize(
    ("needed", "cards", "words"),
    [
        (1, 1, "one card of `acs` is enough"),
        (1, 2, "one card of `acs` is enough"),
        (1, 5, "one card of `acs` is enough"),
        (2, 2, "all 2 cards of `acs` are needed"),
        (5, 5, "all 5 cards of `acs` are needed"),
        (2, 4, "two groups could act"),
        (2, 5, "two groups could act"),
        (32, 64, "two groups could act"),
    ],
)
def test_too_few_or_too_many(needed: int, cards: int, words: str) -> None:
    (finding,) = findings(needed, cards)
    assert (finding.code, finding.severity) == ("QUO007", Severity.WARNING)
    assert (finding.place.span.line, finding.place.span.column) == (28, 20)
    assert words in finding.message
    assert findings(needed, cards, WAIVER) == ()


def test_more_than_there_are_is_the_other_rule_alone() -> None:
    (finding,) = findings(4, 3)
    assert finding.code == "QUO001"


def test_a_waiver_without_need() -> None:
    (finding,) = findings(2, 3, WAIVER)
    assert (finding.code, finding.severity) == ("SHP010", Severity.ERROR)


def test_a_waiver_is_of_the_whole_plan() -> None:
    (finding,) = findings(2, 2, "waivers: [{rule: QUO007, step: make, because: It is a test}]\n")
    assert (finding.code, finding.path) == ("SHP010", "waivers > QUO007 > step")


def test_a_draft_is_warned_and_a_release_refused(tmp_path: Path) -> None:
    text = (SMALL / PLAYBOOK).read_text() + "approvals: {plan: {operator: 1}}\n"
    text = re.sub(r"(?m)^    action: .*$", r"\g<0>\n    minutes: 1", text)
    (tmp_path / ROSTER).write_bytes((SMALL / ROSTER).read_bytes())
    (tmp_path / PLAYBOOK).write_text(text)
    documents = load(Disk(), tmp_path / PLAYBOOK, roster=None)
    assert lint(documents, today="2026-11-25", region=None, edition=None, level="release") == ()
    (tmp_path / PLAYBOOK).write_text(text.replace("threshold: 2", "threshold: 3"))
    documents = load(Disk(), tmp_path / PLAYBOOK, roster=None)
    for level, severity in (("draft", Severity.WARNING), ("release", Severity.ERROR)):
        (finding,) = lint(documents, today="2026-11-25", region=None, edition=None, level=level)
        assert (finding.code, finding.severity) == ("QUO007", severity)
    assert documents.playbook.value is not None
