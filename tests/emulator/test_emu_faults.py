"""Faults on demand at a device: each comes where it is counted, once, and leaves what a refusal or a crash leaves."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, FakeClock, ScriptedDialogue, SeededDraw, contents, generate

from hsm_emulator.device import Device
from hsm_emulator.disk import Disk
from hsm_emulator.errors import PowerCut, Refused, Status
from hsm_emulator.faults import BLANK, OTHER, WORN, AnotherCard, CardPulled, ClockStep, DiskFails, Fault, Faults, Slow
from hsm_emulator.messages import CheckPin, ExamineCard, PinChecked, TryCards

if TYPE_CHECKING:
    from hsm_emulator.messages import Change, Reply


class Faulty:
    """A device with strange cards beside it, reopened with faults ahead."""

    def __init__(self, bench: Bench) -> None:
        bench.device.lay_out_strangers()
        bench.device.close()
        self.bench, self.clock, self.waited = bench, FakeClock(), 0.0
        self.faults = Faults(clock=self.clock, wait=self._wait)
        disk = Disk(self.faults.announce)
        self.device = Device.open(bench.folder, draw=SeededDraw("faulty"), clock=self.faults.now, disk=disk)
        bench.device = self.device
        self.talk = ScriptedDialogue(cards=[], pins=bench.pins)

    def _wait(self, seconds: float) -> None:
        self.waited += seconds

    def do(self, command: Change, *faults: Fault, cards: int = 0, request: str = "r") -> Reply:
        self.faults.arm(dict(enumerate(faults)))
        self.talk = ScriptedDialogue(cards=self.bench.serials[:cards], pins=self.bench.pins)
        return self.device.change(command, request, self.faults.at_slot(self.talk))


@pytest.fixture
def faulty(ready: Bench) -> Faulty:
    return Faulty(ready)


@pytest.mark.parametrize(("serial", "words"), [(BLANK, "is blank"), (WORN, "unreadable"), (OTHER, "another Security")])
@pytest.mark.parametrize("ask", [1, 2])
def test_another_card_is_named_and_the_slot_waits(faulty: Faulty, serial: str, words: str, ask: int) -> None:
    faulty.do(TryCards(every=False), AnotherCard(ask=ask, serial=serial), cards=2)
    (told,) = faulty.talk.told
    assert serial in told
    assert words in told
    assert faulty.faults.came == {0}


def test_a_card_of_another_world_is_a_real_one_of_it(faulty: Faulty) -> None:
    """A card of another world counts among those that are tried, and does not open this one."""
    shown = faulty.device.look(ExamineCard(serial=OTHER))
    assert (getattr(shown, "cards", 0), getattr(shown, "threshold", 0)) == (1, 1)
    assert getattr(shown, "hknso", "") != faulty.device.look(ExamineCard(serial=faulty.bench.serials[0])).hknso  # type: ignore[union-attr]  # both are CardExamined
    with pytest.raises(Refused) as refused:
        faulty.do(TryCards(every=False), AnotherCard(ask=1, serial=OTHER, cancels=True), cards=2)
    assert refused.value.status is Status.CANCELLED


@pytest.mark.parametrize("ask", [1, 2, 3, 4])
def test_a_card_that_is_pulled_out_is_a_refusal(faulty: Faulty, ask: int) -> None:
    before = contents(faulty.bench.folder)
    with pytest.raises(Refused) as refused:
        faulty.do(TryCards(every=False), CardPulled(ask=ask), cards=2)
    assert refused.value.status is Status.PHYS_TOKEN_NOT_PRESENT
    left = {name: data for name, data in contents(faulty.bench.folder).items() if "silicon/cards" not in name}
    assert left == {name: data for name, data in before.items() if "silicon/cards" not in name}
    faulty.do(TryCards(every=False), CardPulled(ask=ask), cards=2)  # it came once
    assert faulty.faults.came == {0}


def test_the_disk_fails_at_every_change_and_then_no_more(faulty: Faulty) -> None:
    """Before the commit or after it: asked again, the device does it once."""
    before = contents(faulty.bench.folder)
    done = []
    for change in range(1, 40):
        how = "power" if change % 2 else "full"
        faults = Faults(clock=faulty.clock, wait=lambda _: None)
        faulty.device.close()
        faulty.device = Device.open(
            faulty.bench.folder, draw=SeededDraw(f"at {change}"), clock=faults.now, disk=Disk(faults.announce)
        )
        faults.arm({7: DiskFails(change=change, how=how)})  # type: ignore[arg-type]  # one of the two words
        try:
            faulty.device.change(generate(f"key{change}"), f"r{change}", faulty.talk)
        except (PowerCut, OSError) as failed:
            came = "power" if isinstance(failed, PowerCut) else errno.errorcode[failed.errno or 0]
        else:
            assert faults.came == set()
            break
        assert came == {"power": "power", "full": "ENOSPC"}[how]
        assert faults.came == {7}
        faulty.device.close()
        faulty.device = Device.open(faulty.bench.folder, draw=SeededDraw("again"), clock=faulty.clock)
        done.append(faulty.device.holds(f"r{change}"))
        now = contents(faulty.bench.folder)
        assert (now == before) is not done[-1]
        before = now
    faulty.bench.device = faulty.device
    assert done == sorted(done)
    assert set(done) == {False, True}
    assert len(done) > 10


def test_a_slow_device_waits_once(faulty: Faulty) -> None:
    faulty.do(TryCards(every=False), Slow(seconds=17), cards=2)
    faulty.do(TryCards(every=False), Slow(seconds=17), cards=2, request="s")
    assert faulty.waited == 17


@pytest.mark.parametrize("seconds", [-(10**9), -3600, 59, 10**9])
def test_a_clock_that_jumps_gives_no_free_try_and_no_endless_wait(faulty: Faulty, seconds: int) -> None:
    """Whatever the clock says, a wrong PIN makes the next ask wait by what it cost, or less where time went on."""
    wrong = ScriptedDialogue(cards=faulty.bench.serials[:1], pins={})
    with pytest.raises(Refused):
        faulty.device.change(CheckPin(), "wrong", faulty.faults.at_slot(wrong))
    faulty.faults.arm({0: ClockStep(seconds=seconds)})
    talk = ScriptedDialogue(cards=faulty.bench.serials[:1], pins=faulty.bench.pins, waits=faulty.clock)
    assert isinstance(faulty.device.change(CheckPin(), "right", faulty.faults.at_slot(talk)), PinChecked)
    (wait,) = (ask.wait_seconds for ask in talk.asks if hasattr(ask, "wait_seconds"))
    assert wait == (0 if seconds > 0 else 1)
    assert faulty.faults.came == {0}
    assert faulty.faults.now() == faulty.clock.now + seconds
