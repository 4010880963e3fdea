"""The maker of texts and the island that judges them follow one page and share no code: they agree byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plan_bench import BARE, FULL, PRESS, SHA256, TERMS, person, signer

from runner.codec import to_data
from runner.plan import Literal, Parameter, Plan
from runner.signing import manifest, signers, statements
from runner.verification import manifest as island_manifest
from runner.verification import signers as island_signers
from runner.verification import statements as island_statements
from runner.verification.signatures import check_signature, read_key

texts = st.text(max_size=20)
values = st.one_of(texts, st.integers(-5, 5), st.booleans(), st.sampled_from([SHA256, SHA256[:40], SHA256.upper()]))


def both(plan: Plan) -> tuple[bytes, bytes]:
    made = manifest.manifest_txt(plan, SHA256, TERMS)
    return made, island_manifest.rebuild_manifest(to_data(plan), SHA256, island_manifest.read_terms(made))


@pytest.mark.parametrize(
    "plan", [FULL, BARE, replace(FULL, ceremony=replace(FULL.ceremony, edition=None)), replace(FULL, people=())]
)
def test_the_manifest_is_made_alike(plan: Plan) -> None:
    made, rebuilt = both(plan)
    assert made == rebuilt


@given(texts, values)
def test_the_manifest_is_made_alike_whatever_people_write(text: str, value: str | int | bool) -> None:  # noqa: FBT001 (a value)
    expect = (replace(PRESS.expect[0], equals=Literal(value=value)),)
    plan = replace(
        FULL,
        ceremony=replace(FULL.ceremony, title=text, owner=text, procedure=text),
        region=text,
        parameters=(Parameter(name="label", type="text", value=value),),
        trust=(replace(FULL.trust[0], said_by=text),),
        people=(person("ada", text, "clerk", number=1),),
        waivers=(replace(FULL.waivers[0], because=text),),
        inventory=(replace(FULL.inventory[0], item=text),),
        artefacts=(replace(FULL.artefacts[0], file=text),),
        steps=(replace(PRESS, title=text, command=text, left_out=text, expect=expect),),
    )
    made, rebuilt = both(plan)
    assert made == rebuilt


def test_sums_and_signers_are_made_alike() -> None:
    sources: Any = to_data(FULL.sources)
    assert manifest.sums_txt(SHA256, FULL.sources) == island_manifest.rebuild_sums(SHA256, sources)
    people = [("ada", signer(1).public), ("bob", signer(2).public)]
    assert signers.allowed_signers(people) == island_signers.allowed_signers(people)
    for name in ("APPROVE", "ATTEST", "CLOSE", "RECEIVE"):
        assert getattr(signers, name) == getattr(island_signers, name)


@pytest.mark.parametrize("rehearsal", [True, False])
@pytest.mark.parametrize("about", ["consent", "result", "close", "handover", "recovery", "resolution"])
@given(text=texts, value=values)
def test_statements_are_made_alike(about: str, rehearsal: bool, text: str, value: str | int | bool) -> None:  # noqa: FBT001 (cases)
    said = text if about in {"close", "handover", "recovery", "resolution"} else None
    step = ("press", 3, text) if about in {"consent", "result", "resolution"} else None
    results = (("bag", value), ("hash", SHA256)) if about == "result" else ()
    files = ((text, 7, SHA256),) if about == "result" else ()
    destroyed = ("tool",) if about == "result" else ()
    came_out = statements.CameOut(
        results=results,
        files=tuple(statements.FileLine(file=file, size=size, sha256=sha256) for file, size, sha256 in files),
        destroyed=destroyed,
    )
    made = statements.statement_txt(
        about=about,
        ceremony="ab" * 16,
        title=text,
        rehearsal=rehearsal,
        step=None if step is None else statements.StepLine(id=step[0], attempt=step[1], title=step[2]),
        person=person("ada", text, "clerk"),
        role="clerk",
        value=said,
        came_out=came_out if about == "result" else None,
        checkpoint="a\n1\nb\n",
    )
    rebuilt = island_statements.rebuild_statement(
        about=about,
        ceremony="ab" * 16,
        title=text,
        rehearsal=rehearsal,
        step=step,
        person=("ada", text),
        role="clerk",
        sentence_value=said,
        results=results,
        files=files,
        destroyed=destroyed,
        checkpoint="a\n1\nb\n",
    )
    assert made == rebuilt


def test_simulated_signatures_are_those_the_island_takes() -> None:
    signature = signer(1).sign(signers.CLOSE, b"text")
    check_signature(signature, b"text", namespace=signers.CLOSE, key=read_key(signer(1).public))
