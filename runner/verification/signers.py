"""The people's keys as one list, and the namespaces they sign in (docs/record.md, "People's signatures")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.verification.reading import ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.verification.signatures import PublicKey

APPROVE: Final = "playbook-approve@ceremony"
ATTEST: Final = "step-attest@ceremony"
CLOSE: Final = "ceremony-close@ceremony"
RECEIVE: Final = "package-receive@ceremony"


def allowed_signers(people: Sequence[tuple[str, str]]) -> bytes:
    """Return what keys/allowed_signers must hold.

    Args:
        people: the id of each person with a key and that key as `<type> <base64>`, in the plan's order.
    """
    namespaces = f"{APPROVE},{ATTEST},{CLOSE},{RECEIVE}"
    return "".join(f'{person} namespaces="{namespaces}" {key}\n' for person, key in people).encode()


def distinct(keys: Mapping[str, PublicKey]) -> None:
    """Return if each person has a key that nobody else has; spellings do not matter.

    Raises:
        ShapeError: one key under two people; the words name them.
    """
    first: dict[bytes, str] = {}
    for person, key in keys.items():
        other = first.setdefault(key.identity, person)
        if other != person:
            raise ShapeError(f"{other} and {person} have one key, {key.fingerprint}")
