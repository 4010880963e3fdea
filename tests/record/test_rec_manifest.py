"""What approvers sign, as the verifier builds it again: golden texts, each line that may be left out, bad heads."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.codec import from_data
from runner.plan import Plan
from runner.signing import manifest as writers
from runner.verification.manifest import Terms, read_terms, rebuild_manifest, rebuild_sums
from runner.verification.reading import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS: Final = Path(__file__).parents[1] / "vectors" / "record"
FULL: Final[dict[str, Any]] = json.loads((VECTORS / "plan-full.json").read_bytes())
SHA256: Final = "e58294f2e9a227486e8b061b31cc528fd7fa3f19" + "ff00" * 6
"""A digest that begins with the example that is published with the word list."""

TERMS: Final = Terms(
    approval="0123456789abcdef" * 2,
    not_before=dt.date(2026, 11, 25),
    not_after=dt.date(2026, 12, 25),
    software="5f" * 32,
    version="0.1.0",
)
LISTS: Final = (
    "parameters", "trust", "records", "people", "separation", "card_sets", "exceptions", "waivers", "inventory",
    "artefacts", "steps",
)  # fmt: skip


def plan(change: Callable[[dict[str, Any]], object] = lambda _data: None) -> dict[str, Any]:
    data = copy.deepcopy(FULL)
    change(data)
    return data


def bare() -> dict[str, Any]:
    """Return a plan for which every line is left out that may be."""
    data = (
        plan() | {name: [] for name in LISTS} | {"region": None, "approvals": {"plan": [], "close": [], "days": None}}
    )
    data["ceremony"] |= {"title": "A key", "version": "1", "owner": "Office", "procedure": None, "edition": None}
    data["people"] = [
        {"id": "bob", "name": "Bob", "roles": ["witness"], "key": None, "cards": [], "stands_in_for": None}
    ]
    data["steps"] = [FULL["steps"][0] | {"title": "Look"}]
    return data


def text(data: dict[str, Any]) -> list[str]:
    return rebuild_manifest(data, SHA256, TERMS).decode().splitlines()


# -- the text ----------------------------------------------------------------------------------------------------------


def test_the_golden_texts() -> None:
    assert rebuild_manifest(plan(), SHA256, TERMS) == (VECTORS / "manifest-full.txt").read_bytes()
    assert rebuild_manifest(bare(), SHA256, TERMS) == (VECTORS / "manifest-bare.txt").read_bytes()
    assert rebuild_sums(SHA256, FULL["sources"]) == (VECTORS / "sums.txt").read_bytes()


def step(data: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = data["steps"][number - 1]
    return found


LEFT_OUT: Final[dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]]] = {
    "procedure": (
        lambda data: data["ceremony"].update(procedure=None, edition=None),
        [r"procedure  Azure\u{a0}BYOK edition 2026-08-01"],
    ),
    "region": (lambda data: data.update(region=None), [r"region     e\u{200b}u"]),
    "a parameter": (lambda data: data["parameters"].pop(1), ["parameter  bits = 3072"]),
    "trust": (
        lambda data: data["trust"].clear(),
        [rf"trusted    toolset = {'d' * 64}, said by the \u{{2028}}publisher"],
    ),
    "a record": (
        lambda data: data["records"].pop(),
        [
            f"record     trial: rehearsal {'1f' * 16} of root-world",
            f"           log root-world.rehearsal/2, 1 entries, root {'A' * 43}=",
        ],
    ),
    "a recorded result": (
        lambda data: data["records"][0]["results"].pop(),
        ["           exportable of make = false"],
    ),
    "a recorded file": (
        lambda data: data["records"][0]["files"].clear(),
        [f"           request sha256 {'e' * 64}"],
    ),
    "a person": (lambda data: data["people"].pop(), ["person     dee: Dee; administrator; card 3 of acs"]),
    "separation": (lambda data: data["separation"].pop(), ["apart      approver, administrator"]),
    "a card set": (lambda data: data["card_sets"].clear(), ["card set   acs: 2 of 3, held by administrator"]),
    "an approver": (lambda data: data["approvals"]["plan"].pop(0), ["approves   2 approver"]),
    "who closes": (lambda data: data["approvals"]["close"].clear(), ["closes     1 witness"]),
    "an exception": (lambda data: data["exceptions"].pop(), ["exception  RUN002: 2 administrator"]),
    "a waiver": (lambda data: data["waivers"].pop(), ["waiver     REG007: still in use"]),
    "inventory": (lambda data: data["inventory"].pop(), ["inventory  1 bags"]),
    "minutes": (lambda data: step(data, 2).update(minutes=None), ["    lasts    12 minutes"]),
    "a command": (lambda data: step(data, 2).update(command=None), [r"    types    seal\u{0} --out 'a\\b'"]),
    "a setting": (lambda data: step(data, 2)["settings"].pop("alpha"), ["    with     alpha = 1"]),
    "uses": (lambda data: step(data, 2)["uses"].pop(), ["    uses     approved: blob"]),
    "makes": (lambda data: step(data, 2)["makes"].pop(), ["    makes    blob: blob"]),
    "destroys": (lambda data: step(data, 2)["destroys"].pop(), ["    destroys package"]),
    "expects": (lambda data: step(data, 2)["expect"].pop(4), ["    expects  key_hash = result seen of look"]),
    "left out": (lambda data: step(data, 3).update(left_out=None), [r"    left out not in \u{2067}this region"]),
    "a step": (
        lambda data: data["steps"].pop(),
        [
            "", "3. Later [later]", "    does     do_by_hand@1 at desk", "    lasts    1 minutes", "    repeat   safe",
            "    sign-off typed", "    people   2 witness", r"    left out not in \u{2067}this region",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_line_with_nothing_to_say_is_left_out_and_no_other_changes(name: str) -> None:
    change, gone = LEFT_OUT[name]
    before, after = text(plan()), text(plan(change))
    at = len(before) - len(gone) if gone[0] == "" else before.index(gone[0])
    assert before[at : at + len(gone)] == gone
    assert after == before[:at] + before[at + len(gone) :]


CHANGED: Final[dict[str, tuple[Callable[[dict[str, Any]], object], str, str]]] = {
    "cards": (
        lambda data: data["people"][3].update(cards=[]),
        "person     dee: Dee; administrator; card 3 of acs",
        "person     dee: Dee; administrator",
    ),
    "stand-in": (
        lambda data: data["people"][1].update(stands_in_for="ada"),
        "person     bob: B\u00f6b; witness, approver",
        "person     bob: B\u00f6b; witness, approver; stands in for ada",
    ),
    "key": (
        lambda data: data["people"][1].update(key=FULL["people"][2]["key"]),
        "person     bob: B\u00f6b; witness, approver",
        "person     bob: B\u00f6b; witness, approver; key SHA256:1+2VGyNVVb3EoKtTSgiYYG62Z5ymLs7fZwQN45sJ09w",
    ),
    "device": (
        lambda data: step(data, 2).update(device=None),
        "    does     seal_package@2 at room on hsm",
        "    does     seal_package@2 at room",
    ),
    "holders": (
        lambda data: step(data, 2)["quorum"].reverse(),
        "    people   2 administrator with a card of acs, 1 witness",
        "    people   1 witness, 2 administrator with a card of acs",
    ),
    "where a waiver holds": (
        lambda data: data["waivers"][0].update(step=None),
        r"waiver     QUO012 at seal: one\u{a}room, until 2026-12-31",
        r"waiver     QUO012: one\u{a}room, until 2026-12-31",
    ),
    "how long a waiver holds": (
        lambda data: data["waivers"][0].update(until=None),
        r"waiver     QUO012 at seal: one\u{a}room, until 2026-12-31",
        r"waiver     QUO012 at seal: one\u{a}room",
    ),
    "an action": (
        lambda data: step(data, 2).update(action="seal\n@2"),
        "    does     seal_package@2 at room on hsm",
        r"    does     seal\u{a}@2 at room on hsm",
    ),
    "an edition": (
        lambda data: data["ceremony"].update(edition="2026\\\n"),
        r"procedure  Azure\u{a0}BYOK edition 2026-08-01",
        r"procedure  Azure\u{a0}BYOK edition 2026\\\u{a}",
    ),
    "a trusted value": (
        lambda data: data["trust"][0].update(value="\x7f\\"),
        rf"trusted    toolset = {'d' * 64}, said by the \u{{2028}}publisher",
        r"trusted    toolset = \u{7f}\\, said by the \u{2028}publisher",
    ),
    "a file": (
        lambda data: data["artefacts"][1].update(file="b\\lob\u2067"),
        "    makes    blob: blob",
        r"    makes    blob: b\\lob\u{2067}",
    ),
    "a day": (
        lambda data: data["waivers"][0].update(until="2026\n"),
        r"waiver     QUO012 at seal: one\u{a}room, until 2026-12-31",
        r"waiver     QUO012 at seal: one\u{a}room, until 2026\u{a}",
    ),
    "a setting": (
        lambda data: step(data, 2)["settings"].update(alpha=False),
        "    with     alpha = 1",
        "    with     alpha = false",
    ),
    "a source": (
        lambda data: data["sources"].pop(),
        "files      e89d9a7095131f71dcd5e709470836e85d42665ec9911c4597c28c4440f03a87",
        "files      e1569f4a7611010749d16ecd89fbeb907cc8cf513b6c4d639accec6ccb5596e2",
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_shows_in_its_line_and_in_no_other(name: str) -> None:
    change, before, after = CHANGED[name]
    lines = text(plan())
    assert before in lines
    assert text(plan(change)) == [after if line == before else line for line in lines]


def test_a_step_that_makes_what_the_plan_does_not_list_is_refused() -> None:
    with pytest.raises(ShapeError, match="seal makes package"):
        rebuild_manifest(plan(lambda data: data["artefacts"].pop(0)), SHA256, TERMS)


def test_a_person_with_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ShapeError, match="not a public key"):
        rebuild_manifest(plan(lambda data: data["people"][0].update(key="ssh-ed25519 AAAA A")), SHA256, TERMS)


# -- the head ----------------------------------------------------------------------------------------------------------

MANIFEST: Final = (VECTORS / "manifest-full.txt").read_bytes()


def test_the_terms_are_those_of_the_head() -> None:
    assert read_terms(MANIFEST) == TERMS
    one_day = MANIFEST.replace(b"2026-11-25 to 2026-12-25", b"2028-02-29 to 2028-02-29")
    assert read_terms(one_day).not_before == read_terms(one_day).not_after == dt.date(2028, 2, 29)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("APPROVAL OF", " APPROVAL OF"),
        ("APPROVAL OF", "\ufeffAPPROVAL OF"),
        ("(approval/1)", "(approval/2)"),
        ("(approval/1)\n\n", "(approval/1)\n"),
        ("\n", "\r\n"),
        ("approval   0", "approval  0"),
        ("approval   0123", "approval   012"),
        ("approval   0123456789abcdef", "approval   0123456789ABCDEF"),
        ("valid      2026-11-25", "valid      2026-02-29"),
        ("valid      2026-11-25", "valid      0000-11-25"),
        ("valid      2026-11-25", "valid      2026-12-26"),
        ("valid      2026-11-25", "valid      20261125"),
        ("valid      2026-11-25", "valid      2026-1-25"),
        ("valid      2026-11-25", "valid      \u0662026-11-25"),
        ("2026-12-25\n", "2026-13-25\n"),
        ("2026-12-25\n", "2026-12-25 \n"),
        (" to ", " - "),
        ("software   5f", "software   5F"),
        ("software   5f", "software   "),
        ("version 0.1.0\n", "version \n"),
        ("version 0.1.0\n", "version 0.1.0 or later\n"),
        ("version 0.1.0\n", "version 0.1.0\u202e\n"),
        ("version 0.1.0\n", "\n"),
        ("version 0.1.0\n", "version 0.1.0\nsoftware   a\n"),
    ],
)
def test_another_head_is_refused(old: str, new: str) -> None:
    content = MANIFEST.decode()
    assert old in content
    with pytest.raises(ShapeError, match="manifest"):
        read_terms(content.replace(old, new, 1).encode())


@given(content=st.binary(max_size=100), place=st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_bytes_put_in_are_other_terms_or_are_caught_when_it_is_built_again(content: bytes, place: int) -> None:
    changed = MANIFEST[:place] + content + MANIFEST[place:]
    try:
        terms = read_terms(changed)
    except ShapeError:
        return
    assert rebuild_manifest(plan(), SHA256, terms) != changed or terms != TERMS or content == b""


# -- the writer's ------------------------------------------------------------------------------------------------------

TEXT: Final = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=12) | st.sampled_from(
    ["\\", "\\u{a}", "a\nb", "\u202e", "; witness", ""]
)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_writer_makes_the_same_text(data: st.DataObject) -> None:
    made = plan()
    draw = data.draw
    made["ceremony"] |= {field: draw(TEXT) for field in ("title", "version", "owner", "procedure", "edition")}
    made["region"] = draw(TEXT | st.none())
    for item in made["parameters"]:
        item["value"] = draw(TEXT | st.booleans() | st.integers(-5, 5))
    for item in made["trust"]:
        item |= {"value": draw(TEXT), "said_by": draw(TEXT)}
    for item in made["people"]:
        item["name"] = draw(TEXT)
    for item in made["waivers"]:
        item |= {"because": draw(TEXT), "until": draw(TEXT | st.none()), "step": draw(st.sampled_from([None, "look"]))}
    for item in made["inventory"]:
        item["item"] = draw(TEXT)
    for item in made["artefacts"]:
        item["file"] = draw(TEXT)
    for item in made["steps"]:
        item |= {"title": draw(TEXT), "command": draw(TEXT | st.none()), "left_out": draw(TEXT | st.none())}
        values = TEXT | st.booleans() | st.integers(-5, 5)
        item["settings"] = draw(
            st.dictionaries(st.sampled_from("abcdef"), values | st.lists(values, max_size=2), max_size=3)
        )
    draw(st.randoms(use_true_random=False)).shuffle(made["steps"])
    writers_plan = from_data(Plan, made)
    terms = writers.Terms(
        approval=TERMS.approval,
        not_before=TERMS.not_before.isoformat(),
        not_after=TERMS.not_after.isoformat(),
        software=TERMS.software,
        version=TERMS.version,
    )
    written = writers.manifest_txt(writers_plan, SHA256, terms)
    assert rebuild_manifest(made, SHA256, TERMS) == written
    assert read_terms(written) == TERMS
    assert rebuild_sums(SHA256, made["sources"]) == writers.sums_txt(SHA256, writers_plan.sources)
