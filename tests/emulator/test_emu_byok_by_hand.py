"""The whole transfer by hand, tool by tool, at a terminal: from a new module to the key in the vault."""

from __future__ import annotations

import re
import shlex
import sys
import zipfile
from typing import TYPE_CHECKING

import pexpect
import pytest
from emulator_bench import SUBSCRIPTION

from hsm_emulator.region import client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PINS = {f"SIM-CARD-000{number}": f"pin of card {number}" for number in range(1, 5)}
PROGRAM = ["-c", "from hsm_emulator.tools.main import main; raise SystemExit(main())"]
PACKAGES = "-ExchangeKeyPackage BYOK-KEK-pkg-EU-1 -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-EU-1"


class Terminal:
    """A person at a terminal in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = ""

    def run(self, line: str, *, cards: Sequence[str] = (), new: bool = False, code: int = 0) -> str:
        """Run a command line, put these cards in and type their PINs, and return what was on the screen."""
        child = pexpect.spawn(
            sys.executable, [*PROGRAM, *shlex.split(line)], cwd=str(self.folder), encoding="utf-8", timeout=60
        )
        screen = ""
        for card in cards:
            child.expect("type its serial, or nothing to cancel: ")
            screen += child.before
            child.sendline(card)
            for prompt in ("New passphrase", "The same again") if new else ("Passphrase",):
                child.expect(f"{prompt}[^:]*: ")
                screen += child.before
                child.sendline(PINS[card])
        child.expect(pexpect.EOF)
        screen += child.before
        child.close()
        assert child.exitstatus == code, screen
        self.seen += screen
        return screen


def found(pattern: str, screen: str) -> str:
    match = re.search(pattern, screen)
    assert match is not None, screen
    return match[1]


@pytest.mark.slow
def test_from_the_factory_to_the_vault(tmp_path: Path) -> None:
    at = Terminal(tmp_path)
    at.run("manufacture hsm --serial SIM0-0000-0001 --cards 4")
    at.run("install-vault vaults/eu --region eu")
    at.run("install-vault vaults/na --region na")
    at.run("emu region toolset KeyVault-BYOK-Tools-Europe.zip")
    with zipfile.ZipFile(tmp_path / "KeyVault-BYOK-Tools-Europe.zip") as toolset:
        toolset.extractall(tmp_path)
    hsm = "--folder hsm"
    at.run(f"{hsm} nopclearfail -I")
    made = at.run(
        f"{hsm} new-world.exe --initialize --cipher-suite=DLf1024s160mRijndael --module=1 --acs-quorum=2/3",
        cards=list(PINS)[:3],
        new=True,
    )
    world = found(r"hknso = ([0-9a-f]{40})", made)
    at.run(f"{hsm} nopclearfail -O")
    assert "Initialised Usable" in at.run(f"{hsm} nfkminfo")
    assert "Result: SUCCESS" in at.run(
        f"{hsm} python verifykeypackage.py -k BYOK-KEK-pkg-EU-1 -w BYOK-SecurityWorld-pkg-EU-1"
    )
    at.run(
        f"{hsm} generatekey --generate simple type=RSA size=2048 protect=module ident=contosokey plainname=contosokey"
        " nvram=no pubexp="
    )
    key = found(r"simple +Ident contosokey +hash ([0-9a-f]{40})", at.run(f"{hsm} nfkminfo -k simple contosokey"))
    copied = at.run(
        f"{hsm} KeyTransferRemote.exe -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey {PACKAGES}",
        cards=["SIM-CARD-0003", "SIM-CARD-0001"],
    )
    assert "Result: SUCCESS" in copied
    permissions = at.run(f"{hsm} preload -m 1 -A xferacld -K contosokey python aclprint.py")
    assert "at most 1 use(s)" in permissions
    assert "ExpandACL" not in permissions
    assert world in at.run(rf"{hsm} kmfile-dump '%NFAST_KMDATA%\local\key_xferacld_contosokey'")
    assert "2 keys verified" in at.run(f"{hsm} nfkmverify")
    packed = at.run(
        f"{hsm} KeyTransferRemote.exe -Package -KeyIdentifier contosokey {PACKAGES} -SubscriptionId {SUBSCRIPTION}"
        " -KeyFriendlyName ContosoFirstHSMkey"
    )
    assert "Result: SUCCESS" in packed
    takes = (
        "emu region import KeyTransferPackage-ContosoFirstHSMkey.byok --vault ContosoKeyVaultHSM"
        f" --name ContosoFirstHSMkey --subscription-id {SUBSCRIPTION} --into vaults"
    )
    assert "UnknownKey" in at.run(f"{takes}/na", code=1)
    assert key in at.run(f"{takes}/eu")
    assert "imported before" in at.run(f"{takes}/eu", code=1)
    assert client.read_key(tmp_path / "vaults" / "eu", "ContosoKeyVaultHSM", "ContosoFirstHSMkey").key_hash == key
    assert not any(pin in at.seen for pin in PINS.values())


def test_no_card_that_was_not_written(tmp_path: Path) -> None:
    at = Terminal(tmp_path)
    at.run("manufacture hsm --serial SIM0-0000-0001 --cards 2")
    at.run("--folder hsm nopclearfail -I")
    child = pexpect.spawn(
        sys.executable,
        [*PROGRAM, *shlex.split("--folder hsm new-world -i -c DLf3072s256mRijndael -Q 1/2")],
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=60,
    )
    child.expect("type its serial")
    child.sendline("SIM-CARD-0001")
    child.expect("New passphrase")
    child.sendintr()
    child.expect("interrupted")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 3
    assert "!Initialised" in at.run("--folder hsm nfkminfo")
    child = pexpect.spawn(sys.executable, [*PROGRAM, "--folder", "hsm", "cardpp", "--examine"], cwd=str(tmp_path))
    child.expect("type its serial")
    child.sendline("SIM-CARD-0001")
    child.expect("blank card")
    child.close()


def test_new_world_waits_for_somebody_to_switch(tmp_path: Path) -> None:
    at = Terminal(tmp_path)
    at.run("manufacture hsm --serial SIM0-0000-0001 --cards 1")
    waiting = pexpect.spawn(
        sys.executable,
        [*PROGRAM, *shlex.split("--folder hsm new-world -i -c DLf3072s256mRijndael -Q 1/1")],
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=60,
    )
    waiting.expect("Waiting for up to 60 s")
    at.run("--folder hsm nopclearfail -I")
    waiting.expect("0 cards of 1 written")
    waiting.expect("type its serial")
    waiting.sendline("")
    waiting.expect(pexpect.EOF)
    waiting.close()
    assert waiting.exitstatus == 3
