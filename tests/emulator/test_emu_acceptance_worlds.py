"""Acceptance checks about keys, copies and what is printed, by the numbers of the research (section 11)."""

from __future__ import annotations

import base64
import json
import shlex
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import SUBSCRIPTION, Bench, Packages, contents, generate, make_packages, modify, pack
from test_emu_attacks import Recorder, edited, forge, hits
from tool_bench import Tools

from hsm_emulator import crypto, sharing, state
from hsm_emulator.acl import FORBIDDEN_IN_TRANSFER
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.messages import Packaged
from hsm_emulator.region import catalogue
from hsm_emulator.store import Store
from hsm_emulator.tools.arguments import tool_name
from hsm_emulator.tools.main import all_tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCAL = "kmdata/local/"
GENUINE = "59178a47de508c3f291277ee184f46c4f1d9c639"


def flipped(text: str) -> str:
    """A blob with one bit changed in its middle, which is in the private key or its permissions."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


CHANGED_CARDS = {
    "K": ({"k": 1}, Status.CANCELLED, "says that 1 of 3 cards open its set, and it is 2 of 3: it was changed"),
    "set": ({"set_id": "0" * 40}, Status.CANCELLED, "is of another set"),
    "index": ({"index": 3}, Status.DECRYPT_FAILED, "the passphrase of card SIM-C-0001 is wrong"),
}
"""What is changed on a card, and how it is refused; the chip cannot tell a wrong index from a wrong PIN."""

CHANGED_KEYS: dict[str, tuple[Callable[[dict[str, Any]], None], Status, str]] = {
    "permissions": (
        lambda file: file.update(working=flipped(file["working"])),
        Status.DECRYPT_FAILED,
        "does not open: the file was changed",
    ),
    "ident": (lambda file: file.update(ident="other"), Status.HOST_DATA_INVALID, "is that of simple other"),
    "hkm": (lambda file: file.update(hkm="0" * 40), Status.UNKNOWN_KM, "is of another Security World"),
}


@pytest.mark.parametrize("what", CHANGED_CARDS)
def test_check_04_a_changed_card_is_refused_for_what_was_changed(ready: Bench, packages: Packages, what: str) -> None:
    changes, status, words = CHANGED_CARDS[what]
    one, two = ready.serials[:2]
    path = f"cardstore/{one}.card"
    whole = contents(ready.folder)[path]
    forge(ready, {path: edited(ready, path, lambda file: file["set"].update(changes))})
    talk = ready.operator(one, two)
    refused = ready.refused_talk(modify(packages), status, talk, tries=True)
    assert words in "\n".join([refused.words, *talk.told])
    forge(ready, {path: whole})
    ready.clock.now += 60
    ready.copy(packages)


@pytest.mark.parametrize("what", CHANGED_KEYS)
def test_check_04_a_changed_key_is_refused_for_what_was_changed(ready: Bench, packages: Packages, what: str) -> None:
    edit, status, words = CHANGED_KEYS[what]
    path = f"{LOCAL}key_simple_contosokey"
    whole = contents(ready.folder)[path]
    forge(ready, {path: edited(ready, path, edit)})
    assert words in ready.refused(modify(packages), status, *ready.serials[:2]).words
    forge(ready, {path: whole})
    ready.copy(packages)


def test_check_15_the_copy_has_no_forbidden_right_and_is_archived_for_its_region_only(
    ready: Bench, packages: Packages
) -> None:
    """What the tools print of the source and of the real copy; then the copy is asked for another region's blob."""
    ready.copy(packages)
    ready.device.close()
    tools = Tools(ready.folder)
    source, copy = (tools.done("aclprint", app, "contosokey") for app in ("simple", "xferacld"))
    loaded = tools.done("preload", "-A", "xferacld", "-K", "contosokey", "python", "aclprint.py")
    assert {right for right in FORBIDDEN_IN_TRANSFER if right.value in source} >= {"SetAppData", "UseAsBlobKey"}
    for page in (copy, loaded):
        assert [right for right in FORBIDDEN_IN_TRANSFER if right.value in page] == []
        assert "needs a certificate" not in page
        assert page.count("archive blob") == 1
        assert f"may make an archive blob under {packages.kek_hash}" in page
    rights = json.loads(tools.done("aclprint", "xferacld", "contosokey", "--json"))["key"]["rights"]
    assert rights == ["Decrypt", "DuplicateHandle", "Encrypt", "GetACL", "GetAppData", "ReduceACL", "Sign", "Verify"]
    ready.reopen()
    ready.refused(pack(make_packages("US-1")), Status.ACCESS_DENIED)
    ready.refused(pack(replace(packages, kek=make_packages(seed="other").kek)), Status.VERIFY_FAILED)
    ready.do(pack(packages))


def test_check_14_the_source_stays_byte_for_byte_and_one_file_is_added(ready: Bench, packages: Packages) -> None:
    before = {name: data for name, data in contents(ready.folder).items() if name.startswith(LOCAL)}
    ready.refused_talk(modify(packages), Status.CANCELLED, ready.operator(ready.serials[0]), tries=True)
    ready.copy(packages)
    after = {name: data for name, data in contents(ready.folder).items() if name.startswith(LOCAL)}
    assert after.keys() - before.keys() == {f"{LOCAL}key_xferacld_contosokey"}
    assert {name: after[name] for name in before} == before


def test_check_24_a_region_nobody_publishes_is_refused_and_not_made_up(tools: Tools, tmp_path: Path) -> None:
    for code in ("mars", "UK", "uk-2", ""):
        with pytest.raises(Refused) as caught:
            catalogue.toolset(code)
        assert caught.value.status is Status.UNKNOWN_ID
    name = tmp_path / "KeyVault-BYOK-Tools-Mars.zip"
    assert "no region publishes" in tools.refused(1, "emu", "region", "toolset", str(name)).err
    lines = ("BYOK-KEK-pkg-UK-1", "BYOK-SecurityWorld-pkg-UK-1")
    shown = tools.refused(1, "verifykeypackage", "-k", str(tmp_path / lines[0]), "-w", str(tmp_path / lines[1]))
    assert "there is no file" in shown.err
    assert "Result: FAILURE" in shown.out
    assert not name.exists()


@pytest.mark.parametrize("place", ["kek", "world"])
def test_check_16_a_changed_package_packs_nothing(ready: Bench, packages: Packages, place: str) -> None:
    ready.copy(packages)
    whole = getattr(packages, place)
    for at in (len(whole) // 3, len(whole) // 2, len(whole) - 20):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        before = contents(ready.folder)
        with pytest.raises(Refused) as caught:
            ready.do(pack(replace(packages, **{place: changed})))
        assert caught.value.status in {Status.VERIFY_FAILED, Status.HOST_DATA_INVALID}
        assert contents(ready.folder) == before
    assert isinstance(ready.do(pack(packages)), Packaged)


@pytest.fixture
def known(make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, set[bytes]]:
    """A device with a world, a key in NVRAM and one beside it, and everything secret that was drawn for it."""
    draw = Recorder("printed")
    real = sharing.split

    def spy(*args: Any) -> Any:
        shares = real(*args)
        draw.secrets.update(share.value for share in shares)
        return shares

    monkeypatch.setattr(sharing, "split", spy)
    bench = make_bench("hsm", draw=draw)
    bench.world()
    bench.key()
    bench.do(generate("second", nvram=True), *bench.serials[:2])
    memory = state.recall(state.State(esn="SIM0-0000-0001", files=contents(bench.folder)))
    secrets = draw.secrets | {memory.module_key, memory.kml, memory.klf2, memory.km0}
    return bench, secrets | {pin.encode() for pin in bench.pins.values()} | {b"a wrong passphrase"}


def _printed(bench: Bench, packages: Packages, folder: Path) -> str:
    """Return what the tools print while a key is made, copied, packed and shown, and when they refuse."""
    for name, content in (("kek", packages.kek), ("world", packages.world)):
        (folder / name).write_bytes(content)
    tools = Tools(bench.folder)
    typed = [word for serial in bench.serials[:2] for word in (serial, bench.pins[serial])]
    wrong = [bench.serials[0], "a wrong passphrase", bench.pins[bench.serials[0]], *typed[2:]]
    both = ["-ExchangeKeyPackage", str(folder / "kek"), "-NewSecurityWorldPackage", str(folder / "world")]
    transfer = ["KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", *both]
    out = [
        tools.run(*transfer, "-KeyIdentifier", "contosokey", typed=wrong),
        tools.run(*transfer, "-KeyIdentifier", "none", typed=typed),
        tools.run("cardpp", "--check", typed=typed[:2]),
        tools.run("verifykeypackage", "-k", str(folder / "kek"), "-w", str(folder / "world")),
        tools.run("nvram-backup", "--save", "-n", "none", typed=typed),
        tools.run("nfkmattest", "bundle", "--output", str(folder / "bundle"), "simple", "second"),
        tools.run("nfkmattest", "verify", str(folder / "bundle")),
        *(tools.run("aclprint", app, "contosokey") for app in ("simple", "xferacld")),
    ]
    files = [str(path) for path in sorted((bench.folder / LOCAL).iterdir())]
    out += [tools.run("kmfile-dump", path) for path in files]
    looking = ("enquiry", "nfkminfo", "slotinfo", "stattree", "nfkmverify", "nfkmcheck")
    out += [tools.run(tool, *more) for tool in looking for more in ((), ("--json",))]
    out.append(tools.run("nvram-sw", "--list", "--json"))
    assert [shown.code for shown in out].count(0) > len(out) - 4
    return "\n".join(shown.out + shown.err for shown in out)


def test_check_25_and_26_what_the_tools_print_holds_no_secret_and_no_genuine_root(
    known: tuple[Bench, set[bytes]], packages: Packages, tmp_path: Path
) -> None:
    bench, secrets = known
    assert len(secrets) > 60
    bench.device.close()
    printed = _printed(bench, packages, tmp_path)
    assert "Result: SUCCESS" in printed
    assert len(printed) > 10_000
    assert hits(printed.encode(), secrets) == []
    assert hits(printed.encode() + base64.b64encode(b"xx" + max(secrets)), secrets) != []  # the search does find
    assert GENUINE not in printed.replace(" ", "").lower()
    with Store.open(bench.folder, Disk()) as store:  # reads the whole chain again
        assert store.size > 10
        assert store.since(store.head) == (True, ())


PINS = {f"SIM-C-{number:04d}": f"a phrase for card {number}" for number in range(1, 9)}
KEY = "generatekey --generate simple type=RSA size=2048 pubexp= plainname=x"
REGION = "-ExchangeKeyPackage BYOK-KEK-pkg-EU-1 -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-EU-1"
FOR, TAKEN = f"-SubscriptionId {SUBSCRIPTION}", f"--subscription-id {SUBSCRIPTION}"
LOCAL_FILES = "world key_simple_contosokey key_xferacld_contosokey key_simple_inside"
SOFT, OTHER, WRONG = "a phrase for a softcard", "another phrase altogether", "a phrase that is wrong"


def _read(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (f"SIM-C-000{number}", PINS[f"SIM-C-000{number}"])]


def _written(*numbers: int) -> list[str]:
    return [line for number in numbers for line in (*_read(number), _read(number)[1])]


SESSION: list[tuple[str, list[str]]] = [
    ("manufacture second --serial SIM0-0000-0009 --cards 1", []),
    ("nopclearfail -I", []),
    ("new-world -i -c DLf3072s256mRijndael -Q 2/3 p=2", _written(1, 2, 3)),
    ("nopclearfail -O", []),
    ("createocs -Q 1/2 -N ops", _written(4, 5)),
    ("ppmk --new --recoverable soft", [SOFT, SOFT]),
    ("ppmk --new spare", [OTHER, OTHER]),
    (f"{KEY} protect=module ident=contosokey nvram=no", []),
    (f"{KEY} protect=module ident=inside nvram=yes", _read(1, 2)),
    (f"{KEY} protect=token cardset=ops ident=cards nvram=no", _read(4)),
    (f"{KEY} protect=softcard softcard=soft ident=soft nvram=no", [SOFT]),
    ("preload -s soft -A simple -K soft python aclprint.py", [WRONG, SOFT]),
    ("preload --cardset-name ops exit", _read(4)),
    ("nfkminfo", []),
    ("nfkminfo --json", []),
    ("rocs -t spare -k simple:soft", [*_read(1, 2), OTHER]),
    ("cardpp --check", ["SIM-C-0001", WRONG, PINS["SIM-C-0001"]]),
    ("cardpp --examine --json", ["SIM-C-0001"]),
    ("cardpp --change", [*_read(5), OTHER, OTHER]),
    ("cardpp --recover", [*_read(1, 2), "SIM-C-0005", OTHER, OTHER]),
    ("ppmk --check soft", [SOFT]),
    ("ppmk --change soft", [SOFT, OTHER, OTHER]),
    ("ppmk --recover soft", [*_read(1, 2), SOFT, SOFT]),
    ("ppmk --list --json", []),
    ("nvram-sw --allocate -n one -b 12", _read(1, 2)),
    ("nvram-backup --save -n one", _read(1, 2)),
    ("nvram-sw --delete -n one", _read(1, 2)),
    ("nvram-backup --restore -n one", _read(1, 2)),
    ("nvram-sw --list --json", []),
    ("emu region toolset KeyVault-BYOK-Tools-Europe.zip", []),
    ("verifykeypackage -k BYOK-KEK-pkg-EU-1 -w BYOK-SecurityWorld-pkg-EU-1", []),
    (f"KeyTransferRemote -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey {REGION}", _read(1, 2)),
    (f"KeyTransferRemote -Package -KeyIdentifier contosokey {REGION} {FOR} -KeyFriendlyName X", []),
    ("install-vault vault --region eu", []),
    (f"emu region import KeyTransferPackage-X.byok --into vault --vault TheVault --name X {TAKEN}", []),
    ("aclprint xferacld contosokey", []),
    ("kmfile-dump " + " ".join(f"%NFAST_KMDATA%/local/{name}" for name in LOCAL_FILES.split()), []),
    ("nfkmattest bundle simple contosokey", []),
    ("nfkmattest verify key_simple_contosokey.att", []),
    ("nfkmverify", []),
    ("nfkmcheck", []),
    ("enquiry --json", []),
    ("stattree", []),
    ("emu card copy SIM-C-0001 SIM-COPY-0001", []),
    ("emu card insert SIM-C-0004", []),
    ("slotinfo --json", []),
    ("emu card eject SIM-C-0004", []),
    ("slotinfo --format", ["SIM-C-0004", "yes"]),
    ("bulkerase", ["SIM-C-0005", "yes", ""]),
    ("racs", [*_read(1, 2), *_written(4, 5, 6)]),
    ("emu card lose SIM-COPY-0001", []),
    ("emu power cut", []),
    ("emu power on", []),
    ("emu clock --off 60", []),
    ("emu selftest --json", []),
    ("emu card carry --from second SIM-CARD-0001", []),
    ("nopclearfail -I", []),
    ("initunit", ["yes"]),
    ("emu file restore %NFAST_KMDATA%/local/world", []),
    ("new-world -l", _read(4, 5)),
    ("emu module fail", []),
]
"""Every tool on one device, from blank cards on: its command line, and what is typed."""


class Outside:
    """Every content that any file outside `silicon/` has had, below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.seen = folder, set[bytes]()

    def look(self) -> None:
        for path in self._folder.rglob("*"):
            if path.is_file() and "silicon" not in path.parts:
                self.seen.add(path.read_bytes())


def test_check_03_and_25_no_tool_prints_or_leaves_a_secret_whatever_it_does(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All tools, one after the other; what any drew, shared or was typed is in nothing printed, in no file outside."""
    draw, real = Recorder("session"), sharing.split

    def spy(*args: Any) -> Any:
        shares = real(*args)
        draw.secrets.update(share.value for share in shares)
        return shares

    monkeypatch.setattr(sharing, "split", spy)
    monkeypatch.setattr(crypto, "SystemDraw", lambda: draw)
    bench = make_bench("hsm", draw=draw)
    bench.device.close()
    monkeypatch.chdir(tmp_path)
    tools, printed, run, outside = Tools(bench.folder), [], set(), Outside(tmp_path)
    for line, typed in SESSION:
        shown = tools.run(*shlex.split(line), typed=typed)
        assert shown.code == 0, (line, shown.out, shown.err)
        printed += [shown.out, shown.err]
        outside.look()
        run.add(tool_name(shlex.split(line))[0])
        if line.startswith("emu region toolset"):
            with zipfile.ZipFile(tmp_path / line.split()[-1]) as toolset:
                toolset.extractall(tmp_path)
    assert run == {tool.name for tool in all_tools()}
    pins = {pin.encode() for pin in (*PINS.values(), SOFT, OTHER, WRONG)}
    assert len(draw.secrets) > 150
    page = "".join(printed).encode()
    assert hits(page, draw.secrets | pins) == []
    assert hits(page + min(draw.secrets).hex().encode(), draw.secrets) != []  # the search does find
    assert GENUINE not in page.decode().replace(" ", "").lower()
    starts = {data.split(b",")[1].decode().strip() for data in outside.seen if data.startswith(b"SIMULATED HSM, ")}
    assert starts >= {"world", "module", "card", "key", "card set", "operator card", "softcard", "nvram area"}
    assert len(outside.seen) > 150
    assert hits(b"\n".join(outside.seen), draw.secrets | pins) == []


def test_check_25_a_receipt_that_was_changed_ends_the_chain(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    assert isinstance(ready.do(pack(packages)), Packaged)
    ready.device.close()
    receipt = ready.folder / "audit" / "0000000003.json"
    good = receipt.read_bytes()
    receipt.write_bytes(good.replace(b'"kind":"', b'"kind":"X', 1))
    with pytest.raises(StoreBroken):
        Store.open(ready.folder, Disk())
    receipt.write_bytes(good)
    Store.open(ready.folder, Disk()).close()
