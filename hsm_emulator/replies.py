"""Commands and replies as canonical bytes: what a receipt stores and what a request id is bound to."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, get_args

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import StoreBroken
from hsm_emulator.messages import (
    AclsModified,
    CardFact,
    CardsReplaced,
    CardsTried,
    Change,
    FileFact,
    FileRestored,
    KeyDeleted,
    KeyFact,
    KeyGenerated,
    Mode,
    ModeChanged,
    Packaged,
    PinChanged,
    PinChecked,
    WorldLoaded,
    WorldMade,
)
from hsm_emulator.operator_messages import OperatorStored
from hsm_emulator.world_messages import WorldStored

Stored = (
    ModeChanged
    | WorldMade
    | CardsReplaced
    | CardsTried
    | FileRestored
    | WorldLoaded
    | KeyGenerated
    | AclsModified
    | Packaged
    | KeyDeleted
    | PinChecked
    | PinChanged
    | OperatorStored
    | WorldStored
)
"""What a receipt can hold an answer of."""

_FACTS: Final = {"cards": CardFact, "read": CardFact, "keys": KeyFact, "files": FileFact}
"""The fields of replies that hold several facts, and of which kind."""

_KINDS: Final[dict[str, type[Stored]]] = {kind.__name__: kind for kind in get_args(Stored)}


def command_digest(command: Change) -> str:
    """Return the SHA-256 of a command's canonical bytes in hex."""
    return crypto.sha256(encoding.encode(_data(command))).hex()


def store(reply: Stored) -> bytes:
    """Return the canonical bytes of a reply."""
    return encoding.encode(_data(reply))


def recover(content: bytes) -> Stored:
    """Return the reply that `store` stored.

    Raises:
        StoreBroken: it did not.
    """
    data = encoding.decode(content, "a stored reply")
    name = data.pop("reply", None) if isinstance(data, dict) else None
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or data.keys() != {item.name for item in fields(kind)}:
        raise StoreBroken("a receipt holds no reply of a command")
    try:
        return kind(**{name: _value(name, value) for name, value in data.items()})
    except (TypeError, ValueError):
        raise StoreBroken("a receipt holds no reply of a command") from None


def _data(value: object) -> Any:
    if isinstance(value, bytes):
        return encoding.text(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_data(item) for item in value]
    if is_dataclass(value):
        inner = {item.name: _data(getattr(value, item.name)) for item in fields(value)}
        return inner if isinstance(value, CardFact | FileFact | KeyFact) else {"reply": type(value).__name__, **inner}
    return value


def _value(name: str, value: Any) -> Any:
    match name:
        case "cards" | "read" | "keys" | "files":
            return tuple(_FACTS[name](**item) for item in value)
        case "file" | "world":
            return FileFact(**value)
        case "mode":
            return Mode(value)
        case "hkltus" | "serials" | "names":
            return tuple(value)
        case _:
            return value
