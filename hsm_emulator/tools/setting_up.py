"""Tools of the emulator itself: a new device, a region's toolset and vault, the import. No vendor has them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool
from hsm_emulator.tools.installation import write_output

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

MOST_CARDS: Final = 64
"""The largest set the device knows; a stack of blank cards needs no more."""


def _manufacture(options: Namespace, at: Installation) -> str:
    import time

    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.device import Device
    from hsm_emulator.module import ESN

    if not ESN.fullmatch(options.serial):  # before a folder is made
        words = f"{options.serial!r} is no simulated serial number such as SIM0-0000-0001"
        raise Refused(Status.INVALID_PARAMETER, words)
    place = at.path(options.place)
    _demand_empty(place)
    serials = [f"SIM-CARD-{number:04d}" for number in range(1, options.cards + 1)]
    with Device.manufacture(place, esn=options.serial, draw=SystemDraw(), clock=time.time) as device:
        if serials:
            device.blank_cards(serials)
    lines = [MARK, f"module        {options.serial} in {place}"]
    lines += [f"blank card    {serial}" for serial in serials]
    return "\n".join([*lines, ""])


def _install_vault(options: Namespace, at: Installation) -> str:
    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.region import vault

    place = at.path(options.place)
    _demand_empty(place)
    vault.install(place, options.region, SystemDraw(), Disk())
    return f"{MARK}\nvault         {options.region} in {place}\n"


def _toolset(options: Namespace, at: Installation) -> str:
    from hsm_emulator.region import catalogue

    codes = {catalogue.toolset_name(region.code): region.code for region in catalogue.REGIONS}
    path = at.path(options.zip)
    code = codes.get(path.name)
    if code is None:
        words = f"no region publishes {path.name}; the names are not translated: {', '.join(sorted(codes))}"
        raise Refused(Status.UNKNOWN_ID, words)
    write_output(path, catalogue.toolset(code))
    return f"{MARK}\ntoolset       {path}\n"


def _import_key(options: Namespace, at: Installation) -> str:
    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.region import client

    made = client.import_key(
        at.path(options.place),
        at.path(options.package),
        vault=options.vault,
        name=options.name,
        subscription_id=options.subscription_id,
        request_id=f"tool-{SystemDraw().take(16).hex()}",
    )
    return f"{MARK}\nkey hash      {made.key_hash}\nkid           {made.kid}\n"


def _demand_empty(place: Path) -> None:
    if Disk().list(place):
        raise Refused(Status.ALREADY_EXISTS, f"{place} is not empty, and nothing is ever overwritten")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_CARDS):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {MOST_CARDS}")
    return int(text)


def _add_manufacture(parser: Parser) -> None:
    parser.add_argument("place", metavar="FOLDER", help="the installation: a new or empty folder")
    parser.add_argument("--serial", metavar="SIM…", required=True, help="its serial number, such as SIM0-0000-0001")
    parser.add_argument("--cards", metavar="N", type=_count, required=True, help="blank cards: SIM-CARD-0001 and so on")


def _add_install_vault(parser: Parser) -> None:
    parser.add_argument("place", metavar="FOLDER", help="the vault: a new or empty folder")
    parser.add_argument("--region", metavar="R", required=True, help="the region's code in playbooks, such as eu")


def _add_toolset(parser: Parser) -> None:
    parser.add_argument("zip", metavar="FILE", help="such as KeyVault-BYOK-Tools-Europe.zip: a file that is not there")


def _add_import_key(parser: Parser) -> None:
    parser.add_argument("package", metavar="FILE", help="the transfer package")
    parser.add_argument("--into", dest="place", metavar="FOLDER", required=True, help="the region's vault")
    parser.add_argument("--vault", metavar="NAME", required=True, help="the vault's name")
    parser.add_argument("--name", metavar="NAME", required=True, help="the key's name in the vault")
    parser.add_argument("--subscription-id", metavar="GUID", required=True, help="the subscription the vault is in")


TOOLS: Final = (
    Tool(
        name="manufacture",
        does="Set up a new module, with blank cards beside it",
        needs="a new or empty folder",
        interrupted="remove the folder, and run it again",
        run=_manufacture,
        add=_add_manufacture,
    ),
    Tool(
        name="install-vault",
        does="Set up the receiving vault of a region",
        needs="a new or empty folder",
        interrupted="remove the folder, and run it again",
        run=_install_vault,
        add=_add_install_vault,
    ),
    Tool(
        name="emu region toolset",
        does="Publish a region's toolset as a zip",
        needs="a name that no file has",
        interrupted="run it again; it is refused where the file is there, which is whole then",
        run=_toolset,
        add=_add_toolset,
    ),
    Tool(
        name="emu region import",
        does="Import a transfer package into a region's vault",
        needs="a vault (install-vault) and a package for its region",
        interrupted="run it again; the vault refuses what it has already",
        run=_import_key,
        add=_add_import_key,
    ),
)
