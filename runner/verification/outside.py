"""What comes from outside the record, read from its files: none of them may lie inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from runner.verification.folder import open_plain
from runner.verification.reading import ShapeError
from runner.verification.trust import Policy, Registry, Trust, read_policy, read_registry, read_trust
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.verification.folder import Folder

_LARGEST: Final = 1 << 20
"""No more bytes than these are read of each."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is known from outside; None where it was not given, or is none."""

    trust: Trust | None = None
    policy: Policy | None = None
    registry: Registry | None = None


def bring(
    record: Folder, *, trust: Path | None, policy: Path | None, registry: Path | None
) -> tuple[Outside, list[Finding]]:
    """Return what is known from outside, and what is wrong with it. LOG062: there is a trust file."""
    found: list[Finding] = []
    if trust is None:
        words = "no trust file: nothing outside the record says whose it is"
        found.append(Finding(rule="LOG062", words=words, means=Outcome.UNANCHORED))
    outside = Outside(
        trust=_read(record, trust, "trust file", read_trust, found),
        policy=_read(record, policy, "policy", read_policy, found),
        registry=_read(record, registry, "registry", read_registry, found),
    )
    return outside, found


def _read(record: Folder, path: Path | None, name: str, read: Callable[[bytes], T], found: list[Finding]) -> T | None:
    """LOG063: what is to come from outside lies outside the record, and is what it must be."""
    if path is None:
        return None
    if record.holds(path):
        words = f"the {name} lies inside the record, so it proves nothing about it"
    else:
        try:
            with open_plain(path) as file:
                return read(file.read(_LARGEST))
        except (OSError, ValueError) as error:
            words = str(error) if isinstance(error, ShapeError) else f"the {name} cannot be read"
    found.append(Finding(rule="LOG063", words=words, means=Outcome.UNVERIFIABLE))
    return None
