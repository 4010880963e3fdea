"""How `lint`, `plan` and `rehearse` show what is wrong: every form, in file order, one cause one message, capped."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from refusal_bench import EU, GIVEN, edit, name, step_text, within

from runner.document.printing.text import MOST_SHOWN

if TYPE_CHECKING:
    from refusal_bench import Bench, Said


def misspell(bench: Bench, count: int) -> None:
    """Give the playbook so many unknown keys at its top."""
    text = bench.text()
    more = "".join(f"stranger-{number:03}: x\n" for number in range(count))
    (bench.folder / name("ceremony")).write_text(text + more)


@pytest.mark.parametrize("form", ["text", "oneline", "json", "sarif", "github"])
def test_a_playbook_without_faults_in_every_form(bench: Bench, form: str) -> None:
    said = bench.run("lint", name("ceremony"), *EU, "--format", form)
    assert (said.code, "REG007" in said.err, said.err.endswith("nothing found\n")) == (0, True, True)
    if form == "json":
        assert [one["rule"] for one in json.loads(said.out)["waived"]] == ["REG007"]
    elif form == "sarif":
        assert json.loads(said.out)["runs"][0]["results"] == []
    else:
        assert said.out == ""


def test_what_was_not_looked_at_is_said(bench: Bench) -> None:
    assert "no roster" not in bench.run("lint", name("ceremony"), *EU).err
    (bench.folder / name("roster")).unlink()
    said = bench.run("lint", name("ceremony"), *EU)
    assert (said.code, f"no roster for {name('ceremony')}: " in said.err) == (0, True)


def test_a_finding_is_counted_as_one(bench: Bench) -> None:
    misspell(bench, 1)
    assert "1 error, 0 warnings" in bench.run("lint", name("ceremony"), *EU).err


def test_the_forms_say_the_same(bench: Bench) -> None:
    misspell(bench, 1)
    said = {form: bench.run("lint", name("ceremony"), *EU, "--format", form) for form in ("oneline", "json", "sarif")}
    assert {one.code for one in said.values()} == {1}
    (finding,) = json.loads(said["json"].out)["findings"]
    (result,) = json.loads(said["sarif"].out)["runs"][0]["results"]
    place = finding["place"]
    line = f"{place['file']}:{place['line']}:{place['column']}: error {finding['code']} {finding['message']}"
    assert said["oneline"].out.startswith(line)
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {
        "startLine": place["line"],
        "startColumn": place["column"],
        "endLine": place["end_line"],
        "endColumn": place["end_column"],
    }


def test_one_object_for_several_playbooks(bench: Bench) -> None:
    misspell(bench, 1)
    other = bench.folder / "other.ceremony.yaml"
    other.write_text(bench.text())
    said = bench.run("lint", other.name, name("ceremony"), *EU, "--roster", name("roster"), "--format", "json")
    files = [finding["place"]["file"] for finding in json.loads(said.out)["findings"]]
    assert files == [name("ceremony"), "other.ceremony.yaml"]


def test_file_order_and_the_cap(bench: Bench) -> None:
    misspell(bench, MOST_SHOWN + 7)
    some = bench.run("lint", name("ceremony"), *EU)
    every = bench.run("lint", name("ceremony"), *EU, "--all")
    assert some.out.endswith("\nand 7 more\n")
    assert (some.out.count("  --> "), every.out.count("  --> ")) == (MOST_SHOWN, MOST_SHOWN + 7)
    assert some.err == every.err
    assert "57 errors" in some.err
    lines = [int(line) for line in re.findall(r"--> [^:]+:(\d+):", every.out)]
    assert lines == sorted(lines)
    programs = bench.run("lint", name("ceremony"), *EU, "--format", "json")
    assert json.loads(programs.out)["summary"]["errors"] == MOST_SHOWN + 7


def test_what_is_wrong_in_several_regions_names_them(bench: Bench) -> None:
    bench.change(edit("free: 16 MB", "free: 1 kB"))
    said = bench.run("lint", name("ceremony"), "--format", "json")
    findings = json.loads(said.out)["findings"]
    places = [(finding["code"], finding["place"]["line"], finding["message"]) for finding in findings]
    assert len(places) == len(set(places))
    assert all(len(finding["regions"]) > 10 for finding in findings)
    assert findings


def test_plan_and_rehearse_show_findings_as_json_too(bench: Bench) -> None:
    misspell(bench, 1)
    for said in (bench.plan("--format", "json", *EU), bench.rehearse("--format", "json", *EU)):
        assert said.code == 3
        assert [finding["code"] for finding in json.loads(said.out)["findings"]] == ["SHP001"]


def test_a_fault_of_a_file_is_one_finding_whatever_the_region(bench: Bench) -> None:
    bench.change(edit("threshold: 2, cards: 3", "threshold: 4, cards: 3"))
    said = bench.run("lint", name("ceremony"), "--format", "json")
    assert [finding["code"] for finding in json.loads(said.out)["findings"]] == ["QUO001"]


def at_both_levels(bench: Bench) -> tuple[Said, Said]:
    draft = bench.run("lint", name("ceremony"), *EU, "--format", "oneline")
    release = bench.run("lint", name("ceremony"), *EU, "--format", "oneline", "--level", "release")
    return draft, release


def test_the_shipped_playbook_is_fit_for_release(bench: Bench) -> None:
    assert [(said.code, said.out) for said in at_both_levels(bench)] == [(0, ""), (0, "")]


def test_level_release_makes_errors_of_warnings(bench: Bench) -> None:
    bench.change(edit("threshold: 2, cards: 3", "threshold: 1, cards: 3"))
    draft, release = at_both_levels(bench)
    assert "warning QUO007" in draft.out
    assert (draft.code, release.code) == (0, 1)
    assert draft.out.replace(": warning ", ": error ") == release.out


def test_a_release_says_how_long_every_step_takes(bench: Bench) -> None:
    (minutes,) = re.findall(r"^    minutes: .*\n", step_text("install-runtime"), re.MULTILINE)
    bench.change(within("install-runtime", minutes, ""))
    draft, release = at_both_levels(bench)
    place = bench.place("- |id: install-runtime")
    assert (draft.code, draft.out) == (0, "")
    assert (release.code, release.out.count("\n")) == (1, 1)
    assert release.out.startswith(f"{place}: error SHP002 a release says how long `install-runtime` takes")


def test_a_release_says_who_approves(bench: Bench) -> None:
    (found,) = re.findall(r"^  plan: .*\n", bench.text(), re.MULTILINE)
    bench.change(edit(found, ""))
    draft, release = at_both_levels(bench)
    assert (draft.code, release.code) == (0, 1)
    assert "error SHP002 a release says who approves the plan" in release.out


def test_waivers_are_reported_and_findings_are_not_hidden_by_them(bench: Bench) -> None:
    misspell(bench, 1)
    said = bench.run("lint", name("ceremony"), *EU)
    assert said.err.startswith("waived REG007: The publisher has ended this method")
    assert "SHP001" in said.out


@pytest.mark.parametrize("command", ["lint", "plan", "rehearse"])
def test_a_language_there_is_not_is_refused(bench: Bench, command: str) -> None:
    more = ("--out", "made") if command != "lint" else ()
    said = bench.run(command, name("ceremony"), *EU, "--language", "de", *more)
    assert (said.code, said.out) == (2, "")
    assert "refused TXT004" in said.err


def test_a_plan_in_another_language_and_its_lint(bench: Bench) -> None:
    french = bench.run("plan", "azure-byok", *EU, *GIVEN, "--language", "fr", "--format", "json")
    english = bench.run("plan", "azure-byok", *EU, *GIVEN, "--format", "json")
    made = [json.loads(said.out)["plan"]["ceremony"] for said in (french, english)]
    assert [ceremony["language"] for ceremony in made] == ["fr", "en"]
    assert made[0]["title"] != made[1]["title"]
    assert bench.run("lint", "azure-byok", *EU, "--language", "fr").code == 0
