"""The module's volatile memory, which outlives one command line: loaded tokens, and the card in the slot.

`silicon/<ESN>/ram` is sealed under the module's device secret. A mode change or a clear forgets all tokens. A token of
a card set that is not persistent goes when the card in the slot goes; one with a time-out goes when that has passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import DamagedFile, StoreBroken
from hsm_emulator.facts import LoadedFact
from hsm_emulator.state import State, memory_key, parse, render
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hsm_emulator.crypto import Draw

_KIND: Final = "module ram"
_FIELDS: Final = frozenset({"slot", "insertions", "tokens"})
_TOKEN: Final = frozenset({"hkltu", "name", "protect", "persistent", "timeout", "loaded_ms", "token"})


class LoadedToken(Unshown, frozen=True, kw_only=True):
    """A token in memory. `timeout` is in seconds, 0 for none; `loaded_ms` when it was loaded, in ms since 1970."""

    hkltu: str
    name: str
    protect: str
    persistent: bool
    timeout: int
    loaded_ms: int
    token: bytes

    def lives(self, now_ms: int) -> bool:
        """Say whether its time has not run out; a clock that was set back has run out too."""
        return self.timeout == 0 or 0 <= now_ms - self.loaded_ms < self.timeout * 1000


class Ram(Struct, frozen=True, kw_only=True):
    """What is in memory: the serial of the card in the slot, "" for none, how many were ever put in, and tokens."""

    slot: str = ""
    insertions: int = 0
    tokens: tuple[LoadedToken, ...] = ()

    def secrets(self, now_ms: int) -> Mapping[str, bytes]:
        """Return the tokens that can be used now, by hkltu."""
        return {token.hkltu: token.token for token in self.tokens if token.lives(now_ms)}

    def facts(self, now_ms: int) -> tuple[LoadedFact, ...]:
        """Return what is said of those tokens."""
        return tuple(
            LoadedFact(hkltu=token.hkltu, name=token.name, protect=token.protect)
            for token in self.tokens
            if token.lives(now_ms)
        )

    def with_token(self, token: LoadedToken) -> Ram:
        """Return the memory with a token, in the place of an older one of that hash."""
        return replace(self, tokens=(*(other for other in self.tokens if other.hkltu != token.hkltu), token))

    def without(self, hkltus: frozenset[str]) -> Ram:
        """Return the memory without these tokens."""
        return replace(self, tokens=tuple(token for token in self.tokens if token.hkltu not in hkltus))

    def with_card(self, serial: str) -> Ram:
        """Return the memory once this card, "" for none, is in the slot: what hung on another card is unloaded."""
        if serial == self.slot:
            return self
        return replace(self._hung_off(), slot=serial, insertions=self.insertions + (serial != ""))

    def with_blank(self, serials: Collection[str]) -> Ram:
        """Return the memory once these cards are blank: what hung on the one in the slot is unloaded."""
        return self._hung_off() if self.slot in serials else self

    def _hung_off(self) -> Ram:
        return replace(self, tokens=tuple(token for token in self.tokens if token.persistent))

    def cleared(self) -> Ram:
        """Return the memory after a clear: no tokens; the slot is as it was."""
        return replace(self, tokens=())


def recall(state: State) -> Ram:
    """Return what is in the module's memory.

    Raises:
        StoreBroken: it is changed or another module's: no crash does that.
    """
    path = _path(state)
    if path not in state.files:
        return Ram()
    try:
        _, file = parse(state.files[path], _KIND, frozenset({"sealed"}))
        sealed = encoding.untext(file["sealed"], "the module's ram")
        content = crypto.unseal(_key(state), sealed, _label(state))
    except DamagedFile as damage:
        raise StoreBroken(f"the module's ram is damaged: {damage.words}") from None
    if content is None:
        raise StoreBroken("the module's ram does not open under its device secret")
    data = encoding.fields(encoding.decode(content, "the module's ram"), _FIELDS, "the module's ram")
    return Ram(**{**data, "tokens": tuple(_token(item) for item in data["tokens"])})


def remember(state: State, ram: Ram, draw: Draw) -> State:
    """Return the state with this in the module's memory; unchanged where nothing changed."""
    if ram == recall(state):
        return state
    tokens = [
        {
            "hkltu": token.hkltu,
            "name": token.name,
            "protect": token.protect,
            "persistent": token.persistent,
            "timeout": token.timeout,
            "loaded_ms": token.loaded_ms,
            "token": encoding.text(token.token),
        }
        for token in ram.tokens
    ]
    content = encoding.encode({"slot": ram.slot, "insertions": ram.insertions, "tokens": tokens})
    sealed = crypto.seal(_key(state), content, _label(state), draw)
    return state.put({_path(state): render(_KIND, "", {"sealed": encoding.text(sealed)})})


def clear(state: State, draw: Draw) -> State:
    """Return the state after the module's memory was cleared."""
    return remember(state, recall(state).cleared(), draw)


def taken_out(state: State, serial: str, draw: Draw) -> State:
    """Return the state once this card is not in the slot; unchanged where it is not in it."""
    inside = recall(state)
    return remember(state, inside.with_card(""), draw) if inside.slot == serial else state


def _token(value: object) -> LoadedToken:
    data: dict[str, Any] = encoding.fields(value, _TOKEN, "a loaded token")
    return LoadedToken(**{**data, "token": encoding.untext(data["token"], "a loaded token")})


def _path(state: State) -> str:
    return f"silicon/{state.esn}/ram"


def _key(state: State) -> bytes:
    return memory_key(state, b"SIMULATED module ram 1")


def _label(state: State) -> bytes:
    return b"SIMULATED module ram 1\0" + state.esn.encode()
