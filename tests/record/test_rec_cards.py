"""Cards that replace others and cards that are tried: whose they are, how many, and what the device said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import synthetic
from changes import Change, acting, data, drop, place, reply, request, result, shown, together
from synthetic import Draft, device, done, exchange, made, size_and_digest, write

from runner.audit.entry import EntryType
from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

BEFORE, AFTER = b"world", b"world, changed"
WORLD = "ab" * 20
ALL = [{"person": name, "number": number} for number, name in enumerate(("asha", "bram", "chen"), 1)]
TWO = ALL[:2]
CARDS = [{"number": number, "serial": f"n{number}"} for number in (1, 2, 3)]
READ = [{"number": number, "serial": f"c{number}"} for number in (1, 2)]
NEEDS = {
    "replace": [{"role": "administrator", "count": 3, "holders_of": "next"}],
    "try": [{"role": "administrator", "count": 3, "holders_of": "next"}],
    "old": [{"role": "administrator", "count": 2, "holders_of": "acs"}],
}


def plan_cards(planned: dict[str, Any]) -> None:
    """Before the import the cards are replaced, and both sets tried."""
    planned["card_sets"].append({**planned["card_sets"][0], "id": "next"})
    for person in planned["people"]:
        person["cards"] += [{"set": "next", "number": card["number"]} for card in person["cards"]]
    at = next(number for number, item in enumerate(planned["steps"]) if item["id"] == "import")
    here: dict[str, Any] = {"device": "hsm"}
    hknso = {"result": "hknso", "equals": {"step": "look", "result": "hknso"}}
    planned["steps"][at:at] = [
        synthetic.step(
            "look", "inspect_device", "offline", [synthetic.allowed("inspect_device")], makes=["world-file"], **here
        ),
        synthetic.step(
            "replace",
            "replace_cards",
            "offline",
            [synthetic.allowed("replace_cards", mutates=True)],
            settings={"old": "acs", "new": "next"},
            quorum=NEEDS["replace"],
            repeat="never",
            uses=[{"input": "world", "artefacts": ["world-file"]}],
            changes=["world-file"],
            expect=[hknso],
            **here,
        ),
        *(
            synthetic.step(
                ident,
                "try_cards",
                "offline",
                [synthetic.allowed("try_cards", mutates=True)],
                settings={"card_set": card_set, "choices": choices},
                quorum=NEEDS[ident],
                expect=[{"result": "opens", "equals": {"value": opens}}],
                **here,
            )
            for ident, card_set, choices, opens in (("try", "next", "every", True), ("old", "acs", "quorum", False))
        ),
    ]
    planned["artefacts"].append(synthetic.artefact("world-file", "world", "look", store="device"))
    planned["artefacts"] = [item for item in planned["artefacts"] if item["id"] != "world"]
    for step in planned["steps"]:
        for uses in step["uses"]:
            uses["artefacts"] = ["kek" if name == "world" else name for name in uses["artefacts"]]


def holders(step: str, *who: str) -> list[Draft]:
    acted = acting(*(f"{name}/administrator" for name in who))
    return [
        Draft(EntryType.STEP_BEGUN, {"title": f"Step {step}"}, step),
        *exchange(step, "gather_people", {"needs": NEEDS[step]}, "people_gathered", acted),
    ]


def comparison(name: str, value: object, against: str) -> dict[str, Any]:
    return {"result": name, "found": value, "expected": value, "against": against, "published": None}


def tried(step: str, card_set: str, choices: str, held: list[dict[str, Any]], said: dict[str, Any]) -> list[Draft]:
    asked = {"device": "hsm", "card_set": card_set, "choices": choices, "holders": held}
    size = {"try": 11, "old": 12}[step]
    serials = ", ".join(card["serial"] for card in said["cards"])
    return [
        *holders(step, *(holder["person"] for holder in held)),
        *exchange(step, "try_cards", asked, "cards_tried", {"hknso": WORLD, **said}, shown=device("hsm", size)),
        done(
            step,
            {"opens": said["opens"], "hknso": WORLD, "cards": serials},
            comparisons=[comparison("opens", said["opens"], "plan")],
        ),
    ]


def tell() -> list[Draft]:
    looked = {"mode": "operational", "hknso": WORLD, "cards": READ, "file": "world", **size_and_digest(BEFORE)}
    asked = {"device": "hsm", "old": "acs", "new": "next", "threshold": 2, "cards": 3, "holders": TWO}
    replaced = {"hknso": WORLD, "read": READ, "cards": CARDS, "file": "world", **size_and_digest(AFTER)}
    return [
        *synthetic.begin("look"),
        *exchange("look", "inspect_device", {"device": "hsm"}, "device_inspected", looked),
        done("look", {"hknso": WORLD, "mode": "operational", "cards": "c1, c2"},
             made=[made("world-file", "world", "offline", BEFORE, "device")]),
        *holders("replace", "asha", "bram", "chen"),
        *exchange(
            "replace", "replace_cards", {**asked, "new_holders": ALL}, "cards_replaced", replaced,
            shown=device("hsm", 10),  # two receipts: one is a try of a PIN
        ),
        done("replace", {"hknso": WORLD, "read": "c1, c2", "cards": "n1, n2, n3"},
             made=[made("world-file", "world", "offline", AFTER, "device")],
             comparisons=[comparison("hknso", WORLD, "step")]),
        *tried("try", "next", "every", ALL, {"opens": True, "cards": CARDS}),
        *tried("old", "acs", "quorum", TWO, {"opens": False, "cards": READ}),
    ]  # fmt: skip


def told(change: Change) -> Change:
    def whole(story: list[Draft]) -> None:
        drop(None, "person.left")(story)
        at = place(story, "import", "step.begun")
        story[at:at] = tell()
        story[-1].data["devices"][0] = device("hsm", 12)
        for draft in story:
            if "world" in draft.data.get("request", {}) and draft.data["request"]["world"] == "world":
                draft.data["request"]["world"] = "kek"
        change(story)

    return whole


def judged(base: Path, change: Change) -> Verdict:
    record = write(base, change=told(change), change_plan=plan_cards)
    return verify(record.folder, record.trust, rehearsal=True)


def test_cards_replaced_and_tried_as_told(tmp_path: Path) -> None:
    verdict = judged(tmp_path, lambda _: None)
    assert (verdict.outcome, verdict.findings) == (Outcome.VALID, ())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        # whose cards, and how many
        (request("replace", "replace_cards", threshold=1), "LOG038"),
        (request("replace", "replace_cards", cards=2), "LOG038"),
        (request("replace", "replace_cards", holders=ALL[:1]), "LOG038"),
        (request("replace", "replace_cards", new_holders=TWO), "LOG038"),
        (request("replace", "replace_cards", new_holders=[*TWO, {"person": "bram", "number": 3}]), "LOG038"),
        (request("replace", "replace_cards", holders=[*ALL[:1], {"person": "dana", "number": 2}]), "LOG038"),
        (request("try", "try_cards", holders=TWO), "LOG038"),
        (request("old", "try_cards", holders=ALL[:1]), "LOG038"),
        (reply("replace", "people_gathered", **acting("asha/administrator", "bram/administrator")), "LOG036"),
        # of which sets, and tried how
        (request("replace", "replace_cards", old="next"), "LOG039"),
        (request("replace", "replace_cards", new="acs"), "LOG039"),
        (request("try", "try_cards", choices="quorum"), "LOG039"),
        (request("old", "try_cards", card_set="next"), "LOG039"),
        # what the device said
        (reply("replace", "cards_replaced", read=READ[:1]), "LOG038"),
        (reply("replace", "cards_replaced", read=[READ[0], READ[0]]), "LOG038"),
        (reply("replace", "cards_replaced", cards=CARDS[:2]), "LOG038"),
        (reply("replace", "cards_replaced", cards=[CARDS[0], CARDS[1], CARDS[1]]), "LOG038"),
        (reply("try", "cards_tried", cards=[*CARDS[:2], {"number": 4, "serial": "n4"}]), "LOG038"),
        (reply("replace", "cards_replaced", hknso="cd" * 20), "LOG041"),
        (reply("try", "cards_tried", opens=False), "LOG041"),
        (reply("old", "cards_tried", opens=True), "LOG041"),
        (reply("try", "cards_tried", cards=[]), "LOG041"),
        # what was made of it
        (result("look", "cards", "c1, c9"), "LOG041"),
        (result("replace", "cards", "x1, x2, x3"), "LOG041"),
        (result("replace", "read", "zz"), "LOG041"),
        (result("try", "cards", "n1, n2"), "LOG041"),
        (result("try", "opens", value=False), "LOG040"),
        (result("old", "opens", value=True), "LOG040"),
        (together(reply("old", "cards_tried", opens=True), result("old", "opens", value=True)), "LOG040"),
        (data("replace", "step.done", made=[]), "LOG042"),
        (data("replace", "step.done", made=[made("world-file", "world", "offline", BEFORE, "device")]), "LOG042"),
        (reply("look", "device_inspected", sha256="55" * 32), "LOG042"),
        # the device's own log
        (shown("replace", "cards_replaced", 8), "LOG050"),
        (shown("try", "cards_tried", 10), "LOG050"),
        (data("try", "cards_tried", device=None), "LOG051"),
        (data("try", "try_cards", mutates=False), "LOG031"),
    ],
)  # fmt: skip
def test_cards_that_are_not_as_told_are_seen(tmp_path: Path, change: Change, rule: str) -> None:
    verdict = judged(tmp_path, change)
    assert verdict.outcome is Outcome.TAMPERED
    assert rule in {finding.rule for finding in verdict.findings}


def test_a_card_that_opened_nothing_may_be_any(tmp_path: Path) -> None:
    """Somebody put in a card of theirs that is of no set of the plan; it is what was to be found out."""
    other = [READ[0], {"number": 7, "serial": "x7"}]
    change = together(reply("old", "cards_tried", cards=other), result("old", "cards", "c1, x7"))
    assert judged(tmp_path, change).outcome is Outcome.VALID


def test_whoever_used_a_new_card_has_no_stand_in(tmp_path: Path) -> None:
    """LOG094: nobody takes the place of somebody who used a card of theirs."""

    def stand_in(planned: dict[str, Any]) -> None:
        plan_cards(planned)
        planned["people"].append(synthetic.person("kim", "administrator", instead="chen"))

    def substituted(at: str) -> Change:
        def change(story: list[Draft]) -> None:
            told(lambda _: None)(story)
            where = place(story, at, "step.begun")
            story[where:where] = [
                Draft(EntryType.PERSON_LEFT, {"person": "chen"}),
                Draft(EntryType.PERSON_PRESENT, {"person": "kim", "roles": ["administrator"]}),
                Draft(
                    EntryType.SUBSTITUTION,
                    {"absent": "chen", "instead": "kim", "by": "dana", "reason": "ill"},
                ),
            ]

        return change

    record = write(tmp_path, change=substituted("old"), change_plan=stand_in)
    verdict = verify(record.folder, record.trust, rehearsal=True)
    assert {finding.rule for finding in verdict.findings} == {"LOG094"}
