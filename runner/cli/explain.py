"""`ceremony explain CODE`: what a rule is for and how to meet it, offline."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.cli.options import Parser
from runner.errors import Exit, WrongUse
from runner.host.rules import load_rules
from runner.vocabulary import closest_rule

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("explain", "Say what a rule is for and how to meet it.")
    parser.add_argument("code", metavar="CODE", nargs="?", help="a rule such as SIT001; none lists them all")
    args = parser.parse_args(arguments)
    rules = load_rules()
    if args.code is None:
        for code, rule in rules.items():
            sys.stdout.write(f"{code}  {rule.title}\n")
        return Exit.DONE
    found = rules.get(args.code.upper())
    if found is None:
        near = closest_rule(args.code, rules)
        advice = f"the closest is {near}" if near else "`ceremony explain` lists them"
        raise WrongUse(f"there is no rule {args.code}; {advice}")
    sys.stdout.write(f"{args.code.upper()}  {found.title}\n\nWhy: {found.why}\n\nWhat to do: {found.fix}\n")
    return Exit.DONE
