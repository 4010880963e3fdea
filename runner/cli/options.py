"""Options that several commands share, and the way findings are shown."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from typing_extensions import override

from runner import __version__
from runner.document.characters import shown
from runner.document.findings import Severity
from runner.document.printing.text import text
from runner.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.document.findings import Finding, Waived
    from runner.document.source import Source
    from runner.values import Value


FORMATS: Final = ("text", "oneline", "json", "sarif", "github")
"""The ways findings are written."""


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


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add in which language people read the texts."""
    parser.add_argument("--language", metavar="CODE", help="one of the playbook's languages; default: its first")


def params(pairs: Sequence[str]) -> Mapping[str, Value]:
    """Return the parameters of `--param` options.

    Raises:
        SystemExit: one has no `=`, or is given twice.
    """
    return dict(pairs_of("param", "NAME=VALUE", pairs))


def pairs_of(option: str, form: str, pairs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each use of an option of the form `NAME=…`.

    Raises:
        SystemExit: one has no `=`, or is given twice.
    """
    seen: set[str] = set()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in seen:
            why = "is given twice" if equals else f"is not {form}"
            sys.stderr.write(f"ceremony: --{option} {name} {why}\n")
            raise SystemExit(int(Exit.WRONG_USE))
        seen.add(name)
        yield name, value


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add how findings are written."""
    parser.add_argument("--format", choices=FORMATS, default="text", help="how findings are written; default: text")


def show(
    findings: Sequence[Finding],
    *,
    form: str,
    sources: Mapping[str, Source],
    waived: Sequence[Waived] = (),
    every: bool = False,
) -> None:
    """Write findings to stdout, in file order, and a count and what is waived to stderr.

    Args:
        findings: in file order.
        form: one of `FORMATS`.
        sources: the files they are in, by name, for excerpts.
        waived: what the playbooks let be.
        every: in the form for people too, none is left out.
    """
    sys.stdout.write(_printed(findings, form, sources, waived, every=every))
    for one in waived:
        where = f" at {one.step}" if one.step is not None else ""
        until = f", until {one.until}" if one.until is not None else ""
        sys.stderr.write(f"waived {shown(f'{one.rule}{where}: {one.because}{until}')}\n")
    errors = sum(1 for finding in findings if finding.severity is Severity.ERROR)
    counts = f"{_counted(errors, 'error')}, {_counted(len(findings) - errors, 'warning')}"
    sys.stderr.write(f"{counts}\n" if findings else "nothing found\n")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _printed(
    findings: Sequence[Finding], form: str, sources: Mapping[str, Source], waived: Sequence[Waived], *, every: bool
) -> str:
    match form:
        case "oneline":
            from runner.document.printing.oneline import oneline

            return oneline(findings)
        case "json":
            from runner.document.printing.structured import structured
            from runner.host.rules import load_rules

            return structured(findings, load_rules(), waived)
        case "sarif":
            from runner.document.printing.sarif import sarif
            from runner.host.rules import load_rules

            return sarif(findings, load_rules(), version=__version__)
        case "github":
            from runner.document.printing.github import github

            return github(findings)
        case _:
            return text(findings, sources, every=every)
