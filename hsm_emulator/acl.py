"""Access control lists and the one evaluator that guards every use of a private key.

An ACL is a list of permission groups; an operation is allowed if some group meets its own conditions (certifier
presented, module, uses left) and grants the action. The ACL travels inside the key's authenticated blob, so nobody can
edit it outside the module. There is no way to grant ExportAsPlain here: stricter than the device, declared.
The module is longer than others because evaluator, words and stored form have to agree action by action.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

from msgspec import Struct

from hsm_emulator import encoding, limits
from hsm_emulator.errors import DamagedFile, Refused, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsm_emulator.limits import Limit, Since


R = TypeVar("R", "Right", "NvRight")


class Right(StrEnum):
    """Bits of an OpPermissions action, by their nCore names."""

    DUPLICATE_HANDLE = "DuplicateHandle"
    USE_AS_CERTIFICATE = "UseAsCertificate"
    EXPORT_AS_PLAIN = "ExportAsPlain"
    GET_APP_DATA = "GetAppData"
    SET_APP_DATA = "SetAppData"
    REDUCE_ACL = "ReduceACL"
    EXPAND_ACL = "ExpandACL"
    ENCRYPT = "Encrypt"
    DECRYPT = "Decrypt"
    VERIFY = "Verify"
    USE_AS_BLOB_KEY = "UseAsBlobKey"
    USE_AS_KM = "UseAsKM"
    SIGN = "Sign"
    GET_ACL = "GetACL"
    USE_AS_LOADER_KEY = "UseAsLoaderKey"
    SIGN_MODULE_CERT = "SignModuleCert"


class NvRight(StrEnum):
    """Operations of an NVMemOpPerms action: what may be done with an area of the module's non-volatile memory."""

    READ = "Read"
    WRITE = "Write"
    FREE = "Free"


FORBIDDEN_IN_TRANSFER: Final = frozenset(
    {
        Right.EXPORT_AS_PLAIN,
        Right.SET_APP_DATA,
        Right.EXPAND_ACL,
        Right.USE_AS_BLOB_KEY,
        Right.USE_AS_KM,
        Right.USE_AS_LOADER_KEY,
        Right.SIGN_MODULE_CERT,
    }
)
"""Rights that neither a KEK nor a key on its way to a vault may have (research, sections 2.5 and 5)."""

ARCHIVE_MECHANISM: Final = "RSA-OAEP-SHA256+AES-256-GCM"
"""How an archive blob is made: a fresh AES key under OAEP (RFC 8017), the payload under that key."""


class OpPermissions(Struct, frozen=True, kw_only=True):
    """Use of the key itself."""

    rights: frozenset[Right]


class MakeBlob(Struct, frozen=True, kw_only=True):
    """Encrypt the key under the module key or token whose hash is `under`, and under no other."""

    under: str


class MakeArchiveBlob(Struct, frozen=True, kw_only=True):
    """Encrypt the key to the public key whose hash is `under`, by exactly this mechanism."""

    under: str
    mechanism: str = ARCHIVE_MECHANISM


class NvMemOpPerms(Struct, frozen=True, kw_only=True):
    """Use of an area of the module's non-volatile memory, whose own permissions these are."""

    rights: frozenset[NvRight]


Action = OpPermissions | MakeBlob | MakeArchiveBlob | NvMemOpPerms


class Group(Struct, frozen=True, kw_only=True):
    """One permission group: what it grants, and on which conditions.

    `certifier` is the hash of the key whose certificate must be presented, `module` the ESN it holds on; "" is none.
    With `fresh` the certificate must have been made for this request: a stored one does not do.
    """

    actions: tuple[Action, ...]
    certifier: str = ""
    fresh: bool = False
    module: str = ""
    limit: Limit | None = None


class Acl(Struct, frozen=True, kw_only=True):
    """All groups of a key, in order."""

    groups: tuple[Group, ...]

    def rights(self) -> frozenset[Right]:
        """Every operation right that some group grants, under whatever condition."""
        return frozenset(
            right
            for group in self.groups
            for action in group.actions
            if isinstance(action, OpPermissions)
            for right in action.rights
        )

    def blobs_under(self) -> frozenset[str]:
        """The hashes of all module keys and tokens the key may be encrypted under."""
        return frozenset(a.under for g in self.groups for a in g.actions if isinstance(a, MakeBlob))

    def archives_under(self) -> frozenset[str]:
        """The hashes of all public keys the key may be encrypted to."""
        return frozenset(a.under for g in self.groups for a in g.actions if isinstance(a, MakeArchiveBlob))

    def certifiers(self) -> frozenset[str]:
        """The hashes of all keys whose owner can use a group that others cannot."""
        return frozenset(g.certifier for g in self.groups if g.certifier)


class Grant(Struct, frozen=True, kw_only=True):
    """The evaluator's yes. `limit` must be counted, a `UseLimit` in the same commit as the use."""

    limit: Limit | None


def authorise(
    acl: Acl,
    wanted: Action,
    *,
    presented: frozenset[str],
    esn: str,
    used: Callable[[str], int],
    fresh: frozenset[str] = frozenset(),
    since: Since | None = None,
) -> Grant:
    """Say yes to one use of a key, or refuse.

    Args:
        acl: the list that came out of the key's own blob.
        wanted: exactly what is about to be done; rights wanted together must be granted by one group.
        presented: hashes of the keys whose certificates were presented (such as KNSO's after an ACS quorum).
        esn: the module that asks.
        used: how often the counter of that name was used so far.
        fresh: which of `presented` were made for this request.
        since: what happened since the key was loaded; without it no group limited by that grants anything.

    Raises:
        Refused: UseLimitExceeded or TimeLimitExceeded where only a used-up group grants it, AccessDenied where none
            does.
    """
    over: Status | None = None
    for group in acl.groups:
        shown = presented & fresh if group.fresh else presented
        if (group.certifier or group.fresh) and group.certifier not in shown:
            continue
        if group.module and group.module != esn:
            continue
        if not any(covers(action, wanted) for action in group.actions):
            continue
        why = None if group.limit is None else limits.spent(group.limit, used, since)
        if why is None:
            return Grant(limit=group.limit)
        over = why
    if over is not None:
        raise Refused(over, f"the right to {describe(wanted)} is used up")
    raise Refused(Status.ACCESS_DENIED, f"the key's permissions do not allow to {describe(wanted)}")


def covers(granted: Action, wanted: Action) -> bool:
    """Say whether `granted` includes all of `wanted`."""
    match granted, wanted:
        case (OpPermissions(rights=all_rights), OpPermissions(rights=rights)):
            return rights <= all_rights
        case (NvMemOpPerms(rights=all_uses), NvMemOpPerms(rights=uses)):
            return uses <= all_uses
        case _:
            return granted == wanted


def describe(action: Action) -> str:
    """Return the action in the operator's words."""
    match action:
        case OpPermissions(rights=rights):
            return f"use it for {', '.join(sorted(rights))}"
        case MakeBlob(under=under):
            return f"make a blob under {under}"
        case MakeArchiveBlob(under=under):
            return f"make an archive blob under {under}"
        case NvMemOpPerms(rights=rights):
            return f"use the area for {', '.join(sorted(rights))}"
        case _:
            assert_never(action)


def to_data(acl: Acl) -> list[dict[str, Any]]:
    """Return the ACL in its stored form."""
    return [
        {
            "certifier": group.certifier,
            **({"fresh": True} if group.fresh else {}),
            "module": group.module,
            "limit": limits.to_data(group.limit),
            "actions": [_action_data(action) for action in group.actions],
        }
        for group in acl.groups
    ]


def from_data(value: object) -> Acl:
    """Return the ACL of its stored form.

    Raises:
        DamagedFile: not the form `to_data` gives, or it grants ExportAsPlain, which no key here can have.
    """
    if not isinstance(value, list):
        raise DamagedFile("the access control list is not a list")
    acl = Acl(groups=tuple(_group(item) for item in value))
    if Right.EXPORT_AS_PLAIN in acl.rights():
        raise DamagedFile("the access control list grants ExportAsPlain")
    return acl


def _group(value: object) -> Group:
    names = frozenset({"certifier", "module", "limit", "actions"})
    fresh = isinstance(value, dict) and "fresh" in value
    data = encoding.fields(value, names | {"fresh"} if fresh else names, "a permission group")
    if fresh and (data["fresh"] is not True or not data["certifier"]):
        raise DamagedFile("a permission group demands something other than a fresh certificate of somebody")
    if not isinstance(data["actions"], list):
        raise DamagedFile("the actions of a permission group are not a list")
    return Group(
        certifier=_text(data["certifier"]),
        fresh=fresh,
        module=_text(data["module"]),
        limit=limits.from_data(data["limit"]),
        actions=tuple(_action(item) for item in data["actions"]),
    )


def _action_data(action: Action) -> dict[str, Any]:
    match action:
        case OpPermissions(rights=rights):
            return {"type": "OpPermissions", "rights": sorted(rights)}
        case MakeBlob(under=under):
            return {"type": "MakeBlob", "under": under}
        case MakeArchiveBlob(under=under, mechanism=mechanism):
            return {"type": "MakeArchiveBlob", "under": under, "mechanism": mechanism}
        case NvMemOpPerms(rights=rights):
            return {"type": "NVMemOpPerms", "rights": sorted(rights)}
        case _:
            assert_never(action)


def _action(value: object) -> Action:
    kind = value.get("type") if isinstance(value, dict) else None
    match kind:
        case "OpPermissions":
            return OpPermissions(rights=_rights(value, Right))
        case "NVMemOpPerms":
            return NvMemOpPerms(rights=_rights(value, NvRight))
        case "MakeBlob":
            data = encoding.fields(value, frozenset({"type", "under"}), "a MakeBlob action")
            return MakeBlob(under=_text(data["under"]))
        case "MakeArchiveBlob":
            data = encoding.fields(value, frozenset({"type", "under", "mechanism"}), "a MakeArchiveBlob action")
            return MakeArchiveBlob(under=_text(data["under"]), mechanism=_text(data["mechanism"]))
        case _:
            raise DamagedFile("a permission group has an unknown action")


def _rights(value: object, kind: type[R]) -> frozenset[R]:
    rights = encoding.fields(value, frozenset({"type", "rights"}), "an action of a permission group")["rights"]
    if not isinstance(rights, list) or any(right not in list(kind) for right in rights):
        raise DamagedFile("an action of a permission group has unknown rights")
    return frozenset(kind(right) for right in rights)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DamagedFile("the access control list holds something other than text where text is expected")
    return value
