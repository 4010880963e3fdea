"""The way to a value: as the library gives it, as the author wrote it, and as people say it; and how to write it.

What is at the end of a way is plain data, as `source.py` reads it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runner.document.scalars import after_dash
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.document.findings import Path

_LABELS: Final = ("id", "part", "item", "rule")


def in_words(path: Path, data: Any) -> str:
    """Return a path as people say it: `steps > create-world > with`; list items by id, else by number from 1."""
    words: list[str] = []
    for part in path:
        if isinstance(part, str):
            words.append(part)
            data = data.get(part) if isinstance(data, dict) else None
            continue
        data = data[part] if isinstance(data, list) and part < len(data) else None
        label = (
            next((data[key] for key in _LABELS if isinstance(data.get(key), str)), "") if isinstance(data, dict) else ""
        )
        words.append(label or f"#{part + 1}")
    return " > ".join(words)


def value_at(data: Any, path: Path) -> Any:
    """Return the value at a path of plain data; None where there is none."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def left_empty(data: Any, here: Path = ()) -> Iterator[Path]:
    """Give the way to every value that was left empty."""
    if data is None:
        yield here
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from left_empty(value, (*here, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from left_empty(value, (*here, index))


def without(data: Any, paths: Collection[Path], here: Path = ()) -> Any:
    """Return plain data without the keys at `paths`."""
    if isinstance(data, dict):
        return {key: without(value, paths, (*here, key)) for key, value in data.items() if (*here, key) not in paths}
    if isinstance(data, list):
        return [without(value, paths, (*here, index)) for index, value in enumerate(data)]
    return data


def author_path(loc: tuple[str | int, ...], data: Any) -> Path:
    """Return the library's location without what the author did not write: union tags and key marks."""
    path: list[str | int] = []
    for number, part in enumerate(loc):
        if isinstance(data, dict) and isinstance(part, str):
            if part in data:
                path.append(part)
                data = data[part]
            elif number == len(loc) - 1 and part != "[key]" and not part.startswith("<"):
                path.append(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
    return tuple(path)


def other_form(given: Any, expected: str) -> str:
    """Return how to write what was meant: a number in quotes, a word that is a condition's key, or one misspelt."""
    if not isinstance(given, str):
        return ""
    if given in re.findall("[0-9]+", expected):
        return "write it without quotes"
    if given == "written" and "'blank'" in expected:
        return "write {written: true}"
    words = re.findall("'([^']*)'", expected)
    near = closest(given, words) if len(words) > 1 else ""
    return f"write `{near}`" if near else ""


def without_space(given: Any) -> str:
    """Say what is missing where the items of a list read as one text with dashes; else ""."""
    item = after_dash(given) if isinstance(given, str) else None
    return "" if item is None else f"a space is missing after the dash; write `- {item.partition(' -')[0]}`"
