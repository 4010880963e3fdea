"""`nvram-sw` and `nvram-backup`: the module's NVRAM in areas. What is public of them is what they do and `-n`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import world_messages as messages
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, add_json, add_module, demand_json, whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _nvram_sw(options: Namespace, at: Installation) -> str:
    demand_json(options, "list")
    _demand(options, "name", needed=options.what != "list")
    _demand(options, "bytes", needed=options.what == "allocate")
    _demand(options, "file", needed=options.what in {"read", "write"})
    done = {"list": _list, "read": _read, "write": _write, "allocate": _allocate, "delete": _delete}
    return done[options.what](options, at)


def _demand(options: Namespace, name: str, *, needed: bool) -> None:
    given = getattr(options, name) is not None
    if given is not needed:
        raise UsageError(f"--{options.what} {'needs' if needed else 'takes no'} --{name}")


def _list(options: Namespace, at: Installation) -> str:
    found = at.look(messages.ListAreas(), messages.AreasListed)
    if options.json:
        from hsm_emulator.tools.looking import json_page

        return json_page(areas=found.areas, free=found.free)
    lines = [f"  {area.name:<11} {area.size:>6} bytes" for area in found.areas]
    return "\n".join([MARK, f"NVRAM - {len(found.areas)} areas, {found.free} bytes free", *lines, ""])


def _read(options: Namespace, at: Installation) -> str:
    from hsm_emulator.tools.installation import demand_absent, write_output

    output = at.path(options.file)
    demand_absent(output)
    content = at.look(messages.ReadArea(name=options.name), messages.AreaRead).content
    write_output(output, content)
    return f"{MARK}\nNew file: {output}, {len(content)} bytes\n"


def _write(options: Namespace, at: Installation) -> str:
    command = messages.WriteArea(name=options.name, content=at.read(options.file))
    return _said(at.change(command, messages.AreaChanged), "written")


def _allocate(options: Namespace, at: Installation) -> str:
    command = messages.AllocateArea(name=options.name, size=options.bytes)
    return _said(at.change(command, messages.AreaChanged), "allocated")


def _delete(options: Namespace, at: Installation) -> str:
    return _said(at.change(messages.FreeArea(name=options.name), messages.AreaChanged), "deleted")


def _nvram_backup(options: Namespace, at: Installation) -> str:
    if options.what == "save":
        return _said(at.change(messages.SaveArea(name=options.name), messages.AreaChanged), "saved")
    return _said(at.change(messages.RestoreArea(name=options.name), messages.AreaChanged), "restored")


def _said(done: messages.AreaChanged, what: str) -> str:
    return f"{MARK}\nNVRAM area {done.name}, {done.size} bytes: {what}\n"


def _add_nvram_sw(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for name, does in (
        ("list", "say which areas there are"),
        ("allocate", "set an area aside, full of zeros"),
        ("read", "read an area into a file that is not there"),
        ("write", "write a file into an area; what it leaves over becomes zeros"),
        ("delete", "give an area up with what is in it"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=does)
    parser.add_argument("-n", "--name", metavar="NAME", help="the area: 1 to 11 lower-case letters, digits and -")
    parser.add_argument("-b", "--bytes", metavar="N", type=whole_number, help="its size; with --allocate")
    parser.add_argument("-f", "--file", metavar="FILE", help="with --read and --write")
    add_module(parser)
    add_json(parser)


def _add_nvram_backup(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for name, does in (
        ("save", "copy an area into the world's folder, sealed; an older copy gives way"),
        ("restore", "bring an area back that the module does not have"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=does)
    parser.add_argument("-n", "--name", metavar="NAME", required=True, help="the area")
    add_module(parser)


TOOLS: Final = (
    Tool(
        name="nvram-sw",
        does="Show, set aside, read, write or give up areas of the module's NVRAM",
        needs="a Security World, operational mode; to set aside or give up, the administrator cards that NVRAM needs",
        erases="with --delete an area, with --write what was in it",
        interrupted="nvram-sw --list says which areas there are, and --read what is in one",
        run=_nvram_sw,
        add=_add_nvram_sw,
    ),
    Tool(
        name="nvram-backup",
        does="Save an area of NVRAM beside the world, or bring it back",
        needs="a Security World, operational mode, the administrator cards that NVRAM needs",
        erases="with --save an older copy",
        interrupted="save again; or nvram-sw --list says whether the area was restored",
        run=_nvram_backup,
        add=_add_nvram_backup,
    ),
)
