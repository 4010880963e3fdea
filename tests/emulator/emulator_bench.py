"""What the emulator's tests share: seeded randomness, a scripted operator, a region's packages, a device."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hsm_emulator import acl, attestation, byok, crypto, encoding
from hsm_emulator.attestation import Kind
from hsm_emulator.device import CardAsk, Device, Pin, PinAsk
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode, GenerateKey, ModifyAcls, NewWorld, Package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.messages import Change, Reply

VECTORS = Path(__file__).parent.parent / "vectors" / "rsa"
CHEAP = 1 << 4
ESN = "SIM0-0000-0001"
SUITE = "DLf3072s256mRijndael"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"


@cache
def rsa_pool(bits: int) -> tuple[rsa.RSAPrivateKey, ...]:
    text = (VECTORS / f"test-keys-{bits}.pem").read_text()
    keys = []
    for part in text.split("-----BEGIN PRIVATE KEY-----")[1:]:
        pem = ("-----BEGIN PRIVATE KEY-----" + part).encode()
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, rsa.RSAPrivateKey)
        keys.append(key)
    return tuple(keys)


class SeededDraw:
    """SHA-256 in counter mode over a seed, and RSA keys out of a published pool."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._count = 0
        self._keys = int.from_bytes(hashlib.sha256(self._seed).digest()) % 3

    def take(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            self._count += 1
            out += hashlib.sha256(self._seed + self._count.to_bytes(8)).digest()
        return out[:size]

    def rsa(self, bits: int) -> rsa.RSAPrivateKey:
        pool = rsa_pool(bits)
        self._keys += 1
        return pool[self._keys % len(pool)]


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class ScriptedDialogue:
    """Puts the cards of a list into the slot, in order, then cancels; types each card's PIN.

    `typed` overrides the PINs of a card, one for each ask. `waits` makes the clock go on by what the device asks for.
    """

    cards: list[str]
    pins: dict[str, str]
    typed: dict[str, list[str]] = field(default_factory=dict)
    waits: FakeClock | None = None
    asks: list[CardAsk | PinAsk] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    _next: int = 0

    def card(self, ask: CardAsk) -> str | None:
        self.asks.append(ask)
        self._next += 1
        return self.cards[self._next - 1] if self._next <= len(self.cards) else None

    def pin(self, ask: PinAsk) -> Pin:
        self.asks.append(ask)
        if self.waits is not None:
            self.waits.now += ask.wait_seconds
        if self.typed.get(ask.serial):
            return Pin(self.typed[ask.serial].pop(0))
        return Pin(self.pins.get(ask.serial, ""))

    def tell(self, words: str) -> None:
        self.told.append(words)


def serials(count: int, first: int = 1) -> list[str]:
    return [f"SIM-C-{number:04d}" for number in range(first, first + count)]


def pins(names: Sequence[str]) -> dict[str, str]:
    return {name: f"correct horse {name}" for name in names}


def contents(folder: Path) -> dict[str, bytes]:
    """All bytes of an installation but its receipts and lock."""
    disk = Disk()
    names = (name for name in disk.list(folder) if name != "lock" and not name.startswith("audit/"))
    return {name: disk.read(folder / name) or b"" for name in names}


@dataclass(frozen=True)
class Packages:
    kek: bytes
    world: bytes
    kek_private: bytes
    kek_hash: str
    hkm: str


def make_packages(region: str = "EU-1", seed: str = "region", suite: str = SUITE) -> Packages:
    draw = SeededDraw(f"{seed} {region}")
    klf2, kml, knso = (crypto.signing_key(draw) for _ in range(3))
    kek = draw.rsa(2048)
    public = crypto.rsa_public_der(kek)
    knso_public = crypto.verify_key(knso)
    hknso, hkm = byok.knso_hash(knso_public), crypto.key_hash("km", draw.take(32))
    here = {"hknso": hknso, "hkm": hkm}
    esn = {"esn": "SIM9-0000-0001"}
    warrant = attestation.issue(
        Kind.WARRANT, {**esn, "klf2": encoding.text(crypto.verify_key(klf2))}, attestation.ROOT_PRIVATE
    )
    state = attestation.issue(Kind.MODULE_STATE, {**esn, **here, "kml": encoding.text(crypto.verify_key(kml))}, klf2)
    permissions = acl.Acl(
        groups=(
            acl.Group(actions=(acl.OpPermissions(rights=frozenset({acl.Right.DECRYPT, acl.Right.GET_ACL})),)),
            acl.Group(actions=(acl.MakeBlob(under=hkm),)),
        )
    )
    generation = {
        **esn,
        **here,
        "key_type": "RSA",
        "public_key": encoding.text(public),
        "key_hash": byok.public_key_hash(public),
        "acl": acl.to_data(permissions),
        "protection": "module",
        "counter": 1,
    }
    binding = {**here, "suite": suite, "knso": encoding.text(knso_public), "hkmc": "", "hkre": "", "hkra": ""}
    certifier = byok.Certifier(
        region=region, root=attestation.root_public(), warrant=warrant, module_state=state, kml=kml
    )
    return Packages(
        kek=byok.build_kek_package(certifier, attestation.issue(Kind.KEY_GENERATION, generation, kml)),
        world=byok.build_world_package(certifier, attestation.issue(Kind.WORLD_BINDING, binding, knso)),
        kek_private=crypto.rsa_private_der(kek),
        kek_hash=byok.public_key_hash(public),
        hkm=hkm,
    )


class Bench:
    """A device in a folder with an operator, and shortcuts for what the tests do again and again."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: str = "seed",
        esn: str = ESN,
        disk: Disk | None = None,
        cards: int = 8,
        like: Path | None = None,
        draw: SeededDraw | None = None,
    ) -> None:
        """Make a device with blank cards, or open a copy of the installation `like`."""
        self.folder = folder
        self.clock = FakeClock()
        self.serials = serials(cards)
        self.pins = pins(self.serials)
        self._requests = 0
        draw = draw or SeededDraw(seed)
        if like is not None:
            shutil.copytree(like, folder)
            self._requests = 100
            self.device = Device.open(folder, draw=draw, clock=self.clock)
            return
        self.device = Device.manufacture(folder, esn=esn, draw=draw, clock=self.clock, scrypt_n=CHEAP, disk=disk)
        self.device.blank_cards(self.serials)

    def reopen(self, disk: Disk | None = None, seed: str = "again") -> None:
        self.device.close()
        self.device = Device.open(self.folder, draw=SeededDraw(seed), clock=self.clock, disk=disk)

    def operator(self, *cards: str, typed: dict[str, list[str]] | None = None) -> ScriptedDialogue:
        return ScriptedDialogue(cards=list(cards), pins=self.pins, typed=typed or {}, waits=self.clock)

    def do(self, command: Change, *cards: str, request: str = "") -> Reply:
        return self.talk(command, self.operator(*cards), request=request)

    def talk(self, command: Change, dialogue: ScriptedDialogue, request: str = "") -> Reply:
        self._requests += 1
        return self.device.change(command, request or f"request-{self._requests}", dialogue)

    def mode(self, mode: Mode) -> None:
        self.do(ChangeMode(mode=mode))

    def world(self, k: int = 2, n: int = 3, suite: str = SUITE, first: int = 0) -> None:
        self.mode(Mode.INITIALIZATION)
        self.do(NewWorld(cipher_suite=suite, threshold=k, cards=n), *self.serials[first : first + n])
        self.mode(Mode.OPERATIONAL)

    def key(self, ident: str = "contosokey") -> Reply:
        return self.do(generate(ident))

    def copy(self, packages: Packages, *cards: str, ident: str = "contosokey") -> Reply:
        return self.do(modify(packages, ident), *(cards or self.serials[:2]))

    def refused(self, command: Change, status: Status, *cards: str, request: str = "") -> Refused:
        """Do a command that must be refused with this status and change no byte."""
        return self.refused_talk(command, status, self.operator(*cards), request=request)

    def refused_talk(
        self, command: Change, status: Status, dialogue: ScriptedDialogue, request: str = "", *, tries: bool = False
    ) -> Refused:
        before = contents(self.folder)
        with pytest.raises(Refused) as caught:
            self.talk(command, dialogue, request=request)
        after = contents(self.folder)
        if tries:
            before, after = (
                {k: v for k, v in files.items() if not k.startswith("silicon/cards/")} for files in (before, after)
            )
        assert caught.value.status is status, caught.value
        assert after == before
        return caught.value


def generate(ident: str = "contosokey", **changes: object) -> GenerateKey:
    fields: dict[str, object] = {
        "app": "simple",
        "ident": ident,
        "plainname": ident,
        "type": "RSA",
        "size": 2048,
        "protect": "module",
        "nvram": False,
        "pubexp": "",
    }
    return GenerateKey(**(fields | changes))  # type: ignore[arg-type]  # a test gives wrong values on purpose


def modify(packages: Packages, ident: str = "contosokey", app: str = "simple") -> ModifyAcls:
    return ModifyAcls(app=app, ident=ident, kek_package=packages.kek, world_package=packages.world)


def pack(packages: Packages, ident: str = "contosokey", **changes: str) -> Package:
    fields = {"subscription_id": SUBSCRIPTION, "friendly_name": "ContosoFirstHSMkey"} | changes
    return Package(ident=ident, kek_package=packages.kek, world_package=packages.world, **fields)
