"""A live ceremony that is ended for good: somebody at the terminal signs that, where the plan has them close it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_bench import STOP

from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from small_bench import Bench

    from runner.verification.verdict import Verdict


def verdict(small: Bench) -> Verdict:
    return verify(small.record, small.folder / "record.trust.json", rehearsal=True)


def test_who_closes_the_ceremony_signs_its_end(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    said = small.abort("fay")
    assert (said.code, "STATEMENT OF CLOSE" in said.told) == (5, True), said
    kinds = [entry["type"] for entry in small.entries()]
    assert kinds[-4:] == ["ceremony.aborted", "checkpoint", "attested", "ceremony.closed"]
    attested = small.entries()[-2]["data"]
    assert (attested["person"], attested["about"], attested["how"]) == ("fay", "close", "signed")
    text = next(small.record.glob("statements/*.fay.txt"), None)
    assert text is not None
    assert "I was there when the ceremony ended: aborted." in text.read_text()
    found = verdict(small)
    assert found.outcome is Outcome.ABORTED, found.findings


def test_who_does_not_close_it_ends_it_without(small: Bench) -> None:
    """Then nobody vouches for the log key of the last sitting."""
    assert small.run(answers=small.answers(told=STOP)).code == 130
    said = small.abort("eve")
    assert (said.code, "STATEMENT" in said.told) == (5, False)
    found = verdict(small)
    assert (found.outcome, {item.rule for item in found.findings}) == (Outcome.UNANCHORED, {"LOG015", "LOG061"})


def test_whoever_does_not_sign_ends_it_all_the_same(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    said = small.go(
        "abort", "record", "--as", "fay", "--because", "enough", "--environment", "room.environment.yaml",
        answers=small.answers(ends_the_ceremony="fay", to_sign_this=STOP),
    )  # fmt: skip
    assert (said.code, small.entries()[-1]["type"]) == (5, "ceremony.closed")
    assert not list(small.record.glob("statements/*"))


@pytest.mark.parametrize("by", ["fay", "eve"])
def test_who_was_away_comes_in_and_a_break_is_over(small: Bench, by: str) -> None:
    here = iter(["dee", "done"])
    acts = iter(["break", "dee"])
    answers = small.answers(
        Your_id=lambda: next(here), Who_acts=lambda: next(acts), asks_for="dee", One_line="lunch", In_a_break=STOP
    )
    assert small.run(answers=answers).code == 130
    assert small.abort(by).code == 5
    kinds = [entry["type"] for entry in small.entries()]
    assert kinds[kinds.index("ceremony.resumed") + 2 :][:3] == ["break.ended", "person.present", "ceremony.aborted"]
    assert verdict(small).outcome is (Outcome.ABORTED if by == "fay" else Outcome.UNANCHORED)


def test_nobody_is_asked_who_cannot_end_it_or_where_it_is_over(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    left = (small.record / "log.jsonl").read_bytes()
    said = small.abort("zoe")
    assert (said.code, said.asked, "zoe is not on the roster" in said.err) == (2, (), True)
    assert (small.record / "log.jsonl").read_bytes() == left
    assert small.abort("fay").code == 5
    said = small.abort("fay")
    assert (said.code, said.asked, "is over: aborted" in said.err) == (2, (), True)


def test_another_id_ends_nothing(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    before = (small.record / "log.jsonl").read_bytes()
    said = small.go(
        "abort", "record", "--as", "fay", "--because", "enough", "--environment", "room.environment.yaml",
        answers=small.answers(ends_the_ceremony="dee"),
    )  # fmt: skip
    assert (said.code, "nothing was written" in said.err) == (5, True)
    assert (small.record / "log.jsonl").read_bytes() == before
