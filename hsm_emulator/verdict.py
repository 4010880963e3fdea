"""What a key's permissions come to, in one line: can it be recovered, exported, transferred, and to whom?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hsm_emulator import limits
from hsm_emulator.acl import MakeArchiveBlob, MakeBlob, OpPermissions, Right

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsm_emulator.acl import Acl, Action


class Verdict(Struct, frozen=True, kw_only=True):
    """Derived from the permissions alone, under whatever condition they stand.

    `recoverable` says who can bring the key back in its own world; `transferable` names, sorted, every other place
    that it may be encrypted for: `archive HASH`, `world HASH`, each with "used up" where that is so, and `anybody,
    by the holder of HASH` for who may give it any permission.
    """

    exportable: bool
    recoverable: bool
    transferable: tuple[str, ...]

    @property
    def line(self) -> str:
        """The verdict as one line."""
        words = {True: "yes", False: "no"}
        to = "; ".join(self.transferable) or "nobody"
        return (
            f"verdict: recoverable {words[self.recoverable]}, exportable {words[self.exportable]}, transferable to {to}"
        )


def judge(acl: Acl, *, recovery: bool, own: frozenset[str], used: Callable[[str], int]) -> Verdict:
    """Return the verdict on permissions.

    Args:
        acl: out of the key's own blob.
        recovery: whether a recovery blob of the key exists, whatever its permissions say now.
        own: hashes of the keys of its own world that store and recover it: hkm, and hkre where there is one.
        used: how often the counter of that name was used so far.
    """
    found: set[str] = set()
    recoverable = recovery
    for group in acl.groups:
        over = "" if group.limit is None or limits.spent(group.limit, used, limits.LOADED) is None else ", used up"
        for action in group.actions:
            place = _place(action)
            if place is not None and place[1] not in own:
                found.add(f"{place[0]} {place[1]}{over}")
            recoverable = recoverable or (isinstance(action, MakeArchiveBlob) and action.under in own)
            if isinstance(action, OpPermissions) and Right.EXPAND_ACL in action.rights:
                holder = f"the holder of {group.certifier}" if group.certifier else "whoever can use it"
                found.add(f"anybody, by {holder}")
        recoverable = recoverable or bool(group.certifier)
    exportable = Right.EXPORT_AS_PLAIN in acl.rights()
    return Verdict(exportable=exportable, recoverable=recoverable, transferable=tuple(sorted(found)))


def _place(action: Action) -> tuple[str, str] | None:
    match action:
        case MakeArchiveBlob(under=under):
            return "archive", under
        case MakeBlob(under=under):
            return "world", under
        case _:
            return None
