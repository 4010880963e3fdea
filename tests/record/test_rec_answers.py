"""What was typed, as the verifier reads it: the same values as the room takes, by other code, and patterns in time."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import ask

from runner.document.kinds import answer_pattern_fault, pattern_fault
from runner.plan import Ask
from runner.values import TYPES, answered, outside
from runner.verification import answers
from runner.verification.patterns import LONGEST, matches, read_pattern
from runner.verification.reading import ShapeError

GUID = "11111111-2222-4333-8444-55555555555a"


def both(kind: str, text: str, **bounds: Any) -> tuple[Any, Any]:
    """What the room takes, and what the verifier reads."""
    item = ask("x", kind, "?", **bounds)
    room = Ask(**(item | {"of": tuple(item["of"])}))
    taken = answered(kind, text)
    if taken is not None and outside(room, taken):
        taken = None
    return taken, answers.answer(answers.read_ask(item), text)


def test_the_types_are_the_rooms() -> None:
    assert set(TYPES) == answers.TYPES


@pytest.mark.parametrize(
    ("kind", "bounds", "text", "value"),
    [
        ("choice", {"of": ["red", "dark blue"]}, " dark blue ", "dark blue"),
        ("choice", {"of": ["red", "dark blue"]}, "Red", None),
        ("choice", {"of": ["red", "dark blue"]}, "", None),
        ("whole", {"at_least": -2, "at_most": 3}, "-2", -2),
        ("whole", {"at_least": -2, "at_most": 3}, "-3", None),
        ("whole", {"at_most": 3}, "4", None),
        ("whole", {}, "007", None),
        ("whole", {}, "1" * 16, None),
        ("text", {"max_length": 3}, "abc", "abc"),
        ("text", {"max_length": 3}, "abcd", None),
        ("text", {"pattern": "[A-Z]{2}-?[0-9]+"}, "AB-12", "AB-12"),
        ("text", {"pattern": "[A-Z]{2}-?[0-9]+"}, "AB-12x", None),
        ("text", {}, " ", None),
        ("flag", {}, "true", True),
        ("flag", {}, "True", None),
        ("date", {}, "2026-13-01", None),
        ("date", {}, "2026-12-01", "2026-12-01"),
        ("moment", {}, "2026-12-01T24:00:00Z", None),
        ("moment", {}, "2026-12-01T23:00:00Z", "2026-12-01T23:00:00Z"),
        ("uuid", {}, GUID.upper(), GUID),
        ("uuid", {}, GUID[:-1], None),
        ("sha256", {}, "AB:" * 31 + "AB", "ab" * 32),
        ("sha256", {}, "ab" * 31, None),
        ("key_hash", {}, "ab " * 20, "ab" * 20),
        ("size", {}, "16 MB", 16_000_000),
        ("size", {}, "16", None),
    ],
    ids=ascii,
)
def test_an_answer(kind: str, bounds: dict[str, Any], text: str, value: object) -> None:
    taken, read = both(kind, text, **bounds)
    assert (taken, type(taken)) == (read, type(read)) == (value, type(value))


@given(kind=st.sampled_from(sorted(answers.TYPES)), text=st.text(st.characters(codec="ascii"), max_size=40))
def test_what_the_room_takes_the_verifier_reads_alike(kind: str, text: str) -> None:
    taken, read = both(kind, text, **({"of": ["a", text or "b"]} if kind == "choice" else {}))
    if taken is not None:
        assert (taken, type(taken)) == (read, type(read))


# -- patterns --------------------------------------------------------------------------------------------------------

PIECES = st.builds(
    lambda one, count: one + count,
    st.sampled_from(["a", "b", " ", ".", r"\.", r"\-", "[ab]", "[a-c]", "[^a]", "[^a-b-]", r"[\]a]", "[b-]", "é"]),
    st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}"]),
)


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), st.text("ab c.-]é\n", max_size=7))
def test_a_pattern_matches_as_a_regular_expression(pattern: str, text: str) -> None:
    assert answer_pattern_fault(pattern) == ""
    assert matches(read_pattern(pattern), text) is (re.fullmatch(pattern, text) is not None)


@given(st.text("ab\\[]^-{}1,2*+?|().$&~", min_size=1, max_size=8))
def test_authors_may_write_what_the_verifier_reads_and_nothing_else(pattern: str) -> None:
    allowed = not answer_pattern_fault(pattern) and not pattern_fault(pattern)
    try:
        read_pattern(pattern)
    except ShapeError:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "a|b", "^a", "a$", r"\d", "a+?", "a++", "a{,2}", "a{2,1}", "[z-a]", "[a", "a]", "{1}", "+", "[]"],
)
def test_other_patterns_are_refused(pattern: str) -> None:
    assert answer_pattern_fault(pattern) or pattern_fault(pattern)
    with pytest.raises(ShapeError):
        read_pattern(pattern)


def test_a_long_pattern_is_refused() -> None:
    assert answer_pattern_fault("a" * LONGEST) == ""
    assert len(read_pattern("a" * LONGEST)) == LONGEST
    assert "at most 200 characters" in answer_pattern_fault("a" * (LONGEST + 1))
    with pytest.raises(ShapeError):
        read_pattern("a" * (LONGEST + 1))


def test_no_pattern_takes_long() -> None:
    begun = time.process_time()
    assert not matches(read_pattern("a*" * 60 + "b"), "a" * 5000)
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    "item",
    [
        ask("x", "text", "?", of=["a"]),
        ask("x", "choice", "?"),
        ask("x", "text", "?", at_least=1),
        ask("x", "size", "?", at_most=1),
        ask("x", "whole", "?", pattern="1"),
        ask("x", "choice", "?", of=["a"], max_length=1),
    ],
    ids=str,
)
def test_a_bound_that_is_not_for_the_type_is_no_plan(item: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        answers.read_ask(item)
