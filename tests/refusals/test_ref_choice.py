"""What a command is asked for and cannot give: editions, regions, parameters, places. Nothing is made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import refusal_bench
from refusal_bench import EU, GIVEN, SHIPPED, SUBSCRIPTION, VAULT, drop, edit, name, tree, within

from runner.errors import WrongUse
from runner.host.disk import Disk
from runner.host.documents import find_playbook

if TYPE_CHECKING:
    from refusal_bench import Bench, Said

PLAYBOOK = name("ceremony")


def refused(said: Said, code: int, rule: str, *words: str) -> None:
    assert said.code == code, said
    assert said.out == ""
    assert f"refused{f' {rule}' if rule else ''}: " in said.err
    for word in words:
        assert word in said.err


def everywhere(bench: Bench, *choice: str) -> tuple[Said, Said, Said]:
    """What lint, plan and rehearse say to a choice; they must leave the folder as it was."""
    before = tree(bench.folder)
    said = bench.lint(*choice), bench.plan(*choice), bench.rehearse(*choice)
    assert tree(bench.folder) == before
    return said


@pytest.mark.parametrize(
    ("edition", "nearest"),
    [
        ("2017-10-30", "2017-05-09"),
        ("2017-05-10", "2017-05-09"),
        ("2016-11-29", "2016-11-30"),
        ("2030-01-01", "2019-08-16"),
        ("2017-05-9", "2017-05-09"),
    ],
)
def test_an_edition_the_playbook_was_not_checked_against(bench: Bench, edition: str, nearest: str) -> None:
    for said in everywhere(bench, "--region", "eu", "--edition", edition):
        refused(said, 2, "REG005", edition, nearest)


@pytest.mark.parametrize(
    ("region", "near"),
    [("atlantis", "germany-public"), ("cananda", "canada"), ("EU", "write eu"), ("", "eu")],
)
def test_a_region_there_is_not(bench: Bench, region: str, near: str) -> None:
    for said in everywhere(bench, "--region", region):
        refused(said, 2, "REG010", near)


def test_a_region_that_was_not_named(bench: Bench) -> None:
    for said in (bench.plan("--edition", "2017-05-09"), bench.rehearse("--edition", "2017-05-09")):
        refused(said, 2, "REG010", "germany-public")


@pytest.mark.parametrize(
    ("region", "edition", "why"),
    [
        ("uk", "2016-11-30", "Earlier editions give a digest for the toolset but no package names"),
        ("uk", "2017-05-09", "Earlier editions give a digest for the toolset but no package names"),
        ("korea", "2016-11-30", "offered from 2017-05-09"),
        ("sa", "2017-05-09", "offered from 2019-02-25"),
        ("usgov", "2015-09-18", "offered from 2016-02-01"),
        ("china", "2015-09-18", "The publisher does not offer this method in Azure China"),
        ("china", "2019-08-16", "The publisher does not offer this method in Azure China"),
    ],
)
def test_a_region_the_edition_does_not_offer(bench: Bench, region: str, edition: str, why: str) -> None:
    for said in everywhere(bench, "--region", region, "--edition", edition):
        refused(said, 3, "REG004", why)


def test_lint_of_a_region_no_edition_offers_is_not_silent(bench: Bench) -> None:
    refused(bench.lint("--region", "china"), 3, "REG004", "does not offer this method in Azure China")
    assert bench.lint("--region", "sa").code == 0


def test_all_regions_and_one(bench: Bench) -> None:
    before = tree(bench.folder)
    refused(bench.rehearse("--region", "eu", "--all-regions"), 2, "", "exclude each other")
    assert tree(bench.folder) == before


@pytest.mark.parametrize("more", [("--param", "colour=red"), ("--edition", "2017-10-30")], ids=str)
def test_all_regions_make_no_folder_before_every_plan_is_good(bench: Bench, more: tuple[str, ...]) -> None:
    before = tree(bench.folder)
    assert bench.rehearse("--all-regions", *more).code == 2
    assert tree(bench.folder) == before


def test_all_regions_make_no_folder_where_one_plan_has_a_fault(bench: Bench) -> None:
    bench.change(within("seal-package", "{{ region.package_prefix }}-{{", "{{ region.token }}-{{"), drop("back-up-key"))
    before = tree(bench.folder)
    said = bench.rehearse("--all-regions")
    assert said.code == 3
    assert "error[ART005]" in said.out
    assert tree(bench.folder) == before


# -- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["colour=red"], "no parameter `colour`"),
        (["vault_nam=Contoso"], "perhaps `vault_name` is meant"),
        (["friendly_name="], "must be text"),
        (["friendly_name=Contoso HSM key"], "does not match the pattern"),
        (["friendly_name=Contoso_HSM"], "does not match the pattern"),
        ([f"friendly_name={'k' * 128}"], "does not match the pattern"),
        (["friendly_name=a'; Remove-Item 'b"], "does not match the pattern"),
        (["friendly_name=../../etc/passwd"], "does not match the pattern"),
        (['friendly_name=a"b'], "does not match the pattern"),
        (["friendly_name=a\nb"], "more than one line"),
        (["friendly_name=a\x1b[2Jb"], "U+001B ESCAPE"),
        (["friendly_name=a\u202eb"], "U+202E RIGHT-TO-LEFT OVERRIDE"),
        (["friendly_name=a\udcffb"], "half of a surrogate pair"),
        (["friendly_name={{ region.label }}"], "does not match the pattern"),
        (["key_ident=ContosoKey"], "does not match the pattern"),
        (["key_ident=contoso_key"], "does not match the pattern"),
        ([f"key_ident={'k' * 81}"], "does not match the pattern"),
        (["inspect_copy=yes"], "true or false"),
        (["inspect_copy=True"], "true or false"),
        (["subscription_id=11111111-2222-4333-8444-55555555555"], "a UUID"),
        (["subscription_id={11111111-2222-4333-8444-555555555555}"], "a UUID"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_a_parameter_that_does_not_fit(bench: Bench, pairs: list[str], words: str) -> None:
    before = tree(bench.folder)
    own = {pair.partition("=")[0] for pair in pairs}
    missing = {"subscription_id": SUBSCRIPTION, "vault_name": VAULT}
    good = [f"{key}={value}" for key, value in missing.items() if key not in own]
    more = [word for pair in [*pairs, *good] for word in ("--param", pair)]
    for said in (
        bench.run("plan", PLAYBOOK, *EU, *more, "--out", "plan.json"),
        bench.run("rehearse", PLAYBOOK, *EU, *more, "--out", "record"),
    ):
        refused(said, 2, "SHP006", pairs[0].partition("=")[0], words)
        assert "\x1b" not in said.err
        assert "\u202e" not in said.err
    assert tree(bench.folder) == before


def test_a_parameter_without_a_value_and_its_twin_with_one(bench: Bench) -> None:
    before = tree(bench.folder)
    said = bench.run("plan", PLAYBOOK, *EU, "--param", f"vault_name={VAULT}", "--out", "plan.json")
    refused(said, 2, "SHP006", "`subscription_id` has no value", "--param subscription_id=")
    assert tree(bench.folder) == before
    assert bench.plan().code == 0


@pytest.mark.parametrize(
    "more", [["--param", "vault_name"], ["--param", "vault_name=Two"], ["--colour", "red"]], ids=str
)
def test_an_option_of_the_wrong_form(bench: Bench, more: list[str]) -> None:
    before = tree(bench.folder)
    said = bench.plan(*EU, *more)
    assert (said.code, said.out) == (2, "")
    assert tree(bench.folder) == before


def test_a_parameter_without_a_pattern_may_hold_quotes_and_no_more(bench: Bench) -> None:
    """Quotes are text; a line feed in an unconstrained text would be a second line of the sheet."""
    bench.change(
        edit('{type: text, pattern: "[0-9A-Za-z-]{1,127}", default: ContosoFirstHSMkey,', "{type: text, default: Key,")
    )
    said = bench.plan(*EU, "--param", "friendly_name=It's")
    assert said.code == 3
    assert "error[DEV013]" in said.out
    before = tree(bench.folder)
    refused(bench.plan(*EU, "--param", "friendly_name=a\nb"), 2, "SHP006", "more than one line")
    assert tree(bench.folder) == before


# -- the regions file ----------------------------------------------------------------------------------------------

EU_DIGEST = "7A64B94225F59B847C5C27C2200BAD7D16C901E1687767EDBBB8B09BB285011D"
AP_DIGEST = "813DC94B23079CF7A5CEA71D5B444E86B292F463C53EE47AED25D4F7CD58E7D8"


@pytest.mark.parametrize(
    ("change", "rule", "at", "words"),
    [
        ((EU_DIGEST, EU_DIGEST[:-1]), "REG006", f'"2016-11-30": |{EU_DIGEST[:-1]}', "this has 63"),
        ((EU_DIGEST, f"{EU_DIGEST[:-1]}O"), "REG006", f'"2016-11-30": |{EU_DIGEST[:-1]}O', "`o` is none"),
        (
            (f'"2016-11-30": {AP_DIGEST}', f'"2016-11-30": {EU_DIGEST.lower()}'),
            "REG003",
            f'"2016-11-30": |{EU_DIGEST.lower()}',
            "same in `eu` and `ap`",
        ),
        (
            ("zip: Europe\n", "zip: UnitedStates\n"),
            "REG003",
            "zip: |UnitedStates\n    token: EU",
            "same in `na` and `eu`",
        ),
        (("    token: EU-1\n", ""), "REG001", "  |eu:\n", "`token` is missing"),
        (("token: EU-1\n", "tokn: EU-1\n"), "REG002", "tokn", "write `token`"),
        (("label: Europe\n", "label: Europe\n    label: Europe\n"), "YAM014", "label: Europe\n    |label", "label"),
    ],
    ids=[
        "63 digits",
        "a letter",
        "another region's digest",
        "another region's zip",
        "missing",
        "misspelt",
        "key twice",
    ],
)
def test_a_fault_in_the_regions_file(bench: Bench, change: tuple[str, str], rule: str, at: str, words: str) -> None:
    old, new = change
    bench.change(edit(old, new, "regions"))
    bench.refused_everywhere(rule, bench.place(at, "regions"), words)


def test_both_places_of_a_key_that_is_there_twice_are_shown(bench: Bench) -> None:
    bench.change(within("back-up-world", "    minutes: 10\n", "    minutes: 10\n    minutes: 11\n"))
    second = bench.place("minutes: 10\n    |minutes: 11")
    line, column = (int(part) for part in second.split(":")[1:])
    bench.refused_everywhere("YAM014", second, "minutes")
    said = bench.run("lint", PLAYBOOK, *EU)
    assert f"{PLAYBOOK}:{line - 1}:{column}" in said.out


# -- files that are not there, or there already --------------------------------------------------------------------


def test_a_playbook_there_is_not(bench: Bench) -> None:
    before = tree(bench.folder)
    for command in (["lint", "x.yaml"], ["plan", "x.yaml", "--out", "p"], ["rehearse", "x.yaml", "--out", "r"]):
        refused(bench.run(*command), 2, "", "there is no file x.yaml", "azure-byok")
    (bench.folder / name("regions")).unlink()
    bench.refused_everywhere("REG013", bench.place("regions: |azure-byok.regions.yaml"), "azure-byok.regions.yaml")
    shutil.copy(SHIPPED / name("regions"), bench.folder)
    refused(bench.run("rehearse", PLAYBOOK, *EU, "--roster", "nobody.yaml", "--out", "record"), 2, "", "nobody.yaml")
    assert tree(bench.folder) == before


@pytest.mark.parametrize("choice", [EU, ("--all-regions",)], ids=["one", "all"])
def test_a_rehearsal_without_people_makes_nothing_and_a_plan_without_people_says_so(
    bench: Bench, choice: tuple[str, ...]
) -> None:
    (bench.folder / name("roster")).unlink()
    before = tree(bench.folder)
    refused(bench.rehearse(*choice), 3, "QUO004", "give a roster")
    assert tree(bench.folder) == before
    said = bench.plan()
    assert said.code == 0
    assert "cannot be carried out as it is" in said.out


def test_a_review_date_that_has_passed(bench: Bench) -> None:
    bench.change(edit('review_by: "2031-06-30"', 'review_by: "2020-02-29"'))
    before = tree(bench.folder)
    refused(bench.rehearse(), 4, "RUN010", "2020-02-29")
    assert tree(bench.folder) == before


@pytest.mark.parametrize("taken", ["record", "record.sim"])
@pytest.mark.parametrize("how", ["folder", "file", "dangling link"])
def test_a_place_that_is_taken(bench: Bench, taken: str, how: str) -> None:
    place = bench.folder / taken
    if how == "folder":
        place.mkdir()
        (place / "log.jsonl").write_bytes(b"somebody's")
    elif how == "file":
        place.write_bytes(b"somebody's")
    else:
        place.symlink_to("nowhere")
    before = tree_with_links(bench.folder)
    refused(bench.rehearse(), 3, "ART009", taken, "nothing is ever overwritten")
    assert tree_with_links(bench.folder) == before


@pytest.mark.parametrize("how", ["file", "dangling link"])
def test_a_plan_that_is_there(bench: Bench, how: str) -> None:
    place = bench.folder / "plan.json"
    if how == "file":
        place.write_bytes(b"somebody's")
    else:
        place.symlink_to("nowhere")
    before = tree_with_links(bench.folder)
    refused(bench.plan(), 3, "ART009", "plan.json", "nothing is ever overwritten")
    assert tree_with_links(bench.folder) == before


def tree_with_links(folder: Path) -> dict[str, str | bytes | None]:
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else None
        if path.is_dir()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def test_a_place_in_no_folder(bench: Bench) -> None:
    before = tree(bench.folder)
    refused(bench.run("rehearse", PLAYBOOK, *EU, "--out", "no/record"), 2, "", "there is no folder")
    refused(bench.run("plan", PLAYBOOK, *EU, *GIVEN, "--out", "no/plan.json"), 2, "RUN030", "nothing can be written")
    refused(bench.run("plan", PLAYBOOK, *EU, *GIVEN, "--out", f"{PLAYBOOK}/plan.json"), 2, "RUN030")
    assert tree(bench.folder) == before


def test_a_folder_nobody_may_write_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system is asked through `os.access`; its answer is given here, since the superuser may always write."""
    before = tree(bench.folder)
    monkeypatch.setattr("runner.host.disk.os.access", lambda _folder, mode: not mode & os.W_OK)
    refused(bench.rehearse(), 2, "RUN030", "nothing can be written")
    refused(bench.plan(), 2, "RUN030", "nothing can be written")
    assert tree(bench.folder) == before


def test_a_disk_that_is_too_full_to_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(bench.folder)
    monkeypatch.setattr(Disk, "free_space", lambda _disk, _folder: 63_999_999)
    refused(bench.rehearse(), 2, "RUN030", "64000000", "63999999")
    assert tree(bench.folder) == before


def test_verify_of_what_is_not_there(bench: Bench) -> None:
    before = tree(bench.folder)
    refused(bench.run("verify", "record"), 2, "", "there is no record")
    refused(bench.run("verify", PLAYBOOK), 2, "", "there is no record")
    refused(bench.run("verify", "."), 2, "", "is no record: it has neither plan.json nor log.jsonl")
    (bench.folder / "plan.json").touch()
    assert bench.run("verify", ".").code == 1, "it may be what somebody left of a record"
    for what in ("trust", "policy", "registry"):
        refused(bench.run("verify", ".", f"--{what}", "none.json"), 2, "", "there is no file none.json")
    (bench.folder / "plan.json").unlink()
    assert tree(bench.folder) == before
    assert refusal_bench.rules(bench.lint()) == []


def test_a_shipped_ceremony_is_found_by_its_own_name(bench: Bench) -> None:
    """Also where it lies beside another one that its folder is named after."""
    refused(
        bench.run("lint", "nothing"), 2, "", "no shipped ceremony of that name (acs-replacement, azure-byok, world-"
    )
    for path in (Path(__file__).parents[2] / "ceremonies").glob("*/*.ceremony.yaml"):
        assert find_playbook(path.name.removesuffix(".ceremony.yaml")).samefile(path)
    for other in ("world*", "../azure-byok", ""):
        with pytest.raises(WrongUse):
            find_playbook(other)
