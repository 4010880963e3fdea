"""Options that several commands share, and the way findings are shown."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from typing_extensions import override

from runner.document.findings import Severity
from runner.document.printers import oneline, text
from runner.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.document.findings import Finding
    from runner.document.source import Source
    from runner.values import Value


class Parser(argparse.ArgumentParser):
    """A parser that never abbreviates and leaves with the exit code of wrong use."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(prog=f"ceremony {command}", description=description, allow_abbrev=False)

    @override
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(int(Exit.WRONG_USE))


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add what a plan is made for."""
    parser.add_argument("file", metavar="FILE", help="a *.ceremony.yaml, or the name of a shipped ceremony")
    parser.add_argument(
        "--edition", metavar="E", help="edition of the published procedure; default: the playbook's own"
    )
    parser.add_argument("--roster", metavar="F", help="the people; default: the *.roster.yaml beside the playbook")
    parser.add_argument("--param", metavar="K=V", action="append", default=[], help="a parameter of the playbook")


def params(pairs: Sequence[str]) -> Mapping[str, Value]:
    """Return the parameters of `--param` options.

    Raises:
        SystemExit: one has no `=`, or is given twice.
    """
    found: dict[str, Value] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in found:
            why = "is given twice" if equals else "is not NAME=VALUE"
            sys.stderr.write(f"ceremony: --param {name} {why}\n")
            raise SystemExit(int(Exit.WRONG_USE))
        found[name] = value
    return found


def show(findings: Sequence[Finding], *, form: str, sources: Mapping[str, Source]) -> None:
    """Write findings to stdout, in file order, and a count to stderr."""
    sys.stdout.write(oneline(findings) if form == "oneline" else text(findings, sources))
    errors = sum(1 for finding in findings if finding.severity is Severity.ERROR)
    sys.stderr.write(f"{errors} errors, {len(findings) - errors} warnings\n" if findings else "nothing found\n")
