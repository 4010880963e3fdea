"""What the tests about operators share: a device with a card set, a softcard and a key under each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator_bench import SUITE, Bench, ScriptedDialogue, generate

from hsm_emulator.dialogue import SOFTCARD
from hsm_emulator.facts import Mode
from hsm_emulator.messages import Enquiry, KeyGenerated, ModuleState, NewWorld, ProveKey
from hsm_emulator.operator_messages import (
    CardSetCreated,
    CreateCardSet,
    CreateSoftcard,
    ListOperators,
    OperatorsListed,
    Preload,
    SoftcardCreated,
)
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from pathlib import Path

    from hsm_emulator.device import Pin, PinAsk
    from hsm_emulator.facts import KeyFact

OPS, SOFT = "ops", "soft"
UNDER_CARDS, UNDER_SOFTCARD, UNDER_MODULE = "under-cards", "under-softcard", "contosokey"
LOCAL = "kmdata/local/"
SOFT_PIN = "a phrase nobody says"


def prove(ident: str) -> ProveKey:
    return ProveKey(app="simple", ident=ident, challenge=b"c" * 32)


def card_set(name: str = OPS, **changes: object) -> CreateCardSet:
    fields: dict[str, object] = {"threshold": 2, "cards": 3, "persistent": False, "timeout": 0, "recoverable": False}
    return CreateCardSet(name=name, **(fields | changes))  # type: ignore[arg-type]  # a test gives wrong values


def hkltu(bench: Bench, name: str) -> str:
    reply = bench.device.look(ListOperators())
    assert isinstance(reply, OperatorsListed)
    return next(made.hkltu for made in reply.tokens if made.name == name)


def recoverable_world(bench: Bench, quorum: int = 2, mode: WorldMode = WorldMode.UNRESTRICTED) -> None:
    """A 2-of-3 world whose passphrase recovery takes `quorum` cards; cards 4 to 6 are of `ops`, 2 of 3."""
    bench.mode(Mode.INITIALIZATION)
    features = ((Feature.PASSPHRASE_RECOVERY, quorum),)
    bench.do(NewWorld(cipher_suite=SUITE, threshold=2, cards=3, features=features, mode=mode), *bench.serials[:3])
    bench.mode(Mode.OPERATIONAL)
    authorises = [] if mode is WorldMode.UNRESTRICTED else bench.serials[:1]
    bench.do(card_set(recoverable=True), *authorises, *bench.serials[3:6])
    bench.do(CreateSoftcard(name=SOFT, recoverable=True), *authorises)


class Typist(ScriptedDialogue):
    """Types one PIN for every softcard, unless `typed` has others."""

    def pin(self, ask: PinAsk) -> Pin:
        if ask.serial.startswith(SOFTCARD) and not self.typed.get(ask.serial):
            self.typed[ask.serial] = [SOFT_PIN]
        return super().pin(ask)


class Staffed(Bench):
    """A bench whose softcards all have one PIN; cards 1 to 3 are administrators', 4 to 6 those of `ops`, 2 of 3."""

    def __init__(self, folder: Path, *, like: Path | None = None, seed: str = "seed") -> None:
        super().__init__(folder, cards=14, like=like, seed=seed)
        if like is None:
            self.world()
            made = self.do(card_set(), *self.serials[3:6])
            assert isinstance(made, CardSetCreated)
            soft = self.do(CreateSoftcard(name=SOFT))
            assert isinstance(soft, SoftcardCreated)
            self.key(UNDER_MODULE)
            self.do(generate(UNDER_CARDS, protect="token", token=OPS), *self.ops[:2])
            self.do(generate(UNDER_SOFTCARD, protect="softcard", token=SOFT))

    def operator(self, *cards: str, typed: dict[str, list[str]] | None = None) -> ScriptedDialogue:
        return Typist(cards=list(cards), pins=self.pins, typed=typed or {}, waits=self.clock)

    @property
    def admins(self) -> list[str]:
        return self.serials[:3]

    @property
    def ops(self) -> list[str]:
        return self.serials[3:6]

    @property
    def blank(self) -> list[str]:
        return self.serials[6:]

    def listed(self) -> OperatorsListed:
        reply = self.device.look(ListOperators())
        assert isinstance(reply, OperatorsListed)
        return reply

    def hkltu(self, name: str) -> str:
        return hkltu(self, name)

    def preload(self, name: str, *cards: str) -> None:
        self.do(Preload(hkltu=self.hkltu(name)), *cards)

    def loaded(self) -> list[str]:
        return [token.name for token in self.listed().loaded]

    def fact(self, ident: str) -> KeyFact:
        module = self.device.look(Enquiry())
        assert isinstance(module, ModuleState)
        return next(key for key in module.keys if key.ident == ident)

    def generated(self, ident: str, **changes: object) -> KeyGenerated:
        reply = self.do(generate(ident, **changes), *self.ops)
        assert isinstance(reply, KeyGenerated)
        return reply
