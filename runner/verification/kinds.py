"""Every kind of request a step may make: its fields, whether it mutates, and the kinds of reply that answer it.

Restated here from the format, not imported from the program that writes records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runner.verification.reading import HASH, ID, NAME, RULE, positive, whole

REFUSALS: Final = frozenset({"device_refused", "files_refused", "declined"})
"""Replies after which a step cannot be done."""

_CARD: Final = {"number": whole, "serial": str}
_HOLDER: Final = {"person": str, "number": whole}
_BYTES: Final = {"size": whole, "sha256": HASH}

REPLIES: Final[dict[str, dict[str, Any]]] = {
    "device_refused": {"status": str, "words": str},
    "files_refused": {"rule": str, "words": str},
    "declined": {"person": str, "reason": str},
    "people_gathered": {"acting": [{"person": str, "role": str}]},
    "value_given": {"value": str, "person": str},
    "hands_done": {"person": str},
    "exception_granted": {"people": [str], "reason": str},
    "file_arrived": _BYTES,
    "archive_unpacked": {"items": [{"file": str, **_BYTES}]},
    "mode_set": {"mode": str},
    "world_created": {"hknso": str, "hkm": str, "hkre": str, "cards": [_CARD], "file": str, **_BYTES},
    "device_inspected": {"mode": str, "hknso": str, "cards": [_CARD], "file": str, **_BYTES},
    "cards_replaced": {"hknso": str, "read": [_CARD], "cards": [_CARD], "file": str, **_BYTES},
    "cards_tried": {"opens": bool, "hknso": str, "cards": [_CARD]},
    "file_shown": {"file": str, **_BYTES},
    "file_restored": {"file": str, **_BYTES},
    "world_loaded": {"hknso": str, "hkm": str, "cards": [_CARD], "file": str, **_BYTES},
    "packages_verified": {"root_hash": str, "kek_hash": str, "world_hash": str, "hknso": str, "region": str},
    "key_made": {"key_hash": str, "public_key": str, "file": str, **_BYTES},
    "key_reduced": {"key_hash": str, "cards": [_CARD], "file": str, **_BYTES},
    "key_inspected": {
        "key_hash": str,
        "exportable": bool,
        "recoverable": bool,
        "archive_to": str,
        "blob_to": str,
        "rights": [str],
    },
    "key_proved": {"key_hash": str, "public_key": str, "challenge": HASH, "signature": str},
    "package_sealed": {"key_hash": str, "region": str, "output": str, **_BYTES},
    "key_destroyed": {"key_hash": str, "file": str, **_BYTES},
    "keys_listed": {"files": [str]},
    "key_imported": {"key_hash": str, "public_key": str, "kid": str},
    "vault_key_read": {"key_hash": str, "public_key": str, "kid": str},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of request: whether it changes a device, its fields, and what may answer it."""

    mutates: bool = False
    fields: dict[str, Any]
    replies: frozenset[str]


def _device(*replies: str, fields: dict[str, Any] | None = None, mutates: bool = False) -> Kind:
    return Kind(
        mutates=mutates, fields={"device": str, **(fields or {})}, replies=frozenset({*replies, "device_refused"})
    )


def _files(reply: str, **fields: Any) -> Kind:
    return Kind(fields=fields, replies=frozenset({reply, "files_refused"}))


_PACKAGES: Final = {"at": str, "kek": str, "world": str}
_KEY: Final = {"app": str, "ident": str}

KINDS: Final[dict[str, Kind]] = {
    "gather_people": Kind(
        fields={"needs": [{"role": str, "count": whole, "holders_of": (str, None)}]},
        replies=frozenset({"people_gathered", "declined"}),
    ),
    "ask_value": Kind(fields={"name": str, "ask": str, "type": str}, replies=frozenset({"value_given", "declined"})),
    "do_by_hand": Kind(fields={"title": str}, replies=frozenset({"hands_done", "declined"})),
    "ask_exception": Kind(
        fields={"rule": RULE, "result": NAME, "found": str, "expected": str, "role": ID, "people": positive},
        replies=frozenset({"exception_granted", "declined"}),
    ),
    "obtain_file": _files("file_arrived", file=str, at=str, at_most=whole),
    "carry_file": _files("file_arrived", file=str, store=str, source=str, medium=str, to=str),
    "back_up_file": _files("file_arrived", file=str, store=str, at=str, medium=str),
    "look_at_file": _files("file_arrived", file=str, at=str, at_most=whole),
    "unpack_archive": _files("archive_unpacked", file=str, at=str, items=[str]),
    "set_mode": _device("mode_set", fields={"mode": str}, mutates=True),
    "create_world": _device(
        "world_created",
        fields={"cipher_suite": str, "card_set": str, "threshold": whole, "cards": whole, "holders": [_HOLDER]},
        mutates=True,
    ),
    "inspect_device": _device("device_inspected"),
    "replace_cards": _device(
        "cards_replaced",
        fields={
            "old": str,
            "new": str,
            "threshold": whole,
            "cards": whole,
            "holders": [_HOLDER],
            "new_holders": [_HOLDER],
        },
        mutates=True,
    ),
    "try_cards": _device("cards_tried", fields={"card_set": str, "choices": str, "holders": [_HOLDER]}, mutates=True),
    "show_file": _device("file_shown", fields={"file": str}),
    "restore_file": _device(
        "file_restored", "files_refused", fields={"at": str, "file": str, "sha256": HASH}, mutates=True
    ),
    "load_world": _device(
        "world_loaded", fields={"card_set": str, "threshold": whole, "holders": [_HOLDER]}, mutates=True
    ),
    "verify_packages": _device("packages_verified", fields=_PACKAGES),
    "generate_key": _device("key_made", fields={**_KEY, "type": str, "size": whole, "protect": str}, mutates=True),
    "reduce_key": _device(
        "key_reduced", fields={**_KEY, **_PACKAGES, "card_set": str, "holders": [_HOLDER]}, mutates=True
    ),
    "inspect_key": _device("key_inspected", fields=_KEY),
    "prove_key": _device("key_proved", fields=_KEY),
    "seal_package": _device(
        "package_sealed",
        fields={"ident": str, **_PACKAGES, "subscription_id": str, "friendly_name": str},
        mutates=True,
    ),
    "collect_package": _device("file_arrived", "files_refused", fields={"output": str, "file": str, "at": str}),
    "destroy_key": _device("key_destroyed", fields=_KEY, mutates=True),
    "list_keys": _device("keys_listed"),
    "import_key": _device(
        "key_imported",
        fields={"at": str, "package": str, "vault": str, "name": str, "subscription_id": str},
        mutates=True,
    ),
    "read_vault_key": _device("vault_key_read", fields={"vault": str, "name": str}),
}
