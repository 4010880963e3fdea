"""The YAML language server on our files and schemas: what is underlined, what is offered, what is shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from editor_bench import (
    BEYOND_A_SCHEMA,
    CEREMONY,
    KINDS,
    ROOT,
    SETTINGS,
    TAKEN,
    VECTORS,
    shipped,
    vectors,
    written_anew,
)
from language_server import LanguageServer, missing

from runner.actions.registry import ALL
from runner.cli.main import main
from runner.schemas import NAMES, file_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.actions.interface import Action

PLAYBOOK = CEREMONY / "azure-byok.ceremony.yaml"
REPLAY = CEREMONY / "azure-byok.replay.yaml"


def edited(path: Path, there: str, instead: str) -> tuple[str, int]:
    """Return a file's text with one change, and the line that the change is on."""
    text = path.read_text(encoding="utf-8")
    before, found, after = text.partition(there)
    assert found, f"{path.name} has no such text any more: {there}"
    return f"{before}{instead}{after}", before.count("\n") + 1


# -- what is underlined ----------------------------------------------------------------------------------------------


def test_every_shipped_file_names_its_schema() -> None:
    for path in shipped():
        kind = path.name.split(".")[-2]
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first == f"# yaml-language-server: $schema=../../schemas/{file_name(kind)}", path.name
        assert (path.parent / first.partition("=")[2]).is_file()


def test_in_what_is_shipped_nothing_is_underlined(server: LanguageServer) -> None:
    documents = [(path, path.read_text(encoding="utf-8")) for path in shipped()]
    assert server.diagnostics_of(documents) == [[]] * len(documents)
    spoilt = [(path, f"{text}nowhere: 1\n") for path, text in documents]
    for (path, text), found in zip(spoilt, server.diagnostics_of(spoilt), strict=True):
        assert (text.count("\n"), "Property nowhere is not allowed.") in found, path.name


def test_in_what_ceremony_new_makes_nothing_is_underlined(server: LanguageServer, tmp_path: Path) -> None:
    people = ("Anders Holm", "Elif Aydin", "Finn Byrne", "Bea Weiss", "Chidi Obi", "Dora Kovacs")
    given = ("--title", "A key", "--owner", "key-office@example.com", "--people", *people)
    assert main(["new", "zmk", *given, "--dir", str(tmp_path)]) == 0
    paths = sorted((tmp_path / "zmk").glob("*.yaml"))
    assert len(paths) == 3
    documents = [(path, path.read_text(encoding="utf-8")) for path in paths]
    assert server.diagnostics_of(documents) == [[], [], []]
    spoilt = server.diagnostics_of([(path, f"{text}nowhere: 1\n") for path, text in documents])
    assert [[words for _, words in found] for found in spoilt] == [["Property nowhere is not allowed."]] * 3


@pytest.mark.parametrize(
    ("path", "there", "instead", "words"),
    [
        (PLAYBOOK, "\nseparation:", "\nsepparation:", "Property sepparation is not allowed."),
        (PLAYBOOK, "review_by: ", "review_by: 2027 #", 'Incorrect type. Expected "string".'),
        (PLAYBOOK, "action: generate_key", "action: generate_keys", "Value is not accepted. Valid values: "),
        (PLAYBOOK, "protect: module, ", "protect: module, curve: P-256, ", "Property curve is not allowed."),
        (PLAYBOOK, "{mode: initialization}", "{mode: initialisation}", "Value is not accepted. Valid values: "),
        (PLAYBOOK, "size: 2048, ", "", 'Missing property "size".'),
        (REPLAY, "drop: mode-operational", "dorp: mode-operational", "Property dorp is not allowed."),
        (REPLAY, "exit: 3}", "exit: 9}", "Value is not accepted. Valid values: 2, 3, 4, 5, 6, 7."),
        (REPLAY, "rule: SIT001", "rule: SIT1", "String does not match the pattern of"),
    ],
)  # fmt: skip
def test_a_mistake_is_underlined_where_it_is(
    server: LanguageServer, path: Path, there: str, instead: str, words: str
) -> None:
    text, line = edited(path, there, instead)
    line += there[: len(there) - len(there.lstrip("\n"))].count("\n")
    found = server.diagnostics(path, text)
    assert any(at == line and message.startswith(words) for at, message in found), found


def test_two_changes_in_one_variant_are_too_many(server: LanguageServer) -> None:
    text, line = edited(REPLAY, "    drop: mode-operational\n", "    drop: mode-operational\n    absent: [hana]\n")
    assert [at for at, _ in server.diagnostics(REPLAY, text)] == [line - 1]


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("size: 2048, ", 'size: "{{ params.size }}", '),
        ("protect: module, ", 'protect: "{{ params.protect }}", '),
        ("protect: module, ", "protect: 'x{{ params.protect }}', "),
    ],
)
def test_a_template_in_a_typed_setting_is_not_underlined(server: LanguageServer, there: str, instead: str) -> None:
    text, _ = edited(PLAYBOOK, there, instead)
    assert server.diagnostics(PLAYBOOK, text) == []


def test_text_in_a_typed_setting_is_underlined(server: LanguageServer) -> None:
    text, line = edited(PLAYBOOK, "size: 2048, ", 'size: "2048", ')
    assert {at for at, _ in server.diagnostics(PLAYBOOK, text)} == {line}


# -- what is offered -------------------------------------------------------------------------------------------------


def test_all_actions_are_offered(server: LanguageServer) -> None:
    text, _ = edited(PLAYBOOK, "action: generate_key\n", "action: §\n")
    assert sorted(server.completions(PLAYBOOK, text)) == sorted(action.name for action in ALL)


STEP = """\
# yaml-language-server: $schema=../../schemas/ceremony-1.schema.json
steps:
  - id: one
    action: {action}
    {rest}
"""


@pytest.mark.parametrize("action", [action for action in ALL if action.settings.model_fields], ids=lambda one: one.name)
def test_the_settings_of_the_action_are_offered_and_no_others(server: LanguageServer, action: Action[Any]) -> None:
    text = STEP.format(action=action.name, rest="with:\n      §")
    assert set(server.completions(PLAYBOOK, text)) == set(action.settings.model_fields)


def test_the_results_of_the_action_are_offered(server: LanguageServer) -> None:
    (action,) = (one for one in ALL if one.name == "inspect_key")
    offered = server.completions(PLAYBOOK, STEP.format(action=action.name, rest="expect:\n      §"))
    assert set(offered) == {result.name for result in action.results}


def test_the_keys_of_a_step_and_of_a_variant_are_offered(server: LanguageServer) -> None:
    offered = server.completions(PLAYBOOK, STEP.format(action="set_mode", rest="§"))
    assert {"title", "minutes", "with", "say", "quorum", "sign_off"} <= set(offered)
    assert not {"id", "action", "part"} & set(offered)
    text = REPLAY.read_text(encoding="utf-8").partition("variants:")[0] + "variants:\n  - name: x\n    §\n"
    assert set(server.completions(REPLAY, text)) == {"set", "drop", "plan", "absent", "answers", "fault", "fails"}


# -- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "there", "words"),
    [
        (PLAYBOOK, "\nreview_by", "a day such as `2027-06-30`, in quotes"),
        (PLAYBOOK, "    action: generate_key", "`generate_key`: Generate an application key."),
        (PLAYBOOK, "    minutes: 5", "minutes"),
        (REPLAY, "    drop: mode", "such as `back-up-world`"),
        (REPLAY, "gives:", "How the base case ends: it is carried out."),
    ],
)
def test_words_are_shown_beside_a_key(server: LanguageServer, path: Path, there: str, words: str) -> None:
    key = there.strip().partition(":")[0]
    text, _ = edited(path, there, there.replace(key, f"{key[0]}§{key[1:]}"))
    assert words in server.hover(path, text)


def test_words_are_shown_beside_a_setting(server: LanguageServer) -> None:
    text, _ = edited(PLAYBOOK, "{mode: initialization}", "{mo§de: initialization}")
    assert "The mode the module is put into." in server.hover(PLAYBOOK, text)


# -- the same verdict, with the schemas that the settings name -------------------------------------------------------


@pytest.fixture(scope="module")
def settled() -> Iterator[LanguageServer]:
    """The server with the settings that the checkout has for VS Code."""
    if why := missing():
        pytest.skip(why)
    with LanguageServer(ROOT, SETTINGS) as running:
        yield running


def test_the_settings_name_every_schema_and_nothing_is_fetched() -> None:
    assert SETTINGS["yaml.schemas"] == {f"schemas/{file_name(name)}": f"*.{name}.yaml" for name in NAMES}
    assert SETTINGS["yaml.schemaStore.enable"] is False
    assert SETTINGS["yaml.kubernetesCRDStore.enable"] is False


def test_it_refuses_what_lint_refuses_for_its_shape_and_nothing_else(settled: LanguageServer) -> None:
    goods = [(VECTORS / f"good.{kind}.yaml") for kind in KINDS]
    of_goods = settled.diagnostics_of([(path, path.read_text(encoding="utf-8")) for path in goods])
    anyway = {kind: Counter(words for _, words in found) for kind, found in zip(KINDS, of_goods, strict=True)}
    assert [kind for kind in KINDS if anyway[kind]] == ["ceremony"]  # its made-up steps lack something
    own = vectors()
    found = settled.diagnostics_of([(vector.path, vector.path.read_text(encoding="utf-8")) for vector in own])
    refused = {
        vector.path.name
        for vector, diagnostics in zip(own, found, strict=True)
        if Counter(words for _, words in diagnostics) - anyway[vector.kind]
    }
    assert refused == {vector.path.name for vector in own if vector.refused}
    assert refused.isdisjoint(BEYOND_A_SCHEMA)


def test_it_takes_what_lint_takes_as_text(settled: LanguageServer) -> None:
    good = VECTORS / "good.ceremony.yaml"
    texts = [good.read_text(encoding="utf-8"), *(written_anew(*change) for change in TAKEN.values())]
    found = settled.diagnostics_of([(good, text) for text in texts])
    anyway = Counter(words for _, words in found[0])
    assert [Counter(words for _, words in underlined) for underlined in found] == [anyway] * len(texts)


def test_an_empty_text_is_underlined_with_words(server: LanguageServer) -> None:
    text, line = edited(PLAYBOOK, "\nowner: ", "\nowner: '' #")
    assert server.diagnostics(PLAYBOOK, text) == [(line + 1, "this text is empty")]
