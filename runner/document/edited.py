"""A document with one thing changed in memory: the file stays as it is, and every place is still that of the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from runner.document.marks import Node
from runner.vocabulary import closest

if TYPE_CHECKING:
    from runner.document.findings import Path
    from runner.document.source import Source

_LABELS: Final = ("id", "part", "item", "rule")


def locate(data: Any, way: str) -> Path | None:
    """Return the path that `way` means in a document's data, or None where it leads nowhere.

    A way is written as keys with dots between them; an item of a list is its `id` (or its part, item or rule), or its
    number from 1. The id of a step stands for the step: `carry-in` is `steps.carry-in`.
    """
    whole = _follow(data, way)
    if whole is None and "." not in way:
        return _follow(data, f"steps.{way}")
    return whole


def nearest_way(data: Any, way: str) -> str:
    """Return the way that was meant by one that leads nowhere: with the name closest to the one that is not there."""
    words = way.split(".")
    there = data
    for number, word in enumerate(words):
        part = _part(there, word)
        if part is None:
            near = closest(word, _names(there))
            if near:
                return ".".join((*words[:number], near, *words[number + 1 :]))
            step = closest(word, _names(data.get("steps"))) if number == 0 and isinstance(data, dict) else ""
            return ".".join((*(["steps"] if words[1:] else []), step, *words[1:])) if step else ""
        there = there[part]
    return ""


def _names(data: Any) -> list[str]:
    """Return the words that lead on from here, numbers apart."""
    if isinstance(data, dict):
        return list(data)
    items = data if isinstance(data, list) else []
    labels = (item.get(label) for item in items if isinstance(item, dict) for label in _LABELS)
    return [label for label in labels if isinstance(label, str)]


def _follow(data: Any, way: str) -> Path | None:
    path: list[str | int] = []
    for word in way.split("."):
        part = _part(data, word)
        if part is None:
            return None
        data = data[part]
        path.append(part)
    return tuple(path)


def _part(data: Any, word: str) -> str | int | None:
    if isinstance(data, dict):
        return word if word in data else None
    if not isinstance(data, list):
        return None
    for index, item in enumerate(data):
        if isinstance(item, dict) and any(item.get(label) == word for label in _LABELS):
            return index
    number = int(word) - 1 if word.isascii() and word.isdecimal() else -1
    return number if 0 <= number < len(data) else None


def with_value(source: Source, way: str, value: Any) -> Source | None:
    """Return a source where the value at `way` is another; a key that is not there is added to its mapping.

    None where the way leads nowhere. What is new has the place of what was there, or of the mapping around it.
    """
    path = locate(source.data, way)
    if path is None:
        around, _, key = way.rpartition(".")
        outer = locate(source.data, around) if around else ()
        if outer is None or not key or not isinstance(_at(source.data, outer), dict):
            return None
        path = (*outer, key)
    return replace(source, data=_set(source.data, path, value), root=_renewed(source.root, path))


def without(source: Source, way: str) -> Source | None:
    """Return a source without the key or the list item at `way`; None where the way leads nowhere."""
    path = locate(source.data, way)
    if path is None:
        return None
    return replace(source, data=_drop(source.data, path), root=_dropped(source.root, path))


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _set(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    copy = data.copy()
    there = copy.get(path[0]) if isinstance(copy, dict) else copy[path[0]]
    copy[path[0]] = _set(there, path[1:], value)
    return copy


def _drop(data: Any, path: Path) -> Any:
    copy = data.copy()
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _drop(copy[path[0]], path[1:])
    return copy


def _renewed(node: Node | None, path: Path) -> Node | None:
    """Return the marks with the node at `path` bare, since what was below it is no more; the old tree is unchanged."""
    if node is None:
        return None
    if not path:
        return Node(node.extent)
    child = node.child(path[0])
    return node if child is None else _with_child(node, path[0], _renewed(child, path[1:]))


def _dropped(node: Node | None, path: Path) -> Node | None:
    child = None if node is None else node.child(path[0])
    if node is None or child is None:
        return node
    return _with_child(node, path[0], None if len(path) == 1 else _dropped(child, path[1:]))


def _with_child(node: Node, part: str | int, child: Node | None) -> Node:
    """Return a copy of a node with another child, or without it where `child` is None."""
    copy = Node(node.extent)
    copy.keys = node.keys
    if isinstance(node.items, dict):
        kept = {key: item for key, item in node.items.items() if key != part}
        copy.items = kept if child is None else {**kept, str(part): child}
    elif isinstance(node.items, list):
        copy.items = [
            new for index, old in enumerate(node.items) if (new := child if index == part else old) is not None
        ]
    return copy
