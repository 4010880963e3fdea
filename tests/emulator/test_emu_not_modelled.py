"""What the page says is not modelled is refused: each entry has command lines, and each of these shows it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from tool_bench import Tools

ROOT: Final = Path(__file__).parents[2]
ENTRIES: Final[list[dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "vectors" / "emulator" / "not-modelled.toml").read_text(encoding="utf-8")
)["entry"]
LINES: Final = [(entry["name"], shown) for entry in ENTRIES for shown in entry["refused"]]


def listed(page: str) -> list[str]:
    """Return the names of the entries under the page's heading."""
    _, _, after = page.partition("\n## Not modelled\n")
    section, _, _ = after.partition("\n## ")
    return re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)


def test_every_entry_of_the_page_has_command_lines_and_every_command_line_an_entry() -> None:
    page = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    names = listed(page)
    assert len(names) > 10
    assert names == [entry["name"] for entry in ENTRIES]
    assert all(entry["refused"] for entry in ENTRIES)
    assert page.count("Not modelled") == 1


def test_an_entry_is_found_where_it_stands() -> None:
    page = "# X\n\n## Not modelled\n\nWords.\n\n- **One**: a\n  b\n- **Two**\n\n## More\n\n- **Three**: c\n"
    assert listed(page) == ["One", "Two"]
    assert listed("# X\n") == []


@pytest.mark.parametrize(("name", "shown"), LINES, ids=[f"{name}: {shown['line']}" for name, shown in LINES])
def test_it_is_refused(
    tools: Tools, name: str, shown: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert name
    assert shown["words"]
    assert shown["words"] in tools.refused(shown["code"], *shlex.split(shown["line"])).err
    assert list((tmp_path / "empty").iterdir()) == []
