"""Who can fill a step, what a typed value is, and whether a parameter fits: units, against a second opinion."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.document.consistency import given_misfit
from runner.document.playbook import Parameter as Declared
from runner.errors import WrongUse
from runner.exchange import Need
from runner.parameters import Given, take
from runner.plan import CardHeld, Person
from runner.quorum import eligible, fill, shortfall
from runner.values import TYPES, answered, as_value, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLES = ("administrator", "operator", "witness")

PEOPLE = st.lists(
    st.tuples(st.sets(st.sampled_from(ROLES), max_size=3), st.sampled_from([None, "acs", "ocs"])), max_size=6
).map(
    lambda rows: tuple(
        Person(
            id=f"p{number}",
            name=f"P {number}",
            roles=tuple(sorted(roles)),
            key=None,
            cards=() if card is None else (CardHeld(set=card, number=number + 1),),
            stands_in_for=None,
        )
        for number, (roles, card) in enumerate(rows)
    )
)
NEEDS = st.lists(
    st.tuples(st.sampled_from(ROLES), st.integers(1, 3), st.sampled_from([None, None, "acs"])),
    max_size=3,
    unique_by=lambda row: row[0],
).map(lambda rows: tuple(Need(role=role, count=count, holders_of=held) for role, count, held in rows))


def possible(people: Sequence[Person], needs: Sequence[Need]) -> bool:
    """Try every way to put distinct people into the slots."""
    slots = [need for need in needs for _ in range(need.count)]
    if len(slots) > len(people):
        return False
    return any(
        all(eligible(person, slot) for person, slot in zip(chosen, slots, strict=True))
        for chosen in permutations(people, len(slots))
    )


@settings(max_examples=400, deadline=None)
@given(people=PEOPLE, needs=NEEDS.filter(lambda needs: sum(need.count for need in needs) <= 4))
def test_fill_finds_people_exactly_where_trying_all_ways_does(
    people: tuple[Person, ...], needs: tuple[Need, ...]
) -> None:
    found = fill(people, needs)
    assert (found is not None) == possible(people, needs)
    assert found == fill(people, needs)
    if found is None:
        assert shortfall(people, needs)
        return
    by_id = {person.id: person for person in people}
    for need in needs:
        acting = [by_id[person] for person, role in found.items() if role == need.role]
        assert len(acting) == need.count
        assert all(eligible(person, need) for person in acting)
    assert set(found.values()) == {need.role for need in needs}


def test_fill_gives_up_a_choice_that_was_made_too_early() -> None:
    both = Person(id="a", name="A", roles=("operator", "witness"), key=None, cards=(), stands_in_for=None)
    one = Person(id="b", name="B", roles=("operator",), key=None, cards=(), stands_in_for=None)
    needs = (Need(role="operator", count=1, holders_of=None), Need(role="witness", count=1, holders_of=None))
    assert fill((both, one), needs) == {"a": "witness", "b": "operator"}
    assert fill((both,), needs) is None


DIGEST = "AB" * 32
UUID = "11111111-2222-4333-8444-55555555ABCD"

GOOD = [
    ("text", " Contoso ", "Contoso"),
    ("whole", "0", 0),
    ("whole", "-12", -12),
    ("whole", "9" * 15, 10**15 - 1),
    ("flag", "true", True),
    ("flag", "false", False),
    ("date", "2027-06-30", "2027-06-30"),
    ("moment", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    ("uuid", UUID, UUID.lower()),
    ("sha256", DIGEST, DIGEST.lower()),
    ("sha256", "AB:CD " * 16, "abcd" * 16),
    ("key_hash", "AB" * 20, "ab" * 20),
    ("size", "16 MB", 16_000_000),
    ("size", "5kB", 5_000),
    ("size", "9007199 GB", 9_007_199_000_000_000),
]
BAD = [
    *((kind, empty) for kind in TYPES for empty in ("", " ", "\n\t")),
    *(("whole", text) for text in ("+1", "01", "-0", "1.0", "1e3", "1_000", "0x10", "٣", "9" * 16, "--1", "1 2")),
    *(("size", text) for text in ("9007200 GB", "999999999 GB")),  # no number beyond 2^53 - 1 has one spelling
    *(("flag", text) for text in ("True", "yes", "1", "on", "FALSE")),
    *(
        ("date", text)
        for text in ("2027-6-30", "2027-13-01", "2027-00-10", "2027-06-32", "27-06-30", "20270630", "٢٠٢٧-06-30")
    ),
    *(
        ("moment", text)
        for text in (
            "2026-12-01",
            "2026-12-01T00:00:00",
            "2026-12-01T24:00:00Z",
            "2026-12-01t00:00:00z",
            "2026-12-01T00:00:0٣Z",
        )
    ),
    *(
        ("uuid", text)
        for text in (UUID[:-1], UUID + "0", UUID.replace("-", ""), "{" + UUID + "}", UUID.replace("1", "g"))
    ),
    *(("sha256", text) for text in (DIGEST[:-1], DIGEST + "0", "AB" * 20, "0x" + DIGEST, DIGEST[:-1] + "g")),
    *(("key_hash", text) for text in ("ab" * 32, "ab" * 19, "ab" * 20 + "0")),
    *(("size", text) for text in ("16", "16 MiB", "16 mb", "-1 MB", "1.5 MB", "16  MB", "MB", "9999999999 B")),
]


@pytest.mark.parametrize(("kind", "text", "value"), GOOD, ids=ascii)
def test_typed_text_that_fits(kind: str, text: str, value: str | int | bool) -> None:  # noqa: FBT001 (a value)
    found = typed(kind, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("kind", "text"), BAD, ids=ascii)
def test_typed_text_that_does_not_fit(kind: str, text: str) -> None:
    assert typed(kind, text) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("flag", 1),
        ("flag", 0),
        ("whole", True),
        ("whole", "1"),
        ("text", 1),
        ("date", 20270630),
        ("sha256", 0),
        ("size", 16),
    ],
    ids=ascii,
)
def test_a_value_of_another_kind_is_none(kind: str, value: str | int | bool) -> None:  # noqa: FBT001 (a value)
    assert as_value(kind, value) is None


@given(kind=st.sampled_from(TYPES), text=st.text(max_size=80))
def test_what_was_typed_has_one_spelling(kind: str, text: str) -> None:
    found = typed(kind, text)
    if found is not None and kind != "size":
        assert typed(kind, str(found).lower() if kind == "flag" else str(found)) == found


# -- parameters ----------------------------------------------------------------------------------------------------


def declared(kind: str, **more: Any) -> Declared:
    return Declared.model_validate({"type": kind, "ask": "?", **more})


@pytest.mark.parametrize(
    ("kind", "bounds", "fits", "misfits", "words"),
    [
        ("whole", {"at_least": 2}, 2, 1, "at least 2"),
        ("whole", {"at_most": 3}, 3, 4, "at most 3"),
        ("text", {"max_length": 3}, "abc", "abcd", "at most 3 characters"),
        ("text", {"pattern": "[a-z]+"}, "abc", "abc\n", "pattern"),
        ("text", {"pattern": "[a-z]+"}, "abc", "xabc1", "pattern"),
        ("choice", {"of": ("red", "blue")}, "red", "Red", "red, blue"),
        ("text", {}, "a", " ", "empty"),
        ("sha256", {}, "ab" * 32, "ab" * 31, "this has 62"),
        ("flag", {}, True, "true", "true or false"),
    ],
    ids=ascii,
)
def test_bounds_of_a_parameter(kind: str, bounds: dict[str, Any], fits: Any, misfits: Any, words: str) -> None:
    assert given_misfit(declared(kind, **bounds), fits) == ""
    assert words in given_misfit(declared(kind, **bounds), misfits)


class Playbook:
    """As much of a playbook as parameters are taken from."""

    def __init__(self, **parameters: Declared) -> None:
        self.parameters = parameters


def taken(parameter: Declared, given_value: str) -> Any:
    (one,) = take(Playbook(one=parameter), Given(values={"one": given_value}))  # type: ignore[arg-type]
    return one.value


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (declared("size"), "16 MB", 16_000_000),
        (declared("whole", at_least=2), "2", 2),
        (declared("flag"), "false", False),
        (declared("sha256"), "AB:" * 31 + "AB", "ab" * 32),
        (declared("choice", of=("red", "blue")), "blue", "blue"),
        (declared("text"), 'It\'s "so"', 'It\'s "so"'),
        (declared("text"), " Zürich 東京 ", "Zürich 東京"),
    ],
    ids=ascii,
)
def test_a_parameter_as_text(parameter: Declared, text: str, value: object) -> None:
    assert taken(parameter, text) == value


@pytest.mark.parametrize(
    ("parameter", "text", "words"),
    [
        (declared("size"), "16", "a size"),
        (declared("whole", at_least=2), "1", "at least 2"),
        (declared("whole"), "1.0", "a whole number"),
        (declared("choice", of=("red", "blue")), "green", "red, blue"),
        (declared("text"), "one\ntwo", "more than one line"),
        (declared("text"), "one\u2028two", "more than one line"),
        (declared("text"), "one\ttwo", "tab"),
        (declared("text"), "del\x7fete", "DELETE"),
        (declared("text"), "zero\u200bwidth", "ZERO WIDTH SPACE"),
        (declared("text"), "half\ud800", "surrogate"),
    ],
    ids=ascii,
)
def test_a_parameter_that_does_not_fit(parameter: Declared, text: str, words: str) -> None:
    with pytest.raises(WrongUse, match=words) as caught:
        taken(parameter, text)
    assert caught.value.rule == "SHP006"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["a\x7fb", "a\x1b[2Jb", "a\nb", "a\u202eb", "a\u200bb", "\ud800"], ids=ascii)
def test_an_answer_with_characters_that_do_not_show_fits_nothing(text: str) -> None:
    assert typed("text", text) == text
    assert answered("text", text) is None


def test_an_answer_that_shows_fits() -> None:
    assert answered("text", " A0012, Zürich 東京 ") == "A0012, Zürich 東京"
