"""Cards at the slot: whose they are, how many of them, and which ones a device says it read and wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.people import People
    from runner.verification.plan import Plan

WITH_CARDS: Final = frozenset({"create_world", "load_world", "replace_cards", "try_cards", "reduce_key"})
"""Requests that name the people whose cards are used."""


def asked(plan: Plan, people: People, kind: str, request: dict[str, Any], seq: int) -> Iterator[Finding]:
    """LOG038: a set is made as planned, of the quorum it replaces; its holders act, as many as cards are needed.

    Args:
        plan: with the card sets.
        people: who acts.
        kind: one of `WITH_CARDS`.
        request: its fields.
        seq: its entry.
    """
    made = request["new"] if kind == "replace_cards" else request.get("card_set", "")
    card_set = plan.card_sets.get(made)
    if kind == "load_world" and card_set is not None and request["threshold"] != card_set.threshold:
        yield Finding(rule="LOG038", seq=seq, words="a world is loaded with another quorum than planned")
    if kind in {"create_world", "replace_cards"}:
        old = plan.card_sets.get(request.get("old", made))
        for one in (card_set, old):
            planned = None if one is None else (one.threshold, one.cards)
            if (request["threshold"], request["cards"]) != planned:
                yield Finding(rule="LOG038", seq=seq, words="the card set is made otherwise than planned")
                break
    if kind == "replace_cards":
        yield from people.holders(request["old"], request["holders"], needed=None, seq=seq)
        yield from people.holders(made, request["new_holders"], needed=request["cards"], seq=seq)
        return
    whole = kind == "create_world" or request.get("choices") == "every"
    needed = card_set.cards if whole and card_set is not None else None
    yield from people.holders(made, request["holders"], needed=needed, seq=seq)


def told(kind: str, request: dict[str, Any], reply: dict[str, Any], seq: int) -> Iterator[Finding]:
    """LOG038: the cards that a device read and wrote are those of the holders who were asked.

    Cards that were tried and did not open need not be of the set at all.
    """
    held = {holder["number"] for holder in request["holders"]}
    read: list[dict[str, Any]] = reply["read"] if kind == "replace_cards" else reply["cards"]
    if kind in {"load_world", "replace_cards", "reduce_key"} or reply.get("opens") is True:
        numbers = [card["number"] for card in read]
        if not held.issuperset(numbers) or len(set(numbers)) != len(numbers):
            yield Finding(rule="LOG038", seq=seq, words="a card was used that nobody here holds")
    if kind in {"load_world", "replace_cards"} and len(read) != request["threshold"]:
        yield Finding(rule="LOG038", seq=seq, words="the cards read are no quorum")
    if kind in {"create_world", "replace_cards"}:
        written = [card["number"] for card in reply["cards"]]
        if written != [*range(1, request["cards"] + 1)]:
            yield Finding(rule="LOG038", seq=seq, words="the cards written are no set")
