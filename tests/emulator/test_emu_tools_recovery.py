"""The tools for a world that is there: other cards for it, another module for it, and who generated its keys."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, SeededDraw, contents, pins, serials
from msgspec.structs import replace
from test_emu_attacks import edited, forge
from tool_bench import Tools

from hsm_emulator import attestation, chain, crypto, encoding
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CARDS = serials(8)
PINS = pins(CARDS)
OLD, NEW = "SIM0-0000-0001", "SIM0-0000-0002"
LOCAL = "kmdata/local/"
FILES = ("world", f"module_{OLD}", "key_simple_contosokey")
PROGRAM = ("new-world", "--program", "--module=1")


def read(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]])]


def written(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]], PINS[CARDS[number]])]


@dataclass
class Lost:
    """A module with a world and a key, which is lost; its backup; and a new module with nothing beside it."""

    old: Bench
    new: Bench
    was: Tools
    now: Tools
    backup: Path

    def restore(self, *names: str) -> None:
        for name in names or FILES:
            self.now.done("emu", "file", "restore", str(self.backup / name))

    def carry(self, *numbers: int) -> str:
        return self.now.done("emu", "card", "carry", "--from", str(self.was.folder), *(CARDS[n] for n in numbers))

    def back(self, *names: str) -> None:
        """The world on the new module, which has all the cards."""
        self.restore(*names)
        self.carry(*range(8))
        self.now.done("nopclearfail", "-I")
        self.now.done(*PROGRAM, typed=read(2, 0))
        self.now.done("nopclearfail", "-O")


@pytest.fixture
def lost(make_bench: Callable[..., Bench], tmp_path: Path) -> Lost:
    old = make_bench("old")
    old.world()
    old.key()
    new = make_bench("new", seed="new", esn=NEW, cards=0)
    for bench in (old, new):
        bench.device.close()
    shutil.copytree(old.folder / LOCAL, tmp_path / "backup")
    return Lost(old, new, Tools(old.folder), Tools(new.folder), tmp_path / "backup")


# -- the way of it -----------------------------------------------------------------------------------------------------


def test_a_world_comes_back_by_command_lines(lost: Lost) -> None:
    lost.restore()
    assert lost.carry(0, 2).splitlines()[1:] == [f"carried       {CARDS[number]}" for number in (0, 2)]
    shown = lost.now.refused(4, *PROGRAM, "--wait-limit=0", typed=read(0, 2))
    assert "new-world needs initialization mode" in shown.err
    lost.now.done("nopclearfail", "-I")
    page = lost.now.done(*PROGRAM, typed=read(2, 0))
    assert "Module 1: 1 cards of 2 read" in page
    assert "Card reading complete." in page
    hknso = json.loads(lost.was.done("enquiry", "--json"))["module"]["hknso"]
    assert f"module #1 is in Security World {hknso}" in page
    lost.now.done("nopclearfail", "-O")
    module = json.loads(lost.now.done("enquiry", "--json"))["module"]
    assert (module["usable"], module["hknso"], module["esn"]) == (True, hknso, NEW)
    assert "contosokey" in lost.now.done("nfkminfo", "-k", "simple")


def test_short_words_and_the_vendor_s_paths(lost: Lost) -> None:
    lost.restore("world")
    lost.carry(0, 1)
    lost.now.done("nopclearfail", "-I")
    lost.now.done("/opt/nfast/bin/new-world.exe", "-l", "-m", "1", typed=read(0, 1))


# -- new-world --program -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [["--cipher-suite=DLf3072s256mRijndael"], ["--acs-quorum=2/3"], ["--initialize"], ["-e"]]
)
def test_a_world_that_is_there_has_its_properties(lost: Lost, more: list[str]) -> None:
    lost.restore()
    lost.carry(0, 1)
    lost.now.done("nopclearfail", "-I")
    lost.now.refused(2, *PROGRAM, *more, typed=read(0, 1))
    lost.now.done(*PROGRAM, typed=read(0, 1))


def test_nothing_is_waited_for_or_asked_where_there_is_no_world(lost: Lost) -> None:
    """The module is in operational mode: nobody waits for a mode in which nothing could be done."""
    lost.restore("key_simple_contosokey")
    assert "no existing world to load" in lost.now.refused(1, *PROGRAM).err
    assert "is in Security World" in lost.was.refused(1, *PROGRAM).err


@pytest.mark.parametrize(
    ("code", "typed", "words"),
    [
        (3, [], "with 0 of 2 cards"),
        (3, read(0), "with 1 of 2 cards"),
        (3, [*read(0), CARDS[0]], "it counts once"),
        (3, [*read(0), CARDS[5]], "is blank"),
        (3, [*read(0), "SIM-C-9999"], "there is no card SIM-C-9999"),
        (3, [*read(0), CARDS[1], "wrong"], "is wrong"),
    ],
)
def test_too_few_cards_load_nothing(lost: Lost, code: int, typed: list[str], words: str) -> None:
    lost.restore()
    lost.carry(0, 1, 5)
    lost.now.done("nopclearfail", "-I")
    shown = lost.now.refused(code, *PROGRAM, typed=typed, tries=True)
    assert words in shown.out + shown.err
    lost.now.done(*PROGRAM, typed=read(0, 1))


def test_cards_of_another_world_and_of_a_set_that_was_replaced_load_nothing(lost: Lost) -> None:
    lost.was.done("racs", typed=[*read(0, 1), *written(3, 4, 5)])
    for name in FILES[1:]:
        assert (lost.backup / name).read_bytes() == (lost.was.folder / LOCAL / name).read_bytes()
    shutil.copy(lost.was.folder / LOCAL / "world", lost.backup / "world")
    lost.restore()
    lost.carry(0, 3, 4)
    lost.now.done("nopclearfail", "-I")
    shown = lost.now.refused(3, *PROGRAM, typed=[*read(3), CARDS[0]], tries=True)
    assert f"card {CARDS[0]} is of another set" in shown.out
    lost.now.done(*PROGRAM, typed=read(3, 4))


# -- new-world --factory -----------------------------------------------------------------------------------------------


def test_a_module_forgets_its_world_and_its_cards_bring_it_back(lost: Lost) -> None:
    before = {name: (lost.was.folder / LOCAL / name).read_bytes() for name in FILES}
    assert "new-world needs initialization mode" in lost.was.refused(4, "new-world", "--factory", "--wait-limit=0").err
    lost.was.done("nopclearfail", "-I")
    page = lost.was.done("new-world", "-e", "-m", "1", typed=["yes"])
    assert "module #1 is in no Security World" in page
    module = json.loads(lost.was.done("enquiry", "--json"))["module"]
    assert (module["hknso"], module["mode"], module["cards"]) == ("", "initialization", [])
    assert {name: (lost.was.folder / LOCAL / name).read_bytes() for name in FILES} == before
    lost.was.done("nopclearfail", "-O")
    assert "no Security World" in lost.was.refused(1, "nfkmverify").err
    lost.was.refused(1, "aclprint", "simple", "contosokey")
    lost.was.done("nopclearfail", "-I")
    lost.was.done(*PROGRAM, typed=read(1, 2))
    lost.was.done("nopclearfail", "-O")
    lost.was.done("aclprint", "simple", "contosokey")
    shown = lost.was.refused(1, "nfkmverify")  # the module's own file has another KML now
    assert "VerifyFailed" in shown.err
    assert "brought into its world again has a new KML" in shown.err


@pytest.mark.parametrize("typed", [[], [""], ["y"], ["no"], ["YES"], [CARDS[0]]])
def test_nothing_is_forgotten_unless_somebody_says_yes(lost: Lost, typed: list[str]) -> None:
    lost.was.done("nopclearfail", "-I")
    assert "nothing was changed" in lost.was.refused(3, "new-world", "--factory", typed=typed).err
    lost.was.done("nopclearfail", "-O")
    lost.was.done("nfkmverify")


@pytest.mark.parametrize(
    "more", ["--cipher-suite=DLf3072s256mRijndael", "--acs-quorum=2/3", "--no-recovery", "--nso-timeout=900", "nv=1"]
)
@pytest.mark.parametrize("action", ["--program", "--factory"])
def test_properties_are_for_a_new_world(lost: Lost, action: str, more: str) -> None:
    lost.was.done("nopclearfail", "-I")
    assert action in lost.was.refused(2, "new-world", action, more, typed=["yes"]).err


# -- racs --------------------------------------------------------------------------------------------------------------


def test_the_cards_are_replaced(lost: Lost) -> None:
    before = (lost.was.folder / LOCAL / "world").read_bytes()
    page = lost.was.done("racs", "-m", "1", typed=[*read(0, 1), *written(3, 4, 5)])
    assert "Module 1: 1 cards of 2 read" in page
    assert "Module 1: 2 cards of 3 written" in page
    assert f"card 3        {CARDS[5]}" in page
    assert (lost.was.folder / LOCAL / "world").read_bytes() != before
    shown = lost.was.refused(3, "cardpp", "--check", typed=read(0))
    assert "of another set: it is Administrator Card Set card 1 of 3" in shown.out
    assert "one of these two sets was replaced" in shown.out
    assert "It is of a set that was replaced." in lost.was.done("cardpp", "--examine", typed=[CARDS[0]])
    assert "replaced" not in lost.was.done("cardpp", "--examine", typed=[CARDS[3]])
    shown = lost.was.refused(3, "bulkerase", typed=[CARDS[0], "no", CARDS[3], "no"])
    assert [line.endswith("replaced") for line in shown.out.splitlines()] == [True, False]
    lost.was.done("cardpp", "--check", typed=read(4))
    lost.was.done("nfkmverify")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], "with 0 of 2 cards"),
        (read(0), "with 1 of 2 cards"),
        (read(0, 1), "with 0 of 3 cards"),
        ([*read(0, 1), *written(3, 4)], "with 2 of 3 cards"),
        ([*read(0, 1), *written(3, 4), CARDS[3]], "is not blank"),
        ([*read(0, 1), CARDS[2]], "is not blank"),
        ([*read(0), CARDS[3]], "is blank"),
        ([*read(0, 1), CARDS[3], *("one", "two") * 3], "typed the same twice"),
    ],
)
def test_the_old_cards_stay_where_the_new_ones_are_not_all_written(lost: Lost, typed: list[str], words: str) -> None:
    shown = lost.was.refused(3, "racs", typed=typed, tries=True)
    assert words in shown.out + shown.err
    lost.was.done("racs", typed=[*read(2, 1), *written(5, 4, 3)])


def test_no_cards_are_replaced_outside_a_usable_world(lost: Lost) -> None:
    assert "InvalidState" in lost.now.refused(1, "racs", typed=read(0, 1)).err
    lost.was.done("nopclearfail", "-I")
    assert "initialization mode" in lost.was.refused(1, "racs", typed=read(0, 1)).err
    lost.was.refused(2, "racs", "-m", "2")
    lost.was.refused(2, "racs", "--acs-quorum=1/3")


# -- cards and files that are carried ----------------------------------------------------------------------------------


def test_a_card_is_in_one_place(lost: Lost) -> None:
    lost.carry(0)
    assert "there is no card" in lost.was.refused(1, "cardpp", "--examine", typed=[CARDS[0]]).err
    assert "Admin Card #1 of 3" in lost.now.done("cardpp", "--examine", typed=[CARDS[0]])
    lost.was.done("emu", "card", "carry", "--from", str(lost.now.folder), CARDS[0])
    lost.was.done("cardpp", "--check", typed=read(0))


def test_a_card_keeps_its_failed_tries(lost: Lost) -> None:
    lost.was.refused(3, "cardpp", "--check", typed=[CARDS[0], "wrong"], tries=True)
    chip = contents(lost.was.folder)[f"silicon/cards/{CARDS[0]}"]
    lost.carry(0)
    assert contents(lost.now.folder)[f"silicon/cards/{CARDS[0]}"] == chip


def test_what_cannot_be_carried(lost: Lost, make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    other = make_bench("other", seed="other", esn="SIM0-0000-0003")
    other.device.close()
    both = contents(lost.was.folder), contents(other.folder)
    carry = ("emu", "card", "carry", "--from")
    for words, folder, *named in (
        ("there is no card SIM-C-9999", lost.was.folder, CARDS[0], "SIM-C-9999"),
        ("in that installation already", lost.now.folder, CARDS[0]),
        ("there is no installation", tmp_path / "none", CARDS[0]),
    ):
        assert words in lost.now.refused(1, *carry, str(folder), *named).err
    assert "there is another card" in Tools(other.folder).refused(1, *carry, str(lost.was.folder), CARDS[0]).err
    assert (contents(lost.was.folder), contents(other.folder)) == both
    lost.old.reopen()
    assert "in use by another process" in lost.now.refused(1, *carry, str(lost.was.folder), CARDS[0]).err
    lost.old.device.close()
    lost.carry(0)


def test_a_carry_that_broke_off_goes_on(lost: Lost) -> None:
    """Both have the card then; the same command line takes it out of where it was."""
    lost.old.reopen()
    lost.new.reopen()
    lost.new.device.take_cards([card for card in lost.old.device.all_cards() if card.serial == CARDS[0]])
    lost.old.device.close()
    lost.new.device.close()
    lost.carry(0)
    assert f"cardstore/{CARDS[0]}.card" not in contents(lost.was.folder)
    assert f"cardstore/{CARDS[0]}.card" in contents(lost.now.folder)


def test_files_of_a_backup_are_what_their_names_say(lost: Lost, tmp_path: Path) -> None:
    restore = ("emu", "file", "restore")
    shutil.copy(lost.backup / "world", tmp_path / "word")
    shutil.copy(lost.backup / "world", tmp_path / "key_simple_contosokey")
    for status, path in (
        ("InvalidParameter", tmp_path / "word"),
        ("HostDataInvalid", tmp_path / "key_simple_contosokey"),
        ("UnknownID", tmp_path / "world"),
    ):
        assert status in lost.now.refused(1, *restore, str(path)).err
    assert "InvalidState" in lost.was.refused(1, *restore, str(lost.backup / "world")).err
    lost.restore("world")
    lost.restore("world")  # the same again is done


@pytest.mark.parametrize("name", ["racs", "new-world", "emu card carry", "emu file restore"])
def test_help_says_what_it_needs_and_erases(lost: Lost, name: str) -> None:
    page = lost.now.done(*name.split(), "--help")
    assert "Needs:" in page
    assert "Erases:" in page
    assert "no tool for it yet" not in page


# -- nfkmverify, of a world that was brought back ----------------------------------------------------------------------


def test_it_says_which_module_generated_a_key(lost: Lost) -> None:
    assert "another module" not in lost.was.done("nfkmverify")
    lost.back()
    lost.now.done("generatekey", "--generate", "simple", "protect=module", "type=RSA", "size=2048", "ident=second",
                  "plainname=second", "nvram=no", "pubexp=")  # fmt: skip
    page = lost.now.done("nfkmverify")
    assert f"generated in module {OLD}" in page
    assert f"generated in module {NEW}" in page
    assert page.count("another module than this one") == 1
    keys = json.loads(lost.now.done("nfkmverify", "--json"))["keys"]
    assert {key["ident"]: (key["esn"], key["here"]) for key in keys} == {
        "contosokey": (OLD, False), "second": (NEW, True)
    }  # fmt: skip
    lost.now.done("nfkmcheck")


def test_without_that_module_s_file_nothing_is_verified(lost: Lost) -> None:
    lost.back("world", "key_simple_contosokey")
    for tool in ("nfkmverify", "nfkmcheck"):
        shown = lost.now.refused(1, tool)
        assert f"there is no file module_{OLD} of the module that is said to have generated key" in shown.err
        assert "verified" not in shown.out


def stranger(draw: SeededDraw, world: dict[str, str], kmc: str) -> tuple[dict[str, object], bytes]:
    """The file of a module whose maker certified it and that says it is in the world, and its KML."""
    klf2, kml = crypto.signing_key(draw), crypto.signing_key(draw)
    warrant = {"esn": OLD, "klf2": encoding.text(crypto.verify_key(klf2))}
    state = {"esn": OLD, "kml": encoding.text(crypto.verify_key(kml)), **world}
    content: dict[str, object] = {
        "warrant": attestation.to_data(attestation.issue(Kind.WARRANT, warrant, attestation.ROOT_PRIVATE)),
        "module_state": attestation.to_data(attestation.issue(Kind.MODULE_STATE, state, klf2)),
        "kmc": kmc,
        "kmc_signature": encoding.text(chain.join(kml, OLD, state["kml"])),
    }
    return content, kml


def test_a_module_that_no_quorum_let_in_certifies_nothing(lost: Lost) -> None:
    """Anybody can make an emulated module; that it is in the world only K cards can say."""
    lost.back()
    module = json.loads((lost.backup / f"module_{OLD}").read_bytes().split(b"\n", 1)[1])
    body = module["module_state"]["body"]
    content, kml = stranger(SeededDraw("stranger"), {name: body[name] for name in ("hknso", "hkm")}, module["kmc"])

    def certify(data: dict[str, object]) -> None:
        certificate = data["certificate"]
        assert isinstance(certificate, dict)
        issued = attestation.issue(Kind.KEY_GENERATION, certificate["body"], kml)
        data["certificate"] = attestation.to_data(issued)

    for part in ("module", "key"):
        lost.new.reopen()
        names = {"module": f"{LOCAL}module_{OLD}", "key": f"{LOCAL}key_simple_contosokey"}
        change = {"module": lambda data: data.update(content), "key": certify}[part]
        forge(lost.new, {names[part]: edited(lost.new, names[part], change)})
        lost.new.device.close()
        assert "VerifyFailed" in lost.now.refused(1, "nfkmverify").err
    assert "did not admit the module" in lost.now.refused(1, "nfkmverify").err


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (f"module_{OLD}", {"kmc_signature": ""}),
        (f"module_{OLD}", {"kmc": ""}),
        ("key_simple_contosokey", {"hash": "0" * 40}),
    ],
)
def test_a_changed_file_is_not_verified(lost: Lost, name: str, change: dict[str, object]) -> None:
    lost.back()
    lost.now.done("nfkmverify")
    lost.new.reopen()
    forge(lost.new, {LOCAL + name: edited(lost.new, LOCAL + name, lambda data: data.update(change))})
    lost.new.device.close()
    assert "VerifyFailed" in lost.now.refused(1, "nfkmverify").err


def test_a_card_that_is_carried_is_whole(lost: Lost) -> None:
    """Image and chip belong together: what was put together of two cards is no card."""
    lost.old.reopen()
    one, two = lost.old.device.all_cards()[:2]
    lost.old.device.close()
    lost.new.reopen()
    before = contents(lost.new.folder)
    for wrong in (replace(one, image=two.image), replace(one, chip=two.chip), replace(one, serial="CARD-1")):
        with pytest.raises(Refused):
            lost.new.device.take_cards([two, wrong])
        assert contents(lost.new.folder) == before
    lost.new.device.take_cards([one, two])
