"""A plan counts only as far as its sources make it again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import canonical
from runner.canonical import file_digest
from runner.errors import PlaybookFault, WrongUse
from runner.host.plans import load_plan, sources_of
from runner.spoken import word_lines

if TYPE_CHECKING:
    from approval_bench import Bench

PLAN = Path("plan.json")


def refused(bench: Bench) -> PlaybookFault:
    before = bench.tree()
    with pytest.raises(PlaybookFault) as found:
        load_plan(bench.disk, PLAN)
    assert (found.value.rule, found.value.exit_code) == ("RUN012", 3)
    assert bench.tree() == before
    return found.value


def test_the_sources_are_written_byte_for_byte(bench: Bench) -> None:
    assert bench.plan().code == 0
    folder = bench.folder / "plan.json.sources"
    assert {path.name for path in folder.iterdir()} == {"press.ceremony.yaml", "press.roster.yaml"}
    for path in folder.iterdir():
        assert path.read_bytes() == (bench.folder / path.name).read_bytes()


def test_the_digest_is_printed_in_words(bench: Bench) -> None:
    printed = bench.plan().out.splitlines()[-4:]
    assert tuple(line.strip() for line in printed) == word_lines(bench.checked().sha256)


@pytest.mark.parametrize("there", ["plan.json", "plan.json.sources"])
def test_nothing_is_overwritten(bench: Bench, there: str) -> None:
    (bench.folder / there).write_text("an earlier plan")
    before = bench.tree()
    said = bench.plan()
    assert said.code == 3
    assert "refused ART009" in said.err
    assert bench.tree() == before


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"label": "17", "kind": "green", "copies": "0", "twice": "false", "day": "2027-01-31", "space": "2 GB"},
        {"label": "true", "copies": "-5"},
    ],
)
def test_a_plan_is_loaded_as_it_was_made(bench: Bench, parameters: dict[str, str]) -> None:
    given = [part for name, value in parameters.items() for part in ("--param", f"{name}={value}")]
    assert bench.plan("plan.json", *given).code == 0
    checked, contents = load_plan(bench.disk, PLAN)
    assert checked.content == PLAN.read_bytes()
    assert checked.sha256 == file_digest(checked.content)
    assert contents == {path.name: path.read_bytes() for path in sources_of(PLAN).iterdir()}


def test_it_is_loaded_from_anywhere(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bench.plan()
    (bench.folder / "press.roster.yaml").unlink()
    (bench.folder / "elsewhere").mkdir()
    monkeypatch.chdir(bench.folder / "elsewhere")
    assert load_plan(bench.disk, tmp_path / "plan.json")[0].plan.ceremony.id == "press-test"


def test_a_changed_source_is_refused_with_both_digests(bench: Bench) -> None:
    bench.plan()
    path = sources_of(PLAN) / "press.roster.yaml"
    path.write_text(path.read_text().replace("name: Bob", "name: Rob"))
    fault = refused(bench)
    digests = re.findall(r"[0-9a-f]{64}", fault.words)
    assert digests[0] == file_digest(PLAN.read_bytes())
    assert len(set(digests)) == 2


def test_a_comment_in_a_source_is_a_change(bench: Bench) -> None:
    bench.plan()
    path = sources_of(PLAN) / "press.ceremony.yaml"
    path.write_text(path.read_text() + "# nothing\n")
    assert "do not make this plan" in refused(bench).words


@pytest.mark.parametrize(
    ("old", "new"),
    [('"minutes":10', '"minutes":11'), ('"count":2', '"count":1'), ('"value":3', '"value":4'), ("Look", "Cook")],
)
def test_a_changed_plan_is_refused_with_both_digests(bench: Bench, old: str, new: str) -> None:
    bench.plan()
    right = bench.checked().sha256
    changed = PLAN.read_bytes().replace(old.encode(), new.encode(), 1)
    assert changed != PLAN.read_bytes()
    PLAN.write_bytes(changed)
    words = refused(bench).words
    assert file_digest(changed) in words
    if "value" not in old:
        assert right in words


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"not a plan", b'{"format":"plan/2"}', b"\xff"])
def test_what_is_no_plan_is_refused(bench: Bench, content: bytes) -> None:
    bench.plan()
    PLAN.write_bytes(content)
    assert "not a plan of this format" in refused(bench).words


def test_another_spelling_of_the_plan_is_refused(bench: Bench) -> None:
    bench.plan()
    PLAN.write_bytes(PLAN.read_bytes() + b"\n")
    refused(bench)


def test_a_missing_or_a_further_source_is_refused(bench: Bench) -> None:
    bench.plan()
    further = sources_of(PLAN) / "press.regions.yaml"
    further.write_text("format: regions/1\n")
    assert "press.regions.yaml" in refused(bench).words
    further.unlink()
    (sources_of(PLAN) / "press.roster.yaml").unlink()
    assert "press.roster.yaml" in refused(bench).words


def test_no_sources_at_all_are_refused(bench: Bench) -> None:
    bench.plan()
    for path in sources_of(PLAN).iterdir():
        path.unlink()
    sources_of(PLAN).rmdir()
    assert "holds nothing" in refused(bench).words


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{approver: 2", "{nobody: 2"),
        ("approver: 2", "approver: 7"),
        ("default: 3}", "default: 3, at_most: 2}"),
        ("  copies:", "  pages:"),
        ("format: ceremony/1", "format: ceremony/2"),
        ("id: press-test\n", "id: press-test\nregions: ../press.regions.yaml\n"),
    ],
)
def test_sources_with_faults_are_refused(bench: Bench, old: str, new: str) -> None:
    bench.plan()
    path = sources_of(PLAN) / "press.ceremony.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    refused(bench)


def test_a_plan_that_names_no_playbook_is_refused(bench: Bench) -> None:
    bench.plan()
    data = canonical.decode(PLAN.read_bytes())
    for source in data["sources"]:
        source["role"] = "roster"
    PLAN.write_bytes(canonical.encode(data))
    assert "names no playbook" in refused(bench).words


def test_a_file_that_is_not_there_is_wrong_use(bench: Bench) -> None:
    with pytest.raises(WrongUse):
        load_plan(bench.disk, PLAN)
