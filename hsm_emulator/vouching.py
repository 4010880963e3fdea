"""Files that a world's module key vouches for: they hold a seal under KM over everything else in them.

Whoever has the files but not KM can read them and cannot change a byte that is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import Refused, Status
from hsm_emulator.state import parse, render

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import Memory

SEAL: Final = "seal"
"""The name of the field that holds the seal."""


def render_vouched(kind: str, content: dict[str, Any], memory: Memory, draw: Draw) -> bytes:
    """Return the bytes of a file of the module's world, with its seal."""
    seal = crypto.seal(_key(memory), b"", _label(kind, memory.hknso, content), draw)
    return render(kind, memory.hknso, {**content, SEAL: encoding.text(seal)})


def demand_vouched(data: bytes, kind: str, names: frozenset[str], memory: Memory) -> None:
    """Refuse a file that this world's module key did not seal; `names` are its fields, the seal included.

    Raises:
        DamagedFile: it does not parse.
        Refused: UnknownKM for another world's file, VerifyFailed for a changed one.
    """
    hknso, content = parse(data, kind, names)
    if hknso != memory.hknso:
        raise Refused(Status.UNKNOWN_KM, f"the {kind} file is of another Security World")
    rest = {name: value for name, value in content.items() if name != SEAL}
    seal = encoding.untext(content[SEAL], "the seal")
    if crypto.unseal(_key(memory), seal, _label(kind, hknso, rest)) is None:
        raise Refused(Status.VERIFY_FAILED, f"the {kind} file is not as the module sealed it")


def _key(memory: Memory) -> bytes:
    return crypto.hkdf(memory.module_key, b"SIMULATED vouched file 1")


def _label(kind: str, hknso: str, content: dict[str, Any]) -> bytes:
    return b"SIMULATED vouched file 1\0" + encoding.encode([kind, hknso, content])
