"""The files of a region's folder.

    region.json           what anybody may know of the region: code, token, hashes, both packages
    keys/<vault>/<name>   an imported key: its public record, and its blob under the region's KM
    silicon/dev           the key of this one vault HSM, drawn at installation
    silicon/module        KEK and KM, sealed under it

Only `silicon/` opens anything. Each file is its line and one canonical JSON object; unknown fields are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from hsm_emulator import acl, chain, crypto, encoding
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION: Final = "region.json"
KEYS: Final = "keys/"
DEV: Final = "silicon/dev"
MODULE: Final = "silicon/module"

KEY_LINE: Final = b"SIMULATED vault HSM, imported key, version 1\n"
REGION_LINE: Final = b"SIMULATED vault HSM, region, version 1\n"
MODULE_LINE: Final = b"SIMULATED vault HSM, module memory, version 1\n"


class RegionRecord(Struct, frozen=True, kw_only=True):
    """A region: hashes of 40 hex digits, and the text of its two packages."""

    code: str
    token: str
    kek_hash: str
    hknso: str
    hkm: str
    kek_package: str
    world_package: str


class KeyRecord(Struct, frozen=True, kw_only=True):
    """What a vault says of a key: `public_key` is base64 of its DER SubjectPublicKeyInfo, `package` a SHA-256."""

    vault: str
    name: str
    kid: str
    key_hash: str
    public_key: str
    subscription_id: str
    package: str


class Secrets(Unshown, frozen=True, kw_only=True):
    """What the vault HSM holds inside: the KEK (PKCS#8 DER) and KM."""

    kek_private: bytes
    km: bytes


def region_of(files: Mapping[str, bytes]) -> RegionRecord:
    """Return the region that is installed here.

    Raises:
        Refused: InvalidState, none is.
        DamagedFile: its file does not parse.
    """
    if REGION not in files:
        raise Refused(Status.INVALID_STATE, "no region is installed in this folder")
    return RegionRecord(**_texts(_parse(files[REGION], REGION_LINE, "the region's file"), RegionRecord))


def region_file(record: RegionRecord) -> bytes:
    """Return the bytes of `region.json`."""
    return REGION_LINE + encoding.encode(asdict(record))


def keys_of(files: Mapping[str, bytes]) -> tuple[KeyRecord, ...]:
    """Return the records of all keys, by vault and name.

    Raises:
        DamagedFile: a key's file does not parse.
    """
    return tuple(_key(files[path])[0] for path in sorted(files) if path.startswith(KEYS))


def key_path(vault: str, name: str) -> str:
    """Return where a key is kept: names differ by more than case, as in the service."""
    return f"{KEYS}{vault.lower()}/{name.lower()}"


def key_file(record: KeyRecord, private_der: bytes, permissions: acl.Acl, km: bytes, draw: crypto.Draw) -> bytes:
    """Return the bytes of a key's file: the record, and the key with its permissions sealed under KM, bound to it."""
    secret = encoding.encode({"private_key": encoding.text(private_der), "acl": acl.to_data(permissions)})
    blob = crypto.seal(_blob_key(km), secret, _aad(record), draw)
    return KEY_LINE + encoding.encode({"record": asdict(record), "blob": encoding.text(blob)})


def open_key(content: bytes, km: bytes) -> tuple[bytes, acl.Acl]:
    """Return the private key (PKCS#8 DER) and the permissions inside a key's file.

    Raises:
        DamagedFile: it does not parse, or it is not under this KM.
    """
    record, blob = _key(content)
    secret = crypto.unseal(_blob_key(km), blob, _aad(record))
    if secret is None:
        raise DamagedFile("the key's blob is not of this region, or was changed")
    data = encoding.fields(
        encoding.decode(secret, "the key's blob"), frozenset({"private_key", "acl"}), "the key's blob"
    )
    return encoding.untext(data["private_key"], "the private key"), acl.from_data(data["acl"])


def module_file(dev: bytes, secrets: Secrets, draw: crypto.Draw) -> bytes:
    """Return the bytes of `silicon/module`."""
    content = {"kek_private": encoding.text(secrets.kek_private), "km": encoding.text(secrets.km)}
    return MODULE_LINE + crypto.seal(_module_key(dev), encoding.encode(content), MODULE_LINE, draw)


def secrets_of(files: Mapping[str, bytes]) -> Secrets:
    """Return what the vault HSM holds inside.

    Raises:
        DamagedFile: `silicon/` is missing or of another installation.
    """
    sealed = files.get(MODULE, b"").removeprefix(MODULE_LINE)
    content = crypto.unseal(_module_key(files.get(DEV, b"")), sealed, MODULE_LINE)
    if content is None:
        raise DamagedFile("the module's memory does not open: silicon/ is missing, or of another installation")
    what = "the module's memory"
    data = encoding.fields(encoding.decode(content, what), frozenset({"kek_private", "km"}), what)
    return Secrets(kek_private=encoding.untext(data["kek_private"], what), km=encoding.untext(data["km"], what))


def _key(content: bytes) -> tuple[KeyRecord, bytes]:
    what = "a key's file"
    data = encoding.fields(_parse(content, KEY_LINE, what), frozenset({"record", "blob"}), what)
    return KeyRecord(**_texts(data["record"], KeyRecord)), encoding.untext(data["blob"], "the key's blob")


def _parse(content: bytes, line: bytes, what: str) -> Any:
    if not content.startswith(line):
        raise DamagedFile(f"{what} does not begin with the line of its kind")
    return encoding.decode(content[len(line) :], what)


def _texts(value: object, kind: type[RegionRecord | KeyRecord]) -> dict[str, str]:
    data = encoding.fields(value, frozenset(kind.__struct_fields__), "a record")
    return {name: chain.word(data, name) for name in data}


def _aad(record: KeyRecord) -> bytes:
    return KEY_LINE + encoding.encode(asdict(record))


def _blob_key(km: bytes) -> bytes:
    return crypto.hkdf(km, b"SIMULATED vault key blob")


def _module_key(dev: bytes) -> bytes:
    return crypto.hkdf(dev, b"SIMULATED vault module memory")
