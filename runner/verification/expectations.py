"""The printed column "expected result", evaluated again from the results and the values people can look up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runner.verification.answers import answer
from runner.verification.verdict import Finding
from runner.vocabulary import hex_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.verification.answers import Ask, Value
    from runner.verification.exceptions import Exceptions
    from runner.verification.plan import Plan, Step

_TIED: Final = frozenset(
    {
        "key_hash",
        "public_key",
        "sha256",
        "region",
        "root_hash",
        "kek_hash",
        "world_hash",
        "hknso",
        "hkm",
        "kid",
        "mode",
        "opens",
        "exportable",
        "recoverable",
        "archive_to",
        "blob_to",
    }
)
"""Results that are the field of the same name in a reply of their step."""

_CARDS: Final = frozenset({"cards", "read"})
"""Results that are the serials of the cards in the field of the same name."""

_LOOKED_AT: Final = frozenset({"obtain_file", "look_at_file"})
"""Requests whose reply says the size of the file that the result `size` is about; elsewhere it may be a key's."""

_DIGEST: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_UUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Expectations:
    """Follows the results of all steps.

    Args:
        plan: with the published values.
        simulated: a rehearsal's values instead of them; None where none are known.
        rehearsal: whether the record compares with a rehearsal's values.
        exceptions: what people let pass.
    """

    def __init__(
        self, plan: Plan, simulated: Mapping[str, str] | None, exceptions: Exceptions, *, rehearsal: bool
    ) -> None:
        self._plan = plan
        self._exceptions = exceptions
        self._simulated = simulated
        self._rehearsal = rehearsal
        self._results: dict[str, dict[str, Value]] = {}
        self._shown: dict[str, list[Value]] = {}
        self._typed: dict[str, list[str]] = {}

    def begin(self) -> None:
        """Begin a step: nothing was shown or typed in it yet."""
        self._shown, self._typed = {}, {}

    def replied(self, kind: str, request: dict[str, Any], reply: dict[str, Any]) -> None:
        """Keep what a reply shows, for the results that must be the same."""
        if kind == "ask_value":
            self._typed.setdefault(request["name"], []).append(reply["value"])
            return
        for name in _TIED.intersection(reply):
            self._shown.setdefault(name, []).append(reply[name])
        for name in _CARDS.intersection(reply):
            self._shown.setdefault(name, []).append(", ".join(card["serial"] for card in reply[name]))
        if kind in _LOOKED_AT:
            self._shown.setdefault("size", []).append(reply["size"])

    def done(self, step: Step, data: dict[str, Any], seq: int) -> Iterator[Finding]:
        """Check the results of a step.

        LOG041: each once; those that a device or a person gave are what the reply says. LOG046: a person's fit what was
        asked. LOG040: every expectation of the plan is met by them, and the comparisons on record are those, in order,
        and no others. LOG093: what was let pass is what was not met.
        """
        results: dict[str, Value] = {item["name"]: item["value"] for item in data["results"]}
        self._results[step.id] = results
        if len(results) != len(data["results"]) or set(step.asks) - results.keys():
            yield Finding(rule="LOG041", seq=seq, words=f"step {step.id} has a result twice, or not at all")
        for name, value in results.items():
            if name not in step.asks and name in self._shown and value not in self._shown[name]:
                yield Finding(rule="LOG041", seq=seq, words=f"the result {name} is not what the reply says")
        for name, ask in step.asks.items():
            yield from self._answered(name, ask, results.get(name), seq)
        if len(data["comparisons"]) != len(step.expect):
            yield Finding(rule="LOG040", seq=seq, words=f"step {step.id} did not compare what its plan compares")
            return
        for (result, equals), comparison in zip(step.expect, data["comparisons"], strict=True):
            yield from self._compare(result, results.get(result), equals, comparison, seq)

    def _answered(self, name: str, ask: Ask, value: Value | None, seq: int) -> Iterator[Finding]:
        answers = [answer(ask, typed) for typed in self._typed.get(name, [])[-2 if ask.twice else -1 :]]
        if None in answers:
            yield Finding(rule="LOG046", seq=seq, words=f"what was typed for {name} does not fit what was asked")
        elif len(answers) < (2 if ask.twice else 1) or not all(_same(one, value) for one in answers):
            yield Finding(rule="LOG041", seq=seq, words=f"the result {name} is not what the reply says")

    def _compare(
        self, result: str, found: Value | None, equals: dict[str, Any], comparison: dict[str, Any], seq: int
    ) -> Iterator[Finding]:
        expected, against, published = self._expected(equals)
        if expected is None and against == "simulated":
            expected = comparison["expected"]  # no list from outside: the verdict cannot be valid, and says why
        met = found is not None and expected is not None and _meets(found, expected)
        if result in self._exceptions.passed:
            if met or not self._exceptions.covers(result, found, expected):
                yield Finding(rule="LOG093", seq=seq, words=f"{result} was let pass as something else than it is")
        elif not met:
            words = f"{result} is {found}, and {expected} is expected"
            yield Finding(rule="LOG040", seq=seq, words=words)
        rebuilt = {"result": result, "found": found, "expected": expected, "against": against, "published": published}
        if not all(_same(comparison[name], value) for name, value in rebuilt.items()):
            yield Finding(rule="LOG040", seq=seq, words=f"the comparison of {result} on record is not the plan's")

    def _expected(self, equals: dict[str, Any]) -> tuple[Value | None, str, Value | None]:
        """Return what a result is compared with, against what, and the published value beside a simulated one."""
        if "value" in equals:
            return equals["value"], "plan", None
        if "trust" in equals:
            published = self._plan.trust[equals["trust"]]
            if self._rehearsal:
                return (self._simulated or {}).get(equals["trust"]), "simulated", published
            return published, "published", None
        if "record" in equals:
            return self._plan.records[equals["record"]].expected(equals), "record", None
        return self._results.get(equals["step"], {}).get(equals["result"]), "step", None


def _meets(found: Value, expected: Value) -> bool:
    """Say whether a result is the expected one: digests compare without case and spaces, UUIDs without case."""
    if isinstance(found, str) and isinstance(expected, str):
        digits = hex_digits(found), hex_digits(expected)
        if all(_DIGEST.fullmatch(text) for text in digits):
            return digits[0] == digits[1]
        if _UUID.fullmatch(found) and _UUID.fullmatch(expected):
            return found.lower() == expected.lower()
    return _same(found, expected)


def _same(one: object, other: object) -> bool:
    """Say whether two values are equal and of one type: a flag is not a number."""
    return type(one) is type(other) and one == other
