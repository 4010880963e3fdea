"""What an auditor brings: a policy that asks for more than the record does, and a registry of what was seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.verification.manifest import Terms
    from runner.verification.trust import Policy, Registry


def meet_policy(
    policy: Policy,
    *,
    origin: str,
    plan_sha256: str,
    approved: Collection[str],
    closed: Collection[str],
    typed: Collection[tuple[str, int]],
) -> Iterator[Finding]:
    """LOG097: the record is of this log and plan, enough of these people approved, enough closed it, and signed.

    Args:
        policy: what is demanded.
        origin: the log's name.
        plan_sha256: the digest of the plan in entry 0.
        approved: whose approval there is.
        closed: who closed the ceremony.
        typed: step and attempt of each gate where somebody only typed.
    """
    if policy.origin not in (None, origin):
        words = f"the policy does not fit this record: it is about the log {policy.origin}, and this is {origin}"
        yield Finding(rule="LOG097", seq=0, words=words, means=Outcome.UNVERIFIABLE)
    if policy.plan_sha256 not in (None, plan_sha256):
        yield Finding(rule="LOG097", seq=0, words="the policy is about another plan")
    counted = set(approved) & policy.approvers if policy.approvers else set(approved)
    if len(counted) < policy.plan:
        who = ", ".join(sorted(policy.approvers)) or "anybody"
        yield _unmet(f"the policy demands {policy.plan} approvals of {who}, and there are {len(counted)}")
    if len(closed) < policy.close:
        yield _unmet(f"the policy demands that {policy.close} close the ceremony, and {len(closed)} did")
    if policy.signed_gates and typed:
        gates = ", ".join(f"{step} (attempt {number})" for step, number in sorted(typed))
        yield _unmet(f"the policy demands that gates are signed, and some typed at {gates}")


def _unmet(words: str) -> Finding:
    return Finding(rule="LOG097", words=words, means=Outcome.INCOMPLETE)


def known_before(
    registry: Registry,
    *,
    origin: str,
    ceremony: str,
    size: int,
    roots: Mapping[int, bytes],
    terms: Terms | None,
) -> Iterator[Finding]:
    """Hold a record to what was seen before.

    LOG095: it is no shorter than any checkpoint of its log, and has its root there. LOG096: no other ceremony used its
    approval.

    Args:
        registry: what was seen.
        origin: the log's name.
        ceremony: the ceremony's id.
        size: how many entries it has.
        roots: the root at each size that the registry has and the log reaches.
        terms: of its approval; None where it has none.
    """
    for seen, at, root in registry.checkpoints:
        if seen != origin:
            continue
        if at > size:
            words = f"it has {size} entries, and {at} were seen before: this is an older copy"
            yield Finding(rule="LOG095", seq=size - 1, words=words)
        elif at and roots.get(at) != root:
            words = f"its first {at} entries are not those seen before: it went on in two ways"
            yield Finding(rule="LOG095", seq=at - 1, words=words)
    for approval, other in registry.approvals:
        if terms is not None and approval == terms.approval and other != ceremony:
            words = f"its approval was used by the ceremony {other} before"
            yield Finding(rule="LOG096", seq=0, words=words)
