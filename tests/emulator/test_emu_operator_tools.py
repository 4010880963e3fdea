"""The tools about operators, as they are typed: pages, exit codes, what they leave loaded, what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import contents
from operators_bench import LOCAL, OPS, SOFT, SOFT_PIN, UNDER_CARDS, UNDER_SOFTCARD
from test_emu_tools_refusals import CARDS, GENERATE, NEW_WORLD, PINS, parameters, read, written

if TYPE_CHECKING:
    from operators_bench import Staffed
    from tool_bench import Tools

TYPED_SOFT = [SOFT_PIN]
LOAD = ("preload", "-m", "1", "--cardset-name", OPS)


def listed(tools: Tools, option: str) -> list[dict[str, Any]]:
    page = json.loads(tools.done("nfkminfo", option, "--json"))
    found: list[dict[str, Any]] = page["cardsets" if option == "-c" else "softcards"]
    return found


def test_from_a_blank_module_to_a_key_under_cards(blank_tools: Tools) -> None:
    tools = blank_tools
    tools.done("nopclearfail", "-I")
    tools.done(*NEW_WORLD, typed=written(0, 1, 2))
    tools.done("nopclearfail", "-O")
    page = tools.line("./createocs -m 1 -Q 1/2 -N subzero-signing-ocs -p -T 600", typed=written(3, 4))
    assert "Creating Cardset:\nModule 1: 0 cards of 2 written\nModule 1 slot 0: empty\n" in page
    made = listed(tools, "-c")[0]
    assert page.endswith(f"Card writing complete.\n\ncardset created; hkltu = {made['hkltu']}\n")
    assert made == {
        "hkltu": made["hkltu"],
        "name": "subzero-signing-ocs",
        "threshold": 1,
        "cards": 2,
        "persistent": True,
        "timeout": 600,
        "recoverable": False,
    }
    assert f" {made['hkltu']} 1/2 600-P    subzero-signing-ocs" in tools.done("nfkminfo", "--cardset-list")
    protect = parameters(protect="token", cardset="subzero-signing-ocs", slot="0", recovery="yes")
    page = tools.done(*GENERATE, *protect, typed=read(4))
    assert page.startswith("Loading `subzero-signing-ocs':\nModule 1: 0 cards of 1 read\n")
    assert "Key successfully generated." in page
    assert f"protected by card set {made['hkltu']}" in tools.done("nfkminfo", "-k", "simple", "second")
    page = tools.done("nfkmverify", "simple", "second")
    assert f"protected by card set `subzero-signing-ocs' {made['hkltu']}, 1/2, persistent, time-out 600 s" in page
    dump = tools.done("kmfile-dump", "%NFAST_KMDATA%\\local\\key_simple_second")
    assert f"under hkltu {made['hkltu']}" in dump
    assert f"hkltu: {made['hkltu']}" in tools.done("kmfile-dump", f"/opt/nfast/kmdata/local/cards_{made['hkltu']}")


def test_ppmk(staffed_tools: Tools) -> None:
    page = staffed_tools.line("./ppmk --new subzero", typed=["phrase", "phrase"])
    there = {made["name"]: made["hkltu"] for made in listed(staffed_tools, "-s")}
    assert page.endswith(f"New softcard created: HKLTU {there['subzero']}\n")
    for words in (("ppmk", "--list"), ("nfkminfo", "--softcard-list")):
        page = staffed_tools.done(*words)
        assert all(f" {hkltu} {name}\n" in page for name, hkltu in there.items())
    assert f" {there[SOFT]} " not in staffed_tools.done("ppmk", "--info", "subzero")
    assert "is right" in staffed_tools.done("ppmk", "--check", "subzero", typed=["phrase"])
    staffed_tools.done("ppmk", "--change", there["subzero"], typed=["phrase", "other", "other"])
    staffed_tools.done("ppmk", "--check", "subzero", typed=["other"])
    assert "kept" in staffed_tools.refused(3, "ppmk", "--delete", "subzero", typed=["no"]).err
    staffed_tools.done("ppmk", "--delete", "subzero", typed=["yes"])
    assert "ObjectInUse" in staffed_tools.refused(1, "ppmk", "--delete", SOFT, typed=["yes"]).err


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        (2, "createocs -Q 1/2", "needs --ocs-quorum and --name"),
        (2, "createocs -N more", "needs --ocs-quorum and --name"),
        (2, "createocs -Q 1/2 -N more -p -P", "not allowed with"),
        (2, "createocs -e -N more", "makes no card set"),
        (2, "createocs -Q 1/2 -N more -T x", "a whole number"),
        (1, "createocs -Q 3/2 -N more", "a quorum is"),
        (1, "createocs -Q 1/2 -N ops", "the name ops is taken"),
        (3, "createocs -Q 1/2 -N more", "cancelled with 0 of 2 cards"),
        (2, "ppmk", "one of the arguments"),
        (2, "ppmk --new", "--new needs the name"),
        (2, "ppmk --list soft", "takes no name"),
        (1, "ppmk --info none", "there is no softcard"),
        (1, "ppmk --new --recoverable more", "without passphrase recovery"),
        (1, "ppmk --recover soft", "without passphrase recovery"),
        (1, "ppmk --check ops", "there is no softcard"),
        (1, "cardpp --recover", "without passphrase recovery"),
        (2, "nfkminfo -c -s", "not allowed with"),
        (2, "preload -A simple pause", "-A and -K belong together"),
        (2, "preload python aclprint.py", "needs -A and -K"),
        (2, "preload -A simple -K x nfkminfo", "preload runs aclprint.py here, or pause, or exit"),
        (1, "preload -A simple -K none exit", "there is no key simple none"),
        (1, "preload -A xferacId -K none exit", "small L"),
        (1, "preload -c none exit", "there is no card set 'none'; there are: ops"),
        (1, "preload --softcard ops exit", "there is no softcard 'ops'; there are: soft"),
        (1, "emu card eject SIM-C-0004", "is not in the slot"),
        (1, "emu card insert SIM-NONE", "there is no card"),
        (2, "emu card insert", "the following arguments are required"),
        (2, "rocs -t ops", "belong together"),
        (1, "rocs -t none -k simple:under-cards", "0 card sets or softcards"),
        (1, "rocs -t ops -k simple:contosokey", "is no key that a card set or softcard protects"),
        (1, "rocs -t ops -k simple:under-cards", "already"),
    ],
)
def test_what_is_no_command_line_or_refused(staffed_tools: Tools, code: int, line: str, words: str) -> None:
    assert words in staffed_tools.refused(code, *line.split()).err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protect": "token"}, "protect=token needs cardset=NAME"),
        ({"protect": "token", "cardset": ""}, "protect=token needs cardset=NAME"),
        ({"protect": "token", "cardset": "none"}, "there is no card set 'none'; there are: ops"),
        ({"protect": "token", "softcard": SOFT}, "softcard is for another protection"),
        ({"protect": "module", "cardset": OPS}, "cardset is for another protection"),
        ({"protect": "softcard", "softcard": "none"}, "there is no softcard 'none'; there are: soft"),
        ({"protect": "token", "cardset": OPS, "slot": "1"}, "only slot=0"),
    ],
)
def test_a_key_that_cannot_be(staffed_tools: Tools, changes: dict[str, str], words: str) -> None:
    assert words in staffed_tools.refused(1, *GENERATE, *parameters(**changes)).err


def test_what_protects_a_key_is_asked_for(staffed_tools: Tools) -> None:
    page = staffed_tools.done(*GENERATE, *parameters(protect="softcard"), typed=[SOFT, SOFT_PIN])
    assert " softcard     soft\n" in page


def test_preload_loads_what_protects_the_keys_and_unloads_it_again(staffed_tools: Tools) -> None:
    for ident, typed in ((UNDER_CARDS, read(3, 4)), (UNDER_SOFTCARD, TYPED_SOFT)):
        shown = staffed_tools.refused(1, "aclprint", "simple", ident)
        assert "KeyNotLoaded" in shown.err
        line = f"preload -m 1 -A simple -K {ident} python aclprint.py"
        page = staffed_tools.line(line, typed=typed)
        assert f"Preload running with: -m 1 -A simple -K {ident} python aclprint.py\n" in page
        assert f"key_simple_{ident}\n" in page
        assert "No Pre-Loaded Objects" in staffed_tools.done("nfkminfo")
    read_again = [PINS[CARDS[4]], *read(3)]  # the last card is in the slot still
    facts = staffed_tools.done("preload", "-A", "simple", "-K", UNDER_CARDS, "--json", "aclprint", typed=read_again)
    assert json.loads(facts)["keys"][0]["key_hash"]


def test_preload_without_a_command_does_nothing(staffed_tools: Tools) -> None:
    assert "Nothing to do." in staffed_tools.done("preload", "-s", SOFT)
    staffed_tools.done("ppmk", "--new", SOFT, typed=["a", "a"])
    assert "several are called soft" in staffed_tools.refused(1, "preload", "-s", SOFT, "exit").err


def test_preload_that_is_broken_off_leaves_nothing_loaded(staffed_tools: Tools) -> None:
    line = ("preload", "-s", SOFT, "--cardset-name", OPS, "exit")
    shown = staffed_tools.run(*line, typed=[*read(3, 4)])
    assert shown.code == 3
    assert "No Pre-Loaded Objects" in staffed_tools.done("nfkminfo")
    staffed_tools.done(*line, typed=[PINS[CARDS[4]], *read(3), *TYPED_SOFT])  # the last card is in the slot still
    assert "Pre-Loaded Objects - 2" in staffed_tools.done("nfkminfo")


def test_preload_exit_keeps_the_keys_until_the_card_goes(staffed_tools: Tools) -> None:
    page = staffed_tools.done(*LOAD, "exit", typed=read(3, 5))
    assert page.endswith("Loading complete. Exiting\n")
    assert f"Pre-Loaded Objects - 1\n  cardset {listed(staffed_tools, '-c')[0]['hkltu']} {OPS}\n" in staffed_tools.done(
        "nfkminfo"
    )
    assert "`ops' #3, card SIM-C-0006" in staffed_tools.done("slotinfo")
    assert "may make a blob" in staffed_tools.done("aclprint", "simple", UNDER_CARDS)
    assert "unloaded" not in staffed_tools.done("emu", "card", "insert", CARDS[5])
    assert "transferable to anybody, by the holder of " in staffed_tools.done("aclprint", "simple", UNDER_CARDS)
    assert "unloaded" in staffed_tools.done("emu", "card", "eject", CARDS[5])
    assert "KeyNotLoaded" in staffed_tools.refused(1, "aclprint", "simple", UNDER_CARDS).err
    assert "present" not in staffed_tools.done("slotinfo")


def test_preload_pause_keeps_them_until_enter(staffed_tools: Tools) -> None:
    page = staffed_tools.done(*LOAD, "pause", typed=[*read(3, 4), ""])
    assert page.endswith("Loading complete. Pausing\n")
    assert "No Pre-Loaded Objects" in staffed_tools.done("nfkminfo")


@pytest.mark.parametrize("option", ["-c", "-I", "-O"])
def test_a_clear_forgets_what_preload_left(staffed_tools: Tools, option: str) -> None:
    staffed_tools.done("preload", "-s", SOFT, "exit", typed=TYPED_SOFT)
    assert f"softcard {listed(staffed_tools, '-s')[0]['hkltu']} {SOFT}" in staffed_tools.done("nfkminfo")
    staffed_tools.done("nopclearfail", option)
    assert "No Pre-Loaded Objects" in staffed_tools.done("nfkminfo")


def test_the_slot_is_shown(staffed_tools: Tools) -> None:
    assert "present" not in staffed_tools.done("slotinfo")
    for card, words in ((CARDS[0], "Admin Card #1"), (CARDS[3], "`ops' #1"), (CARDS[7], "blank card")):
        staffed_tools.done("emu", "card", "insert", card)
        assert f"{words}, card {card}" in staffed_tools.done("slotinfo")
    slot = json.loads(staffed_tools.done("slotinfo", "--json"))["slots"][0]
    assert (slot["serial"], slot["insertions"]) == (CARDS[7], 3)


def test_cardpp_knows_operators_cards(staffed_tools: Tools) -> None:
    page = staffed_tools.done("cardpp", "--examine", typed=[CARDS[3]])
    assert "Module 1 slot 0: `ops' #1 of 3, 2 needed, of world" in page
    assert "Admin Card #1 of 3" in staffed_tools.done("cardpp", "--examine", typed=[CARDS[0]])
    staffed_tools.done("cardpp", "--check", typed=[*read(4)])
    staffed_tools.done("cardpp", "--change", typed=[*read(4), "new", "new"])
    staffed_tools.done("cardpp", "--check", typed=[CARDS[4], "new"])


# -- rocs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_sets(staffed: Staffed) -> Tools:
    from operators_bench import card_set
    from tool_bench import Tools as Made

    staffed.do(card_set("new", threshold=1, cards=1), staffed.blank[0])
    staffed.device.close()
    return Made(staffed.folder)


def test_rocs_in_a_dialogue(two_sets: Tools) -> None:
    asked = ["help", "module 1", "list cardsets", "list softcards", "list keys", "target new", "mark 1", "recover"]
    page = two_sets.done("rocs", typed=[*asked, "status", "save", *read(0, 1, 6)])
    assert " 1 under-cards                              simple       ops\n" in page
    assert "; marked none; recovered simple:under-cards\n" in page
    assert "1 keys saved under " in page
    staffed = two_sets.done("nfkmverify", "simple", UNDER_CARDS)
    assert "card set `new'" in staffed
    assert "KeyNotLoaded" in two_sets.refused(1, "aclprint", "simple", UNDER_CARDS).err
    two_sets.line(f"preload -A simple -K {UNDER_CARDS} python aclprint.py", typed=read(6))


def test_rocs_by_one_line(two_sets: Tools) -> None:
    before = contents(two_sets.folder)
    page = two_sets.done("rocs", "-m", "1", "-t", "new", "-k", f"simple:{UNDER_CARDS}", typed=read(0, 2, 6))
    assert "1 keys saved" in page
    changed = {name for name, data in contents(two_sets.folder).items() if before.get(name) != data}
    assert f"{LOCAL}key_simple_{UNDER_CARDS}" in changed
    assert f"{LOCAL}key_simple_{UNDER_SOFTCARD}" not in changed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["mark 9"], "'9' is no key"),
        (["mark simple:contosokey"], "'simple:contosokey' is no key"),
        (["target none"], "0 card sets or softcards are called 'none'"),
        (["recover"], "needs a target and marked keys"),
        (["mark 1", "recover"], "needs a target and marked keys"),
        (["target new", "recover"], "needs a target and marked keys"),
        (["save"], "nothing to save"),
        (["target new", "mark 1", "save"], "nothing to save"),
        (["target new", "mark 1", "recover", "target ops"], "save or revert"),
        (["target new", "mark 1", "recover", "revert 1", "save"], "nothing to save"),
        (["target new", "mark 1", "unmark 1", "recover"], "needs a target and marked keys"),
        (["module 2"], "module 1 only"),
        (["delete 1"], "no command of rocs"),
        (["list"], "no command of rocs"),
    ],
)
def test_rocs_says_what_it_does_not_understand(two_sets: Tools, typed: list[str], words: str) -> None:
    before = contents(two_sets.folder)
    shown = two_sets.run("rocs", typed=[*typed, "quit"])
    assert words in shown.out
    assert contents(two_sets.folder) == before
    assert shown.code == (3 if "mark 1" in typed and "unmark 1" not in typed and "revert 1" not in typed else 0)


def test_rocs_without_saving_changes_nothing(two_sets: Tools) -> None:
    noted = ["target new", "mark 1 simple:under-cards", "recover"]
    assert "nothing was saved" in two_sets.refused(3, "rocs", typed=noted).err
    two_sets.refused(3, "rocs", typed=[*noted, "save", *read(0), ""], tries=True)


def test_preload_that_is_refused_unloads_what_it_loaded_and_leaves_the_card(
    staffed: Staffed, staffed_tools: Tools
) -> None:
    one, two = staffed.ops[:2]
    typed = [word for card in (one, two) for word in (card, staffed.pins[card])]
    line = ("preload", "--cardset-name", "ops", "-s", "soft", "exit")
    shown = staffed_tools.run(*line, typed=[*typed, "wrong", "wrong", "wrong"])
    assert (shown.code, "DecryptFailed" in shown.err) == (1, True)
    assert "No Pre-Loaded Objects" in staffed_tools.done("nfkminfo")
    assert f"card {two}" in staffed_tools.done("slotinfo")
