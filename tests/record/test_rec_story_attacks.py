"""Attacks by somebody who holds the log key: chain, tree, signatures and sums are all in order, only the story is not.

Each test names the rule that catches it, and the entry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import (
    Change,
    acting,
    data,
    drop,
    insert_before,
    place,
    repeat,
    reply,
    request,
    result,
    shown,
    together,
    whole_step,
)
from synthetic import Draft, Written, device, exchange, find, seq_of, sha, write

from runner.audit.entry import EntryType
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "cd" * 20


def swap_steps(told: list[Draft]) -> None:
    carry, verified = whole_step(told, "carry"), whole_step(told, "verify")
    start = told.index(carry[0])
    told[start : start + len(carry) + len(verified)] = [*verified, *carry]


def drop_step(told: list[Draft]) -> None:
    told[:] = [draft for draft in told if draft.step != "verify"]


def obtain_another(told: list[Draft]) -> None:
    """Everything agrees about a file that is not the one vouched for."""
    reply("obtain", "file_arrived", sha256="55" * 32)(told)
    reply("carry", "file_arrived", sha256="55" * 32)(told)
    for step in ("obtain", "carry"):
        result(step, "sha256", "55" * 32)(told)
        for item in find(told, step, "step.done").data["comparisons"][:1]:
            item |= {"found": "55" * 32, "expected": "55" * 32}
    find(told, "obtain", "step.done").data["made"][0]["sha256"] = "55" * 32


def expect_less(told: list[Draft]) -> None:
    find(told, "obtain", "step.done").data["comparisons"].pop()


def another_bag(told: list[Draft]) -> None:
    reply("obtain", "value_given", value="A 13")(told)
    result("obtain", "bag", "A 13")(told)
    find(told, "obtain", "step.done").data["comparisons"][1]["found"] = "A 13"


def type_bag(*typed: str, result_is: str = "A 12") -> Change:
    """The question was asked this often, and these were the answers; the step goes on as ever."""

    def change(told: list[Draft]) -> None:
        at = place(told, "obtain", "ask_value")
        asked = told[at : at + 2]
        told[at : at + 2] = [
            piece
            for value in typed
            for piece in (
                asked[0],
                replace(asked[1], data=asked[1].data | {"reply": {"value": value, "person": "dana"}}),
            )
        ]
        result("obtain", "bag", result_is)(told)
        find(told, "obtain", "step.done").data["comparisons"][1]["found"] = result_is

    return change


def another_vault_key(told: list[Draft]) -> None:
    reply("compare", "vault_key_read", public_key="AAAA")(told)
    result("compare", "public_key", "AAAA")(told)


def made_file(step: str, **fields: Any) -> Change:
    return lambda told: find(told, step, "step.done").data["made"][0].update(fields)


def large(told: list[Draft]) -> None:
    reply("seal", "file_arrived", size=5000)(told)
    reply("seal", "package_sealed", size=5000)(told)
    made_file("seal", size=5000)(told)


def present_again(told: list[Draft]) -> None:
    told.insert(5, Draft(EntryType.PERSON_PRESENT, {"person": "asha", "roles": ["administrator"]}))


HOLDERS = [{"person": "asha", "number": 1}, {"person": "bram", "number": 2}]
LIST_KEYS = exchange("verify", "list_keys", {"device": "hsm"}, "keys_listed", {"files": []})
REFUSED = {"kind": "device_refused", "reply": {"status": "NoMemory", "words": "no"}}
FAILED = {"rule": "RUN020", "status": "NoMemory", "result": None, "expected": None, "found": None}
ENDED = [device("hsm", 8), device("vault", 1)]

ATTACKS: dict[str, tuple[Change, str, str | None, str]] = {
    # people
    "no witness": (reply("carry", "people_gathered", **acting("dana/operator")), "LOG036", "carry", "people_gathered"),
    "one person twice": (
        reply("carry", "people_gathered", **acting("dana/operator", "dana/operator", "emil/witness")),
        "LOG036",
        "carry",
        "people_gathered",
    ),
    "one person in two roles": (
        reply("carry", "people_gathered", **acting("dana/operator", "dana/witness")),
        "LOG036",
        "carry",
        "people_gathered",
    ),
    "a role that is not theirs": (
        reply("carry", "people_gathered", **acting("asha/operator", "emil/witness")),
        "LOG036",
        "carry",
        "people_gathered",
    ),
    "a stranger": (
        reply("carry", "people_gathered", **acting("zoe/operator", "emil/witness")),
        "LOG036",
        "carry",
        "people_gathered",
    ),
    "a role nobody asked for": (
        reply("carry", "people_gathered", **acting("asha/administrator", "dana/operator", "emil/witness")),
        "LOG036",
        "carry",
        "people_gathered",
    ),
    "one holder": (
        reply("reduce", "people_gathered", **acting("asha/administrator", "dana/operator", "emil/witness")),
        "LOG036",
        "reduce",
        "people_gathered",
    ),
    "fewer asked for": (
        request("reduce", "gather_people", needs=synthetic.QUORUM),
        "LOG036",
        "reduce",
        "gather_people",
    ),
    "acts from outside the room": (
        reply(
            "reduce",
            "people_gathered",
            **acting("asha/administrator", "chen/administrator", "dana/operator", "emil/witness"),
        ),
        "LOG035",
        "reduce",
        "people_gathered",
    ),
    "present twice": (present_again, "LOG035", None, "person.present"),
    "a strange actor": (
        lambda told: setattr(find(told, "carry", "step.done"), "actors", ("zoe",)),
        "LOG035",
        "carry",
        "step.done",
    ),
    "a value from somebody else": (reply("obtain", "value_given", person="asha"), "LOG035", "obtain", "value_given"),
    # cards
    "one card": (request("reduce", "reduce_key", holders=HOLDERS[:1]), "LOG038", "reduce", "reduce_key"),
    "one card twice": (
        request("reduce", "reduce_key", holders=[HOLDERS[0], HOLDERS[0]]),
        "LOG038",
        "reduce",
        "reduce_key",
    ),
    "a card of somebody else": (
        request("reduce", "reduce_key", holders=[HOLDERS[0], {"person": "bram", "number": 3}]),
        "LOG038",
        "reduce",
        "reduce_key",
    ),
    "a holder who does not act": (
        request("reduce", "reduce_key", holders=[HOLDERS[0], {"person": "chen", "number": 3}]),
        "LOG038",
        "reduce",
        "reduce_key",
    ),
    "another set": (request("reduce", "reduce_key", card_set="ocs"), "LOG038", "reduce", "reduce_key"),
    "a card nobody put in": (
        reply("reduce", "key_reduced", cards=[{"number": 3, "serial": "c3"}]),
        "LOG038",
        "reduce",
        "key_reduced",
    ),
    # order
    "steps swapped": (swap_steps, "LOG030", "verify", "step.begun"),
    "step dropped": (drop_step, "LOG030", "generate", "step.begun"),
    "step begun twice": (repeat("verify", "step.begun"), "LOG030", "verify", "step.begun"),
    "second attempt": (
        lambda told: [setattr(draft, "attempt", 2) for draft in whole_step(told, "verify")] and None,
        "LOG030",
        "verify",
        "step.begun",
    ),
    "left-out step begun": (
        insert_before("verify", "step.begun", Draft(EntryType.STEP_BEGUN, {"title": "Step install"}, "install")),
        "LOG030",
        "install",
        "step.begun",
    ),
    "another title": (data("verify", "step.begun", title="Nothing to see"), "LOG030", "verify", "step.begun"),
    "done twice": (repeat("verify", "step.done"), "LOG030", "verify", "step.done"),
    "a request outside its step": (
        insert_before("verify", "step.begun", *LIST_KEYS),
        "LOG030",
        "verify",
        "list_keys",
    ),
    "the end in a step": (
        lambda told: setattr(told[-1], "step", "compare"),
        "LOG030",
        "compare",
        "ceremony.closed",
    ),
    "one left before the change": (
        lambda told: told.insert(
            place(told, "generate", "generate_key"), Draft(EntryType.PERSON_LEFT, {"person": "emil"})
        ),
        "LOG035",
        "generate",
        "generate_key",
    ),
    "asked in a break": (drop(None, "break.ended"), "LOG030", "carry", "gather_people"),
    "went on after a refusal": (
        lambda told: told.__setitem__(
            slice(place(told, "seal", "package_sealed"), place(told, "seal", "package_sealed") + 1),
            [Draft(EntryType.REPLY, {"to": 0, "device": device("hsm", 7), **REFUSED}, "seal")],
        ),
        "LOG033",
        "seal",
        "collect_package",
    ),
    "a stranger comes": (
        lambda told: told.insert(5, Draft(EntryType.PERSON_PRESENT, {"person": "zoe", "roles": []})),
        "LOG035",
        None,
        "person.present",
    ),
    "aborted twice": (
        lambda told: told.__setitem__(
            slice(place(told, "compare", "step.begun"), None),
            [
                *[Draft(EntryType.CEREMONY_ABORTED, {"rule": "RUN043", "by": None, "reason": None, "devices": ENDED})]
                * 2,
                Draft(EntryType.CEREMONY_CLOSED, {"outcome": "aborted", "devices": ENDED}),
            ],
        ),
        "LOG034",
        None,
        "ceremony.aborted",
    ),
    "a break in a break": (repeat(None, "break.begun"), "LOG030", None, "break.begun"),
    # requests
    "an extra mutating request": (repeat("generate", "generate_key", 2), "LOG031", "generate", "generate_key"),
    "a request of no allowed kind": (
        insert_before("verify", "verify_packages", *LIST_KEYS),
        "LOG031",
        "verify",
        "list_keys",
    ),
    "a request too few": (drop("verify", "verify_packages", 2), "LOG031", "verify", "step.done"),
    "people not called": (drop("verify", "gather_people", 2), "LOG031", "verify", "verify_packages"),
    "a change called none": (data("generate", "generate_key", mutates=False), "LOG031", "generate", "generate_key"),
    "another device": (
        together(
            request("verify", "verify_packages", device="hsm-2"), data("verify", "verify_packages", device="hsm-2")
        ),
        "LOG039",
        "verify",
        "verify_packages",
    ),
    "a device only in the entry": (
        data("verify", "verify_packages", device=None),
        "LOG031",
        "verify",
        "verify_packages",
    ),
    "a shorter key": (request("generate", "generate_key", size=1024), "LOG039", "generate", "generate_key"),
    "another subscription": (
        request("seal", "seal_package", subscription_id="9" * 36),
        "LOG039",
        "seal",
        "seal_package",
    ),
    "another vault": (request("import", "import_key", vault="theirs"), "LOG039", "import", "import_key"),
    "another package": (request("import", "import_key", package="theirs.byok"), "LOG039", "import", "import_key"),
    "another key's name": (request("seal", "seal_package", ident="theirs"), "LOG039", "seal", "seal_package"),
    "another exchange key": (request("seal", "seal_package", kek="theirs"), "LOG039", "seal", "seal_package"),
    "another world": (request("verify", "verify_packages", world="theirs"), "LOG039", "verify", "verify_packages"),
    "another station": (request("verify", "verify_packages", at="online"), "LOG039", "verify", "verify_packages"),
    "another medium": (request("carry", "carry_file", medium="theirs"), "LOG039", "carry", "carry_file"),
    "another question": (request("obtain", "ask_value", name="box"), "LOG039", "obtain", "ask_value"),
    "present without a role": (data(None, "person.present", roles=[]), "LOG035", None, "person.present"),
    "a field of its own": (request("verify", "verify_packages", pin="1"), "LOG031", "verify", "verify_packages"),
    # replies
    "no reply": (drop("verify", "packages_verified"), "LOG032", "verify", "step.done"),
    "two replies": (repeat("verify", "packages_verified"), "LOG032", "verify", "packages_verified"),
    "a reply to something else": (data("verify", "packages_verified", to=1), "LOG032", "verify", "packages_verified"),
    "a reply of another kind": (
        data("verify", "packages_verified", kind="keys_listed", reply={"files": []}),
        "LOG032",
        "verify",
        "keys_listed",
    ),
    "a reply with a field of its own": (
        reply("verify", "packages_verified", more=1),
        "LOG032",
        "verify",
        "packages_verified",
    ),
    "done after a refusal": (data("verify", "packages_verified", **REFUSED), "LOG033", "verify", "step.done"),
    # the end
    "completed after a failure": (
        lambda told: told.__setitem__(
            place(told, "compare", "step.done"), Draft(EntryType.STEP_FAILED, FAILED, "compare")
        ),
        "LOG034",
        None,
        "ceremony.closed",
    ),
    "aborted without an abort": (data(None, "ceremony.closed", outcome="aborted"), "LOG034", None, "ceremony.closed"),
    "closed too early": (
        lambda told: told.__delitem__(slice(place(told, "compare", "step.begun"), -1)),
        "LOG034",
        None,
        "ceremony.closed",
    ),
    "closed in a step": (drop("compare", "step.done"), "LOG034", None, "ceremony.closed"),
    "something after the end": (
        lambda told: told.append(Draft(EntryType.PERSON_LEFT, {"person": "dana"})),
        "LOG008",
        None,
        "person.left",
    ),
    # results
    "another file than the one vouched for": (obtain_another, "LOG040", "obtain", "step.done"),
    "an expected value not met": (another_bag, "LOG040", "obtain", "step.done"),
    "an expectation not compared": (expect_less, "LOG040", "obtain", "step.done"),
    "a flag for a number": (result("carry", "sha256", True), "LOG040", "carry", "step.done"),  # noqa: FBT003
    "a result the device did not give": (result("generate", "key_hash", OTHER), "LOG041", "generate", "step.done"),
    "another size": (result("obtain", "size", 99), "LOG041", "obtain", "step.done"),
    "an answer of another form": (type_bag("a 12", result_is="a 12"), "LOG046", "obtain", "step.done"),
    "an answer that is too long": (type_bag("A 123", result_is="A 123"), "LOG046", "obtain", "step.done"),
    "an answer made to fit": (type_bag("A12"), "LOG046", "obtain", "step.done"),
    "an answer that was not the last": (type_bag("A 12", "A 13"), "LOG041", "obtain", "step.done"),
    "no answer": (type_bag(), "LOG041", "obtain", "step.done"),
    "a value nobody typed": (result("obtain", "bag", "A 14"), "LOG041", "obtain", "step.done"),
    # files
    "changed on the way": (reply("carry", "file_arrived", sha256="66" * 32), "LOG043", "carry", "file_arrived"),
    "made another file": (made_file("generate", sha256="66" * 32), "LOG042", "generate", "step.done"),
    "made at another place": (made_file("generate", at="online"), "LOG042", "generate", "step.done"),
    "made nothing": (data("generate", "step.done", made=[]), "LOG042", "generate", "step.done"),
    "made too much": (large, "LOG042", "seal", "step.done"),
    "destroyed something": (data("generate", "step.done", destroyed=["key"]), "LOG042", "generate", "step.done"),
    # keys
    "another key sealed": (
        together(reply("seal", "package_sealed", key_hash=OTHER), result("seal", "key_hash", OTHER)),
        "LOG044",
        "seal",
        "package_sealed",
    ),
    "another key reduced": (
        together(reply("reduce", "key_reduced", key_hash=OTHER), result("reduce", "key_hash", OTHER)),
        "LOG044",
        "reduce",
        "key_reduced",
    ),
    "another key imported": (
        together(reply("import", "key_imported", public_key="AAAA"), result("import", "public_key", "AAAA")),
        "LOG044",
        "import",
        "key_imported",
    ),
    "another key in the vault": (another_vault_key, "LOG044", "compare", "vault_key_read"),
    "another region": (
        together(reply("seal", "package_sealed", region="US-1"), result("seal", "region", "US-1")),
        "LOG045",
        "seal",
        "package_sealed",
    ),
    # devices
    "used after its last request": (
        data(None, "ceremony.closed", devices=[device("hsm", 9), device("vault", 1)]),
        "LOG050",
        None,
        "ceremony.closed",
    ),
    "moved by a request that changes nothing": (
        shown("verify", "packages_verified", 4),
        "LOG050",
        "verify",
        "packages_verified",
    ),
    "used just before a request": (shown("generate", "key_made", 5), "LOG050", "generate", "key_made"),
    "set back": (shown("reduce", "key_reduced", 2), "LOG050", "reduce", "key_reduced"),
    "not moved by a change": (shown("generate", "key_made", 3), "LOG050", "generate", "key_made"),
    "another head at the same size": (
        data(None, "ceremony.closed", devices=[ENDED[0] | {"audit": {"size": 8, "head": "77" * 32}}, ENDED[1]]),
        "LOG050",
        None,
        "ceremony.closed",
    ),
    "a key more at the end": (
        data(
            None, "ceremony.closed", devices=[ENDED[0] | {"inventory": ENDED[0]["inventory"] | {"keys": []}}, ENDED[1]]
        ),
        "LOG050",
        None,
        "ceremony.closed",
    ),
    "another device answers": (shown("reduce", "key_reduced", 7, serial="SIM-2"), "LOG051", "reduce", "key_reduced"),
    "the vault answers for the module": (
        data("reduce", "key_reduced", device=device("vault", 1)),
        "LOG051",
        "reduce",
        "key_reduced",
    ),
    "no device shown": (data("generate", "key_made", device=None), "LOG051", "generate", "key_made"),
    "a device missing at the end": (
        data(None, "ceremony.closed", devices=ENDED[:1]),
        "LOG051",
        None,
        "ceremony.closed",
    ),
}


def judged(record: Written) -> Verdict:
    return verify(record.folder, record.trust, rehearsal=True)


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_a_story_that_is_not_the_plans_is_seen(tmp_path: Path, attack: str) -> None:
    change, rule, step, name = ATTACKS[attack]
    record = write(tmp_path, change=change)
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    places = {(finding.rule, finding.seq) for finding in verdict.findings}
    assert places & {(rule, seq_of(record, step, name)), (rule, seq_of(record, step, name, last=True))}, places
    broken_log = {finding.rule for finding in verdict.findings} & {"LOG003", "LOG005", "LOG006", "LOG010", "LOG011"}
    assert not broken_log


def test_answers_that_do_not_fit_count_as_tries(tmp_path: Path) -> None:
    record = write(tmp_path, change=type_bag("a 12", "A12", "A 12"))
    assert judged(record).outcome is Outcome.VALID


def test_what_is_typed_twice_is_the_same_both_times(tmp_path: Path) -> None:
    def twice(planned: dict[str, Any]) -> None:
        planned["steps"][0]["asks"][0]["twice"] = True
        planned["steps"][0]["requests"][1] |= {"least": 2, "most": 6}

    (tmp_path / "alike").mkdir()
    (tmp_path / "unlike").mkdir()
    alike = write(tmp_path / "alike", change_plan=twice, change=type_bag("A 12", "A 13", "A 12", "A 12"))
    assert judged(alike).outcome is Outcome.VALID
    unlike = write(tmp_path / "unlike", change_plan=twice, change=type_bag("A 13", "A 12"))
    verdict = judged(unlike)
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings} == {"LOG041"}


WORLD = "DLf3072s256mAEScSP800131Ar1"
THREE = [*HOLDERS, {"person": "chen", "number": 3}]


def plan_a_world(planned: dict[str, Any]) -> None:
    """Create a world just before the import, with all three cards."""
    place = next(place for place, item in enumerate(planned["steps"]) if item["id"] == "import")
    made = synthetic.step(
        "world",
        "create_world",
        "offline",
        [synthetic.allowed("create_world", mutates=True)],
        device="hsm",
        settings={"card_set": "acs", "cipher_suite": WORLD},
        quorum=[{"role": "administrator", "count": 3, "holders_of": "acs"}],
        makes=["world-file"],
    )
    planned["steps"].insert(place, made)
    planned["artefacts"].append(synthetic.artefact("world-file", "world-file", "world", store="device"))


def tell_a_world(told: list[Draft], **fields: Any) -> None:
    drop(None, "person.left")(told)
    asked = {
        "device": "hsm",
        "cipher_suite": WORLD,
        "card_set": "acs",
        "threshold": 2,
        "cards": 3,
        "holders": THREE,
    } | fields
    cards = [{"number": number, "serial": f"c{number}"} for number in (1, 2, 3)]
    content = synthetic.size_and_digest(b"world")
    created = {"hknso": "h", "hkm": "m", "hkre": "r", "cards": cards, "file": "world-file", **content}
    acted = acting("asha/administrator", "bram/administrator", "chen/administrator")
    needs = [{"role": "administrator", "count": 3, "holders_of": "acs"}]
    place_of_import = place(told, "import", "step.begun")
    told[place_of_import:place_of_import] = [
        Draft(EntryType.STEP_BEGUN, {"title": "Step world"}, "world"),
        *exchange("world", "gather_people", {"needs": needs}, "people_gathered", acted),
        *exchange("world", "create_world", asked, "world_created", created, shown=device("hsm", 9)),
        synthetic.done(
            "world",
            {"hknso": "h", "hkm": "m", "cards": "c1, c2, c3"},
            made=[synthetic.made("world-file", "world-file", "offline", b"world", "device")],
        ),
    ]
    told[-1].data["devices"][0] = device("hsm", 9)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, None),
        ({"threshold": 1}, "LOG038"),
        ({"cards": 2, "holders": HOLDERS}, "LOG038"),
        ({"holders": HOLDERS}, "LOG038"),
        ({"holders": [*HOLDERS, {"person": "bram", "number": 3}]}, "LOG038"),
        ({"cipher_suite": "DLf1024s160mDES3"}, "LOG039"),
    ],
)
def test_a_world_is_made_for_the_cards_and_holders_of_the_plan(
    tmp_path: Path, fields: dict[str, Any], rule: str | None
) -> None:
    record = write(tmp_path, change=lambda told: tell_a_world(told, **fields), change_plan=plan_a_world)
    verdict = judged(record)
    if rule is None:
        assert verdict.findings == ()
        return
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.seq) == (rule, seq_of(record, "world", "create_world"))


def test_a_holder_holds_a_card(tmp_path: Path) -> None:
    """Enough administrators act, and one of them holds no card of the set."""

    def kai(planned: dict[str, Any]) -> None:
        planned["people"].append(synthetic.person("kai", "administrator"))

    def acts(told: list[Draft]) -> None:
        told.insert(0, Draft(EntryType.PERSON_PRESENT, {"person": "kai", "roles": ["administrator"]}))
        acted = acting("asha/administrator", "dana/operator", "emil/witness", "kai/administrator")
        reply("reduce", "people_gathered", **acted)(told)
        request("reduce", "reduce_key", holders=HOLDERS[:1])(told)

    record = write(tmp_path, change=acts, change_plan=kai)
    found = {(finding.rule, finding.seq) for finding in judged(record).findings}
    assert ("LOG036", seq_of(record, "reduce", "people_gathered")) in found


def test_one_person_does_not_fill_two_needs(tmp_path: Path) -> None:
    """Two holders and one more administrator are needed, and two administrators act."""
    needs = [*synthetic.HOLDERS, {"role": "administrator", "count": 1, "holders_of": None}]

    def three(planned: dict[str, Any]) -> None:
        next(item for item in planned["steps"] if item["id"] == "reduce")["quorum"] = needs

    record = write(tmp_path, change=request("reduce", "gather_people", needs=needs), change_plan=three)
    verdict = judged(record)
    assert [(finding.rule, finding.seq) for finding in verdict.findings] == [
        ("LOG036", seq_of(record, "reduce", "people_gathered"))
    ]


def both_roles(planned: dict[str, Any]) -> None:
    for person in planned["people"]:
        if person["id"] in ("dana", "emil"):
            person["roles"] = ["operator", "witness"]


def say_both_roles(told: list[Draft]) -> None:
    for draft in told:
        if draft.name == "person.present" and draft.data["person"] in ("dana", "emil"):
            draft.data["roles"] = ["operator", "witness"]


def test_nobody_acts_on_both_sides_of_a_line_over_the_whole_ceremony(tmp_path: Path) -> None:
    swapped = reply("carry", "people_gathered", **acting("emil/operator", "dana/witness"))
    record = write(tmp_path, change=together(say_both_roles, swapped), change_plan=both_roles)
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.seq) == ("LOG037", seq_of(record, "carry", "people_gathered"))


def test_both_roles_on_the_roster_are_no_fault_where_only_one_is_used(tmp_path: Path) -> None:
    assert judged(write(tmp_path, change=say_both_roles, change_plan=both_roles)).outcome is Outcome.VALID


@pytest.mark.parametrize("size", [1, 33, 47])
def test_a_checkpoint_that_was_never_made_is_missed(tmp_path: Path, size: int) -> None:
    record = write(tmp_path, without=frozenset({size}))
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.seq) == ("LOG012", size)


def test_a_checkpoint_on_record_is_over_what_is_before_it(tmp_path: Path) -> None:
    note = write_note(3)
    record = write(
        tmp_path,
        change=insert_before("carry", "step.begun", Draft(EntryType.CHECKPOINT, {"size": 3, "note": note})),
    )
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert verdict.deciding.rule == "LOG011"


def write_note(size: int) -> str:
    from runner.audit.note import LogKey

    return LogKey.from_seed(synthetic.ORIGIN, synthetic.SEED).checkpoint(size, bytes(32))


def test_too_many_entries_without_a_checkpoint_are_seen(tmp_path: Path) -> None:
    room = [Draft(EntryType.BREAK_BEGUN, {"by": "dana", "reason": "air"}), Draft(EntryType.BREAK_ENDED, {})]
    record = write(tmp_path, change=insert_before("carry", "step.begun", *(room * 130)))
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert {finding.rule for finding in verdict.findings} == {"LOG012"}


def test_a_plan_that_names_nothing_or_twice_is_none(tmp_path: Path) -> None:  # noqa: C901 (a list of faults)
    def two_people(planned: dict[str, Any]) -> None:
        planned["people"].append(planned["people"][0])

    def flag_for_count(planned: dict[str, Any]) -> None:
        planned["steps"][0]["quorum"] = [{"role": "operator", "count": True, "holders_of": None}]

    def nobody(planned: dict[str, Any]) -> None:
        planned["steps"][0]["quorum"] = [{"role": "operator", "count": 0, "holders_of": None}]

    def path_in_name(planned: dict[str, Any]) -> None:
        planned["artefacts"][3]["file"] = "../demo.byok"

    def no_artefact(planned: dict[str, Any]) -> None:
        planned["artefacts"].pop()

    def unclear(planned: dict[str, Any]) -> None:
        planned["steps"][4]["requests"][1]["most"] = 2

    def approvers_twice(planned: dict[str, Any]) -> None:
        planned["approvals"]["plan"] = [{"role": "witness", "count": 1}] * 2

    def closed_by_no_role(planned: dict[str, Any]) -> None:
        planned["approvals"]["close"] = [{"role": "notary", "count": 1}]

    def no_approver(planned: dict[str, Any]) -> None:
        planned["approvals"]["plan"] = [{"role": "witness", "count": 0}]

    def no_role(planned: dict[str, Any]) -> None:
        planned["people"][0]["roles"] = []

    def for_nobody(planned: dict[str, Any]) -> None:
        planned["people"][0]["stands_in_for"] = "zoe"

    def for_themselves(planned: dict[str, Any]) -> None:
        planned["people"][0]["stands_in_for"] = planned["people"][0]["id"]

    def no_day(planned: dict[str, Any]) -> None:
        planned["waivers"] = [{"rule": "RUN010", "step": None, "because": "late", "until": "2026-02-30"}]

    changes = (
        two_people,
        flag_for_count,
        nobody,
        path_in_name,
        no_artefact,
        unclear,
        approvers_twice,
        closed_by_no_role,
        no_approver,
        no_role,
        for_nobody,
        for_themselves,
        no_day,
    )
    for number, change in enumerate(changes):
        (tmp_path / str(number)).mkdir()
        verdict = judged(write(tmp_path / str(number), change_plan=change))
        assert verdict.outcome is Outcome.TAMPERED
        assert verdict.deciding is not None
        assert (verdict.deciding.rule, verdict.deciding.file) == ("LOG027", "plan.json")


def test_sha_is_that_of_sha256sum() -> None:
    assert sha(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def typed_twice(planned: dict[str, Any]) -> None:
    (asked,) = (item for item in planned["steps"] if item["id"] == "obtain")
    asked["asks"][0]["twice"] = True


@pytest.mark.parametrize(("typed", "rules"), [(("A 12", "A 12"), set()), (("A 12",), {"LOG041"})])
def test_what_is_to_be_typed_twice_was(tmp_path: Path, typed: tuple[str, ...], rules: set[str]) -> None:
    record = write(tmp_path, change=type_bag(*typed), change_plan=typed_twice)
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert {finding.rule for finding in verdict.findings} == rules


def ask_digest(planned: dict[str, Any]) -> None:
    (asked,) = (item for item in planned["steps"] if item["id"] == "reduce")
    asked["asks"].append(synthetic.ask("sha256", "text", "What does the slip say?"))
    asked["requests"].append(synthetic.allowed("ask_value", most=3))


@pytest.mark.parametrize(("said", "rules"), [("both", set()), ("none", {"LOG041"})])
def test_an_answer_is_what_was_typed_whatever_else_is_called_so(tmp_path: Path, said: str, rules: set[str]) -> None:
    """The device's reply has a field of the same name, and that is a digest."""

    def change(told: list[Draft]) -> None:
        at = place(told, "reduce", "step.done")
        question = {"name": "sha256", "ask": "What does the slip say?", "type": "text"}
        told[at:at] = exchange(
            "reduce", "ask_value", question, "value_given", {"value": "both", "person": "dana"}
        )  # fmt: skip
        find(told, "reduce", "step.done").data["results"].append({"name": "sha256", "value": said})

    record = write(tmp_path, change=change, change_plan=ask_digest)
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert {finding.rule for finding in verdict.findings} == rules, verdict.findings
