"""Which software this is: one digest over every file of the runner and the emulator, and nothing else may run.

The digest is the SHA-256 of the `sha256sum` lines of all files, sorted by path, so that standard tools make it too
(docs/offline.md). It is the same for a checkout, an installation and a wheel. Two things are not counted:

- `runner/shipped`, the ceremonies and schemas that a wheel brings: a plan names the digest of each document it is made
  from, and an author's change to one must not void the approvals of all others;
- `__pycache__`, which Python fills as it runs. `require_own_bytecode` holds it to the sources instead.

Rules: SEC007 what Python would run is not what is counted.
"""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from runner.canonical import file_digest
from runner.errors import EvidenceFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed import ReadableBuffer

    from runner.host.disk import Disk

PACKAGES: Final = ("hsm_emulator", "runner")

_BESIDE_EQUALITY: Final = ("co_stacksize", "co_qualname", "co_linetable", "co_exceptiontable")
"""What not every version of Python looks at when it compares two code objects."""


def bundle_sha256(disk: Disk, packages: Path | None = None) -> str:
    """Return the digest of the software in a folder, as 64 lower-case hex digits.

    Args:
        disk: the only way to files.
        packages: the folder that holds both packages; None: the one this code runs from.

    Raises:
        EvidenceFault: SEC007, the emulator would be loaded from elsewhere, or a file has a name that cannot be listed.
        WrongUse: there is a link or another special file among them, or a file cannot be read.
    """
    folder = packages or _own_folder()
    return software_sha256({path: disk.hash_file(folder / path).sha256 for path in _counted(disk, folder)})


def software_sha256(files: Mapping[str, str]) -> str:
    """Return the digest of the software whose counted files have these digests, by their paths such as `runner/x.py`.

    Raises:
        EvidenceFault: SEC007, a name that is not printable, or has a backslash: its line could be read in two ways.
    """
    for path in files:
        if not path.isprintable() or "\\" in path:
            raise EvidenceFault(f"{path!a} is no name for a file of the software", rule="SEC007")
    return file_digest("".join(f"{digest}  {path}\n" for path, digest in sorted(files.items())).encode())


def is_counted(path: str) -> bool:
    """Say whether a file belongs to the software, by its path with `/`, from the folder that holds the packages."""
    return (
        path.startswith(tuple(f"{package}/" for package in PACKAGES))
        and not path.startswith("runner/shipped/")
        and "/__pycache__/" not in path
    )


def require_own_bytecode(disk: Disk, packages: Path | None = None) -> None:
    """Refuse an installation in which Python would run a cached copy of a module that its source does not compile to.

    Python believes a cache that names the time and size of its source, whatever else is in it.

    Args:
        disk: the only way to files.
        packages: as for `bundle_sha256`.

    Raises:
        EvidenceFault: SEC007, a cache holds other code, or none.
    """
    folder = packages or _own_folder()
    for path in _counted(disk, folder):
        if not path.endswith(".py"):
            continue
        loader = _Looker(path, str(folder / path))
        source = loader.source_to_code(disk.read(folder / path), loader.path)
        try:
            same = _same(loader.get_code(path), source)
        except (EOFError, ImportError, TypeError, ValueError):
            same = False
        if not same:
            raise EvidenceFault(f"Python would run a cached copy of {path} that is not its source", rule="SEC007")


class _Looker(SourceFileLoader):
    """Loads what an import would, and leaves no cache behind."""

    @override
    def set_data(self, path: str, data: ReadableBuffer, *, _mode: int = 0) -> None:
        return


def _own_folder() -> Path:
    """Return the folder both packages are loaded from."""
    folder = Path(__file__).resolve().parents[2]
    emulator = find_spec("hsm_emulator")
    places = [] if emulator is None else emulator.submodule_search_locations or []
    if [Path(place).resolve() for place in places] != [folder / "hsm_emulator"]:
        raise EvidenceFault(f"the emulator is not loaded from {folder}, as the runner is", rule="SEC007")
    return folder


def _counted(disk: Disk, folder: Path) -> Iterator[str]:
    for package in PACKAGES:
        for name in disk.list(folder / package):
            if is_counted(f"{package}/{name}"):
                yield f"{package}/{name}"


def _same(one: object, other: object) -> bool:
    """Compare code and all code inside it; other constants are compared with the code that holds them."""
    if not (isinstance(one, CodeType) and isinstance(other, CodeType)):
        return not isinstance(one, CodeType) and not isinstance(other, CodeType)
    return (
        one == other
        and all(getattr(one, name) == getattr(other, name) for name in _BESIDE_EQUALITY)
        and all(_same(*pair) for pair in zip(one.co_consts, other.co_consts, strict=True))
    )
