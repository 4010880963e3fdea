"""What is said besides that something is wrong: which key was meant, which steps share a cause, how to go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from refusal_bench import EU, edit, name, rules, within

from runner.actions.attach_evidence import AttachEvidenceSettings

if TYPE_CHECKING:
    from refusal_bench import Bench, Edit

ROOT = Path(__file__).parents[2]
PLAYBOOK = name("ceremony")


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (within("obtain-toolset", "    minutes: 10\n", "    duration: 10\n"), "write `minutes`"),
        (within("obtain-toolset", "    minutes: 10\n", "    minutes: 10\n    minute: 5\n"), "write `minutes`"),
        (within("back-up-world", "action: back_up", "action: save_files"), "write `back_up`"),
        (within("generate-key", "size: 2048", 'size: "2048"'), "write it without quotes"),
        (edit("  acs: blank", "  acs: written"), "write {written: true}"),
        (edit("  acs: blank", "  acs: blanc"), "write `blank`"),
        (edit("{mode: initialization}", "{mode: initialisation}"), "write `initialization`"),
        (edit("{mode: initialization}", "{mode: Initialization}"), "write `initialization`"),
        (within("obtain-toolset", "  - id:", "    id:"), "write `- id:` where another item begins"),
    ],
)
def test_what_was_meant_is_said(bench: Bench, change: Edit, advice: str) -> None:
    bench.change(change)
    said = bench.run("lint", PLAYBOOK, *EU)
    assert said.out.count("error[") == 1
    assert f"  help: {advice}\n" in said.out


def test_one_cause_is_told_once_and_names_the_other_steps(bench: Bench) -> None:
    bench.change(edit("network: false", "network: true"))
    assert rules(bench.lint()) == ["SIT004"]
    said = bench.run("lint", PLAYBOOK, *EU)
    assert "change `network` of `offline`; the same holds at create-world, mode-operational" in said.out


def test_two_causes_are_told_apart(bench: Bench) -> None:
    bench.change(edit("network: false", "network: maybe"), edit("network: true", "network: false"))
    bench.change(edit("network: maybe", "network: true"))
    assert rules(bench.lint()) == ["SIT004", "SIT004"]


def test_a_missing_person_comes_with_advice(bench: Bench) -> None:
    old = next(line for line in bench.text("roster").splitlines() if "roles: [witness]" in line)
    bench.change(edit(f"{old}\n", "", "roster"))
    said = bench.run("lint", PLAYBOOK, *EU)
    assert "error[QUO004]" in said.out
    assert "  help: add people to the roster" in said.out


def test_the_page_names_every_kind_of_evidence() -> None:
    page = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
    kinds = get_args(AttachEvidenceSettings.model_fields["media_type"].annotation)
    assert len(kinds) > 1
    assert [kind for kind in kinds if f"`{kind}`" not in page] == []
