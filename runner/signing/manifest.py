"""approval/manifest.txt and approval/sums.txt: what approvers read and sign (docs/record.md has every line)."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner import canonical
from runner.canonical import file_digest
from runner.errors import EvidenceFault
from runner.plan import Expectation, Literal, RecordFileRef, RecordResultRef, ResultRef, TrustRef
from runner.public_keys import parse_public_key
from runner.spoken import plain, plain_value, word_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.exchange import Need
    from runner.plan import EarlierRecord, Person, Plan, PlannedStep, SourceFile, Waiver

TITLE: Final = "APPROVAL OF A KEY CEREMONY PLAN (approval/1)"

_INDENT: Final = " " * 11
_DAY: Final = r"\d{4}-\d\d-\d\d"
_HEAD: Final = re.compile(
    rf"{re.escape(TITLE)}\n\n"
    r"approval   ([0-9a-f]{32})\n"
    rf"valid      ({_DAY}) to ({_DAY})\n"
    r"software   ([0-9a-f]{64}) version ([0-9A-Za-z.!+_-]+)\n"
    r"plan       ([0-9a-f]{64})\n",
    re.ASCII,
)


class Terms(Struct, frozen=True, kw_only=True):
    """What an approval says that the plan does not.

    Attributes:
        approval: 32 hex digits, random; one approval carries out one ceremony.
        not_before: the first day it holds, such as 2026-11-25 (UTC).
        not_after: the last day.
        software: the bundle digest of the runner that must carry the plan out, 64 hex digits.
        version: that runner's version.
    """

    approval: str
    not_before: str
    not_after: str
    software: str
    version: str


def manifest_txt(plan: Plan, plan_sha256: str, terms: Terms) -> bytes:
    """Return approval/manifest.txt."""
    lines = [
        TITLE,
        "",
        f"approval   {terms.approval}",
        f"valid      {terms.not_before} to {terms.not_after}",
        f"software   {terms.software} version {terms.version}",
        f"plan       {plan_sha256}",
        *(_INDENT + line for line in word_lines(plan_sha256)),
        f"files      {file_digest(sums_txt(plan_sha256, plan.sources))}",
        "",
        *_ceremony(plan),
        *_people(plan),
        *_rules(plan),
    ]
    for number, step in enumerate(plan.steps, 1):
        lines += ["", f"{number}. {plain(step.title)} [{step.id}]", *_step(plan, step)]
    return "".join(f"{line}\n" for line in lines).encode()


def sums_txt(plan_sha256: str, sources: Sequence[SourceFile]) -> bytes:
    """Return approval/sums.txt: `sha256sum` lines of plan.json and the sources, sorted by path."""
    files = {"plan.json": plan_sha256, **{f"source/{item.file}": item.sha256 for item in sources}}
    ordered = sorted(files.items(), key=lambda item: item[0].encode())
    return "".join(f"{sha256}  {path}\n" for path, sha256 in ordered).encode()


def read_terms(manifest: bytes) -> Terms:
    """Return the terms of a manifest. The rest is compared with what `manifest_txt` makes, as a whole.

    Raises:
        EvidenceFault: it does not begin as a manifest of this format does, or its days are none.
    """
    approval, not_before, not_after, software, version, _plan = _head(manifest)
    if not _are_days(not_before, not_after):
        raise EvidenceFault(
            f"the manifest is valid from {not_before} to {not_after}, and these are no two days in order"
        )
    return Terms(approval=approval, not_before=not_before, not_after=not_after, software=software, version=version)


def plan_of(manifest: bytes) -> str:
    """Return the digest of the plan that a manifest is about, 64 hex digits.

    Raises:
        EvidenceFault: as `read_terms`.
    """
    return _head(manifest)[-1]


def _head(manifest: bytes) -> tuple[str, ...]:
    match = _HEAD.match(manifest.decode("utf-8", "replace"))
    if match is None:
        raise EvidenceFault("the file does not begin as an approval manifest does")
    return tuple(match.groups())


def _are_days(first: str, last: str) -> bool:
    try:
        return date.fromisoformat(first) <= date.fromisoformat(last)
    except ValueError:
        return False


# -- inside ----------------------------------------------------------------------------------------------------------


def _ceremony(plan: Plan) -> Iterator[str]:
    about = plan.ceremony
    yield f"ceremony   {about.id} version {plain(about.version)}: {plain(about.title)}"
    yield f"owner      {plain(about.owner)}"
    if about.procedure is not None:
        edition = "" if about.edition is None else f" edition {plain(about.edition)}"
        yield f"procedure  {plain(about.procedure)}{edition}"
    if plan.region is not None:
        yield f"region     {plain(plan.region)}"
    for parameter in plan.parameters:
        yield f"parameter  {parameter.name} = {plain_value(parameter.value)}"
    for trusted in plan.trust:
        yield f"trusted    {trusted.name} = {plain(trusted.value)}, said by {plain(trusted.said_by)}"
    for record in plan.records:
        yield from _record(record)


def _record(record: EarlierRecord) -> Iterator[str]:
    kind = "rehearsal" if record.rehearsal else "ceremony"
    yield f"record     {record.name}: {kind} {record.ceremony} of {record.playbook}"
    yield f"{_INDENT}log {plain(record.origin)}, {record.size} entries, root {record.root}"
    for taken in record.results:
        yield f"{_INDENT}{taken.result} of {taken.step} = {plain_value(taken.value)}"
    for file in record.files:
        yield f"{_INDENT}{file.artefact} sha256 {file.sha256}"


def _people(plan: Plan) -> Iterator[str]:
    for person in plan.people:
        yield f"person     {_person(person)}"
    for apart in plan.separation:
        yield f"apart      {', '.join(apart)}"
    for cards in plan.card_sets:
        yield f"card set   {cards.id}: {cards.threshold} of {cards.cards}, held by {cards.held_by}"


def _person(person: Person) -> str:
    parts = [f"{person.id}: {plain(person.name)}", ", ".join(person.roles)]
    parts += [f"card {held.number} of {held.set}" for held in person.cards]
    if person.stands_in_for is not None:
        parts.append(f"stands in for {person.stands_in_for}")
    if person.key is not None:
        parts.append(f"key {parse_public_key(person.key).fingerprint}")
    return "; ".join(parts)


def _rules(plan: Plan) -> Iterator[str]:
    for wanted in plan.approvals.plan:
        yield f"approves   {wanted.count} {wanted.role}"
    for wanted in plan.approvals.close:
        yield f"closes     {wanted.count} {wanted.role}"
    for allowed in plan.exceptions:
        yield f"exception  {allowed.rule}: {allowed.people} {allowed.role}"
    for waiver in plan.waivers:
        yield f"waiver     {_waiver(waiver)}"
    for item in plan.inventory:
        yield f"inventory  {item.count} {plain(item.item)}"
    for artefact, where in plan.brings:
        yield f"brings     {artefact.id}: {plain(artefact.file)} at {where.at}, sha256 {where.sha256}"


def _waiver(waiver: Waiver) -> str:
    place = "" if waiver.step is None else f" at {waiver.step}"
    until = "" if waiver.until is None else f", until {plain(waiver.until)}"
    return f"{waiver.rule}{place}: {plain(waiver.because)}{until}"


def _step(plan: Plan, step: PlannedStep) -> Iterator[str]:
    on = "" if step.device is None else f" on {step.device}"
    yield f"    does     {step.action} at {step.station}{on}"
    if step.minutes is not None:
        yield f"    lasts    {step.minutes} minutes"
    yield f"    repeat   {step.repeat}"
    yield f"    sign-off {step.sign_off}"
    yield f"    people   {', '.join(_need(need) for need in step.quorum)}"
    for name, value in sorted(step.settings.items()):
        yield f"    with     {name} = {_setting(value)}"
    for uses in step.uses:
        yield f"    uses     {uses.input}: {', '.join(uses.artefacts)}"
    if step.command is not None:
        yield f"    types    {plain(step.command)}"
    for artefact in step.makes:
        yield f"    makes    {artefact}: {plain(plan.artefact(artefact).file)}"
    for artefact in step.changes:
        yield f"    changes  {artefact}"
    for artefact in step.destroys:
        yield f"    destroys {artefact}"
    for expectation in step.expect:
        yield f"    expects  {expectation.result} = {_expected(expectation)}"
    if step.left_out is not None:
        yield f"    left out {plain(step.left_out)}"


def _setting(value: Any) -> str:
    return plain_value(value) if isinstance(value, str | int | bool) else plain(canonical.encode(value).decode())


def _need(need: Need) -> str:
    cards = "" if need.holders_of is None else f" with a card of {need.holders_of}"
    return f"{need.count} {need.role}{cards}"


def _expected(expectation: Expectation) -> str:
    match expectation.equals:
        case Literal(value=value):
            return plain_value(value)
        case TrustRef(trust=name):
            return f"trusted {name}"
        case ResultRef(step=step, result=result):
            return f"result {result} of {step}"
        case RecordResultRef(record=record, step=step, result=result):
            return f"result {result} of {step} in record {record}"
        case RecordFileRef(record=record, artefact=artefact):
            return f"sha256 of {artefact} in record {record}"
