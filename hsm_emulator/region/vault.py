"""A region's vault HSM: installed from the shipped data, it takes in what was sealed to its KEK, once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import acl, byok, crypto, encoding
from hsm_emulator.acl import MakeBlob, OpPermissions, Right
from hsm_emulator.errors import Refused, Status
from hsm_emulator.region import admission, records
from hsm_emulator.region.records import KeyRecord, RegionRecord, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hsm_emulator.disk import Disk
    from hsm_emulator.receipts import Receipt
    from hsm_emulator.store import Store

_VAULT: Final = re.compile(r"[0-9A-Za-z-]{3,24}")
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

CHALLENGE: Final = 32


class ImportRequest(Struct, frozen=True, kw_only=True):
    """Take this package into this vault, which is in this subscription, under this name."""

    package: bytes
    vault: str
    name: str
    subscription_id: str
    request_id: str

    @property
    def digest(self) -> str:
        """SHA-256 of the request, hex: what makes two requests under one id the same."""
        fields = [crypto.sha256(self.package).hex(), self.vault, self.name, self.subscription_id]
        return crypto.sha256(encoding.encode(["import", *fields])).hex()


def install(folder: Path, code: str, draw: crypto.Draw, disk: Disk) -> None:
    """Make the vault HSM of a region in `folder`. Doing it again for the same region changes nothing.

    Raises:
        Refused: UnknownID, no such region; InvalidParameter, the folder is another region's.
        StoreBroken: the folder was edited.
    """
    from hsm_emulator.region import catalogue
    from hsm_emulator.store import Store

    place = catalogue.region(code)
    shipped = catalogue.world(place.token)
    verified = byok.verify_packages(shipped.kek_package, shipped.world_package)
    record = RegionRecord(
        code=code,
        token=place.token,
        kek_hash=verified.kek_hash,
        hknso=verified.hknso,
        hkm=verified.hkm,
        kek_package=shipped.kek_package.decode("ascii"),
        world_package=shipped.world_package.decode("ascii"),
    )
    dev = draw.take(32)
    secrets = Secrets(kek_private=shipped.silicon.kek_private, km=shipped.silicon.km)
    files = {
        records.REGION: records.region_file(record),
        records.DEV: dev,
        records.MODULE: records.module_file(dev, secrets, draw),
    }
    digest = crypto.sha256(encoding.encode(["install", code])).hex()
    with Store.open(folder, disk) as store:
        store.commit("install", "install", digest, files, encoding.encode({"kind": "installed", "code": code}))


def take_in(store: Store, request: ImportRequest, draw: crypto.Draw) -> Receipt:
    """Import a key and return the receipt, whose reply is canonical JSON {key_hash, kid, public_key}.

    1. A request that was answered before gets its stored answer.
    2. Names are well-formed; the package is new, the name free, the vault in this subscription.
    3. The package opens: the KEK's hash is compared before any decryption.
    4. Header, certificates and permissions are those of a key that was reduced for this region.
    5. The key is stored under this region's KM, as its permissions allow.
    6. The stored key signs a fresh challenge, which the source's public key verifies.

    Raises:
        DamagedFile: the package does not parse.
        Refused: nothing was changed.
    """
    if (known := store.answered(request.request_id, request.digest)) is not None:  # 1
        return known
    files = store.files()
    region, secrets = records.region_of(files), records.secrets_of(files)
    _check_request(files, request)  # 2
    header, payload = byok.open_transfer(request.package, secrets.kek_private)  # 3
    admission.check_header(header, region, request.subscription_id)  # 4
    source_hkm = admission.check_origin(header)
    private, permissions = admission.open_payload(payload, header)
    kept = admission.admit(permissions, region, source_hkm)
    _authorise(kept, MakeBlob(under=region.hkm))  # 5
    version = draw.take(16).hex()
    record = KeyRecord(
        vault=request.vault,
        name=request.name,
        kid=f"https://{request.vault}.vault.SIMULATED/keys/{request.name}/{version}",
        key_hash=header.key_hash,
        public_key=header.public_key,
        subscription_id=request.subscription_id.lower(),
        package=crypto.sha256(request.package).hex(),
    )
    content = records.key_file(record, private, kept, secrets.km, draw)
    _prove(content, secrets.km, header.public_key, draw)  # 6
    after = {**files, records.key_path(request.vault, request.name): content}
    reply = encoding.encode({"key_hash": record.key_hash, "kid": record.kid, "public_key": record.public_key})
    return store.commit(request.request_id, "import", request.digest, after, reply)


def _check_request(files: Mapping[str, bytes], request: ImportRequest) -> None:
    for value, pattern, what in (
        (request.vault, _VAULT, "the vault's name is not 3 to 24 letters, digits and hyphens"),
        (request.name, _NAME, "the key's name is not 1 to 127 letters, digits and hyphens"),
        (request.subscription_id, _UUID, "the subscription id is not a UUID"),
    ):
        if not pattern.fullmatch(value):
            raise Refused(Status.INVALID_PARAMETER, what)
    package = crypto.sha256(request.package).hex()
    path = records.key_path(request.vault, request.name)
    for key in records.keys_of(files):
        if key.package == package:
            raise Refused(Status.ALREADY_EXISTS, f"this package was imported before, as {key.name} in {key.vault}")
        if records.key_path(key.vault, key.name) == path:
            raise Refused(Status.ALREADY_EXISTS, f"the vault {key.vault} has a key {key.name}")
        if key.vault.lower() == request.vault.lower() and key.subscription_id != request.subscription_id.lower():
            raise Refused(Status.INVALID_PARAMETER, f"the vault {key.vault} is in another subscription")


def _prove(content: bytes, km: bytes, public_key: str, draw: crypto.Draw) -> None:
    private, permissions = records.open_key(content, km)
    _authorise(permissions, OpPermissions(rights=frozenset({Right.SIGN})))
    challenge = b"SIMULATED vault proof of possession\0" + draw.take(CHALLENGE)
    signature = crypto.rsa_sign(private, challenge)
    if not crypto.rsa_verify(encoding.untext(public_key, "the public key"), signature, challenge):
        raise Refused(Status.VERIFY_FAILED, "the imported key does not sign for the source's public key")


def _authorise(permissions: acl.Acl, wanted: acl.Action) -> None:
    """Ask the one evaluator; an admitted key has no use limits, so no counter is ever asked."""
    acl.authorise(permissions, wanted, presented=frozenset(), esn="", used=lambda _: 0)
