"""What the tools refuse, and that nothing is half done then: the legal thing, and the same with one thing wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from emulator_bench import SUBSCRIPTION, Bench, Packages, contents, make_packages, pins, serials
from tool_bench import Tools

from hsm_emulator.tools.main import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CARDS = serials(8)
PINS = pins(CARDS)
SUITE = "--cipher-suite=DLf3072s256mRijndael"
NEW_WORLD = ("new-world", "--initialize", SUITE, "--module=1", "--acs-quorum=2/3")
GENERATE = ("generatekey", "--generate", "simple")
PARAMETERS = {
    "type": "RSA", "size": "2048", "protect": "module", "ident": "second", "plainname": "second", "nvram": "no",
    "pubexp": "",
}  # fmt: skip


def written(*numbers: int) -> list[str]:
    """Return what is typed to write cards."""
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]], PINS[CARDS[number]])]


def read(*numbers: int) -> list[str]:
    """Return what is typed to read cards."""
    return [line for number in numbers for line in (CARDS[number], PINS[CARDS[number]])]


def parameters(**changes: str) -> list[str]:
    return [f"{name}={value}" for name, value in (PARAMETERS | changes).items()]


# -- new-world ---------------------------------------------------------------------------------------------------------


def test_a_world_is_made_in_initialization_mode(blank_tools: Tools) -> None:
    shown = blank_tools.refused(4, *NEW_WORLD, "--wait-limit=0", typed=written(0, 1, 2))
    assert "new-world needs initialization mode" in shown.err
    blank_tools.done("nopclearfail", "-I")
    page = blank_tools.done(*NEW_WORLD, typed=written(0, 1, 2))
    assert "Module 1: 0 cards of 3 written" in page
    assert "Card writing complete." in page
    assert "security world generated on module #1; hknso = " in page
    assert "initialization" in blank_tools.done("enquiry")


@pytest.mark.parametrize("typed", [[], [""], written(0), [*written(0, 1), CARDS[2]], [*written(0, 1), CARDS[2], "a"]])
def test_no_world_without_all_its_cards(blank_tools: Tools, typed: list[str]) -> None:
    blank_tools.done("nopclearfail", "-I")
    assert "nothing was changed" in blank_tools.refused(3, *NEW_WORLD, typed=typed).err


def test_a_new_pin_is_typed_the_same_twice(blank_tools: Tools) -> None:
    blank_tools.done("nopclearfail", "-I")
    shown = blank_tools.refused(3, *NEW_WORLD, typed=[CARDS[0], *("one", "two") * 3])
    assert shown.out.count("the two differ") == 3


@pytest.mark.parametrize(
    ("code", "options", "words"),
    [
        (1, [SUITE, "--acs-quorum=4/3"], "a quorum is 1 <= K <= N <= 64"),
        (1, [SUITE, "--acs-quorum=0/0"], "a quorum is 1 <= K <= N <= 64"),
        (1, ["--cipher-suite=DLf1024", "--acs-quorum=2/3"], "there is no cipher suite"),
        (2, [SUITE, "--acs-quorum=2"], "a quorum is K/N"),
        (2, [SUITE], "needs --cipher-suite and --acs-quorum"),
        (2, [SUITE, "--acs-quorum=2/3", "--module=2"], "invalid choice"),
        (2, [SUITE, "--acs-quorum=2/3", "--program"], "not allowed with"),
        (2, [SUITE, "--acs-q=2/3"], "unrecognized arguments"),
    ],
)
def test_a_world_that_cannot_be(blank_tools: Tools, code: int, options: list[str], words: str) -> None:
    blank_tools.done("nopclearfail", "-I")
    assert words in blank_tools.refused(code, "new-world", "--initialize", *options, typed=written(0, 1, 2)).err


@pytest.mark.parametrize("options", [[SUITE, "--acs-quorum=4/3"], ["--cipher-suite=DLf1024", "--acs-quorum=2/3"]])
def test_nobody_waits_for_a_world_that_cannot_be(tools: Tools, options: list[str]) -> None:
    """In operational mode, and in initialization mode before anybody says that the world may be erased."""
    for mode in ("-O", "-I"):
        tools.done("nopclearfail", mode)
        said = tools.refused(1, "new-world", "--initialize", *options, typed=[])
        assert ("aiting" in said.err + said.out, "erases" in said.err + said.out) == (False, False)


def test_a_world_that_is_there_is_erased_only_after_asking(tools: Tools) -> None:
    tools.done("nopclearfail", "-I")
    for answer in ([], ["no"], ["y"], [CARDS[3]]):
        assert "keeps its Security World" in tools.refused(3, *NEW_WORLD, typed=answer).err
    tools.refused(3, *NEW_WORLD, typed=["yes", *written(3, 4)])
    assert "is not blank" in tools.refused(3, *NEW_WORLD, typed=["yes", CARDS[0]]).out
    before = tools.done("nfkminfo")
    tools.done(*NEW_WORLD, typed=["yes", *written(3, 4, 5)])
    assert "contosokey" in before
    assert "contosokey" not in tools.done("nfkminfo")


def test_the_files_of_the_world_before_are_set_aside_and_its_cards_open_them_elsewhere(
    tools: Tools, make_bench: Callable[..., Bench]
) -> None:
    local = tools.folder / "kmdata" / "local"
    was = {path.name: path.read_bytes() for path in local.iterdir()}
    tools.done("nopclearfail", "-I")
    tools.done(*NEW_WORLD, typed=["yes", *written(3, 4, 5)])
    aside = local.with_name("local01")
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == was
    assert not {path.name for path in local.iterdir()} & {name for name in was if name.startswith("key_")}
    new = make_bench("new", seed="new", esn="SIM0-0000-0002", cards=0)
    new.device.close()
    other = Tools(new.folder)
    other.done("emu", "card", "carry", "--from", str(tools.folder), *CARDS[:2])
    for name in ("world", "key_simple_contosokey"):
        other.done("emu", "file", "restore", str(aside / name))
    other.done("nopclearfail", "-I")
    other.done("new-world", "-l", typed=[line for card in CARDS[:2] for line in (card, PINS[card])])
    other.done("nopclearfail", "-O")
    other.done("aclprint", "simple", "contosokey")
    tools.done("new-world", "-i", SUITE, "-Q", "1/1", typed=["yes", *written(7)])
    assert len(list(local.with_name("local02").iterdir())) == 2


# -- generatekey -------------------------------------------------------------------------------------------------------


def test_a_key_is_generated(tools: Tools) -> None:
    page = tools.done(*GENERATE, *parameters(ident="SECOND"))
    table = page.partition("key generation parameters:\n")[2].partition("Key success")[0]
    assert [line.split()[0] for line in table.splitlines()] == [
        "operation", "application", "protect", "slot", "recovery", "verify", "type", "size", "pubexp", "ident",
        "plainname", "nvram",
    ]  # fmt: skip
    assert "The identifier is written small: second" in page
    assert "Key successfully generated." in page
    assert "key_simple_second" in page
    assert "Ident second " in tools.done("nfkminfo", "-k", "simple")


def test_what_is_not_given_is_asked_for(tools: Tools) -> None:
    page = tools.done(*GENERATE, "protect=module", typed=["", "", "", "third", "The third", "no"])
    assert "key_simple_third" in page
    assert "InvalidHostDataIdentifier" in tools.refused(1, *GENERATE).err


@pytest.mark.parametrize(
    ("given", "typed", "asked"),
    [
        (["type=EC"], [], []),
        ([], ["module", "EC"], ["protect", "type"]),
        ([], ["module", "RSA", "1024"], ["protect", "type", "size"]),
        ([], ["module", "", "", "", "under_score"], ["protect", "type", "size", "pubexp", "ident"]),
        (["verify=no"], [], []),
    ],
)
def test_what_cannot_be_is_refused_before_the_next_question(
    tools: Tools, given: list[str], typed: list[str], asked: list[str]
) -> None:
    """Each prompt stands on a line of its own where what answers it is not typed at a terminal."""
    shown = tools.refused(1, *GENERATE, *given, typed=[*typed, *[""] * 9])
    assert [line.partition(" ")[0] for line in shown.err.splitlines()] == [*asked, "hsm-emulator:"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ident": "contosokey"}, "AlreadyExists"),
        ({"ident": "under_score"}, "InvalidHostDataIdentifier"),
        ({"ident": "x" * 81}, "InvalidHostDataIdentifier"),
        ({"protect": "token"}, "needs cardset=NAME"),
        ({"protect": "\u0662"}, "a key is protected by module, token, softcard"),
        ({"type": "DSA"}, "keys are RSA"),
        ({"size": "1024"}, "keys are RSA"),
        ({"size": "\u0662"}, "no size of a key"),
        ({"size": ""}, "no size of a key"),
        ({"nvram": "maybe"}, "nvram is yes or no"),
        ({"pubexp": "3"}, "65537"),
        ({"recovery": "maybe"}, "recovery is yes or no"),
        ({"verify": "no"}, "not modelled"),
    ],
)
def test_a_key_that_cannot_be(tools: Tools, changes: dict[str, str], words: str) -> None:
    assert words in tools.refused(1, *GENERATE, *parameters(**changes)).err


@pytest.mark.parametrize("word", ["colour=red", "2048", "size=2048"])
def test_parameters_of_no_key(tools: Tools, word: str) -> None:
    tools.refused(2, *GENERATE, *parameters(), word)


def test_no_key_in_the_wrong_mode_or_without_a_world(tools: Tools, blank_tools: Tools) -> None:
    assert "InvalidState" in blank_tools.refused(1, *GENERATE, *parameters()).err
    tools.done("nopclearfail", "--maintenance")
    assert "InvalidState" in tools.refused(1, *GENERATE, *parameters()).err
    tools.done("nopclearfail", "-O")
    assert "applica" in tools.refused(1, "generatekey", "--generate", "mscapi", *parameters()).err


# -- KeyTransferRemote -------------------------------------------------------------------------------------------------


@pytest.fixture
def region(tmp_path: Path, packages: Packages, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder somebody is in, with the packages of two regions."""
    place = tmp_path / "toolset"
    place.mkdir()
    for token, made in (("EU-1", packages), ("NA-1", make_packages("NA-1"))):
        (place / f"BYOK-KEK-pkg-{token}").write_bytes(made.kek)
        (place / f"BYOK-SecurityWorld-pkg-{token}").write_bytes(made.world)
    monkeypatch.chdir(place)
    return place


def packages_of(kek: str = "EU-1", world: str = "EU-1") -> list[str]:
    names = [f"BYOK-KEK-pkg-{kek}", f"BYOK-SecurityWorld-pkg-{world}"]
    return ["-ExchangeKeyPackage", names[0], "-NewSecurityWorldPackage", names[1]]


MODIFY = ("KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", "-KeyIdentifier", "contosokey")
PACKAGE = ("KeyTransferRemote", "-Package", "-KeyIdentifier", "contosokey", "-SubscriptionId", SUBSCRIPTION)
NAME = ("-KeyFriendlyName", "First")


@pytest.mark.usefixtures("region")
def test_a_copy_needs_a_quorum(tools: Tools) -> None:
    for typed, words in (
        ([], "with 0 of 2 cards"),
        (read(0), "with 1 of 2 cards"),
        ([*read(0), CARDS[0]], "it counts once"),
        ([*read(0), CARDS[5]], "is blank"),
        ([*read(0), "\x1b[2Jnone"], "there is no card \\x1b[2Jnone"),
    ):
        shown = tools.refused(3, *MODIFY, *packages_of(), typed=typed, tries=True)
        assert words in shown.out + shown.err
        assert "Result: FAILURE" in shown.out
    page = tools.done(*MODIFY, *packages_of(), typed=read(2, 0))
    assert "Module 1: 1 cards of 2 read" in page
    assert "Card reading complete." in page
    assert page.endswith("Result: SUCCESS (SIMULATED)\n")
    assert "AlreadyExists" in tools.refused(1, *MODIFY, *packages_of(), typed=read(2, 0)).err


@pytest.mark.usefixtures("region")
def test_a_wrong_pin_is_asked_for_again_and_waited_for(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)  # so the card looks at none of the later ones
    shown = tools.refused(1, *MODIFY, *packages_of(), typed=[CARDS[0], *["Xyzzy"] * 3], tries=True)
    assert "TokenAuthFailed" in shown.err
    assert shown.out.count("is wrong") == 1
    assert "Xyzzy" not in shown.out + shown.err
    assert waited == [1, 1]


@pytest.mark.usefixtures("region")
def test_a_card_of_another_world(tools: Tools, blank_tools: Tools, packages: Packages) -> None:
    assert packages.kek
    for words in (("nopclearfail", "-I"), NEW_WORLD, ("nopclearfail", "-O")):
        blank_tools.done(*words, typed=written(0, 1, 2))
    blank_tools.done(*GENERATE, *parameters(ident="contosokey"))
    tools.done("nopclearfail", "-I")
    tools.done(*NEW_WORLD, typed=["yes", *written(3, 4, 5)])
    tools.done("nopclearfail", "-O")
    tools.done(*GENERATE, *parameters(ident="contosokey"))
    shown = tools.refused(3, *MODIFY, *packages_of(), typed=[CARDS[0]])
    assert "is of another Security World" in shown.out


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize(
    ("code", "changes", "words"),
    [
        (1, {"app": "mscapi"}, "not 'mscapi'"),
        (1, {"app": "xferacId"}, "not 'xferacId'"),
        (1, {"ident": "none"}, "there are: simple contosokey"),
        (1, {"world": "NA-1"}, "for EU-1, the Security World package for NA-1"),
        (1, {"kek": "UK-1"}, "there is no file"),
    ],
)
def test_no_copy_of_what_is_not_right(tools: Tools, code: int, changes: dict[str, str], words: str) -> None:
    given = {"app": "simple", "ident": "contosokey", "kek": "EU-1", "world": "EU-1"} | changes
    line = ("KeyTransferRemote", "-ModifyAcls", "-KeyAppName", given["app"], "-KeyIdentifier", given["ident"])
    shown = tools.refused(code, *line, *packages_of(given["kek"], given["world"]), typed=read(0, 1))
    assert words in shown.err
    assert shown.out == "Result: FAILURE (SIMULATED)\n"


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize(
    "line",
    [
        [*MODIFY, "-SubscriptionId", SUBSCRIPTION],
        [*PACKAGE, *NAME, "-KeyAppName", "simple"],
        PACKAGE,
        [*MODIFY, "-Package"],
        ["KeyTransferRemote", "-ModifyAcls", "-KeyI", "contosokey", "-KeyAppName", "simple"],
        ["KeyTransferRemote", "-ModifyAcls", "-KeyIdentifier", "contosokey"],
    ],
)
def test_options_that_do_not_belong_together(tools: Tools, line: list[str]) -> None:
    assert tools.refused(2, *line, *packages_of(), typed=read(0, 1)).err.endswith("See hsm-emulator --help.\n")


def test_a_package_is_made_once_and_overwrites_nothing(tools: Tools, region: Path) -> None:
    output = region / "KeyTransferPackage-First.byok"
    assert "UnknownKey" in tools.refused(1, *PACKAGE, *NAME, *packages_of()).err
    tools.done(*MODIFY, *packages_of(), typed=read(0, 1))
    assert "AccessDenied" in tools.refused(1, *PACKAGE, *NAME, *packages_of("NA-1", "NA-1")).err
    guid = [word if word != SUBSCRIPTION else "SubscriptionID" for word in PACKAGE]
    assert "it is a GUID" in tools.refused(1, *guid, *NAME, *packages_of()).err
    for name in ("../First", "a\\b", "", "First.Key", "%NFAST_HOME%"):
        assert "no key name" in tools.refused(1, *PACKAGE, "-KeyFriendlyName", name, *packages_of()).err
    output.write_text("mine")
    assert "nothing is ever overwritten" in tools.refused(1, *PACKAGE, *NAME, *packages_of()).err
    assert output.read_text() == "mine"
    output.unlink()
    tools.done(*PACKAGE, *NAME, *packages_of())
    made = output.read_bytes()
    other = tools.refused(1, *PACKAGE, "-KeyFriendlyName", "Second", *packages_of())
    assert "UseLimitExceeded" in other.err
    output.unlink()
    (region / f"{output.name}.part").write_text("half")
    tools.done(*PACKAGE, *NAME, *packages_of())
    assert output.read_bytes() == made
    assert not (region / f"{output.name}.part").exists()


# -- cardpp ------------------------------------------------------------------------------------------------------------


def test_a_pin_is_changed(tools: Tools) -> None:
    tools.done("cardpp", "--check", typed=read(0))
    tools.refused(3, "cardpp", "--change", typed=read(0), tries=True)
    tools.refused(3, "cardpp", "--change", typed=[*read(0), "new", "newer"], tries=True)
    tools.done("cardpp", "--check", typed=read(0))
    assert "was changed" in tools.done("cardpp", "--change", typed=[*read(0), "new", "new"])
    tools.done("cardpp", "--check", typed=[CARDS[0], "new"])
    old = tools.refused(3, "cardpp", "--check", typed=read(0), tries=True)
    assert "is wrong" in old.out


def test_the_changed_card_is_still_of_the_quorum(tools: Tools, region: Path) -> None:
    assert region
    tools.done("cardpp", "--change", typed=[*read(1), "new", "new"])
    tools.done(*MODIFY, *packages_of(), typed=[CARDS[1], "new", *read(2)])


def test_what_a_card_is(tools: Tools) -> None:
    assert "Admin Card #2 of 3, 2 needed" in tools.done("cardpp", "--examine", typed=[CARDS[1]])
    assert "blank card" in tools.done("cardpp", "--examine", typed=[CARDS[7]])
    tools.refused(3, "cardpp", "--examine")
    assert "there is no card" in tools.refused(1, "cardpp", "--examine", typed=["SIM-C-9999"]).err


@pytest.mark.parametrize("what", ["--check", "--change"])
def test_no_pin_in_the_wrong_mode_or_of_a_blank_card(tools: Tools, what: str) -> None:
    assert "is blank" in tools.refused(3, "cardpp", what, typed=[CARDS[6]]).out
    tools.done("nopclearfail", "-I")
    assert "InvalidState" in tools.refused(1, "cardpp", what, typed=[*read(0), "new", "new"]).err
    tools.refused(2, "cardpp")
    tools.refused(1, "cardpp", "--recover")


# -- the rest ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [["aclprint", "simple", "contosokey"], ["preload", "-A", "simple", "-K", "*", "python", "aclprint.py"]]
)
def test_permissions_only_in_operational_mode(tools: Tools, line: list[str]) -> None:
    tools.done(*line)
    tools.done("nopclearfail", "-I")
    assert "InvalidState" in tools.refused(1, *line).err


def test_preload_runs_nothing_else(tools: Tools) -> None:
    assert "Nothing to do." in tools.done("preload", "-A", "simple", "-K", "contosokey")
    for command in (["sh"], ["python", "other.py"], ["python", "aclprint.py", "-x"], ["python"]):
        tools.refused(2, "preload", "-A", "simple", "-K", "contosokey", *command)
    shown = tools.refused(1, "preload", "-A", "xferacId", "-K", "contosokey", "aclprint.py")
    assert "written with a small L: xferacld" in shown.err


@pytest.mark.parametrize("line", [["-I", "-O"], [], ["-m", "2", "-I"], ["--init"]])
def test_one_mode_of_one_module(tools: Tools, line: list[str]) -> None:
    tools.refused(2, "nopclearfail", *line)


def test_clearing_stays_in_the_mode(tools: Tools) -> None:
    tools.done("nopclearfail", "--maintenance")
    assert "Module 1, command ClearUnitEx: OK" in tools.done("nopclearfail", "-c", "-a", "--wait")
    assert "maintenance" in tools.done("enquiry")


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_has_no_tool_says_why(tools: Tools, name: str) -> None:
    assert ELSEWHERE[name] in tools.refused(2, f"{name}.exe").err


@pytest.mark.parametrize("line", [["enquiry"], ["nopclearfail", "-I"], [*GENERATE, "size=2048"], NEW_WORLD])
def test_where_no_installation_is_none_is_made(tmp_path: Path, blank_tools: Tools, line: list[str]) -> None:
    blank_tools.folder = tmp_path / "mine"
    blank_tools.folder.mkdir()
    (blank_tools.folder / "letter").write_text("dear")
    assert "--folder says where it is" in blank_tools.refused(1, *line).err
    assert [path.name for path in blank_tools.folder.iterdir()] == ["letter"]


def test_nobody_else_has_it_open(tools: Tools, ready: Bench) -> None:
    ready.reopen()
    before = contents(tools.folder)
    assert "in use by another process" in tools.run("nopclearfail", "-I").err
    assert contents(tools.folder) == before


@pytest.mark.parametrize("line", [["cardpp", "--change"], ["ppmk", "--new", "x"], ["nvram-sw", "--delete", "-n", "x"]])
def test_what_shows_nothing_has_no_json(tools: Tools, line: list[str]) -> None:
    assert "--json is for" in tools.refused(2, *line, "--json").err


def test_packages_as_json(tools: Tools, region: Path) -> None:
    assert region.is_dir()
    line = ("verifykeypackage", "-k", "BYOK-KEK-pkg-EU-1", "-w", "BYOK-SecurityWorld-pkg-EU-1")
    found = json.loads(tools.done(*line, "--json"))["packages"]
    assert f"KEK hash      {found['kek_hash']}" in tools.done(*line)
    assert found["suite"] == "DLf3072s256mRijndael"


def test_the_slot_says_which_card_is_in_it(tools: Tools) -> None:
    made = tools.run("createocs", "-Q", "1/2", "-N", "ops", typed=written(3, 4)).out
    assert made.count("Module 1 slot 0: blank card\n") == 2
    changed = tools.run("cardpp", "--change", typed=[*read(3), "another", "another"]).out
    assert "Module 1 slot 0: `ops' #1\n" in changed
    assert "blank card" not in changed
    wrong = tools.run("cardpp", "--check", typed=[CARDS[1], "wrong", PINS[CARDS[1]]]).out
    assert wrong.count("Module 1 slot 0: Admin Card #2\n") == 1
