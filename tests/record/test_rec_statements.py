"""What people attest, as the verifier builds it again: golden texts, one per occasion, and what may not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.plan import Person
from runner.signing.statements import CameOut, FileLine, StepLine, statement_txt
from runner.verification.statements import rebuild_statement

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "record"
SHA256: Final = "e58294f2e9a227486e8b061b31cc528fd7fa3f19" + "ff00" * 6
"""A digest that begins with the example that is published with the word list."""

COMMON: Final[dict[str, Any]] = {
    "ceremony": "0123456789abcdef" * 2,
    "title": "A key",
    "rehearsal": False,
    "step": None,
    "person": ("ada", "Ada Lovelace"),
    "role": "administrator",
    "sentence_value": None,
    "results": (),
    "files": (),
    "destroyed": (),
    "checkpoint": "example.org/log/1\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
}
SEAL: Final = ("seal", 2, "Seal \\ the\npackage \u202e")
CASES: Final[dict[str, dict[str, Any]]] = {
    "consent": {"about": "consent", "step": SEAL},
    "consent-rehearsed": {
        "about": "consent",
        "step": ("look", 1, "Look"),
        "rehearsal": True,
        "title": "A \\ key\nfor\u2066 all\x00",
        "person": ("bob", "B\u00f6b\u200b"),
        "role": "witness",
    },
    "result": {
        "about": "result",
        "step": SEAL,
        "results": (
            ("zulu", "a\\b\n\u202e"),
            ("key_hash", SHA256),
            ("bits", 3072),
            ("wrapped", True),
            ("again", False),
            ("upper", "E5" * 32),
            ("longer", "e5" * 33),
            ("alpha", ""),
        ),
        "files": (("z.byok", 10, "00" * 32), ("a\u00b7\u00a0b.bin", 0, SHA256)),
        "destroyed": ("z", "a"),
    },
    "result-empty": {"about": "result", "step": ("look", 1, "Look"), "rehearsal": True},
    "close-completed": {"about": "close", "sentence_value": "completed"},
    "close-aborted": {"about": "close", "sentence_value": "aborted", "rehearsal": True},
    "handover": {"about": "handover", "sentence_value": "key-room"},
    "recovery": {"about": "recovery", "sentence_value": "17"},
    "resolution": {"about": "resolution", "sentence_value": "happened", "step": SEAL},
}


@pytest.mark.parametrize("name", CASES)
def test_the_golden_texts(name: str) -> None:
    assert rebuild_statement(**COMMON | CASES[name]) == (VECTORS / f"statement-{name}.txt").read_bytes()


def test_only_a_result_says_what_came_out() -> None:
    came_out = {"results": (("bits", 1),), "files": (("a", 1, SHA256),), "destroyed": ("a",)}
    for name in set(CASES) - {"result", "result-empty"}:
        assert rebuild_statement(**COMMON | CASES[name] | came_out) == rebuild_statement(**COMMON | CASES[name])


@pytest.mark.parametrize(
    "changed",
    [
        {"about": "result"},
        {"ceremony": "f" * 32},
        {"title": "A"},
        {"rehearsal": True},
        {"step": None},
        {"step": ("seal", 3, SEAL[2])},
        {"step": ("look", 2, SEAL[2])},
        {"step": ("seal", 2, "Seal")},
        {"person": ("bob", "Ada Lovelace")},
        {"person": ("ada", "Ada")},
        {"role": "witness"},
        {"checkpoint": "example.org/log/1\n43\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"},
    ],
)
def test_each_part_shows(changed: dict[str, Any]) -> None:
    statement = COMMON | CASES["consent"]
    assert rebuild_statement(**statement | changed) != rebuild_statement(**statement)


# -- the writer's ------------------------------------------------------------------------------------------------------

TEXT: Final = st.text(max_size=12) | st.sampled_from(["\\", "\\u{a}", "a\nb", "\u202e", "\x7f", "a" * 64, SHA256])


@given(data=st.data(), name=st.sampled_from(sorted(CASES)))
@settings(max_examples=100, deadline=None)
def test_the_writer_makes_the_same_text(data: st.DataObject, name: str) -> None:
    draw = data.draw
    made = COMMON | CASES[name]
    made |= {"title": draw(TEXT), "person": ("ada", draw(TEXT)), "rehearsal": draw(st.booleans())}
    if made["step"] is not None:
        made["step"] = ("seal", draw(st.integers(1, 9)), draw(TEXT))
    came_out = None
    if made["about"] == "result":
        values = TEXT | st.booleans() | st.integers(-5, 10**15)
        made["results"] = tuple(draw(st.lists(st.tuples(st.sampled_from(["bits", "name"]), values), max_size=4)))
        made["files"] = tuple(draw(st.lists(st.tuples(TEXT, st.integers(0, 9), st.just(SHA256)), max_size=3)))
        files = tuple(FileLine(file=file, size=size, sha256=sha256) for file, size, sha256 in made["files"])
        came_out = CameOut(results=made["results"], files=files, destroyed=made["destroyed"])
    step = made["step"]
    written = statement_txt(
        about=made["about"],
        ceremony=made["ceremony"],
        title=made["title"],
        rehearsal=made["rehearsal"],
        step=None if step is None else StepLine(id=step[0], attempt=step[1], title=step[2]),
        person=Person(id="ada", name=made["person"][1], roles=(), key=None, cards=(), stands_in_for=None),
        role=made["role"],
        value=made["sentence_value"],
        came_out=came_out,
        checkpoint=made["checkpoint"],
    )
    assert rebuild_statement(**made) == written
