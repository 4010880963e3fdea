"""What a step's results are expected to be: values, and references to what comes from elsewhere.

A reference names the trust, a figure of a card set, the result of an earlier step, or something in an earlier record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.fields import CardSetFigure, RecordFile, RecordResult, StepResult, TrustName, reference
from runner.plan import Expectation, Literal, ResultRef, TrustRef
from runner.values import WORDS, as_value
from runner.vocabulary import closest, misspelling

if TYPE_CHECKING:
    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.plan import Ask, Equals, RecordFileRef, RecordResultRef, Trusted
    from runner.render_draft import Draft
    from runner.render_records import Records
    from runner.template_values import Values
    from runner.values import Value


class Expectations:
    """Renders what is expected of the steps of one playbook, one step after the other.

    Attributes:
        results: the names and types of the results of each step so far; none where a step could not be planned.
        left_out: the steps so far that are not carried out.
        later: the steps that are still to come.
    """

    def __init__(self, playbook: Playbook, values: Values, trust: tuple[Trusted, ...], records: Records) -> None:
        self.results: dict[str, dict[str, str]] = {}
        self.left_out: set[str] = set()
        self.later = [step.id for _, _, step in playbook.numbered_steps()]
        self._playbook = playbook
        self._values = values
        self._report = values.report
        self._records = records
        self._trust = {item.name for item in trust} | set(playbook.trust)

    def of(self, draft: Draft, asks: tuple[Ask, ...]) -> tuple[Expectation, ...]:
        """Return what is expected of a step's results, those of its questions included; faults are in the report."""
        kinds = {result.name: result.type for result in draft.action.results}
        kinds.update({ask.name: ask.type for ask in asks})
        self.results[draft.step.id] = kinds
        expectations: list[Expectation] = []
        meant: set[str] = set()
        for name, written in draft.step.expect.items():
            path = draft.path("expect", name)
            if name not in kinds:
                near = closest(name, kinds)
                meant.add(near)
                known = f"its results are: {', '.join(sorted(kinds))}" if kinds else "it has none"
                words = f"`{draft.step.id}` has no result `{name}`"
                certain = misspelling(name, kinds)
                instead = (name, certain) if certain and certain not in draft.step.expect else None
                advice = f"write `{near}`" if near else known
                self._report.add("TPL010", words, path, key=True, help_=advice, instead=instead)
                continue
            equals = self._equals(draft, kinds[name], written, path)
            if equals is not None:
                expectations.append(Expectation(result=name, equals=equals))
        for name in draft.action.must_expect:
            if name not in draft.step.expect and name not in meant:
                words = f"`{draft.action.name}` must say what `{name}` is expected"
                self._report.add("SEC002", words, draft.path("id"), key=True, help_=f"write expect: {{{name}: …}}")
        return tuple(expectations)

    def _equals(self, draft: Draft, kind: str, written: Value, path: Path) -> Equals | None:
        found = reference(written)
        match found:
            case TrustName(name=name):
                return self._trust_ref(kind, name, path)
            case StepResult(step=step, result=result):
                if (there := self._result_ref(draft, step, result, path)) is not None:
                    self._same_type(kind, self.results[step].get(result, kind), path)
                return there
            case RecordResult() | RecordFile():
                return self._record_ref(kind, found, path)
            case CardSetFigure(card_set=card_set, figure=figure):
                self._same_type(kind, "whole", path)
                item = self._playbook.card_sets[card_set]
                return Literal(value=item.threshold if figure == "threshold" else item.cards)
            case None:
                pass
        value = self._values.value(written, path)
        read = as_value(kind, value)
        if read is None:
            if self._values.whole:
                self._fault("SHP003", f"this must be {WORDS.get(kind, kind)}", path)
            return None
        return Literal(value=read)

    def _same_type(self, kind: str, other: str, path: Path) -> None:
        """SHP003: values of two types are never equal, so the step could only fail; text may be any text."""
        both = {kind, other}
        if kind != other and ("text" not in both or both & {"whole", "flag", "size"}):
            self._fault("SHP003", f"this is {WORDS.get(other, other)}, and the result {WORDS.get(kind, kind)}", path)

    def _trust_ref(self, kind: str, name: str, path: Path) -> TrustRef | None:
        if name in self._trust:
            self._same_type(kind, self._playbook.trust[name].type, path)
            return TrustRef(trust=name)
        near = closest(name, self._trust)
        advice = f"write trust.{near}" if near else ""
        certain = misspelling(name, self._trust)
        instead = (f"trust.{name}", f"trust.{certain}") if certain else None
        self._report.add("TPL010", f"`trust` has no `{name}`", path, help_=advice, instead=instead)
        return None

    def _record_ref(
        self, kind: str, found: RecordResult | RecordFile, path: Path
    ) -> RecordResultRef | RecordFileRef | None:
        recorded = self._records.equals(found, path)
        if recorded is None:
            return None
        ref, other = recorded
        self._same_type(kind, other or kind, path)
        return ref

    def _result_ref(self, draft: Draft, step: str, result: str, path: Path) -> ResultRef | None:
        if step in self.later or step == draft.step.id:
            self._report.add("TPL011", f"`{step}` comes later", path)
        elif step not in self.results:
            near = closest(step, self.results)
            advice = f"write steps.{near}.{result}" if near else ""
            certain = misspelling(step, self.results)
            instead = (f"steps.{step}.{result}", f"steps.{certain}.{result}") if certain else None
            self._report.add("TPL010", f"there is no step `{step}`", path, help_=advice, instead=instead)
        elif step in self.left_out and draft.left_out is None:
            self._fault("TPL012", f"`{step}` is left out", path)
        elif self.results[step] and result not in self.results[step]:
            known = self.results[step]
            advice = f"its results are: {', '.join(sorted(known))}"
            certain = misspelling(result, known)
            instead = (f"steps.{step}.{result}", f"steps.{step}.{certain}") if certain else None
            self._report.add("TPL010", f"`{step}` has no result `{result}`", path, help_=advice, instead=instead)
        else:
            return ResultRef(step=step, result=result)
        return None

    def _fault(self, code: str, message: str, path: Path) -> None:
        self._report.add(code, message, path, regions=self._values.regions)
