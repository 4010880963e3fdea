"""What a world can be: suites, strict FIPS, features with quora of their own, and the time KNSO stays loaded."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import SUITE, Bench, Packages, contents, generate, modify
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_emu_attacks import edited, forge
from tool_bench import Tools

from hsm_emulator import acl, administrators, cards, keyfile, profiles, quorum, state, worlds
from hsm_emulator.acl import MakeBlob, OpPermissions, Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.limits import Since
from hsm_emulator.messages import (
    ChangePin,
    Enquiry,
    InspectKey,
    KeyGenerated,
    KeyInspected,
    LoadWorld,
    ModuleState,
    NewWorld,
    ReplaceCards,
    RestoreFile,
    WorldMade,
)
from hsm_emulator.operator_messages import CreateCardSet, RecoverKeys
from hsm_emulator.sharing import Quorum
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsm_emulator.dialogue import CardAsk

FIPS = WorldMode.FIPS_140_LEVEL_3
NEW = NewWorld(cipher_suite=SUITE, threshold=2, cards=3)
ACCEPTED = {"DLf1024s160mRijndael", "DLf3072s256mRijndael"}


def make(bench: Bench, **changes: Any) -> WorldMade:
    """Make a 2-of-3 world on the first three cards."""
    bench.mode(Mode.INITIALIZATION)
    made = bench.do(replace(NEW, **changes), *bench.serials[:3])
    bench.mode(Mode.OPERATIONAL)
    assert isinstance(made, WorldMade)
    return made


def says(bench: Bench) -> ModuleState:
    module = bench.device.look(Enquiry())
    assert isinstance(module, ModuleState)
    return module


def inside(bench: Bench) -> tuple[state.State, state.Memory, worlds.World]:
    now = state.State(esn=says(bench).esn, files=contents(bench.folder))
    memory = state.recall(now)
    return now, memory, worlds.load(now, memory)


# -- cipher suites -----------------------------------------------------------------------------------------------------


def test_there_are_five_suites_of_which_two_transfer() -> None:
    assert len(profiles.SUITES) == 5
    assert profiles.SUITES > ACCEPTED


@pytest.mark.parametrize("suite", sorted(profiles.SUITES))
def test_each_suite_makes_a_world_and_two_of_them_transfer(bench: Bench, packages: Packages, suite: str) -> None:
    make(bench, cipher_suite=suite)
    bench.key()
    world = says(bench).world
    assert world is not None
    assert world.suite == suite
    if suite in ACCEPTED:
        bench.copy(packages)
        return
    refused = bench.refused(modify(packages), Status.INVALID_PARAMETER, *bench.serials[:2])
    assert f"the world's cipher suite {suite} cannot be transferred from" in refused.words


# -- strict FIPS worlds ------------------------------------------------------------------------------------------------


@pytest.fixture
def strict(bench: Bench) -> Bench:
    """A device in a 2-of-3 strict FIPS world."""
    make(bench, mode=FIPS)
    return bench


def test_in_a_strict_fips_world_no_key_is_generated_without_a_card(strict: Bench) -> None:
    refused = strict.refused(generate(), Status.STRICT_FIPS_140)
    assert refused.words.startswith("FIPS token not present")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_one_card_authorises_a_key(strict: Bench, place: int) -> None:
    card = strict.serials[place]
    dialogue = strict.operator(strict.serials[5], card)
    made = strict.talk(generate(), dialogue)
    assert isinstance(made, KeyGenerated)
    assert dialogue.told == [f"card {strict.serials[5]} is blank"]
    asks = [ask for ask in dialogue.asks if hasattr(ask, "done")]
    assert [(ask.purpose, ask.done, ask.total) for ask in asks] == [("read", 0, 1)] * 2  # type: ignore[union-attr]


def test_the_card_opens_with_its_pin(strict: Bench) -> None:
    card = strict.serials[0]
    wrong = strict.operator(card, typed={card: ["wrong"] * 3})
    strict.refused_talk(generate(), Status.DECRYPT_FAILED, wrong, tries=True)


def test_a_card_of_another_world_does_not_authorise(strict: Bench, make_bench: Callable[..., Bench]) -> None:
    other = make_bench("other", seed="other")
    make(other, mode=FIPS)
    files = contents(other.folder)
    serial = other.serials[0]
    forge(strict, {f"cardstore/{serial}.card": files[f"cardstore/{serial}.card"]})
    forge(strict, {f"silicon/cards/{serial}": files[f"silicon/cards/{serial}"]})
    dialogue = strict.operator(serial)
    strict.refused_talk(generate(), Status.STRICT_FIPS_140, dialogue)
    assert any("another Security World" in words for words in dialogue.told)


def test_an_unrestricted_world_asks_for_no_card_and_has_no_kfips(bench: Bench) -> None:
    make(bench)
    dialogue = bench.operator()
    bench.talk(generate(), dialogue)
    assert dialogue.asks == []
    _, _, world = inside(bench)
    assert "KFIPS" not in world.keys
    assert "LTFIPS" not in world.checks


def test_no_key_of_a_strict_fips_world_is_ever_exported(strict: Bench) -> None:
    strict.do(generate(), strict.serials[0])
    shown = strict.device.look(InspectKey(app="simple", ident="contosokey"))
    assert isinstance(shown, KeyInspected)
    assert not shown.exportable
    assert Right.EXPORT_AS_PLAIN.value not in shown.rights
    now, memory, _ = inside(strict)
    key = keyfile.open_key(now, memory, "simple", "contosokey")
    everybody = frozenset({memory.hknso, memory.hkm})
    with pytest.raises(Refused) as caught:
        acl.authorise(
            key.acl,
            OpPermissions(rights=frozenset({Right.EXPORT_AS_PLAIN})),
            presented=everybody,
            fresh=everybody,
            esn=now.esn,
            used=lambda _: 0,
        )
    assert caught.value.status is Status.ACCESS_DENIED


def test_the_binding_of_a_strict_fips_world_names_kfips(strict: Bench) -> None:
    now, _, world = inside(strict)
    _, data = state.parse(now.files[worlds.PATH], "world", worlds.FIELDS)
    assert data["binding"]["kind"] == "fips-world-binding"
    assert data["binding"]["body"]["hkfips"] == world.keys["KFIPS"].hash
    page = Tools(strict.folder)
    strict.device.close()
    assert "StrictFIPS140" in page.done("nfkminfo").split("hknso")[0].split()


def test_strict_fips_as_new_world_says_it(blank_tools: Tools) -> None:
    blank_tools.done("nopclearfail", "-I")
    cards = [word for serial in ("SIM-C-0001", "SIM-C-0002") for word in (serial, "pin", "pin")]
    blank_tools.done("new-world", "-i", "-F", "-c", SUITE, "-Q", "1/2", typed=cards)
    blank_tools.done("nopclearfail", "-O")
    line = ("generatekey", "--generate", "simple", "protect=module", "type=RSA", "size=2048", "pubexp=", "nvram=no")
    names = ("ident=contosokey", "plainname=contosokey")
    assert "StrictFIPS140: FIPS token not present" in blank_tools.refused(1, *line, *names).err
    assert "Key successfully generated." in blank_tools.done(*line, *names, typed=["SIM-C-0002", "pin"])


def test_the_certificates_of_a_strict_fips_world_hold(strict: Bench, tmp_path: Path) -> None:
    strict.do(generate(), strict.serials[0])
    strict.device.close()
    tools, output = Tools(strict.folder), str(tmp_path / "key.att")
    assert "1 keys verified" in tools.done("nfkmverify")
    tools.done("nfkmcheck")
    tools.done("nfkmattest", "bundle", "--output", output, "simple", "contosokey")
    assert json.loads(tools.done("nfkmattest", "verify", output))["protection"] == "module"


def test_a_strict_fips_world_stays_one_on_another_module(strict: Bench, make_bench: Callable[..., Bench]) -> None:
    strict.do(generate(), strict.serials[0])
    files, new = contents(strict.folder), make_bench("new", seed="new", esn="SIM0-0000-0002")
    forge(new, {name: data for name, data in files.items() if name.startswith(("cardstore/", "silicon/cards/"))})
    for name, data in files.items():
        if name.startswith("kmdata/local/"):
            new.do(RestoreFile(name=name.removeprefix("kmdata/local/"), content=data))
    new.mode(Mode.INITIALIZATION)
    new.do(LoadWorld(threshold=2), *strict.serials[1:3])
    new.mode(Mode.OPERATIONAL)
    assert says(new).world == says(strict).world
    new.refused(generate("another"), Status.STRICT_FIPS_140)
    new.do(generate("another"), strict.serials[2])


# -- features and their quora ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": ((Feature.NVRAM, 4),)}, "the quorum of nv is from 1 to 3"),
        ({"features": ((Feature.RECOVERY, 0),)}, "the quorum of r is from 1 to 3"),
        ({"features": ((Feature.NVRAM, 1), (Feature.NVRAM, 2))}, "given twice"),
        ({"features": ((Feature.RECOVERY, 2),), "without": (Feature.RECOVERY,)}, "that is left out: r"),
        ({"nso_timeout": 539}, "the NSO timeout is from 540 to 7200 s for 3 cards"),
        ({"nso_timeout": 7201}, "the NSO timeout is from 540 to 7200 s for 3 cards"),
    ],
)
def test_a_world_that_cannot_be(bench: Bench, changes: dict[str, Any], words: str) -> None:
    bench.mode(Mode.INITIALIZATION)
    assert words in bench.refused(replace(NEW, **changes), Status.INVALID_PARAMETER, *bench.serials[:3]).words
    bench.do(NEW, *bench.serials[:3])


@pytest.mark.parametrize(("cards", "usual"), [(3, 3600), (10, 3600), (11, 3960), (64, 23040)])
def test_the_usual_timeout_is_six_minutes_a_card_and_an_hour_at_least(cards: int, usual: int) -> None:
    command = replace(NEW, cards=cards)
    assert profiles.profile_of(command, Quorum(k=2, n=cards)).nso_timeout == usual


def test_all_features_but_passphrase_recovery_are_on(bench: Bench) -> None:
    make(bench)
    world = says(bench).world
    assert world is not None
    assert dict(world.features) == dict.fromkeys(set(Feature) - {Feature.PASSPHRASE_RECOVERY}, 2)
    assert (world.threshold, world.cards, world.nso_timeout) == (2, 3, 3600)


def read(bench: Bench, token: str, *cards: str) -> bytes:
    """Return a token, read from these cards."""
    now, memory, world = inside(bench)
    call = quorum.Call(
        draw=None,  # type: ignore[arg-type]  # reading draws nothing
        now_ms=lambda: int(bench.clock() * 1000),
        dialogue=bench.operator(*cards),
        keep=lambda _: None,
    )
    return quorum.read_quorum(now, world.card_set(memory, token), world.checks, call)[1][token]


@pytest.mark.parametrize(
    ("feature", "k"), [(Feature.NVRAM, 1), (Feature.RECOVERY, 3), (Feature.PASSPHRASE_RECOVERY, 3)]
)
def test_a_feature_has_its_own_quorum(bench: Bench, feature: Feature, k: int) -> None:
    make(bench, features=((feature, k),))
    token = profiles.TOKEN_OF[feature]
    found = {read(bench, token, *some) for some in combinations(bench.serials[:3], k)}
    assert len(found) == 1
    for few in combinations(bench.serials[:3], k - 1):
        with pytest.raises(Refused) as caught:
            read(bench, token, *few)
        assert caught.value.status is Status.CANCELLED
    for some in combinations(bench.serials[:3], 2):
        read(bench, "LTNSO", *some)


@pytest.mark.parametrize("lie", [{"LTNV": 1}, {"LTM": 1}, {"LTNV": 0}, {"LTNV": 4}, {}])
def test_a_card_that_says_another_quorum_of_a_feature_does_not_open(bench: Bench, lie: dict[str, int]) -> None:
    make(bench, features=((Feature.NVRAM, 3),))
    path = f"cardstore/{bench.serials[0]}.card"
    read(bench, "LTNV", *bench.serials[:3])
    forge(bench, {path: edited(bench, path, lambda data: data["set"].update(thresholds=lie))})
    with pytest.raises(Refused):
        read(bench, "LTNV", *bench.serials[:3])


def test_a_world_without_recovery_makes_keys_that_cannot_be_recovered(bench: Bench, packages: Packages) -> None:
    made = make(bench, without=(Feature.RECOVERY,))
    assert made.hkre == ""
    bench.key()
    now, memory, world = inside(bench)
    key = keyfile.open_key(now, memory, "simple", "contosokey")
    assert key.file.recovery == ()
    assert not key.acl.archives_under()
    assert "KRE" not in world.keys
    bench.copy(packages)
    bench.device.close()
    tools = Tools(bench.folder)
    assert "!Recovery" in tools.done("nfkminfo")
    line = ("generatekey", "--generate", "simple", "protect=module", "type=RSA", "size=2048", "pubexp=", "nvram=no")
    shown = tools.refused(1, *line, "ident=x", "plainname=x", "recovery=yes")
    assert "this world was made without recovery" in shown.err
    tools.done("nfkmattest", "bundle", "--output", str(bench.folder / "x.att"), "simple", "contosokey")
    assert json.loads(tools.done("nfkmattest", "verify", str(bench.folder / "x.att")))["recovery"] is False


def test_replaced_cards_keep_mode_features_and_quora(bench: Bench) -> None:
    make(bench, mode=FIPS, features=((Feature.NVRAM, 1), (Feature.RECOVERY, 3)), nso_timeout=700)
    before = says(bench).world
    bench.do(ReplaceCards(), *bench.serials[:3], *bench.serials[3:6])
    assert says(bench).world == before
    assert read(bench, "LTNV", bench.serials[4])
    bench.do(generate(), bench.serials[5])


def test_nfkminfo_shows_what_the_world_is(blank_tools: Tools) -> None:
    blank_tools.done("nopclearfail", "-I")
    cards = [word for serial in ("SIM-C-0001", "SIM-C-0002") for word in (serial, "pin", "pin")]
    blank_tools.done("new-world", "-i", "-c", SUITE, "-Q", "2/2", "nv=1", "p=2", "--nso-timeout=400", typed=cards)
    page = blank_tools.done("nfkminfo")
    assert "Initialised !Usable Recovery PINRecovery RTC NVRAM FTO SEEDebug !StrictFIPS140" in page
    for line in ("k-out-of-n    2/2", "other quora   nv=1", "nso timeout   400 s", f"ciphersuite   {SUITE}"):
        assert line in page
    world = json.loads(blank_tools.done("nfkminfo", "--json"))["module"]["world"]
    assert world["mode"] == "unrestricted"
    assert dict(world["features"])["nv"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mode=common-criteria-cmts"], "not modelled"),
        (["--mode=fips-140-2-level-2"], "a mode is"),
        (["m=2"], "that of the module, m=, is always K"),
        (["nv"], "a feature's quorum is one of"),
        (["nv=two"], "a feature's quorum is one of"),
        (["--mode=unrestricted", "-F"], "not allowed with"),
        (["--nso-timeout=1h"], "a whole number"),
    ],
)
def test_options_that_are_none(blank_tools: Tools, words: list[str], said: str) -> None:
    blank_tools.done("nopclearfail", "-I")
    assert said in blank_tools.refused(2, "new-world", "-i", "-c", SUITE, "-Q", "2/2", *words).err


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), st.data())
def test_a_profile_gives_every_token_a_quorum_a_set_can_have(kn: tuple[int, int], data: st.DataObject) -> None:
    k, n = kn
    chosen = data.draw(st.lists(st.tuples(st.sampled_from(Feature), st.integers(1, n)), unique_by=lambda item: item[0]))
    command = replace(NEW, threshold=k, cards=n, features=tuple(chosen), mode=data.draw(st.sampled_from(WorldMode)))
    profile = profiles.profile_of(command, Quorum(k=k, n=n))
    for token in profile.tokens:
        Quorum(k=profile.thresholds.get(token, k), n=n)
    for feature, wanted in chosen:
        assert profile.thresholds.get(profiles.TOKEN_OF[feature], k) == wanted
    assert not set(profile.thresholds) & set(profiles.ALWAYS)
    assert ("LTFIPS" in profile.tokens) is (command.mode is FIPS)


# -- the NSO timeout ---------------------------------------------------------------------------------------------------


class Slow:
    """An operator who takes his time before each card that is written, or that is read of the set `of`."""

    def __init__(self, bench: Bench, seconds: float, *cards: str, of: str = "") -> None:
        self.inner = bench.operator(*cards)
        self.bench, self.seconds, self.of = bench, seconds, of

    def card(self, ask: CardAsk) -> str | None:
        if ask.set_name == self.of if self.of else ask.purpose == "write":
            self.bench.clock.now += self.seconds
        return self.inner.card(ask)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize(("seconds", "late"), [(199, False), (200, True)])
def test_cards_are_replaced_within_the_nso_timeout_or_the_set_is_read_again(
    bench: Bench,
    seconds: float,
    late: bool,  # noqa: FBT001  # a column of the table
) -> None:
    make(bench, nso_timeout=600)
    cards = [*bench.serials[:2], *bench.serials[3:6]]
    slow: Any = Slow(bench, seconds, *cards)
    if not late:
        bench.talk(ReplaceCards(), slow)
        return
    refused = bench.refused_talk(ReplaceCards(), Status.TIME_LIMIT_EXCEEDED, slow, tries=True)
    assert "Sign" in refused.words
    bench.do(ReplaceCards(), *cards)


@pytest.mark.parametrize(("seconds", "late"), [(599, False), (600, True)])
def test_keys_are_recovered_within_the_nso_timeout_or_the_set_is_read_again(
    bench: Bench,
    seconds: float,
    late: bool,  # noqa: FBT001  # a column of the table
) -> None:
    make(bench, nso_timeout=600)
    one, two = bench.serials[3:5]
    card_set(bench, one, k=1)
    card_set(bench, two, name="new", k=1)
    bench.do(replace(generate(), protect="token", token="ops"), one)
    command = RecoverKeys(target="new", keys=(("simple", "contosokey"),))
    slow: Any = Slow(bench, seconds, *bench.serials[:2], two, of="new")
    if late:
        bench.refused_talk(command, Status.TIME_LIMIT_EXCEEDED, slow, tries=True)
        bench.do(command, *bench.serials[:2], two)
        return
    bench.talk(command, slow)


@pytest.mark.parametrize(("seconds", "late"), [(199, False), (200, True)])
def test_a_world_is_made_within_its_nso_timeout(bench: Bench, seconds: float, late: bool) -> None:  # noqa: FBT001
    bench.mode(Mode.INITIALIZATION)
    command, slow = replace(NEW, nso_timeout=600), Slow(bench, seconds, *bench.serials[:3])
    if late:
        bench.refused_talk(command, Status.TIME_LIMIT_EXCEEDED, slow)  # type: ignore[arg-type]  # it behaves as one
        bench.do(command, *bench.serials[:3])
        return
    bench.talk(command, slow)  # type: ignore[arg-type]  # it behaves as one


@pytest.mark.parametrize(
    ("name", "wanted", "since", "status"),
    [
        ("KNSO", OpPermissions(rights=frozenset({Right.SIGN})), Since(uses=9, age_ms=599_999), None),
        ("KNSO", OpPermissions(rights=frozenset({Right.SIGN})), Since(uses=0, age_ms=600_000), "TimeLimitExceeded"),
        ("KNSO", MakeBlob(under="T"), Since(uses=0, age_ms=600_000), None),
        ("KNSO", MakeBlob(under="T"), Since(uses=1, age_ms=0), "UseLimitExceeded"),
        ("KNSO", MakeBlob(under="other"), Since(uses=0, age_ms=0), "AccessDenied"),
        ("KNSO", OpPermissions(rights=frozenset({Right.EXPORT_AS_PLAIN})), Since(uses=0, age_ms=0), "AccessDenied"),
        ("KMC", OpPermissions(rights=frozenset({Right.SIGN_MODULE_CERT})), Since(uses=0, age_ms=0), None),
        ("KMC", OpPermissions(rights=frozenset({Right.SIGN})), Since(uses=0, age_ms=0), "AccessDenied"),
        ("KRE", OpPermissions(rights=frozenset({Right.SIGN})), Since(uses=0, age_ms=0), "AccessDenied"),
    ],
)
def test_what_a_worlds_own_keys_may_do(name: str, wanted: acl.Action, since: Since, status: str | None) -> None:
    if status is None:
        administrators.demand(name, "T", 600, wanted, since)
        return
    with pytest.raises(Refused) as caught:
        administrators.demand(name, "T", 600, wanted, since)
    assert caught.value.status.value == status


# -- operators in a strict FIPS world ----------------------------------------------------------------------------------


def card_set(bench: Bench, *cards: str, name: str = "ops", k: int = 2, by: str = "") -> None:
    made = CreateCardSet(name=name, threshold=k, cards=len(cards), persistent=False, timeout=0)
    bench.do(made, *([by] if by else []), *cards)


def test_a_card_of_operators_authorises_too(strict: Bench) -> None:
    one, two = strict.serials[3:5]
    command = CreateCardSet(name="ops", threshold=2, cards=2, persistent=False, timeout=0)
    strict.refused(command, Status.STRICT_FIPS_140)
    card_set(strict, one, two, by=strict.serials[0])
    for place, card in enumerate((one, two)):
        strict.do(generate(f"key-{place}"), card)
    strict.do(replace(generate("third"), protect="token", token="ops"), two, one, two)
    card_set(strict, strict.serials[5], name="more", k=1, by=one)
    strict.do(generate("fourth"), strict.serials[5])


def test_a_card_of_operators_authorises_after_its_pin_was_changed(strict: Bench) -> None:
    one = strict.serials[3]
    card_set(strict, one, k=1, by=strict.serials[0])
    strict.talk(ChangePin(), strict.operator(one, typed={one: [strict.pins[one], "another"]}))
    strict.talk(generate("x"), strict.operator(one, typed={one: ["another"]}))


def test_operators_of_an_unrestricted_world_have_no_share_of_it(bench: Bench) -> None:
    make(bench)
    card_set(bench, bench.serials[3], k=1)
    now = state.State(esn=says(bench).esn, files=contents(bench.folder))
    membership = cards.read(now, bench.serials[3])
    assert membership is not None
    assert set(membership.shares) == {"LTU"}


def test_a_set_of_operators_that_lies_about_the_world_does_not_authorise(strict: Bench) -> None:
    one = strict.serials[3]
    card_set(strict, one, k=1, by=strict.serials[0])
    path = f"cardstore/{one}.card"

    def edit(data: dict[str, Any]) -> None:
        data["set"]["shares"]["LTFIPS"] = data["set"]["shares"]["LTU"]

    strict.do(generate("x"), one)
    forge(strict, {path: edited(strict, path, edit)})
    strict.refused_talk(generate("y"), Status.DECRYPT_FAILED, strict.operator(one), tries=True)


# -- a key without recovery in a world with it -------------------------------------------------------------------------


@pytest.mark.parametrize("recovery", [True, False])
def test_a_key_is_recovered_only_where_it_was_to_be_recoverable(bench: Bench, recovery: bool) -> None:  # noqa: FBT001
    make(bench)
    one, two = bench.serials[3:5]
    card_set(bench, one, k=1)
    card_set(bench, two, name="new", k=1)
    bench.do(replace(generate(), protect="token", token="ops", recovery=recovery), one)
    command = RecoverKeys(target="new", keys=(("simple", "contosokey"),))
    if recovery:
        bench.do(command, *bench.serials[:2], two)
        return
    assert "no recovery blob" in bench.refused(command, Status.INVALID_PARAMETER, *bench.serials[:2], two).words


def test_generatekey_makes_a_key_without_recovery(tools: Tools, tmp_path: Path) -> None:
    line = ("generatekey", "--generate", "simple", "protect=module", "type=RSA", "size=2048", "pubexp=", "nvram=no")
    for ident, more, said in (("plain", (), "yes"), ("yes", ("recovery=yes",), "yes"), ("no", ("recovery=no",), "no")):
        page = tools.done(*line, f"ident={ident}", "plainname=x", *more)
        assert f"\n recovery     {said}\n" in page
        output = str(tmp_path / ident)
        tools.done("nfkmattest", "bundle", "--output", output, "simple", ident)
        assert json.loads(tools.done("nfkmattest", "verify", output))["recovery"] is (said == "yes")
        assert ("archive blob" in tools.done("aclprint", "simple", ident)) is (said == "yes")
