"""Canonical bytes, the codec and plan.json: there and back is the same, and nothing else is taken."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from runner import canonical, exchange, plan
from runner.canonical import NotCanonical
from runner.check import check
from runner.codec import from_data, kind_of, to_data
from runner.exchange import (
    REQUESTS,
    AskException,
    AskValue,
    Declined,
    DoByHand,
    GatherPeople,
    parse_reply,
    replies_of,
)
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load
from runner.parameters import Given
from runner.plan import CheckedPlan, Plan, parse_plan, plan_bytes
from runner.planning import choices, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPLIES: tuple[type[Any], ...] = get_args(exchange.Reply)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=12)
WHOLE = st.integers(-canonical.LARGEST, canonical.LARGEST)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


def of_hint(hint: Any) -> st.SearchStrategy[Any]:
    """Build a value by its type hint, as the codec reads it."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(of_hint, get_args(hint)))
    if origin is tuple:
        return st.lists(of_hint(get_args(hint)[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(KEYS, VALUES, max_size=3)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return of_class(hint)
    return {str: TEXTS, int: WHOLE, bool: st.booleans(), types.NoneType: st.none()}[hint]


def of_class(cls: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{name: of_hint(hints[name]) for name in cls.__struct_fields__})


@pytest.mark.parametrize("cls", [*REQUESTS, *REPLIES, Plan], ids=kind_of)
def test_there_and_back_is_the_same(cls: type[Any]) -> None:
    @given(of_class(cls))
    @settings(max_examples=8 if cls is Plan else 25, deadline=None)
    def check_one(value: Any) -> None:
        encoded = canonical.encode(to_data(value))
        back = from_data(cls, canonical.decode(encoded))
        assert back == value
        assert type(back) is cls
        assert canonical.encode(to_data(back)) == encoded

    check_one()


@pytest.mark.parametrize("cls", [*REQUESTS, *REPLIES], ids=kind_of)
def test_exactly_the_fields_of_the_class_are_taken(cls: type[Any]) -> None:
    @given(of_class(cls), st.data())
    @settings(max_examples=10, deadline=None)
    def check_one(value: Any, data: Any) -> None:
        honest = canonical.decode(canonical.encode(to_data(value)))
        assert from_data(cls, honest) == value
        name = data.draw(st.sampled_from(sorted(honest)))
        missing = {key: item for key, item in honest.items() if key != name}
        another = {**honest, name: {"text": 1, "whole": "1"}}
        spelled = {**{key: item for key, item in honest.items() if key != name}, name + "_": honest[name]}
        for wrong in (missing, {**honest, "extra": 1}, another, spelled, [honest], None):
            with pytest.raises(NotCanonical):
                from_data(cls, wrong)

    check_one()


@pytest.mark.parametrize("cls", [*REQUESTS, *REPLIES], ids=kind_of)
def test_a_flag_is_no_number_and_a_number_no_flag(cls: type[Any]) -> None:
    hints = get_type_hints(cls)

    @given(of_class(cls))
    @settings(max_examples=3, deadline=None)
    def check_one(value: Any) -> None:
        honest = to_data(value)
        for name, hint in hints.items():
            if hint in (int, bool):
                for wrong in (1.0, "1", None, [1], True if hint is int else 1):
                    with pytest.raises(NotCanonical):
                        from_data(cls, {**honest, name: wrong})

    check_one()


def test_every_kind_has_one_name() -> None:
    names = [kind_of(cls) for cls in (*REQUESTS, *REPLIES)]
    assert len(set(names)) == len(names)


def test_only_a_reply_that_its_request_names_is_parsed() -> None:
    """Or, of what people are asked, that somebody declined."""
    for request in REQUESTS:
        asked = request(**dict.fromkeys(request.__struct_fields__))
        asks_people = request in (GatherPeople, AskValue, DoByHand, AskException)
        for cls in REPLIES:
            answers = cls in replies_of(request) or (asks_people and cls is Declined)
            words = "is not an object" if answers else "does not answer"
            with pytest.raises(NotCanonical, match=words):
                parse_reply(asked, kind_of(cls), None)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_canonical_bytes_are_those_of_rfc8785(value: Any) -> None:
    encoded = canonical.encode(value)
    assert encoded == rfc8785.dumps(value)
    assert canonical.encode(canonical.decode(encoded)) == encoded


@given(VALUES, st.integers(0, 10_000), st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_bytes_with_one_bit_changed_are_another_value_or_none(value: object, place: int, bit: int) -> None:
    encoded = canonical.encode(value)
    at = place % len(encoded)
    changed = encoded[:at] + bytes([encoded[at] ^ (1 << bit)]) + encoded[at + 1 :]
    try:
        other = canonical.decode(changed)
    except NotCanonical:
        return
    assert other != value or type(other) is not type(value)


@pytest.mark.parametrize(
    "outside",
    [1.0, float("nan"), 2**53, -(2**53), "\x7f", "\ud800", b"x", {1: 2}, {"A": 1}, {"a-b": 1}, {"": 1}, {"a": {1}}],
    ids=repr,
)
def test_what_is_outside_the_subset_is_refused(outside: object) -> None:
    with pytest.raises(NotCanonical):
        canonical.encode({"x": outside} if not isinstance(outside, dict) else outside)


@pytest.mark.parametrize(
    "spelled",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":1e0}',
        b'{"a":-0}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b"",
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_every_second_spelling_is_refused(spelled: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.decode(spelled)


# -- plan.json -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """The plan of every region in every edition the shipped playbook follows."""
    documents = load(Disk(), find_playbook("azure-byok"), roster=None)
    made = [
        make_plan(documents, choice)
        for choice in choices(documents, region=None, edition=None, given=Given(values={}, examples=True))
    ]
    assert all(one.checked is not None for one in made)
    return [one.plan for one in made if one.plan is not None]


def test_every_plan_is_what_its_bytes_say(plans: list[Plan]) -> None:
    assert len(plans) > 18
    for one in plans:
        content = plan_bytes(one)
        back = parse_plan(content)
        assert back == one
        assert plan_bytes(back) == content
        assert not content.endswith(b"\n")


def test_a_plan_that_was_read_is_checked_like_one_that_was_made(plans: list[Plan]) -> None:
    for one in plans[::7]:
        read, made = check(parse_plan(plan_bytes(one))), check(one)
        assert isinstance(read, CheckedPlan)
        assert read == made


def records(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the way to every record of a plan; settings are the action's own and not the codec's."""
    if isinstance(value, dict):
        yield way
        for name, item in value.items():
            if name != "settings":
                yield from records(item, (*way, name))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from records(item, (*way, n))


def at(data: Any, way: tuple[str | int, ...]) -> dict[str, Any]:
    for name in way:
        data = data[name]
    found: dict[str, Any] = data
    return found


def unknown(record: dict[str, Any]) -> None:
    record["another"] = None


def missing(record: dict[str, Any]) -> None:
    record.pop(max(record))


@pytest.mark.parametrize("change", [unknown, missing])
def test_a_field_unknown_or_missing_anywhere_is_refused(
    plans: list[Plan], change: Callable[[dict[str, Any]], None]
) -> None:
    content = plan_bytes(plans[0])
    ways = list(records(canonical.decode(content)))
    shapes: set[tuple[str, ...]] = set()
    for way in ways:
        shape = tuple(name for name in way if isinstance(name, str))
        if shape in shapes:
            continue
        shapes.add(shape)
        data = canonical.decode(content)
        change(at(data, way))
        with pytest.raises(NotCanonical):
            parse_plan(canonical.encode(data))
    assert len(shapes) > 15


@pytest.mark.parametrize("form", ["plan/2", "plan/1 ", "record/1", None, 1])
def test_a_plan_of_another_format_is_refused(plans: list[Plan], form: object) -> None:
    data = canonical.decode(plan_bytes(plans[0]))
    data["format"] = form
    with pytest.raises(NotCanonical):
        parse_plan(canonical.encode(data))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_list_of_trust_is_named_by_its_values_alone(data: Any) -> None:
    """Order and case make no difference, every other change does."""
    values = data.draw(st.dictionaries(KEYS, st.text("0123456789abcdef", min_size=1, max_size=8), min_size=1))
    one = plan.trust_list("simulated", values)
    upper = {name: value.upper() for name, value in reversed(values.items())}
    assert plan.trust_list("simulated", upper).sha256 == one.sha256
    name = data.draw(st.sampled_from(sorted(values)))
    other = data.draw(st.text("0123456789abcdef", min_size=1, max_size=8))
    assume(other != values[name])
    assert plan.trust_list("simulated", {**values, name: other}).sha256 != one.sha256
