"""The shape of an environment: `format: environment/1`, one machine in the room.

It says which devices and folders stand for what the plan names. It is not part of the plan, since a rehearsal and the
room differ in it; its digest is in the log. All paths are relative to the file itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from runner.document.fields import Checked, Id, Minutes, Named, Several, Text, fault, nothing
from runner.document.shape import Parsed, Report, Written, validated

if TYPE_CHECKING:
    from runner.document.findings import Path
    from runner.document.source import Source

_PART: Final = r"(?!\.\.?(/|$))[^/\\]+"
_FOLDER: Final = rf"^{_PART}(/{_PART})*$"


def _folder(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise fault("this must be the name of a folder")
    if not value.isprintable() or not re.search(_FOLDER, value):
        raise fault(
            "this must be a folder below the one this file is in",
            "write names with `/` between them, without `.` and `..`, and none in front or at the end",
        )
    return value


Folder = Annotated[str, Checked(_folder, {"type": "string", "pattern": _FOLDER})]
"""A folder below that of the file, with `/` between its parts."""


class DeviceHere(Written):
    """The device that stands for one of the plan's: what drives it, and its serial number, never its position."""

    backend: Literal["emulator"]
    serial: Text


class MediumHere(Written):
    """Where a medium of the plan shows up on this machine."""

    folder: Folder


class Folders(Written):
    """Where this machine keeps what it works with."""

    work: Folder = "work"
    devices: Folder = "devices"
    vaults: Folder = "vaults"
    ledger: Folder = "ledger"


class Waits(Written):
    """How long people have, in minutes."""

    card_minutes: Minutes = 10
    mode_minutes: Minutes = 5


class Environment(Written):
    """One machine in the room: the stations it plays, and what is attached to it.

    `keys` says for each person where their private key lies, or the public half where a program of theirs keeps the
    private one; such a path may also be absolute.
    """

    format: Literal["environment/1"]
    id: Id
    stations: Annotated[Several[Id], Field(min_length=1)]
    devices: Named[Id, DeviceHere] = Field(default_factory=nothing)
    media: Named[Id, MediumHere] = Field(default_factory=nothing)
    folders: Folders = Field(default_factory=Folders)
    waits: Waits = Field(default_factory=Waits)
    keys: Named[Id, Text] = Field(default_factory=nothing)
    pins: Literal["terminal"] = "terminal"


def parse_environment(source: Source) -> Parsed[Environment]:
    """Return the environment in a source."""
    report = Report(source)
    draft = validated(Environment, source, report)
    if draft is not None:
        _apart(draft, report)
    return Parsed(source=source, draft=draft, findings=(*source.findings, *report.findings()))


def _apart(environment: Environment, report: Report) -> None:
    """SHP004: no station, serial number or folder is there twice; letters that differ in case are the same."""
    for index, station in enumerate(environment.stations):
        if station in environment.stations[:index]:
            report.add("SHP004", f"`{station}` is named twice", ("stations", index))
    serials: dict[str, str] = {}
    for name, device in environment.devices.items():
        first = serials.setdefault(device.serial.casefold(), name)
        if first != name:
            related = [("first written here", ("devices", first, "serial"))]
            words = f"`{first}` and `{name}` are one device"
            report.add("SHP004", words, ("devices", name, "serial"), related=related)
    _folders(environment, report)


def _folders(environment: Environment, report: Report) -> None:
    """SHP004: no two folders are one, or one inside the other."""
    named: list[tuple[Path, str]] = [
        (("folders", name), folder) for name, folder in environment.folders.model_dump().items()
    ]
    named += [(("media", name, "folder"), medium.folder) for name, medium in environment.media.items()]
    owners: dict[tuple[str, ...], Path] = {}
    for path, folder in named:
        other = owners.setdefault(_parts(folder), path)
        if other != path:
            report.add("SHP004", f"`{folder}` is the folder of `{other[1]}` too", path)
    for path, folder in named:
        parts = _parts(folder)
        around = next((owners[parts[:length]] for length in range(1, len(parts)) if parts[:length] in owners), None)
        if around is not None:
            report.add("SHP004", f"`{folder}` lies inside the folder of `{around[1]}`", path)


def _parts(folder: str) -> tuple[str, ...]:
    return tuple(folder.casefold().split("/"))
