"""Operators' logical tokens by name: which card sets and softcards a world has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hsm_emulator import crypto, operator_cards, softcards
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.naming import called
from hsm_emulator.operator_cards import OperatorCards
from hsm_emulator.softcards import Softcard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.state import Memory, State

Token = OperatorCards | Softcard

_NAME: Final = re.compile(r"(?! )[^\"'`/\\]{1,64}(?<! )")
_HASH: Final = re.compile(r"[0-9a-fA-F]{40}")


def hkltu_of(token: bytes) -> str:
    """Return the hash that names a token: 40 hex digits."""
    return crypto.key_hash("token", token)


def check_name(name: str, taken: Sequence[str]) -> None:
    """Refuse a name that no card set or softcard can have, or one that is taken.

    Raises:
        Refused: InvalidParameter, AlreadyExists.
    """
    if not _NAME.fullmatch(name) or not name.isprintable() or _HASH.fullmatch(name):
        words = f"{name!r} is no name: 1 to 64 printable characters, no quotes or slashes, and not like a hash"
        raise Refused(Status.INVALID_PARAMETER, words)
    if name in taken:
        raise Refused(Status.ALREADY_EXISTS, f"the name {name} is taken")


def card_sets(state: State, memory: Memory) -> tuple[OperatorCards, ...]:
    """Return the card sets of the module's world, by hash; a file that is not as it was made is left out."""
    return tuple(made for made in _readable(state, memory) if isinstance(made, OperatorCards))


def all_softcards(state: State, memory: Memory) -> tuple[Softcard, ...]:
    """Return the softcards of the module's world, by hash; a file that is not as it was made is left out."""
    return tuple(made for made in _readable(state, memory) if isinstance(made, Softcard))


def find_cards(state: State, memory: Memory, named: str) -> OperatorCards:
    """Return the card set with this name or hash.

    Raises:
        Refused: UnknownID, saying which there are; as `find` for one named by its hash.
    """
    if operator_cards.PREFIX + named in state.files:
        return _read_cards(state, memory, operator_cards.PREFIX + named)
    return called(card_sets(state, memory), named, "card set")


def find_softcard(state: State, memory: Memory, named: str) -> Softcard:
    """Return the softcard with this name or hash.

    Raises:
        Refused: UnknownID, saying which there are; InvalidParameter where several have the name; as `find` for one
            named by its hash.
    """
    if softcards.PREFIX + named in state.files:
        return _read_softcard(state, memory, softcards.PREFIX + named)
    return called(all_softcards(state, memory), named, "softcard")


def find(state: State, memory: Memory, named: str) -> Token:
    """Return the card set or softcard with this name or hash.

    Raises:
        Refused: UnknownID, saying which there are; InvalidParameter where several have the name; for one named by its
            hash HostDataInvalid, UnknownKM or VerifyFailed, where its file is not as it was made.
    """
    for prefix, read in ((operator_cards.PREFIX, _read_cards), (softcards.PREFIX, _read_softcard)):
        if prefix + named in state.files:
            return read(state, memory, prefix + named)
    return called(_readable(state, memory), named, "card set or softcard")


def _readable(state: State, memory: Memory) -> tuple[Token, ...]:
    found: list[Token] = []
    for path in state.local():
        try:
            if path.startswith(operator_cards.PREFIX):
                found.append(_read_cards(state, memory, path))
            elif path.startswith(softcards.PREFIX):
                found.append(_read_softcard(state, memory, path))
        except Refused:
            continue
    return tuple(found)


def _read_cards(state: State, memory: Memory, path: str) -> OperatorCards:
    made = operator_cards.read_cards(state.files[path], memory)
    _demand_name(made, path)
    return made


def _read_softcard(state: State, memory: Memory, path: str) -> Softcard:
    made = softcards.read_softcard(state.files[path], memory)
    _demand_name(made, path)
    return made


def _demand_name(made: Token, path: str) -> None:
    if made.path != path:
        raise DamagedFile(f"the file of {made.words} is under another name")
