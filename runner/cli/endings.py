"""What a sitting's end means on the command line: words on stderr, and an exit code."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from runner.document.characters import shown
from runner.errors import Exit
from runner.host.console import grouped
from runner.spoken import word_lines

if TYPE_CHECKING:
    from runner.host.session import Ended, EndedBy


def ended_code(ended: Ended, *, valid: bool = True, stopped_by: int = signal.SIGINT) -> int:
    """Say why a sitting ended where it was not the end of the ceremony, and return the exit code.

    Args:
        ended: how it ended.
        valid: whether the verifier found the record of a completed ceremony valid.
        stopped_by: the number of the signal that asked to stop; Ctrl-C's where people typed it.
    """
    failed = ended.failed
    match ended.how:
        case "completed":
            return Exit.DONE if valid else Exit.FINDINGS
        case "handed over":
            words = "\n".join(f"  {line}" for line in word_lines(ended.head))
            sys.stderr.write(f"handed over to {ended.to}: carry the record and the media there, and resume\n")
            sys.stderr.write(
                f"write down the head of the log, and compare it there:\n{words}\n  {grouped(ended.head)}\n"
            )
            return Exit.HANDED_OVER
        case "suspended":
            sys.stderr.write("suspended: `ceremony resume` goes on\n")
            return Exit.SIGNAL + stopped_by
        case "uncertain":
            sys.stderr.write("uncertain RUN022: `ceremony resume` asks the device again\n")
            return Exit.UNCERTAIN
        case _:
            pass
    if failed is not None and failed.rule == ended.rule:
        sys.stderr.write(f"failed {failed.rule} at {failed.step}: {failed.words}\n")
    else:
        sys.stderr.write(f"{aborted_words(ended.rule or '', ended.by)}\n")
    return _aborted(ended.rule or "")


def aborted_words(rule: str, by: EndedBy | None, *, failed_at: str | None = None) -> str:
    """Return in words who aborted a ceremony and why; where nobody did, the rule, and the step that failed."""
    if by is not None:
        return f"aborted by {', '.join(by.people)}: {shown(by.because)} ({rule})"
    return f"aborted by {rule}" + (f" at {failed_at}" if failed_at is not None else "")


def _aborted(rule: str) -> int:
    """Return the exit code of an abort: a control that said no, people who stopped, or the step itself."""
    if rule.startswith("QUO"):
        return Exit.CONTROL
    return Exit.STOPPED if rule in {"RUN040", "RUN043"} else Exit.STEP_FAILED
