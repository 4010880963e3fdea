"""No secret of a rehearsal is anywhere but inside silicon: not in the record, not in what was printed, in no spelling.

The secrets are taken out of device and vault through the emulator's own code; the PINs out of people.json, which is the
script of the simulated people and the one other place where they stand.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from sittings_bench import is_entry

from hsm_emulator import cards, crypto, encoding, keyfile, profiles, quorum, state, worlds
from hsm_emulator.dialogue import CardAsk, Pin, PinAsk
from hsm_emulator.region import client, records
from runner.audit.note import LogKey
from runner.backends.interface import Secret
from runner.host.simulated_slot import SimulatedSlot
from runner.signing.sshsig import SimulatedSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from runner.backends.interface import PinWanted

SERIAL = "SIM0-0000-0001"
WHOLE_KEY = 600
"""Bytes: the DER of an RSA key is longer, a number of one shorter."""

DIGEST = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])")
"""Hashes: an eight-digit PIN is found inside some of them by chance."""


@dataclass(frozen=True)
class People:
    """The simulated people at the slot, played by the test."""

    cards: list[dict[str, str]]

    def card(self, ask: CardAsk) -> str | None:
        return self.cards[ask.done]["serial"]

    def pin(self, ask: PinAsk) -> Pin:
        return Pin(next(card["pin"] for card in self.cards if card["serial"] == ask.serial))

    def tell(self, words: str) -> None:
        pass


def people(left: bench.Left) -> People:
    return People(json.loads((left.sim / "people.json").read_bytes())["cards"])


def numbers(der: bytes) -> Iterator[tuple[str, bytes]]:
    """Every secret number of an RSA key, and the key in its DER forms."""
    key = load_der_private_key(der, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    own = key.private_numbers()
    for name in ("d", "p", "q", "dmp1", "dmq1", "iqmp"):
        value: int = getattr(own, name)
        yield name, value.to_bytes((value.bit_length() + 7) // 8)
    yield "pkcs8", der
    yield "pkcs1", key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def of_device(left: bench.Left) -> Iterator[tuple[str, bytes]]:
    """Yield what the module, the cards and the world hold inside, by name."""
    now = state.State(esn=SERIAL, files=bench.tree(left.sim / "devices" / "hsm"))
    memory = state.recall(now)
    yield from (("KM", memory.module_key), ("KML", memory.kml), ("KLF2", memory.klf2), ("KM0", memory.km0))
    _, dev = state.parse(now.files[f"silicon/{SERIAL}/dev"], "device secret", frozenset({"secret"}))
    yield "device secret", encoding.untext(dev["secret"], "the device secret")
    world = worlds.load(now, memory)
    members = world.card_set(memory, *profiles.TOKENS)
    slot = people(left)
    call = quorum.Call(draw=crypto.SystemDraw(), now_ms=lambda: 0, dialogue=slot, keep=lambda _: None)
    _, tokens, _ = quorum.read_quorum(now, members, world.checks, call)
    yield from tokens.items()
    for card in slot.cards:
        membership, inside = cards.read(now, card["serial"]), cards.chip(now, card["serial"])
        assert membership is not None
        yield f"chip {card['serial']}", inside.secret
        shares = cards.open_shares(membership, inside, Pin(card["pin"]), members.module_keys)
        assert shares is not None
        yield from ((f"share {card['serial']} {n}", share.value) for n, share in enumerate(shares))
    for name in world.keys:
        secret = world.open_key(name, tokens)
        if name == "KRE":
            yield from ((f"KRE {part}", value) for part, value in numbers(secret))
        yield name, secret
    loaded = keyfile.open_key(now, memory, "simple", "contosokey")
    yield from ((f"key {part}", value) for part, value in numbers(loaded.private))
    assert loaded.file.recovery
    wrapped = crypto.oaep_decrypt(world.open_key("KRE", tokens), loaded.file.recovery[1])
    assert wrapped is not None
    yield "KR", wrapped


def of_vault(left: bench.Left) -> Iterator[tuple[str, bytes]]:
    files = bench.tree(left.sim / "vault")
    inside = records.secrets_of(files)
    yield from ((f"KEK {part}", value) for part, value in numbers(inside.kek_private))
    yield "vault KM", inside.km
    yield "vault secret", files[records.DEV]
    (path,) = [name for name in files if name.startswith("keys/")]
    private, _ = records.open_key(files[path], inside.km)
    yield from ((f"imported {part}", value) for part, value in numbers(private))


def of_people(left: bench.Left) -> dict[str, bytes]:
    """The private half of everybody's key."""
    seeds = json.loads((left.sim / "people.json").read_bytes())["seeds"]
    return {f"seed of {item['person']}": base64.b64decode(item["seed"]) for item in seeds}


@pytest.fixture(scope="module")
def secrets(left: bench.Left) -> dict[str, bytes]:
    found = {**dict(of_device(left)), **dict(of_vault(left))}
    (seed,) = left.seeds
    found["log key"] = seed
    return {**found, **of_people(left)}


@pytest.fixture(scope="module")
def pins(left: bench.Left) -> list[bytes]:
    return [card["pin"].encode() for card in people(left).cards]


def base64s(secret: bytes) -> Iterator[bytes]:
    """Yield what is certain of its base64 text at each of the three places a triple can begin, in both alphabets."""
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(bytes(shift) + secret)
            yield text[(0, 2, 3)[shift] : len(text) - (0, 3, 2)[(shift + len(secret)) % 3] - 1]


def spellings(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret[::-1]
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield from base64s(secret)


def windows(secret: bytes) -> Iterator[bytes]:
    """Yield pieces of a long secret, so that half of one is found too.

    A whole key begins with its public half, so of that only the middle and the end are secret.
    """
    if len(secret) <= 32:
        yield secret
        return
    if len(secret) < WHOLE_KEY:
        yield secret[12:36]
    yield from (secret[len(secret) // 2 : len(secret) // 2 + 24], secret[-24:])


def pieces(secret: bytes) -> set[bytes]:
    found = {spelled for window in windows(secret) for spelled in spellings(window)}
    if 32 < len(secret) < WHOLE_KEY:
        found.add(str(int.from_bytes(secret)).encode()[8:40])
    return found


def of_pin(pin: bytes) -> set[bytes]:
    """Every spelling of a PIN, and of what anybody could try all eight digits against."""
    found = set(spellings(pin)) | {b" ".join(bytes([digit]) for digit in pin)}
    for name in ("md5", "sha1", "sha256", "sha512"):
        found.update(spellings(hashlib.new(name, pin).digest()))
    return found


def views(content: bytes) -> Iterator[bytes]:
    """Yield a content as it is, without its white space, and what base64, hex and zip in it decode to."""
    yield content
    flat = re.sub(rb"\s+|\\n", b"", content)
    yield flat
    for text in re.findall(rb"[A-Za-z0-9+/_-]{24,}", flat):
        for shift in range(4):
            part = text[shift:].translate(bytes.maketrans(b"-_", b"+/"))
            whole = part[:-1] if len(part) % 4 == 1 else part
            yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
    for text in re.findall(rb"(?:[0-9a-fA-F]{2}){12,}", flat):
        yield bytes.fromhex(text.decode())
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from views(archive.read(name))


HEADER = bytes.fromhex("020100300d06092a864886f70d010101")
"""Version 0 and rsaEncryption: how a PKCS#8 private key begins (RFC 5208), whatever key it is."""


def search(contents: Mapping[str, bytes], secrets: Mapping[str, bytes], pins: list[bytes]) -> list[str]:
    """Return what was found where, as `secret in file`."""
    wanted = {name: pieces(secret) for name, secret in secrets.items()}
    found = []
    for file, content in contents.items():
        everything = b"\0\xff\0".join(views(content))
        found += [f"{name} in {file}" for name, any_of in wanted.items() if any(p in everything for p in any_of)]
        if b"PRIVATE KEY" in everything or HEADER in everything:
            found.append(f"a private key in {file}")
        plain = DIGEST.sub(b"#", everything)
        for n, pin in enumerate(pins):
            digests = [p for p in of_pin(pin) if len(p) in {40, 64}]
            if any(p in plain for p in of_pin(pin)) or any(p in everything for p in digests):
                found.append(f"PIN {n} in {file}")
    return found


def outside(left: bench.Left) -> dict[str, bytes]:
    """Everything a rehearsal left or said, but for silicon and the script of the people."""
    record = {f"record/{name}": content for name, content in bench.tree(left.record).items()}
    sim = {
        f"sim/{name}": content
        for name, content in bench.tree(left.sim).items()
        if "/silicon/" not in f"/{name}" and name != "people.json"
    }
    return {**record, **sim, "stdout": left.out.encode(), "stderr": left.err.encode()}


def test_the_secrets_are_those_there_are(secrets: dict[str, bytes], pins: list[bytes]) -> None:
    assert len(pins) == 3
    assert len(set(pins)) == 3
    assert all(re.fullmatch(rb"\d{8}", pin) for pin in pins)
    for name in (
        "KM",
        "KRE d",
        "key d",
        "key p",
        "key q",
        "KEK d",
        "LTR",
        "KNSO",
        "KMC",
        "KNV",
        "KR",
        "log key",
        "seed of hana",
    ):
        assert len(secrets[name]) >= 32
    assert len({secrets[name] for name in secrets if name.startswith("seed of")}) == 9
    assert secrets["imported d"] == secrets["key d"]
    assert secrets["KM"] != secrets["vault KM"]
    assert sum(name.startswith("share") for name in secrets) == 3 * len(set(profiles.TOKENS) - {"LTP", "LTFIPS"})


def test_no_secret_is_outside(left: bench.Left, secrets: dict[str, bytes], pins: list[bytes]) -> None:
    contents = outside(left)
    assert len(contents) > 60
    assert search(contents, secrets, pins) == []


def test_the_script_is_where_the_pins_are(left: bench.Left, pins: list[bytes]) -> None:
    script = (left.sim / "people.json").read_bytes()
    assert search({"people.json": script}, {}, pins) == [f"PIN {n} in people.json" for n in range(3)]
    assert b"SIMULATED" in script


def test_the_script_is_where_the_seeds_are(left: bench.Left) -> None:
    script = (left.sim / "people.json").read_bytes()
    seeds = of_people(left)
    assert search({"people.json": script}, seeds, []) == [f"{name} in people.json" for name in seeds]


def test_silicon_is_where_the_secrets_are(left: bench.Left, secrets: dict[str, bytes]) -> None:
    """An opened device shows what its chips and its own secret are; the search sees it in the real files."""
    inside = {name: content for name, content in bench.tree(left.sim).items() if "/silicon/" in f"/{name}"}
    found = search(inside, secrets, [])
    assert "device secret in devices/hsm/silicon/SIM0-0000-0001/dev" in found
    assert "vault secret in vault/silicon/dev" in found
    assert sum(line.startswith("chip") for line in found) == 3


def planted(secret: bytes) -> Iterator[bytes]:
    """Yield a secret as it could slip into a file."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in (b"", b"x", b"xy"):
        yield base64.b64encode(shift + secret)
        yield base64.urlsafe_b64encode(shift + secret)
    yield base64.encodebytes(secret)
    yield json.dumps({"value": base64.encodebytes(secret).decode()}).encode()
    yield base64.b64encode(secret.hex().encode())
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x", secret)
    yield archive.getvalue()


@pytest.mark.parametrize(
    "name", ["KM", "KRE d", "key d", "key p", "key pkcs8", "KEK q", "LTR", "KR", "log key", "seed of hana"]
)
def test_a_planted_secret_is_found(secrets: dict[str, bytes], name: str) -> None:
    only = {name: secrets[name]}
    for n, spelled in enumerate(planted(secrets[name])):
        padded = spelled if spelled.startswith(b"PK") else b'{"x":"' + spelled + b'"}\n'
        assert f"{name} in file" in search({"file": padded}, only, []), n
    assert search({"file": b'{"x":"' + bytes(200) + b'"}'}, only, []) == []


def test_a_planted_pem_is_found(secrets: dict[str, bytes]) -> None:
    key = load_der_private_key(secrets["key pkcs8"], password=None)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
        bare = b"".join(pem.splitlines(keepends=True)[1:-1])  # without the lines that say what it is
        for text in (pem, bare):
            assert any(line.startswith("key ") for line in search({"file": text}, {"key d": secrets["key d"]}, []))


def test_a_planted_pin_is_found(pins: list[bytes]) -> None:
    pin = pins[0]
    for spelled in (
        pin,
        b"pin=" + pin + b"0",
        pin.hex().encode(),
        base64.b64encode(b"the PIN is " + pin),
        hashlib.sha256(pin).hexdigest().encode(),
        hashlib.sha1(pin, usedforsecurity=False).hexdigest().encode(),
        base64.b64encode(hashlib.sha256(pin).digest()),
    ):
        assert search({"file": b'{"x":"' + spelled + b'"}'}, {}, [pin]) == ["PIN 0 in file"], spelled
    assert search({"file": hashlib.sha256(b"x").hexdigest().encode()}, {}, [pin]) == []


def test_a_planted_secret_is_found_in_the_real_files(
    left: bench.Left, secrets: dict[str, bytes], pins: list[bytes], tmp_path: Path
) -> None:
    twin = left.copy(tmp_path)
    path = twin.record / "log.jsonl"
    path.write_bytes(path.read_bytes() + base64.b64encode(secrets["KM"]) + b"\n" + pins[1] + b"\n")
    assert sorted(search({"log.jsonl": path.read_bytes()}, secrets, pins)) == ["KM in log.jsonl", "PIN 1 in log.jsonl"]


def test_nobody_else_may_read_the_simulated_silicon(left: bench.Left) -> None:
    assert left.sim.stat().st_mode & 0o077 == 0
    for path in left.sim.rglob("silicon/**/*"):
        assert path.stat().st_mode & 0o077 == 0


# -- when something goes wrong -----------------------------------------------------------------------------------------

MISTYPED = "13572468"
"""A PIN that somebody types by mistake: it is as secret as the right one."""


class Broken(Exception):
    """A mistake of our own, whose words hold what they must not."""


def mistype(patch: pytest.MonkeyPatch) -> None:
    pin = SimulatedSlot.pin

    def typed(self: SimulatedSlot, wanted: PinWanted) -> Secret:
        right = pin(self, wanted)
        return right if wanted.new else Secret(MISTYPED)

    patch.setattr(SimulatedSlot, "pin", typed)


def interrupt(patch: pytest.MonkeyPatch) -> None:
    pin = SimulatedSlot.pin

    def typed(self: SimulatedSlot, wanted: PinWanted) -> Secret:
        words = pin(self, wanted).reveal()
        raise KeyboardInterrupt(words)

    patch.setattr(SimulatedSlot, "pin", typed)


def break_at_the_slot(patch: pytest.MonkeyPatch) -> None:
    pin = SimulatedSlot.pin

    def typed(self: SimulatedSlot, wanted: PinWanted) -> Secret:
        words = pin(self, wanted).reveal()
        raise Broken(words)

    patch.setattr(SimulatedSlot, "pin", typed)


def break_while_signing(patch: pytest.MonkeyPatch) -> None:
    from_seed, sign = SimulatedSigner.from_seed, SimulatedSigner.sign
    seeds: dict[str, bytes] = {}

    def remembered(seed: bytes) -> SimulatedSigner:
        signer = from_seed(seed)
        seeds[signer.public] = seed
        return signer

    def signed(self: SimulatedSigner, namespace: str, message: bytes) -> bytes:
        if namespace == "step-attest@ceremony":
            raise Broken(seeds[self.public].hex())
        return sign(self, namespace, message)

    patch.setattr(SimulatedSigner, "from_seed", remembered)
    patch.setattr(SimulatedSigner, "sign", signed)


def fill_the_disk(patch: pytest.MonkeyPatch) -> None:
    fdatasync = os.fdatasync
    seen = 0

    def full(descriptor: int) -> None:
        nonlocal seen
        seen += 1
        if seen > 60:
            raise OSError(28, "No space left on device")
        fdatasync(descriptor)

    patch.setattr(os, "fdatasync", full)


def answer_nothing(patch: pytest.MonkeyPatch) -> None:
    def silent(*_said: object, **_more: object) -> client.Imported:
        raise client.NoAnswerError("the vault gave no answer")

    patch.setattr(client, "import_key", silent)


SCENES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], int, int]] = {
    "a PIN is mistyped until the card is locked": (mistype, 6, 2),
    "Ctrl-C while a PIN is typed": (interrupt, 130, 0),
    "a defect at the card slot": (break_at_the_slot, 70, 0),
    "a defect while somebody signs": (break_while_signing, 70, 0),
    "the disk is full": (fill_the_disk, 6, 0),
    "the vault gives no answer": (answer_nothing, 7, 0),
}
"""What happens, the exit code of the rehearsal, and that of going on: 2 where it is over already."""


def seeds_caught(patch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Every log key from now on, as it is made."""
    seeds: dict[str, bytes] = {}
    from_seed = LogKey.from_seed

    def caught(origin: str, seed: bytes) -> LogKey:
        seeds[f"log key {len(seeds)}"] = seed
        return from_seed(origin, seed)

    patch.setattr(LogKey, "from_seed", caught)
    return seeds


def leaks(left: bench.Left, logs: Mapping[str, bytes]) -> list[str]:
    mine = [card["pin"].encode() for card in people(left).cards]
    return search(outside(left), {**of_people(left), **logs}, [*mine, MISTYPED.encode()])


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("scene", SCENES)
def test_no_secret_gets_out_when_something_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    """Nor afterwards, when what can be gone on with is, or is ended for good."""
    happen, code, later = SCENES[scene]
    logs = seeds_caught(monkeypatch)
    record = tmp_path / "record"
    with monkeypatch.context() as patch:
        happen(patch)
        left = bench.rehearse(record, "eu")
    assert left.code == code, left.err[-400:]
    assert leaks(left, logs) == []
    ends = ("abort", "--as", "hana", "--because", "enough")
    for command, due in ((("status",), 0), (("resume",), later), (ends, 2)):
        said, out, err = bench.say(command[0], str(record), *command[1:])
        assert said == due, err[-400:]
        assert leaks(replace(left, out=out, err=err), logs) == []


@pytest.mark.usefixtures("cheap")
def test_nor_when_it_is_gone_on_with_after_it_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of the request in which PINs are typed; both sittings' log keys are looked for."""
    logs = seeds_caught(monkeypatch)
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=is_entry("reply", kind="key_reduced"))
    assert leaks(broken.left, logs) == []
    left = broken.says("resume")
    assert left.code == 0, left.err[-400:]
    assert len(logs) == 2
    assert leaks(left, logs) == []


@pytest.mark.usefixtures("cheap")
def test_what_is_looked_for_there_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same search over a screen that shows what a careless message would."""
    logs = seeds_caught(monkeypatch)
    left = bench.rehearse(tmp_path / "record", "eu")
    cards, seeds = people(left).cards, of_people(left)
    for words in (cards[0]["pin"], MISTYPED, base64.b64encode(seeds["seed of hana"]).decode()):
        (found,) = leaks(replace(left, err=f"defect: {words}\n"), logs)
        assert found.endswith("in stderr")
    assert leaks(replace(left, out=logs["log key 0"].hex()), logs) == ["log key 0 in stdout"]
    assert leaks(left, logs) == []
