"""`ceremony schema`: the schemas that editors and validators use, and whether the shipped ones are this version's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.cli.options import Parser
from runner.errors import Exit, WrongUse
from runner.host.disk import Disk
from runner.host.documents import shipped, shown
from runner.schemas import NAMES, file_name, schema_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("schema", "Print or check the schemas that editors use.")
    parser.add_argument("name", metavar="NAME", nargs="?", help=f"{', '.join(NAMES)}; none lists them with their files")
    parser.add_argument("--check", action="store_true", help="compare the shipped files; exit 1 where one is stale")
    args = parser.parse_args(arguments)
    if args.name is not None and args.name not in NAMES:
        raise WrongUse(f"there is no schema {args.name}; there are {', '.join(NAMES)}")
    names = NAMES if args.name is None else (args.name,)
    if args.check:
        return _check(names)
    if args.name is not None:
        sys.stdout.write(schema_text(args.name))
        return Exit.DONE
    width = max(len(name) for name in names)
    for name in names:
        sys.stdout.write(f"{name:<{width}}  {shown(shipped('schemas') / file_name(name))}\n")
    return Exit.DONE


def _check(names: Sequence[str]) -> int:
    """Compare the shipped files with what this version makes, byte for byte."""
    disk = Disk()
    stale = False
    for name in names:
        path = shipped("schemas") / file_name(name)
        there = disk.exists(path)
        fresh = there and disk.read(path) == schema_text(name).encode()
        why = "up to date" if fresh else "stale" if there else "missing"
        sys.stdout.write(f"{why:<10}  {shown(path)}\n")
        stale = stale or not fresh
    return Exit.FINDINGS if stale else Exit.DONE
