"""Random sequences of commands: the device does what a small model says, refusals change nothing, and it stays so."""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import device_model as dm
import pytest
from device_model import CARDS, DONE, Command, Model, commands
from emulator_bench import CHEAP, ESN, SUITE, FakeClock, Packages, SeededDraw, contents, generate, modify, pack

from hsm_emulator import crypto, messages, tries
from hsm_emulator.device import CardAsk, Device, Pin, PinAsk
from hsm_emulator.errors import Refused
from hsm_emulator.facts import Mode
from hsm_emulator.handling import LoseCard, SwitchPower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hsm_emulator.messages import Change, Reply

MEMORY = Path("/dev/shm")  # noqa: S108 (tests make folders of their own in it)
LENGTH = 100
"""Commands of a sequence."""

QUICK = 6
ALL = 200
"""Sequences: six in the quick loop, and 20,000 commands in all where slow tests run."""


class Operator:
    """Puts in the cards of a command, in order; types the wrong PINs that are given with each, then the right one."""

    def __init__(self, command: Command, pins: dict[str, str], clock: FakeClock) -> None:
        self._given = list(command.cards)
        self._wrong: dict[str, int] = {}
        self._pins, self._clock = pins, clock
        self.chosen: dict[str, str] = {}

    def card(self, _ask: CardAsk) -> str | None:
        if not self._given:
            return None
        one = self._given.pop(0)
        self._wrong[one.serial] = one.wrong
        return one.serial

    def pin(self, ask: PinAsk) -> Pin:
        if ask.new:
            self.chosen[ask.serial] = f"{self._pins.get(ask.serial, 'pin')}+"[-40:]
            return Pin(self.chosen[ask.serial])
        self._clock.now += ask.wait_seconds
        if self._wrong[ask.serial]:
            self._wrong[ask.serial] -= 1
            return Pin("wrong")
        return Pin(self._pins[ask.serial])

    def tell(self, words: str) -> None:
        assert "correct" not in words


class Pair:
    """A device and its model."""

    def __init__(self, folder: Path, packages: Packages) -> None:
        self.folder, self.packages, self.clock = folder, packages, FakeClock()
        self.model = Model()
        self.pins: dict[str, str] = {}
        self.asked: list[tuple[Change, str, Reply]] = []
        self.device = Device.manufacture(folder, esn=ESN, draw=SeededDraw("made"), clock=self.clock, scrypt_n=CHEAP)
        self.device.blank_cards(CARDS)
        self.counted: Counter[str] = Counter()

    def run(self, sequence: Sequence[Command]) -> None:
        try:
            for number, command in enumerate(sequence):
                self._step(number, command)
        finally:
            self.device.close()

    def _step(self, number: int, command: Command) -> None:
        before = self._files()
        if command.kind == dm.RELOAD:
            self._reload(number, before)
        elif command.kind == dm.REPEAT:
            self._repeat(before)
        elif command.kind == dm.WAIT:
            self.clock.now += 120
        else:
            expected = self.model.do(command)
            came = self._do(number, command)
            self.counted[f"{command.kind} {came}"] += 1
            assert came == expected, f"step {number}: {command} was {came}, and {expected} is right"
            if came != DONE:
                assert without_tries(self._files()) == without_tries(before), f"step {number}: {command} left something"
        self._hold(number)

    def _do(self, number: int, command: Command) -> str:
        talk = Operator(command, self.pins, self.clock)
        try:
            if command.kind in {dm.LOSE, dm.POWER}:
                serial = command.cards[0].serial if command.cards else dm.NOWHERE
                self.device.handle(SwitchPower(on=command.on) if command.kind == dm.POWER else LoseCard(serial=serial))
                return DONE
            change = self._change(command)
            reply = self.device.change(change, f"request-{number}", talk)
        except Refused as refused:
            return refused.status.value
        self.pins.update(talk.chosen)
        self.asked.append((change, f"request-{number}", reply))
        return DONE

    def _change(self, command: Command) -> Change:
        make: dict[str, Callable[[], Change]] = {
            dm.MODE: lambda: messages.ChangeMode(mode=command.mode),
            dm.WORLD: lambda: messages.NewWorld(
                cipher_suite=SUITE, threshold=command.k, cards=command.n, lockout=command.lockout
            ),
            dm.KEY: lambda: generate(command.ident, protect="token" if command.odd else "module"),
            dm.COPY: lambda: modify(self.packages, command.ident),
            dm.PACK: lambda: pack(self.packages, command.ident),
            dm.DELETE: lambda: messages.DeleteKey(app="simple" if command.odd else "xferacld", ident=command.ident),
            dm.CHECK: messages.CheckPin,
            dm.CHANGE: messages.ChangePin,
            dm.REPLACE: messages.ReplaceCards,
            dm.TRY: lambda: messages.TryCards(every=command.odd),
        }
        return make[command.kind]()

    def _reload(self, number: int, before: dict[str, bytes]) -> None:
        """The same state after closing and opening, on the disk as in memory."""
        self.device.close()
        self.device = Device.open(self.folder, draw=SeededDraw(f"from {number}"), clock=self.clock)
        assert self._files() == before
        assert contents(self.folder) == before

    def _repeat(self, before: dict[str, bytes]) -> None:
        """A request that was answered is answered alike, and nothing is done again."""
        if not self.asked or not self.model.power:
            return
        change, request, reply = self.asked[len(self.asked) // 2]
        again: Reply = self.device.change(change, request, Operator(Command("none"), {}, self.clock))
        assert again == reply
        assert self._files() == before

    def _files(self) -> dict[str, bytes]:
        return dict(self.device._store.files())

    def _hold(self, number: int) -> None:
        """What is always so."""
        model = self.model
        for serial, failed in model.failures.items():
            assert failures(self._files()[f"silicon/cards/{serial}"]) == failed, f"step {number}: {serial}"
        if not model.power:
            with pytest.raises(Refused, match="no power"):
                self.device.look(messages.Enquiry())
            return
        now = self.device.look(messages.Enquiry())
        assert isinstance(now, messages.ModuleState)
        keys = {(key.app, key.ident) for key in now.keys}
        assert keys == {("simple", one) for one in model.keys} | {("xferacld", one) for one in model.copies}
        assert now.hknso or not keys  # no key without a world
        assert (now.mode, bool(now.hknso)) == (model.mode, bool(model.world))
        assert now.usable == (bool(model.world) and model.mode is Mode.OPERATIONAL)
        if now.usable and model.keys and not number % 10:
            self._uses(min(model.keys))

    def _uses(self, ident: str) -> None:
        """A key that is there signs."""
        proved = self.device.look(messages.ProveKey(app="simple", ident=ident, challenge=b"sign this"))
        assert isinstance(proved, messages.KeyProved)
        public, signature = base64.b64decode(proved.public_key), base64.b64decode(proved.signature)
        assert crypto.rsa_verify(public, signature, b"sign this")


def failures(chip: bytes) -> int:
    """The failed tries in a row that a chip has written down."""
    found = re.search(rb'"failures":(\d+)', chip)
    assert found is not None
    return int(found[1])


def without_tries(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith("silicon/cards/")}


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="model-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def fails(place: Path, packages: Packages, sequence: Sequence[Command]) -> str:
    """Run a sequence on a new device; return how it differs from the model, "" where it does not."""
    folder = place / "hsm"
    try:
        Pair(folder, packages).run(sequence)
    except AssertionError as wrong:
        return str(wrong) or repr(wrong)
    finally:
        shutil.rmtree(folder)
    return ""


def cut_down(place: Path, packages: Packages, sequence: list[Command]) -> list[Command]:
    """Return a sequence that fails too, and of which no command can be left out."""
    size = len(sequence) // 2
    while size:
        at = 0
        while at < len(sequence):
            shorter = sequence[:at] + sequence[at + size :]
            if fails(place, packages, shorter):
                sequence = shorter
            else:
                at += size
        size //= 2
    return sequence


def agree(place: Path, packages: Packages, seeds: range) -> Counter[str]:
    """Run sequences; where one fails, show the seed and the few commands that it takes."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        sequence = commands(seed, LENGTH)
        pair = Pair(place / "hsm", packages)
        try:
            pair.run(sequence)
        except AssertionError as wrong:
            shutil.rmtree(place / "hsm")
            few = cut_down(place, packages, sequence)
            lines = "\n".join(f"  {one}" for one in few)
            pytest.fail(
                f"seed {seed}: {wrong}\ncut down to {len(few)} commands:\n{lines}\n{fails(place, packages, few)}"
            )
        counted += pair.counted
        shutil.rmtree(place / "hsm")
    return counted


def test_random_commands_agree_with_the_model(place: Path, packages: Packages) -> None:
    agree(place, packages, range(QUICK))


@pytest.mark.slow
def test_twenty_thousand_commands_agree_with_the_model(place: Path, packages: Packages) -> None:
    counted = agree(place, packages, range(QUICK, ALL + QUICK))
    kinds = {dm.MODE, dm.WORLD, dm.KEY, dm.COPY, dm.PACK, dm.DELETE, dm.CHECK, dm.CHANGE, dm.REPLACE, dm.TRY, dm.LOSE}
    assert {name.split()[0] for name in counted if name.endswith(DONE)} >= kinds
    refusals = {name.split()[1] for name in counted} - {DONE}
    assert refusals == {
        "InvalidState", "UnknownID", "InvalidParameter", "AlreadyExists", "UnknownKey", "UseLimitExceeded", "Cancelled",
        "DecryptFailed", "TokenAuthFailed",
    }  # fmt: skip


def test_a_device_that_is_wrong_is_found_and_cut_down(
    place: Path, packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that asks for a PIN twice and not three times: what is left is a world, and two wrong PINs."""
    monkeypatch.setattr(tries, "ASKS", 2)
    wrong = next(seed for seed in range(100) if fails(place, packages, commands(seed, LENGTH)))
    few = cut_down(place, packages, commands(wrong, LENGTH))
    assert 0 < len(few) <= 5
    assert fails(place, packages, few)
