"""The pure parser with shortcuts says what the library's own does, event by event, and stumbles where it does."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner.document import pure_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("tests/vectors/**/*.yaml"), *ROOT.glob("ceremonies/**/*.yaml")])
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_bytes().decode("utf-8", "replace") for path in FILES}

PIECES = st.sampled_from(
    [*"{}[]:,&*!|>%@`#?-~\"'\\\n ", "- ", ": ", "? ", "\n  ", "\n- ", "a", "b c", "key: ", "---\n", "...\n",
     "%YAML 1.1\n", "|\n  ", ">-\n  ", "<<", "'x'", '"y"', "&a ", "*a", "!!int ", "x" * 1100, "\t", "\r",
     "\ufeff", "\u2028", "\x85"]
)  # fmt: skip


def told(events: Iterator[Any]) -> list[object]:
    """Return each event, with its marks, and in the end what was raised."""
    found: list[object] = []
    try:
        found.extend(
            (type(event).__name__, *(_plain(getattr(event, name)) for name in _names(event))) for event in events
        )
    except Exception as fault:  # noqa: BLE001 (whatever it is, the other must raise it too)
        found.append((type(fault).__name__, str(fault)))
    return found


def _names(event: Any) -> list[str]:
    return sorted({name for kind in type(event).__mro__ for name in getattr(kind, "__slots__", ())} & {*dir(event)})


def _plain(value: Any) -> object:
    return (value.index, value.line, value.column) if hasattr(value, "column") else value


def library(text: str) -> Iterator[Any]:
    yield from YAML(typ="safe", pure=True).parse(text)


def test_there_are_files_to_compare() -> None:
    assert len(TEXTS) > 250
    assert len(told(library(TEXTS["ceremonies/azure-byok/azure-byok.ceremony.yaml"]))) > 500
    event = next(islice(library("a: 'b'"), 4, None))
    assert {"start_mark", "end_mark", "value", "style", "anchor"} <= {*_names(event)}


@pytest.mark.parametrize("name", TEXTS)
def test_files_give_the_same_events(name: str) -> None:
    assert told(pure_parser.events(TEXTS[name])) == told(library(TEXTS[name]))


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_gives_the_same_events(text: str) -> None:
    assert told(pure_parser.events(text)) == told(library(text))
