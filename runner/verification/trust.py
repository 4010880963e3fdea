"""What is known from outside the record: whose it is and who signs it, what is demanded, what was seen before."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from runner import canonical
from runner.canonical import NotCanonical, file_digest
from runner.spoken import plain
from runner.verification.notes import NoteKey, read_root, read_vkey
from runner.verification.reading import HASH, ID, NAME, ShapeError, fit, whole
from runner.verification.signatures import PublicKey, read_key
from runner.verification.signers import distinct

_ORIGIN: Final = re.compile(r"[^\s+]+")
_ID: Final = re.compile("[0-9a-f]{32}")
_TRUST: Final = {
    "format": frozenset({"trust/1"}),
    "origin": _ORIGIN,
    "log_keys": [str],
    "plan_sha256": (HASH, None),
    "people": [{"person": ID, "key": str}],
    "trust_lists": [{"list": frozenset({"simulated"}), "values": [{"name": NAME, "value": str}]}],
}
_POLICY: Final = {
    "format": frozenset({"policy/1"}),
    "origin": (_ORIGIN, None),
    "plan_sha256": (HASH, None),
    "approvers": [ID],
    "plan": whole,
    "close": whole,
    "signed_gates": bool,
}
_REGISTRY: Final = {
    "format": frozenset({"registry/1"}),
    "checkpoints": [{"origin": _ORIGIN, "size": whole, "root": str}],
    "approvals": [{"approval": _ID, "ceremony": _ID}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The anchors.

    `people` gives each person's key as it is written; `simulated` are a rehearsal's values by name, None where the file
    has no such list.
    """

    origin: str
    log_keys: tuple[NoteKey, ...]
    plan_sha256: str | None
    people: dict[str, str]
    simulated: dict[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an auditor demands beyond what the record asks of itself; docs/record.md says of what."""

    origin: str | None
    plan_sha256: str | None
    approvers: frozenset[str]
    plan: int
    close: int
    signed_gates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What an auditor saw before: checkpoints as (origin, size, root), and which ceremony used which approval."""

    checkpoints: tuple[tuple[str, int, bytes], ...]
    approvals: tuple[tuple[str, str], ...]


def read_trust(content: bytes) -> Trust:
    """Return the anchors of a trust file.

    Raises:
        ShapeError: not JSON; another shape; a key that is none, of another log, or of two people; a name, a person or a
            list twice; nothing at all to believe a log by.
    """
    data = _parsed(content, _TRUST, "trust")
    keys = tuple(read_vkey(text) for text in data["log_keys"])
    if any(key.origin != data["origin"] for key in keys):
        raise ShapeError("trust.log_keys: each is of the log that trust.origin names")
    people = {item["person"]: item["key"] for item in data["people"]}
    if not keys and not people and data["plan_sha256"] is None:
        raise ShapeError("trust: no log key, no person and no plan: there is nothing to believe a log by")
    read = {person: _person_key(person, key) for person, key in people.items()}
    if len(people) != len(data["people"]):
        raise ShapeError("trust.people names somebody twice")
    distinct(read)
    lists = data["trust_lists"]
    values = lists[0]["values"] if lists else []
    if len(lists) > 1 or len(values) != len({item["name"] for item in values}):
        raise ShapeError("trust.trust_lists: a list or a name stands twice")
    return Trust(
        origin=data["origin"],
        log_keys=keys,
        plan_sha256=data["plan_sha256"],
        people=people,
        simulated={item["name"]: item["value"] for item in values} if lists else None,
    )


def read_policy(content: bytes) -> Policy:
    """Return the demands of a policy file.

    Raises:
        ShapeError: not JSON; another shape; an approver twice; more approvals than there are approvers.
    """
    data = _parsed(content, _POLICY, "policy")
    approvers = frozenset(data["approvers"])
    if len(approvers) != len(data["approvers"]):
        raise ShapeError("policy.approvers names somebody twice")
    if approvers and data["plan"] > len(approvers):
        raise ShapeError("policy.plan asks for more approvals than there are approvers")
    return Policy(**{name: value for name, value in data.items() if name != "format"} | {"approvers": approvers})


def read_registry(content: bytes) -> Registry:
    """Return what a registry file says was seen before.

    Raises:
        ShapeError: not JSON; another shape; a root that is none; one approval for two ceremonies.
    """
    data = _parsed(content, _REGISTRY, "registry")
    approvals = tuple(sorted({(item["approval"], item["ceremony"]) for item in data["approvals"]}))
    if len({approval for approval, _ceremony in approvals}) != len(approvals):
        raise ShapeError("registry.approvals: one approval stands for two ceremonies")
    return Registry(
        checkpoints=tuple((item["origin"], item["size"], read_root(item["root"])) for item in data["checkpoints"]),
        approvals=approvals,
    )


def list_digest(values: dict[str, str]) -> str | None:
    """Return the digest that entry 0 gives of a trust list; None where a value has no canonical form."""
    items = [{"name": name, "value": value.lower()} for name, value in sorted(values.items())]
    try:
        return file_digest(canonical.encode(items))
    except NotCanonical:
        return None


def _person_key(person: str, text: str) -> PublicKey:
    try:
        return read_key(text)
    except ShapeError as error:
        raise ShapeError(f"trust.people: the key of {person}: {error}") from None


def _parsed(content: bytes, shape: dict[str, Any], name: str) -> Any:
    try:
        data = json.loads(content.decode(), object_pairs_hook=_closed)
    except (ValueError, RecursionError) as error:
        words = f"the {name} file is not JSON in UTF-8, or holds a key twice ({type(error).__name__})"
        raise ShapeError(words) from None
    (wanted,) = shape["format"]
    if isinstance(data, dict) and data.get("format") != wanted:
        raise ShapeError(f"the {name} file is of format {plain(str(data.get('format')))}, and {wanted} is wanted")
    fit(data, shape, name)
    return data


def _closed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice")
    return data
