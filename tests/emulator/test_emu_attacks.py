"""What a thief or a forger gets: first the legal thing, then the attack, then the refusal that it met."""

from __future__ import annotations

import base64
import json
import pickle
import shutil
from itertools import combinations
from typing import TYPE_CHECKING, Any

import msgspec.structs
import pytest
from emulator_bench import SUITE, Bench, Packages, SeededDraw, contents, generate, modify, pack

from hsm_emulator import acl, cards, crypto, encoding, keyfile, profiles, quorum, sharing, state, worlds
from hsm_emulator.device import Pin
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.facts import Mode
from hsm_emulator.messages import CollectOutput, InspectKey, KeyInspected, NewWorld, Output
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEY = "kmdata/local/key_simple_contosokey"
COPY = "kmdata/local/key_xferacld_contosokey"
WORLD = "kmdata/local/world"


def forge(bench: Bench, changes: Mapping[str, bytes | None]) -> None:
    """Change files and write the receipt for it: what somebody can do who owns the disk."""
    bench.device.close()
    with Store.open(bench.folder, Disk()) as store:
        files = {**store.files(), **{path: data for path, data in changes.items() if data is not None}}
        files = {path: data for path, data in files.items() if changes.get(path, b"") is not None}
        store.commit(f"forged-{store.size}", "Forged", "", files, b"{}")
    bench.reopen(seed=f"after {bench.folder}")


def edited(bench: Bench, path: str, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """A file with its JSON edited, canonical as before."""
    line, _, body = contents(bench.folder)[path].partition(b"\n")
    data = json.loads(body)
    edit(data)
    return line + b"\n" + encoding.encode(data)


# -- quora of whole installations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 5)])
def test_k_cards_open_and_fewer_do_not(make_bench: Callable[..., Bench], packages: Packages, k: int, n: int) -> None:
    bench = make_bench("hsm")
    bench.world(k, n)
    bench.key()
    names = bench.serials[:n]
    for some in combinations(names, k - 1):
        bench.refused(modify(packages), Status.CANCELLED, *some)
    for place, some in enumerate(combinations(names, k)):
        bench.key(f"key-{place}")
        bench.copy(packages, *some, ident=f"key-{place}")


# -- tampering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [KEY, WORLD, "cardstore/SIM-C-0001.card", "silicon/SIM0-0000-0001/nv"])
def test_an_edited_file_without_receipt(ready: Bench, path: str) -> None:
    ready.device.close()
    file = ready.folder / path
    file.write_bytes(file.read_bytes()[:-3] + b"xx}")
    with pytest.raises(StoreBroken):
        ready.reopen()


@pytest.mark.parametrize("folder", ["silicon", "audit", "cardstore"])
def test_a_folder_of_the_device_that_is_gone(ready: Bench, folder: str) -> None:
    """What is left is an installation that was tampered with, and not none."""
    ready.device.close()
    shutil.rmtree(ready.folder / folder)
    with pytest.raises(StoreBroken):
        ready.reopen()


def _set(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": 1},
        {"n": 4},
        {"set_id": "0" * 40},
        {"suite": "DLf1024s160mRijndael"},
        {"tokens": dict.fromkeys(profiles.TOKENS, "0" * 64)},
        {"extra": 1},
        {"signature": ""},
    ],
)
def test_an_edited_world_file(ready: Bench, packages: Packages, changes: dict[str, Any]) -> None:
    forge(ready, {WORLD: edited(ready, WORLD, _set(**changes))})
    for command in (generate("other"), modify(packages)):
        before = contents(ready.folder)
        with pytest.raises(Refused) as caught:
            ready.do(command, *ready.serials[:2])
        assert caught.value.status in {Status.VERIFY_FAILED, Status.HOST_DATA_INVALID}
        assert contents(ready.folder) == before


@pytest.mark.parametrize("field", ["k", "index"])
def test_an_edited_card(ready: Bench, packages: Packages, field: str) -> None:
    one, two = ready.serials[:2]
    path = f"cardstore/{one}.card"

    def edit(data: dict[str, Any]) -> None:
        data["set"][field] = {"k": 1, "index": 3}[field]

    forge(ready, {path: edited(ready, path, edit)})
    talk = ready.operator(one, one, one, two)
    status = {"k": Status.CANCELLED, "index": Status.DECRYPT_FAILED}[field]
    ready.refused_talk(modify(packages), status, talk, tries=True)
    assert talk.told


def test_an_edited_k_in_world_and_card_alike(ready: Bench) -> None:
    """Also one who could sign as KNSO cannot make one card do for two: K is in every share's envelope."""
    one = ready.serials[0]
    path = f"cardstore/{one}.card"
    files = contents(ready.folder)
    files[path] = edited(ready, path, lambda data: data["set"].update(k=1))
    now = state.State(esn="SIM0-0000-0001", files=files)
    memory = state.recall(now)
    world = msgspec.structs.replace(worlds.load(now, memory), quorum=sharing.Quorum(k=1, n=3))
    dialogue = ready.operator(one)
    call = quorum.Call(
        draw=SeededDraw("x"), now_ms=lambda: int(ready.clock() * 1000), dialogue=dialogue, keep=lambda _: None
    )
    with pytest.raises(Refused) as caught:
        quorum.read_quorum(now, world.card_set(memory, "LTNSO"), world.checks, call)
    assert caught.value.status is Status.DECRYPT_FAILED


@pytest.mark.parametrize(
    "edit",
    [
        _set(plainname="another"),
        _set(size=4096),
        _set(hkm="0" * 40),
        _set(hash="0" * 40),
        _set(recovery=None),
        _set(authority="AAAA"),
        lambda data: data["certificate"]["body"].update(counter=9),
        lambda data: data.update(working=_flip(data["working"])),
        lambda data: data["recovery"].update(hkre="0" * 40),
    ],
)
def test_an_edited_key_file(ready: Bench, packages: Packages, edit: Callable[[dict[str, Any]], None]) -> None:
    forge(ready, {KEY: edited(ready, KEY, edit)})
    with pytest.raises(Refused) as caught:
        ready.device.look(InspectKey(app="simple", ident="contosokey"))
    assert caught.value.status in {Status.DECRYPT_FAILED, Status.UNKNOWN_KM}
    ready.refused(modify(packages), caught.value.status, *ready.serials[:2])


def _flip(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def test_a_key_file_under_another_name(ready: Bench, packages: Packages) -> None:
    data = contents(ready.folder)[KEY]
    forge(ready, {"kmdata/local/key_simple_other": data})
    ready.refused(modify(packages, "other"), Status.HOST_DATA_INVALID, *ready.serials[:2])
    renamed = edited(ready, KEY, _set(ident="other"))
    forge(ready, {"kmdata/local/key_simple_other": renamed})
    ready.refused(modify(packages, "other"), Status.DECRYPT_FAILED, *ready.serials[:2])


def test_the_unreduced_key_passed_off_as_the_copy(ready: Bench, packages: Packages) -> None:
    forge(ready, {COPY: edited(ready, KEY, _set(app="xferacld"))})
    ready.refused(pack(packages), Status.DECRYPT_FAILED)


def test_a_copy_that_no_quorum_allowed(ready: Bench, packages: Packages) -> None:
    """One who has the module key itself can seal a blob, and still not sign as KNSO."""
    ready.copy(packages)
    now = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    memory = state.recall(now)
    loaded = keyfile.open_key(now, memory, "xferacld", "contosokey")
    wider = acl.Acl(groups=(acl.Group(actions=(acl.MakeArchiveBlob(under=packages.kek_hash),)), *loaded.acl.groups))
    payload = keyfile.payload_of(loaded.private, wider)
    forged = keyfile.seal_working(loaded.file, payload, memory, SeededDraw("thief"))
    forge(ready, {COPY: keyfile.render_file(forged)})
    ready.refused(pack(packages), Status.VERIFY_FAILED)


def test_a_restored_copy_stays_used_up(ready: Bench, packages: Packages) -> None:
    from hsm_emulator.messages import DeleteKey

    ready.copy(packages)
    copy = contents(ready.folder)[COPY]
    ready.do(pack(packages))
    ready.do(DeleteKey(app="xferacld", ident="contosokey"))
    forge(ready, {COPY: copy})
    ready.refused(pack(packages), Status.USE_LIMIT_EXCEEDED)


def test_the_world_of_another_module(make_bench: Callable[..., Bench], packages: Packages) -> None:
    mine, other = make_bench("mine"), make_bench("other", seed="other")
    for bench in (mine, other):
        bench.world()
        bench.key()
    theirs = {name: data for name, data in contents(other.folder).items() if name.startswith(("kmdata/", "cardstore/"))}
    forge(mine, theirs)
    mine.refused(modify(packages), Status.INCORRECT_TOKEN, *mine.serials[:2])
    mine.refused(generate("new"), Status.INCORRECT_TOKEN)


@pytest.mark.parametrize("cut", [0, 10, 60, -1])
def test_damaged_files(ready: Bench, packages: Packages, cut: int) -> None:
    forge(ready, {KEY: contents(ready.folder)[KEY][:cut]})
    ready.refused(modify(packages), Status.HOST_DATA_INVALID, *ready.serials[:2])
    forge(ready, {WORLD: contents(ready.folder)[WORLD][:cut]})
    ready.refused(generate("other"), Status.HOST_DATA_INVALID)


def test_an_over_long_file(ready: Bench, packages: Packages) -> None:
    forge(ready, {KEY: contents(ready.folder)[KEY] + b" " * (1 << 20)})
    ready.refused(modify(packages), Status.HOST_DATA_INVALID, *ready.serials[:2])


@pytest.mark.parametrize("damage", [b"", b"SIMULATED HSM, card, version 1, hknso none\n{}"])
def test_an_unreadable_card_is_named_and_the_slot_waits(ready: Bench, packages: Packages, damage: bytes) -> None:
    bad = ready.serials[5]
    forge(ready, {f"cardstore/{bad}.card": damage})
    talk = ready.operator(bad, *ready.serials[:2])
    ready.talk(modify(packages), talk)
    ready.mode(Mode.INITIALIZATION)
    writing = ready.operator(bad, *ready.serials[3:5])
    ready.talk(NewWorld(cipher_suite=SUITE, threshold=1, cards=2), writing)
    for told in (talk.told, writing.told):
        assert "unreadable" in told[0]
        assert bad in told[0]


@pytest.mark.parametrize("changes", [{"scrypt_n": 1 << 30}, {"scrypt_n": 17}, {"k": 9}, {"index": 0}, {"index": 4}])
def test_an_impossible_card_is_unreadable(ready: Bench, packages: Packages, changes: dict[str, int]) -> None:
    one = ready.serials[0]
    path = f"cardstore/{one}.card"
    forge(ready, {path: edited(ready, path, lambda data: data["set"].update(changes))})
    talk = ready.operator(one)
    ready.refused_talk(modify(packages), Status.CANCELLED, talk)
    assert "unreadable" in talk.told[0]


def test_a_card_that_does_not_read_back(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cards.write

    def bad_plastic(now: state.State, serial: str, membership: cards.Membership) -> state.State:
        shares = {name: bytes([sealed[0] ^ 1]) + sealed[1:] for name, sealed in membership.shares.items()}
        return real(now, serial, msgspec.structs.replace(membership, shares=shares))

    ready.mode(Mode.INITIALIZATION)
    monkeypatch.setattr(cards, "write", bad_plastic)
    command = NewWorld(cipher_suite=SUITE, threshold=2, cards=3)
    refused = ready.refused(command, Status.TOKEN_ASSEMBLY_FAILED, *ready.serials[3:6])
    assert "does not read back" in refused.words


def test_an_edited_module_file(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    path = "kmdata/local/module_SIM0-0000-0001"
    forge(ready, {path: edited(ready, path, lambda data: data["module_state"]["body"].update(hkm="0" * 40))})
    ready.refused(pack(packages), Status.VERIFY_FAILED)


# -- theft ------------------------------------------------------------------------------------------------------------


def test_card_images_without_their_chips_open_nothing(ready: Bench, packages: Packages) -> None:
    """All images, all PINs, even the module: other chips open no share."""
    ready.device.close()
    names = ready.serials[:3]
    images = {f"cardstore/{name}.card": contents(ready.folder)[f"cardstore/{name}.card"] for name in names}
    chips = {
        f"silicon/cards/{name}": contents(ready.folder)[f"silicon/cards/{ready.serials[place + 3]}"].replace(
            ready.serials[place + 3].encode(), name.encode()
        )
        for place, name in enumerate(names)
    }
    forge(ready, images | chips)
    ready.refused_talk(modify(packages), Status.DECRYPT_FAILED, ready.operator(*names), tries=True)


def test_all_pins_and_one_card_too_few_open_nothing(ready: Bench, packages: Packages) -> None:
    one = ready.serials[0]
    forge(ready, {f"silicon/cards/{name}": None for name in ready.serials[1:]})
    talk = ready.operator(*ready.serials[:3])
    ready.refused_talk(modify(packages), Status.CANCELLED, talk, tries=True)
    assert len(talk.told) == 2
    assert one not in "".join(talk.told)


class Recorder(SeededDraw):
    """Remembers everything drawn that is a secret: nonces (12) and salts (16) are not."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.secrets: set[bytes] = set()

    def take(self, size: int) -> bytes:
        drawn = super().take(size)
        if size >= 32:
            self.secrets.add(drawn)
        return drawn

    def rsa(self, bits: int) -> Any:
        key = super().rsa(bits)
        numbers = key.private_numbers()
        for value in (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp):
            self.secrets.add(value.to_bytes((value.bit_length() + 7) // 8))
        return key


def spellings(secret: bytes) -> set[bytes]:
    found = {secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + secret)
        found.add(coded[4 if shift else 0 : len(coded) - 4])
    return found


def hits(haystack: bytes, secrets: set[bytes]) -> list[str]:
    flat = haystack.replace(b"\n", b"").replace(b"\\n", b"")
    return [s.hex() for s in secrets for spelled in spellings(s) if spelled in haystack or spelled in flat]


def test_no_secret_is_ever_written_outside_silicon(
    make_bench: Callable[..., Bench], packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside: list[bytes] = []
    inside: list[bytes] = []

    def see(operation: Operation) -> None:
        hidden = "silicon" in operation.path.parts
        (inside if hidden else outside).append(operation.content)

    draw = Recorder("secrets")
    real = sharing.split

    def spy(*args: Any) -> Any:
        shares = real(*args)
        draw.secrets.update(share.value for share in shares)
        return shares

    monkeypatch.setattr(sharing, "split", spy)
    bench = make_bench("hsm", disk=Disk(see), draw=draw)
    bench.world(3, 5)
    bench.key()
    bench.copy(packages, *bench.serials[:3])
    bench.do(pack(packages), request="out")
    now = state.State(esn="SIM0-0000-0001", files=contents(bench.folder))
    memory = state.recall(now)
    secrets = draw.secrets | {memory.module_key, memory.kml, memory.klf2, memory.km0}
    typed = {pin.encode() for pin in bench.pins.values()}
    assert len(secrets) > 60
    written = b"\n".join(outside)
    assert len(written) > 50_000
    assert hits(written, secrets | typed) == []
    assert hits(b"\n".join(inside), typed) == []
    assert len(hits(b"\n".join(inside), secrets)) >= len(bench.serials)  # the chips: an opened HSM shows them
    output = bench.device.look(CollectOutput(request_id="out"))
    assert isinstance(output, Output)
    assert hits(output.content, secrets | typed) == []
    assert hits(written + base64.b64encode(b"xx" + memory.module_key), secrets) != []  # the search does find


def test_a_pin_has_no_text_form() -> None:
    pin = Pin("s3cret-words")
    for text in (repr(pin), str(pin), f"{pin}", f"{pin!r}", f"{pin:>20}", "%s" % pin):  # noqa: UP031  # all the ways
        assert "s3cret" not in text
    with pytest.raises(TypeError):
        pickle.dumps(pin)
    assert Pin("e\u0301").reveal() == Pin("\u00e9").reveal()
    with pytest.raises(Refused):
        Pin("x" * 1025)
    with pytest.raises(Refused):
        Pin("\ud800")


def test_records_do_not_show_their_secrets(ready: Bench) -> None:
    memory = state.recall(state.State(esn="SIM0-0000-0001", files=contents(ready.folder)))
    shown = repr(memory)
    for secret in (memory.module_key, memory.kml, memory.klf2, memory.km0):
        assert repr(secret) not in shown


# -- what the blob says, not the file ---------------------------------------------------------------------------------


def test_inspection_needs_the_right_to_show(ready: Bench) -> None:
    now = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    memory = state.recall(now)
    loaded = keyfile.open_key(now, memory, "simple", "contosokey")
    silent = acl.Acl(groups=(acl.Group(actions=(acl.OpPermissions(rights=frozenset({acl.Right.SIGN})),)),))
    file = keyfile.seal_working(loaded.file, keyfile.payload_of(loaded.private, silent), memory, SeededDraw("x"))
    forge(ready, {KEY: keyfile.render_file(file)})
    with pytest.raises(Refused) as caught:
        ready.device.look(InspectKey(app="simple", ident="contosokey"))
    assert caught.value.status is Status.ACCESS_DENIED


def test_a_key_whose_permissions_forbid_the_copy(ready: Bench, packages: Packages) -> None:
    now = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    memory = state.recall(now)
    loaded = keyfile.open_key(now, memory, "simple", "contosokey")
    narrow = acl.Acl(groups=loaded.acl.groups[:3])
    file = keyfile.seal_working(loaded.file, keyfile.payload_of(loaded.private, narrow), memory, SeededDraw("x"))
    forge(ready, {KEY: keyfile.render_file(file)})
    ready.refused(modify(packages), Status.ACCESS_DENIED, *ready.serials[:2])


def test_inspected_key_is_recoverable_by_its_own_world_only(ready: Bench) -> None:
    shown = ready.device.look(InspectKey(app="simple", ident="contosokey"))
    assert isinstance(shown, KeyInspected)
    memory = state.recall(state.State(esn="SIM0-0000-0001", files=contents(ready.folder)))
    assert shown.blob_to == memory.hkm
    assert shown.recoverable


def test_the_recovery_blob_opens_with_kre_from_a_quorum(ready: Bench) -> None:
    """No command recovers a key yet; the blob is nevertheless a real one."""
    now = state.State(esn="SIM0-0000-0001", files=contents(ready.folder))
    memory = state.recall(now)
    world = worlds.load(now, memory)
    call = quorum.Call(
        draw=SeededDraw("x"),
        now_ms=lambda: 0,
        dialogue=ready.operator(*ready.serials[:2]),
        keep=lambda _: None,
    )
    _, tokens, _ = quorum.read_quorum(now, world.card_set(memory, *profiles.TOKENS), world.checks, call)
    kre = world.open_key("KRE", tokens)
    file = keyfile.find(now, "simple", "contosokey")
    hkre, wrapped, sealed = file.recovery or ("", b"", b"")
    key = crypto.oaep_decrypt(kre, wrapped)
    assert key is not None
    assert crypto.unseal(key, sealed, file.recovery_label(hkre)) is not None
    for name in ("KMC", "KRA", "KNV", "KRTC", "KFTO", "KDSEE"):
        assert len(world.open_key(name, tokens)) in {32, 66}
    assert world.open_key("KM", tokens) == memory.module_key
