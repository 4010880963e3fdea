"""Statements are the texts of docs/record.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plan_bench import FULL, SHA256

from runner.errors import Defect
from runner.signing.signers import ATTEST, CLOSE, allowed_signers
from runner.signing.statements import CameOut, FileLine, StepLine, namespace_of, statement_txt

GOLDEN = Path(__file__).parent / "golden"
CHECKPOINT = "ceremony/press-test\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
CAME_OUT = CameOut(
    results=(
        ("bag", "A\\1\t"),
        ("hash", SHA256),
        ("recoverable", False),
        ("short", SHA256[:40]),
        ("size", 2048),
    ),
    files=(FileLine(file="key_simple_tap", size=512, sha256=SHA256),),
    destroyed=("tool",),
)


def statement(about: str, **more: Any) -> str:
    fields: dict[str, Any] = {
        "about": about,
        "ceremony": "0123456789abcdef0123456789abcdef",
        "title": FULL.ceremony.title,
        "rehearsal": False,
        "step": None,
        "person": FULL.people[0],
        "role": "clerk",
        "value": None,
        "came_out": None,
        "checkpoint": CHECKPOINT,
    }
    return statement_txt(**(fields | more)).decode()


def test_consent_is_the_golden_one() -> None:
    said = statement("consent", step=StepLine(id="press", attempt=2, title="Press the key"))
    assert said == (GOLDEN / "statement-consent.txt").read_text(encoding="utf-8")


def test_a_result_is_the_golden_one() -> None:
    line = StepLine(id="press", attempt=1, title="Press the key")
    said = statement("result", rehearsal=True, step=line, came_out=CAME_OUT)
    assert said == (GOLDEN / "statement-result.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("about", "value", "sentence"),
    [
        ("close", "completed", "I was there when the ceremony ended: completed."),
        ("handover", "online", "I was there when the ceremony was handed over to the station online."),
        ("recovery", "7", "I have seen the log as it was found, with 7 entries that no checkpoint covered."),
        ("resolution", "redo", "We asked what the device holds, and decided: redo."),
    ],
)
def test_the_others_name_one_value(about: str, value: str, sentence: str) -> None:
    assert statement(about, value=value) == (
        f"STATEMENT OF {about.upper()} (statement/1)\n\n"
        "ceremony   0123456789abcdef0123456789abcdef: A press\\u{202e}, and \\\\ more\\u{a}\n"
        f"person     ada: Ada, as clerk\n\n{sentence}\n\n{CHECKPOINT}"
    )


@pytest.mark.parametrize(
    ("about", "more"),
    [
        ("consent", {"value": "completed"}),
        ("close", {}),
        ("result", {}),
        ("consent", {"came_out": CAME_OUT}),
    ],
)
def test_what_does_not_belong_together_is_a_defect(about: str, more: dict[str, Any]) -> None:
    with pytest.raises(Defect):
        statement(about, **more)


def test_only_the_close_is_signed_in_a_namespace_of_its_own() -> None:
    assert namespace_of("close") == CLOSE
    assert {namespace_of(about) for about in ("consent", "result", "handover", "recovery", "resolution")} == {ATTEST}


def test_allowed_signers_is_the_text_of_the_record() -> None:
    namespaces = "playbook-approve@ceremony,step-attest@ceremony,ceremony-close@ceremony,package-receive@ceremony"
    assert allowed_signers([("ada", "ssh-ed25519 AAAA"), ("bob", "ssh-rsa BBBB")]).decode() == (
        f'ada namespaces="{namespaces}" ssh-ed25519 AAAA\nbob namespaces="{namespaces}" ssh-rsa BBBB\n'
    )
