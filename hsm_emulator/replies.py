"""Commands and replies as canonical bytes: what a receipt stores and what a request id is bound to."""

from __future__ import annotations

from typing import Any, Final, get_args

from msgspec import ValidationError, convert, to_builtins

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import StoreBroken
from hsm_emulator.messages import (
    AclsModified,
    CardsReplaced,
    CardsTried,
    Change,
    FileRestored,
    KeyDeleted,
    KeyGenerated,
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
    try:
        reply: Stored | None = convert(data, kind) if kind is not None else None
    except ValidationError:
        reply = None
    if reply is None or store(reply) != content:  # what is unknown is passed over, what is missing may have a default
        raise StoreBroken("a receipt holds no reply of a command")
    return reply


def _data(value: Change | Stored) -> Any:
    """Return the fields as plain values: bytes are base64, an enumeration is its value."""
    return {"reply": type(value).__name__, **to_builtins(value)}
