"""`ceremony status`: where a ceremony stands. It changes nothing, and needs no terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.endings import aborted_words
from runner.cli.options import Parser
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.resumption import look_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.host.past import Past


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = Parser("status", "Say where a ceremony stands, changing nothing.")
    parser.add_argument("record", metavar="RECORD", help="the record's folder")
    args = parser.parse_args(arguments)
    past = look_back(Disk(), Path(args.record))
    past.course.engine.close()
    for name, value in _lines(past):
        sys.stdout.write(f"{name:<12} {value}\n")
    return Exit.DONE


def _lines(past: Past) -> Iterator[tuple[str, str]]:
    plan, engine = past.checked.plan, past.course.engine
    steps = plan.active_steps()
    last = json.loads(past.lines[-1])
    done = sum(1 for line in past.lines if json.loads(line)["type"] == "step.done")
    yield "ceremony", f"{past.ceremony}, {plan.ceremony.title}"
    yield "plan", past.checked.sha256
    yield "kind", "REHEARSAL, SIMULATED" if past.opened["rehearsal"] else "real"
    yield "entries", f"{len(past.lines)}, the last at {last['time']}"
    yield "sittings", str(past.sitting + 1)
    yield "steps", f"{done} of {len(steps)} done"
    yield "state", _state(past)
    if past.closed is None and past.aborted is None:
        if past.open is not None:
            step, attempt = past.open
            yield "step", f"{step.id}, attempt {attempt}"
        if past.course.asked is not None:
            kind = "changes a device" if past.pending is not None else "changes no device"
            yield "waiting", f"entry {past.course.asked.seq} has no reply; it {kind}"
        yield "in the room", ", ".join(sorted(engine.present)) or "nobody"
    if past.unsigned:
        yield "unsigned", f"{past.unsigned} entries that no checkpoint covers"


def _state(past: Past) -> str:
    if past.aborted is not None:
        words = aborted_words(past.aborted, past.ended_by, failed_at=past.failed_at)
        return f"over: {words}" if past.closed is not None else f"{words}; `ceremony resume` writes its end"
    if past.closed is not None:
        return f"over: {past.closed}"
    if past.handed_to is not None:
        return f"handed over to {past.handed_to}; `ceremony resume` goes on there"
    if past.on_purpose:
        return "suspended; `ceremony resume` goes on"
    return "under way, or it broke off; `ceremony resume` goes on"
