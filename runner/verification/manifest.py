"""What approvers sign, restated from plan.json (docs/record.md, "approval/manifest.txt").

Verification builds the whole text again and compares the bytes: only the five terms in its head are read from it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner import canonical
from runner.canonical import file_digest
from runner.spoken import plain, plain_value, word_lines
from runner.verification.reading import SCALAR, ShapeError
from runner.verification.signatures import read_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TITLE: Final = "APPROVAL OF A KEY CEREMONY PLAN (approval/1)"
_HEAD: Final = re.compile(
    rf"{re.escape(_TITLE)}\n\n"
    r"approval   ([0-9a-f]{32})\n"
    r"valid      ([0-9]{4}-[0-9]{2}-[0-9]{2}) to ([0-9]{4}-[0-9]{2}-[0-9]{2})\n"
    r"software   ([0-9a-f]{64}) version ([0-9A-Za-z.!+_-]+)\n"
    r"plan       "
)
_MARGIN: Final = " " * 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a manifest says beside the plan.

    Attributes:
        approval: 32 hex digits, drawn for this approval.
        not_before: the first day it is valid.
        not_after: the last day it is valid.
        software: the bundle digest of the runner that must carry the plan out, 64 hex digits.
        version: that runner's version.
    """

    approval: str
    not_before: dt.date
    not_after: dt.date
    software: str
    version: str


def read_terms(manifest: bytes) -> Terms:
    """Return the terms in the head of a manifest; what follows the head is for `rebuild_manifest` to compare.

    Raises:
        ShapeError: not such a head, a day that no calendar has, or one that ends before it begins.
    """
    head = _HEAD.match(manifest.decode(errors="replace"))
    if head is None:
        raise ShapeError("the head of the manifest is not that of an approval")
    approval, first, last, software, version = head.groups()
    try:
        not_before, not_after = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        raise ShapeError("the manifest is valid on a day that no calendar has") from None
    if not_before > not_after:
        raise ShapeError("the manifest's last day is before its first")
    return Terms(approval=approval, not_before=not_before, not_after=not_after, software=software, version=version)


def rebuild_sums(plan_sha256: str, sources: Sequence[dict[str, Any]]) -> bytes:
    """Return what approval/sums.txt must hold.

    Args:
        plan_sha256: the digest of plan.json, 64 hex digits.
        sources: those of the plan, as its data.
    """
    sums = {"plan.json": plan_sha256} | {f"source/{item['file']}": item["sha256"] for item in sources}
    ordered = sorted(sums.items(), key=lambda item: item[0].encode())
    return "".join(f"{sha256}  {path}\n" for path, sha256 in ordered).encode()


def rebuild_manifest(plan: dict[str, Any], plan_sha256: str, terms: Terms) -> bytes:
    """Return what approval/manifest.txt must hold.

    Args:
        plan: the data of a plan.json that `read_plan` has read.
        plan_sha256: the digest of its bytes, 64 hex digits.
        terms: what it says beside the plan.

    Raises:
        ShapeError: a person's key is no key, or a step makes an artefact that the plan does not list.
    """
    lines = [*_head(plan, plan_sha256, terms), "", *_ceremony(plan), *_people(plan), *_agreed(plan)]
    files = {item["id"]: item["file"] for item in plan["artefacts"]}
    for number, step in enumerate(plan["steps"], 1):
        lines += ["", f"{number}. {plain(step['title'])} [{step['id']}]", *_step(step, files)]
    return "".join(f"{line}\n" for line in lines).encode()


def _head(plan: dict[str, Any], plan_sha256: str, terms: Terms) -> Iterator[str]:
    yield _TITLE
    yield ""
    yield f"approval   {terms.approval}"
    yield f"valid      {terms.not_before.isoformat()} to {terms.not_after.isoformat()}"
    yield f"software   {terms.software} version {terms.version}"
    yield f"plan       {plan_sha256}"
    for words in word_lines(plan_sha256):
        yield f"{_MARGIN}{words}"
    yield f"files      {file_digest(rebuild_sums(plan_sha256, plan['sources']))}"


def _ceremony(plan: dict[str, Any]) -> Iterator[str]:
    ceremony = plan["ceremony"]
    yield f"ceremony   {ceremony['id']} version {plain(ceremony['version'])}: {plain(ceremony['title'])}"
    yield f"owner      {plain(ceremony['owner'])}"
    if ceremony["procedure"] is not None:
        edition = "" if ceremony["edition"] is None else f" edition {plain(ceremony['edition'])}"
        yield f"procedure  {plain(ceremony['procedure'])}{edition}"
    if plan["region"] is not None:
        yield f"region     {plain(plan['region'])}"
    for item in plan["parameters"]:
        yield f"parameter  {item['name']} = {plain_value(item['value'])}"
    for item in plan["trust"]:
        yield f"trusted    {item['name']} = {plain(item['value'])}, said by {plain(item['said_by'])}"
    for item in plan["records"]:
        kind = "rehearsal" if item["rehearsal"] else "ceremony"
        yield f"record     {item['name']}: {kind} {item['ceremony']} of {item['playbook']}"
        yield f"{_MARGIN}log {plain(item['origin'])}, {item['size']} entries, root {item['root']}"
        for result in item["results"]:
            yield f"{_MARGIN}{result['result']} of {result['step']} = {plain_value(result['value'])}"
        for file in item["files"]:
            yield f"{_MARGIN}{file['artefact']} sha256 {file['sha256']}"


def _people(plan: dict[str, Any]) -> Iterator[str]:
    for person in plan["people"]:
        parts = [f"{person['id']}: {plain(person['name'])}", ", ".join(person["roles"])]
        parts += [f"card {card['number']} of {card['set']}" for card in person["cards"]]
        if person["stands_in_for"] is not None:
            parts.append(f"stands in for {person['stands_in_for']}")
        if person["key"] is not None:
            parts.append(f"key {read_key(person['key']).fingerprint}")
        yield f"person     {'; '.join(parts)}"
    for roles in plan["separation"]:
        yield f"apart      {', '.join(roles)}"
    for item in plan["card_sets"]:
        yield f"card set   {item['id']}: {item['threshold']} of {item['cards']}, held by {item['held_by']}"


def _agreed(plan: dict[str, Any]) -> Iterator[str]:
    for item in plan["approvals"]["plan"]:
        yield f"approves   {item['count']} {item['role']}"
    for item in plan["approvals"]["close"]:
        yield f"closes     {item['count']} {item['role']}"
    for item in plan["exceptions"]:
        yield f"exception  {item['rule']}: {item['people']} {item['role']}"
    for item in plan["waivers"]:
        where = "" if item["step"] is None else f" at {item['step']}"
        until = "" if item["until"] is None else f", until {plain(item['until'])}"
        yield f"waiver     {item['rule']}{where}: {plain(item['because'])}{until}"
    for item in plan["inventory"]:
        yield f"inventory  {item['count']} {plain(item['item'])}"
    for item in plan["artefacts"]:
        if (where := item["brought"]) is not None:
            yield f"brings     {item['id']}: {plain(item['file'])} at {where['at']}, sha256 {where['sha256']}"


def _step(step: dict[str, Any], files: dict[str, str]) -> Iterator[str]:
    device = "" if step["device"] is None else f" on {step['device']}"
    yield f"    does     {plain(step['action'])} at {step['station']}{device}"
    if step["minutes"] is not None:
        yield f"    lasts    {step['minutes']} minutes"
    yield f"    repeat   {step['repeat']}"
    yield f"    sign-off {step['sign_off']}"
    yield f"    people   {', '.join(_needed(need) for need in step['quorum'])}"
    for name in sorted(step["settings"]):
        value = step["settings"][name]
        shown = plain_value(value) if type(value) in SCALAR else plain(canonical.encode(value).decode())
        yield f"    with     {name} = {shown}"
    for used in step["uses"]:
        yield f"    uses     {used['input']}: {', '.join(used['artefacts'])}"
    if step["command"] is not None:
        yield f"    types    {plain(step['command'])}"
    yield from _artefacts(step, files)
    for expected in step["expect"]:
        yield f"    expects  {expected['result']} = {_wanted(expected['equals'])}"
    if step["left_out"] is not None:
        yield f"    left out {plain(step['left_out'])}"


def _artefacts(step: dict[str, Any], files: dict[str, str]) -> Iterator[str]:
    for artefact in step["makes"]:
        if artefact not in files:
            raise ShapeError(f"step {step['id']} makes {artefact}, which the plan does not list")
        yield f"    makes    {artefact}: {plain(files[artefact])}"
    for artefact in step["changes"]:
        yield f"    changes  {artefact}"
    for artefact in step["destroys"]:
        yield f"    destroys {artefact}"


def _needed(need: dict[str, Any]) -> str:
    card = "" if need["holders_of"] is None else f" with a card of {need['holders_of']}"
    return f"{need['count']} {need['role']}{card}"


def _wanted(equals: dict[str, Any]) -> str:
    if "trust" in equals:
        return f"trusted {equals['trust']}"
    if "artefact" in equals:
        return f"sha256 of {equals['artefact']} in record {equals['record']}"
    if "record" in equals:
        return f"result {equals['result']} of {equals['step']} in record {equals['record']}"
    if "step" in equals:
        return f"result {equals['result']} of {equals['step']}"
    return plain_value(equals["value"])
