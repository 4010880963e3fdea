"""What is refused about operators' card sets, softcards and what is loaded: nothing is half done then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import SUITE, Bench, Packages, contents, generate
from operators_bench import (
    LOCAL,
    OPS,
    SOFT,
    UNDER_CARDS,
    UNDER_MODULE,
    UNDER_SOFTCARD,
    Staffed,
    card_set,
    prove,
    recoverable_world,
)
from test_emu_attacks import edited, forge
from tool_bench import Tools

from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.facts import Mode
from hsm_emulator.messages import (
    ChangeMode,
    ChangePin,
    CheckPin,
    ExamineCard,
    InspectKey,
    NewWorld,
    ReplaceCards,
    RestoreFile,
)
from hsm_emulator.operator_messages import (
    CardSetCreated,
    ChangeSoftcard,
    CheckSoftcard,
    CreateSoftcard,
    DeleteSoftcard,
    EjectCard,
    InsertCard,
    Preload,
    Preloaded,
    RecoverKeys,
    SoftcardCreated,
    Unload,
)
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from hsm_emulator.messages import Change

EVERY: dict[str, Change] = {
    "createocs": card_set("more"),
    "new softcard": CreateSoftcard(name="more"),
    "check softcard": CheckSoftcard(token=SOFT),
    "change softcard": ChangeSoftcard(token=SOFT),
    "delete softcard": DeleteSoftcard(token=SOFT),
    "preload": Preload(hkltu="0" * 40),
    "rocs": RecoverKeys(target=SOFT, keys=(("simple", UNDER_SOFTCARD),)),
    "generatekey": generate("more", protect="token", token=OPS),
    "cardpp": CheckPin(),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("mode", [Mode.INITIALIZATION, Mode.MAINTENANCE])
def test_only_in_operational_mode(staffed: Staffed, name: str, mode: Mode) -> None:
    staffed.do(ChangeMode(mode=mode))
    refused = staffed.refused(EVERY[name], Status.INVALID_STATE, *staffed.ops)
    assert "operational" in refused.words


@pytest.mark.parametrize("name", EVERY)
def test_only_in_a_world(bench: Bench, name: str) -> None:
    bench.refused(EVERY[name], Status.UNKNOWN_ID, *bench.serials[:3])


# -- createocs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"threshold": 3, "cards": 2}, Status.INVALID_PARAMETER),
        ({"threshold": 0}, Status.INVALID_PARAMETER),
        ({"cards": 65}, Status.INVALID_PARAMETER),
        ({"timeout": -1}, Status.INVALID_PARAMETER),
        ({"timeout": 365 * 24 * 3600 + 1}, Status.INVALID_PARAMETER),
        ({"name": OPS}, Status.ALREADY_EXISTS),
        ({"name": "Administrator Card Set"}, Status.ALREADY_EXISTS),
        ({"name": "Security World"}, Status.ALREADY_EXISTS),
        ({"name": ""}, Status.INVALID_PARAMETER),
        ({"name": " ops"}, Status.INVALID_PARAMETER),
        ({"name": "ops "}, Status.INVALID_PARAMETER),
        ({"name": "o`ps"}, Status.INVALID_PARAMETER),
        ({"name": "../ops"}, Status.INVALID_PARAMETER),
        ({"name": "o\nps"}, Status.INVALID_PARAMETER),
        ({"name": "x" * 65}, Status.INVALID_PARAMETER),
        ({"name": "A" * 40}, Status.INVALID_PARAMETER),
    ],
)
def test_a_card_set_that_cannot_be(staffed: Staffed, changes: dict[str, object], status: Status) -> None:
    talk = staffed.operator(*staffed.blank)
    fields: dict[str, object] = {"name": "more", **changes}
    staffed.refused_talk(card_set(**fields), status, talk)  # type: ignore[arg-type]  # names are text
    assert talk.asks == []
    made = staffed.do(card_set("more", timeout=365 * 24 * 3600), *staffed.blank)
    assert isinstance(made, CardSetCreated)


def test_a_card_set_is_whole_or_not_there(staffed: Staffed) -> None:
    for slot in ([], staffed.blank[:2], [staffed.ops[0], staffed.admins[0], *staffed.blank[:2]]):
        staffed.refused(card_set("more"), Status.CANCELLED, *slot)
    talk = staffed.operator(staffed.ops[0], staffed.blank[0], staffed.blank[0], *staffed.blank[1:3])
    made = staffed.talk(card_set("more"), talk)
    assert isinstance(made, CardSetCreated)
    assert [card.serial for card in made.cards] == staffed.blank[:3]
    assert "is not blank: it is ops card 1 of 3" in talk.told[0]
    assert "is not blank: it is more card 1 of 3" in talk.told[1]
    files = {name.removeprefix(LOCAL) for name in contents(staffed.folder) if made.hkltu in name}
    assert files == {f"cards_{made.hkltu}", *(f"card_{made.hkltu}_{number}" for number in (1, 2, 3))}


@pytest.mark.parametrize("command", [card_set("more", threshold=1, cards=1), CreateSoftcard(name="more")])
def test_in_a_strict_fips_world_a_card_authorises(bench: Bench, command: Change) -> None:
    bench.mode(Mode.INITIALIZATION)
    strict = NewWorld(cipher_suite=SUITE, threshold=2, cards=3, mode=WorldMode.FIPS_140_LEVEL_3)
    bench.do(strict, *bench.serials[:3])
    bench.mode(Mode.OPERATIONAL)
    bench.refused(command, Status.STRICT_FIPS_140, bench.serials[3])
    bench.do(command, bench.serials[1], bench.serials[3])


def test_keys_of_a_strict_fips_world_are_verified_by_the_tools(bench: Bench) -> None:
    recoverable_world(bench, mode=WorldMode.FIPS_140_LEVEL_3)
    bench.do(generate("key", protect="token", token=OPS), bench.serials[3], *bench.serials[3:5])
    bench.device.close()
    tools = Tools(bench.folder)
    assert "protected by card set `ops'" in tools.done("nfkmverify", "simple", "key")
    tools.done("nfkmcheck")


def test_no_card_of_the_administrators_set_becomes_an_operators_card(staffed: Staffed) -> None:
    staffed.refused(card_set("more"), Status.CANCELLED, *staffed.admins)
    staffed.refused(ReplaceCards(), Status.CANCELLED, *staffed.admins[:2], *staffed.ops)


# -- cardpp -----------------------------------------------------------------------------------------------------------


def test_an_operators_card_has_its_own_pin(staffed: Staffed) -> None:
    one = staffed.ops[0]
    staffed.do(CheckPin(), staffed.blank[0], one)
    staffed.talk(ChangePin(), staffed.operator(one, typed={one: [staffed.pins[one], "another"]}))
    wrong = staffed.operator(one)
    staffed.refused_talk(CheckPin(), Status.DECRYPT_FAILED, wrong, tries=True)
    staffed.pins = {**staffed.pins, one: "another"}
    staffed.preload(OPS, *staffed.ops[:2])
    shown = staffed.device.look(ExamineCard(serial=one))
    assert (shown.set_name, shown.number, shown.threshold) == (OPS, 1, 2)  # type: ignore[union-attr]


def test_a_card_whose_set_is_not_here_is_named_and_the_slot_waits(staffed: Staffed) -> None:
    hkltu = staffed.hkltu(OPS)
    forge(staffed, {f"{LOCAL}cards_{hkltu}": None})
    talk = staffed.operator(staffed.ops[0])
    staffed.refused_talk(CheckPin(), Status.CANCELLED, talk)
    assert "is of another set: it is ops card 1 of 3" in talk.told[0]
    staffed.refused(Preload(hkltu=hkltu), Status.UNKNOWN_ID, *staffed.ops)
    staffed.do(CheckPin(), staffed.admins[0])


# -- softcards --------------------------------------------------------------------------------------------------------


def test_two_softcards_of_one_name_are_told_apart_by_their_hashes(staffed: Staffed) -> None:
    second = staffed.do(CreateSoftcard(name=SOFT))
    assert isinstance(second, SoftcardCreated)
    refused = staffed.refused(CheckSoftcard(token=SOFT), Status.INVALID_PARAMETER)
    assert "several are called soft" in refused.words
    staffed.do(CheckSoftcard(token=second.hkltu))
    staffed.do(DeleteSoftcard(token=second.hkltu))
    staffed.do(CheckSoftcard(token=SOFT))


def test_a_softcard_that_protects_a_key_is_not_deleted(staffed: Staffed) -> None:
    refused = staffed.refused(DeleteSoftcard(token=SOFT), Status.OBJECT_IN_USE)
    assert f"simple {UNDER_SOFTCARD}" in refused.words
    made = staffed.do(CreateSoftcard(name="free"))
    assert isinstance(made, SoftcardCreated)
    staffed.preload("free")
    staffed.do(DeleteSoftcard(token="free"))
    assert not [name for name in contents(staffed.folder) if made.hkltu in name]
    assert staffed.loaded() == []


def test_a_softcards_pin_is_changed_only_with_the_old_one(staffed: Staffed) -> None:
    serial = f"softcard-{staffed.hkltu(SOFT)}"
    wrong = staffed.operator(typed={serial: ["a", "b", "c"]})
    staffed.refused_talk(ChangeSoftcard(token=SOFT), Status.DECRYPT_FAILED, wrong, tries=True)
    changed = staffed.operator()
    changed.typed = {serial: ["a phrase nobody says", "new"]}
    staffed.talk(ChangeSoftcard(token=SOFT), changed)
    old = staffed.operator(typed={serial: ["a phrase nobody says"] * 3})
    staffed.refused_talk(CheckSoftcard(token=SOFT), Status.DECRYPT_FAILED, old, tries=True)
    staffed.talk(CheckSoftcard(token=SOFT), staffed.operator(typed={serial: ["new"]}))


@pytest.mark.parametrize("token", ["", "none", OPS, "0" * 40])
@pytest.mark.parametrize("command", [CheckSoftcard, ChangeSoftcard, DeleteSoftcard])
def test_there_is_no_such_softcard(
    staffed: Staffed, command: type[CheckSoftcard | ChangeSoftcard | DeleteSoftcard], token: str
) -> None:
    assert SOFT in staffed.refused(command(token=token), Status.UNKNOWN_ID).words


# -- generatekey ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"protect": "module", "token": OPS}, Status.INVALID_PARAMETER),
        ({"protect": "token"}, Status.INVALID_PARAMETER),
        ({"protect": "softcard"}, Status.INVALID_PARAMETER),
        ({"protect": "cards", "token": OPS}, Status.INVALID_PARAMETER),
        ({"protect": "token", "token": "none"}, Status.UNKNOWN_ID),
        ({"protect": "token", "token": SOFT}, Status.UNKNOWN_ID),
        ({"protect": "softcard", "token": OPS}, Status.UNKNOWN_ID),
        ({"protect": "token", "token": OPS, "ident": UNDER_MODULE}, Status.ALREADY_EXISTS),
        ({"protect": "token", "token": OPS, "size": 1024}, Status.INVALID_PARAMETER),
    ],
)
def test_a_key_that_cannot_be(staffed: Staffed, changes: dict[str, object], status: Status) -> None:
    talk = staffed.operator(*staffed.ops)
    staffed.refused_talk(generate(**{"ident": "more", **changes}), status, talk)  # type: ignore[arg-type]  # as above
    assert talk.asks == []


def test_no_key_without_the_cards_or_the_pin(staffed: Staffed) -> None:
    cards = generate("more", protect="token", token=OPS)
    staffed.refused_talk(cards, Status.CANCELLED, staffed.operator(staffed.ops[0]), tries=True)
    serial = f"softcard-{staffed.hkltu(SOFT)}"
    wrong = staffed.operator(typed={serial: ["a", "b", "c"]})
    soft = generate("more", protect="softcard", token=SOFT)
    staffed.refused_talk(soft, Status.DECRYPT_FAILED, wrong, tries=True)
    staffed.do(soft)


@pytest.mark.parametrize("ident", [UNDER_CARDS, UNDER_SOFTCARD])
def test_a_key_is_used_and_shown_once_its_token_is_loaded(staffed: Staffed, ident: str) -> None:
    for look in (prove(ident), InspectKey(app="simple", ident=ident)):
        with pytest.raises(Refused, match="which is not loaded: preload it"):
            staffed.device.look(look)
    staffed.preload(OPS, *staffed.ops)
    staffed.preload(SOFT)
    for look in (prove(ident), InspectKey(app="simple", ident=ident)):
        staffed.device.look(look)


# -- what is loaded, and the slot -------------------------------------------------------------------------------------


def test_a_token_is_loaded_once(staffed: Staffed) -> None:
    staffed.preload(OPS, *staffed.ops[:2])
    before = contents(staffed.folder)
    again = staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), staffed.operator())
    assert again == Preloaded(hkltu=staffed.hkltu(OPS), cards=())
    assert contents(staffed.folder) == before


def test_unloading_what_is_not_loaded_changes_nothing(staffed: Staffed) -> None:
    staffed.preload(SOFT)
    before = contents(staffed.folder)
    staffed.do(Unload(hkltus=(staffed.hkltu(OPS), "none")))
    assert contents(staffed.folder) == before
    staffed.do(Unload(hkltus=(staffed.hkltu(SOFT),)))
    assert staffed.loaded() == []


def test_the_slot(staffed: Staffed) -> None:
    one, two = staffed.ops[:2]
    staffed.refused(EjectCard(serial=""), Status.PHYS_TOKEN_NOT_PRESENT)
    staffed.refused(InsertCard(serial="SIM-NONE"), Status.UNKNOWN_ID)
    staffed.do(InsertCard(serial=one))
    assert staffed.listed().slot.insertions == 1
    staffed.do(InsertCard(serial=one))
    assert staffed.listed().slot.insertions == 1
    staffed.do(InsertCard(serial=two))
    slot = staffed.listed().slot
    assert (slot.serial, slot.insertions, slot.set_name, slot.number) == (two, 2, OPS, 2)
    staffed.do(EjectCard(serial=two))
    assert staffed.listed().slot.insertions == 0


def test_an_unreadable_card_in_the_slot_is_there_all_the_same(staffed: Staffed) -> None:
    one = staffed.ops[0]
    staffed.do(InsertCard(serial=one))
    forge(staffed, {f"cardstore/{one}.card": b"worn out"})
    slot = staffed.listed().slot
    assert (slot.serial, slot.set_name, slot.number) == (one, "", 0)
    talk = staffed.operator(*staffed.ops[1:])
    staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), talk)
    assert f"card {one} is unreadable" in talk.told[1]


@pytest.mark.parametrize("content", [b"", b"SIMULATED HSM, module ram, version 1, hknso none\n{}"])
def test_a_module_whose_memory_was_edited_says_so(staffed: Staffed, content: bytes) -> None:
    forge(staffed, {"silicon/SIM0-0000-0001/ram": content})
    with pytest.raises(StoreBroken, match="the module's ram is damaged"):
        staffed.listed()


def test_a_card_in_the_slot_is_read_first_and_only_once(staffed: Staffed) -> None:
    one, two = staffed.ops[:2]
    staffed.do(InsertCard(serial=one))
    talk = staffed.operator(two)
    reply = staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), talk)
    assert isinstance(reply, Preloaded)
    assert [card.serial for card in reply.cards] == [one, two]
    assert staffed.listed().slot.serial == two
    staffed.do(InsertCard(serial=staffed.admins[0]))
    refused = staffed.operator()
    staffed.refused_talk(Preload(hkltu=staffed.hkltu(OPS)), Status.CANCELLED, refused)
    assert refused.told[0] == f"card {staffed.admins[0]} is in the slot"


def test_after_a_refusal_the_slot_and_what_is_loaded_are_as_before(staffed: Staffed, packages: Packages) -> None:
    from emulator_bench import modify

    staffed.preload(OPS, *staffed.ops[:2])
    staffed.refused_talk(modify(packages), Status.CANCELLED, staffed.operator(staffed.admins[0]), tries=True)
    assert staffed.loaded() == [OPS]
    assert staffed.listed().slot.serial == staffed.ops[1]


def test_a_new_world_has_no_operators(staffed: Staffed) -> None:
    staffed.preload(SOFT)
    staffed.mode(Mode.INITIALIZATION)
    staffed.do(NewWorld(cipher_suite="DLf3072s256mRijndael", threshold=1, cards=1), staffed.blank[0])
    staffed.mode(Mode.OPERATIONAL)
    assert staffed.listed().tokens == ()
    assert staffed.loaded() == []
    staffed.refused(Preload(hkltu="0" * 40), Status.UNKNOWN_ID)


# -- rocs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "keys", "status", "words"),
    [
        ("none", [UNDER_CARDS], Status.UNKNOWN_ID, "there are: ops, new, soft"),
        ("new", [], Status.INVALID_PARAMETER, "one key at least"),
        ("new", [UNDER_CARDS, UNDER_CARDS], Status.INVALID_PARAMETER, "none twice"),
        ("new", ["none"], Status.UNKNOWN_KEY, "there are:"),
        ("new", [UNDER_MODULE], Status.INVALID_PARAMETER, "is protected by a module"),
        ("new", [UNDER_SOFTCARD], Status.INVALID_PARAMETER, "cards to cards"),
        (SOFT, [UNDER_CARDS], Status.INVALID_PARAMETER, "cards to cards"),
        (OPS, [UNDER_CARDS], Status.INVALID_PARAMETER, "protected by card set ops already"),
        ("new", [UNDER_CARDS, UNDER_MODULE], Status.INVALID_PARAMETER, "is protected by a module"),
    ],
)
def test_what_is_not_recovered_is_refused_before_any_card(
    staffed: Staffed, target: str, keys: list[str], status: Status, words: str
) -> None:
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    talk = staffed.operator(*staffed.admins, *staffed.blank)
    command = RecoverKeys(target=target, keys=tuple(("simple", ident) for ident in keys))
    refused = staffed.refused_talk(command, status, talk)
    assert talk.asks == []
    if target != "none":
        assert words in refused.words


def test_no_key_is_recovered_in_a_world_without_recovery(bench: Bench) -> None:
    bench.mode(Mode.INITIALIZATION)
    command = NewWorld(cipher_suite=SUITE, threshold=1, cards=1, without=(Feature.RECOVERY,))
    bench.do(command, bench.serials[0])
    bench.mode(Mode.OPERATIONAL)
    for place, name in enumerate((OPS, "new"), start=1):
        bench.do(card_set(name, threshold=1, cards=1), bench.serials[place])
    bench.do(generate("key", protect="token", token=OPS), bench.serials[1])
    refused = bench.refused(RecoverKeys(target="new", keys=(("simple", "key"),)), Status.INVALID_PARAMETER)
    assert "made without recovery" in refused.words


def test_a_key_of_another_world_is_not_recovered(staffed: Staffed) -> None:
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    path = f"{LOCAL}key_simple_{UNDER_CARDS}"
    forge(staffed, {path: of_another_world(contents(staffed.folder)[path])})
    talk = staffed.operator(*staffed.admins)
    staffed.refused_talk(RecoverKeys(target="new", keys=(("simple", UNDER_CARDS),)), Status.UNKNOWN_KM, talk)
    assert talk.asks == []


def of_another_world(content: bytes) -> bytes:
    line, _, body = content.partition(b"\n")
    return line[:-40] + b"0" * 40 + b"\n" + body


def test_files_of_another_world_are_left_out_and_refused_by_their_hash(staffed: Staffed) -> None:
    ops, soft = staffed.hkltu(OPS), staffed.hkltu(SOFT)
    paths = [f"{LOCAL}cards_{ops}", f"{LOCAL}softcard_{soft}"]
    forge(staffed, {path: of_another_world(contents(staffed.folder)[path]) for path in paths})
    assert staffed.listed().tokens == ()
    for hkltu in (ops, soft):
        staffed.refused(Preload(hkltu=hkltu), Status.UNKNOWN_KM, *staffed.ops)


def test_a_key_in_nvram_is_not_recovered(staffed: Staffed) -> None:
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    inside = generate("inside", protect="token", token=OPS, nvram=True)
    staffed.do(inside, *staffed.admins[:2], *staffed.ops[:2])
    command = RecoverKeys(target="new", keys=(("simple", "inside"),))
    assert "is in NVRAM" in staffed.refused(command, Status.INVALID_PARAMETER, *staffed.admins).words
    staffed.preload(OPS, *staffed.ops)
    staffed.device.look(prove("inside"))


@pytest.mark.parametrize("what", ["another key", "no blob", "another KRE", "public", "certificate"])
def test_a_key_is_recovered_only_as_what_its_file_says(staffed: Staffed, what: str) -> None:
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    path = f"{LOCAL}key_simple_{UNDER_CARDS}"
    other = contents(staffed.folder)[f"{LOCAL}key_simple_{UNDER_SOFTCARD}"]
    here = {name: data for name, data in _fields(other).items() if name in {"recovery", "public", "certificate"}}

    def edit(data: dict[str, object]) -> None:
        match what:
            case "another key":
                data["recovery"] = here["recovery"]
            case "no blob":
                data["recovery"] = None
            case "another KRE":
                data["recovery"] = {**data["recovery"], "hkre": "0" * 40}  # type: ignore[dict-item]
            case _:
                data[what] = here[what]

    forge(staffed, {path: edited(staffed, path, edit)})
    command = RecoverKeys(target="new", keys=(("simple", UNDER_CARDS),))
    early = what in {"no blob", "another KRE"}
    status = Status.INVALID_PARAMETER if early else Status.DECRYPT_FAILED
    talk = staffed.operator(*staffed.admins[:2], staffed.blank[0])
    staffed.refused_talk(command, status, talk, tries=True)
    assert (talk.asks == []) is early


def _fields(content: bytes) -> dict[str, object]:
    import json

    data: dict[str, object] = json.loads(content.partition(b"\n")[2])
    return data


# -- a backup ---------------------------------------------------------------------------------------------------------


def test_files_of_a_backup_are_what_their_names_say(staffed: Staffed, bench: Bench) -> None:
    files = contents(staffed.folder)
    ops, soft = staffed.hkltu(OPS), staffed.hkltu(SOFT)
    for name in (f"cards_{ops}", f"card_{ops}_1", f"softcard_{soft}"):
        kind, _, rest = name.partition("_")
        bad = f"{kind}_{'0' * 40}{rest[40:]}"
        bench.refused(RestoreFile(name=bad, content=files[LOCAL + name]), Status.HOST_DATA_INVALID)
        bench.refused(RestoreFile(name=name, content=files[f"{LOCAL}world"]), Status.HOST_DATA_INVALID)
        bench.do(RestoreFile(name=name, content=files[LOCAL + name]))
    bench.refused(RestoreFile(name="card_x_1", content=b""), Status.INVALID_PARAMETER)
