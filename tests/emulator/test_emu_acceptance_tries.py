"""Acceptance checks 5 and 6: wrong PINs cost time or the card, no kill gives one back, no guess at once is free."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from emulator_bench import CHEAP, SUITE, Bench, FakeClock, ScriptedDialogue, SeededDraw, contents

from hsm_emulator import crypto
from hsm_emulator.device import Device
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import (
    ChangePin,
    CheckPin,
    ExamineCard,
    LoadWorld,
    NewWorld,
    PinChecked,
    ReplaceCards,
    RestoreFile,
    TryCards,
)
from hsm_emulator.store import Store
from hsm_emulator.tries import MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tool_bench import Tools

MEMORY = Path("/dev/shm")  # noqa: S108 (tests make folders of their own in it)
CARD = "SIM-C-0001"


@pytest.fixture
def memory() -> Iterator[Path]:
    """A disk in memory, where there is one: what a killed process leaves does not depend on syncs."""
    with tempfile.TemporaryDirectory(prefix="tries-", dir=MEMORY if MEMORY.is_dir() else None) as place:
        yield Path(place)


@pytest.fixture
def make(memory: Path) -> Iterator[Callable[..., Bench]]:
    """Makes a device in a 2-of-3 world with a policy."""
    made: list[Bench] = []

    def one(lockout: int, name: str = "hsm", k: int = 2, n: int = 3) -> Bench:
        bench = Bench(memory / name)
        made.append(bench)
        bench.mode(Mode.INITIALIZATION)
        bench.do(NewWorld(cipher_suite=SUITE, threshold=k, cards=n, lockout=lockout), *bench.serials[:n])
        bench.mode(Mode.OPERATIONAL)
        return bench

    yield one
    for bench in made:
        bench.device.close()


def failures(folder: Path, serial: str = CARD) -> int:
    """The failed tries in a row that a chip has written down, as they are on the disk."""
    found = re.search(rb'"failures":(\d+)', (folder / "silicon" / "cards" / serial).read_bytes())
    assert found is not None
    return int(found[1])


def wrong(bench: Bench, many: int, serial: str = CARD) -> tuple[Status, list[str]]:
    """Type so many wrong PINs in one request; how it ended, and what was told."""
    talk = bench.operator(serial, typed={serial: ["wrong"] * many})
    return bench.refused_talk(CheckPin(), Status.TOKEN_AUTH_FAILED, talk, tries=True).status, talk.told


# -- check 5: delay or lock, by policy ---------------------------------------------------------------------------------


def test_check_05_a_card_locks_after_its_wrong_pins_and_no_pin_opens_it(make: Callable[..., Bench]) -> None:
    bench = make(3)
    typed = {CARD: ["wrong", "wrong"]}
    assert isinstance(bench.talk(CheckPin(), bench.operator(CARD, typed=typed)), PinChecked)  # the third is right
    assert failures(bench.folder) == 0
    wrong(bench, 3)
    assert failures(bench.folder) == 3
    for command in (CheckPin(), ChangePin(), TryCards(every=False)):
        refusal = bench.refused(command, Status.TOKEN_AUTH_FAILED, CARD)
        assert "is locked after 3 wrong passphrases" in refusal.words
    bench.clock.now += 10**9
    bench.reopen()
    bench.refused(CheckPin(), Status.TOKEN_AUTH_FAILED, CARD)
    bench.do(TryCards(every=False), *bench.serials[1:3])  # the others are still a quorum


def test_check_05_wrong_pins_in_several_requests_count_together(make: Callable[..., Bench]) -> None:
    bench = make(4)
    talk = bench.operator(CARD, typed={CARD: ["wrong"] * 3})
    bench.refused_talk(CheckPin(), Status.DECRYPT_FAILED, talk, tries=True)
    assert [ask.left for ask in talk.asks if hasattr(ask, "left")] == [2, 1, 0]
    talk = bench.operator(CARD, typed={CARD: ["wrong"] * 3})
    bench.refused_talk(CheckPin(), Status.TOKEN_AUTH_FAILED, talk, tries=True)
    assert [ask.left for ask in talk.asks if hasattr(ask, "left")] == [0]  # the fourth was the last


def test_check_05_a_locked_card_does_not_wait_and_one_that_waits_does_not_lock(make: Callable[..., Bench]) -> None:
    locking, waiting = make(5), make(0, "waiting")
    for bench, waits in ((locking, [0, 0, 0]), (waiting, [0, 1, 2])):
        talk = bench.operator(CARD, typed={CARD: ["wrong"] * 3})
        bench.refused_talk(CheckPin(), Status.DECRYPT_FAILED, talk, tries=True)
        assert [ask.wait_seconds for ask in talk.asks if hasattr(ask, "wait_seconds")] == waits


def test_check_05_the_last_try_is_said_loudly_and_more_loudly_where_the_set_is_lost(make: Callable[..., Bench]) -> None:
    bench = make(2)
    first, second, third = bench.serials[:3]
    told = wrong(bench, 2, first)[1]
    assert (
        f"LAST TRY: another wrong passphrase locks card {first} for good; 2 cards of the set are left then" in told[1]
    )
    told = wrong(bench, 2, second)[1]
    assert "AND ONLY 1 CARDS ARE LEFT THEN WHERE 2 ARE NEEDED: THE SET OPENS NOTHING ANY MORE" in told[1]
    assert not [words for words in told[:1] if "LAST" in words]
    assert isinstance(bench.do(CheckPin(), third), PinChecked)
    assert bench.refused(TryCards(every=False), Status.CANCELLED, third).status is Status.CANCELLED


def test_check_05_a_lost_card_is_none_of_those_that_are_left(make: Callable[..., Bench]) -> None:
    from hsm_emulator.handling import LoseCard

    bench = make(2)
    bench.device.handle(LoseCard(serial=bench.serials[2]))
    assert "ONLY 1 CARDS ARE LEFT" in wrong(bench, 2)[1][1]


def test_check_05_the_policy_is_the_worlds_and_stays_with_its_cards(make: Callable[..., Bench], memory: Path) -> None:
    """A replaced set has it; a locked card is locked on every module."""
    bench = make(3)
    bench.do(ReplaceCards(), *bench.serials[:2], *bench.serials[3:6])
    new = bench.serials[3]
    wrong(bench, 3, new)
    files = contents(bench.folder)
    other = Bench(memory / "other", seed="other")
    other.device.close()
    with Store.open(other.folder, Disk()) as store:
        moved = {name: data for name, data in files.items() if name.startswith(("cardstore/", "silicon/cards/"))}
        store.commit("the-cards", "Moved", "", {**store.files(), **moved}, b"{}")
    other.reopen()
    other.do(RestoreFile(name="world", content=files["kmdata/local/world"]))
    other.mode(Mode.INITIALIZATION)
    other.refused(LoadWorld(threshold=0), Status.TOKEN_AUTH_FAILED, new)
    other.do(LoadWorld(threshold=0), *bench.serials[4:6])
    other.device.close()


def test_check_05_the_policy_in_the_world_file_is_signed(make: Callable[..., Bench]) -> None:
    bench = make(3)
    world = bench.folder / "kmdata" / "local" / "world"
    content = world.read_bytes()
    assert content.count(b'"lockout":3') == 1
    bench.device.close()
    with Store.open(bench.folder, Disk()) as store:
        changed = content.replace(b'"lockout":3', b'"lockout":0')
        store.commit("edit", "Edit", "", {**store.files(), "kmdata/local/world": changed}, b"{}")
    bench.reopen()
    bench.refused(CheckPin(), Status.VERIFY_FAILED, CARD)


@pytest.mark.parametrize("lockout", [-1, MOST + 1])
def test_check_05_a_policy_that_no_card_has(make: Callable[..., Bench], lockout: int) -> None:
    bench = make(0)
    bench.mode(Mode.INITIALIZATION)
    command = NewWorld(cipher_suite=SUITE, threshold=1, cards=1, lockout=lockout)
    bench.refused(command, Status.INVALID_PARAMETER, bench.serials[5])


def test_check_05_the_tools_say_which_policy_a_card_has(blank_tools: Tools) -> None:
    pin = "correct horse"
    typed = [CARD, pin, pin]
    blank_tools.done("nopclearfail", "-I")
    new = ("new-world", "-i", "-c", SUITE, "-Q", "1/1")
    blank_tools.refused(1, *new, "--emu-pin-lockout=1001", typed=typed)
    blank_tools.refused(2, *new, "--emu-pin-lockout=few", typed=typed)
    blank_tools.done(*new, "--emu-pin-lockout=2", typed=typed)
    assert "the emulator's own" in " ".join(blank_tools.run("new-world", "--help").out.split())
    blank_tools.done("nopclearfail", "-O")
    assert "in a row; 0 so far" in blank_tools.done("cardpp", "--examine", typed=[CARD])
    shown = blank_tools.refused(1, "cardpp", "--check", typed=[CARD, "no", "no"], tries=True)
    assert "THE SET OPENS NOTHING ANY MORE" in shown.out
    assert "TokenAuthFailed" in shown.err
    assert "it is locked" in blank_tools.done("cardpp", "--examine", typed=[CARD])
    assert '"lockout": 2' in blank_tools.done("cardpp", "--examine", "--json", typed=[CARD])


# -- check 5: no free try, however many -------------------------------------------------------------------------------


def guess(bench: Bench, many: int) -> tuple[int, float]:
    """Type wrong PINs in request after request, and the right one each time too early; the tries and the time it took.

    The one who guesses waits as little as he can: not at all for the right PIN, and the delay for a wrong one.
    """
    looked, begin = 0, bench.clock.now
    original = crypto.scrypt

    def counted(pin: bytes, salt: bytes, n: int) -> bytes:
        nonlocal looked
        looked += 1
        assert failures(bench.folder) == looked  # written down before it is looked at
        return original(pin, salt, n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crypto, "scrypt", counted)
        for number in range(many):
            early = ScriptedDialogue(cards=[CARD], pins=bench.pins)
            if number:
                with pytest.raises(Refused) as refused:
                    bench.device.change(CheckPin(), f"early-{number}", early)
                assert refused.value.status is Status.TOKEN_AUTH_FAILED
            bench.clock.now += min(2 ** (number - 1), 60) if number else 0
            late = ScriptedDialogue(cards=[CARD], pins={}, typed={CARD: [f"guess {number}", bench.pins[CARD]] * 2})
            with pytest.raises(Refused):
                bench.device.change(CheckPin(), f"late-{number}", late)
    return looked, bench.clock.now - begin


def test_check_05_a_hundred_wrong_pins_are_a_hundred_tries(make: Callable[..., Bench]) -> None:
    tries, seconds = guess(make(0), 100)
    assert tries == 100
    assert seconds == sum(min(2 ** (number - 1), 60) for number in range(1, 100))


@pytest.mark.slow
def test_check_05_ten_thousand_wrong_pins_are_ten_thousand_tries(make: Callable[..., Bench]) -> None:
    """In the real time of the clock they would have taken a week."""
    bench = make(0)
    tries, seconds = guess(bench, 10_000)
    assert tries == failures(bench.folder) == 10_000
    assert seconds > 6.9 * 24 * 3600
    bench.clock.now += 60
    assert isinstance(bench.do(CheckPin(), CARD), PinChecked)


@pytest.mark.slow
def test_check_05_of_ten_thousand_wrong_pins_a_locking_card_looks_at_five(make: Callable[..., Bench]) -> None:
    bench = make(5)
    looked = 0
    original = crypto.scrypt

    def counted(pin: bytes, salt: bytes, n: int) -> bytes:
        nonlocal looked
        looked += 1
        return original(pin, salt, n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crypto, "scrypt", counted)
        for number in range(10_000):
            talk = ScriptedDialogue(cards=[CARD], pins={}, typed={CARD: [f"guess {number}"]})
            with pytest.raises(Refused):
                bench.device.change(CheckPin(), f"r{number}", talk)
    assert looked == failures(bench.folder) == 5


# -- check 5: a kill gives no try back --------------------------------------------------------------------------------


def killed(folder: Path, pin: str, request: str, *, at: int = 0) -> int:
    """Check a PIN in a process that is killed: before operation `at`, or, with 0, while it looks at the PIN."""
    child = os.fork()
    if child == 0:
        try:
            count = 0

            def hook(_: object) -> None:
                nonlocal count
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            def looking(*_: object) -> bytes:
                os.kill(os.getpid(), signal.SIGKILL)
                return b""

            device = Device.open(folder, draw=SeededDraw("killed"), clock=FakeClock(), disk=Disk(hook))
            count = 0
            if not at:
                crypto.scrypt = looking
            device.change(CheckPin(), request, ScriptedDialogue(cards=[CARD], pins={CARD: pin}))
        finally:
            os._exit(0)  # it was not killed
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_check_05_whoever_kills_it_while_it_looks_at_a_pin_has_used_up_a_try(make: Callable[..., Bench]) -> None:
    """So often as the card allows, and it is locked, though no PIN was ever found wrong."""
    bench = make(4)
    bench.device.close()
    for number in range(1, 5):
        assert killed(bench.folder, bench.pins[CARD], f"r{number}") == -signal.SIGKILL
        assert failures(bench.folder) == number
    bench.reopen()
    bench.refused(CheckPin(), Status.TOKEN_AUTH_FAILED, CARD)


@pytest.mark.parametrize("right", [True, False])
def test_check_05_no_kill_at_any_operation_gives_a_try_back(
    make: Callable[..., Bench],
    memory: Path,
    right: bool,  # noqa: FBT001
) -> None:
    """A wrong PIN counts from its commit on; a right one until the commit that clears it."""
    bench = make(0)
    bench.refused_talk(CheckPin(), Status.DECRYPT_FAILED, bench.operator(CARD, typed={CARD: ["x"] * 3}), tries=True)
    bench.device.close()
    before = failures(bench.folder)
    seen = []
    for at in range(1, 200):
        folder = Path(shutil.copytree(bench.folder, memory / f"at-{at}"))
        with Device.open(folder, draw=SeededDraw("x"), clock=FakeClock()) as device:
            # the test's process and the killed one have the same clock: let it be far beyond the wait
            from hsm_emulator.handling import SetClock

            device.handle(SetClock(seconds=10_000))
        if killed(folder, bench.pins[CARD] if right else "wrong", "r", at=at) == 0:
            break
        Device.open(folder, draw=SeededDraw("x"), clock=FakeClock()).close()
        seen.append(failures(folder))
    assert len(seen) > 9
    charged = seen.index(before + 1)
    assert seen[:charged] == [before] * charged
    rest = seen[charged:]
    cleared = rest.index(0) if right else len(rest)
    assert rest == [before + 1] * cleared + [0] * (len(rest) - cleared)
    assert (0 in rest) is right


# -- check 6: parallel guesses take separate tries --------------------------------------------------------------------


def guess_together(folder: Path, many: int) -> list[str]:
    """Let processes of their own type one wrong PIN each, all at once; what each was told."""
    ready, go = os.pipe()
    children = []
    for number in range(many):
        child = os.fork()
        if child == 0:
            try:
                os.close(go)
                os.read(ready, 1)  # until the other end is closed
                answer = _one_guess(folder, number)
                (folder.parent / f"answer-{number}").write_text(answer)
            finally:
                os._exit(0)
        children.append(child)
    os.close(ready)
    os.close(go)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * many
    return [(folder.parent / f"answer-{number}").read_text() for number in range(many)]


def _one_guess(folder: Path, number: int) -> str:
    while True:
        try:
            device = Device.open(folder, draw=SeededDraw(f"process {number}"), clock=FakeClock())
        except Refused:  # another process has it
            time.sleep(0.02 + (number % 25) / 25)
            continue
        with device:
            talk = ScriptedDialogue(cards=[CARD], pins={}, typed={CARD: [f"guess {number}"]})
            try:
                device.change(CheckPin(), f"guess-{number}", _Once(talk))
            except Refused as refused:
                return refused.status.value
            return "it opened"


class _Once:
    """Types one PIN, and cancels when it is asked for another."""

    def __init__(self, talk: ScriptedDialogue) -> None:
        self._talk = talk
        self._typed = False
        self.card, self.tell = talk.card, talk.tell

    def pin(self, ask: object) -> object:
        if self._typed:
            raise Refused(Status.CANCELLED, "one was enough")
        self._typed = True
        return self._talk.pin(ask)  # type: ignore[arg-type]  # passed on as it is


@pytest.mark.parametrize(
    ("many", "lockout"),
    [
        (12, 5),
        (12, MOST),
        pytest.param(200, MOST, marks=pytest.mark.slow),
        pytest.param(200, 50, marks=pytest.mark.slow),
    ],
)
def test_check_06_guesses_of_processes_at_once_are_a_try_each(
    make: Callable[..., Bench], many: int, lockout: int
) -> None:
    bench = make(lockout)
    bench.device.close()
    answers = guess_together(bench.folder, many)
    tries = min(many, lockout)
    assert failures(bench.folder) == tries
    locked = many - tries
    assert answers.count("TokenAuthFailed") in {locked, locked + 1}  # who locks it may be told so at once
    assert answers.count("Cancelled") == many - answers.count("TokenAuthFailed")
    bench.reopen()
    card = bench.device.look(ExamineCard(serial=CARD))
    assert getattr(card, "failures", -1) == tries


assert CHEAP < crypto.SCRYPT_N  # a guess costs nothing here, so that many can be made
