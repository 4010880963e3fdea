"""SetACL: permissions are replaced by smaller ones with ReduceACL, by any others with ExpandACL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator import acl, limits
from hsm_emulator.acl import OpPermissions, Right

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsm_emulator.acl import Acl, Grant, Group


def set_acl(old: Acl, new: Acl, *, presented: frozenset[str], esn: str, used: Callable[[str], int]) -> Grant:
    """Say yes to new permissions of a key, or refuse: shrinking needs ReduceACL, everything else ExpandACL.

    The arguments are those of `acl.authorise`, which decides by the permissions the key has now.

    Raises:
        Refused: as `acl.authorise`.
    """
    right = Right.REDUCE_ACL if is_reduction(new, old) else Right.EXPAND_ACL
    wanted = OpPermissions(rights=frozenset({right}))
    return acl.authorise(old, wanted, presented=presented, esn=esn, used=used)


def is_reduction(new: Acl, old: Acl) -> bool:
    """Say whether `new` allows nothing that `old` does not: the subset test of SetACL.

    Every new group must lie inside one old group: no condition dropped, no limit widened or moved to another counter,
    no action added.
    """
    return all(any(_inside(group, other) for other in old.groups) for group in new.groups)


def _inside(new: Group, old: Group) -> bool:
    if old.certifier and new.certifier != old.certifier:
        return False
    if old.fresh and not new.fresh:
        return False
    if old.module and new.module != old.module:
        return False
    if not limits.narrower(new.limit, old.limit):
        return False
    return all(any(acl.covers(granted, action) for granted in old.actions) for action in new.actions)
