"""An approval is for one ceremony, wherever the one that used it broke off, and on each machine that carries it on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from small_bench import STOP

from runner.host.disk import Disk
from runner.host.logbook import Logbook
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from small_bench import Bench

APPROVAL = "ab" * 16


class Died(BaseException):
    """This process is no more."""


def test_a_small_ceremony_is_carried_out(small: Bench) -> None:
    said = small.run()
    assert said.code == 0, said
    found = verify(small.record, small.folder / "record.trust.json", rehearsal=True)
    assert found.outcome is Outcome.VALID, found.findings


@pytest.mark.parametrize("entries", [0, 1, 3])
def test_killed_anywhere_the_approval_is_spent(small: Bench, monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    _die_after(monkeypatch, entries)
    with pytest.raises(Died):
        small.run()
    monkeypatch.undo()
    monkeypatch.chdir(small.folder)
    log = (small.record / "log.jsonl").read_bytes()
    assert log.count(b"\n") == entries
    spent = small.ledger()
    assert list(spent) == [APPROVAL]
    for record in ("record", "record-2") if entries == 0 else ("record-2",):
        again = small.run(record=record)
        assert (again.code, "RUN014" in again.err, again.asked) == (4, True, ())
    assert (small.record / "log.jsonl").read_bytes() == log
    if entries:
        assert small.resume().code == 0
        assert small.ledger() == spent == {APPROVAL: small.entries()[0]["data"]["ceremony"]}


def _die_after(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    write = Logbook._write

    def dying(self: Logbook, *rest: object) -> object:
        if self.size == entries:
            raise Died
        return write(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Logbook, "_write", dying)


def test_who_goes_on_notes_it_too(small: Bench) -> None:
    """Another machine has a ledger of its own, and nothing beside the record."""
    assert small.run(answers=small.answers(told=STOP)).code == 130
    ceremony = small.entries()[0]["data"]["ceremony"]
    small.without_ledger()
    trust = small.folder / "record.trust.json"
    written = trust.read_bytes()
    trust.unlink()
    assert small.resume(answers=small.answers(told=STOP)).code == 130
    assert small.ledger() == {APPROVAL: ceremony}
    assert trust.read_bytes() == written
    again = small.run(record="record-2")
    assert (again.code, "RUN014" in again.err) == (4, True)
    small.without_ledger()
    trust.write_text("{}")
    assert small.abort().code == 5
    assert small.ledger() == {APPROVAL: ceremony}
    assert json.loads(trust.read_text()) == {}, "what is there is not overwritten"


def test_who_runs_again_where_a_ceremony_was_suspended_is_told_to_resume(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    log = (small.record / "log.jsonl").read_bytes()
    again = small.run()
    assert (again.code, again.asked) == (3, ())
    assert "holds a ceremony that began" in again.err
    assert "`ceremony resume record` goes on with it" in again.err
    assert (small.record / "log.jsonl").read_bytes() == log


def test_a_second_ceremony_of_one_approval_is_only_ended(small: Bench) -> None:
    assert small.run(answers=small.answers(told=STOP)).code == 130
    log = (small.record / "log.jsonl").read_bytes()
    (small.folder / "ledger" / APPROVAL).write_text("cd" * 16 + "\n")
    refused = small.resume()
    assert (refused.code, "RUN014" in refused.err) == (4, True)
    assert (small.record / "log.jsonl").read_bytes() == log
    assert small.abort().code == 5
    assert small.ledger() == {APPROVAL: "cd" * 16}
    assert Disk().exists(small.record / "SHA256SUMS")
