"""How the rest of the emulator talks to a region: imports go through a process of their own, look-ups do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hsm_emulator import encoding
from hsm_emulator.disk import Disk
from hsm_emulator.errors import EmulatorError, Refused, Status, StoreBroken
from hsm_emulator.region import records
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from hsm_emulator.region.records import KeyRecord

TIME_OUT: Final = 30.0
"""Seconds an import may take; it takes a quarter of one on the reference machine."""


class NoAnswerError(EmulatorError):
    """The vault's process died or was too slow. Whether it imported, the same request id asked again will tell."""


class Imported(Struct, frozen=True, kw_only=True):
    """The vault has the key. `public_key` is base64 of its DER SubjectPublicKeyInfo, the head that of the receipt."""

    key_hash: str
    public_key: str
    kid: str
    audit_size: int
    audit_head: str


class VaultKey(Struct, frozen=True, kw_only=True):
    """A key as a vault shows it."""

    vault: str
    name: str
    public_key: str
    key_hash: str
    kid: str


class RegionState(Struct, frozen=True, kw_only=True):
    """A region as it stands: its receipts' count and chain head, and its keys by vault and name."""

    code: str
    size: int
    head: str
    keys: tuple[VaultKey, ...]


def import_key(
    folder: Path,
    package: Path,
    *,
    vault: str,
    name: str,
    subscription_id: str,
    request_id: str,
    time_out: float = TIME_OUT,
) -> Imported:
    """Import a transfer package into a vault of the region in `folder`.

    The process that does it has an environment of two variables and no inherited files, runs in the region's folder,
    and is told nothing of the exporter. The same request id again gets the same answer.

    Raises:
        Refused: the vault says no; nothing was changed.
        StoreBroken: the region's folder was edited.
        NoAnswerError: it is not known whether the import happened.
    """
    root = Path(__file__).resolve().parents[2]
    place = folder.resolve()
    names = [str(place), str(package.resolve()), vault, name, subscription_id, request_id]
    if not place.is_dir():
        raise Refused(Status.INVALID_STATE, "no region is installed in this folder")
    if any("\0" in item for item in names):
        raise Refused(Status.INVALID_PARAMETER, "a name holds a zero byte")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-s", "-m", "hsm_emulator.region.importer", *names],
            cwd=place,
            env={"PYTHONPATH": str(root), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_out,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"the vault gave no answer within {time_out} seconds") from None
    return _answer(done.stdout)


def read_key(folder: Path, vault: str, name: str) -> VaultKey:
    """Return a key of a vault; case makes no difference.

    Raises:
        Refused: UnknownKey, there is none; InvalidState, no region here, or it is in use.
        StoreBroken: the region's folder was edited.
    """
    path = records.key_path(vault, name)
    for key in state(folder).keys:
        if records.key_path(key.vault, key.name) == path:
            return key
    raise Refused(Status.UNKNOWN_KEY, f"the vault {vault} has no key {name}")


def state(folder: Path) -> RegionState:
    """Return the region as it stands.

    Raises:
        Refused: InvalidState, no region here, or it is in use.
        StoreBroken: the region's folder was edited.
    """
    with _open(folder) as store:
        files = store.files()
        keys = tuple(_shown(record) for record in records.keys_of(files))
        return RegionState(code=records.region_of(files).code, size=store.size, head=store.head, keys=keys)


def since(folder: Path, head: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether `head` was ever this region's chain head, and the ids of the requests committed after it.

    Raises:
        Refused: InvalidState, no region here, or it is in use.
        StoreBroken: the region's folder was edited.
    """
    with _open(folder) as store:
        return store.since(head)


def _open(folder: Path) -> Store:
    if not (folder / records.REGION).is_file():  # opening a store would make one
        raise Refused(Status.INVALID_STATE, "no region is installed in this folder")
    return Store.open(folder, Disk())


def _shown(record: KeyRecord) -> VaultKey:
    return VaultKey(
        vault=record.vault,
        name=record.name,
        public_key=record.public_key,
        key_hash=record.key_hash,
        kid=record.kid,
    )


def _answer(line: bytes) -> Imported:
    try:
        answer: dict[str, Any] = encoding.decode(line.removesuffix(b"\n"), "the vault's answer")
        kind = answer.pop("kind")
        match kind:
            case "imported":
                return Imported(**answer)
            case "refused":
                refusal: Exception = Refused(Status(answer["status"]), answer["words"])
            case "broken":
                refusal = StoreBroken(answer["words"])
            case _:
                refusal = NoAnswerError("the vault's answer is of an unknown kind")
    except (Refused, AttributeError, KeyError, TypeError, ValueError):
        raise NoAnswerError("the vault's process ended without an answer") from None
    raise refusal
