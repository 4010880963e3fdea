"""The schemas: valid draft-07, right about what we ship, and refusing what `lint` would refuse for its shape."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from house_sources import ROOT
from jsonschema import Draft7Validator

from runner.cli.schema import main
from runner.document.source import read_source
from runner.errors import WrongUse
from runner.fault_words import FAULT_KEYS
from runner.replay_words import REPLAY_KEYS
from runner.schema_words import KEYS
from runner.schemas import NAMES, file_name, schema_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VECTORS = ROOT / "tests" / "vectors" / "document"
MODELS = {
    "ceremony": "Playbook", "regions": "Regions", "roster": "Roster", "texts": "Texts", "environment": "Environment",
    "replay": "Replay", "faults": "FaultScript",
}  # fmt: skip


def schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / file_name(name)).read_text(encoding="utf-8"))


VALIDATORS = {name: Draft7Validator(schema(name)) for name in NAMES}


@cache
def data(path: Path) -> Any:
    source = read_source(path.name, path.read_bytes())
    assert source.findings == ()
    return source.data


def faults(name: str, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[name].iter_errors(value)]


@pytest.fixture
def playbook() -> Any:
    return copy.deepcopy(data(ROOT / "ceremonies" / "azure-byok" / "azure-byok.ceremony.yaml"))


@pytest.fixture
def regions() -> Any:
    return copy.deepcopy(data(ROOT / "ceremonies" / "azure-byok" / "azure-byok.regions.yaml"))


def step(playbook: Any, ident: str) -> Any:
    (found,) = (line for line in playbook["steps"] if line.get("id") == ident)
    return found


def everything(node: Any) -> list[Any]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [node, *(deep for one in inner for deep in everything(one))]


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_draft_07_without_unions_that_hide_the_fault(name: str) -> None:
    Draft7Validator.check_schema(schema(name))
    nodes = [node for node in everything(schema(name)) if isinstance(node, dict)]
    assert not any("oneOf" in node or "$defs" in node for node in nodes)
    assert all(set(node) == {"$ref"} for node in nodes if isinstance(node.get("$ref"), str))
    references = {node["$ref"].removeprefix("#/definitions/") for node in nodes if isinstance(node.get("$ref"), str)}
    assert references == set(schema(name).get("definitions", {}))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_schema_is_what_this_version_makes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 0
    printed = capsys.readouterr().out
    assert printed == schema_text(name) == (ROOT / "schemas" / file_name(name)).read_text(encoding="utf-8")
    assert printed == json.dumps(json.loads(printed), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def test_the_command_lists_checks_and_refuses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(NAMES)
    assert main(["--check"]) == 0
    capsys.readouterr()
    for name in NAMES:
        (tmp_path / file_name(name)).write_text(schema_text(name), encoding="utf-8")
    monkeypatch.setattr("runner.cli.schema.shipped", lambda _kind: tmp_path)
    assert main(["--check"]) == 0
    (tmp_path / file_name("regions")).write_text(schema_text("regions") + " ", encoding="utf-8")
    (tmp_path / file_name("roster")).unlink()
    capsys.readouterr()
    assert main(["--check"]) == 1
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[-1].rsplit("/", 1)[-1]) for line in said] == [
        ("up", "ceremony-1.schema.json"),
        ("stale", "regions-1.schema.json"),
        ("missing", "roster-1.schema.json"),
        ("up", "texts-1.schema.json"),
        ("up", "environment-1.schema.json"),
        ("up", "replay-1.schema.json"),
        ("up", "faults-1.schema.json"),
    ]
    with pytest.raises(WrongUse):
        main(["playbook"])


def test_every_key_has_words_and_all_words_have_a_key() -> None:
    seen: set[str] = set()
    words = {**KEYS, **REPLAY_KEYS, **FAULT_KEYS}
    for name in NAMES:
        whole = schema(name)
        for model, inner in {MODELS[name]: whole, **whole.get("definitions", {})}.items():
            if not model.startswith("action."):
                seen.add(model)
                assert set(words[model]) == {"", *inner["properties"]}, model
                assert all("description" in key for key in inner["properties"].values()), model
    assert seen == set(words)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_right_is_accepted(name: str) -> None:
    paths = sorted((ROOT / "ceremonies").glob(f"*/*.{name}.yaml")) or [VECTORS / f"good.{name}.yaml"]
    for path in paths:
        assert faults(name, data(path)) == [], path.name


def _unknown_key(playbook: Any) -> None:
    playbook["sepparation"] = playbook.pop("separation")


def _unknown_key_of_a_step(playbook: Any) -> None:
    step(playbook, "carry-in")["mintues"] = 5


def _misspelt_action(playbook: Any) -> None:
    step(playbook, "generate-key")["action"] = "generate_keys"


def _minutes_as_text(playbook: Any) -> None:
    step(playbook, "carry-in")["minutes"] = "10"


def _minutes_as_a_template(playbook: Any) -> None:
    step(playbook, "carry-in")["minutes"] = "{{ params.minutes }}"


def _unknown_setting(playbook: Any) -> None:
    step(playbook, "generate-key")["with"]["curve"] = "P-256"


def _missing_setting(playbook: Any) -> None:
    del step(playbook, "generate-key")["with"]["size"]


def _no_settings_at_all(playbook: Any) -> None:
    del step(playbook, "carry-in")["with"]


def _setting_of_the_wrong_type(playbook: Any) -> None:
    step(playbook, "generate-key")["with"]["size"] = "2048"


def _setting_out_of_its_list(playbook: Any) -> None:
    step(playbook, "mode-operational")["with"]["mode"] = "operation"


def _settings_where_there_are_none(playbook: Any) -> None:
    step(playbook, "inspect-copy")["with"] = {"deep": True}


def _unknown_input(playbook: Any) -> None:
    step(playbook, "import-key")["uses"]["packages"] = "transfer-package"


def _missing_input(playbook: Any) -> None:
    del step(playbook, "seal-package")["uses"]["kek"]


def _two_for_one_input(playbook: Any) -> None:
    step(playbook, "import-key")["uses"]["package"] = ["transfer-package", "key"]


def _unknown_result(playbook: Any) -> None:
    step(playbook, "compare-public-key")["expect"]["publickey"] = "steps.generate-key.public_key"


def _nothing_expected_where_it_must_be(playbook: Any) -> None:
    del step(playbook, "obtain-toolset")["expect"]


def _makes_what_the_action_does_not(playbook: Any) -> None:
    step(playbook, "carry-in")["produces"] = {"copy": {}}


def _makes_two(playbook: Any) -> None:
    step(playbook, "generate-key")["produces"]["second"] = {}


def _a_file_without_a_name(playbook: Any) -> None:
    step(playbook, "unpack-toolset")["produces"]["runtime"] = {}


def _a_device_it_has_no_use_for(playbook: Any) -> None:
    step(playbook, "carry-in")["device"] = "hsm"


def _done_once_made_repeatable(playbook: Any) -> None:
    step(playbook, "generate-key")["repeat"] = "safe"


def _by_hand_without_repeat(playbook: Any) -> None:
    del step(playbook, "install-runtime")["repeat"]


def _when_alone(playbook: Any) -> None:
    del step(playbook, "inspect-copy")["left_out"]


def _part_with_a_key_of_a_step(playbook: Any) -> None:
    playbook["steps"][0]["minutes"] = 5


def _state_without_meaning(playbook: Any) -> None:
    playbook["starts_with"]["acs"] = "empty"


def _a_rule_that_cannot_be_waived(playbook: Any) -> None:
    playbook["waivers"] = [{"rule": "QUO005", "because": "x"}]


def _a_rule_that_cannot_be_let_pass(playbook: Any) -> None:
    playbook["exceptions"][0]["rule"] = "SEC002"


def _nobody_approves(playbook: Any) -> None:
    playbook["approvals"]["plan"]["approver"] = 0


def _another_sign_off(playbook: Any) -> None:
    step(playbook, "generate-key")["sign_off"] = "spoken"


@pytest.mark.parametrize(
    "spoil",
    [
        _unknown_key, _unknown_key_of_a_step, _misspelt_action, _minutes_as_text, _minutes_as_a_template,
        _unknown_setting, _missing_setting, _no_settings_at_all, _setting_of_the_wrong_type, _setting_out_of_its_list,
        _settings_where_there_are_none, _unknown_input, _missing_input, _two_for_one_input, _unknown_result,
        _nothing_expected_where_it_must_be, _makes_what_the_action_does_not, _makes_two, _a_file_without_a_name,
        _a_device_it_has_no_use_for, _done_once_made_repeatable, _by_hand_without_repeat, _when_alone,
        _part_with_a_key_of_a_step, _state_without_meaning, _a_rule_that_cannot_be_waived,
        _a_rule_that_cannot_be_let_pass, _nobody_approves, _another_sign_off,
    ],
)  # fmt: skip
def test_one_mistake_in_a_playbook_is_refused(playbook: Any, spoil: Callable[[Any], None]) -> None:
    assert faults("ceremony", playbook) == []
    spoil(playbook)
    assert faults("ceremony", playbook)


def test_a_template_may_stand_for_a_typed_setting(playbook: Any) -> None:
    settings = step(playbook, "generate-key")["with"]
    settings.update(size="{{ region.size }}", type="{{ params.type\n  }}")
    assert faults("ceremony", playbook) == []


def test_what_is_asked_in_a_step_may_be_expected_of_it(playbook: Any) -> None:
    record = step(playbook, "record-subscription")
    assert set(record["expect"]) == set(record["asks"])
    del record["asks"]
    assert faults("ceremony", playbook)


def _extra_key_in_offered(regions: Any) -> None:
    regions["regions"]["eu"]["offered"]["form"] = "2015-09-18"


def _not_said_whether_offered(regions: Any) -> None:
    del regions["regions"]["eu"]["offered"]


def _never_without_a_reason(regions: Any) -> None:
    regions["regions"]["eu"]["offered"] = {"never": True}


def _never_and_from(regions: Any) -> None:
    regions["regions"]["eu"]["offered"] = {"never": True, "because": "x", "from": "2015-09-18"}


def _a_list_for_a_value(regions: Any) -> None:
    regions["regions"]["eu"]["zip"] = ["Europe"]


def _beside_since(regions: Any) -> None:
    regions["regions"]["eu"]["toolset_sha256"]["until"] = "2019-01-01"


def _since_without_a_date(regions: Any) -> None:
    regions["everywhere"]["maker_root"] = {"since": {"2015": "59178a47de508c3f291277ee184f46c4f1d9c639"}}


def _no_type(regions: Any) -> None:
    del regions["values"]["zip"]["type"]


@pytest.mark.parametrize(
    "spoil",
    [
        _extra_key_in_offered, _not_said_whether_offered, _never_without_a_reason, _never_and_from, _a_list_for_a_value,
        _beside_since, _since_without_a_date, _no_type,
    ],
)  # fmt: skip
def test_one_mistake_in_a_regions_file_is_refused(regions: Any, spoil: Callable[[Any], None]) -> None:
    assert faults("regions", regions) == []
    spoil(regions)
    assert faults("regions", regions)


BEYOND_A_SCHEMA = {
    "SHP001-device-at.ceremony.yaml",  # which keys a state has depends on what it is the state of
    "SHP002-no-part.ceremony.yaml",  # the quorum may be the step's own
    "SHP002-no-station.ceremony.yaml",  # there may be only one, or a part may say it
    "SHP003-bad-date.ceremony.yaml",  # a date of no calendar
    "SHP003-edition.regions.yaml",  # a date of no calendar
    "SHP003-state.ceremony.yaml",  # as the first
    "SHP003-version-whole.ceremony.yaml",  # 1 and 1.0 are the same number, and 1.0 is text
}


def kinds_of_faults(name: str, path: Path) -> set[str]:
    return {re.sub(r"\[\d+\]", "[]", fault) for fault in faults(name, data(path))}


@pytest.mark.parametrize("name", [name for name in NAMES if (VECTORS / f"good.{name}.yaml").exists()])
def test_the_schema_refuses_what_lint_refuses_for_its_shape(name: str) -> None:
    shapes = ("SHP001", "SHP002", "SHP003", "SHP005", "SHP007", "REG008")
    anyway = kinds_of_faults(name, VECTORS / f"good.{name}.yaml")  # what its made-up steps lack
    accepted = set()
    for path in sorted(VECTORS.glob(f"*.{name}.yaml")):
        if path.name.startswith(shapes) and kinds_of_faults(name, path) <= anyway:
            accepted.add(path.name)
    assert accepted == {path for path in BEYOND_A_SCHEMA if path.endswith(f".{name}.yaml")}
