"""The controlling terminal, a real one: who is heard, what shows, what Ctrl-C does, and that it is left as found."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from terminal_bench import OVER, at_a_terminal, echo, ending, environment, program

from runner.host.console import grouped, minutes, seen, wrapped

if TYPE_CHECKING:
    import pexpect

CANARY = "canary-4711"
ASK = 'print("GOT", repr(terminal.ask("Your id:")), flush=True)'
SECRET = 'secret = terminal.secret("PIN:")\nprint("LENGTH", len(secret), flush=True)'


# -- no terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stdin", [subprocess.PIPE, subprocess.DEVNULL])
def test_without_a_terminal_nobody_is_asked(stdin: int) -> None:
    begun = time.monotonic()
    done = subprocess.Popen(
        [sys.executable, "-c", program(ASK)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
        start_new_session=True,
    )
    out, _ = done.communicate("eva\n" if stdin == subprocess.PIPE else None, timeout=OVER)
    assert out == "END no terminal: people are needed, and there is no terminal to ask them at\n"
    assert time.monotonic() - begun < 5  # most of it is Python's start


def test_in_the_background_nobody_is_asked() -> None:
    inner = program(ASK)
    body = f"""
import subprocess
command = [sys.executable, "-c", {inner!r}]
done = subprocess.run(command, process_group=0, timeout={OVER}, capture_output=True, text=True)
print(done.stdout, flush=True)
"""
    assert "no terminal: people are needed, and this runs in the background" in ending(at_a_terminal(body))


def test_sent_to_the_background_later_it_does_not_hang() -> None:
    body = f"""
parent = os.getpid()
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    try:
        {ASK}
    except NoTerminal as no:
        print("LATER", no.words, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    assert "LATER people are needed, and this runs in the background" in ending(at_a_terminal(body))


def test_when_the_terminal_is_gone_it_ends(tmp_path: object) -> None:
    note = f"{tmp_path}/note"
    body = f"""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
try:
    terminal.ask("Your id:")
except NoTerminal as no:
    with open({note!r}, "w") as file:
        file.write(no.words)
"""
    child = at_a_terminal(body)
    child.expect("Your id:")
    child.close(force=False)
    limit = time.monotonic() + OVER
    while not (os.path.exists(note) and os.path.getsize(note)):  # noqa: PTH110, PTH202 (a plain name)
        assert time.monotonic() < limit
        time.sleep(0.05)
    with open(note) as file:  # noqa: PTH123 (a plain name)
        assert file.read() == "the terminal is gone"


# -- asking ----------------------------------------------------------------------------------------------------------


def test_an_answer() -> None:
    child = at_a_terminal(ASK)
    child.expect("Your id:")
    child.sendline("  eva ")
    assert "GOT 'eva'" in ending(child)


def test_what_was_typed_before_the_question_is_no_answer() -> None:
    child = at_a_terminal(f'print("READY", flush=True)\ntime.sleep(0.5)\n{ASK}')
    child.expect("READY")
    child.sendline("mallory")
    child.expect("Your id:")
    child.sendline("eva")
    assert "GOT 'eva'" in ending(child)


def test_of_two_lines_at_once_the_second_is_no_answer() -> None:
    child = at_a_terminal(f"{ASK}\ntime.sleep(0.3)\n{ASK.replace('Your id', 'Another')}")
    child.expect("Your id:")
    child.send("eva\nmallory\n")
    child.expect("Another:")
    child.sendline("dan")
    out = ending(child)
    assert "GOT 'dan'" in out
    assert "GOT 'mallory'" not in out


def test_an_empty_line_is_no_answer() -> None:
    child = at_a_terminal(ASK)
    for typed in ("\n", "   \n"):
        child.expect("Your id:")
        child.send(typed)
        child.expect("Nothing was typed; an empty line is no answer.")
    child.expect("Your id:")
    child.sendline("eva")
    assert "GOT 'eva'" in ending(child)


@pytest.mark.parametrize("typed", [b"\n", b"\x04", b"\xff\xfe\n"], ids=["empty", "Ctrl-D", "no text"])
def test_three_of_them_stop(typed: bytes) -> None:
    child = at_a_terminal(ASK)
    for _ in range(3):
        child.expect("Your id:")
        os.write(child.child_fd, typed)
    out = ending(child)
    assert "Nothing was typed 3 times. Stopping here." in out
    assert "END stopped" in out


def test_under_way_empty_lines_stop_nothing() -> None:
    child = at_a_terminal(f'with terminal.under_way("it"):\n    {ASK}')
    for _ in range(5):
        child.expect("Your id:")
        child.send("\n")
    child.expect("Your id:")
    child.sendline("eva")
    assert "GOT 'eva'" in ending(child)


def test_who_is_waited_for_is_said_now_and_then() -> None:
    child = at_a_terminal('terminal.ask("Your id:", waiting="1 of 3 administrators")', beat="beat=0.2")
    child.expect("Your id:")
    child.expect(r"1 of 3 administrators, 00:0\d\r\nYour id:")
    child.expect(r"1 of 3 administrators, 00:0\d\r\nYour id:")
    child.sendline("eva")
    assert "END done" in ending(child)


def test_nobody_in_time() -> None:
    child = at_a_terminal('print("GOT", terminal.ask_within("Card:", 0.3), flush=True)')
    assert "GOT None" in ending(child)
    child = at_a_terminal('print("GOT", terminal.ask_within("Card:", 30), flush=True)')
    child.expect("Card:")
    child.sendline("")
    child.expect("Card:")
    child.sendline("SIM-1")
    assert "GOT SIM-1" in ending(child)


# -- secrets ---------------------------------------------------------------------------------------------------------


def screen(child: pexpect.spawn[str], typed: str, ended: str) -> str:
    child.expect("PIN:")
    assert not echo(child)
    child.send(typed)
    out = ending(child)
    assert f"END {ended}" in out
    return out


def test_a_secret_does_not_show() -> None:
    child = at_a_terminal(f'{SECRET}\nprint("ECHO", flush=True)\ntime.sleep(0.3)')
    child.expect("PIN:")
    assert not echo(child)
    child.sendline(f" {CANARY}")
    child.expect("ECHO")
    shown = str(child.before)
    assert echo(child)
    out = shown + ending(child)
    assert f"LENGTH {len(CANARY) + 1}" in out
    assert CANARY not in out


@pytest.mark.parametrize(
    ("body", "number", "ended"),
    [
        (SECRET, signal.SIGINT, "stopped"),
        (SECRET, signal.SIGTERM, "stopped"),
        ('with terminal.under_way("it"):\n    ' + SECRET.replace("\n", "\n    "), signal.SIGINT, "interrupted"),
        (
            f"signal.signal(signal.SIGUSR1, lambda *_: 1 / 0)\n{SECRET}",
            signal.SIGUSR1,
            "our mistake",
        ),
    ],
)
def test_the_terminal_is_left_as_it_was_found(body: str, number: int, ended: str) -> None:
    after = 'print("ECHO", not not __import__("termios").tcgetattr(0)[3] & 8, flush=True)'
    child = at_a_terminal(f"try:\n    {body.replace(chr(10), chr(10) + '    ')}\nfinally:\n    {after}")
    child.expect("PIN:")
    assert not echo(child)
    child.send(CANARY)
    os.kill(child.pid, number)
    if ended == "interrupted":
        child.expect("Noted: it stops as soon as it is over.")
        os.kill(child.pid, number)
    out = ending(child)
    assert "ECHO True" in out
    assert f"END {ended}" in out
    assert CANARY not in out


def test_no_secret_is_read_where_echo_stays_on() -> None:
    body = f"import termios\ntermios.tcsetattr = lambda *_: None\n{SECRET}"
    out = ending(at_a_terminal(body))
    assert "END no terminal: echo cannot be turned off, so nothing secret is asked for here" in out
    assert "PIN:" not in out


def test_ctrl_z_does_not_interrupt_a_secret() -> None:
    child = at_a_terminal(SECRET)
    child.expect("PIN:")
    child.send("\x1a")
    child.sendline(CANARY)
    assert f"LENGTH {len(CANARY) + 1}" in ending(child)


def test_an_empty_secret_is_none() -> None:
    child = at_a_terminal(SECRET)
    child.expect("PIN:")
    child.sendline("")
    child.expect("Nothing was typed")
    assert f"LENGTH {len(CANARY)}" in screen(child, f"{CANARY}\n", "done")


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_at_a_question_the_first_stops_at_once(number: int) -> None:
    child = at_a_terminal(ASK)
    child.expect("Your id:")
    os.kill(child.pid, number)
    out = ending(child)
    assert "Stopping here. Nothing is under way." in out
    assert "END stopped" in out


def test_ctrl_c_is_typed() -> None:
    child = at_a_terminal(ASK)
    child.expect("Your id:")
    child.sendintr()
    assert "END stopped" in ending(child)


def test_while_something_is_under_way_the_first_is_noted() -> None:
    body = f"""
with terminal.under_way("the device has its cards"):
    {ASK}
print("STOPPING", terminal.stopping, flush=True)
{ASK}
"""
    child = at_a_terminal(body, columns=200)
    child.expect("Your id:")
    child.sendintr()
    child.expect("Noted: it stops as soon as the device has its cards is over. Ctrl-C again stops at once.")
    child.expect("Your id:")
    child.sendline("SIM-1")
    out = ending(child)
    assert "GOT 'SIM-1'" in out
    assert "STOPPING True" in out
    assert out.count("Your id:") == 0  # the next question is not even asked
    assert "END stopped" in out


def test_the_second_stops_now() -> None:
    child = at_a_terminal('print("READY", flush=True)\ntime.sleep(30)')
    child.expect("READY")
    child.sendintr()
    child.expect("Noted: it stops as soon as what is being done is over.")
    child.sendintr()
    assert "END interrupted" in ending(child)


def test_a_second_sigterm_is_no_ctrl_c() -> None:
    child = at_a_terminal('print("READY", flush=True)\ntime.sleep(1)\nprint("WHOLE", flush=True)')
    child.expect("READY")
    os.kill(child.pid, signal.SIGTERM)
    child.expect("Noted")
    os.kill(child.pid, signal.SIGTERM)
    assert "WHOLE" in ending(child)


def test_a_pause_ends_early_at_ctrl_c() -> None:
    child = at_a_terminal('print("READY", flush=True)\nterminal.pause(60)')
    child.expect("READY")
    child.sendintr()
    assert "END done" in ending(child)


def test_signals_are_given_back() -> None:
    body = "before = signal.getsignal(signal.SIGINT)\nwith terminal.heeding_signals():\n    pass\n"
    body += 'print("SAME", signal.getsignal(signal.SIGINT) == before, flush=True)'
    assert "SAME True" in ending(at_a_terminal(body))


# -- what shows ------------------------------------------------------------------------------------------------------

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}])
def test_no_colour_and_no_moving_about(more: dict[str, str]) -> None:
    body = 'terminal.tell("one\\ntwo")\n' + ASK
    child = at_a_terminal(body, **more)
    child.expect("Your id:")
    shown = str(child.before)
    assert shown == "one\r\ntwo\r\n"
    child.sendline("eva")
    assert "\x1b" not in ending(child)


def test_at_forty_columns_lines_wrap_between_words_and_digests_stay_whole() -> None:
    body = f'terminal.tell("  sha256 of the file that was carried: {DIGEST} and /a/path/of/many/parts/to/the/file")'
    out = ending(at_a_terminal(body, columns=40))
    lines = out.split("END")[0].split("\r\n")
    assert all(len(line) <= 40 or line.strip() == DIGEST for line in lines)
    assert DIGEST in out
    assert "/a/path/of/many/parts/to/the/file" in out
    assert lines[1].startswith("    ")


def test_a_long_question_wraps_too() -> None:
    body = 'terminal.ask("Who asks for the break now, and in which role? Type your id:")'
    child = at_a_terminal(body, columns=40)
    child.expect("Type your id:")
    assert "\r\n" in str(child.before)
    child.sendline("eva")
    ending(child)


def test_what_cannot_be_seen_is_shown() -> None:
    body = r'terminal.tell("eva\x1b[31m \u202egnihton\u202c")'
    assert r"eva\u{1b}[31m \u{202e}gnihton\u{202c}" in ending(at_a_terminal(body))


def test_lines() -> None:
    assert seen("plain é 漢") == "plain é 漢"
    assert seen("a\tb\x7f") == r"a\u{9}b\u{7f}"
    assert wrapped("x" * 50, 40) == ["x" * 50]
    assert wrapped("word " * 20, 0) == ["word " * 20]
    assert wrapped("", 40) == [""]
    assert [minutes(seconds) for seconds in (0, 59.9, 130, 3700)] == ["00:00", "00:59", "02:10", "61:40"]
    assert grouped("0123456789") == "0123 4567 89"
    assert re.fullmatch(r"([0-9a-f]{4} ){15}[0-9a-f]{4}", grouped(DIGEST))
