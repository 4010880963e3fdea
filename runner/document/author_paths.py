"""The way to a value as its author wrote it, found in the library's own way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.document.findings import Path


def value_at(data: Any, path: Path) -> Any:
    """Return the value at a path of plain data; None where there is none."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
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
