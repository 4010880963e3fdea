"""Open a zip that a stranger made: all of it is checked before a byte is written anywhere.

Rules: ART011 not a zip, or damaged · ART012 a name that would leave the folder · ART013 a link or another special
file · ART014 a name twice · ART015 an item is missing · ART016 an item nobody asked for · ART017 too large unpacked.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from runner.document.characters import shown
from runner.errors import StepFault

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST: Final = 64_000_000
"""Bytes an archive may unpack to: four times the 16 MB that the removable medium must have free."""

MOST_NAMES: Final = 5
MOST_CHARACTERS: Final = 80


def unpack(content: bytes, items: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of each item, by name.

    Args:
        content: the zip file.
        items: exactly the names it must hold, at its top level.

    Raises:
        StepFault: ART011 to ART017; nothing was written.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check(members, items)
            return {member.filename: _read(archive, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise StepFault("the archive is damaged, or not a zip", rule="ART011") from None


def _check(members: Sequence[zipfile.ZipInfo], items: Sequence[str]) -> None:
    """Refuse what must not be unpacked.

    1. No name leaves the folder: absolute, with a drive, a backslash, `..` or a folder in it.
    2. No links, devices or folders; nothing encrypted.
    3. No name twice, also not in another case.
    4. Exactly the items asked for.
    5. Not larger than the limit, by what the archive says; reading checks that against the bytes (CRC and length).
    """
    seen: set[str] = set()
    for member in members:
        name = member.filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name or name != member.orig_filename:
            raise StepFault(f"the archive holds {_named([name])}, which would leave the folder", rule="ART012")
        if len(parts) > 1 or name in ("", "."):
            raise StepFault(f"the archive holds {_named([name])}, which is not at its top level", rule="ART012")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise StepFault(f"{_named([name])} in the archive is a link or a special file", rule="ART013")
        if name.casefold() in seen:
            raise StepFault(f"the archive holds {_named([name])} twice", rule="ART014")
        seen.add(name.casefold())
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StepFault(f"{_named([name])} in the archive is compressed in an unusual way", rule="ART011")
    names = {member.filename for member in members}
    if missing := [item for item in items if item not in names]:
        raise StepFault(f"the archive lacks {_named(missing)}", rule="ART015")
    if extra := sorted(names - set(items)):
        raise StepFault(f"the archive holds {_named(extra)}, which nobody asked for", rule="ART016")
    if sum(member.file_size for member in members) > LARGEST:
        raise StepFault(f"the archive unpacks to more than {LARGEST} bytes", rule="ART017")


def _named(names: Sequence[str]) -> str:
    """Return a stranger's names for a sentence of the log: few, short, and nothing in them that hides or moves."""
    few = ", ".join(f"`{_shown(name[:MOST_CHARACTERS])}`" for name in names[:MOST_NAMES])
    return few if len(names) <= MOST_NAMES else f"{few} and {len(names) - MOST_NAMES} more"


def _shown(name: str) -> str:
    return shown(name).replace("\n", "\\n")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, never unpacking more than one byte beyond what it declares.

    Raises:
        BadZipFile: it holds more or fewer, or its CRC differs.
    """
    declared = member.file_size
    member.file_size = declared + 1  # zipfile cuts silently at this size, so the byte too many must be let through
    with archive.open(member) as file:
        content = file.read(declared + 1)
    if len(content) != declared:
        raise zipfile.BadZipFile("a member is not as long as it says")
    return content
