"""The device's files as a value, the one form all of them have, and the module's sealed memory.

A file is one ASCII line that names what it is, then a canonical JSON object (`encoding.py`). Whatever is secret in it
is sealed; it is unsealed only inside a command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import DamagedFile, Refused, Status, StoreBroken
from hsm_emulator.facts import CardFact, FileFact, Mode
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.crypto import Draw

LOCAL: Final = "kmdata/local/"
CARDSTORE: Final = "cardstore/"
CHIPS: Final = "silicon/cards/"
OUTBOX: Final = "outbox/"
ROOMS: Final = ("kmdata/", CARDSTORE, "silicon/", OUTBOX)
"""The folders of an installation whose files are the device's; beside them people keep what they like."""

_HEADER: Final = re.compile(rb"SIMULATED HSM, ([a-z ]{1,20}), version 1, hknso ([0-9a-f]{40}|none)\n")
_LONGEST_HEADER: Final = 128
_MEMORY: Final = b"SIMULATED module memory 1"


class State(Unshown, frozen=True, kw_only=True):
    """All files of one installation, by relative path, and the serial number of its module."""

    esn: str
    files: Mapping[str, bytes]

    def put(self, changes: Mapping[str, bytes]) -> State:
        """Return the state with these files added or replaced."""
        return State(esn=self.esn, files={**self.files, **changes})

    def without(self, paths: frozenset[str]) -> State:
        """Return the state without these files."""
        return State(esn=self.esn, files={path: data for path, data in self.files.items() if path not in paths})

    def local(self) -> tuple[str, ...]:
        """Return the paths of the world's files, sorted."""
        return tuple(sorted(path for path in self.files if path.startswith(LOCAL)))

    def fact(self, path: str) -> FileFact:
        """Return name, size and digest of one of the world's files."""
        data = self.files[path]
        return FileFact(name=path.removeprefix(LOCAL), size=len(data), sha256=crypto.sha256(data).hex())


def render(kind: str, hknso: str, content: dict[str, Any]) -> bytes:
    """Return the bytes of a file; `hknso` is "" where it belongs to no world."""
    return f"SIMULATED HSM, {kind}, version 1, hknso {hknso or 'none'}\n".encode() + encoding.encode(content)


def parse(data: bytes, kind: str, names: frozenset[str]) -> tuple[str, dict[str, Any]]:
    """Return hknso ("" for none) and the fields of a file; nothing of it is authenticated yet.

    Raises:
        DamagedFile: another kind or version of file, unknown fields, over-long, or not canonical.
    """
    header = _HEADER.match(data[:_LONGEST_HEADER])
    if header is None or header[1] != kind.encode():
        raise DamagedFile(f"the {kind} file does not begin with the line of its kind")
    hknso = "" if header[2] == b"none" else header[2].decode()
    what = f"the {kind} file"
    return hknso, encoding.fields(encoding.decode(data[header.end() :], what), names, what)


def kind_of(data: bytes) -> str:
    """Return the kind that a file's first line names.

    Raises:
        DamagedFile: it has no such line.
    """
    header = _HEADER.match(data[:_LONGEST_HEADER])
    if header is None:
        raise DamagedFile("the file does not begin with the line of an emulated device's file")
    return header[1].decode()


def word(data: dict[str, Any], name: str) -> str:
    """Return the text of a field.

    Raises:
        DamagedFile: it is not text.
    """
    if not isinstance(data[name], str):
        raise DamagedFile(f"{name} is not text")
    return str(data[name])


def number(data: dict[str, Any], name: str) -> int:
    """Return the whole number, not negative, of a field.

    Raises:
        DamagedFile: it is none.
    """
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DamagedFile(f"{name} is not a whole number")
    return value


class Memory(Unshown, frozen=True, kw_only=True):
    """The module's non-volatile memory: what survives between commands inside the tamper boundary.

    `km` is None and `hknso` "" where it holds no world. `counters` are used-up uses by counter name, never reset while
    the world lives; `generated` counts keys and copies made; `warrant` is in the form of `attestation.to_data`.
    """

    klf2: bytes
    kml: bytes
    km0: bytes
    km: bytes | None
    hknso: str
    mode: Mode
    cards: tuple[CardFact, ...]
    counters: Mapping[str, int]
    generated: int
    scrypt_n: int
    warrant: dict[str, Any]

    @property
    def hkm(self) -> str:
        """The hash of the world's module key."""
        return km_hash(self.module_key)

    @property
    def module_key(self) -> bytes:
        """KM.

        Raises:
            Refused: UnknownKM, the module holds no world.
        """
        if self.km is None:
            raise Refused(Status.UNKNOWN_KM, "the module holds no Security World")
        return self.km

    def used(self, counter: str) -> int:
        """Return how often the counter was used."""
        return self.counters.get(counter, 0)


def km_hash(km: bytes) -> str:
    """Return hkm, the hash of a module key: 40 hex digits."""
    return crypto.key_hash("km", km)


def demand(memory: Memory, mode: Mode, command: str) -> None:
    """Refuse a command outside its mode.

    Raises:
        Refused: InvalidState, naming the mode that is wanted.
    """
    if memory.mode is not mode:
        words = f"{command} needs the module in {mode.value} mode; it is in {memory.mode.value} mode"
        raise Refused(Status.INVALID_STATE, words)


def make_device_secret(state: State, draw: Draw) -> State:
    """Return the state with the module's own secret, made once at manufacture."""
    secret = render("device secret", "", {"secret": encoding.text(draw.take(32))})
    return state.put({f"silicon/{state.esn}/dev": secret})


def remember(state: State, memory: Memory, draw: Draw) -> State:
    """Return the state with the module's memory sealed under its device secret."""
    content = {
        "klf2": encoding.text(memory.klf2),
        "kml": encoding.text(memory.kml),
        "km0": encoding.text(memory.km0),
        "km": "" if memory.km is None else encoding.text(memory.km),
        "hknso": memory.hknso,
        "mode": memory.mode.value,
        "cards": [[card.number, card.serial] for card in memory.cards],
        "counters": dict(memory.counters),
        "generated": memory.generated,
        "scrypt_n": memory.scrypt_n,
        "warrant": memory.warrant,
    }
    sealed = crypto.seal(memory_key(state, _MEMORY), encoding.encode(content), _memory_label(state.esn), draw)
    file = render("module memory", "", {"sealed": encoding.text(sealed)})
    return state.put({f"silicon/{state.esn}/nv": file})


def recall(state: State) -> Memory:
    """Unseal the module's memory.

    Raises:
        StoreBroken: it is missing, changed or another module's: no crash does that.
    """
    try:
        _, file = parse(state.files.get(f"silicon/{state.esn}/nv", b""), "module memory", frozenset({"sealed"}))
        sealed = encoding.untext(file["sealed"], "the module's memory")
        content = crypto.unseal(memory_key(state, _MEMORY), sealed, _memory_label(state.esn))
    except DamagedFile as damage:
        raise StoreBroken(f"the module's memory is damaged: {damage.words}") from None
    if content is None:
        raise StoreBroken("the module's memory does not open under its device secret")
    data = encoding.decode(content, "the module's memory")
    keys = {name: encoding.untext(data[name], name) for name in ("klf2", "kml", "km0", "km")}
    return Memory(
        **{
            **data,
            **keys,
            "km": keys["km"] or None,
            "mode": Mode(data["mode"]),
            "cards": tuple(CardFact(number=item[0], serial=item[1]) for item in data["cards"]),
        }
    )


def memory_key(state: State, info: bytes) -> bytes:
    """Return the key that a part of the module's memory is sealed under: 32 bytes; `info` names the part."""
    _, file = parse(state.files.get(f"silicon/{state.esn}/dev", b""), "device secret", frozenset({"secret"}))
    return crypto.hkdf(encoding.untext(file["secret"], "the device secret"), info)


def _memory_label(esn: str) -> bytes:
    return _MEMORY + b"\0" + esn.encode()
