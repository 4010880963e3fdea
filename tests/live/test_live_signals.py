"""A live ceremony that a signal ends, or whose terminal is gone: the record is whole, and the exit code tells which."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pexpect
import pytest
from small_bench import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from small_bench import Bench

pytestmark = pytest.mark.slow


def run_to(small: Bench, question: str) -> pexpect.spawn[str]:
    return at(small, question, "run", "plan.json", "--out", "record")


def sent(number: int) -> Callable[[pexpect.spawn[str]], None]:
    return lambda child: os.kill(child.pid, number)


def gone(child: pexpect.spawn[str]) -> None:
    child.ptyproc.fileobj.close()


def code_after(child: pexpect.spawn[str], ends: Callable[[pexpect.spawn[str]], None]) -> int:
    ends(child)
    if ends is gone:
        child.wait()
    else:
        child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus is None
    return int(child.exitstatus)


@pytest.mark.parametrize(
    ("ends", "code"),
    [(sent(signal.SIGINT), 130), (sent(signal.SIGTERM), 143), (sent(signal.SIGHUP), 129), (gone, 129)],
    ids=["INT", "TERM", "HUP", "gone"],
)
def test_in_a_sitting(small: Bench, ends: Callable[[pexpect.spawn[str]], None], code: int) -> None:
    assert code_after(run_to(small, "Who acts types their id:"), ends) == code
    last = small.entries()[-1]
    assert (last["type"], last["data"]["rule"]) == ("ceremony.suspended", "RUN042")
    assert (small.record / "SHA256SUMS").exists()
    assert small.resume().code == 0


@pytest.mark.parametrize(
    ("ends", "code"),
    [(sent(signal.SIGINT), 5), (sent(signal.SIGTERM), 143), (sent(signal.SIGHUP), 129), (gone, 129)],
    ids=["INT", "TERM", "HUP", "gone"],
)
def test_before_it(small: Bench, ends: Callable[[pexpect.spawn[str]], None], code: int) -> None:
    assert code_after(run_to(small, "first 8 of them:"), ends) == code
    assert not small.record.exists()


@pytest.mark.parametrize(("command", "question"), [("resume", "to the minute:"), ("abort", "dee types their id:")])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 5), (signal.SIGTERM, 143)])
def test_before_a_later_one(small: Bench, command: str, question: str, number: int, code: int) -> None:
    assert code_after(run_to(small, "Who acts types their id:"), sent(signal.SIGINT)) == 130
    before = (small.record / "log.jsonl").read_bytes()
    more = ("--as", "dee", "--because", "enough") if command == "abort" else ()
    assert code_after(at(small, question, command, "record", *more), sent(number)) == code
    assert (small.record / "log.jsonl").read_bytes() == before
