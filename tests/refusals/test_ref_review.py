"""RUN010: a review that is overdue, as a warning in a draft, an error at release, and waived; a day is given to all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from runner.document.findings import Severity
from runner.host.disk import Disk
from runner.host.documents import load
from runner.linting import lint

if TYPE_CHECKING:
    from refusal_bench import Bench

    from runner.document.findings import Finding

SMALL = Path(__file__).parents[1] / "vectors" / "refusals"
DUE, AFTER = "2031-06-30", "2031-07-01"


def linted(folder: Path, today: str, more: str = "", level: Literal["draft", "release"] = "draft") -> list[Finding]:
    for kind in ("ceremony", "roster"):
        (folder / f"small.{kind}.yaml").write_bytes((SMALL / f"small.{kind}.yaml").read_bytes())
    playbook = folder / "small.ceremony.yaml"
    playbook.write_text(playbook.read_text() + more)
    documents = load(Disk(), playbook, roster=None)
    found = lint(documents, today=today, region=None, edition=None, level=level)
    return [finding for finding in found if finding.code != "SHP002"]


def test_on_the_last_day_it_is_not_overdue(tmp_path: Path) -> None:
    assert linted(tmp_path, DUE) == linted(tmp_path, DUE, level="release") == []


@pytest.mark.parametrize(("level", "severity"), [("draft", Severity.WARNING), ("release", Severity.ERROR)])
def test_the_day_after_a_draft_is_warned_and_a_release_refused(
    tmp_path: Path, level: Literal["draft", "release"], severity: Severity
) -> None:
    (finding,) = linted(tmp_path, AFTER, level=level)
    assert (finding.code, finding.severity, finding.place.span.line) == ("RUN010", severity, 7)
    assert DUE in finding.message


def test_a_waiver_silences_it_until_its_own_last_day(tmp_path: Path) -> None:
    waiver = "waivers: [{rule: RUN010, because: The room is booked, until: %s}]\n"
    assert linted(tmp_path, AFTER, waiver % f'"{AFTER}"') == []
    assert [finding.code for finding in linted(tmp_path, "2027-07-02", waiver % f'"{AFTER}"')] == ["RUN010"]


def test_what_is_waived_is_rehearsed(bench: Bench) -> None:
    """The day is past for good, whatever the machine's clock says."""
    text = bench.text()
    old = next(line for line in text.splitlines() if line.startswith("review_by:"))
    late = text.replace(old, 'review_by: "2020-01-31"')
    path = bench.folder / "azure-byok.ceremony.yaml"
    path.write_text(late)
    assert "warning RUN010" in bench.lint().out
    assert bench.rehearse().code == 4
    (waivers,) = [line for line in late.splitlines() if line.startswith("waivers:")]
    path.write_text(late.replace(waivers, f"{waivers}\n  - {{rule: RUN010, because: The room is booked}}"))
    assert bench.lint().out == ""
    said = bench.rehearse()
    assert said.code == 0, said.err
