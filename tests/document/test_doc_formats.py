"""Findings for programs: JSON, SARIF by its schema, and GitHub's annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from document_vectors import VECTORS, parsed, vector
from jsonschema import Draft202012Validator

from runner.document.findings import Finding, Fix, Place, Severity, Span, Waived
from runner.document.printing.github import github
from runner.document.printing.rule_text import doc_anchor
from runner.document.printing.sarif import sarif
from runner.document.printing.structured import structured
from runner.host.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = load_rules()
SCHEMA = json.loads((VECTORS.parent / "sarif" / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
PLACE = Place(file="press.ceremony.yaml", span=Span(3, 5, 3, 11))
FULL = Finding(
    code="SHP001",
    message="there is no `minuts` here",
    place=PLACE,
    path="steps > press > minuts",
    severity=Severity.WARNING,
    regions=("de", "fr"),
    related=(("first written here", Place(file="press.regions.yaml", span=Span(1, 1, 2, 4))),),
    help="write `minutes`",
    fixes=(Fix(words="write `minutes`", place=PLACE, text="minutes"),),
)
LEAST = Finding(code="YAM003", message="the file is empty", place=Place(file="x", span=Span(1, 1, 1, 1)))


def every_vector() -> Iterator[Finding]:
    for path in sorted(VECTORS.glob("*.yaml")):
        yield from parsed(vector(path.name)).findings


def sarif_faults(log: Any) -> list[str]:
    return [fault.message for fault in Draft202012Validator(SCHEMA).iter_errors(log)]


def test_json_has_every_field() -> None:
    waived = Waived(rule="QUO012", step="press", because="tried", until=None, place=PLACE)
    place = {"file": "press.ceremony.yaml", "line": 3, "column": 5, "end_line": 3, "end_column": 11}
    data = json.loads(structured([FULL, LEAST], RULES, [waived]))
    assert data["version"] == 1
    assert data["findings"][0] == {
        "code": "SHP001",
        "severity": "warning",
        "message": "there is no `minuts` here",
        "help": "write `minutes`",
        "path": "steps > press > minuts",
        "regions": ["de", "fr"],
        "place": place,
        "related": [
            {
                "why": "first written here",
                "place": {"file": "press.regions.yaml", "line": 1, "column": 1, "end_line": 2, "end_column": 4},
            }
        ],
        "fixes": [{"words": "write `minutes`", "place": place, "text": "minutes"}],
        "why": RULES["SHP001"].why,
        "doc": doc_anchor("SHP001", RULES["SHP001"]),
    }
    assert data["findings"][1].keys() == data["findings"][0].keys()
    assert data["waived"] == [{"rule": "QUO012", "step": "press", "because": "tried", "until": None, "place": place}]
    assert data["summary"] == {"errors": 1, "warnings": 1, "fixable": 1, "waived": 1}


def test_json_of_nothing() -> None:
    data = json.loads(structured([], RULES))
    assert data == {
        "version": 1,
        "findings": [],
        "waived": [],
        "summary": {"errors": 0, "warnings": 0, "fixable": 0, "waived": 0},
    }


def test_what_is_printed_for_programs_is_ascii() -> None:
    strange = Finding(code="SHP003", message="鍵 \u202e x", place=PLACE)
    for printed in (structured([strange], RULES), sarif([strange], RULES, version="1")):
        assert printed.isascii()
        assert "鍵 \u202e x" in json.dumps(json.loads(printed), ensure_ascii=False)


def test_an_anchor_is_that_of_the_heading() -> None:
    page = (VECTORS.parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    for code, rule in RULES.items():
        assert f"\n### {code}: {rule.title}\n" in page
        anchor = doc_anchor(code, rule)
        assert anchor.startswith(f"docs/rules.md#{code.lower()}-")
        assert set(anchor.partition("#")[2]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_é")


def test_sarif_of_every_vector_fits_the_schema() -> None:
    findings = [FULL, LEAST, *every_vector()]
    log = json.loads(sarif(findings, RULES, version="1.2"))
    assert sarif_faults(log) == []
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [result["ruleId"] for result in run["results"]] == [finding.code for finding in findings]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(RULES[rule["id"]].fix in rule["help"]["text"] for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)


def test_sarif_of_nothing_fits_the_schema() -> None:
    log = json.loads(sarif([], RULES, version="1.2"))
    assert sarif_faults(log) == []
    assert log["runs"][0]["results"] == []


def test_the_schema_would_see_a_fault() -> None:
    log = json.loads(sarif([FULL], RULES, version="1.2"))
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    log["runs"][0]["results"][0]["rule"] = "SHP001"
    assert len(sarif_faults(log)) == 2


def test_sarif_of_one_finding() -> None:
    (result,) = json.loads(sarif([FULL], RULES, version="1.2"))["runs"][0]["results"]
    artefact = {"uri": "press.ceremony.yaml", "uriBaseId": "%SRCROOT%"}
    region = {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 11}
    assert len(result.pop("partialFingerprints")["causeAndPath/v1"]) == 64
    assert result == {
        "ruleId": "SHP001",
        "ruleIndex": 0,
        "level": "warning",
        "message": {"text": "there is no `minuts` here; write `minutes` (regions de, fr)"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": artefact, "region": region},
                "logicalLocations": [{"fullyQualifiedName": "steps > press > minuts"}],
            }
        ],
        "relatedLocations": [
            {
                "id": 1,
                "message": {"text": "first written here"},
                "physicalLocation": {
                    "artifactLocation": {"uri": "press.regions.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 1, "startColumn": 1, "endLine": 2, "endColumn": 4},
                },
            }
        ],
        "fixes": [
            {
                "description": {"text": "write `minutes`"},
                "artifactChanges": [
                    {
                        "artifactLocation": artefact,
                        "replacements": [{"deletedRegion": region, "insertedContent": {"text": "minutes"}}],
                    }
                ],
            }
        ],
        "properties": {"regions": ["de", "fr"]},
    }


def fingerprint(finding: Finding) -> str:
    (result,) = json.loads(sarif([finding], RULES, version="1.2"))["runs"][0]["results"]
    return str(result["partialFingerprints"]["causeAndPath/v1"])


def test_a_fingerprint_stays_when_lines_move_and_not_when_the_cause_is_another() -> None:
    def finding(message: str = "wrong", path: str = "steps", line: int = 1) -> Finding:
        return Finding(code="SHP003", message=message, path=path, place=Place(file="x", span=Span(line, 1, line, 2)))

    assert fingerprint(finding(line=7)) == fingerprint(finding())
    assert len({fingerprint(one) for one in (finding(), finding("other"), finding(path="title"))}) == 3


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/%é.yaml", "a%20b/%25%C3%A9.yaml"),
        ("/srv/x.yaml", "file:///srv/x.yaml"),
        ("c:x", "c%3Ax"),
        ("a\udcff", "a%FF"),
    ],
)
def test_names_of_files_in_sarif(file: str, uri: str) -> None:
    finding = Finding(code="SHP003", message="wrong", place=Place(file=file, span=Span(1, 1, 1, 2)))
    log = json.loads(sarif([finding], RULES, version="1.2"))
    assert sarif_faults(log) == []
    (location,) = log["runs"][0]["results"][0]["locations"]
    artefact = location["physicalLocation"]["artifactLocation"]
    assert artefact["uri"] == uri
    assert ("uriBaseId" in artefact) is not file.startswith("/")


def test_github() -> None:
    assert github([FULL]) == (
        "::warning file=press.ceremony.yaml,line=3,col=5,endLine=3,endColumn=11,title=SHP001"
        "::there is no `minuts` here%0Awrite `minutes`%0Aregions de, fr\n"
    )


def test_github_has_no_columns_over_several_lines() -> None:
    finding = Finding(code="SHP003", message="wrong", place=Place(file="x", span=Span(1, 2, 3, 4)))
    assert github([finding]) == "::error file=x,line=1,endLine=3,title=SHP003::wrong\n"


def test_nothing_in_a_finding_can_end_a_command_of_github() -> None:
    place = Place(file="a,line=9:50%\n.yaml", span=Span(1, 1, 1, 2))
    printed = github([Finding(code="SHP003", message="100%\r\n::error::no\u202e", place=place)])
    assert printed == (
        "::error file=a%2Cline=9%3A50%25%0A.yaml,line=1,col=1,endLine=1,endColumn=2,title=SHP003"
        "::100%25\\u000d%0A::error::no\\u202e\n"
    )
