"""initunit and bulkerase: what they erase, what they never erase, and that they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_bench import SUITE, Bench, contents, generate
from test_emu_attacks import forge
from tool_bench import Tools

from hsm_emulator import cards, state
from hsm_emulator.errors import Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import Enquiry, LoadWorld, ModuleState, NewWorld, ProveKey, ReplaceCards
from hsm_emulator.operator_messages import CreateCardSet
from hsm_emulator.world_messages import AllocateArea, CardsErased, EraseCards, EraseModule, ModuleErased, WorldMode

if TYPE_CHECKING:
    from collections.abc import Callable

PROVE = ProveKey(app="simple", ident="contosokey", challenge=b"c" * 32)


def module(bench: Bench) -> ModuleState:
    reply = bench.device.look(Enquiry())
    assert isinstance(reply, ModuleState)
    return reply


def written(bench: Bench, serial: str) -> bool:
    now = state.State(esn=module(bench).esn, files=contents(bench.folder))
    return cards.read(now, serial) is not None


# -- initunit ----------------------------------------------------------------------------------------------------------


def test_an_erased_module_has_no_world_and_its_cards_bring_it_back(ready: Bench) -> None:
    ready.do(AllocateArea(name="one", size=1), *ready.serials[:2])
    before = module(ready)
    ready.mode(Mode.INITIALIZATION)
    assert ready.do(EraseModule()) == ModuleErased(hknso=before.hknso)
    after = module(ready)
    assert (after.hknso, after.cards, after.usable) == ("", (), False)
    assert [file.name for file in after.files] == [file.name for file in before.files]
    assert not [name for name in contents(ready.folder) if name.endswith("/nvram")]
    ready.mode(Mode.OPERATIONAL)
    ready.refused(generate("x"), Status.UNKNOWN_ID)
    ready.mode(Mode.INITIALIZATION)
    ready.do(LoadWorld(threshold=0), *ready.serials[1:3])
    ready.mode(Mode.OPERATIONAL)
    ready.device.look(PROVE)
    assert module(ready).hknso == before.hknso


@pytest.mark.parametrize("mode", [Mode.OPERATIONAL, Mode.MAINTENANCE])
def test_a_module_is_erased_in_initialization_mode_only(ready: Bench, mode: Mode) -> None:
    ready.mode(mode)
    assert "initialization" in ready.refused(EraseModule(), Status.INVALID_STATE).words


def test_an_erased_modules_kml_is_another(ready: Bench) -> None:
    def kml() -> bytes:
        return state.recall(state.State(esn=module(ready).esn, files=contents(ready.folder))).kml

    before = kml()
    ready.mode(Mode.INITIALIZATION)
    ready.do(EraseModule())
    assert kml() != before


def test_initunit_asks(tools: Tools) -> None:
    assert "needs initialization mode" in tools.refused(4, "initunit", "--wait-limit", "0", typed=["yes"]).err
    tools.done("nopclearfail", "-I")
    for answer in ([], ["no"], ["YES"]):
        assert "stays as it is" in tools.refused(3, "initunit", typed=answer).err
    assert "in no Security World" in tools.done("initunit", "-m", "1", typed=["yes"])
    assert "!Initialised" in tools.done("nfkminfo")


# -- bulkerase ---------------------------------------------------------------------------------------------------------


def card_set(bench: Bench, *serials: str, name: str = "ops") -> None:
    made = CreateCardSet(name=name, threshold=1, cards=len(serials), persistent=False, timeout=0)
    bench.do(made, *serials)


def test_cards_of_the_worlds_own_set_are_never_erased(ready: Bench) -> None:
    for mode in (Mode.OPERATIONAL, Mode.INITIALIZATION):
        ready.mode(mode)
        for serial in ready.serials[:3]:
            command = EraseCards(serials=(ready.serials[5], serial))
            assert "never erased" in ready.refused(command, Status.ACCESS_DENIED).words
    ready.mode(Mode.MAINTENANCE)
    ready.refused(EraseCards(serials=(ready.serials[5],)), Status.INVALID_STATE)


def test_cards_of_a_set_that_was_replaced_are_erased(ready: Bench) -> None:
    old, new = ready.serials[:3], ready.serials[3:6]
    ready.do(ReplaceCards(), *old[:2], *new)
    assert ready.do(EraseCards(serials=tuple(old))) == CardsErased(serials=tuple(old), names=())
    assert not any(written(ready, serial) for serial in old)
    ready.refused(EraseCards(serials=(new[0],)), Status.ACCESS_DENIED)
    ready.do(ReplaceCards(), *new[:2], *old)


def test_with_the_last_card_of_operators_go_the_sets_files(ready: Bench) -> None:
    one, two = ready.serials[3:5]
    card_set(ready, one, two)
    files = [file.name for file in module(ready).files if file.name.startswith(("cards_", "card_"))]
    assert len(files) == 3
    assert ready.do(EraseCards(serials=(one,))) == CardsErased(serials=(one,), names=())
    assert [file.name for file in module(ready).files if file.name.startswith(("cards_", "card_"))] == files
    assert ready.do(EraseCards(serials=(two,))) == CardsErased(serials=(two,), names=tuple(sorted(files)))
    card_set(ready, one, two, name="again")


def test_an_operators_card_of_another_world_is_kept(ready: Bench, make_bench: Callable[..., Bench]) -> None:
    serial = ready.serials[3]
    card_set(ready, serial)
    files = contents(ready.folder)
    other = make_bench("other", seed="other")
    other.world()
    forge(other, {name: data for name, data in files.items() if serial in name})
    command = EraseCards(serials=(serial,))
    assert "in that world only" in other.refused(command, Status.ACCESS_DENIED).words
    ready.do(command)


def test_a_blank_card_stays_blank_and_others_are_refused(ready: Bench) -> None:
    blank = ready.serials[6]
    for serials, status in (((), Status.INVALID_PARAMETER), ((blank, blank), Status.INVALID_PARAMETER)):
        ready.refused(EraseCards(serials=serials), status)
    ready.refused(EraseCards(serials=(blank, "SIM-none")), Status.UNKNOWN_ID)
    ready.do(EraseCards(serials=(blank,)))
    assert not written(ready, blank)
    forge(ready, {f"cardstore/{blank}.card": b"scratched"})
    ready.refused(EraseCards(serials=(blank,)), Status.HOST_DATA_INVALID)


def test_an_image_from_before_opens_nothing_after_the_card_was_erased(ready: Bench) -> None:
    serial = ready.serials[3]
    card_set(ready, serial)
    path = f"cardstore/{serial}.card"
    image, chip = contents(ready.folder)[path], contents(ready.folder)[f"silicon/cards/{serial}"]
    ready.do(EraseCards(serials=(serial,)))
    now = contents(ready.folder)
    assert now[path] != image
    assert now[f"silicon/cards/{serial}"] != chip


def test_in_a_strict_fips_world_a_card_authorises_it(bench: Bench) -> None:
    bench.mode(Mode.INITIALIZATION)
    bench.do(NewWorld(cipher_suite=SUITE, threshold=2, cards=3, mode=WorldMode.FIPS_140_LEVEL_3), *bench.serials[:3])
    bench.mode(Mode.OPERATIONAL)
    for mode in (Mode.OPERATIONAL, Mode.INITIALIZATION):
        bench.mode(mode)
        command = EraseCards(serials=(bench.serials[5],))
        bench.refused(command, Status.STRICT_FIPS_140)
        bench.do(command, bench.serials[2])


def test_bulkerase_shows_each_card_and_asks(ready: Bench) -> None:
    serial = ready.serials[3]
    card_set(ready, serial)
    ready.device.close()
    tools = Tools(ready.folder)
    for typed in ([], [serial, "no", ""], [serial, ""]):
        shown = tools.refused(3, "bulkerase", typed=typed)
        assert "nothing was changed" in shown.err
    assert "never erased" in tools.refused(1, "bulkerase", typed=["SIM-C-0001", "yes", ""]).err
    assert "UnknownID" in tools.refused(1, "bulkerase", typed=["SIM-none"]).err
    page = tools.done("bulkerase", typed=[serial, "yes", "SIM-C-0008", "no", ""])
    assert "`ops' #1 of world" in page
    assert f"erased        {serial}" in page
    assert "removed       cards_" in page
    assert "SIM-C-0008\n" not in page


# -- createocs --erase and slotinfo --format ---------------------------------------------------------------------------


def test_createocs_erases_as_bulkerase_does(ready: Bench) -> None:
    one, two = ready.serials[3:5]
    card_set(ready, one, two)
    ready.device.close()
    tools = Tools(ready.folder)
    for more in (["-Q", "1/1"], ["-N", "ops"], ["-p"], ["-T", "5"], ["-R"]):
        assert "makes no card set" in tools.refused(2, "createocs", "--erase", *more).err
    for typed in ([], [one, "no", ""]):
        assert "nothing was changed" in tools.refused(3, "createocs", "--erase", "-m", "1", typed=typed).err
    assert "never erased" in tools.refused(1, "createocs", "-e", typed=["SIM-C-0001", "yes", ""]).err
    page = tools.done("createocs", "-e", typed=[one, "yes", two, "yes", ""])
    assert page.count("\nerased ") == 2
    assert "removed       cards_" in page
    assert "0 cardsets" in tools.done("nfkminfo", "-c")


def test_slotinfo_formats_the_card_in_the_slot(ready: Bench) -> None:
    serial = ready.serials[3]
    card_set(ready, serial)
    ready.device.close()
    tools = Tools(ready.folder)
    assert "`ops' #1" in tools.done("emu", "card", "insert", serial) + tools.done("slotinfo")
    assert "nothing was changed" in tools.refused(3, "slotinfo", "--format", typed=["no"]).err
    page = tools.done("slotinfo", "--format", "-m", "1", "-s", "0", typed=["yes"])
    assert "Module 1 slot 0: `ops' #1 of world" in page
    assert f"erased        {serial}" in page
    assert "blank card" in tools.done("slotinfo")
    assert "0 cardsets" in tools.done("nfkminfo", "-c")


def test_what_hung_on_a_card_goes_when_it_is_erased(ready: Bench) -> None:
    one, two = ready.serials[3:5]
    for name, serial, persistent in (("ops", one, False), ("stay", two, True)):
        made = CreateCardSet(name=name, threshold=1, cards=1, persistent=persistent, timeout=0)
        ready.do(made, serial)
    ready.device.close()
    tools = Tools(ready.folder)
    tools.done("preload", "--cardset-name", "stay", "exit", typed=[two, ready.pins[two]])
    tools.done("preload", "--cardset-name", "ops", "exit", typed=[one, ready.pins[one]])
    tools.done("bulkerase", typed=[two, "yes", ""])
    assert "Pre-Loaded Objects - 2" in tools.done("nfkminfo")
    tools.done("slotinfo", "--format", typed=["yes"])
    assert "Pre-Loaded Objects - 1" in tools.done("nfkminfo")


def test_slotinfo_formats_the_card_that_is_put_into_an_empty_slot(tools: Tools) -> None:
    assert "nothing was changed" in tools.refused(3, "slotinfo", "--format").err
    assert "never erased" in tools.refused(1, "slotinfo", "--format", typed=["SIM-C-0001", "yes"]).err
    assert "erased        SIM-C-0008" in tools.done("slotinfo", "--format", typed=["SIM-C-0008", "yes"])
    for more in (["--json"], ["-s", "1"]):
        assert "--format is for the card in slot 0" in tools.refused(2, "slotinfo", "--format", *more).err
