"""A record is replayed against its plan: how far it goes, or the first entry that the plan does not lead to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import replay_bench as bench

from runner.cli.main import guarded
from runner.cli.replay import main
from runner.document.replay import PlanFor
from runner.errors import WrongUse
from runner.host.disk import Disk
from runner.host.replay_record import Different, Same, replay_record
from runner.host.replay_stage import Scene, perform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def replayed(record: Path) -> Same | Different:
    return replay_record(Disk(), record)


def different(record: Path) -> Different:
    found = replayed(record)
    assert isinstance(found, Different)
    return found


def asks(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda entry: bool(entry["data"]["kind"] == kind)


# -- what is the same ------------------------------------------------------------------------------------------------


def test_every_beginning_of_a_record_replays_and_says_how_far_it_went(golden: Path) -> None:
    every = bench.entries(golden)
    for size in range(1, len(every)):
        bench.rewrite(golden, every[:size])
        found = replayed(golden)
        assert isinstance(found, Same)
        done = sum(1 for one in every[:size] if one["type"] == "step.done")
        assert (found.entries, found.done, found.steps, found.torn) == (size, done, 7, 0)
        last = [one for one in every[:size] if one["type"] in {"request", "reply"}][-1:]
        waits = (last[0]["data"]["kind"], last[0]["seq"]) if last and last[0]["type"] == "request" else None
        assert found.waiting == waits
        begun = [one["step"] for one in every if one["type"] == "step.begun"]
        assert (found.at, found.attempt) == (begun[done] if done < 7 else None, 1)
        closed = every[size - 1]["type"] == "ceremony.closed"
        assert found.ended == ("completed" if closed else None)


def test_what_a_crash_left_of_a_line_is_not_looked_at(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.rewrite(golden, bench.entries(golden)[:40])
    with (golden / "log.jsonl").open("ab") as log:
        log.write(b'{"v":1')
    found = replayed(golden)
    assert isinstance(found, Same)
    assert (found.entries, found.torn) == (40, 6)
    assert main([str(golden)]) == 0
    said = capsys.readouterr().out
    assert "40 entries" in said
    assert "; open; at " in said
    assert "6 bytes of a line without an end were not looked at" in said


def test_a_request_that_waits_is_named(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (asked,) = bench.where(golden, "request", asks("generate_key"))
    bench.rewrite(golden, bench.entries(golden)[: asked + 1])
    assert main([str(golden)]) == 0
    assert f"at generate-key, attempt 1; entry {asked} (generate_key) waits for its reply" in capsys.readouterr().out


def test_a_ceremony_that_failed_replays_to_its_end(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.HEAD)
    documents = bench.loaded(path).documents
    scene = Scene(documents=documents, folder=tmp_path, plan=PlanFor(), answers={("look-at-seal", "seal"): "S-0002"})
    came = perform(Disk(), scene, tmp_path)
    assert [(one.rule, one.step) for one in came.refusals] == [("RUN002", "look-at-seal")]
    found = replayed(tmp_path / "record")
    assert isinstance(found, Same)
    assert (found.ended, found.done, found.at) == ("aborted", 0, None)
    (aborted,) = bench.where(tmp_path / "record", "ceremony.aborted")
    every = bench.entries(tmp_path / "record")
    every[aborted]["data"]["rule"] = "RUN003"
    bench.rewrite(tmp_path / "record", every)
    assert (different(tmp_path / "record").rule, different(tmp_path / "record").seq) == ("LOG070", aborted)


def test_people_may_end_what_could_go_on_and_nobody_else(golden: Path) -> None:
    every = bench.entries(golden)
    closed = every[-1]
    (begun,) = bench.where(golden, "step.begun", lambda entry: bool(entry["step"] == "generate-key"))

    def ended(rule: str) -> Same | Different:
        data = {"rule": rule, "by": "elif", "reason": "fire", "devices": closed["data"]["devices"]}
        aborted = {**closed, "seq": begun, "type": "ceremony.aborted", "data": data}
        over = {**closed, "seq": begun + 1, "data": {**closed["data"], "outcome": "aborted"}}
        bench.rewrite(golden, [*every[:begun], aborted, over])
        return replayed(golden)

    by_people = ended("RUN043")
    assert isinstance(by_people, Same)
    assert (by_people.ended, by_people.at) == ("aborted", None)
    otherwise = ended("RUN002")
    assert isinstance(otherwise, Different)
    assert (otherwise.rule, otherwise.seq, otherwise.found) == ("LOG070", begun, "the ceremony is aborted by RUN002")


# -- what is not -----------------------------------------------------------------------------------------------------


def test_another_request_is_named_with_what_differs(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (asked,) = bench.where(golden, "request", asks("generate_key"))
    every = bench.entries(golden)
    every[asked]["data"]["request"]["size"] = 4096
    bench.rewrite(golden, every)
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG070", asked)
    assert found.wanted == "request generate_key in generate-key, attempt 1: request.size = 2048"
    assert found.found == "request generate_key in generate-key, attempt 1: request.size = 4096"
    assert main([str(golden)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("differs")
    assert f"entry {asked}  LOG070" in said
    assert found.wanted in said
    assert found.found in said


def test_what_differs_in_a_list_is_named_by_its_number(golden: Path) -> None:
    (asked,) = bench.where(golden, "request", asks("create_world"))
    every = bench.entries(golden)
    every[asked]["data"]["request"]["holders"][1]["number"] = 3
    bench.rewrite(golden, every)
    assert different(golden).wanted.endswith("request.holders.2.number = 2")
    assert different(golden).found.endswith("request.holders.2.number = 3")


def test_an_entry_that_is_gone_is_missed_where_it_was(golden: Path) -> None:
    (asked,) = bench.where(golden, "request", asks("generate_key"))
    every = bench.entries(golden)
    gone = [{**one, "seq": number} for number, one in enumerate([*every[:asked], *every[asked + 1 :]])]
    bench.rewrite(golden, gone)
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG070", asked)
    assert found.wanted == "request generate_key in generate-key, attempt 1"
    assert found.found == "reply key_made in generate-key, attempt 1"


def test_a_reply_given_twice_answers_nothing(golden: Path) -> None:
    (replied,) = bench.where(golden, "reply", asks("key_made"))
    every = bench.entries(golden)
    again = [{**one, "seq": number} for number, one in enumerate([*every[: replied + 1], *every[replied:]])]
    bench.rewrite(golden, again)
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG070", replied + 1)
    assert found.found == "reply key_made in generate-key, attempt 1"
    assert found.wanted.startswith("step.done in generate-key")


def test_a_step_in_place_of_a_reply_is_said_to_be_no_reply(golden: Path) -> None:
    (asked,) = bench.where(golden, "request", asks("generate_key"))
    (done,) = bench.where(golden, "step.done", lambda entry: bool(entry["step"] == "generate-key"))
    every = bench.entries(golden)
    bench.rewrite(golden, [*every[: asked + 1], {**every[done], "seq": asked + 1}])
    found = different(golden)
    assert (found.rule, found.seq, found.wanted) == ("LOG070", asked + 1, f"the reply to entry {asked}")


def test_a_result_that_the_replies_do_not_give(golden: Path) -> None:
    (done,) = bench.where(golden, "step.done", lambda entry: bool(entry["step"] == "generate-key"))
    every = bench.entries(golden)
    (size,) = (one for one in every[done]["data"]["results"] if one["name"] == "size")
    size["value"] = 4096
    bench.rewrite(golden, every)
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG070", done)
    assert ".value = 2048" in found.wanted
    assert ".value = 4096" in found.found


def test_a_long_value_is_cut(golden: Path) -> None:
    (done,) = bench.where(golden, "step.done", lambda entry: bool(entry["step"] == "generate-key"))
    every = bench.entries(golden)
    (public,) = (one for one in every[done]["data"]["results"] if one["name"] == "public_key")
    public["value"] = public["value"][:-4] + "AAAA"
    bench.rewrite(golden, every)
    assert different(golden).wanted.endswith("…")
    assert len(different(golden).wanted) < 300


def test_a_reply_of_another_kind(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = bench.where(golden, "reply", asks("mode_set"))
    every = bench.entries(golden)
    every[first]["data"] |= {"kind": "keys_listed", "reply": {"files": []}}
    bench.rewrite(golden, every)
    found = different(golden)
    assert (found.rule, found.seq, found.wanted) == ("LOG071", first, "")
    assert main([str(golden)]) == 1
    assert "the plan leads to" not in capsys.readouterr().out


def test_somebody_who_comes_twice(golden: Path) -> None:
    came = list(bench.where(golden, "person.present"))[-1]
    every = bench.entries(golden)
    bench.rewrite(golden, [*every[: came + 1], {**every[came], "seq": came + 1}])
    assert (different(golden).rule, different(golden).seq) == ("LOG070", came + 1)


def test_nobody_closes_what_still_goes_on(golden: Path) -> None:
    every = bench.entries(golden)
    bench.rewrite(golden, [*every[:40], {**every[-1], "seq": 40}])
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG070", 40)
    assert found.wanted == "the ceremony goes on"
    assert found.found == "the ceremony is closed as completed"


def test_a_line_that_is_no_entry(golden: Path) -> None:
    lines = (golden / "log.jsonl").read_bytes().splitlines(keepends=True)
    lines[30] = lines[30].replace(b'"v":1', b'"v":2')
    (golden / "log.jsonl").write_bytes(b"".join(lines))
    assert (different(golden).rule, different(golden).seq) == ("LOG073", 30)


def test_a_plan_that_is_not_the_one(golden: Path) -> None:
    plan = golden / "plan.json"
    plan.write_bytes(plan.read_bytes().replace(b'"tinykey"', b'"tinykez"'))
    found = different(golden)
    assert (found.rule, found.seq) == ("LOG073", None)
    assert main([str(golden)]) == 1


def test_an_empty_log(golden: Path) -> None:
    (golden / "log.jsonl").write_bytes(b"")
    assert (different(golden).rule, different(golden).seq) == ("LOG073", None)


def test_no_record_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUse):
        replayed(tmp_path)
    assert guarded(lambda: main([str(tmp_path)])) == 2
    assert "there is no record" in capsys.readouterr().err


def test_one_of_several_that_differs_decides_the_exit_code(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = str(bench.GOLDENS / bench.SMALL[0] / "record")
    (golden / "log.jsonl").write_bytes(b"")
    assert main([good, str(golden), good]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "] == [
        "same", "differs", "same",
    ]  # fmt: skip


def test_it_takes_no_time_that_anybody_notices(golden: Path) -> None:
    replayed(golden)
    begun = time.process_time()
    replayed(golden)
    assert time.process_time() - begun < 0.15


def test_nothing_is_written(golden: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (golden, *golden.rglob("*"))}
    replayed(golden)
    assert {path: path.stat().st_mtime_ns for path in (golden, *golden.rglob("*"))} == before
