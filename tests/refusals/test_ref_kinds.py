"""What is named is of another kind than what is read: one message that says what it is, from every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from refusal_bench import name, rules, tree

if TYPE_CHECKING:
    from pathlib import Path

    from refusal_bench import Bench, Said

PLAYBOOK = name("ceremony")


def everywhere(bench: Bench, path: str) -> tuple[Said, ...]:
    before = tree(bench.folder)
    said = (
        bench.run("lint", path, "--format", "oneline"),
        bench.run("rehearse", path, "--out", "record", "--format", "oneline"),
        bench.run("plan", path, "--out", "plan.json", "--format", "json"),
    )
    assert tree(bench.folder) == before
    return said


def other(folder: Path, file: str, content: bytes) -> str:
    (folder / file).write_bytes(content)
    return file


OTHERS = {
    "a plan": (b'{"format":"plan/1","approvals":{"days":null}}', "SHP003", "this is a plan (plan/1), and a playbook"),
    "a trust file": (b'{"format":"trust/1","people":[]}', "SHP003", "this is a file of another kind (trust/1)"),
    "a replay file": (b"format: replay/1\nplaybook: x\nextra:\n", "SHP003", "this is a replay file (replay/1)"),
    "a schema": (b'{"$schema": "x", "title": "y", "type": null}', "SHP002", "this is not a playbook: `format` is"),
    "a list": (b"- 1\n- 2\n", "SHP003", "must be a mapping"),
    "an archive": (b"roster.yaml" + bytes(500), "YAM002", "a byte 0 stands here"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\xff" * 90, "YAM002", "if it is text at all"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_kind(bench: Bench, kind: str) -> None:
    content, rule, words = OTHERS[kind]
    linted, rehearsed, planned = everywhere(bench, other(bench.folder, "x", content))
    assert (linted.code, rehearsed.code, planned.code) == (1, 3, 3)
    for said in (linted, rehearsed):
        assert rules(said) == [rule]
        assert words in said.out
        assert "no roster" not in said.err
    (finding,) = json.loads(planned.out)["findings"]
    assert finding["code"] == rule


def test_regions_and_people_are_no_playbook_but_stand_for_the_one_beside_them_in_lint(bench: Bench) -> None:
    for kind in ("regions", "roster"):
        linted, rehearsed, _ = everywhere(bench, name(kind))
        assert (linted.code, linted.out) == (0, "")
        assert rules(rehearsed) == ["SHP003"]
    copy = other(bench.folder, "copy.yaml", bench.text("regions").encode())
    said = bench.run("lint", PLAYBOOK, "--roster", copy, "--format", "oneline")
    assert "this is a regions file (regions/1), and a roster (roster/1) is read here" in said.out


def test_a_few_keys_of_a_playbook_are_a_playbook_that_is_not_finished(bench: Bench) -> None:
    said = bench.run("lint", other(bench.folder, "x", b"id: x\ntitle: z\n"), "--format", "oneline")
    assert len(rules(said)) > 1
    assert "`format` is missing" in said.out


def test_a_folder_says_what_to_name(bench: Bench) -> None:
    for said in everywhere(bench, "."):
        assert (said.code, said.out) == (2, "")
        assert f"refused: . is a folder; name {PLAYBOOK}\n" in said.err
    (bench.folder / "empty").mkdir()
    assert "there is no playbook in it" in bench.run("diff", "empty", PLAYBOOK).err
    (bench.folder / "record").mkdir()
    (bench.folder / "record" / "log.jsonl").write_bytes(b"")
    assert "is the record of a ceremony, no playbook" in bench.run("lint", "record").err


def test_a_playbook_is_no_plan(bench: Bench) -> None:
    said = bench.run("approve", PLAYBOOK, "--as", "x")
    assert said.code == 3
    assert f"`ceremony plan {PLAYBOOK} --out PLAN` makes one" in said.err
