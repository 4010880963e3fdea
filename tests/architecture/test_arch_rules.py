"""Every rule has one entry in the catalogue, every entry is a rule of the code, and `ceremony explain` says each."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest
from house_sources import ROOT, modules, texts

from runner.cli.explain import main
from runner.errors import WrongUse
from runner.host.rules import load_rules

CODE = re.compile(r"(?<![A-Z0-9_-])[A-Z]{3}\d{3}(?![0-9A-Z])")
NO_RULES = {"SHA256", "SHA512"}
CATALOGUES = sorted((ROOT / "runner" / "rules.d").glob("*.toml"))


def used(*, docstrings: bool) -> set[str]:
    said = (text for module in modules() for text in texts(module.tree, docstrings=docstrings))
    return {code for text in said for code in CODE.findall(text)} - NO_RULES


def test_no_rule_has_two_entries() -> None:
    counted = Counter(code for path in CATALOGUES for code in tomllib.loads(path.read_text(encoding="utf-8")))
    assert [code for code, times in counted.items() if times > 1] == []
    assert set(counted) == set(load_rules())


def test_every_rule_of_the_code_has_an_entry() -> None:
    assert used(docstrings=True) - set(load_rules()) == set()


def test_every_entry_is_a_rule_that_the_code_can_name() -> None:
    assert set(load_rules()) - used(docstrings=False) == set()


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_an_entry_says_what_why_and_what_to_do(path: object) -> None:
    assert path in CATALOGUES
    for code, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():  # type: ignore[attr-defined]
        assert CODE.fullmatch(code), code
        assert set(entry) == {"title", "why", "fix"}, code
        assert not entry["title"].endswith("."), code
        assert all(entry[key].endswith((".", "?")) for key in ("why", "fix")), code


def test_explain_says_each(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rules = load_rules()
    monkeypatch.setattr("runner.cli.explain.load_rules", lambda: rules)  # read once
    for code, rule in rules.items():
        assert main([code.lower()]) == 0
        said = capsys.readouterr().out
        assert said == f"{code}  {rule.title}\n\nWhy: {rule.why}\n\nWhat to do: {rule.fix}\n"


def test_explain_knows_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUse):
        main(["ZZZ999"])
    assert main([]) == 0
    assert capsys.readouterr().out.count("\n") == len(load_rules())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("YAM16", "the closest is YAM016"),
        ("yam16", "the closest is YAM016"),
        ("yam-016", "the closest is YAM016"),
        ("YMA016", "the closest is YAM016"),
        ("RPL099", "the closest is RPL008"),
        ("nothing", "`ceremony explain` lists them"),
    ],
)
def test_explain_names_the_closest(code: str, said: str) -> None:
    with pytest.raises(WrongUse, match=f"there is no rule {code}; {said}"):
        main([code])
