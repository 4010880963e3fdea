"""What entry 0 binds that comes from the command line: a public value, and the checkpoint of the ceremony before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.audit.entry import BEACON, PREVIOUS, fits
from runner.errors import WrongUse
from runner.verification.notes import read_root
from runner.verification.reading import ShapeError

if TYPE_CHECKING:
    from runner.host.disk import Disk

_HEAD: Final = re.compile(r"([^\s+]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n")
"""The first three lines of a checkpoint."""


def beacon(written: str | None) -> dict[str, str] | None:
    """Return the source and the value of `SOURCE=VALUE`.

    Raises:
        WrongUse: another form, a character that cannot be seen, or too long for an entry.
    """
    if written is None:
        return None
    source, _, value = written.partition("=")
    bound = {"source": source, "value": value}
    if not (source and value and written.isprintable() and fits(BEACON, bound)):
        raise WrongUse("--beacon: write SOURCE=VALUE, short and with nothing in it that cannot be seen")
    return bound


def previous(disk: Disk, path: str | None) -> dict[str, str | int] | None:
    """Return origin, size and root of a checkpoint; its signature is for the auditor of that record to check.

    Raises:
        WrongUse: there is no such file, or it does not begin as a checkpoint does.
    """
    if path is None:
        return None
    match = _HEAD.match(disk.read(Path(path)).decode("utf-8", "surrogateescape"))
    if match is None:
        raise WrongUse(f"--previous: {path} is no checkpoint")
    bound: dict[str, str | int] = {"origin": match[1], "size": int(match[2]), "root": match[3]}
    try:
        read_root(match[3])
    except ShapeError as error:
        raise WrongUse(f"--previous: {path} is no checkpoint: {error}") from None
    if not (match[1].isprintable() and fits(PREVIOUS, bound)):
        raise WrongUse(f"--previous: {path} names a log or a size that no entry can hold")
    return bound
