"""A rehearsal from the command line to a verdict, and what the verdict hangs on."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import rehearsal_bench as bench

from runner.audit.note import LogKey
from runner.errors import Exit
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PACKAGE = "KeyTransferPackage-ContosoFirstHSMkey.byok"


def sentence(out: str) -> str:
    return next(line for line in out.splitlines() if line.startswith("verdict"))


def test_a_rehearsal_succeeds_and_says_what_it_is(left: bench.Left) -> None:
    assert left.code == Exit.DONE
    verdict = sentence(left.out)
    for word in ("REHEARSAL", "SIMULATED", "VALID", "approved by 2, signed by 5 people."):
        assert word in verdict
    first = [line for line in left.err.splitlines() if line][:2]
    assert first[0].startswith("REHEARSAL")
    assert first[1].startswith("SIMULATED")
    assert all("SIMULATED" in line for line in left.out.splitlines() if line.startswith("package"))


def test_it_leaves_the_package_that_went_to_the_vault(left: bench.Left) -> None:
    package = (left.record / "transfer" / PACKAGE).read_bytes()
    assert b"SIMULATED" in package
    assert package == (left.sim / "stations" / "online" / PACKAGE).read_bytes()
    sealed = [item.data["reply"] for item in left.entries() if item.data.get("kind") == "package_sealed"]
    assert [item["size"] for item in sealed] == [len(package)]


def test_the_verdict_is_that_of_the_last_line(left: bench.Left) -> None:
    assert left.verdict().facts.entries == len(left.lines())
    assert f"{len(left.lines())} entries" in sentence(left.out)


def test_only_the_simulated_room_is_private(left: bench.Left) -> None:
    assert left.sim.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in left.record.parent.iterdir()) == ["record", "record.sim"]


def test_verify_from_a_fresh_process(left: bench.Left) -> None:
    begun = bench.start("verify", str(left.record), "--trust", str(left.trust), "--rehearsal")
    fresh = bench.finish(begun, left.record)
    assert (fresh.code, fresh.err) == (0, "")
    verdict = left.verdict()
    assert fresh.out.splitlines() == [verdict.sentence(), *(f"note  {note}" for note in verdict.notes)]


def test_a_rehearsal_is_not_valid_unless_one_was_asked_for(left: bench.Left) -> None:
    assert bench.say("verify", str(left.record), "--trust", str(left.trust), "--rehearsal")[0] == 0
    code, out, _ = bench.say("verify", str(left.record), "--trust", str(left.trust))
    assert code == Exit.FINDINGS
    assert "UNVERIFIABLE" in out
    assert "SEC004" in out


def test_without_a_trust_file_nothing_is_anchored(left: bench.Left) -> None:
    code, out, _ = bench.say("verify", str(left.record), "--rehearsal")
    assert code == Exit.FINDINGS
    assert "UNANCHORED" in out.splitlines()[0]


def test_another_rehearsals_trust_file_does_not_fit(left: bench.Left, together: tuple[bench.Left, bench.Left]) -> None:
    for other in together:
        for record, trust in ((left.record, other.trust), (other.record, left.trust)):
            verdict = verify(record, trust, rehearsal=True)
            assert (verdict.outcome, [finding.rule for finding in verdict.findings]) == (
                Outcome.UNVERIFIABLE,
                ["LOG016"],
            )
            assert "the trust file does not fit this record: it is about the log" in verdict.sentence()
            assert not verdict.signed_by_people


def test_a_changed_record_is_tampered_with_whatever_the_trust_file_is_about(
    twin: bench.Left, together: tuple[bench.Left, bench.Left]
) -> None:
    log = twin.record / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"size":2048', b'"size":4096'))
    verdict = verify(twin.record, together[0].trust, rehearsal=True)
    assert verdict.outcome is Outcome.TAMPERED
    assert "LOG016" in {finding.rule for finding in verdict.findings}


def test_a_trust_file_with_our_origin_and_their_key_does_not_fit(left: bench.Left, tmp_path: Path) -> None:
    """The one thing that differs is the key: a second log of the same name, and nobody whose signature vouches."""
    trust = json.loads(left.trust.read_bytes())
    path = tmp_path / "trust.json"

    def judged(**changes: object) -> tuple[Outcome, set[str]]:
        path.write_text(json.dumps({**trust, **changes}))
        verdict = verify(left.record, path, rehearsal=True)
        return verdict.outcome, {finding.rule for finding in verdict.findings}

    other = [LogKey.from_seed(trust["origin"], bytes(32)).vkey]
    assert judged() == (Outcome.VALID, set())
    assert judged(log_keys=other) == (Outcome.VALID, set())  # people who are known signed over this log's checkpoints
    assert judged(people=[]) == (Outcome.VALID, set())
    assert judged(people=[], log_keys=other) == (Outcome.TAMPERED, {"LOG015"})


def test_a_trust_file_inside_the_record_proves_nothing(twin: bench.Left) -> None:
    inside = twin.record / "trust.json"
    inside.write_bytes(twin.trust.read_bytes())
    assert verify(twin.record, inside, rehearsal=True).outcome is not Outcome.VALID


def test_one_moved_and_renamed_is_still_valid(twin: bench.Left) -> None:
    moved = twin.record.rename(twin.record.with_name("elsewhere"))
    assert verify(moved, twin.trust, rehearsal=True).outcome is Outcome.VALID


def test_two_at_once_both_succeed(together: tuple[bench.Left, bench.Left]) -> None:
    for one in together:
        assert one.code == Exit.DONE, one.err
        assert one.verdict().outcome is Outcome.VALID
    origins = {json.loads(one.trust.read_bytes())["origin"] for one in together}
    assert len(origins) == len(together)


def test_the_same_folder_again_is_refused_and_nothing_changes(left: bench.Left) -> None:
    before = bench.tree(left.record.parent)
    code, out, err = bench.say("rehearse", "azure-byok", "--region", "eu", "--out", str(left.record))
    assert code == Exit.REFUSED
    assert "ART009" in err
    assert out == ""
    assert bench.tree(left.record.parent) == before


def test_the_room_of_an_earlier_one_is_not_taken_either(tmp_path: Path) -> None:
    (tmp_path / "record.sim").mkdir()
    code, _, err = bench.say("rehearse", "azure-byok", "--region", "eu", "--out", str(tmp_path / "record"))
    assert code == Exit.REFUSED
    assert "ART009" in err
    assert not (tmp_path / "record").exists()


def test_two_that_race_for_one_folder_leave_one_record(tmp_path: Path) -> None:
    """Both look before either has made anything; one of them must lose cleanly."""
    record = tmp_path / "record"
    begun = [bench.start("rehearse", "azure-byok", "--region", "eu", "--out", str(record)) for _ in range(2)]
    ended = [bench.finish(process, record) for process in begun]
    codes = sorted(one.code for one in ended)
    assert codes[0] == Exit.DONE, [one.err[-400:] for one in ended]
    assert codes[1] in (Exit.REFUSED, Exit.STEP_FAILED), [one.err[-400:] for one in ended]
    assert ended[0].verdict().outcome is Outcome.VALID


def test_an_absent_witness_aborts_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody to gather for the first step: QUO008, exit 4, and the record says aborted rather than anything worse."""
    from runner.host.room import ScriptedRoom

    class WithoutWitness(ScriptedRoom):
        def __init__(self, plan: object, **more: object) -> None:
            super().__init__(plan, **{**more, "absent": frozenset({"hana"})})  # type: ignore[arg-type]

    monkeypatch.setattr("runner.host.simulated_room.ScriptedRoom", WithoutWitness)
    made = bench.rehearse(tmp_path / "record", "eu")
    assert made.code == Exit.CONTROL
    assert "QUO008" in made.err
    assert made.verdict().outcome is Outcome.ABORTED
    assert not list((made.record / "transfer").iterdir())


def test_an_interrupted_one_is_open_and_nothing_worse(tmp_path: Path) -> None:
    """Ctrl-C while the world is being created: exit 130, and what is there is consistent up to where it stopped."""
    record = tmp_path / "record"
    begun = bench.start("rehearse", "azure-byok", "--region", "eu", "--out", str(record))
    assert begun.stderr is not None
    for line in begun.stderr:
        if "[create-world," in line:
            begun.send_signal(signal.SIGINT)
            break
    made = bench.finish(begun, record)
    assert made.code == Exit.SIGNAL + signal.SIGINT
    assert "Traceback" not in made.err
    verdict = made.verdict()
    assert verdict.outcome is Outcome.OPEN, verdict.findings
    assert not (record / "SHA256SUMS").exists()
