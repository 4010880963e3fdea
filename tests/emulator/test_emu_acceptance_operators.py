"""Acceptance checks about operators' card sets and softcards, by the numbers of the research (section 11)."""

from __future__ import annotations

import base64
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import Bench, FakeClock, Packages, SeededDraw, contents, generate, modify
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operators_bench import (
    LOCAL,
    OPS,
    SOFT,
    SOFT_PIN,
    UNDER_CARDS,
    UNDER_MODULE,
    UNDER_SOFTCARD,
    Staffed,
    card_set,
    prove,
)
from test_emu_attacks import Recorder, edited, forge, hits

from hsm_emulator import cards, crypto, keyfile, ram, softcards, state
from hsm_emulator.device import Device, Pin
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.facts import Mode
from hsm_emulator.handling import FailModule, LoseCard, SwitchPower
from hsm_emulator.messages import ChangeMode, CheckPin, InspectKey, KeyInspected, KeyProved, LoadWorld, RestoreFile
from hsm_emulator.operator_messages import (
    CheckSoftcard,
    CreateSoftcard,
    EjectCard,
    InsertCard,
    KeysRecovered,
    ListOperators,
    Preload,
    Preloaded,
    RecoverKeys,
    Unload,
)
from hsm_emulator.quorum import LTU

if TYPE_CHECKING:
    from collections.abc import Callable


def signs(bench: Bench, ident: str) -> bool:
    """Say whether a key signs now, or is refused because it is not loaded; the signature is checked."""
    try:
        reply = bench.device.look(prove(ident))
    except Refused as refused:
        if refused.status is not Status.KEY_NOT_LOADED:
            raise
        return False
    assert isinstance(reply, KeyProved)
    public, signature = base64.b64decode(reply.public_key), base64.b64decode(reply.signature)
    return crypto.rsa_verify(public, signature, b"c" * 32)


# -- 1: quora ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 5), (4, 4)])
def test_check_01_every_k_cards_load_the_key_and_no_fewer_do(make_bench: Callable[..., Bench], k: int, n: int) -> None:
    bench = make_bench("hsm", cards=10)
    bench.world(1, 1)
    names = bench.serials[1 : n + 1]
    made = bench.do(card_set(threshold=k, cards=n), *names)
    hkltu = made.hkltu  # type: ignore[union-attr]  # the reply of this command
    bench.do(generate("key", protect="token", token=hkltu), *names)
    for some in combinations(names, k - 1):
        bench.refused_talk(Preload(hkltu=hkltu), Status.CANCELLED, bench.operator(*some), tries=True)
    for some in combinations(names, k):
        assert not signs(bench, "key")
        bench.do(Preload(hkltu=hkltu), *some)
        assert signs(bench, "key")
        bench.do(Unload(hkltus=(hkltu,)))


@pytest.mark.slow
def test_check_01_sixty_four_cards(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("hsm", cards=65)
    bench.world(1, 1)
    names = bench.serials[1:]
    made = bench.do(card_set(threshold=33, cards=64), *names)
    hkltu = made.hkltu  # type: ignore[union-attr]  # the reply of this command
    bench.do(generate("key", protect="token", token=OPS), *names[:33])
    bench.refused_talk(Preload(hkltu=hkltu), Status.CANCELLED, bench.operator(*names[:32]), tries=True)
    bench.do(Preload(hkltu=hkltu), *names[31:])
    assert signs(bench, "key")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slot=st.lists(st.integers(0, 7), max_size=6))
def test_check_01_any_cards_in_the_slot(staffed: Staffed, slot: list[int]) -> None:
    """Cards 0 to 2 are administrators', 3 to 5 of the set, 6 is blank and 7 unknown: only two of the set load it."""
    names = [*staffed.serials[:7], "SIM-NONE"]
    staffed.do(Unload(hkltus=(staffed.hkltu(OPS),)))
    if inside := staffed.listed().slot.serial:
        staffed.do(EjectCard(serial=inside))
    enough = len({card for card in slot if 3 <= card <= 5}) >= 2
    talk = staffed.operator(*(names[card] for card in slot))
    if enough:
        staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), talk)
    else:
        staffed.refused_talk(Preload(hkltu=staffed.hkltu(OPS)), Status.CANCELLED, talk, tries=True)
    assert signs(staffed, UNDER_CARDS) is enough


def test_check_01_a_softcard_opens_with_its_pin_only(staffed: Staffed) -> None:
    hkltu = staffed.hkltu(SOFT)
    wrong = staffed.operator(typed={f"softcard-{hkltu}": ["", SOFT_PIN[:-1], SOFT_PIN + " "]})
    staffed.refused_talk(Preload(hkltu=hkltu), Status.DECRYPT_FAILED, wrong, tries=True)
    assert not signs(staffed, UNDER_SOFTCARD)
    staffed.preload(SOFT)
    assert signs(staffed, UNDER_SOFTCARD)
    assert not signs(staffed, UNDER_CARDS)


# -- 2: what a thief has ----------------------------------------------------------------------------------------------


def test_check_02_all_pins_one_card_too_few_and_another_module(
    staffed: Staffed, make_bench: Callable[..., Bench]
) -> None:
    """The whole folder, every PIN and one operator's card with its chip are on a module of another world."""
    thief = make_bench("thief", seed="thief", cards=0)
    stolen = contents(staffed.folder)
    one, two = staffed.ops[:2]
    wanted = {f"cardstore/{name}.card" for name in staffed.ops} | {f"silicon/cards/{one}"}
    forge(thief, {name: data for name, data in stolen.items() if name.startswith(LOCAL) or name in wanted})
    thief.pins = staffed.pins
    for ident in (UNDER_CARDS, UNDER_SOFTCARD, UNDER_MODULE):
        with pytest.raises(Refused) as caught:
            thief.device.look(prove(ident))
        assert caught.value.status is Status.UNKNOWN_ID
    thief.refused(Preload(hkltu=staffed.hkltu(OPS)), Status.UNKNOWN_ID, one, two)
    inside = state.State(esn="", files=stolen)
    membership, chip = cards.read(inside, one), cards.chip(inside, one)
    assert membership is not None
    km = state.recall(state.State(esn="SIM0-0000-0001", files=stolen)).module_key
    pin = Pin(staffed.pins[one])
    assert cards.open_shares(membership, chip, pin, {LTU: km}) is not None
    assert cards.open_shares(membership, chip, pin, {LTU: SeededDraw("guess").take(32)}) is None
    assert cards.open_shares(membership, cards.chip(inside, two), pin, {LTU: km}) is None


def test_check_02_a_softcards_file_and_pin_open_nothing_without_the_module_key(staffed: Staffed) -> None:
    files = contents(staffed.folder)
    inside = state.State(esn="SIM0-0000-0001", files=files)
    memory = state.recall(inside)
    made = softcards.read_softcard(files[f"{LOCAL}softcard_{staffed.hkltu(SOFT)}"], memory)
    chip = cards.chip(inside, made.serial)
    assert cards.open_shares(made.membership, chip, Pin(SOFT_PIN), {LTU: memory.module_key}) is not None
    assert cards.open_shares(made.membership, chip, Pin(SOFT_PIN), {LTU: SeededDraw("guess").take(32)}) is None


def test_check_02_a_restored_world_has_its_operators_again(staffed: Staffed, make_bench: Callable[..., Bench]) -> None:
    new = make_bench("new", seed="new", cards=0)
    files = contents(staffed.folder)
    plastic = ("cardstore/", "silicon/cards/SIM")
    forge(new, {name: data for name, data in files.items() if name.startswith(plastic)})
    new.pins = staffed.pins
    for name, data in files.items():
        if name.startswith(LOCAL) and not name.startswith(f"{LOCAL}module_"):
            new.do(RestoreFile(name=name.removeprefix(LOCAL), content=data))
    new.mode(Mode.INITIALIZATION)
    new.do(LoadWorld(threshold=0), *staffed.admins[:2])
    new.mode(Mode.OPERATIONAL)
    new.do(Preload(hkltu=staffed.hkltu(OPS)), *staffed.ops[1:])
    talk = staffed.operator()
    new.talk(Preload(hkltu=staffed.hkltu(SOFT)), talk)
    assert signs(new, UNDER_CARDS)
    assert signs(new, UNDER_SOFTCARD)


# -- 3: nothing secret outside silicon --------------------------------------------------------------------------------


def test_check_03_no_token_share_or_key_is_written_outside_silicon(
    make_bench: Callable[..., Bench],
) -> None:
    outside: list[bytes] = []
    inside: list[bytes] = []

    def see(operation: Operation) -> None:
        (inside if "silicon" in operation.path.parts else outside).append(operation.content)

    draw = Recorder("operators")
    bench = make_bench("hsm", disk=Disk(see), draw=draw, cards=10)
    bench.world(1, 2)
    bench.do(card_set(), *bench.serials[2:5])
    bench.do(card_set("other"), *bench.serials[5:8])
    bench.do(CreateSoftcard(name=SOFT))
    bench.do(generate("one", protect="token", token=OPS), *bench.serials[2:5])
    bench.do(generate("two", protect="softcard", token=SOFT))
    for made in bench.device.look(ListOperators()).tokens:  # type: ignore[union-attr]  # the reply of this command
        bench.do(Preload(hkltu=made.hkltu), *bench.serials[2:8])
    bench.do(RecoverKeys(target="other", keys=(("simple", "one"),)), *bench.serials)
    memory = ram.recall(state.State(esn="SIM0-0000-0001", files=contents(bench.folder)))
    tokens = {token.token for token in memory.tokens}
    assert tokens
    assert tokens <= draw.secrets
    typed = {pin.encode() for pin in bench.pins.values()}
    assert hits(b"\n".join(outside), draw.secrets | typed) == []
    assert hits(b"\n".join(inside), typed | tokens) == []
    assert len(b"\n".join(outside)) > 50_000


# -- 4: tampering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"k": 1}, Status.VERIFY_FAILED),
        ({"n": 4}, Status.VERIFY_FAILED),
        ({"name": "mine"}, Status.VERIFY_FAILED),
        ({"persistent": True}, Status.VERIFY_FAILED),
        ({"timeout": 9}, Status.VERIFY_FAILED),
        ({"check": "0" * 64}, Status.VERIFY_FAILED),
        ({"k": 4}, Status.HOST_DATA_INVALID),
        ({"persistent": 1}, Status.HOST_DATA_INVALID),
        ({"timeout": -1}, Status.HOST_DATA_INVALID),
        ({"extra": 1}, Status.HOST_DATA_INVALID),
        ({"hkltu": "0" * 40}, Status.VERIFY_FAILED),
    ],
)
def test_check_04_an_edited_card_set(staffed: Staffed, changes: dict[str, Any], status: Status) -> None:
    hkltu = staffed.hkltu(OPS)
    path = f"{LOCAL}cards_{hkltu}"
    forge(staffed, {path: edited(staffed, path, lambda data: data.update(changes))})
    staffed.refused(Preload(hkltu=hkltu), status, *staffed.ops)
    assert [made.name for made in staffed.listed().tokens] == [SOFT]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": "mine"}, Status.VERIFY_FAILED),
        ({"share": ""}, Status.VERIFY_FAILED),
        ({"salt": "AAAA"}, Status.VERIFY_FAILED),
        ({"scrypt_n": 32}, Status.VERIFY_FAILED),
        ({"scrypt_n": 1 << 30}, Status.HOST_DATA_INVALID),
        ({"check": "0" * 64}, Status.VERIFY_FAILED),
    ],
)
def test_check_04_an_edited_softcard(staffed: Staffed, changes: dict[str, Any], status: Status) -> None:
    hkltu = staffed.hkltu(SOFT)
    path = f"{LOCAL}softcard_{hkltu}"
    forge(staffed, {path: edited(staffed, path, lambda data: data.update(changes))})
    staffed.refused(Preload(hkltu=hkltu), status)


def test_check_04_a_card_sets_file_under_another_name(staffed: Staffed) -> None:
    staffed.do(card_set("second"), *staffed.blank[:3])
    first, second = (f"{LOCAL}cards_{staffed.hkltu(name)}" for name in (OPS, "second"))
    forge(staffed, {second: contents(staffed.folder)[first]})
    hkltu = second.rpartition("_")[2]
    staffed.refused(Preload(hkltu=hkltu), Status.HOST_DATA_INVALID, *staffed.ops)


@pytest.mark.parametrize("field", ["k", "index", "n", "set_name", "set_id"])
def test_check_04_an_edited_operators_card(staffed: Staffed, field: str) -> None:
    one = staffed.ops[0]
    path = f"cardstore/{one}.card"
    new = {"k": 1, "index": 3, "n": 4, "set_name": "mine", "set_id": "0" * 40}[field]
    forge(staffed, {path: edited(staffed, path, lambda data: data["set"].update({field: new}))})
    talk = staffed.operator(one, *staffed.ops)
    command = Preload(hkltu=staffed.hkltu(OPS))
    if field == "set_name":  # what people read; nothing rests on it
        staffed.talk(command, talk)
    elif field == "index":
        staffed.refused_talk(command, Status.DECRYPT_FAILED, talk, tries=True)
    else:
        staffed.talk(command, talk)
        assert ("another set" if field == "set_id" else "it is 2 of 3: it was changed") in talk.told[0]


@pytest.mark.parametrize(
    ("ident", "changes", "status"),
    [
        (UNDER_CARDS, {"protect": "module", "hkltu": ""}, Status.DECRYPT_FAILED),
        (UNDER_CARDS, {"protect": "module"}, Status.HOST_DATA_INVALID),
        (UNDER_CARDS, {"protect": "softcard"}, Status.DECRYPT_FAILED),
        (UNDER_CARDS, {"hkltu": ""}, Status.HOST_DATA_INVALID),
        (UNDER_CARDS, {"hkltu": "0" * 40}, Status.KEY_NOT_LOADED),
        (UNDER_CARDS, {"plainname": "mine"}, Status.DECRYPT_FAILED),
        (UNDER_CARDS, {"hkm": "0" * 40}, Status.UNKNOWN_KM),
        (UNDER_MODULE, {"protect": "token"}, Status.HOST_DATA_INVALID),
        (UNDER_SOFTCARD, {"ident": "mine"}, Status.HOST_DATA_INVALID),
    ],
)
def test_check_04_an_edited_key(staffed: Staffed, ident: str, changes: dict[str, Any], status: Status) -> None:
    staffed.preload(OPS, *staffed.ops)
    staffed.preload(SOFT)
    assert signs(staffed, ident)
    path = f"{LOCAL}key_simple_{ident}"
    forge(staffed, {path: edited(staffed, path, lambda data: data.update(changes))})
    with pytest.raises(Refused) as caught:
        staffed.device.look(prove(ident))
    assert caught.value.status is status


# -- 5 and 6: PIN tries -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [OPS, SOFT])
def test_check_05_wrong_pins_make_the_next_look_wait(staffed: Staffed, name: str) -> None:
    serial = staffed.ops[0] if name == OPS else f"softcard-{staffed.hkltu(SOFT)}"
    waits: list[int] = []
    for _ in range(3):
        talk = staffed.operator(serial, typed={serial: ["x", "y", "z"]})
        staffed.refused_talk(Preload(hkltu=staffed.hkltu(name)), Status.DECRYPT_FAILED, talk, tries=True)
        waits += [ask.wait_seconds for ask in talk.asks if hasattr(ask, "attempt")]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    talk = staffed.operator(*staffed.ops)
    talk.waits = None  # nobody waits
    kept = staffed.refused_talk(
        CheckSoftcard(token=SOFT) if name == SOFT else CheckPin(), Status.TOKEN_AUTH_FAILED, talk
    )
    assert "looks at no passphrase" in kept.words
    staffed.preload(name, *staffed.ops)
    assert b'"failures":0' in contents(staffed.folder)[f"silicon/cards/{serial}"]


def test_check_05_a_kill_while_a_softcards_pin_is_looked_at_costs_the_try(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cards, "open_shares", die)
    for failures in (1, 2):
        staffed.clock.now += 60
        with pytest.raises(KeyboardInterrupt):
            staffed.talk(CheckSoftcard(token=SOFT), staffed.operator(), request=f"killed-{failures}")
        staffed.reopen()
        kept = contents(staffed.folder)[f"silicon/cards/softcard-{staffed.hkltu(SOFT)}"]
        assert f'"failures":{failures}'.encode() in kept
    monkeypatch.undo()
    staffed.talk(CheckSoftcard(token=SOFT), staffed.operator(), request="killed-2")


def test_check_06_who_guesses_at_the_same_time_is_kept_out_and_tries_add_up(staffed: Staffed) -> None:
    serial = f"softcard-{staffed.hkltu(SOFT)}"
    for turn in range(2):
        with pytest.raises(Refused, match="in use by another process"):
            Device.open(staffed.folder, draw=SeededDraw("other"), clock=FakeClock())
        talk = staffed.operator(typed={serial: ["a", "b", "c"]})
        staffed.refused_talk(CheckSoftcard(token=SOFT), Status.DECRYPT_FAILED, talk, tries=True)
        assert f'"failures":{3 * turn + 3}'.encode() in contents(staffed.folder)[f"silicon/cards/{serial}"]
        staffed.reopen()


# -- 7: cards that do not count ---------------------------------------------------------------------------------------


def test_check_07_the_same_card_twice_does_not_count(staffed: Staffed) -> None:
    one, two = staffed.ops[:2]
    talk = staffed.operator(one, one, one)
    staffed.refused_talk(Preload(hkltu=staffed.hkltu(OPS)), Status.CANCELLED, talk, tries=True)
    assert talk.told == [f"card {one} was read already; it counts once"] * 2
    reply = staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), staffed.operator(one, one, two))
    assert isinstance(reply, Preloaded)
    assert [card.serial for card in reply.cards] == [one, two]


def test_check_07_other_cards_are_named_and_the_slot_waits(staffed: Staffed, make_bench: Callable[..., Bench]) -> None:
    other = make_bench("other", seed="other")
    other.world(1, 1)
    foreign = "SIM-C-0013"
    image = contents(other.folder)["cardstore/SIM-C-0001.card"].replace(b"SIM-C-0001", foreign.encode())
    staffed.do(card_set("second", threshold=1, cards=1), staffed.blank[0])
    forge(staffed, {f"cardstore/{foreign}.card": image})
    slot = [staffed.admins[0], staffed.blank[0], staffed.blank[1], foreign, "SIM-NONE", *staffed.ops[:2]]
    talk = staffed.operator(*slot)
    staffed.talk(Preload(hkltu=staffed.hkltu(OPS)), talk)
    assert [re.sub(" of world .*", "", words) for words in talk.told] == [
        f"card {slot[0]} is of another set: it is Administrator Card Set card 1 of 3",
        f"card {slot[1]} is of another set: it is second card 1 of 1",
        f"card {slot[2]} is blank",
        f"card {foreign} is of another Security World: it is Administrator Card Set card 1 of 1",
        "there is no card SIM-NONE",
    ]
    assert [ask.serial for ask in talk.asks if hasattr(ask, "attempt")] == staffed.ops[:2]
    assert signs(staffed, UNDER_CARDS)


def test_check_07_an_operators_card_is_no_administrators(staffed: Staffed, packages: Packages) -> None:
    talk = staffed.operator(*staffed.ops)
    staffed.refused_talk(modify(packages), Status.CANCELLED, talk)
    assert [words.partition(":")[2] for words in talk.told] == [
        f" it is ops card {number} of 3 of world {hknso_of(staffed)}" for number in (1, 2, 3)
    ]


def hknso_of(bench: Bench) -> str:
    return state.recall(state.State(esn="SIM0-0000-0001", files=contents(bench.folder))).hknso


# -- 11: rocs ---------------------------------------------------------------------------------------------------------


def recovered(bench: Staffed, target: str, *idents: str, slot: list[str]) -> KeysRecovered:
    command = RecoverKeys(target=target, keys=tuple(("simple", ident) for ident in idents))
    reply = bench.talk(command, bench.operator(*slot))
    assert isinstance(reply, KeysRecovered)
    return reply


def test_check_11_a_recovered_key_is_the_same_key_under_other_cards(staffed: Staffed) -> None:
    new = staffed.blank[:2]
    staffed.do(card_set("new", threshold=1, cards=2), *new)
    staffed.generated("stays", protect="token", token=OPS)
    before = contents(staffed.folder)
    was = staffed.fact(UNDER_CARDS)
    reply = recovered(staffed, "new", UNDER_CARDS, slot=[*staffed.admins[:2], new[1]])
    after = contents(staffed.folder)
    now = staffed.fact(UNDER_CARDS)
    assert (now.key_hash, now.hkltu) == (was.key_hash, staffed.hkltu("new"))
    assert reply.keys == (now,)
    assert [card.serial for card in (*reply.read, *reply.cards)] == [*staffed.admins[:2], new[1]]
    path = f"{LOCAL}key_simple_{UNDER_CARDS}"
    assert {name for name in after if after[name] != before.get(name) and not name.startswith("silicon/")} == {path}
    one, two = (keyfile.parse_file(files[path]) for files in (before, after))
    assert (two.public, two.hash, two.certificate) == (one.public, one.hash, one.certificate)
    staffed.preload(OPS, *staffed.ops)
    assert not signs(staffed, UNDER_CARDS)
    assert signs(staffed, "stays")
    staffed.preload("new", new[0])
    assert signs(staffed, UNDER_CARDS)
    shown = staffed.device.look(InspectKey(app="simple", ident=UNDER_CARDS))
    assert isinstance(shown, KeyInspected)
    assert shown.blob_to == staffed.hkltu("new")
    assert shown.recoverable


def test_check_11_again_and_back_and_softcard_to_softcard(staffed: Staffed) -> None:
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    staffed.do(CreateSoftcard(name="next"))
    recovered(staffed, "new", UNDER_CARDS, slot=[*staffed.admins[:2], staffed.blank[0]])
    recovered(staffed, OPS, UNDER_CARDS, slot=[*staffed.admins[1:], *staffed.ops])
    recovered(staffed, "next", UNDER_SOFTCARD, slot=staffed.admins)
    staffed.preload(OPS, *staffed.ops)
    staffed.preload("next")
    assert signs(staffed, UNDER_CARDS)
    assert signs(staffed, UNDER_SOFTCARD)


def test_check_11_all_keys_or_none(staffed: Staffed) -> None:
    """The second key's recovery blob was changed, which shows only when it is opened."""
    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    staffed.generated("second", protect="token", token=OPS)
    path = f"{LOCAL}key_simple_second"

    def swap(data: dict[str, Any]) -> None:
        data["recovery"]["sealed"] = base64.b64encode(b"x" * 64).decode()

    forge(staffed, {path: edited(staffed, path, swap)})
    slot = [*staffed.admins[:2], staffed.blank[0]]
    both = RecoverKeys(target="new", keys=(("simple", UNDER_CARDS), ("simple", "second")))
    staffed.refused_talk(both, Status.DECRYPT_FAILED, staffed.operator(*slot), tries=True)
    recovered(staffed, "new", UNDER_CARDS, slot=slot)


def test_check_11_fewer_administrators_or_cards_of_the_target_recover_nothing(staffed: Staffed) -> None:
    staffed.do(card_set("new"), *staffed.blank[:3])
    command = RecoverKeys(target="new", keys=(("simple", UNDER_CARDS),))
    for slot in ([staffed.admins[0]], staffed.ops, [*staffed.admins[:2], staffed.blank[0]]):
        staffed.refused_talk(command, Status.CANCELLED, staffed.operator(*slot), tries=True)


# -- 13: the transfer refuses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ident", "what"), [(UNDER_CARDS, "card set"), (UNDER_SOFTCARD, "softcard")])
@pytest.mark.parametrize("loaded", [False, True])
def test_check_13_a_key_that_more_than_the_module_protects_is_not_transferred(
    staffed: Staffed, packages: Packages, ident: str, what: str, *, loaded: bool
) -> None:
    if loaded:
        staffed.preload(OPS, *staffed.ops)
        staffed.preload(SOFT)
    talk = staffed.operator(*staffed.admins)
    refused = staffed.refused_talk(modify(packages, ident), Status.INVALID_PARAMETER, talk)
    assert talk.asks == []
    assert f"is protected by a {what}, and the toolset does not support that" in refused.words
    assert "protect=module" in refused.words
    staffed.copy(packages, *staffed.admins[:2], ident=UNDER_MODULE)


# -- 21: what is loaded goes ------------------------------------------------------------------------------------------


def test_check_21_a_set_that_is_not_persistent_goes_with_its_last_card(staffed: Staffed) -> None:
    one, two = staffed.ops[:2]
    staffed.preload(OPS, one, two)
    assert staffed.listed().slot.serial == two
    staffed.refused(EjectCard(serial=one), Status.PHYS_TOKEN_NOT_PRESENT)
    assert signs(staffed, UNDER_CARDS)
    staffed.do(EjectCard(serial=two))
    assert not signs(staffed, UNDER_CARDS)
    assert staffed.listed().slot.serial == ""


def test_check_21_a_persistent_set_stays(staffed: Staffed) -> None:
    cards_of = staffed.blank[:2]
    staffed.do(card_set("kept", threshold=1, cards=2, persistent=True), *cards_of)
    staffed.do(generate("kept-key", protect="token", token="kept"), cards_of[0])
    staffed.preload("kept", cards_of[0])
    staffed.preload(SOFT)
    staffed.do(EjectCard(serial=cards_of[0]))
    staffed.do(InsertCard(serial=staffed.admins[0]))
    assert signs(staffed, "kept-key")
    assert signs(staffed, UNDER_SOFTCARD)
    assert sorted(staffed.loaded()) == ["kept", SOFT]


@pytest.mark.parametrize("persistent", [False, True])
def test_check_21_a_time_out_counts_whatever_the_set_is(staffed: Staffed, *, persistent: bool) -> None:
    staffed.do(card_set("timed", threshold=1, cards=1, timeout=30, persistent=persistent), staffed.blank[0])
    staffed.do(generate("timed-key", protect="token", token="timed"), staffed.blank[0])
    staffed.preload("timed", staffed.blank[0])
    began = staffed.clock.now
    for later, alive in ((0.0, True), (29.9, True), (30.0, False), (31.0, False), (-1.0, False)):
        staffed.clock.now = began + later
        assert signs(staffed, "timed-key") is alive
        assert ("timed" in staffed.loaded()) is alive
    staffed.clock.now = began + 40
    staffed.preload("timed", staffed.blank[0])
    assert signs(staffed, "timed-key")


@pytest.mark.parametrize("mode", list(Mode))
def test_check_21_a_clear_or_a_mode_change_forgets_everything(staffed: Staffed, mode: Mode) -> None:
    staffed.do(card_set("kept", threshold=1, cards=1, persistent=True), staffed.blank[0])
    staffed.preload(SOFT)
    staffed.preload("kept", staffed.blank[0])
    assert sorted(staffed.loaded()) == ["kept", SOFT]
    if mode is Mode.FAILED:
        staffed.device.handle(FailModule())
    else:
        staffed.do(ChangeMode(mode=mode))
    assert staffed.loaded() == []
    staffed.do(ChangeMode(mode=Mode.OPERATIONAL))
    assert not signs(staffed, UNDER_SOFTCARD)
    assert staffed.listed().slot.serial == staffed.blank[0]


def test_check_21_a_card_that_is_lost_or_carried_away_is_out_of_the_slot(staffed: Staffed) -> None:
    two, three = staffed.ops[1:]
    staffed.preload(OPS, *staffed.ops[:2])
    staffed.device.handle(LoseCard(serial=staffed.blank[0]))
    assert signs(staffed, UNDER_CARDS)
    staffed.device.handle(LoseCard(serial=two))
    assert not signs(staffed, UNDER_CARDS)
    staffed.preload(OPS, staffed.ops[0], three)
    carried = [card for card in staffed.device.all_cards() if card.serial == three]
    staffed.device.give_cards(carried)
    assert not signs(staffed, UNDER_CARDS)
    assert staffed.listed().slot.serial == ""


def test_check_21_a_power_cut_forgets_everything(staffed: Staffed) -> None:
    staffed.preload(SOFT)
    for on in (False, True):
        staffed.device.handle(SwitchPower(on=on))
    assert staffed.loaded() == []


def test_check_21_another_commands_cards_push_the_last_card_out(staffed: Staffed, packages: Packages) -> None:
    staffed.preload(OPS, *staffed.ops[:2])
    talk = staffed.operator(*staffed.admins[:2])
    staffed.talk(modify(packages), talk)
    assert talk.told[0] == f"card {staffed.ops[1]} is in the slot"
    assert not signs(staffed, UNDER_CARDS)
    assert staffed.listed().slot.serial == ""


def test_check_21_what_needs_no_other_card_leaves_it_loaded(staffed: Staffed) -> None:
    staffed.preload(OPS, *staffed.ops[:2])
    talk = staffed.operator()
    staffed.talk(generate("more", protect="token", token=OPS), talk)
    staffed.talk(CheckPin(), talk)
    assert [ask.serial for ask in talk.asks if hasattr(ask, "attempt")] == [staffed.ops[1]]
    assert signs(staffed, "more")
    staffed.reopen()
    assert signs(staffed, UNDER_CARDS)


EVENTS = st.one_of(
    st.tuples(st.just("load"), st.booleans(), st.sampled_from([0, 5])),
    st.tuples(st.just("card"), st.sampled_from(["", "SIM-A", "SIM-B"]), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("clear"), st.just(0), st.just(0)),
)


@given(events=st.lists(EVENTS, max_size=12))
def test_check_21_whatever_happens_in_whatever_order(events: list[tuple[str, Any, int]]) -> None:
    """What is loaded is what was loaded after the last clear, and after the last other card unless it is persistent."""
    inside, now, slot = ram.Ram(), 0, ""
    model: dict[str, tuple[bool, int, int]] = {}
    for number, (kind, value, timeout) in enumerate(events):
        match kind:
            case "load":
                token = ram.LoadedToken(
                    hkltu=str(number),
                    name="x",
                    protect="token",
                    persistent=value,
                    timeout=timeout,
                    loaded_ms=now * 1000,
                    token=b"x",
                )
                inside, model[str(number)] = inside.with_token(token), (value, timeout, now)
            case "card":
                inside = inside.with_card(value)
                if value != slot:
                    model = {name: kept for name, kept in model.items() if kept[0]}
                slot = value
            case "wait":
                now += value
            case _:
                inside, model = inside.cleared(), {}
        alive = {name for name, (_, timeout, loaded) in model.items() if not timeout or now - loaded < timeout}
        assert inside.secrets(now * 1000).keys() == alive
        assert {fact.hkltu for fact in inside.facts(now * 1000)} == alive
        assert inside.slot == slot


def test_check_21_a_token_sealed_by_another_module_is_no_memory(
    staffed: Staffed, make_bench: Callable[..., Bench]
) -> None:
    other = make_bench("other", seed="other")
    staffed.preload(SOFT)
    path = "silicon/SIM0-0000-0001/ram"
    forge(other, {path: contents(staffed.folder)[path]})
    with pytest.raises(StoreBroken, match="does not open under its device secret"):
        other.device.look(ListOperators())
