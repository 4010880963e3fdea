"""A small model of the device, beside the device: what a command does or is refused by, from the rules alone.

Nothing here reads a file or does any cryptography. A sequence of commands is data, drawn from a seed, so that one that
fails can be cut down to the commands that matter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsm_emulator.facts import Mode
from hsm_emulator.tries import ASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

CARDS = tuple(f"SIM-C-{number:04d}" for number in range(1, 13))
NOWHERE = "SIM-NOWHERE"
IDENTS = ("one", "two", "three")
DONE = "done"

MODE, WORLD, KEY, COPY, PACK, DELETE = "mode", "world", "key", "copy", "pack", "delete"
CHECK, CHANGE, REPLACE, TRY = "check", "change", "replace", "try"
LOSE, POWER, RELOAD, REPEAT, WAIT = "lose", "power", "reload", "repeat", "wait"

USUAL = {
    MODE: 14, WORLD: 3, KEY: 12, COPY: 14, PACK: 10, DELETE: 8, CHECK: 12, CHANGE: 5, REPLACE: 2, TRY: 5,
    LOSE: 1, POWER: 2, RELOAD: 4, REPEAT: 5, WAIT: 3,
}  # fmt: skip
"""How often each command is drawn, of all together."""


@dataclass(frozen=True)
class Given:
    """A card that is put in when one is asked for, and how many wrong PINs are typed for it first."""

    serial: str
    wrong: int = 0


@dataclass(frozen=True)
class Command:
    """A command: what it is, and what it is about."""

    kind: str
    ident: str = ""
    mode: Mode = Mode.OPERATIONAL
    k: int = 1
    n: int = 1
    lockout: int = 0
    on: bool = True
    odd: bool = False
    cards: tuple[Given, ...] = ()


def commands(seed: int, many: int) -> list[Command]:
    """Return a sequence that is the same for the same seed; it begins with a world and a key, so that things happen."""
    draw = random.Random(seed)  # noqa: S311 (which commands are tried is no secret)
    n = draw.randint(1, 4)
    fresh = tuple(Given(serial) for serial in CARDS[:n])
    first = [
        Command(MODE, mode=Mode.INITIALIZATION),
        Command(WORLD, k=draw.randint(1, n), n=n, lockout=draw.choice((0, 0, 2, 4)), cards=fresh),
        Command(MODE),
        Command(KEY, ident=IDENTS[0]),
    ]
    kinds = draw.choices(list(USUAL), weights=list(USUAL.values()), k=many - len(first))
    return [*first, *(_command(kind, draw) for kind in kinds)]


def _command(kind: str, draw: random.Random) -> Command:
    n = draw.randint(1, 4)
    wanted = draw.sample(CARDS, draw.randint(0, 6)) if draw.random() < 0.7 else list(CARDS[: draw.randint(1, 12)])
    if draw.random() < 0.15:
        wanted.insert(draw.randint(0, len(wanted)), draw.choice((NOWHERE, *wanted[:1])))
    given = tuple(Given(serial, draw.choice((0, 0, 0, 0, 0, 1, 2, 3))) for serial in wanted)
    modes = (Mode.OPERATIONAL,) * 6 + (Mode.INITIALIZATION, Mode.MAINTENANCE)
    return Command(
        kind,
        ident=draw.choice(IDENTS),
        mode=draw.choice(modes),
        k=draw.randint(1, n),
        n=n,
        lockout=draw.choice((0, 0, 2, 4)),
        on=draw.random() < 0.8,
        odd=draw.random() < 0.15,
        cards=given,
    )


@dataclass
class Model:
    """What the device must be. A card is None where it is blank, else the set it is of and its number."""

    mode: Mode = Mode.OPERATIONAL
    power: bool = True
    worlds: int = 0
    world: int = 0
    generation: int = 0
    k: int = 0
    n: int = 0
    lockout: int = 0
    keys: set[str] = field(default_factory=set)
    copies: dict[str, bool] = field(default_factory=dict)
    cards: dict[str, tuple[int, int, int] | None] = field(default_factory=lambda: dict.fromkeys(CARDS))
    locks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CARDS, 0))
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CARDS, 0))

    def do(self, command: Command) -> str:
        """Do a command; return `done`, or the status it is refused with."""
        if command.kind not in {LOSE, POWER} and not self.power:
            return "InvalidState"
        if command.kind in {KEY, COPY, PACK, DELETE, CHECK, CHANGE, REPLACE, TRY} and self.mode is not Mode.OPERATIONAL:
            return "InvalidState"
        if command.kind in {KEY, COPY, PACK, CHECK, CHANGE, REPLACE, TRY} and not self.world:
            return "UnknownID"
        return str(getattr(self, f"_{command.kind}")(command, iter(command.cards)))

    def _mode(self, command: Command, _: Iterator[Given]) -> str:
        self.mode = command.mode
        return DONE

    def _world(self, command: Command, given: Iterator[Given]) -> str:
        if self.mode is not Mode.INITIALIZATION:
            return "InvalidState"
        if (written := self._write(given, command.n)) is None:
            return "Cancelled"
        self.worlds += 1
        self.world, self.generation, self.k, self.n = self.worlds, 0, command.k, command.n
        self.lockout = command.lockout
        self.keys, self.copies = set(), {}
        self._written(written)
        return DONE

    def _key(self, command: Command, _: Iterator[Given]) -> str:
        if command.odd:
            return "InvalidParameter"
        if command.ident in self.keys:
            return "AlreadyExists"
        self.keys.add(command.ident)
        return DONE

    def _copy(self, command: Command, given: Iterator[Given]) -> str:
        if command.ident not in self.keys:
            return "UnknownKey"
        if command.ident in self.copies:
            return "AlreadyExists"
        if (refused := self._read(given, self.k)) != DONE:
            return refused
        self.copies[command.ident] = False
        return DONE

    def _pack(self, command: Command, _: Iterator[Given]) -> str:
        if command.ident not in self.copies:
            return "UnknownKey"
        if self.copies[command.ident]:
            return "UseLimitExceeded"
        self.copies[command.ident] = True
        return DONE

    def _delete(self, command: Command, _: Iterator[Given]) -> str:
        if command.odd:
            return "InvalidParameter"
        return DONE if self.copies.pop(command.ident, None) is not None else "UnknownKey"

    def _check(self, _: Command, given: Iterator[Given]) -> str:
        return self._read(given, 1)

    def _change(self, _: Command, given: Iterator[Given]) -> str:
        return self._read(given, 1)

    def _replace(self, _: Command, given: Iterator[Given]) -> str:
        if (refused := self._read(given, self.k)) != DONE:
            return refused
        if (written := self._write(given, self.n)) is None:
            return "Cancelled"
        self.generation += 1
        self._written(written)
        return DONE

    def _try(self, command: Command, given: Iterator[Given]) -> str:
        return self._read(given, self.n if command.odd else self.k, others=True)

    def _lose(self, _: Command, given: Iterator[Given]) -> str:
        one = next(given, Given(NOWHERE)).serial
        if one not in self.cards:
            return "UnknownID"
        del self.cards[one], self.failures[one], self.locks[one]
        return DONE

    def _power(self, command: Command, _: Iterator[Given]) -> str:
        self.power = command.on
        return DONE

    def _read(self, given: Iterator[Given], wanted: int, *, others: bool = False) -> str:
        """Read so many different cards of the set; `others`: cards of other sets count, and their PIN is not asked."""
        read: set[str] = set()
        while len(read) < wanted:
            one = next(given, None)
            if one is None:
                return "Cancelled"
            card = self.cards.get(one.serial)
            if card is None or one.serial in read:
                continue
            if card[:2] != (self.world, self.generation):
                if others:
                    read.add(one.serial)
                continue
            if (refused := self._pin(one)) != DONE:
                return refused
            read.add(one.serial)
        return DONE

    def _pin(self, one: Given) -> str:
        lock = self.locks[one.serial]
        for asked in range(ASKS):
            if 0 < lock <= self.failures[one.serial]:
                return "TokenAuthFailed"
            if asked == one.wrong:
                self.failures[one.serial] = 0
                return DONE
            self.failures[one.serial] += 1
        return "TokenAuthFailed" if 0 < lock <= self.failures[one.serial] else "DecryptFailed"

    def _write(self, given: Iterator[Given], wanted: int) -> list[str] | None:
        """Return the blank cards that are taken, None where there are too few."""
        written: list[str] = []
        while len(written) < wanted:
            one = next(given, None)
            if one is None:
                return None
            if one.serial in self.cards and self.cards[one.serial] is None and one.serial not in written:
                written.append(one.serial)
        return written

    def _written(self, serials: list[str]) -> None:
        for number, serial in enumerate(serials, 1):
            self.cards[serial] = (self.world, self.generation, number)
            self.locks[serial] = self.lockout
