"""`hsm-emulator`: tools that look at an emulated device, and two that set up a new one or a region's vault.

Exit codes are the emulator's own: 0 done, 1 refused or damaged, 2 not a command line. Everything that changes a device
which is there goes through a ceremony, so there is no tool for it here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hsm_emulator.device import Device
    from hsm_emulator.messages import ModuleState

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2

MOST_CARDS: Final = 64
"""The largest set the device knows; a stack of blank cards needs no more."""


class _UsageError(Exception):
    """The command line is none of this tool's."""


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one tool and return its exit code.

    Args:
        argv: the arguments without the program's name; those of the process by default.
    """
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except _UsageError as error:
        sys.stderr.write(
            f"hsm-emulator: {error}. Tools here only look or set up; what changes a device is a ceremony's step.\n"
        )
        return USAGE
    except SystemExit:  # --help has been printed
        return DONE
    from hsm_emulator.errors import EmulatorError

    run: Callable[[argparse.Namespace], str] = options.run
    try:
        page = run(options)
    except (EmulatorError, OSError) as error:
        sys.stdout.write(options.failure)
        sys.stderr.write(f"hsm-emulator: {error}\n")
        return FAILED
    sys.stdout.write(page)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hsm-emulator",
        description="Look at a SIMULATED HSM, which changes nothing; or set up a new one, or a region's vault.",
        epilog="Exit codes: 0 done, 1 refused or damaged, 2 not a command line of these tools.",
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="the installation (default: where you are)")
    parser.set_defaults(failure="")
    tools = parser.add_subparsers(required=True, metavar="TOOL", parser_class=_Parser)
    tools.add_parser("enquiry", help="the module").set_defaults(run=_enquiry)
    tools.add_parser("nfkminfo", help="the Security World, its cards and keys").set_defaults(run=_nfkminfo)
    aclprint = tools.add_parser("aclprint", help="a key's permissions, out of its authenticated blob")
    aclprint.add_argument("app", metavar="APP")
    aclprint.add_argument("ident", metavar="IDENT")
    aclprint.set_defaults(run=_aclprint)
    dump = tools.add_parser("kmfile-dump", help="what a world, module, key or card file says")
    dump.add_argument("file", metavar="FILE", type=Path)
    dump.set_defaults(run=_kmfile_dump)
    verify = tools.add_parser("verifykeypackage", help="check a region's two packages")
    verify.add_argument("-k", dest="kek", metavar="FILE", type=Path, required=True, help="the KEK package")
    verify.add_argument("-w", dest="world", metavar="FILE", type=Path, required=True, help="the world package")
    verify.set_defaults(run=_verifykeypackage, failure="Result: FAILURE (SIMULATED)\n")
    _add_setting_up(tools)
    return parser


def _add_setting_up(tools: argparse._SubParsersAction[_Parser]) -> None:
    manufacture = tools.add_parser("manufacture", help="set up a new module, with blank cards beside it (SIMULATED)")
    manufacture.add_argument("place", metavar="FOLDER", type=Path, help="the installation: a new or empty folder")
    manufacture.add_argument(
        "--serial", metavar="SIM…", required=True, help="its serial number, such as SIM0-0000-0001"
    )
    manufacture.add_argument(
        "--cards", metavar="N", type=_count, required=True, help="blank cards: SIM-CARD-0001 and so on"
    )
    manufacture.set_defaults(run=_manufacture)
    install = tools.add_parser("install-vault", help="set up the receiving vault of a region (SIMULATED)")
    install.add_argument("place", metavar="FOLDER", type=Path, help="the vault: a new or empty folder")
    install.add_argument("--region", metavar="R", required=True, help="the region's code in playbooks, such as eu")
    install.set_defaults(run=_install_vault)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_CARDS):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {MOST_CARDS}")
    return int(text)


def _enquiry(options: argparse.Namespace) -> str:
    from hsm_emulator import pages

    return pages.module_page(_module(options.folder))


def _nfkminfo(options: argparse.Namespace) -> str:
    from hsm_emulator import pages

    return pages.world_page(_module(options.folder))


def _aclprint(options: argparse.Namespace) -> str:
    from hsm_emulator.messages import InspectKey, KeyInspected

    command = InspectKey(app=options.app, ident=options.ident)
    with _device(options.folder) as device:
        shown = device.look(command)
    if not isinstance(shown, KeyInspected):
        raise TypeError("InspectKey is answered by KeyInspected")
    return shown.acl


def _kmfile_dump(options: argparse.Namespace) -> str:
    from hsm_emulator import pages

    return pages.file_page(options.file.name, _read(options.file))


def _verifykeypackage(options: argparse.Namespace) -> str:
    from hsm_emulator import byok, pages

    verified = byok.verify_packages(_read(options.kek), _read(options.world))
    lines = [
        pages.MARK,
        f"region        {verified.region}",
        f"root hash     {verified.root_hash}",
        f"KEK hash      {verified.kek_hash}",
        f"world hknso   {verified.hknso}",
        f"world hkm     {verified.hkm}",
        f"cipher suite  {verified.suite}",
        "Compare the root hash with the one you expect.",
        "Result: SUCCESS (SIMULATED)",
        "",
    ]
    return "\n".join(lines)


def _manufacture(options: argparse.Namespace) -> str:
    import time

    from hsm_emulator import pages
    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.device import Device
    from hsm_emulator.errors import Refused, Status
    from hsm_emulator.module import ESN

    if not ESN.fullmatch(options.serial):  # before a folder is made
        words = f"{options.serial!r} is no simulated serial number such as SIM0-0000-0001"
        raise Refused(Status.INVALID_PARAMETER, words)
    _demand_empty(options.place)
    serials = [f"SIM-CARD-{number:04d}" for number in range(1, options.cards + 1)]
    with Device.manufacture(options.place, esn=options.serial, draw=SystemDraw(), clock=time.time) as device:
        if serials:
            device.blank_cards(serials)
    lines = [pages.MARK, f"module        {options.serial} in {options.place}"]
    lines += [f"blank card    {serial}" for serial in serials]
    return "\n".join([*lines, ""])


def _install_vault(options: argparse.Namespace) -> str:
    from hsm_emulator import pages
    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.disk import Disk
    from hsm_emulator.region import vault

    _demand_empty(options.place)
    vault.install(options.place, options.region, SystemDraw(), Disk())
    return f"{pages.MARK}\nvault         {options.region} in {options.place}\n"


def _demand_empty(place: Path) -> None:
    from hsm_emulator.disk import Disk
    from hsm_emulator.errors import Refused, Status

    if Disk().list(place):
        raise Refused(Status.ALREADY_EXISTS, f"{place} is not empty, and nothing is ever overwritten")


def _module(folder: Path) -> ModuleState:
    from hsm_emulator.messages import Enquiry, ModuleState

    with _device(folder) as device:
        module = device.look(Enquiry())
    if not isinstance(module, ModuleState):
        raise TypeError("Enquiry is answered by ModuleState")
    return module


def _device(folder: Path) -> Device:
    import time

    from hsm_emulator.crypto import SystemDraw
    from hsm_emulator.device import Device

    return Device.open(folder, draw=SystemDraw(), clock=time.time)


def _read(path: Path) -> bytes:
    from hsm_emulator.disk import Disk
    from hsm_emulator.errors import Refused, Status

    content = Disk().read(path)
    if content is None:
        raise Refused(Status.UNKNOWN_ID, f"there is no file {path}")
    return content


if __name__ == "__main__":
    sys.exit(main())
