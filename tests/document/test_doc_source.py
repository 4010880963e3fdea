"""Reading: what plain scalars mean, where things stand, the limits, and that no bytes raise."""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from document_vectors import CEREMONY, VECTORS, parsed, vector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.document import characters
from runner.document.findings import Span
from runner.document.source import MOST_BYTES, Source, read_source

if TYPE_CHECKING:
    from runner.document.events import Parser
    from runner.document.marks import Node

BOTH = pytest.mark.parametrize("parser", ["pure", "best"])
EVERY_CODE_POINT = range(sys.maxunicode + 1)


def _data(text: str, parser: Parser = "best") -> Any:
    source = read_source("x", text.encode(), parser=parser)
    assert source.findings == ()
    return source.data


def _codes(data: bytes, parser: Parser = "best") -> list[str]:
    return [finding.code for finding in read_source("x", data, parser=parser).findings]


@BOTH
def test_plain_scalars(parser: Parser) -> None:
    text = (
        "a: true\nb: false\nc: 12\nd: -3\ne: ~\nf: null\ng:\nh: 1.5\ni: 2030-01-31\nj: 0x10\nk: 0o7\nl: 1_000\nm: 1e3\n"
        "nn: +5\no: 1234567890123456\np: '7'\nq: \"true\"\nr: 22:22\ns: Norway\nt: -0\nu: 0\nv: ''\n"
    )
    assert _data(text, parser) == {
        "a": True, "b": False, "c": 12, "d": -3, "e": None, "f": None, "g": None, "h": "1.5", "i": "2030-01-31",
        "j": "0x10", "k": "0o7", "l": "1_000", "m": "1e3", "nn": "+5", "o": "1234567890123456", "p": "7", "q": "true",
        "r": "22:22", "s": "Norway", "t": "-0", "u": 0, "v": "",
    }  # fmt: skip


@BOTH
def test_block_text_and_question_marks(parser: Parser) -> None:
    text = "a: |\n  x\n  {{ y }}\n\nb: >-\n  p\n  q\nc: {d: Is it on?, e?f: [what?]}\ng: Is it?\n"
    expected = {"a": "x\n{{ y }}\n", "b": "p q", "c": {"d": "Is it on?", "e?f": ["what?"]}, "g": "Is it?"}
    assert _data(text, parser) == expected


@BOTH
def test_byte_order_mark_and_windows_lines(parser: Parser) -> None:
    source = read_source("x", b"\xef\xbb\xbfa: 1\r\nb:\r\n  - c\r\n", parser=parser)
    assert (source.findings, source.data) == ((), {"a": 1, "b": ["c"]})
    assert source.key_span_of(("a",)) == Span(1, 1, 1, 2)
    assert source.span_of(("b", 0)) == Span(3, 5, 3, 6)


@BOTH
def test_lines_that_end_with_cr_alone_are_one_fault(parser: Parser) -> None:
    (finding,) = read_source("x", b"a: 1\rb: 2\r# end\r", parser=parser).findings
    assert (finding.code, finding.message) == ("YAM019", "the lines end with CR alone")
    assert (finding.help, finding.place.span) == ("save the file with LF", Span(1, 1, 1, 2))
    assert _codes(b"a: 1\rb: 2\r\n", parser) == ["YAM019"]  # a single one among others is a character nobody sees
    assert _codes(b"a: 1\r\nb: 2\r\n", parser) == []


@BOTH
def test_places(parser: Parser) -> None:
    source = read_source("x", "a: {b: 'é'}\nc:\n  - d: x\n    e: |\n      y\n\n  - f\n# end\n".encode(), parser=parser)
    assert source.span_of(("a", "b")) == Span(1, 8, 1, 11)
    assert source.key_span_of(("a", "b")) == Span(1, 5, 1, 6)
    assert source.span_of(("c",)) == Span(3, 3, 7, 6)
    assert source.span_of(("c", 0)) == Span(3, 5, 5, 8)
    assert source.span_of(("c", 0, "nothing", 3)) == source.span_of(("c", 0))
    assert source.key_span_of(("c", 1)) == source.span_of(("c", 1)) == Span(7, 5, 7, 6)
    assert source.place_within(("a", "b"), 0, 1).span == Span(1, 9, 1, 10)


@BOTH
@pytest.mark.parametrize(
    ("text", "word", "span"),
    [
        ("a: |\n  one\n  two é here\n", "é", (3, 7, 3, 8)),
        ("a: |\n  one\n\n    deeper word\n  two\n", "word", (4, 12, 4, 16)),
        ("- b:\n    - c: |- # why\n        first\n        second\n", "second", (4, 9, 4, 15)),
        ("a: >\n  one\n  two three\n\n  four\n", "three", (3, 7, 3, 12)),
        ("a: >\n  one\n  two three\n\n  four\n", "four", (5, 3, 5, 7)),
        ("a: >-\n\n  one\n    deeper\n   and so\n  last\n", "so", (5, 8, 5, 10)),
        ("a: |+\n  one\n  two \n   \n  three\n\n", "three", (5, 3, 5, 8)),
        ("a: |\n  one two\n  three\n", "two\nthree", (2, 7, 2, 10)),
        ("a: |2\n   one\n  two\n", "two", (1, 4, 3, 6)),
        ("a: |\n  one\n  two\n", "\n", (1, 4, 3, 6)),
        ('a: "one\n  two"\n', "two", (1, 4, 2, 7)),
    ],
)
def test_places_within_blocks_of_text(parser: Parser, text: str, word: str, span: tuple[int, int, int, int]) -> None:
    for ending in ("\n", "\r\n"):
        source = read_source("x", text.replace("\n", ending).encode(), parser=parser)
        assert source.findings == ()
        path, value = ("a",), source.data
        if isinstance(value, list):
            path, value = (0, "b", 0, "c"), value[0]["b"][0]["c"]
        else:
            value = value["a"]
        assert source.place_within(path, value.index(word), len(word)).span == Span(*span)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.text(alphabet='ab -:#{}"|>é', max_size=6)), min_size=1, max_size=6),
    st.sampled_from(["|", ">", "|-", ">-", "|+", ">+"]),
)
def test_a_place_within_a_block_holds_those_characters(lines: list[tuple[int, str]], header: str) -> None:
    text = f"a: {header}\n" + "".join(f"{' ' * (2 + more)}{line}\n" for more, line in lines) + "b: c\n"
    source = read_source("x", text.encode())
    if source.findings or not isinstance(source.data.get("a"), str):
        return
    whole = source.span_of(("a",))
    for offset, character in enumerate(source.data["a"]):
        span = source.place_within(("a",), offset, 1).span
        assert span == read_source("x", text.encode(), parser="pure").place_within(("a",), offset, 1).span
        if span != whole:
            assert source.lines[span.line - 1][span.column - 1 : span.end_column - 1] == character
        else:
            assert character in " \n"


@BOTH
@pytest.mark.parametrize(
    ("code", "fits", "too_much"),
    [
        ("YAM004", b"a: 1 #" + b"x" * (MOST_BYTES - 6), b"a: 1 #" + b"x" * (MOST_BYTES - 5)),
        ("YAM005", b"[" * 32 + b"]" * 32, b"[" * 33 + b"]" * 33),
        ("YAM006", b"[" + b"a," * 49_999 + b"]", b"[" + b"a," * 50_000 + b"]"),
        ("YAM007", b"a: " + b"x" * 65_536, b"a: " + b"x" * 65_537),
    ],
    ids=["bytes", "depth", "nodes", "text"],
)
def test_limits(code: str, fits: bytes, too_much: bytes, parser: Parser) -> None:
    assert _codes(fits, parser) == []
    assert _codes(too_much, parser) == [code]


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        b"# " + b'\\"' * 500_000 + b"\na: {{ x }} y\n",
        b"[" * 500_000,
        b"!" * 500_000,
        b"&a " * 100_000,
        b"? " * 100_000,
        b"{{" * 100_000,
        b"\t" * 99,
    ],
)
def test_hostile_texts_end_soon(data: bytes, parser: Parser) -> None:
    assert _codes(data, parser)


def test_several_faults_in_one_go() -> None:
    assert _codes(b"a: yes\nb: 007\nb: &x 1\n*y: 2\n")[:3] == ["YAM016", "YAM017", "YAM014"]


def test_duplicate_keys_show_both_places() -> None:
    finding = read_source("x", b"a: 1\nb: 2\na: 3\n").findings[0]
    assert (finding.place.span.line, finding.related[0][1].span.line) == (3, 1)


def test_every_character_that_hides_is_refused() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    for code in EVERY_CODE_POINT:
        character = chr(code)
        category = unicodedata.category(character)
        refused = next(characters.refused(character), None) is not None
        if character in "\n\t ":
            assert not refused
        elif category in hidden or category == "Zs":
            assert refused, hex(code)
        elif category[0] in "LNPSM":
            default_ignorable = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0xFFFD}
            variation = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F
            mark = code in default_ignorable or variation or 0x13430 <= code <= 0x1345F
            assert not refused or mark, hex(code)


def _tree(node: Node | None) -> Any:
    if node is None or node.items is None:
        return node and node.extent
    inner = node.items.items() if isinstance(node.items, dict) else enumerate(node.items)
    return node.extent, node.keys, [(key, _tree(child)) for key, child in inner]


def _same(first: Source, second: Source) -> None:
    assert first.findings == second.findings
    assert first.data == second.data
    assert _tree(first.root) == _tree(second.root)


@pytest.mark.parametrize(
    "path", sorted([*VECTORS.glob("*.yaml"), *CEREMONY.glob("*.yaml")]), ids=lambda path: path.name
)
def test_both_parsers_say_the_same_of_files(path: Any) -> None:
    data = path.read_bytes()
    _same(read_source("x", data, parser="pure"), read_source("x", data))


@pytest.mark.parametrize(
    "text",
    [
        "a: {b?c: 1, d: e?, f? : }\n",
        "a: {b: c?,\n d?: [e?, f? g]}\n",
        "a: |\n \n  b\n",
        "a: >#c\n  b\n",
        "|\n#2\n",
        "a: b\n...\n...\n",
        "a: 1\n*b: 2\n",
        "a: [1\nb: {\n",
        ">-\na: b\n",
    ],
)
def test_both_parsers_say_the_same_where_they_differ(text: str) -> None:
    _same(read_source("x", text.encode(), parser="pure"), read_source("x", text.encode()))


_PIECES = st.sampled_from(
    [
        *"abc01 \n\n:-,[]{}?|>&*!%@`'\"#~<\\.é=",
        ": ",
        "- ",
        "\n  ",
        "{{ x }}",
        "---\n",
        "...\n",
        "yes",
        "007",
        "\\u202e",
        "<<: ",
        "\r\n",
        "|2\n",
        "a: b\n",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=200), st.lists(_PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode())))
def test_any_bytes_are_read_or_refused_alike(data: bytes) -> None:
    pure, best = read_source("x", data, parser="pure"), read_source("x", data)
    _same(pure, best)
    assert pure.findings or pure.data is not None
    for finding in pure.findings:
        assert finding.place.span.line >= 1
        assert finding.place.span.column >= 1


_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 99),
        st.sampled_from(["x", "a-b", "{{ region.x }}", "steps.a.b", "2030-01-31", "A" * 64]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["id", "at", "with", "since", "title", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["ceremony", "regions", "roster"]), st.data())
def test_any_shape_is_parsed_or_refused(kind: str, draw: st.DataObject) -> None:
    source = vector(f"good.{kind}.yaml")
    paths = [path for path in _paths(source.data, ()) if path]
    *around, last = draw.draw(st.sampled_from(paths))
    inner = source.data
    for part in around:
        inner = inner[part]
    inner[last] = draw.draw(_VALUES)
    document = parsed(source)
    assert document.value is not None or document.findings
    assert all("fit here" not in finding.message for finding in document.findings)


def _paths(data: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(found for key, value in inner for found in _paths(value, (*path, key)))]
