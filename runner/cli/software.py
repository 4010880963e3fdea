"""`ceremony software`: which software this is, as approvers sign it; and whether a bundle is what it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__
from runner.canonical import file_digest
from runner.cli.options import Parser
from runner.errors import Exit
from runner.host.bundle import bundle_sha256, require_own_bytecode
from runner.host.bundle_file import check, software_line
from runner.host.disk import Disk
from runner.spoken import word_lines

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("software", "Say which software this is: the digest that approvers sign, in hex and in words.")
    parser.add_argument("--bundle", metavar="FILE", help="say it of a bundle, after checking what is in it")
    args = parser.parse_args(arguments)
    disk = Disk()
    require_own_bytecode(disk)
    own = bundle_sha256(disk)
    if args.bundle is None:
        _say(software_line(own, __version__), own)
        return Exit.DONE
    content = disk.read(Path(args.bundle))
    bundle = check(content)
    whole = file_digest(content)
    _say(f"bundle     {whole}", whole)
    _say(software_line(bundle.software, bundle.version), bundle.software)
    sys.stdout.write(f"made for   {bundle.made_for}\n")
    sys.stdout.write(f"wheels     {len(bundle.wheels)}, each with its hash in requirements.txt\n")
    if bundle.software == own:
        sys.stdout.write("this one   the same software\n")
    else:
        sys.stdout.write(f"this one   other software: {own} version {__version__}\n")
    return Exit.DONE


def _say(line: str, digest: str) -> None:
    sys.stdout.write(f"{line}\n")
    for words in word_lines(digest):
        sys.stdout.write(f"           {words}\n")
