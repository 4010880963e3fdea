"""What the keys of a world itself may be used for: permissions that follow from what each key is.

KNSO certifies and signs for the world's NSO timeout after it was loaded, and is put under a new token once. The others
have one purpose each. They ask the same evaluator as application keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import acl
from hsm_emulator.acl import Acl, Group, MakeBlob, OpPermissions, Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.limits import AuthorisationLimit, TimeLimit
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.acl import Action
    from hsm_emulator.limits import Since

_RIGHTS: Final = {
    "KNSO": frozenset({Right.USE_AS_CERTIFICATE, Right.SIGN}),
    "KM": frozenset({Right.USE_AS_KM}),
    "KMC": frozenset({Right.SIGN_MODULE_CERT}),
    "KRE": frozenset({Right.DECRYPT, Right.USE_AS_BLOB_KEY}),
    "KRA": frozenset({Right.USE_AS_CERTIFICATE}),
    "KP": frozenset({Right.DECRYPT}),
    "KNV": frozenset({Right.USE_AS_CERTIFICATE}),
    "KRTC": frozenset({Right.USE_AS_CERTIFICATE}),
    "KFTO": frozenset({Right.USE_AS_CERTIFICATE}),
    "KDSEE": frozenset({Right.USE_AS_CERTIFICATE}),
    "KFIPS": frozenset({Right.USE_AS_CERTIFICATE}),
}


class AdminKey(Unshown, frozen=True, kw_only=True):
    """A key of the world: its hash, its public half (SubjectPublicKeyInfo, b"" for a symmetric key), its secret."""

    token: str
    hash: str
    public: bytes
    secret: bytes


class SealedKey(Struct, frozen=True, kw_only=True):
    """A key of the world as the file has it: the secret sealed under its token."""

    token: str
    hash: str
    public: bytes
    blob: bytes


def permissions(name: str, token: str, nso_timeout: int) -> Acl:
    """Return the permissions of an administrator key that lies under `token`; the time-out is in seconds."""
    use = OpPermissions(rights=_RIGHTS[name])
    if name == "KNSO":
        timed = Group(actions=(use,), limit=TimeLimit(seconds=nso_timeout))
        return Acl(groups=(timed, Group(actions=(MakeBlob(under=token),), limit=AuthorisationLimit(uses=1))))
    return Acl(groups=(Group(actions=(use, MakeBlob(under=token))),))


def demand(name: str, token: str, nso_timeout: int, wanted: Action, since: Since) -> None:
    """Refuse a use of an administrator key that its permissions do not allow.

    Raises:
        Refused: AccessDenied; TimeLimitExceeded where KNSO was loaded too long ago: the card set is read again.
    """
    acl.authorise(
        permissions(name, token, nso_timeout), wanted, presented=frozenset(), esn="", used=lambda _: 0, since=since
    )


def demand_kp(keys: Mapping[str, SealedKey]) -> bytes:
    """Return the public half of KP, out of the keys of a world that has passphrase recovery.

    Raises:
        Refused: InvalidParameter in a world that has not.
    """
    if "KP" not in keys:
        words = "the world was made without passphrase recovery, and it cannot be turned on later"
        raise Refused(Status.INVALID_PARAMETER, words)
    return keys["KP"].public
