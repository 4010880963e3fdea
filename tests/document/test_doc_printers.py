"""Printing: an excerpt, a caret under the right cells, and one line for editors."""

from __future__ import annotations

from document_vectors import parsed, vector

from runner.document.findings import Finding, Place, Span, in_order
from runner.document.printing.oneline import oneline
from runner.document.printing.text import MOST_SHOWN, cells, text
from runner.document.source import read_source


def _finding(span: Span, message: str = "wrong") -> Finding:
    return Finding(code="SHP003", message=message, place=Place(file="x", span=span))


def test_text() -> None:
    source = vector("YAM014-key-twice.ceremony.yaml")
    assert text(source.findings, {source.name: source}) == (
        "error[YAM014]: `minutes` is written twice\n"
        "  --> YAM014-key-twice.ceremony.yaml:67:5\n"
        "   67 |     minutes: 3\n"
        "      |     ^^^^^^^\n"
        "  first written here: YAM014-key-twice.ceremony.yaml:66:5\n"
        "   66 |     minutes: 1\n"
        "      |     ^^^^^^^\n"
        "  help: keep one of the two\n"
        "  more: ceremony explain YAM014\n"
    )


def test_oneline() -> None:
    document = parsed(vector("SHP001-key-misspelt.ceremony.yaml"))
    line = "SHP001-key-misspelt.ceremony.yaml:55:5: error SHP001 there is no `minuts` here; write `minutes`\n"
    assert oneline(document.findings) == line


def test_carets_stand_under_wide_and_combining_characters() -> None:
    source = read_source("x", "a: '鍵の e\u0301 x'\n".encode())
    shown = text([_finding(Span(1, 11, 1, 12))], {"x": source}).splitlines()
    assert shown[2] == "    1 | a: '鍵の e\u0301 x'"
    assert shown[3] == "      | " + " " * 11 + "^"
    assert cells("鍵の e\u0301 x") == 8


def test_what_hides_is_shown() -> None:
    source = read_source("x", "a: b\u202ec\u200b\n".encode())
    shown = text(source.findings, {"x": source})
    assert "a: b\\u202ec\\u200b" in shown
    assert "\u202e" not in shown
    assert "\u202e" not in oneline([_finding(Span(1, 1, 1, 2), "x\u202ey")])
    named = Finding(code="SHP003", message="wrong", place=Place(file="a\x1b[2J\udcff", span=Span(1, 1, 1, 2)))
    for printed in (text([named], {}), oneline([named])):
        assert "a\\u001b[2J\\udcff:1:1" in printed


def test_long_lines_are_cut_around_the_caret() -> None:
    source = read_source("x", ("a: " + "b" * 5000 + "\n").encode())
    shown = text([_finding(Span(1, 4000, 1, 4003))], {"x": source}).splitlines()
    assert len(shown[2]) < 150
    assert shown[3].endswith("^^^")
    assert shown[2][shown[3].index("^")] == "b"


def test_no_more_than_fifty_are_shown() -> None:
    found = [_finding(Span(1, 1, 1, 2))] * (MOST_SHOWN + 7)
    assert text(found, {}).endswith("and 7 more\n")


def test_a_caret_stands_under_what_a_tab_pushed_away() -> None:
    source = read_source("x", b"a:\tb\n")
    shown = text([_finding(Span(1, 4, 1, 5))], {"x": source}).splitlines()
    assert shown[2:4] == ["    1 | a:\\tb", "      |     ^"]


def test_every_finding_is_printed_on_demand() -> None:
    printed = text([_finding(Span(1, 1, 1, 2))] * (MOST_SHOWN + 7), {}, every=True)
    assert printed.count("  --> ") == MOST_SHOWN + 7
    assert "more\n" not in printed.replace("more: ", "")


def test_the_same_fault_in_several_regions_is_one_finding_in_file_order() -> None:
    def finding(line: int, region: str, message: str = "wrong") -> Finding:
        place = Place(file="x", span=Span(line, 1, line, 2))
        return Finding(code="SHP003", message=message, place=place, regions=(region,), help="look")

    found = in_order(
        [finding(2, "us"), finding(1, "eu"), finding(2, "de"), finding(2, "us"), finding(2, "us", "other")]
    )
    assert [(one.place.span.line, one.message, one.regions) for one in found] == [
        (1, "wrong", ("eu",)),
        (2, "other", ("us",)),
        (2, "wrong", ("de", "us")),
    ]
    assert all(one.help == "look" for one in found)
