"""`ceremony diff`: playbooks, plans and records, compared in meaning; 0 where nothing changed and 1 where it did."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from approval_bench import PLAYBOOK, ROSTER

from runner.canonical import file_digest
from runner.cli import diff

if TYPE_CHECKING:
    from approval_bench import Bench, Said

SOURCE = "source press.ceremony.yaml"


def compare(bench: Bench, *arguments: str) -> Said:
    return bench.run(diff.main, *arguments)


def other(bench: Bench, old: str, new: str) -> str:
    """Write the playbook with one thing changed, and its roster beside it."""
    assert PLAYBOOK.count(old) == 1, old
    (bench.folder / "other").mkdir()
    (bench.folder / "other" / "press.ceremony.yaml").write_text(PLAYBOOK.replace(old, new))
    (bench.folder / "other" / "press.roster.yaml").write_text(ROSTER)
    return "other/press.ceremony.yaml"


def test_the_same_playbook_twice(bench: Bench) -> None:
    said = compare(bench, "press.ceremony.yaml", "press.ceremony.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[2:] == ["  nothing changed in meaning"]


def test_a_plan_a_record_and_the_playbook_they_came_from_are_the_same(bench: Bench) -> None:
    bench.plan()
    record = bench.folder / "record"
    record.mkdir()
    shutil.copy(bench.folder / "plan.json", record / "plan.json")
    for pair in (("plan.json", "record"), ("record", "plan.json"), ("plan.json", "plan.json")):
        assert compare(bench, *pair).code == 0
    given = ("--param", "label=blue")
    assert compare(bench, "press.ceremony.yaml", "record", *given).code == 0


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("plan: {approver: 2, auditor: 1}", "plan: {approver: 1, auditor: 1}", "  approvals: plan: was 2 approver"),
        ("quorum: {clerk: 1}", "quorum: {author: 1}", "  step look: quorum: was 1 clerk, is 1 author"),
        ("default: red", "default: green", "  parameter kind: value: was `red`, is `green`"),
        ('title: "Press {{ params.copies }} times"', "title: Give it away", "  step press: title: was `Press 3 times`"),
        (
            '    title: "Press {{ params.copies }} times"\n',
            '    title: "Press {{ params.copies }} times"\n    say: Give it away.\n',
            "  step press: say: was nothing, is `Give it away.`",
        ),
        ("network: false", "network: true", "  station room: network: was false, is true"),
    ],
)
def test_what_changed_is_said(bench: Bench, old: str, new: str, line: str) -> None:
    said = compare(bench, "press.ceremony.yaml", other(bench, old, new))
    assert said.code == 1
    assert line in said.out
    assert "Wording or comments only:" not in said.out.partition(line)[0]


def test_wording_comes_last_and_is_a_difference(bench: Bench) -> None:
    said = compare(bench, "press.ceremony.yaml", other(bench, "title: Room", "title: The room"))
    assert said.code == 1
    assert "\nWording or comments only:\n  station room: title: was `Room`, is `The room`\n" in said.out


def test_a_comment_changes_no_meaning(bench: Bench) -> None:
    said = compare(bench, "press.ceremony.yaml", other(bench, "format: ceremony/1", "# A comment.\nformat: ceremony/1"))
    assert said.code == 1
    assert f"  nothing changed in meaning\nWording or comments only:\n  {SOURCE}: size: was " in said.out


def test_the_same_playbook_under_another_name_has_the_same_meaning(bench: Bench) -> None:
    (bench.folder / "tap.ceremony.yaml").write_text(PLAYBOOK)
    (bench.folder / "tap.roster.yaml").write_text(ROSTER)
    said = compare(bench, "press.ceremony.yaml", "tap.ceremony.yaml")
    assert said.out.splitlines()[2:] == [
        "  nothing changed in meaning",
        "Wording or comments only:",
        "  source tap.ceremony.yaml: file: was `press.ceremony.yaml`, is `tap.ceremony.yaml`",
        "  source tap.roster.yaml: file: was `press.roster.yaml`, is `tap.roster.yaml`",
    ]


def test_json_says_the_same(bench: Bench) -> None:
    bench.plan()
    changed = other(bench, "title: Room", "title: The room")
    text = compare(bench, "plan.json", changed)
    said = compare(bench, "plan.json", changed, "--format", "json")
    data = json.loads(said.out)
    assert (said.code, data["version"], data["same"]) == (1, 1, False)
    assert data["old"]["sha256"] == file_digest((bench.folder / "plan.json").read_bytes())
    assert f"new  {data['new']['sha256']}  {changed}\n" in text.out
    assert [change["place"] for change in data["changes"] if change["wording"]] == ["station room", SOURCE]
    for change in data["changes"]:
        assert f"  {change['place']}: {change['words']}\n" in text.out
    same = compare(bench, "plan.json", "plan.json", "--format", "json")
    assert (same.code, json.loads(same.out)["same"], json.loads(same.out)["changes"]) == (0, True, [])


def test_one_playbook_in_two_regions_and_editions(bench: Bench) -> None:
    both = ("azure-byok", "azure-byok")
    here = compare(bench, *both, "--region", "eu", "--edition", "2017-05-09")
    assert here.code == 0
    editions = compare(bench, *both, "--region", "eu", "--edition", "2016-11-30", "--edition", "2017-05-09")
    assert "  ceremony: edition: was `2016-11-30`, is `2017-05-09`" in editions.out
    regions = compare(bench, *both, "--region", "eu", "--region", "na", "--edition", "2017-05-09")
    assert "  plan: region: was `eu`, is `na`" in regions.out
    assert "  trusted value toolset: value: was `7a64b942" in regions.out
    assert "trusted value maker_root" not in regions.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plan.json", "none.json"), 2, "there is no file none.json"),
        (("plan.json", "keys"), 2, "keys is a folder; there is no playbook in it"),
        (("plan.json", "keys/ada"), 3, "RUN012"),
        (("plan.json", "plan.json", "--region", "eu"), 2, "these are plans already"),
        (("plan.json", "press.ceremony.yaml", "--edition", "2020-01-01"), 2, "REG005"),
        (("press.ceremony.yaml", "plan.json", "--region", "eu"), 2, "REG010"),
        (("azure-byok", "azure-byok", *("--region", "eu") * 3), 2, "only OLD and NEW"),
    ],
)
def test_what_cannot_be_compared(bench: Bench, arguments: tuple[str, ...], code: int, words: str) -> None:
    bench.plan()
    assert compare(bench, "plan.json", "plan.json").code == 0
    before = bench.tree()
    said = compare(bench, *arguments)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert bench.tree() == before


def test_a_playbook_with_faults_is_refused_with_them(bench: Bench) -> None:
    said = compare(bench, "press.ceremony.yaml", other(bench, "quorum: {clerk: 1}", "quorum: {clerks: 1}"))
    assert said.code == 3
    assert "error[QUO006]: there is no role `clerks`" in said.out
