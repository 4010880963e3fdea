"""Acceptance checks about keys, copies and what is printed, by the numbers of the research (section 11)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, contents, generate, modify, pack
from test_emu_attacks import Recorder, hits
from tool_bench import Tools

from hsm_emulator import sharing, state
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.messages import Packaged
from hsm_emulator.region import catalogue
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

LOCAL = "kmdata/local/"
GENUINE = "59178a47de508c3f291277ee184f46c4f1d9c639"


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
