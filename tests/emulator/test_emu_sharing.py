"""Sharing: every K of N open, no fewer do, and nothing wrong is assembled in silence."""

from __future__ import annotations

from itertools import combinations

import pytest
from emulator_bench import SeededDraw
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_emulator.errors import Refused, Status
from hsm_emulator.sharing import (
    Place,
    Quorum,
    Share,
    assemble,
    check_value,
    open_share,
    seal_share,
    share_key,
    split,
)

TOKEN = bytes(range(32))
CHECK = check_value(TOKEN, "LTNSO", "set")


def together(shares: list[Share], quorum: Quorum) -> bytes:
    return assemble(shares, quorum, "LTNSO", "set", CHECK)


@pytest.mark.parametrize(("k", "n"), [(k, n) for n in range(1, 6) for k in range(1, n + 1)])
def test_every_subset(k: int, n: int) -> None:
    quorum = Quorum(k=k, n=n)
    shares = split(TOKEN, quorum, SeededDraw("x"))
    assert [share.index for share in shares] == list(range(1, n + 1))
    for some in combinations(shares, k):
        assert together(list(some), quorum) == TOKEN
    for few in combinations(shares, k - 1):
        with pytest.raises(Refused) as caught:
            together(list(few), quorum)
        assert caught.value.status is Status.TOKEN_ASSEMBLY_FAILED
        if few:  # nor does the smaller quorum, with a library that does not know better
            with pytest.raises(Refused):
                together(list(few), Quorum(k=k - 1, n=n))


def test_three_of_sixty_four() -> None:
    quorum = Quorum(k=3, n=64)
    shares = split(TOKEN, quorum, SeededDraw("x"))
    assert together([shares[63], shares[0], shares[31]], quorum) == TOKEN
    with pytest.raises(Refused):
        together([shares[63], shares[0]], quorum)


def test_one_card_is_replication() -> None:
    assert {share.value for share in split(TOKEN, Quorum(k=1, n=3), SeededDraw("x"))} == {TOKEN}


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(2, 5), st.text(max_size=5))
def test_any_token(token: bytes, k: int, seed: str) -> None:
    quorum = Quorum(k=k, n=5)
    shares = split(token, quorum, SeededDraw(seed))
    assert assemble(shares[-k:], quorum, "T", "s", check_value(token, "T", "s")) == token


@pytest.mark.parametrize(("k", "n"), [(0, 1), (2, 1), (1, 65), (-1, 1), (0, 0)])
def test_impossible_quorum(k: int, n: int) -> None:
    with pytest.raises(Refused) as caught:
        Quorum(k=k, n=n)
    assert caught.value.status is Status.INVALID_PARAMETER


def test_repeated_foreign_and_impossible_shares() -> None:
    quorum = Quorum(k=2, n=3)
    one, two, _ = split(TOKEN, quorum, SeededDraw("x"))
    other = split(TOKEN, quorum, SeededDraw("y"))[1]
    wrong = ([one, one], [one, other], [one, Share(index=3, value=two.value)], [one, Share(index=9, value=two.value)])
    for shares in (*wrong, [one, two, other], []):
        with pytest.raises(Refused) as caught:
            together(list(shares), quorum)
        assert caught.value.status is Status.TOKEN_ASSEMBLY_FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"token": "LTM"},
        {"world": "b" * 40},
        {"set_id": "other"},
        {"index": 2},
        {"quorum": Quorum(k=1, n=3)},
        {"quorum": Quorum(k=2, n=4)},
    ],
)
def test_an_envelope_opens_in_its_place_only(change: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "token": "LTNSO", "world": "a" * 40, "set_id": "set", "index": 1, "quorum": Quorum(k=2, n=3)
    }  # fmt: skip
    place = Place(**fields)  # type: ignore[arg-type]  # the fields are above
    other = Place(**(fields | change))  # type: ignore[arg-type]  # the fields are above
    share = Share(index=1, value=TOKEN)
    key = share_key(b"p" * 32, b"m" * 32, b"c" * 32, place)
    sealed = seal_share(share, place, key, SeededDraw("x"))
    assert open_share(sealed, place, key) == share
    assert open_share(sealed, other, key) is None
    assert open_share(sealed, other, share_key(b"p" * 32, b"m" * 32, b"c" * 32, other)) is None
    for wrong in (b"P" + b"p" * 31, b"p" * 31):
        assert open_share(sealed, place, share_key(wrong, b"m" * 32, b"c" * 32, place)) is None
    assert open_share(b"", place, key) is None
    assert TOKEN.hex() not in repr(share)
