"""`ceremony new`: a commented ceremony to begin with, which lints clean and whose replay passes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import Parser
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.documents import require_new, shown
from runner.host.new_ceremony import SEATS, Wanted, new_files, require_name
from runner.host.room import StopAsked
from runner.host.terminal import Terminal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command. What can be refused is refused before anybody is asked; the folder is made at the end, whole."""
    args = _parser().parse_args(arguments)
    disk = Disk()
    require_name(args.name)
    folder = Path(args.dir) / args.name
    require_new(disk, folder)
    try:
        wanted = _wanted(args)
    except StopAsked:
        sys.stderr.write("stopped: nothing was made\n")
        return Exit.STOPPED
    disk.write_folder(folder, new_files(disk, wanted))
    here = shown(folder)
    sys.stdout.write(f"made {here}\n")
    sys.stderr.write(
        f"check it:   ceremony lint {here}/{args.name}.ceremony.yaml\n"
        f"try it out: ceremony replay {here}/{args.name}.replay.yaml\n"
        "before a real ceremony: the public keys of your own people in the roster\n"
    )
    return Exit.DONE


def _parser() -> Parser:
    parser = Parser(
        "new", "Make a ceremony to begin with. What is not given is asked at the terminal; exit 8 without one."
    )
    parser.add_argument("name", metavar="NAME", help="its id, which its files and its folder are called by")
    parser.add_argument("--title", metavar="TEXT", help="what it is called")
    parser.add_argument("--owner", metavar="TEXT", help="whom to ask about it, such as a mail address")
    parser.add_argument(
        "--people",
        metavar="WHO",
        nargs=len(SEATS),
        help="names: the approver, the operator, the witness, and the holders of the three cards",
    )
    parser.add_argument("--dir", metavar="DIR", default=".", help="where its folder is made; default: here")
    return parser


def _wanted(args: Namespace) -> Wanted:
    """Return what is made, from the options; what they do not say is asked.

    Raises:
        NoTerminal: something has to be asked, and there is no terminal.
        StopAsked: people stopped at a question.
    """
    given: dict[str, str | None] = {"title": args.title, "owner": args.owner}
    given |= dict(zip(SEATS, args.people or [None] * len(SEATS), strict=True))
    questions = {"title": "What is the ceremony called?", "owner": "Whom does one ask about it?", **SEATS}
    answers = {name: text for name, text in given.items() if text is not None}
    if len(answers) < len(questions):
        with Terminal.open() as terminal, terminal.heeding_signals():
            for name, question in questions.items():
                if name not in answers:
                    answers[name] = terminal.ask(question)
    people = {seat: answers[seat] for seat in SEATS}
    return Wanted(name=args.name, title=answers["title"], owner=answers["owner"], people=people)
