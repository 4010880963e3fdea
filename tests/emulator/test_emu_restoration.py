"""A world that is brought back on another module from its backup, with K of its cards."""

from __future__ import annotations

import base64
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, contents, generate, modify, pack
from test_emu_attacks import edited, forge

from hsm_emulator import crypto, state
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import (
    Enquiry,
    KeyGenerated,
    KeyProved,
    LoadWorld,
    ModuleState,
    NewWorld,
    ProveKey,
    ReplaceCards,
    RestoreFile,
    TryCards,
    WorldLoaded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL = "kmdata/local/"
KEY = "key_simple_contosokey"
PROVE = ProveKey(app="simple", ident="contosokey", challenge=b"c" * 32)


class Restored:
    """A module without a world, the cards of another module's, and that one's backup."""

    def __init__(self, make_bench: Callable[..., Bench], k: int = 2, n: int = 3) -> None:
        self.old, self.new = make_bench("old"), make_bench("new", seed="new")
        self.old.world(k, n)
        self.key = self.old.key()
        files = contents(self.old.folder)
        self.backup = {name.removeprefix(LOCAL): data for name, data in files.items() if name.startswith(LOCAL)}
        self.cards = {name: data for name, data in files.items() if name.startswith(("cardstore/", "silicon/cards/"))}
        forge(self.new, self.cards)

    def put(self, *names: str) -> None:
        for name in names or self.backup:
            self.new.do(RestoreFile(name=name, content=self.backup[name]))

    def load(self, *cards: str) -> WorldLoaded:
        self.new.mode(Mode.INITIALIZATION)
        reply = self.new.do(LoadWorld(threshold=0), *cards)
        self.new.mode(Mode.OPERATIONAL)
        assert isinstance(reply, WorldLoaded)
        return reply


@pytest.fixture
def restored(make_bench: Callable[..., Bench]) -> Restored:
    return Restored(make_bench)


def test_the_key_works_on_the_new_module(restored: Restored, packages: Packages) -> None:
    restored.put("world", KEY)
    reply = restored.load(*restored.old.serials[1:3])
    was, now = (bench.device.look(Enquiry()) for bench in (restored.old, restored.new))
    assert isinstance(was, ModuleState)
    assert isinstance(now, ModuleState)
    assert now.hknso == was.hknso == reply.hknso
    assert now.world is not None
    assert now.world == was.world  # suite, quora and the hashes of all its keys
    assert dict(now.world.hashes)["hkm"] == reply.hkm
    assert now.usable
    assert now.cards == ()
    assert isinstance(restored.key, KeyGenerated)
    proved = restored.new.device.look(PROVE)
    assert isinstance(proved, KeyProved)
    assert proved.public_key == restored.key.public_key
    public, signature = base64.b64decode(proved.public_key), base64.b64decode(proved.signature)
    assert crypto.rsa_verify(public, signature, PROVE.challenge)
    assert not crypto.rsa_verify(public, signature, b"another")
    restored.new.do(ReplaceCards(), *restored.old.serials[:2], *restored.old.serials[3:6])
    restored.new.key("another")
    restored.new.copy(packages, *restored.old.serials[4:6], ident="another")


def test_its_audit_log_is_its_own(restored: Restored) -> None:
    before = restored.new.device.look(Enquiry())
    assert isinstance(before, ModuleState)
    restored.put("world")
    restored.new.mode(Mode.INITIALIZATION)
    restored.new.talk(LoadWorld(threshold=0), restored.new.operator(*restored.old.serials[:2]), request="load")
    known, happened = restored.new.device.since(before.audit_head)
    assert known
    assert happened[-1] == "load"
    was = restored.old.device.look(Enquiry())
    assert isinstance(was, ModuleState)
    assert restored.new.device.since(was.audit_head) == (False, ())


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 4)])
def test_any_k_cards_load_it_and_fewer_do_not(make_bench: Callable[..., Bench], k: int, n: int) -> None:
    restored = Restored(make_bench, k, n)
    restored.put("world", KEY)
    restored.new.mode(Mode.INITIALIZATION)
    restored.new.device.close()
    for place, some in enumerate(combinations(restored.old.serials[:n], k)):
        new = make_bench(f"new-{place}", like=restored.new.folder)
        for few in combinations(restored.old.serials[:n], k - 1):
            new.refused_talk(LoadWorld(threshold=0), Status.CANCELLED, new.operator(*few), tries=True)
        new.do(LoadWorld(threshold=0), *some)
        new.mode(Mode.OPERATIONAL)
        assert isinstance(new.device.look(PROVE), KeyProved)


def test_without_the_cards_the_backup_opens_nothing(restored: Restored) -> None:
    restored.put()
    with pytest.raises(Refused) as caught:
        restored.new.device.look(PROVE)
    assert caught.value.status is Status.UNKNOWN_ID
    restored.new.refused(generate("other"), Status.UNKNOWN_ID)
    restored.new.mode(Mode.INITIALIZATION)
    blank = restored.old.serials[6:8]
    restored.new.refused(LoadWorld(threshold=0), Status.CANCELLED, *blank)


def test_a_card_set_that_was_replaced_does_not_load_the_changed_world(make_bench: Callable[..., Bench]) -> None:
    restored = Restored(make_bench)
    archived = restored.backup["world"]
    restored.old.do(ReplaceCards(), *restored.old.serials[:2], *restored.old.serials[3:6])
    files = contents(restored.old.folder)
    forge(restored.new, {name: data for name, data in files.items() if name in restored.cards})
    restored.backup["world"] = files[f"{LOCAL}world"]
    assert restored.backup["world"] != archived
    restored.put("world")
    restored.new.mode(Mode.INITIALIZATION)
    talk = restored.new.operator(*restored.old.serials[:3])
    restored.new.refused_talk(LoadWorld(threshold=0), Status.CANCELLED, talk)
    assert len(talk.told) == 3
    assert all("of another set" in words for words in talk.told)
    restored.new.do(LoadWorld(threshold=0), *restored.old.serials[3:5])


def test_the_archived_world_still_loads_with_the_old_cards(restored: Restored) -> None:
    """Nobody but who destroys the old cards can prevent it: a new module knows of no replacement."""
    restored.old.do(ReplaceCards(), *restored.old.serials[:2], *restored.old.serials[3:6])
    restored.put("world")
    assert restored.load(*restored.old.serials[:2]).hknso


def test_a_restored_key_is_not_transferred(restored: Restored, packages: Packages) -> None:
    """Its generation was certified by another module, and uses of a copy were counted there."""
    restored.old.copy(packages)
    restored.backup["key_xferacld_contosokey"] = contents(restored.old.folder)[f"{LOCAL}key_xferacld_contosokey"]
    restored.put()
    restored.load(*restored.old.serials[:2])
    restored.new.refused(modify(packages), Status.VERIFY_FAILED, *restored.old.serials[:2])
    restored.new.refused(pack(packages), Status.VERIFY_FAILED)
    restored.old.do(pack(packages))


def test_loading_waits_for_its_mode_its_file_and_a_module_without_a_world(restored: Restored) -> None:
    new, two = restored.new, restored.old.serials[:2]
    new.mode(Mode.INITIALIZATION)
    new.refused(LoadWorld(threshold=0), Status.UNKNOWN_ID, *two)
    restored.put("world")
    new.mode(Mode.OPERATIONAL)
    new.refused(LoadWorld(threshold=0), Status.INVALID_STATE, *two)
    restored.load(*two)
    new.mode(Mode.INITIALIZATION)
    new.refused(LoadWorld(threshold=0), Status.INVALID_STATE, *two)
    new.refused(RestoreFile(name=KEY, content=restored.backup[KEY]), Status.INVALID_STATE)


def test_a_world_of_another_quorum_than_the_asker_knows_is_not_loaded(restored: Restored) -> None:
    restored.put("world")
    restored.new.mode(Mode.INITIALIZATION)
    for threshold in (1, 3):
        talk = restored.new.operator(*restored.old.serials[:3])
        refusal = restored.new.refused_talk(LoadWorld(threshold=threshold), Status.INVALID_PARAMETER, talk)
        assert "2 of 3 cards open the world" in refusal.words
        assert talk.asks == []
    restored.new.do(LoadWorld(threshold=2), *restored.old.serials[:2])


def test_a_wrong_pin_loads_nothing(restored: Restored) -> None:
    restored.put("world")
    restored.new.mode(Mode.INITIALIZATION)
    one = restored.old.serials[0]
    talk = restored.new.operator(one, typed={one: ["a", "b", "c"]})
    restored.new.refused_talk(LoadWorld(threshold=0), Status.DECRYPT_FAILED, talk, tries=True)


# -- files of a backup -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "World", "../world", "key_simple_", "key_simple_A", "module_", "card_x_1", "cards_x", "world2"]
)
def test_other_names_are_refused(restored: Restored, name: str) -> None:
    refusal = restored.new.refused(RestoreFile(name=name, content=restored.backup["world"]), Status.INVALID_PARAMETER)
    assert "backup" in refusal.words
    restored.put("world")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("world", KEY),
        (KEY, "world"),
        ("module_SIM0-0000-0001", "world"),
        ("module_SIM0-0000-0002", "module_SIM0-0000-0001"),
        ("key_simple_other", KEY),
    ],
)
def test_a_file_is_what_its_name_says(restored: Restored, name: str, content: str) -> None:
    restored.new.refused(RestoreFile(name=name, content=restored.backup[content]), Status.HOST_DATA_INVALID)
    restored.new.do(RestoreFile(name=content, content=restored.backup[content]))


@pytest.mark.parametrize("change", [{"k": 1}, {"set_id": "0" * 40}, {"signature": ""}])
def test_a_changed_world_file_is_not_restored(restored: Restored, change: dict[str, object]) -> None:
    content = edited(restored.old, f"{LOCAL}world", lambda data: data.update(change))
    with pytest.raises(Refused) as caught:
        restored.new.do(RestoreFile(name="world", content=content))
    assert caught.value.status is Status.VERIFY_FAILED


def test_a_backup_of_another_world_is_refused_beside_the_first(
    restored: Restored, make_bench: Callable[..., Bench]
) -> None:
    other = make_bench("other", seed="other")
    other.world()
    other.key()
    foreign = contents(other.folder)
    restored.put("world")
    refusal = restored.new.refused(RestoreFile(name=KEY, content=foreign[LOCAL + KEY]), Status.INCORRECT_TOKEN)
    assert KEY in refusal.words
    restored.new.refused(RestoreFile(name="world", content=foreign[f"{LOCAL}world"]), Status.INCORRECT_TOKEN)
    restored.put(KEY)


def test_nothing_is_overwritten_and_the_same_again_is_done(restored: Restored) -> None:
    restored.put("world", KEY)
    before = contents(restored.new.folder)
    restored.put("world", KEY)
    assert contents(restored.new.folder) == before
    restored.old.do(ReplaceCards(), *restored.old.serials[:2], *restored.old.serials[3:6])
    later = contents(restored.old.folder)[f"{LOCAL}world"]
    restored.new.refused(RestoreFile(name="world", content=later), Status.ALREADY_EXISTS)


def test_a_module_with_a_new_world_of_its_own_takes_no_backup(restored: Restored) -> None:
    new = restored.new
    new.mode(Mode.INITIALIZATION)
    new.do(NewWorld(cipher_suite="DLf3072s256mRijndael", threshold=1, cards=2), *restored.old.serials[6:8])
    new.refused(RestoreFile(name="world", content=restored.backup["world"]), Status.INVALID_STATE)


# -- proof -----------------------------------------------------------------------------------------------------------


def test_a_key_proves_itself_in_operational_mode_only(ready: Bench) -> None:
    assert isinstance(ready.device.look(PROVE), KeyProved)
    ready.mode(Mode.MAINTENANCE)
    with pytest.raises(Refused) as caught:
        ready.device.look(PROVE)
    assert caught.value.status is Status.INVALID_STATE


def test_a_key_of_another_world_proves_nothing(make_bench: Callable[..., Bench]) -> None:
    restored = Restored(make_bench)
    other = make_bench("other", seed="other")
    other.world()
    other.key()
    assert isinstance(other.device.look(PROVE), KeyProved)
    restored.put("world")
    restored.load(*restored.old.serials[:2])
    forge(restored.new, {LOCAL + KEY: contents(other.folder)[LOCAL + KEY]})
    with pytest.raises(Refused) as caught:
        restored.new.device.look(PROVE)
    assert caught.value.status is Status.UNKNOWN_KM


def test_the_restored_module_key_is_the_world_s(restored: Restored) -> None:
    restored.put("world")
    restored.load(*restored.old.serials[:2])
    esn = "SIM0-0000-0001"
    was, now = (
        state.recall(state.State(esn=esn, files=contents(bench.folder))) for bench in (restored.old, restored.new)
    )
    assert now.module_key == was.module_key
    assert (now.kml, now.km0) != (was.kml, was.km0)
    assert restored.new.do(TryCards(every=True), *restored.old.serials[:3])
