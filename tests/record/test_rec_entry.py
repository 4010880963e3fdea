"""What the writer refuses to write, and its keys."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from msgspec.structs import replace

from runner.audit.entry import LONGEST, SHAPES, Entry, EntryType, encode_entry
from runner.audit.note import LogKey
from runner.audit.tree import Frontier
from runner.errors import Defect
from runner.verification.forms import FORMS
from runner.verification.kinds import KINDS, REPLIES
from runner.verification.notes import read_checkpoint, read_vkey
from runner.verification.reading import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]

ENTRY = Entry(
    seq=1,
    prev="a" * 64,
    time="2026-11-25T18:23:05.123456Z",
    mono_us=5,
    boot="0123456789abcdef",
    type=EntryType.STEP_BEGUN,
    step="carry",
    attempt=1,
    actors=("dana", "emil"),
    data={"title": "Carry"},
)


def test_an_entry_is_one_canonical_line() -> None:
    assert encode_entry(ENTRY) == (
        b'{"actors":["dana","emil"],"attempt":1,"boot":"0123456789abcdef","data":{"title":"Carry"},"mono_us":5,'
        b'"prev":"'
        + b"a" * 64
        + b'","seq":1,"step":"carry","time":"2026-11-25T18:23:05.123456Z","type":"step.begun","v":1}'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": 0},
        {"prev": "A" * 64},
        {"time": "2026-11-25T18:23:05Z"},
        {"mono_us": -1},
        {"boot": "0"},
        {"step": None},
        {"attempt": None},
        {"attempt": 0},
        {"step": "Carry"},
        {"actors": ("emil", "dana")},
        {"actors": ("dana", "dana")},
        {"data": {}},
        {"data": {"title": 1}},
        {"data": {"title": "a", "note": "b"}},
        {"data": {"title": "\x7f"}},
        {"data": {"title": "\ud800"}},
        {"type": EntryType.ATTESTED},
    ],
)
def test_what_does_not_fit_is_not_written(changed: dict[str, Any]) -> None:
    encode_entry(ENTRY)
    with pytest.raises(Defect):
        encode_entry(replace(ENTRY, **changed))


def test_a_line_is_at_most_65535_bytes_with_its_end() -> None:
    room = LONGEST - 1 - len(encode_entry(replace(ENTRY, data={"title": ""})))
    assert len(encode_entry(replace(ENTRY, data={"title": "x" * room}))) + 1 == LONGEST
    with pytest.raises(Defect, match="more than 65535"):
        encode_entry(replace(ENTRY, data={"title": "x" * (room + 1)}))


def test_the_reserved_key_is_refused_at_any_depth() -> None:
    asked = {"kind": "ask_value", "device": None, "mutates": False, "request": {"a": [{"b": 1}]}}
    entry = replace(ENTRY, type=EntryType.REQUEST, data=asked)
    encode_entry(entry)
    with pytest.raises(Defect, match="prev"):
        encode_entry(replace(entry, data=asked | {"request": {"a": [{"prev": 1}]}}))


def test_writer_and_verifier_know_the_same_types() -> None:
    assert {kind.value for kind in SHAPES} == set(FORMS)
    assert SHAPES.keys() == set(EntryType)


def test_the_verifiers_kinds_are_those_that_are_exchanged() -> None:
    from typing import get_args

    from runner.codec import kind_of
    from runner.exchange import REQUESTS, Declined, RoomRequest, replies_of

    assert {kind_of(cls) for cls in REQUESTS} == set(KINDS)
    for cls in REQUESTS:
        kind = KINDS[kind_of(cls)]
        assert kind.mutates == bool(cls.mutates)
        assert set(cls.__struct_fields__) == set(kind.fields)
        replies = {*replies_of(cls), *([Declined] if cls in get_args(RoomRequest) else [])}
        assert {kind_of(reply) for reply in replies} == set(kind.replies)
        for reply in replies:
            assert set(reply.__struct_fields__) == set(REPLIES[kind_of(reply)])


# -- keys and notes ----------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_read_back_and_names_its_key() -> None:
    key = LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED)
    note = key.checkpoint(5, bytes(32))
    assert note.splitlines()[:4] == [synthetic.ORIGIN, "5", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""]
    assert note.splitlines()[4].startswith(f"\u2014 {synthetic.ORIGIN} ")
    checkpoint = read_checkpoint(note, read_vkey(key.vkey))
    assert (checkpoint.size, checkpoint.root) == (5, bytes(32))
    assert read_vkey(key.vkey).pem() == key.public_pem()


def test_a_key_of_the_go_implementations_documentation_is_read() -> None:
    # golang.org/x/mod/sumdb/note, package example: its key and its note, byte for byte.
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = read_vkey(vkey)
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    import base64

    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    signature = base64.b64decode(line)
    assert signature[:4] == key.key_id
    assert key.signed(text.encode(), signature[4:])
    assert not key.signed(text.encode() + b".", signature[4:])


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note.replace("ceremony.example", "ceremony.example2"),
        lambda note: note.replace("\u2014", "-"),
        lambda note: note + note.splitlines(keepends=True)[-1],
        lambda note: note[:-1],
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.replace("AAA=", "AAB="),
        lambda note: note.replace("=\n\n", "=\nmore\n\n"),
    ],
)
def test_a_checkpoint_has_one_spelling(change: Callable[[str], str]) -> None:
    key = LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED)
    note = key.checkpoint(5, bytes(32))
    read_checkpoint(note, read_vkey(key.vkey))
    assert change(note) != note
    with pytest.raises(ShapeError):
        read_checkpoint(change(note), read_vkey(key.vkey))


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_a_log_has_a_name_that_a_note_can_carry(origin: str) -> None:
    with pytest.raises(Defect):
        LogKey.from_seed(origin, bytes(32))


def test_a_key_shows_nothing_of_its_secret() -> None:
    key = LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED)
    assert repr(key) == f"LogKey(origin='{synthetic.ORIGIN}')"
    assert LogKey.from_seed("a", bytes(32)).vkey != LogKey.from_seed("a", bytes(31) + b"1").vkey


def test_a_frontier_is_a_value() -> None:
    empty = Frontier()
    one = empty.add(bytes(32))
    assert (empty.size, one.size, len(one.add(bytes(32)).peaks)) == (0, 1, 1)
    assert empty.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# -- rules -------------------------------------------------------------------------------------------------------------


def test_every_rule_of_the_verifier_is_explained_and_no_other() -> None:
    with (ROOT / "runner/rules.d/log.toml").open("rb") as file:
        rules = tomllib.load(file)
    sources = "".join(path.read_text() for path in (ROOT / "runner/verification").glob("*.py"))
    used = set(re.findall(r'"((?:LOG|SEC)\d{3})"', sources))
    assert used == set(rules)
    for rule, entry in rules.items():
        assert set(entry) == {"title", "why", "fix"}, rule
    described = set(re.findall(r"\b((?:LOG|SEC)\d{3})\b(?!\")", sources))
    assert used <= described
