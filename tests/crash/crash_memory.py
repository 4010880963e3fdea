"""The answers of slow functions that only compute, kept: thousands of recoveries read almost the same record.

Each of these gives the same answer to the same arguments, and nobody changes what it gave. None looks at a disk.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from hsm_emulator import crypto
from runner.host import past
from runner.verification import signatures, verify
from runner.verification.notes import NoteKey

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def _keyed(function: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a function's answers by a part of its arguments that tells them apart."""
    kept: dict[Any, Any] = {}

    def answer(*arguments: Any) -> Any:
        mark = key(*arguments)
        if mark not in kept:
            kept[mark] = function(*arguments)
        return kept[mark]

    return answer


KEPT: list[tuple[Any, str, Callable[..., Any]]] = [
    (module, name, cache(getattr(module, name)))
    for module, name in (
        (crypto, "rsa_load_foreign"),
        (crypto, "verify"),
        (crypto, "verify_key"),
        (past, "decode_entry"),
        (past, "parse_plan"),
        (verify, "read_plan"),
    )
]
KEPT += [
    (past, "check", _keyed(past.check, id)),  # of plans that `parse_plan` keeps
    (signatures, "_verifies", _keyed(signatures._verifies, lambda key, *rest: (key.identity, *rest))),
    (NoteKey, "signed", _keyed(NoteKey.signed, lambda key, *rest: (key, *rest))),
]


def remember(patch: pytest.MonkeyPatch) -> None:
    """Let the functions answer from memory."""
    for module, name, kept in KEPT:
        patch.setattr(module, name, kept)
