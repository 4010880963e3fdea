"""Fixes: a few characters are replaced, every other byte stays, and what is not certain is left to people."""

from __future__ import annotations

import pytest
from document_vectors import VECTORS, parsed, vector
from hypothesis import given
from hypothesis import strategies as st

from runner.document.findings import Fix, Place, Span
from runner.document.fixes import applied, quoting, renaming
from runner.document.source import Source, read_source
from runner.vocabulary import misspelling

FIXED = {
    "SHP001-key-misspelt.ceremony.yaml": [],
    "SHP005-action.ceremony.yaml": [],
    "TPL001-name.ceremony.yaml": [],
    "TPL001-name.texts.yaml": [],
    "YAM001-colon-in-text.ceremony.yaml": [],
    "YAM001-special.ceremony.yaml": [],
    "YAM015-key-null.ceremony.yaml": ["SHP003"],
    "YAM015-key-number.ceremony.yaml": ["SHP003"],
    "YAM016-word-key.regions.yaml": [],
    "YAM017-zeros.ceremony.yaml": ["SHP003"],
    "YAM020-template-alone.ceremony.yaml": [],
    "YAM020-template-in-text.ceremony.yaml": [],
}
"""Vectors with a fix, and what is still wrong after it: the quoted word is not what is wanted there."""


def fixes(source: Source) -> list[Fix]:
    return [fix for finding in source.findings for fix in finding.fixes]


def mended(text: str) -> str:
    """Return a text after the fixes of reading; there must be some."""
    found = fixes(read_source("x", text.encode()))
    assert found, text
    return applied(text.encode(), found)[0].decode()


def fix(column: int, end: int, text: str, line: int = 1) -> Fix:
    return Fix(words="", place=Place(file="x", span=Span(line, column, line, end)), text=text)


def test_what_of_the_vectors_can_be_fixed() -> None:
    left: dict[str, list[str]] = {}
    for path in sorted(VECTORS.glob("*.yaml")):
        found = [fix for finding in parsed(vector(path.name)).findings for fix in finding.fixes]
        if found:
            content, made = applied(path.read_bytes(), found)
            assert list(made) == found
            left[path.name] = [finding.code for finding in parsed(read_source(path.name, content)).findings]
    assert left == FIXED


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("a: {{ region.x }}\n", 'a: "{{ region.x }}"\n'),
        ("a: {{ region.x }}.zip  \n", 'a: "{{ region.x }}.zip"  \n'),
        ("a: {{ x.y }}, {{ x.z }}\n", 'a: "{{ x.y }}, {{ x.z }}"\n'),
        ("- {{ x.y }} z\n", '- "{{ x.y }} z"\n'),
        ("a: the {{ x.y }} one # why\n", 'a: "the {{ x.y }} one" # why\n'),
        ('a: {{ "x" }}\n', "a: '{{ \"x\" }}'\n"),
        ("a: {b: {{ x.y }}, c: d}\n", 'a: {b: "{{ x.y }}", c: d}\n'),
        ("a: [x, 007]\n", 'a: [x, "007"]\n'),
        ("yes: 1\n", '"yes": 1\n'),
        ("鍵é: [07]\n", '鍵é: ["07"]\n'),
        ("a: {{ x.y }} z\n\n# why\nb: c\n", 'a: "{{ x.y }} z"\n\n# why\nb: c\n'),
        ("- a: {{ x.y }} z\n  b: c\n", '- a: "{{ x.y }} z"\n  b: c\n'),
        ("- {{ x.y }} z\n-  b\n", '- "{{ x.y }} z"\n-  b\n'),
        ("a: {b: {{ x.y }},\n  c: d}\n", 'a: {b: "{{ x.y }}",\n  c: d}\n'),
        ("a: Step 1: look\nb: c\n", 'a: "Step 1: look"\nb: c\n'),
        ('a: Step 1: look at "it"\n', "a: 'Step 1: look at \"it\"'\n"),
        ("a: @x, y\n", 'a: "@x, y"\n'),
        ("- a: `x`\n", '- a: "`x`"\n'),
        ("a: % of it\n", 'a: "% of it"\n'),
    ],
)
def test_what_is_put_in_quotes(written: str, becomes: str) -> None:
    assert mended(written) == becomes
    assert read_source("x", becomes.encode()).findings == ()


@pytest.mark.parametrize(
    "written",
    [
        "a: True\n",
        "a: No\n",  # the word or the flag
        "鍵é: [on]\n",
        "a: {b: {{ x.y }}.zip}\n",
        "a: {{ x.y\n",
        "a: {{ x.y }} # {{\n  b\n",
        "<<: {}\n",
        "{{ x.y }}: 1\n",
        "a: {{ x.y } }\n",
        "a: {{ '\\' }}\n",
        "a: {{ x.y\n   }}\n",
        'a: {{ "x\'y" }}\n',
        "a: {{ x.y }} z\n  goes on\n",
        "a: {{ x.y }}\n\n  goes on\n",
        "a: {{ x.y }}\n# why\n\n  goes on\n",
        "a:\n  {{ x.y }} z\n  goes on\n",
        "- a: {{ x.y }} z\n    goes on\n",
        "- {{ x.y }} z\n  goes on\n",
        "a: {b: c,\n d: {{ x.y }}.zip, e: f\n}\n",
        "a: b\n  1: {{ x.y }} z\n",
        "- [b]\n   {{ x.y }} z\n",
        "a: Step 1: look\n  goes on\n",
        "a: Step 1: look # why\n",
        "a: Look in: there\n",  # or another key
        "a: Step b: c\n",
        "a: @x\n  goes on\n",
        "a: @x # why\n",
        "a: {b: @x}\n",
        "a: {b: c,\n d: @x, e: f\n}\n",
        "a: [b,\n @x, y\n]\n",
        "a: &x y: z\n",
        "a: *x y\n",
    ],
)
def test_what_a_person_must_say(written: str) -> None:
    source = read_source("x", written.encode())
    assert source.findings
    assert fixes(source) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_other_byte_stays(mark: bytes, end: str) -> None:
    lines = ["# 鍵 é", "a:   010   # why", "", "b: {c: 'x' ,  d: 007}", "e: |", "  no", ""]
    content = mark + end.join(lines).encode()
    source = read_source("x", content)
    after, made = applied(content, fixes(source))
    wanted = [*lines]
    wanted[1], wanted[3] = 'a:   "010"   # why', "b: {c: 'x' ,  d: \"007\"}"
    assert after == mark + end.join(wanted).encode()
    assert len(made) == 2
    assert read_source("x", after).findings == ()


def test_of_two_that_overlap_only_the_first_is_made() -> None:
    content, made = applied(b"abcdef", [fix(3, 5, "X"), fix(1, 4, "Y"), fix(5, 6, "Z"), fix(5, 6, "Z")])
    assert content == b"YdZf"
    assert [one.text for one in made] == ["Y", "Z"]


def test_nothing_to_do_changes_nothing() -> None:
    for content in (b"", b"\xef\xbb\xbfa\r\n", b"a"):
        assert applied(content, []) == (content, ())


@pytest.mark.parametrize("raw", ["steps.a.b", '"steps.a.b"'])
def test_a_name_is_replaced_where_it_is_there_once(raw: str) -> None:
    place = Place(file="x", span=Span(1, 4, 1, 4 + len(raw)))
    (found,) = renaming([f"a: {raw}"], place, "a.b", "c.d")
    assert applied(f"a: {raw}".encode(), [found])[0].decode() == f"a: {raw.replace('a.b', 'c.d')}"


def test_a_name_that_is_there_twice_or_not_is_left() -> None:
    place = Place(file="x", span=Span(1, 1, 1, 6))
    assert renaming(["ab ab"], place, "ab", "c") == ()
    assert renaming(["ab cd"], place, "x", "c") == ()
    assert renaming(["ab cd"], Place(file="x", span=Span(1, 1, 2, 6)), "ab", "c") == ()
    assert renaming(["ab cd"], Place(file="x", span=Span(9, 1, 9, 6)), "ab", "c") == ()
    assert quoting(["ab cd"], place, "ab") == ()


def test_what_is_certainly_a_misspelling() -> None:
    names = ("threshold", "tool", "archive_to", "blob_to", "file_1", "file_2")
    assert misspelling("treshold", names) == "threshold"
    assert misspelling("tol", names) == "tool"
    for word in ("file_3", "world", "hold", "x", ""):
        assert misspelling(word, names) == ""


def test_two_that_would_become_the_same_key_are_left() -> None:
    good = (VECTORS / "good.ceremony.yaml").read_text()
    for line in ("    minuts: 5\n    minute: 5\n", "    minutes: 5\n    minuts: 5\n"):
        source = read_source("good.ceremony.yaml", good.replace("    minutes: 5\n", line).encode())
        found = [fix for finding in parsed(source).findings for fix in finding.fixes]
        assert len(found) == (1 if "minute:" in line else 0)
        content, _ = applied(good.replace("    minutes: 5\n", line).encode(), found)
        assert read_source("x", content).findings == ()


@given(st.text(alphabet="ab{}[]:,\"'#- \n01noyes.é\r\\", max_size=60))
def test_fixes_of_any_text_touch_their_own_characters_only(text: str) -> None:
    content = text.encode()
    found = fixes(read_source("x", content))
    after, made = applied(content, found)
    lines = after.decode().split("\n")
    assert len(lines) == text.count("\n") + 1
    longer = sum(len(one.text) - (one.place.span.end_column - one.place.span.column) for one in made)
    assert len(after.decode()) == len(text) + longer
    assert after.decode().replace('"', "").replace("'", "") == text.replace('"', "").replace("'", "")
