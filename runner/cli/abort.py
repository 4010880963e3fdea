"""`ceremony abort`: end a ceremony for good. The record is closed as aborted and stays verifiable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.live import OnTerminal, add_room, ended, environment, keep_beside, stopped
from runner.cli.narrator import Narrator
from runner.cli.options import Parser
from runner.cli.rehearse import rehearsed
from runner.errors import Exit, WrongUse
from runner.host.disk import Disk
from runner.host.live_sitting import live_room
from runner.host.rehearsal import abort_rehearsal, is_scripted
from runner.host.resumption import abort_ceremony, look_back
from runner.host.room import StopAsked
from runner.host.simulated_room import Ground
from runner.host.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("abort", "End a ceremony for good: its record is closed as aborted. A live one needs a terminal.")
    parser.add_argument("record", metavar="RECORD", help="the record's folder")
    parser.add_argument("--as", dest="person", metavar="PERSON", required=True, help="who of the roster ends it")
    parser.add_argument("--because", metavar="TEXT", required=True, help="why; it stands in the record")
    add_room(parser, required=False)
    args = parser.parse_args(arguments)
    disk, record = Disk(), Path(args.record)
    past = look_back(disk, record)
    past.course.engine.close()
    if not args.because.strip():
        raise WrongUse("--because: give a reason")
    if is_scripted(disk, record):
        watch = Narrator(sys.stderr, past.checked.plan)
        return rehearsed(abort_rehearsal(Ground(disk=disk), record, watch=watch, by=args.person, reason=args.because))
    if past.checked.plan.person(args.person) is None:
        raise WrongUse(f"{args.person} is not on the roster")
    if past.closed is not None and past.unsigned == 0:
        raise WrongUse(f"the ceremony in {record} is over: {past.closed}")
    if args.environment is None:
        raise WrongUse("say which machine this is: --environment F")
    place = environment(disk, args.environment)
    if place is None:
        return Exit.REFUSED
    terminal = Terminal.open()
    try:
        with terminal, terminal.heeding_signals():
            if terminal.ask(f"This ends the ceremony for good. {args.person} types their id:") != args.person:
                return stopped("stopped: nothing was written", terminal)
            watch = Narrator(OnTerminal(terminal), past.checked.plan)
            present = past.course.engine.present | {args.person}
            with live_room(
                disk, terminal, place, past.checked.plan, watch=watch, signers=past.signers, present=present
            ) as room:
                keep_beside(disk, place, record, past, ends=True)
                how = abort_ceremony(room.means, record, by=args.person, reason=args.because)
    except StopAsked:
        return stopped("stopped: nothing was written", terminal)
    return ended(record, how, terminal)
