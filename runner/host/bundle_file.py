"""One file into a room without a network: the wheels of the runner and of all it needs, packed and checked.

A bundle is a zip of

    README.txt  install.sh      as the runner's own wheel has them, in runner/offline.d
    SOFTWARE                    the digest that approvers sign, and the Python and platform the wheels are for
    requirements.txt            every wheel's project and version, with the only SHA-256 it may have
    wheels/*.whl

and a pure function of the wheels and the platform: whoever checks one makes it again and compares all of its bytes.

Rules: SEC006 the bundle is not what it says.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.canonical import file_digest
from runner.errors import EvidenceFault
from runner.host.bundle import is_counted, software_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 500_000_000
"""Bytes that a bundle or a wheel may unpack to: about forty times what they do."""

_WHEELS: Final = "wheels/"
_FROM_WHEEL: Final = ("README.txt", "install.sh")
_OWN: Final = "ceremony_runner"
_WHEEL: Final = re.compile(r"(?P<project>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.+!]+)-[A-Za-z0-9_.-]+\.whl\Z")
_SOFTWARE: Final = re.compile(r"software   [0-9a-f]{64} version \S+\nmade for   (?P<made_for>[a-z0-9._-]+)\n\Z")
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say: when something was packed says nothing


class Bundle(Struct, frozen=True, kw_only=True):
    """What a bundle holds.

    Attributes:
        version: of the runner.
        software: the digest of the runner's software, 64 lower-case hex digits.
        made_for: Python and platform, such as `cpython-311-linux-x86_64`.
        wheels: the file names, sorted.
    """

    version: str
    software: str
    made_for: str
    wheels: tuple[str, ...]


def pack(wheels: Mapping[str, bytes], *, made_for: str) -> bytes:
    """Return the bytes of a bundle.

    Args:
        wheels: by file name; one of them is the runner's.
        made_for: the Python and platform they fit.

    Raises:
        EvidenceFault: SEC006, the runner's wheel is not there, or holds what none of its would.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(_parts(wheels, made_for).items()):
            member = zipfile.ZipInfo(name, _FIRST_DAY)
            member.create_system = 3  # Unix, wherever it is made
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content)
    return written.getvalue()


def check(content: bytes) -> Bundle:
    """Return what a bundle holds, having made it again from its wheels and compared.

    Which dependencies there are, and their bytes, only the digest of the whole file says.

    Raises:
        EvidenceFault: SEC006, it is not the bundle of its wheels.
    """
    parts = _unzip(content, "the bundle")
    wheels = {name.removeprefix(_WHEELS): part for name, part in parts.items() if name.startswith(_WHEELS)}
    said = _SOFTWARE.match(parts.get("SOFTWARE", b"").decode("ascii", "replace"))
    if said is None:
        raise EvidenceFault("the bundle does not say in SOFTWARE what it is", rule="SEC006")
    due = _parts(wheels, said["made_for"])
    for name in sorted(parts.keys() | due.keys()):
        if parts.get(name) != due.get(name):
            raise EvidenceFault(f"{name!a} in the bundle is not what its wheels make it", rule="SEC006")
    if pack(wheels, made_for=said["made_for"]) != content:
        raise EvidenceFault("the bundle holds more than its files", rule="SEC006")
    version, software, _ = _own(wheels)
    return Bundle(version=version, software=software, made_for=said["made_for"], wheels=tuple(sorted(wheels)))


def software_line(software: str, version: str) -> str:
    """Return the line that says which software this is: the one that approvers sign in the manifest."""
    return f"software   {software} version {version}"


def _parts(wheels: Mapping[str, bytes], made_for: str) -> dict[str, bytes]:
    """Return every file of a bundle by its name."""
    version, software, files = _own(wheels)
    parts = {name: files.get(f"runner/offline.d/{name}", b"") for name in _FROM_WHEEL}
    parts["SOFTWARE"] = f"{software_line(software, version)}\nmade for   {made_for}\n".encode()
    parts["requirements.txt"] = "".join(sorted(_requirement(*wheel) for wheel in wheels.items())).encode()
    return parts | {f"{_WHEELS}{name}": content for name, content in wheels.items()}


def _requirement(name: str, content: bytes) -> str:
    found = _WHEEL.match(name)
    if found is None:
        raise EvidenceFault(f"{name!a} is no name for a wheel", rule="SEC006")
    project = re.sub(r"[_.]+", "-", found["project"]).lower()
    return f"{project}=={found['version']} --hash=sha256:{file_digest(content)}\n"


def _own(wheels: Mapping[str, bytes]) -> tuple[str, str, dict[str, bytes]]:
    """Return version, software digest and files of the runner's own wheel.

    1. There is one.
    2. It holds the two packages and what describes the wheel: an installer puts nothing else beside them.
    3. Its software is what `runner.host.bundle` finds once it is installed.
    """
    own = [found for found in map(_WHEEL.match, wheels) if found is not None and found["project"] == _OWN]
    if len(own) != 1:
        raise EvidenceFault(f"the bundle holds {len(own)} wheels of the runner", rule="SEC006")
    version = own[0]["version"]
    files = _unzip(wheels[own[0].string], own[0].string)
    for path in files:
        if not path.startswith(("hsm_emulator/", "runner/", f"{_OWN}-{version}.dist-info/")):
            raise EvidenceFault(f"{path!a} does not belong into the runner's wheel", rule="SEC006")
    counted = {path: file_digest(content) for path, content in files.items() if is_counted(path)}
    return version, software_sha256(counted), files


def _unzip(content: bytes, what: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len({member.filename for member in members}) != len(members):
                raise EvidenceFault(f"{what} holds a file twice", rule="SEC006")
            if sum(member.file_size for member in members) > LARGEST:
                raise EvidenceFault(f"{what} unpacks to more than {LARGEST} bytes", rule="SEC006")
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise EvidenceFault(f"{what} is damaged, or not a zip", rule="SEC006") from None
