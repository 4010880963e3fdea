"""Which software this is: one digest over every file of the installed runner and emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.canonical import file_digest

if TYPE_CHECKING:
    from runner.host.disk import Disk

_CODE = (".py", ".toml", ".json", ".yaml")


def bundle_sha256(disk: Disk) -> str:
    """Return the SHA-256 of the `sha256sum` lines of all code and data files, sorted by path."""
    packages = Path(__file__).resolve().parents[2]
    lines: list[str] = []
    for package in ("hsm_emulator", "runner"):
        for name in disk.list(packages / package):
            if name.endswith(_CODE) and "__pycache__" not in name:
                facts = disk.hash_file(packages / package / name)
                lines.append(f"{facts.sha256}  {package}/{name}\n")
    return file_digest("".join(sorted(lines)).encode())
