"""What depends on the day: a review that is overdue (RUN010), and waivers that have ended; a day is given to all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from refusal_bench import within

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
    assert [finding.code for finding in linted(tmp_path, "2031-07-02", waiver % f'"{AFTER}"')] == ["RUN010"]


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


UNSIGNED = within("generate-key", "title: Generate the key", "title: Generate the key\n    sign_off: none")
WAIVER = "  - {rule: QUO012, step: generate-key, because: Two of us are away%s}\n"


def with_waiver(bench: Bench, until: str) -> None:
    bench.change(UNSIGNED)
    text = bench.text()
    (waivers,) = [line for line in text.splitlines(keepends=True) if line.startswith("waivers:")]
    path = bench.folder / "azure-byok.ceremony.yaml"
    path.write_text(text.replace(waivers, waivers + WAIVER % (f', until: "{until}"' if until else "")))


@pytest.mark.parametrize("until", ["", "2099-12-31"])
def test_a_waiver_of_signatures_that_is_in_force(bench: Bench, until: str) -> None:
    with_waiver(bench, until)
    linted = bench.lint("--level", "release", "--region", "eu")
    assert (linted.code, linted.out) == (0, "")
    assert "waived QUO012 at generate-key: Two of us are away" in linted.err
    assert bench.rehearse().code == 0


def test_a_waiver_of_signatures_that_has_ended(bench: Bench) -> None:
    """What it let be is refused again: by lint at the day it ended on, and before anything is rehearsed."""
    with_waiver(bench, "2020-01-31")
    linted = bench.lint()
    (line,) = linted.out.splitlines()
    place = bench.place('because: Two of us are away, until: |"2020-01-31"')
    assert line.startswith(f"{place}: error QUO012 the waiver of QUO012 for `generate-key` ended on 2020-01-31")
    assert linted.code == 1
    assert "waived QUO012" not in linted.err
    rehearsed = bench.rehearse()
    assert (rehearsed.code, Path("record").exists()) == (4, False)
    assert "refused QUO012: the waiver of QUO012 for `generate-key` ended on 2020-01-31\n" in rehearsed.err


@pytest.mark.parametrize(("today", "found"), [("2026-01-31", []), ("2026-02-01", [("QUO007", Severity.WARNING)])])
def test_a_waiver_of_a_threshold_ends(tmp_path: Path, today: str, found: list[tuple[str, Severity]]) -> None:
    waivers = 'waivers: [{rule: QUO007, because: The safe has two locks, until: "2026-01-31"}]\n'
    (tmp_path / "few").mkdir()
    playbook = tmp_path / "few" / "small.ceremony.yaml"
    text = (SMALL / "small.ceremony.yaml").read_text()
    assert text.count("threshold: 2, cards: 3") == 1
    playbook.write_text(text.replace("threshold: 2, cards: 3", "threshold: 2, cards: 4") + waivers)
    documents = load(Disk(), playbook, roster=None)
    everything = lint(documents, today=today, region=None, edition=None)
    assert [(one.code, one.severity) for one in everything if one.code != "SHP002"] == found


@pytest.mark.parametrize("waiver", ["{rule: SEC002, because: x}", '{rule: RUN010, because: x, until: "2020-01-31"}'])
def test_what_is_not_waived_is_not_called_so(bench: Bench, waiver: str) -> None:
    text = bench.text()
    path = bench.folder / "azure-byok.ceremony.yaml"
    path.write_text(text.replace("waivers:", f"waivers:\n  - {waiver}\n#", 1))
    assert [line for line in bench.lint().err.splitlines() if "waived" in line and "REG007" not in line] == []
