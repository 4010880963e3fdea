"""Texts for people: what counts as an exact word, and the shipped ceremony in each of its languages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from document_vectors import CEREMONY, VECTORS

from runner.actions.registry import BY_NAME
from runner.document.parse import parse_playbook, parse_regions, parse_texts
from runner.document.source import read_source
from runner.document.text_rules import Original
from runner.document.texts import people_texts

if TYPE_CHECKING:
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.texts import Texts

GOOD = (VECTORS / "good.ceremony.yaml").read_text()
LANGUAGES = ("fr", "es", "nl", "zh-hant")
NAMES = ("Azure Key Vault", "Azure", "Security World", "HSM", "nShield Edge", "Mode ", "Clear")
"""What is called so in every language."""


# -- exact words ---------------------------------------------------------------------------------------------------


def prose(text: str) -> list[str]:
    """The exact words found in a text of the playbook."""
    changed = GOOD.replace("caution: This erases what was there.", f"caution: '{text}'")
    assert changed != GOOD
    findings = parse_playbook(read_source("x", changed.encode())).findings
    assert {finding.code for finding in findings} <= {"TXT002"}
    return [re.findall("`(.*?)`", finding.message)[0] for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        "Take one, e.g. the first, i.e. the left one.",
        "Nimm eine, z.B. die erste.",
        "A well-known, one-way road; in- and outside; 10-12 - or more - at 3.5 V.",
        "Call 1234567, or the decade.",
        "Run {{ names.tool }} once.",
        "Écran n° 2, café, naïf.",
        "按住 Clear 鈕數秒。",
    ],
)
def test_prose(text: str) -> None:
    assert prose(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Start press.exe now.", "press.exe"),
        ("Start a press.tar.gz", "press.tar.gz"),
        ("See keys@example.com for it", "example.com"),
        ("Unpack (press.zip).", "press.zip"),
        ("打開press.zip檔案", "press.zip"),
        ("With --no-print", "--no-print"),
        ("With -v", "-v"),
        ("With (-v)", "-v"),
        ("Compare 59178a47", "59178a47"),
        ("Compare 59178A47DE508C3F now", "59178A47DE508C3F"),
        ("核對59178a47摘要", "59178a47"),
        ("Of 20170509.", "20170509"),
        ("With {{ names.tool }} and -v", "-v"),
        ("First -v, then press.exe", "-v"),
    ],
)
def test_an_exact_word_in_prose(text: str, word: str) -> None:
    assert prose(text) == [word]


def test_a_broken_template_is_told_once() -> None:
    changed = GOOD.replace("caution: This erases what was there.", "caution: 'Run {{ press.exe'")
    assert [finding.code for finding in parse_playbook(read_source("x", changed.encode())).findings] == ["TPL002"]


# -- the shipped ceremony ------------------------------------------------------------------------------------------


@cache
def shipped() -> tuple[Playbook, Regions]:
    regions = parse_regions(read_source("r", (CEREMONY / "azure-byok.regions.yaml").read_bytes())).value
    assert regions is not None
    content = (CEREMONY / "azure-byok.ceremony.yaml").read_bytes()
    playbook = parse_playbook(read_source("p", content), actions=BY_NAME, regions=lambda _named: regions).value
    assert playbook is not None
    return playbook, regions


@cache
def translated(language: str) -> Texts:
    """The shipped texts in a language, found whole and right."""
    playbook, regions = shipped()
    original = Original(playbook=playbook, file="azure-byok.ceremony.yaml", regions=regions, language=language)
    content = (CEREMONY / f"azure-byok.{language}.texts.yaml").read_bytes()
    parsed = parse_texts(read_source("t", content), original)
    assert parsed.findings == ()
    assert parsed.value is not None
    return parsed.value


def test_these_are_all_the_languages_there_are() -> None:
    files = {path.name for path in CEREMONY.glob("*.texts.yaml")}
    assert files == {f"azure-byok.{language}.texts.yaml" for language in LANGUAGES}
    assert set(shipped()[0].languages[1:]) <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_templates_and_names(language: str) -> None:
    texts = translated(language)
    seen = 0
    for text in people_texts(shipped()[0]):
        found = texts.at(text.elsewhere)
        assert found is not None
        seen += 1
        assert sorted(re.findall(r"\{\{.*?\}\}", found)) == sorted(re.findall(r"\{\{.*?\}\}", text.written))
        for name in NAMES:
            assert name.strip() in found or name not in text.written, (text.path, name)
    assert seen == 36


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_was_left_in_english(language: str) -> None:
    texts = translated(language)
    same = {text.written for text in people_texts(shipped()[0]) if texts.at(text.elsewhere) == text.written}
    assert same == set()
