"""Where a playbook may hold templates, and whether each of them is sound.

The list of places is closed: braces anywhere else are refused, since they would be read out or compared as they stand.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from runner import template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.shape import Report

CEREMONY: Final = ("id", "version", "edition", "language")
"""What templates know of the ceremony."""

_PLACES: Final = (
    ("title",),
    ("trust", "*", "value"),
    ("trust", "*", "said_by"),
    ("brings", "*", "file"),
    ("brings", "*", "sha256"),
    ("steps", "*", "part"),
    ("steps", "*", "title"),
    ("steps", "*", "say"),
    ("steps", "*", "note"),
    ("steps", "*", "caution"),
    ("steps", "*", "left_out"),
    ("steps", "*", "command"),
    ("steps", "*", "when"),
    ("steps", "*", "with", "**"),
    ("steps", "*", "expect", "*"),
    ("steps", "*", "produces", "*", "file"),
    ("steps", "*", "asks", "*", "ask"),
)
_WORD: Final = re.compile(r"[\w.-]+|\S")


class _Anything:
    """The names of a list nobody has read yet: every name is in it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def takes_template(path: Path) -> bool:
    """Return whether the value at a path of a playbook is filled in."""
    return _is_place(tuple("*" if isinstance(part, int) else part for part in path))


@lru_cache(maxsize=1024)
def _is_place(path: tuple[str, ...]) -> bool:
    """Return whether templates are filled in at a path whose positions in lists are "*"."""
    return any(_matches(path, place) for place in _PLACES)


def known_names(playbook: Playbook, regions: Regions | None) -> dict[str, Collection[str]]:
    """Return what templates of a playbook may take; without the regions file every region value is taken for known."""
    known: dict[str, Collection[str]] = {
        "params": frozenset(playbook.parameters),
        "names": frozenset(playbook.names),
        "ceremony": frozenset(CEREMONY),
    }
    if playbook.regions is not None:
        known["region"] = regions.names() if regions is not None else _Anything()
    return known


def check_templates(playbook: Playbook, regions: Regions | None, report: Report) -> None:
    """Write every fault of the playbook's templates into `report`: TPL001, TPL002, TPL003, REG001, SEC003."""
    known = known_names(playbook, regions)
    for path, text in templates_in(report.source.data):
        if not takes_template(path):
            report.add("TPL002", "nothing is filled in here", path, help_="write the words themselves")
            continue
        check_text(path, text, known, report)
        if path[0] == "trust":
            for root, name in sorted(template.names_in(text)):
                if root == "params":
                    message = f"the parameter `{name}` would say what is trusted"
                    report.add("SEC003", message, path, help_="take it from `region`, or write it here")


def check_text(path: Path, text: str, known: Mapping[str, Collection[str]], report: Report) -> bool:
    """Write every fault of the templates in one text into `report`; return whether there is none."""
    problems = template.problems(text, known)
    for problem in problems:
        word = _WORD.match(text, problem.offset)
        length = len(word[0]) if word else 1
        instead = (word[0], problem.instead) if word and problem.instead else None
        within = (problem.offset, length)
        report.add(problem.code, problem.message, path, help_=problem.help, within=within, instead=instead)
    return not problems


def templates_in(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text with a template in it, sound or not, with its path."""
    if isinstance(data, str):
        if template.is_template(data):
            yield path, data
    elif isinstance(data, dict):
        for key, inner in data.items():
            yield from templates_in(inner, (*path, key))
    elif isinstance(data, list):
        for index, inner in enumerate(data):
            yield from templates_in(inner, (*path, index))


def _matches(path: tuple[str, ...], place: tuple[str, ...]) -> bool:
    if place[-1] == "**":
        place = place[:-1]
        return len(path) > len(place) and _matches(path[: len(place)], place)
    return len(path) == len(place) and all(wanted in {"*", part} for part, wanted in zip(path, place, strict=True))
