"""What a vault HSM demands of a key before it takes it in.

The package is not signed by its source, and need not be: anybody can encrypt to a KEK, but only the private key that
the source's module certified as its own fits the public key in that certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from hsm_emulator import acl, attestation, chain, crypto, encoding
from hsm_emulator.acl import Group, MakeArchiveBlob, MakeBlob, NvMemOpPerms, OpPermissions, Right
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.limits import UseLimit

if TYPE_CHECKING:
    from hsm_emulator.byok import TransferHeader
    from hsm_emulator.region.records import RegionRecord

RIGHTS: Final = frozenset(
    {
        Right.SIGN,
        Right.VERIFY,
        Right.ENCRYPT,
        Right.DECRYPT,
        Right.GET_ACL,
        Right.REDUCE_ACL,
        Right.DUPLICATE_HANDLE,
        Right.GET_APP_DATA,
    }
)
"""Rights over itself that an imported key may have; every other one is refused."""

SMALLEST: Final = 2048
"""The fewest bits of an RSA key that is taken in."""


def check_header(header: TransferHeader, region: RegionRecord, subscription_id: str) -> None:
    """Check that a package is for this region's world and the vault's subscription.

    Raises:
        Refused: InvalidParameter, each with its own words.
    """
    if header.region != region.token:
        raise _not_for(f"the package is for region {header.region}, this is {region.token}")
    if (header.hknso, header.hkm) != (region.hknso, region.hkm):
        raise _not_for("the package is for another Security World than this region's")
    if header.subscription_id.lower() != subscription_id.lower():
        raise _not_for(f"the package is for subscription {header.subscription_id}, the vault is in {subscription_id}")


def check_origin(header: TransferHeader) -> str:
    """Check that an emulated module generated the key and certified exactly this public key.

    Returns:
        hkm of the world it comes from.

    Raises:
        DamagedFile: a certificate is not what it should be, or the key was made exportable.
        Refused: VerifyFailed, each with its own words.
    """
    warrant = attestation.from_data(header.warrant, Kind.WARRANT)
    state = attestation.from_data(header.module_state, Kind.MODULE_STATE)
    generation = attestation.from_data(header.key_generation, Kind.KEY_GENERATION)
    module = chain.check_chain(attestation.root_public(), warrant, state, "the source")
    body, public = chain.check_generation(generation, module, "the transferred key")
    if header.key_hash != body["key_hash"] or header.public_key != body["public_key"]:
        raise _unproven("the package names another key than its certificate")
    if crypto.rsa_bits(public) < SMALLEST:
        raise _unproven(f"the key is not an RSA key of at least {SMALLEST} bits")
    acl.from_data(body["acl"])
    return chain.word(body, "hkm")


def open_payload(payload: bytes, header: TransferHeader) -> tuple[bytes, acl.Acl]:
    """Return the private key (PKCS#8 DER) and its permissions, after checking that it is the certified key.

    Raises:
        DamagedFile: the payload does not parse.
        Refused: VerifyFailed, it is another key.
    """
    what = "the sealed key"
    data = encoding.fields(encoding.decode(payload, what), frozenset({"private_key", "acl", "appdata"}), what)
    chain.word(data, "appdata")
    private = encoding.untext(data["private_key"], "the private key")
    key = crypto.rsa_load_foreign(private)
    if key is None or encoding.text(crypto.rsa_public_der(key)) != header.public_key:
        raise _unproven("the private key in the package is not the certified one")
    return private, acl.from_data(data["acl"])


def admit(permissions: acl.Acl, region: RegionRecord, source_hkm: str) -> acl.Acl:
    """Return the permissions a key keeps in the vault, after checking those it comes with.

    Allowed are `RIGHTS`, blobs under this region's KM and the source's, and one archive blob to this region's KEK,
    once. What only served the journey (the archive right and the source's blob) is dropped, which is a reduction.

    Raises:
        Refused: InvalidACL, each with its own words.
    """
    archives = [a for group in permissions.groups for a in group.actions if isinstance(a, MakeArchiveBlob)]
    if len(archives) > 1:
        raise _too_much("they allow more than one archive blob")
    for group in permissions.groups:
        _check_group(group, region, source_hkm)
    dropped = (MakeArchiveBlob(under=region.kek_hash), MakeBlob(under=source_hkm))
    kept = (tuple(action for action in group.actions if action not in dropped) for group in permissions.groups)
    reduced = acl.Acl(groups=tuple(Group(actions=actions) for actions in kept if actions))
    if MakeBlob(under=region.hkm) not in [action for group in reduced.groups for action in group.actions]:
        raise Refused(Status.INVALID_ACL, "the key's permissions do not let this region store it")
    return reduced


def _check_group(group: Group, region: RegionRecord, source_hkm: str) -> None:
    if group.certifier or group.module:
        raise _too_much("a group of them depends on a certificate or on one module")
    archive = any(isinstance(action, MakeArchiveBlob) for action in group.actions)
    if archive and (len(group.actions) != 1 or not isinstance(group.limit, UseLimit) or group.limit.uses != 1):
        raise _too_much("its archive right is not for exactly one use")
    if not archive and group.limit is not None:
        raise _too_much("a use limit stands where none belongs")
    for action in group.actions:
        if not _allowed(action, region, source_hkm):
            raise _too_much(f"they allow to {acl.describe(action)}")


def _allowed(action: acl.Action, region: RegionRecord, source_hkm: str) -> bool:
    match action:
        case OpPermissions(rights=rights):
            return rights <= RIGHTS
        case MakeBlob(under=under):
            return under in {region.hkm, source_hkm}
        case MakeArchiveBlob():
            return action == MakeArchiveBlob(under=region.kek_hash)
        case NvMemOpPerms():
            return False
        case _:
            assert_never(action)


def _too_much(words: str) -> Refused:
    return Refused(Status.INVALID_ACL, f"the key's permissions are not those of a reduced copy: {words}")


def _not_for(words: str) -> Refused:
    return Refused(Status.INVALID_PARAMETER, words)


def _unproven(words: str) -> Refused:
    return Refused(Status.VERIFY_FAILED, words)
