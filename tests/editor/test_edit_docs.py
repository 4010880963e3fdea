"""What docs/editors.md tells people to put into their editors works."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from editor_bench import CEREMONY, ROOT, SETTINGS

from runner.cli.main import main
from runner.schemas import NAMES, file_name

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")


def blocks() -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_the_settings_are_those_of_the_checkout_and_the_table_is_whole() -> None:
    settings, _tasks = blocks()
    assert settings == SETTINGS
    rows = re.findall(r"^\| `(\*\.\w+\.yaml)` \| `([\w.-]+)` \|$", PAGE, re.MULTILINE)
    assert rows == [(f"*.{name}.yaml", file_name(name)) for name in NAMES]


def test_the_task_finds_the_place_of_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _settings, tasks = blocks()
    (task,) = tasks["tasks"]
    playbook = tmp_path / "azure-byok.ceremony.yaml"
    for path in CEREMONY.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = playbook.read_text(encoding="utf-8")
    playbook.write_text(text.replace("action: generate_key\n", "action: generate_keys\n"), encoding="utf-8")
    line = text[: text.index("action: generate_key\n")].count("\n") + 1
    words = task["command"].replace("${file}", str(playbook)).split()
    assert words[0] == "ceremony"
    assert main(words[1:]) == 1
    pattern = task["problemMatcher"]["pattern"]
    first = capsys.readouterr().out.splitlines()[0]
    found = re.match(pattern["regexp"], first)
    assert found is not None, first
    parts = {name: found[number] for name, number in pattern.items() if name != "regexp"}
    assert (parts["file"], int(parts["line"]), parts["severity"]) == (str(playbook), line, "error")
    assert parts["code"] == "SHP005"
    assert "generate_keys" in parts["message"]
