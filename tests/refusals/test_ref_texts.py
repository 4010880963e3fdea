"""A ceremony in two languages: its plan in each, and what is refused where the texts are not whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from refusal_bench import tree

from runner.errors import WrongUse
from runner.host.disk import Disk
from runner.host.documents import load
from runner.linting import lint
from runner.parameters import Given
from runner.plan import SourceFile
from runner.planning import choose, make_plan, reproduce

if TYPE_CHECKING:
    from refusal_bench import Bench

    from runner.plan import Plan
    from runner.planning import Documents, Made

VECTORS = Path(__file__).parents[1] / "vectors" / "refusals"
PLAYBOOK, TEXTS, ROSTER = "small.ceremony.yaml", "small.fr.texts.yaml", "small.roster.yaml"
LANGUAGES = "languages: [en, fr]\n"


@pytest.fixture
def bilingual(bench: Bench) -> Bench:
    """The small ceremony with French texts, beside the shipped one."""
    for file in (PLAYBOOK, TEXTS, ROSTER):
        (bench.folder / file).write_text((VECTORS / file).read_text())
    change(bench, PLAYBOOK, "stations:\n", f"{LANGUAGES}stations:\n")
    return bench


def change(bench: Bench, file: str, old: str, new: str) -> None:
    text = (bench.folder / file).read_text()
    assert text.count(old) == 1, (file, old)
    (bench.folder / file).write_text(text.replace(old, new))


def documents(bench: Bench) -> Documents:
    return load(Disk(), bench.folder / PLAYBOOK, roster=None)


def made(found: Documents, language: str | None) -> Made:
    given = Given(values={})
    return make_plan(found, choose(found, region=None, edition=None, given=given, language=language))


def plan(found: Documents, language: str | None) -> Plan:
    checked = made(found, language).checked
    assert checked is not None
    return checked.plan


def linted(bench: Bench) -> list[str]:
    said = bench.run("lint", PLAYBOOK, "--format", "oneline")
    assert (said.code != 0) == bool(said.out)
    return said.out.splitlines()


def refused(bench: Bench, place: str, rule: str, *words: str) -> None:
    """Lint, plan and rehearse name one fault, and none of them makes anything."""
    before = tree(bench.folder)
    (line,) = linted(bench)
    assert line.startswith(f"{place}: error {rule} "), line
    assert all(word in line for word in words), line
    for command in (("plan", PLAYBOOK, "--out", "plan.json"), ("rehearse", PLAYBOOK, "--out", "record")):
        said = bench.run(*command)
        assert said.code == 3, said
        assert f"error[{rule}]: " in said.out
    assert tree(bench.folder) == before


def test_a_plan_in_each_language_differs_in_what_people_hear_and_read(bilingual: Bench) -> None:
    found = documents(bilingual)
    english, french = plan(found, None), plan(found, "fr")
    assert plan(found, "en") == english
    assert (english.ceremony.language, french.ceremony.language) == ("en", "fr")
    assert (english.ceremony.title, french.ceremony.title) == ("A world and a key", "Un monde et une clé")
    assert {step.part for step in english.steps} == {"Everything"}
    assert {step.part for step in french.steps} == {"Tout"}
    assert french.steps[1].title == "Créer le monde"
    pairs = zip(english.steps, french.steps, strict=True)
    steps = tuple(replace(two, part=one.part, title=one.title) for one, two in pairs)
    assert replace(french, ceremony=english.ceremony, steps=steps) == english


def test_every_kind_of_text_is_in_the_language_of_the_plan(bilingual: Bench) -> None:
    change(
        bilingual,
        PLAYBOOK,
        "    title: Generate the key\n",
        "    title: Generate the key\n    say: Say\n    note: Note\n    caution: Caution\n"
        "    asks: {bag: {type: text, ask: Ask}}\n",
    )
    change(
        bilingual,
        PLAYBOOK,
        "    title: Put the HSM into operational mode\n",
        '    title: Put the HSM into operational mode\n    when: false\n    left_out: "In {{ ceremony.language }}"\n',
    )
    change(
        bilingual,
        TEXTS,
        "{title: Générer la clé}",
        "{title: Générer, say: Dire, note: Noter, caution: Danger, asks: {bag: Demander}}",
    )
    change(bilingual, TEXTS, "mode opérationnel}", 'mode opérationnel, left_out: "En {{ ceremony.language }}"}')
    found = documents(bilingual)
    assert found.findings() == ()
    planned = made(found, "fr").plan
    assert planned is not None
    (key,) = (step for step in planned.steps if step.id == "generate-key")
    assert (key.title, key.say, key.note, key.caution) == ("Générer", "Dire", "Noter", "Danger")
    assert key.asks[0].ask == "Demander"
    (mode,) = (step for step in planned.steps if step.id == "mode-operational")
    assert mode.left_out == "En fr"


PART = "  - part: Everything\n"
SAID = f"{PART}    say: 'Begin, in {{{{ ceremony.language }}}}'\n"


def said(found: Documents, language: str) -> list[str | None]:
    return [step.say for step in plan(found, language).steps][:3]


def test_a_parts_words_are_read_out_with_its_first_step_that_is_done(bilingual: Bench) -> None:
    change(bilingual, PLAYBOOK, PART, SAID)
    change(bilingual, TEXTS, "parts:", "parts_say: {Everything: 'Commencez, en {{ ceremony.language }}'}\nparts:")
    assert said(documents(bilingual), "en") == ["Begin, in en", None, None]
    assert said(documents(bilingual), "fr") == ["Commencez, en fr", None, None]
    title = "    title: Put the HSM into initialization mode\n"
    change(bilingual, PLAYBOOK, title, f"{title}    when: false\n    left_out: Not now\n")
    change(bilingual, PLAYBOOK, "    title: Create the world\n", "    title: Create the world\n    say: Cards\n")
    change(bilingual, TEXTS, "initialisation}", "initialisation, left_out: Pas maintenant}")
    change(bilingual, TEXTS, "{title: Créer le monde}", "{title: Créer le monde, say: Cartes}")
    found = documents(bilingual)
    assert found.findings() == ()
    planned = made(found, "en").plan
    assert planned is not None
    assert [step.say for step in planned.steps][:3] == [None, "Begin, in en\nCards", None]


@pytest.mark.parametrize(
    ("part", "texts", "fault", "words"),
    [
        (SAID, "parts:", (f"{TEXTS}:2:1", "TXT001"), ("Everything", "read out")),
        (PART, "parts_say: {Everything: Tout}\nparts:", (f"{TEXTS}:5:13", "SHP008"), ("Everything", "`say`")),
        (SAID, "parts_say: {Everithing: Tout}\nparts:", (f"{TEXTS}:5:13", "SHP008"), ("Everithing", "Everything")),
        (SAID, "parts_say: {Everything: Tout}\nparts:", (f"{TEXTS}:5:25", "TXT003"), ("ceremony.language",)),
    ],
)
def test_a_parts_words_in_another_language_are_those_the_playbook_has(
    bilingual: Bench, part: str, texts: str, fault: tuple[str, str], words: tuple[str, ...]
) -> None:
    change(bilingual, PLAYBOOK, PART, part)
    change(bilingual, TEXTS, "parts:", texts)
    refused(bilingual, *fault, *words)


def test_two_parts_with_words_of_their_own_have_two_names(bilingual: Bench) -> None:
    """Words of a part are translated by its heading."""
    change(bilingual, PLAYBOOK, PART, SAID)
    change(bilingual, TEXTS, "parts:", "parts_say: {Everything: 'En {{ ceremony.language }}'}\nparts:")
    key = "  - id: generate-key\n"
    silent = f"{PART}    quorum: {{operator: 1, witness: 1}}\n"
    spoken = silent.replace(PART, f"{PART}    say: 'Now, in {{{{ ceremony.language }}}}'\n")
    change(bilingual, PLAYBOOK, key, silent + key)
    assert linted(bilingual) == []  # a heading that stands twice, and words once
    change(bilingual, PLAYBOOK, silent + key, spoken + key)
    line = (bilingual.folder / PLAYBOOK).read_text().split("say: 'Now")[0].count("\n")
    refused(bilingual, f"{PLAYBOOK}:{line}:11", "SHP004", "Everything")


def test_the_texts_are_sources_of_the_plan_in_every_language(bilingual: Bench) -> None:
    found = documents(bilingual)
    for language in ("en", "fr"):
        sources = {source.file: source for source in plan(found, language).sources}
        assert isinstance(sources[TEXTS], SourceFile)
        assert {file: source.role for file, source in sources.items()} == {
            PLAYBOOK: "playbook",
            ROSTER: "roster",
            TEXTS: "texts",
        }
        assert sources[TEXTS].size == len((bilingual.folder / TEXTS).read_bytes())


def test_a_plan_is_made_again_in_its_language(bilingual: Bench) -> None:
    found = documents(bilingual)
    for language in ("en", "fr"):
        first = plan(found, language)
        again = reproduce(found, first)
        assert again is not None
        assert again.plan == first


def test_a_record_with_texts_is_valid(bilingual: Bench) -> None:
    said = bilingual.run("rehearse", PLAYBOOK, "--out", "record")
    assert said.code == 0
    assert "VALID" in said.out
    assert (bilingual.folder / "record/source" / TEXTS).read_bytes() == (bilingual.folder / TEXTS).read_bytes()


@pytest.mark.parametrize("language", ["nl", "FR", "", "fr-be"])
def test_a_language_without_texts_is_refused_by_name(bilingual: Bench, language: str) -> None:
    with pytest.raises(WrongUse, match=r"it has them in en, fr") as caught:
        made(documents(bilingual), language)
    assert caught.value.rule == "TXT004"


def test_a_listed_language_without_a_file(bilingual: Bench) -> None:
    (bilingual.folder / TEXTS).unlink()
    refused(bilingual, f"{PLAYBOOK}:8:17", "TXT001", "no file with the texts in `fr`")


def test_a_text_that_is_missing(bilingual: Bench) -> None:
    assert linted(bilingual) == []
    change(bilingual, TEXTS, "  generate-key: {title: Générer la clé}\n", "")
    refused(bilingual, f"{TEXTS}:6:1", "TXT001", "`generate-key`")


def test_a_file_of_texts_with_nothing_in_it(bilingual: Bench) -> None:
    """Headings and steps are told once each, however many there are."""
    head = (bilingual.folder / TEXTS).read_text().split("title:")[0]
    (bilingual.folder / TEXTS).write_text(head)
    steps = [step.id for _position, _part, step in documents(bilingual).written.numbered_steps()]
    found = [line.split(": error ", 1)[1] for line in linted(bilingual)]
    assert sorted(found) == [
        "TXT001 `title` is missing",
        "TXT001 the heading “Everything” is missing",
        f"TXT001 the texts of the steps {', '.join(f'`{step}`' for step in steps)} are missing",
    ]


def test_texts_of_another_language_under_this_name(bilingual: Bench) -> None:
    change(bilingual, TEXTS, "language: fr", "language: nl")
    refused(bilingual, f"{TEXTS}:2:11", "SHP008", "for `fr`")


def test_texts_that_are_no_yaml(bilingual: Bench) -> None:
    change(bilingual, TEXTS, "language: fr", "language: &a fr")
    refused(bilingual, f"{TEXTS}:2:11", "YAM010")


def test_what_shows_only_when_a_text_is_filled_in_is_found_in_its_file(bilingual: Bench) -> None:
    change(bilingual, PLAYBOOK, "title: Create the world", 'title: "Create {{ ceremony.id }}"')
    change(bilingual, TEXTS, "Créer le monde", "\"Créer {{ 'un' if ceremony.id > 1 else 'deux' }}\"")
    found = documents(bilingual)
    (finding,) = lint(found, today="2026-11-25", region=None, edition=None)
    assert (finding.code, finding.place.file.rsplit("/", 1)[-1]) == ("TPL002", TEXTS)
    assert finding.place.span.line == 8
    assert made(found, "en").checked is not None
    french = made(found, "fr")
    assert (french.plan, french.checked) == (None, None)
    assert french.findings == (finding,)
