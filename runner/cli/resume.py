"""`ceremony resume` and `ceremony resolve`: go on with a ceremony that stopped, broke off or was handed over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.live import OnTerminal, add_room, ended, environment, keep_beside, stopped
from runner.cli.narrator import Narrator
from runner.cli.options import Parser
from runner.cli.rehearse import rehearsed
from runner.errors import Exit, WrongUse
from runner.host.bundle import require_own_bytecode
from runner.host.disk import Disk
from runner.host.live_sitting import SPACE, live_room
from runner.host.preflight import look_again, require_space
from runner.host.rehearsal import is_scripted, resume_rehearsal
from runner.host.resumption import look_back, require_approved_software, require_mine, resume_ceremony
from runner.host.room import StopAsked
from runner.host.session import reports
from runner.host.simulated_room import Ground
from runner.host.sitting import require_start
from runner.host.terminal import Terminal

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from runner.host.live_sitting import Place
    from runner.host.past import Past
    from runner.host.session import Ended


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
    terminal = Terminal.open()
    try:
        with terminal, terminal.heeding_signals():
            how = _go_on(disk, terminal, place, record, past, may_decide=may_decide)
    except StopAsked:
        return stopped("stopped before the sitting: nothing was written", terminal)
    return ended(record, how, terminal)


def _go_on(disk: Disk, terminal: Terminal, place: Place, record: Path, past: Past, *, may_decide: bool) -> Ended:
    """Refuse first what can be without asking anybody; then the people look again, and the sitting begins."""
    engine, plan = past.course.engine, past.checked.plan
    with live_room(
        disk,
        terminal,
        place,
        plan,
        watch=Narrator(OnTerminal(terminal), plan),
        signers=past.signers,
        present=engine.present,
        instead=engine.instead,
        on_break=engine.on_break,
    ) as room:
        if past.closed is not None and past.unsigned == 0:
            return resume_ceremony(room.means, record)  # it is over: its end is made whole, and that is said
        require_approved_software(disk, record)
        new = tuple(one for one in reports(room.means.hsms, room.means.vault) if one.id not in past.known)
        require_mine(past, room.means.played)
        require_start(plan, new)
        require_space(disk.free_space(record.absolute().parent), SPACE)
        look_again(room.people, terminal, new=new, handed=past.head if past.handed_to else None, clock=room.means.clock)
        keep_beside(disk, place, record, past)
        return resume_ceremony(room.means, record, may_decide=may_decide)


def _require_step(args: Namespace, at: str | None) -> None:
    if args.step != at:
        where = "no step is under way" if at is None else f"the step under way is {at}"
        raise WrongUse(f"{where}, not {args.step}")
