"""`ceremony resume` and `ceremony resolve`: go on with a ceremony that stopped, broke off or was handed over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.live import OnTerminal, add_room, ended, environment, keep_beside
from runner.cli.narrator import Narrator
from runner.cli.options import Parser
from runner.cli.rehearse import rehearsed
from runner.errors import Exit, WrongUse
from runner.host.bundle import require_own_bytecode
from runner.host.disk import Disk
from runner.host.live_sitting import live_room
from runner.host.preflight import compare_head
from runner.host.rehearsal import is_scripted, resume_rehearsal
from runner.host.resumption import look_back, resume_ceremony
from runner.host.simulated_room import Ground
from runner.host.terminal import Terminal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run `ceremony resume`."""
    parser = Parser("resume", "Go on with a ceremony. A live one needs a terminal and the environment file.")
    return run(parser, arguments, may_decide=False)


def run(parser: Parser, arguments: Sequence[str], *, may_decide: bool) -> int:
    """Go on with a record, scripted or live."""
    parser.add_argument("record", metavar="RECORD", help="the record's folder")
    add_room(parser, required=False)
    if may_decide:
        parser.add_argument("--step", metavar="S", required=True, help="the step whose result is not known")
    args = parser.parse_args(arguments)
    disk, record = Disk(), Path(args.record)
    past = look_back(disk, record)
    past.course.engine.close()
    if may_decide:
        _require_step(args, past.at)
    if is_scripted(disk, record):
        if args.environment is not None:
            raise WrongUse(f"{record} is a scripted rehearsal; it has its own environment")
        left = resume_rehearsal(
            Ground(disk=disk), record, watch=Narrator(sys.stderr, past.checked.plan), may_decide=may_decide
        )
        return rehearsed(left)
    if args.environment is None:
        raise WrongUse("say which machine this is: --environment F")
    require_own_bytecode(disk)
    place = environment(disk, args.environment)
    if place is None:
        return Exit.REFUSED
    with Terminal.open() as terminal, terminal.heeding_signals():
        engine = past.course.engine
        with live_room(
            disk,
            terminal,
            place,
            past.checked.plan,
            watch=Narrator(OnTerminal(terminal), past.checked.plan),
            signers=past.signers,
            present=engine.present,
            instead=engine.instead,
            on_break=engine.on_break,
        ) as room:
            room.people.attend()
            if past.handed_to is not None:
                compare_head(room.people, terminal, past.head)
            keep_beside(disk, place, record, past)
            how = resume_ceremony(room.means, record, may_decide=may_decide)
    return ended(record, how)


def _require_step(args: Namespace, at: str | None) -> None:
    if args.step != at:
        where = "no step is under way" if at is None else f"the step under way is {at}"
        raise WrongUse(f"{where}, not {args.step}")
