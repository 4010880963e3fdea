"""What people of the plan's choice let pass: a rule before or between steps, or a result that is not as expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runner.spoken import plain
from runner.verification.verdict import Finding
from runner.vocabulary import hex_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.answers import Value
    from runner.verification.log import Entry
    from runner.verification.people import People
    from runner.verification.plan import Step

UNMET: Final = "RUN002"
"""An expected result was not met: the one rule that is let pass in a step."""

_DIGEST: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST_TYPES: Final = frozenset({"sha256", "key_hash", "public_key"})


class Exceptions:
    """Follows what is let pass.

    Attributes:
        passed: what was found and what was expected, as text, of each result let pass in the step under way.
        notes: everything that was let pass, in words.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self.passed: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []

    def begin(self) -> None:
        """Begin a step: nothing was let pass in it yet."""
        self.passed = {}

    def outside(self, entry: Entry) -> Iterator[Finding]:
        """LOG093: a rule that the plan lists is let pass outside steps, by the people it names."""
        data = entry.data
        if data["rule"] == UNMET:
            yield Finding(
                rule="LOG093", seq=entry.seq, words=f"{UNMET} is let pass in a step, for one result, or never"
            )
        yield from self._people.let_pass(data["rule"], data["people"], entry.seq)
        self._note(f"{data['rule']} ({plain(data['about'])})", data["people"], data["reason"])

    def asked(self, step: Step, request: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG093: what is asked to pass is an expected result of the step, and no digest."""
        result = request["result"]
        kind = step.asks[result].type if result in step.asks else ""
        digests = [text for text in (request["found"], request["expected"]) if _DIGEST.fullmatch(hex_digits(text))]
        if request["rule"] != UNMET or result not in {name for name, _equals in step.expect}:
            yield Finding(rule="LOG093", seq=seq, words=f"{result} is no expected result of step {step.id}")
        if digests or kind in _DIGEST_TYPES or result in _DIGEST_TYPES:
            yield Finding(rule="LOG093", seq=seq, words=f"{result} is a digest, which nobody may let pass")

    def granted(self, step: Step, request: dict[str, Any], reply: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG093, where the step goes on: enough people of the role let it pass."""
        result = request["result"]
        self.passed[result] = (request["found"], request["expected"])
        wrong = list(self._people.let_pass(request["rule"], reply["people"], seq))
        if wrong:
            yield from wrong
            return
        what = f"{result} of step {step.id} is {plain(request['found'])}, and {plain(request['expected'])} was expected"
        self._note(f"{request['rule']} ({what})", reply["people"], reply["reason"])

    def covers(self, result: str, found: Value | None, expected: Value | None) -> bool:
        """Say whether exactly this difference was let pass in the step under way."""
        return self.passed.get(result) == (str(found), str(expected))

    def _note(self, what: str, people: list[str], reason: str) -> None:
        self.notes.append(f"let pass: {what}, by {', '.join(people)}: {plain(reason)}")
