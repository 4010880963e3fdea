"""A second source of the regions' values: every difference is one finding, with both places and since when."""

from __future__ import annotations

import pytest

from runner.document.findings import Finding, Severity
from runner.document.parse import parse_regions
from runner.document.second_source import check_against
from runner.document.source import read_source

A, B, C = "A" * 64, "B" * 64, "C" * 64
HERE = f"""\
format: regions/1
editions: {{"2020-01-01": {{}}, "2021-01-01": {{}}}}
values:
  label: {{type: text}}
  tool: {{type: sha256}}
everywhere:
  suite: {{since: {{"2020-01-01": one, "2021-01-01": two}}}}
regions:
  north:
    label: North
    offered: {{from: "2020-01-01"}}
    tool: {{since: {{"2020-01-01": {A}, "2021-01-01": {B}}}}}
  south:
    label: South
    offered: {{from: "2021-01-01"}}
    tool: {C}
"""


def found(there: str, here: str = HERE, region: str | None = None) -> list[Finding]:
    mine = parse_regions(read_source("here.regions.yaml", here.encode()))
    theirs = parse_regions(read_source("there.regions.yaml", there.encode()))
    assert mine.value is not None
    assert theirs.value is not None
    return list(check_against(mine, theirs, region=region))


def other(old: str, new: str) -> str:
    assert HERE.count(old) == 1, old
    return HERE.replace(old, new)


def said(findings: list[Finding]) -> list[str]:
    return [finding.message for finding in findings]


def test_the_same_values_are_no_finding() -> None:
    assert found(HERE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (A, A.lower()),
        (A, "' " + " ".join([A[:32], A[32:]]) + "'"),
        ("label: North", "label: NORTH"),
        (f"tool: {C}", f'tool: {{since: {{"2021-01-01": {C}}}}}'),
    ],
)
def test_how_a_value_is_written_does_not_matter(old: str, new: str) -> None:
    assert found(other(old, new)) == []


def test_before_a_region_is_offered_a_value_need_not_have_begun_and_must_not_be_another() -> None:
    def south(first: str, value: str) -> str:
        text = other(f"tool: {C}", f'tool: {{since: {{"{first}": {value}, "2021-02-01": {B}}}}}')
        return text.replace('offered: {from: "2021-01-01"}', 'offered: {from: "2021-01-01", because: Tried}')

    assert found(south("2020-07-01", C), here=south("2020-08-01", C)) == []
    assert found(south("2020-08-01", C), here=south("2020-07-01", C)) == []
    dates = [
        message.rpartition(" from ")[2] for message in said(found(south("2020-08-01", A), here=south("2020-07-01", C)))
    ]
    assert dates == ["2020-08-01 on"]


def test_a_digit_that_was_copied_wrongly() -> None:
    (finding,) = found(other(B, "E" + B[1:]))
    assert (finding.code, finding.severity) == ("REG012", Severity.ERROR)
    assert finding.message == f"`tool` is `{B}` here and `E{B[1:]}` in the second source from 2021-01-01 on"
    assert (finding.place.file, finding.place.span.line) == ("here.regions.yaml", 12)
    assert HERE.splitlines()[11][finding.place.span.column - 1 :].startswith(B)
    ((why, place),) = finding.related
    assert (why, place.file, place.span) == ("the second source", "there.regions.yaml", finding.place.span)
    assert (finding.path, finding.regions) == ("regions > north > tool > since > 2021-01-01", ("north",))


def test_a_change_on_another_day() -> None:
    (finding,) = found(other(f'"2021-01-01": {B}', f'"2020-07-01": {B}'))
    assert finding.message == f"`tool` is `{A}` here and `{B}` in the second source from 2020-07-01 on"
    assert finding.path == "regions > north > tool > since > 2020-01-01"


def test_a_change_that_only_one_has() -> None:
    (finding,) = found(other(f', "2021-01-01": {B}', ""))
    assert finding.message == f"`tool` is `{B}` here and `{A}` in the second source from 2021-01-01 on"


def test_a_value_that_was_never_the_same_is_told_for_each_of_its_values_here() -> None:
    text = other(f'{{since: {{"2020-01-01": {A}, "2021-01-01": {B}}}}}', C.replace("C", "D"))
    assert [message.rpartition(" from ")[2] for message in said(found(text))] == ["2020-01-01 on", "2021-01-01 on"]


def test_a_difference_that_goes_on_is_told_once() -> None:
    text = other(C, f'{{since: {{"2021-01-01": {A}, "2021-02-01": {A.lower()}, "2021-03-01": {A}}}}}')
    assert len(found(text)) == 1


def test_a_value_that_is_the_same_everywhere_is_told_once_with_its_regions() -> None:
    (finding,) = found(other('"2021-01-01": two', '"2021-01-01": three'))
    assert (finding.regions, finding.path) == (("north", "south"), "everywhere > suite > since > 2021-01-01")


def test_a_region_that_only_one_has() -> None:
    south = HERE[HERE.index("  south:") :]
    (here_only,) = found(HERE.replace(south, ""))
    assert here_only.message == "the region `south` is not in the second source"
    assert here_only.place.span.line == 13
    (there_only,) = found(HERE, here=HERE.replace(south, ""))
    assert there_only.message == "the region `south` is in the second source only"
    assert there_only.related[0][1].span.line == 13
    assert {here_only.severity, there_only.severity} == {Severity.ERROR}


def test_a_value_that_a_region_has_in_one_only() -> None:
    never = other('    offered: {from: "2021-01-01"}', "    offered: {never: true, because: Tried}")
    less = never.replace(f"    tool: {C}\n", "")
    assert said(found(less, here=never)) == ["`tool` of `south` is not in the second source"]
    assert said(found(never, here=less)) == ["`tool` of `south` is in the second source only"]


def test_what_a_second_source_says_nothing_about_is_a_warning() -> None:
    digests = HERE.replace("  label: {type: text}\n", "")
    digests = digests.replace("    label: North\n", "").replace("    label: South\n", "")
    for findings in (found(digests), found(HERE, here=digests)):
        (finding,) = findings
        assert finding.severity is Severity.WARNING
        assert finding.message.startswith("the value `label` is ")


def test_one_region_only() -> None:
    text = other(B, C).replace(f"tool: {C}\n", f"tool: {A}\n")
    assert {finding.regions for finding in found(text)} == {("north",), ("south",)}
    assert {finding.regions for finding in found(text, region="south")} == {("south",)}


def test_files_with_faults_are_not_compared() -> None:
    good = parse_regions(read_source("x", HERE.encode()))
    bad = parse_regions(read_source("y", other(C, "D").encode()))
    assert bad.value is None
    assert check_against(good, bad, region=None) == check_against(bad, good, region=None) == ()
