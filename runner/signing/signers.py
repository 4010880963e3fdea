"""Whose signatures mean what: the namespaces, and keys/allowed_signers as `ssh-keygen -Y verify` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

APPROVE: Final = "playbook-approve@ceremony"
"""Over approval/manifest.txt."""

ATTEST: Final = "step-attest@ceremony"
"""Over every statement but those about the close."""

CLOSE: Final = "ceremony-close@ceremony"
"""Over statements about the close."""

RECEIVE: Final = "package-receive@ceremony"
"""Kept for the receiver of a transfer package."""


def allowed_signers(people: Sequence[tuple[str, str]]) -> bytes:
    """Return keys/allowed_signers.

    Args:
        people: person and key (`<type> <base64>`), in the plan's order.
    """
    namespaces = f"{APPROVE},{ATTEST},{CLOSE},{RECEIVE}"
    return "".join(f'{person} namespaces="{namespaces}" {key}\n' for person, key in people).encode()
