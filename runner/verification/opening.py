"""Entry 0 held to what is known from outside, and to what kind of record it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.verification.trust import list_digest
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.log import Entry
    from runner.verification.plan import Plan
    from runner.verification.trust import Trust


def of_its_kind(opened: Entry, *, rehearsal_allowed: bool) -> Iterator[Finding]:
    """Check what kind of record it is.

    SEC001: a rehearsal compares with simulated values and nothing else does, and only there people sign with simulated
    keys. SEC004: a rehearsal is judged only where that is asked for.
    """
    data = opened.data
    rehearsal, simulated = data["rehearsal"], data["trust"]["list"] == "simulated"
    if rehearsal is not simulated:
        words = "a real ceremony with simulated values" if simulated else "a rehearsal with the published values"
        yield _unverifiable("SEC001", words)
    if data["signers"] == "simulated" and not rehearsal:
        yield _unverifiable("SEC001", "a real ceremony signed by simulated people")
    if rehearsal and not rehearsal_allowed:
        yield _unverifiable("SEC004", "this is the record of a rehearsal, and that was not asked for")


def of_their_kind(devices: list[dict[str, Any]], *, rehearsal: bool, seq: int) -> Iterator[Finding]:
    """SEC005: a ceremony on an emulator is a rehearsal, and an emulator's serial says SIM."""
    emulators = [device for device in devices if device["backend"] == "emulator"]
    if emulators and not rehearsal:
        yield _unverifiable("SEC005", "a ceremony on an emulator that does not say it is a rehearsal", seq)
    if any("SIM" not in device["serial"] for device in emulators):
        yield _unverifiable("SEC005", "an emulator whose serial does not say so", seq)


def of_this_log(opened: Entry, trust: Trust) -> Iterator[Finding]:
    """LOG016: the trust file is about this log. One about another log says nothing of this record, good or bad."""
    origin = opened.data["origin"]
    if origin != trust.origin:
        words = f"the trust file does not fit this record: it is about the log {trust.origin}, and this is {origin}"
        yield _unverifiable("LOG016", words)


def as_known(opened: Entry, plan: Plan | None, trust: Trust | None) -> Iterator[Finding]:
    """Hold entry 0 to plan and trust file.

    LOG026: it names the plan by its digest, and the one that the trust file names, where it does. LOG017: the trust
    list it compares with is the published one, or the one from outside. SEC001: only a rehearsal compares with values
    from the record of a rehearsal.

    Args:
        opened: entry 0.
        plan: the record's; None where it could not be read.
        trust: one about this log; None where there is none.
    """
    data = opened.data
    if plan is not None and not data["rehearsal"] and any(record.rehearsal for record in plan.records.values()):
        yield _unverifiable("SEC001", "a real ceremony with values from the record of a rehearsal")
    if plan is not None and plan.sha256 != data["plan_sha256"]:
        yield Finding(rule="LOG026", seq=0, file="plan.json", words="it is not the plan that entry 0 names")
    if trust is not None and trust.plan_sha256 not in (None, data["plan_sha256"]):
        yield Finding(rule="LOG026", seq=0, words="the plan is not the one you trust")
    simulated = data["trust"]["list"] == "simulated"
    published = None if plan is None else plan.trust
    values = (None if trust is None else trust.simulated) if simulated else published
    if simulated and trust is not None and values is None:
        yield _unverifiable("LOG017", "the trust file has no list of simulated values to compare with")
    elif values is not None and list_digest(values) != data["trust"]["sha256"]:
        yield Finding(rule="LOG017", seq=0, words="the values it compares with are not those of its list")


def _unverifiable(rule: str, words: str, seq: int = 0) -> Finding:
    return Finding(rule=rule, seq=seq, words=words, means=Outcome.UNVERIFIABLE)
