"""Templates: what is allowed gives what it should; everything else is refused, and so before anything is evaluated."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from runner import expression, template
from runner.errors import PlaybookFault

NAMES: dict[str, dict[str, Any]] = {
    "region": {"label": "North Sea", "n": 3, "flag": True},
    "params": {"two": "a b", "list": ["x", 2], "odd-name": "o"},
    "names": {"raw": "{{ region.label }}"},
    "ceremony": {"id": "press-test", "version": "1"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ region.label }}", "North Sea"),
        ('{{ region["n"] }}', 3),
        ("{{region.flag}}", True),
        ("a {{ region.n }} b\n", "a 3 b\n"),
        ("{{ region.n }}{{ region.n }}", "33"),
        ("{{ names.raw }}", "{{ region.label }}"),
        ("{{ region.label | slug }}-{{ params.two | upper }}", "north-sea-A B"),
        ("{{ region.n | pad(4) }}", "0003"),
        ("{{ params.two | count }}", 3),
        ("{{ params['odd-name'] | lower }}", "o"),
        ("{{ region.n == 3 }}", True),
        ("{{ 'big' if region.n > 2 else 'small' }}", "big"),
        ("{{ 1 if region.flag else 0 }}", 1),
        ("{{ '{{ and }}' }}", "{{ and }}"),
        ("{{ (region.label) }}", "North Sea"),
    ],
)
def test_renders(text: str, value: object) -> None:
    assert template.problems(text, NAMES) == []
    found = template.render(text, NAMES)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("code", "text", "offset"),
    [
        ("TPL001", "{{ regions.label }}", 3),
        ("TPL001", "x {{ params.three }}", 5),
        ("TPL001", "{{ label }}", 3),
        ("TPL001", "{{ self.x }}", 3),
        ("TPL001", "{{ loop }}", 3),
        ("TPL001", "{{ 'a' if region.flag else params.none }}", 27),
        ("REG001", "{{ region.lable }}", 3),
        ("REG001", "{{ region.__class__ }}", 3),
        ("REG001", "{{ region['items'] }}", 3),
        ("REG001", "{{ 'a' if true else region.dead }}", 20),
        ("TPL003", "{{ steps.create-world.hknso }}", 3),
        ("TPL003", "{{ trust.tool }}", 3),
        ("TPL003", "{{ card_sets.acs.threshold | upper }}", 3),
        ("TPL003", "{{ records.first.artefacts.x }}", 3),
        ("TPL002", "{{ region }}", 3),
        ("TPL002", "{{ region.label.x }}", 3),
        ("TPL002", "{{ region['a']['b'] }}", 3),
        ("TPL002", "{{ region[region.n] }}", 3),
        ("TPL002", "{{ region.items() }}", 3),
        ("TPL002", "{{ range(9) }}", 3),
        ("TPL002", "{{ 1 + 1 }}", 3),
        ("TPL002", "{{ 'a' * 1000000000 }}", 3),
        ("TPL002", "{{ 2 ** 99 }}", 3),
        ("TPL002", "{{ 7 % 2 }}", 3),
        ("TPL002", "{{ '%s' % region.n }}", 3),
        ("TPL002", "{{ 'a' ~ 'b' }}", 3),
        ("TPL002", "{{ - region.n }}", 3),
        ("TPL002", "{{ not region.flag }}", 3),
        ("TPL002", "{{ region.flag and region.flag }}", 3),
        ("TPL002", "{{ region.flag or region.flag }}", 3),
        ("TPL002", "{{ 1 < 2 < 3 }}", 3),
        ("TPL002", "{{ 'a' in 'abc' }}", 3),
        ("TPL002", "{{ 'a' not in 'abc' }}", 3),
        ("TPL002", "{{ region.n is defined }}", 3),
        ("TPL002", "{{ [1] }}", 3),
        ("TPL002", "{{ (1, 2) }}", 3),
        ("TPL002", "{{ 1, 2 }}", 3),
        ("TPL002", "{{ {'a': 1} }}", 3),
        ("TPL002", "{{ region.label[0:2] }}", 3),
        ("TPL002", "{{ none }}", 3),
        ("TPL002", "{{ 1.5 }}", 3),
        ("TPL002", "{{ 99999999999999999 }}", 3),
        ("TPL002", "{{ 'a' if region.flag }}", 7),
        ("TPL002", "{{ region.label | attr('x') }}", 18),
        ("TPL002", "{{ region.label | default('x') }}", 18),
        ("TPL002", "{{ region.label | pad }}", 18),
        ("TPL002", "{{ region.label | pad('3') }}", 18),
        ("TPL002", "{{ region.label | pad(true) }}", 18),
        ("TPL002", "{{ region.label | pad(width=3) }}", 18),
        ("TPL002", "{{ region.label | upper(1) }}", 18),
        ("TPL002", "{{ params.two | pad(*region) }}", 16),
        ("TPL002", "{{ params.list | join(',') }}", 17),
        ("TPL002", "{{- region.label }}", 2),
        ("TPL002", "{{ region.label -}}", 2),
        ("TPL002", "a {% if true %}b{% endif %}", 2),
        ("TPL002", "{# note #}", 0),
        ("TPL002", "{{ region.label", 0),
        ("TPL002", "region.label }}", 13),
        ("TPL002", "{{ }}", 3),
        ("TPL002", "{{ region. }}", 3),
        ("TPL002", "{{ " + "(" * 400 + "1" + ")" * 400 + " }}", 3),
        ("TPL002", "{{ " + "x" * 1100 + " }}", 2),
        ("TPL002", "{{ 'a }}", 0),
    ],
)  # fmt: skip
def test_refuses(code: str, text: str, offset: int) -> None:
    found = template.problems(text, NAMES)
    assert (found[0].code, found[0].offset) == (code, offset)
    with pytest.raises(PlaybookFault) as refused:
        template.render(text, NAMES)
    assert refused.value.rule == code


@pytest.mark.parametrize(
    "text",
    [
        "a {{ region.flag }}",
        "{{ params.list }}",
        "a {{ params.list }}",
        "{{ region.n == 'x' }}",
        "{{ region.flag > false }}",
        "{{ 'a' if region.n else 'b' }}",
        "{{ region.n | pad(65) }}",
        "{{ params.list | count }}",
        "{{ region.n | count }}",
        "{{ region.flag | upper }}",
    ],
)
def test_values_that_do_not_fit_are_refused(text: str) -> None:
    assert template.problems(text, NAMES) == []
    with pytest.raises(PlaybookFault) as refused:
        template.render(text, NAMES)
    assert refused.value.rule == "TPL002"


def test_plain_text_never_reaches_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "parse", lambda _: pytest.fail("parsed"))
    assert template.problems("no braces { } here", NAMES) == []
    assert template.render("no braces { } here", NAMES) == "no braces { } here"


_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["if", "else", "not", "true", "none", "in", "is", "and", "recursive", "raw", "endraw", "self", "__class__"]
)


@given(st.sampled_from(expression.ROOTS), _NAMES, st.integers(0, 3), st.integers(0, 3))
def test_a_lookup_is_what_jinja_reads(root: str, name: str, before: int, behind: int) -> None:
    text = " " * before + f"{root}.{name}" + " " * behind
    (piece,) = expression.parse("{{" + text + "}}").parts
    assert isinstance(piece, expression.Piece)
    assert piece.tree == expression.Lookup(root, name)
    assert (piece.text, piece.offset) == (text, 2)
    tree = Environment(autoescape=True).parse("{{" + text + "}}").body[0].nodes[0]
    assert tree == nodes.Getattr(nodes.Name(root, "load"), name, "load")


@pytest.mark.parametrize(
    "text", ["region.a.b", "region .a", "region.é", "regions.a", "region.1", "x.region.a", "region.a\n", "-region.a"]
)
def test_all_else_is_for_jinja_to_read(text: str) -> None:
    parts = expression.parse("{{" + text + "}}").parts
    assert not any(isinstance(part, expression.Piece) and isinstance(part.tree, expression.Lookup) for part in parts)


def test_plain_lookups_do_without_jinja() -> None:
    program = (
        "import sys; from runner import template; "
        "text, names = 'a {{ region.label }}, {{params.two}}', {'region': {'label': 'N'}, 'params': {'two': 2}}; "
        "assert template.render(text, names) == 'a N, 2'; "
        "assert template.problems(text, {}); "
        "assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_names_in() -> None:
    text = "{{ region.label }} {{ params.two if region.flag else 'x' | upper }}"
    assert template.names_in(text) == {("region", "label"), ("params", "two"), ("region", "flag")}


_PIECES = st.sampled_from(
    ["{{", "}}", " ", "region", ".", "label", "n", "[", "]", "'", '"', "if", "else", "|", "upper", "(", ")", "pad", "3",
     "==", "-", "{%", "\n", "steps", "{", "}", "%", "not", "is", ",", "\\", "9e9", "1_0", "é"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_text_renders_or_is_refused(text: str) -> None:
    found = template.problems(text, NAMES)
    assert all(0 <= problem.offset <= len(text) for problem in found)
    try:
        template.render(text, NAMES)
    except PlaybookFault as fault:
        assert fault.rule in {"TPL001", "TPL002", "TPL003", "REG001"}  # noqa: PT017 (either outcome is right)
    else:
        assert found == []
