"""Digests in words, values written plainly, and what is heard when words are typed back."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from plan_bench import SHA256, WORDS

from runner.spoken import UNSEEN, Slip, hear, plain, plain_value, unlike, word_lines, words

EXAMPLE = bytes.fromhex("E58294F2E9A227486E8B061B31CC528FD7FA3F19")
SPELT = (
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa "
    "afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless"
)
ALL = [word for byte in range(256) for word in words(bytes([byte, byte]))]

digests = st.binary(min_size=4, max_size=32)


def test_the_published_example() -> None:
    assert " ".join(words(EXAMPLE)) == SPELT


def test_the_lists_are_the_published_ones() -> None:
    even, odd = ALL[::2], ALL[1::2]
    assert (even[0], even[9], even[255], odd[0], odd[10], odd[255]) == (
        *("aardvark", "Algol", "Zulu"),
        *("adroitness", "Apollo", "Yucatan"),
    )
    assert len({word.casefold() for word in ALL}) == 512
    spelt = "\n".join([*even, *odd])
    assert hashlib.sha256(spelt.encode()).hexdigest() == (
        "e9b7b0052233a74aa56724ed3f79c272036aed68d8f4c0856e833c8043b9ac62"
    ), "compared once with two other copies of the list"


def test_a_digest_has_four_lines_of_eight() -> None:
    assert word_lines(SHA256) == WORDS


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("as it is, und \u00e4hnlich", "as it is, und \u00e4hnlich"),
        ("a\\b", "a\\\\b"),
        ("a\nb\x7f", "a\\u{a}b\\u{7f}"),
        ("\u202eevil\u200b", "\\u{202e}evil\\u{200b}"),
        ("\u00a0", "\\u{a0}"),
        ("\\u{a}", "\\\\u{a}"),
        ("\U000e0001", "\\u{e0001}"),
        ("", ""),
    ],
)
def test_plain(text: str, seen: str) -> None:
    assert plain(text) == seen


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert re.search(f"[\t\n{UNSEEN}]", plain(one)) is None
    assert (plain(one) == plain(other)) is (one == other)


def test_what_is_seen_does_not_change_with_python_or_unicode() -> None:
    """Whatever Python runs this, every code point is written as on the day the form was fixed."""
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert hashlib.sha256(plain(everything).encode()).hexdigest() == (
        "39293599afad017beaabff9092125bf480d8724585c2c88bb3c3f48c25193147"
    )


def test_values() -> None:
    assert [plain_value(value) for value in (True, False, 1, -3, "1\n")] == ["true", "false", "1", "-3", "1\\u{a}"]


# -- hear ------------------------------------------------------------------------------------------------------------


@given(digests, st.sampled_from([" ", ", ", " - ", "\t", ".  "]))
def test_what_is_right_is_heard_in_any_case(digest: bytes, between: str) -> None:
    spelt = between.join(words(digest))
    assert hear(spelt, digest) is None
    assert hear(f" {spelt.upper()} ", digest) is None


@given(digests, st.data())
def test_a_word_left_out_is_placed(digest: bytes, data: st.DataObject) -> None:
    spelt = list(words(digest))
    at = data.draw(st.integers(0, len(spelt) - 1))
    heard = hear(" ".join(spelt[:at] + spelt[at + 1 :]), digest)
    assert heard is not None
    assert (heard.slip, heard.place) == (Slip.MISSING, at + 1)


@given(digests, st.data())
def test_a_word_said_twice_is_placed(digest: bytes, data: st.DataObject) -> None:
    spelt = list(words(digest))
    at = data.draw(st.integers(0, len(spelt) - 1))
    heard = hear(" ".join([*spelt[: at + 1], *spelt[at:]]), digest)
    assert heard is not None
    assert (heard.slip, heard.place) == (Slip.DOUBLED, at + 2)
    assert heard.words == f"word {at + 1}, `{spelt[at].casefold()}`, is there twice"


@given(digests, st.data())
def test_two_words_swapped_are_placed(digest: bytes, data: st.DataObject) -> None:
    spelt = list(words(digest))
    at = data.draw(st.integers(0, len(spelt) - 2))
    spelt[at], spelt[at + 1] = spelt[at + 1], spelt[at]
    heard = hear(" ".join(spelt), digest)
    assert heard is not None
    swapped_back = at > 0 and spelt[at] == spelt[at - 1]  # a x x: as good a reading is that x is there twice
    assert (heard.slip, heard.place) == (Slip.DOUBLED if swapped_back else Slip.SWAPPED, at + 1)


@given(digests, st.data())
def test_another_word_is_placed(digest: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(digest) - 1))
    other = data.draw(st.integers(0, 255))
    assume(other != digest[at])
    spelt = words(digest[:at] + bytes([other]) + digest[at + 1 :])
    heard = hear(" ".join(spelt), digest)
    assert heard is not None
    assert (heard.slip, heard.place) == (Slip.WRONG, at + 1)


@given(digests, st.sampled_from(ALL))
def test_a_word_too_many_at_the_end_is_placed(digest: bytes, more: str) -> None:
    spelt = words(digest)
    heard = hear(" ".join([*spelt, more]), digest)
    assert heard is not None
    assert (heard.slip, heard.place) == (
        Slip.DOUBLED if more == spelt[-1] else Slip.EXTRA,
        len(spelt) + 1,
    )


@given(digests, st.data())
def test_a_word_of_no_list_is_placed(digest: bytes, data: st.DataObject) -> None:
    spelt = list(words(digest))
    at = data.draw(st.integers(0, len(spelt) - 1))
    spelt[at] = "xyzzy"
    heard = hear(" ".join(spelt), digest)
    assert heard is not None
    assert (heard.slip, heard.place) == (Slip.UNKNOWN, at + 1)


@given(digests, st.lists(st.sampled_from(ALL), max_size=40))
def test_nothing_else_is_ever_heard_as_right(digest: bytes, typed: list[str]) -> None:
    heard = hear(" ".join(typed), digest)
    assert (heard is None) is (tuple(typed) == words(digest))
    if heard is not None:
        assert 1 <= heard.place <= min(len(typed), len(digest)) + 1


@given(digests, st.lists(st.sampled_from(ALL), min_size=1, max_size=40))
def test_the_right_word_is_never_given_away(digest: bytes, typed: list[str]) -> None:
    heard = hear(" ".join(typed), digest)
    said = set() if heard is None else set(heard.words.replace("`", " ").replace(",", " ").split())
    secret = {word.casefold() for word in words(digest)} - {word.casefold() for word in typed}
    assert not said & (secret - {"document"})


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "word 1 of 4 is not there: the words end before it"),
        ("topmost istanbul pluto", "word 4 of 4 is not there: the words end before it"),
        ("topmost pluto vagabond", "word 2 of 4 is left out"),
        ("topmost istambul pluto vagabond", "word 2 of 4, `istambul`, is not in the list; perhaps `istanbul` is meant"),
        ("topmost xyzzy pluto vagabond", "word 2 of 4, `xyzzy`, is not in the list"),
        ("topmost topmost istanbul pluto vagabond", "word 1, `topmost`, is there twice"),
        ("istanbul topmost pluto vagabond", "words 1 and 2, `istanbul` and `topmost`, are swapped"),
        ("topmost istanbul tiger pluto vagabond", "`tiger`, typed as word 3, is one too many"),
        ("topmost istanbul tiger vagabond", "word 3 of 4 is not `tiger`"),
        ("topmost tiger pluto", "word 2 of 4 cannot be `tiger`: a word is left out, doubled or swapped near it"),
    ],
)
def test_what_people_are_told(typed: str, said: str) -> None:
    heard = hear(typed, EXAMPLE[:4])
    assert heard is not None
    assert heard.words == said


# -- unlike ----------------------------------------------------------------------------------------------------------


@given(st.text(alphabet="0OolI1B8S5Z2abc-", min_size=1), st.text(alphabet="0OolI1B8S5Z2abc-"))
def test_only_the_same_code_is_like_it(code: str, typed: str) -> None:
    assert unlike(f"  {code} ", code) is None
    found = unlike(typed, code)
    assert (found is None) is (typed == code)
    if found is not None:
        assert typed[: found.place - 1] == code[: found.place - 1]
        assert typed[found.place - 1 : found.place] != code[found.place - 1 : found.place]


@pytest.mark.parametrize(
    ("typed", "expected", "alike", "said"),
    [
        ("SIM-O1", "SIM-01", True, "character 5 is the capital letter O, and the digit 0 belongs there"),
        ("SIM-0l", "SIM-01", True, "character 6 is the small letter l, and the digit 1 belongs there"),
        ("SIM-0I", "SIM-01", True, "character 6 is the capital letter I, and the digit 1 belongs there"),
        ("8", "B", True, "character 1 is the digit 8, and the capital letter B belongs there"),
        ("5", "S", True, "character 1 is the digit 5, and the capital letter S belongs there"),
        ("Z", "2", True, "character 1 is the capital letter Z, and the digit 2 belongs there"),
        ("sim", "SIM", True, "character 1 is the small letter s, and the capital letter S belongs there"),
        ("A7", "A9", False, "character 2 is not the digit 7"),
        ("A_", "A-", False, "character 2 is not `_`"),
        ("A", "A9", False, "only 1 of 2 characters were typed"),
        ("A99", "A9", False, "more than 2 characters were typed"),
    ],
)
def test_the_first_difference_is_named(typed: str, expected: str, alike: bool, said: str) -> None:  # noqa: FBT001 (a case)
    found = unlike(typed, expected)
    assert found is not None
    assert (found.alike, found.words) == (alike, said)
