"""Scripted ceremonies tried: what comes as it is written, and each way in which it comes otherwise."""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest
import replay_bench as bench

from runner.cli.main import guarded
from runner.cli.replay import main
from runner.document.replay import PlanFor
from runner.engine import StepFailed
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.rehearsal import Rehearsed
from runner.host.replay_script import Unreadable, load_replay, try_case
from runner.host.replay_stage import Scene, _unsound, exit_of, perform
from runner.host.session import Ended

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = bench.ROOT / "ceremonies" / "azure-byok" / "azure-byok.replay.yaml"
AZURE = load_replay(Disk(), SHIPPED)
GRAMMAR = bench.ROOT / "tests" / "vectors" / "grammar"
FILE = "tiny.replay.yaml"
BOOK = "tiny.ceremony.yaml"


@pytest.mark.usefixtures("published_keys")
@pytest.mark.parametrize("name", [case.name for case in getattr(AZURE, "cases", ())])
def test_the_shipped_ceremony_comes_as_its_replay_file_says(name: str) -> None:
    file = bench.loaded(SHIPPED)
    (case,) = (one for one in file.cases if one.name == name)
    assert try_case(Disk(), file, case).findings == ()


def test_the_shipped_file_has_ten_variants_at_least_of_every_kind() -> None:
    variants = bench.loaded(SHIPPED).replay.variants
    assert len(variants) >= 10
    assert {one.changed()[0] for one in variants} == {"set", "drop", "plan", "absent", "answers", "fault"}
    assert {one.fails.exit for one in variants} == {2, 3, 4, 6}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_all_of_the_small_one_as_the_command_says_it(
    tmp_path: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.project(tmp_path, (bench.GOLDENS / FILE).read_text(encoding="utf-8"))
    before = {one: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()}
    assert main([str(path)]) == 0
    said = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in said] == ["ok"] * 7
    assert [int(line[1].rpartition(":")[2]) for line in said] == [6, 13, 16, 19, 22, 25, 28]
    assert said[0][2] == "base"
    assert said[-1][2] == "The world file changed before it was copied"
    assert list(elsewhere.iterdir()) == []
    assert {one: one.read_bytes() for one in tmp_path.iterdir() if one.is_file()} == before


# -- the base case ---------------------------------------------------------------------------------------------------


def test_a_base_case_that_fails(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.HEAD + "answers: {look-at-seal: {seal: S-0002}}\n")
    (finding,) = bench.tried(path)
    assert bench.short((finding,)) == [("RPL003", FILE, 3)]
    assert "failed by RUN002 at look-at-seal (`seal` is S-0002" in finding.message
    assert "with exit code 6" in finding.message


def test_a_base_case_whose_playbook_is_wrong_shows_where(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.HEAD)
    book = tmp_path / BOOK
    book.write_text(book.read_text(encoding="utf-8").replace("protect: module", "protect: token"), encoding="utf-8")
    line = next(n for n, text in enumerate(book.read_text(encoding="utf-8").splitlines(), 1) if "token" in text)
    assert bench.short(bench.tried(path)) == [("RPL003", FILE, 3), ("DEV010", BOOK, line)]


def test_a_base_case_whose_playbook_is_no_yaml(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.HEAD)
    (tmp_path / BOOK).write_text("format: [ceremony/1\n", encoding="utf-8")
    (first, second) = bench.tried(path)
    assert (first.code, second.code[:3], second.place.span.line) == ("RPL003", "YAM", 1)


def test_a_base_case_without_people(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.HEAD)
    (tmp_path / "tiny.roster.yaml").unlink()
    (finding,) = bench.tried(path)
    assert "failed by QUO004" in finding.message


def test_results_that_are_others(tmp_path: Path) -> None:
    results = "{look-at-seal: {seal: s-0001}, generate-key: {size: 4096, colour: red}, back-up-key: {size: 1}}"
    path = bench.project(tmp_path, bench.HEAD.replace("0}", f"0, results: {results}}}"))
    found = bench.tried(path)
    assert [one.code for one in found] == ["RPL004"] * 4
    words = {one.message: one.help for one in found}
    assert "`seal` of `look-at-seal` is S-0001" in words
    assert "`size` of `generate-key` is 2048" in words
    assert "key_hash" in words["`generate-key` gives no result `colour`"]
    assert words["`back-up-key` gives no result `size`"]


@pytest.mark.parametrize(("written", "good"), [("2048", True), ('"2048"', False), ("2049", False), ("true", False)])
def test_a_result_has_the_type_it_is_written_in(tmp_path: Path, written: str, good: bool) -> None:  # noqa: FBT001
    path = bench.project(tmp_path, bench.HEAD.replace("0}", f"0, results: {{generate-key: {{size: {written}}}}}}}"))
    assert [one.code for one in bench.tried(path)] == ([] if good else ["RPL004"])


def test_a_record_that_does_not_stand_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.host.replay_stage._unsound", lambda _disk, _left: ("LOG006 entry 3: broken",))
    path = bench.project(tmp_path, bench.HEAD)
    (finding,) = bench.tried(path)
    assert bench.short((finding,)) == [("RPL005", FILE, 3)]
    assert finding.message.endswith("LOG006 entry 3: broken")


def test_the_record_of_a_case_is_verified_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(
        documents=bench.loaded(bench.project(tmp_path, bench.HEAD)).documents,
        folder=tmp_path,
        plan=PlanFor(),
        answers={},
    )
    seen: list[Path] = []

    def replay(_disk: Disk, record: Path) -> object:
        seen.append(record)
        return object()

    monkeypatch.setattr("runner.host.replay_stage.replay_record", replay)
    came = perform(Disk(), scene, tmp_path)
    assert (came.exit, came.refusals, came.unsound, came.made) == (0, (), (), True)
    assert seen == [tmp_path / "record"]
    (log,) = tmp_path.glob("*/log.jsonl")
    assert b"SIM" in log.read_bytes()


def after_another(place: Path, first: str) -> Path:
    """A ceremony that goes on from the base case of another file."""
    for path in GRAMMAR.iterdir():
        shutil.copy(path, place)
    path = place / "recorded.replay.yaml"
    path.write_text(
        f"format: replay/1\nplaybook: recorded.ceremony.yaml\ngives: {{exit: 0}}\n"
        f"plan: {{records: {{carried: {first}}}}}\n",
        encoding="utf-8",
    )
    return path


def test_a_ceremony_goes_on_from_the_base_case_of_another_file(tmp_path: Path) -> None:
    path = after_another(tmp_path, "brought.replay.yaml")
    assert bench.tried(path) == ()
    (tmp_path / "request.csr").write_bytes(b"another request")
    (finding,) = bench.tried(path)[:1]
    assert bench.short((finding,)) == [("RPL003", "recorded.replay.yaml", 3)]
    assert "ART010" in finding.message


@pytest.mark.parametrize(
    ("asked", "expected"), [("flag", "true"), ("flag", "false"), ("size", "1 MB"), ("whole", "-3"), ("text", "a b")]
)
def test_people_of_a_script_type_what_is_expected(tmp_path: Path, asked: str, expected: str) -> None:
    path = bench.project(tmp_path, bench.HEAD)
    playbook = tmp_path / "tiny.ceremony.yaml"
    text = playbook.read_text(encoding="utf-8")
    changed = re.sub(r"(seal: \{type: )text(,[^}]*?)(, example: [^}]*)?\}", rf"\g<1>{asked}\g<2>}}", text)
    changed = re.sub(r"expect: \{seal: [^}]*\}", f"expect: {{seal: {expected}}}", changed)
    assert changed != text
    playbook.write_text(changed, encoding="utf-8")
    assert bench.tried(path) == ()


def test_the_refusal_of_the_ceremony_before_passes_no_variant(tmp_path: Path) -> None:
    path = after_another(tmp_path, "brought.replay.yaml")
    before = tmp_path / "brought.ceremony.yaml"
    shutil.copy(before, tmp_path / "old.ceremony.yaml")
    shutil.copy(tmp_path / "brought.roster.yaml", tmp_path / "old.roster.yaml")
    text = (tmp_path / "old.ceremony.yaml").read_text(encoding="utf-8")
    (tmp_path / "old.ceremony.yaml").write_text(re.sub(r"review_by: .*", 'review_by: "2020-01-01"', text))
    (tmp_path / "old.replay.yaml").write_text("format: replay/1\nplaybook: old.ceremony.yaml\ngives: {exit: 0}\n")
    variant = "    plan: {records: {carried: old.replay.yaml}}\n    fails: {rule: RUN010, exit: 4}\n"
    path.write_text(f"{path.read_text(encoding='utf-8')}variants:\n  - name: x\n{variant}", encoding="utf-8")
    (finding,) = bench.tried(path)
    assert "LOG020" in finding.message
    assert "RUN010" in finding.message


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("recorded.replay.yaml", "recorded.replay.yaml cannot come before itself"),
        ("round.replay.yaml", "cannot be tried: recorded.replay.yaml cannot come before itself"),
        ("none.replay.yaml", "none.replay.yaml"),
        ("brought.ceremony.yaml", "brought.ceremony.yaml cannot be tried"),
    ],
    ids=["itself", "a round", "not there", "no replay"],
)
def test_a_file_that_cannot_come_first_is_refused(tmp_path: Path, first: str, words: str) -> None:
    path = after_another(tmp_path, first)
    text = path.read_text(encoding="utf-8")
    (tmp_path / "round.replay.yaml").write_text(text.replace(first, "recorded.replay.yaml"), encoding="utf-8")
    refused = load_replay(Disk(), path)
    assert isinstance(refused, Unreadable)
    assert bench.short(refused.findings) == [("RPL002", "recorded.replay.yaml", 4)]
    assert words in refused.findings[0].message


# -- variants --------------------------------------------------------------------------------------------------------


def test_a_variant_that_goes_through(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.variant("set: {title: Another title}", "rule: SHP003, exit: 3"))
    (finding,) = bench.tried(path)
    assert bench.short((finding,)) == [("RPL006", FILE, 7)]
    assert finding.message == "the variant was carried out to its end"


@pytest.mark.parametrize(
    ("fails", "good"),
    [
        ("rule: SIT001, step: create-world, exit: 3", True),
        ("rule: SIT002, step: create-world, exit: 3", False),
        ("rule: SIT001, step: generate-key, exit: 3", False),
        ("rule: SIT001, exit: 3", False),
        ("rule: SIT001, step: create-world, exit: 4", False),
    ],
)
def test_a_variant_fails_by_its_rule_at_its_step_with_its_code(tmp_path: Path, fails: str, good: bool) -> None:  # noqa: FBT001
    path = bench.project(tmp_path, bench.variant("drop: mode-initialization", fails))
    found = bench.tried(path)
    if good:
        assert found == ()
        return
    book = (tmp_path / BOOK).read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(book, 1) if "action: create_world" in line)
    assert bench.short(found) == [("RPL007", FILE, 7), ("SIT001", BOOK, at)]
    assert "failed by SIT001 at create-world" in found[0].message
    assert "as it is" in found[0].help


def test_a_variant_in_the_room_at_another_step(tmp_path: Path) -> None:
    fails = "rule: RUN002, step: generate-key, exit: 6"
    path = bench.project(tmp_path, bench.variant("answers: {look-at-seal: {seal: x}}", fails))
    (finding,) = bench.tried(path)
    assert bench.short((finding,)) == [("RPL007", FILE, 7)]
    assert "failed by RUN002 at look-at-seal" in finding.message
    assert "named is RUN002 at generate-key with exit code 6" in finding.message
    assert finding.help == ""


@pytest.mark.parametrize("change", ["drop: nothing", "set: {steps.nothing.with: 1}", "drop: steps.create-world.says"])
def test_a_variant_that_changes_what_is_not_there(tmp_path: Path, change: str) -> None:
    path = bench.project(tmp_path, bench.variant(change, "rule: SIT001, exit: 3"))
    assert bench.short(bench.tried(path)) == [("RPL002", FILE, 6)]


def test_a_file_is_damaged_only_once_it_is_there(tmp_path: Path) -> None:
    change = "fault: {at: back-up-world, damage: key}"
    path = bench.project(tmp_path, bench.variant(change, "rule: RUN021, step: back-up-world, exit: 6"))
    (finding,) = bench.tried(path)
    assert bench.short((finding,)) == [("RPL002", FILE, 6)]
    assert finding.message == "there is no `key` yet when `back-up-world` begins"


def test_the_review_that_is_overdue(tmp_path: Path) -> None:
    change = 'set: {review_by: "2020-01-01"}'
    assert bench.tried(bench.project(tmp_path, bench.variant(change, "rule: RUN010, exit: 4"))) == ()


def test_a_rule_before_the_start_promises_that_nothing_was_made(tmp_path: Path) -> None:
    """An operator who is away has a stand-in, whom nobody calls: the check passes, and the room does not."""
    change = "absent: [elif]"
    path = bench.project(tmp_path, bench.variant(change, "rule: QUO008, step: look-at-seal, exit: 4"))
    roster = tmp_path / "tiny.roster.yaml"
    key = (bench.ROOT / "ceremonies/azure-byok/azure-byok.roster.yaml").read_text(encoding="utf-8")
    goran = next(line for line in key.splitlines() if "goran" in line).split("key:")[1].rstrip("}")
    stand_in = f"  gita: {{name: Gita Rao, roles: [operator], stands_in_for: elif, key:{goran}}}\n"
    roster.write_text(roster.read_text(encoding="utf-8") + stand_in, encoding="utf-8")
    assert bench.tried(path) == ()


def test_something_made_before_a_refusal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, with the steps in which nobody is missed first: the world is there by then."""
    monkeypatch.setattr("runner.host.replay_stage.exit_of", lambda _ended: Exit.CONTROL)
    early = bench.variant("answers: {look-at-seal: {seal: x}}", "rule: RUN002, step: look-at-seal, exit: 4")
    assert bench.tried(bench.project(tmp_path, early)) == ()
    fault = "fault: {at: back-up-world, damage: world-file}"
    late = bench.variant(fault, "rule: RUN021, step: back-up-world, exit: 4")
    (finding,) = bench.tried(bench.project(tmp_path, late))
    assert bench.short((finding,)) == [("RPL008", FILE, 7)]
    monkeypatch.setattr("runner.host.replay_stage.exit_of", lambda _ended: Exit.STEP_FAILED)
    assert bench.tried(bench.project(tmp_path, late.replace("exit: 4", "exit: 6"))) == ()


def test_many_refusals_are_counted(tmp_path: Path) -> None:
    path = bench.project(tmp_path, bench.variant("drop: roles", "rule: SIT001, exit: 3"))
    assert bench.tried(path)[0].code == "RPL007"
    strangers = "set: {roles: {stranger: {title: Stranger}}}"
    path = bench.project(tmp_path, bench.variant(strangers, "rule: SIT001, exit: 3"))
    found = bench.tried(path)
    assert len(found) - 1 > 3
    assert f" and {len(found) - 4} more with exit code 3" in found[0].message


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ("set: {card_sets.acs: {threshold: 4, cards: 3, held_by: administrator}}", "rule: QUO001, exit: 3"),
        ("set: {separation: [[operator, auditor]]}", "rule: QUO006, exit: 3"),
        (
            "set: {trust: {root: {type: key_hash, value: 59178a47de508c3f291277ee184f46c4f1d9c639, said_by: A}}}",
            "rule: SEC001, exit: 3",
        ),
    ],
)
def test_lists_and_mappings_may_be_set(tmp_path: Path, change: str, fails: str) -> None:
    assert bench.tried(bench.project(tmp_path, bench.variant(change, fails))) == ()


def test_a_playbook_without_its_regions(tmp_path: Path) -> None:
    for path in SHIPPED.parent.iterdir():
        shutil.copy(path, tmp_path / path.name)
    text = bench.variant("drop: regions", "rule: TPL001, exit: 3").replace("tiny", "azure-byok")
    path = tmp_path / "own.replay.yaml"
    path.write_text(text, encoding="utf-8")
    assert bench.tried(path) == ()


def test_people_of_a_script_let_nothing_pass(tmp_path: Path) -> None:
    change = "set: {exceptions: [{rule: RUN002, role: witness, people: 1}]}"
    text = bench.variant(change, "rule: RUN040, step: look-at-seal, exit: 5")
    path = bench.project(tmp_path, text + "answers: {look-at-seal: {seal: S-0002}}\n")
    assert bench.tried(path) == ()


def test_a_record_that_was_changed_does_not_stand(golden: Path) -> None:
    (trust,) = bench.GOLDENS.glob(f"{golden.parent.name}/trust.json")
    left = Rehearsed(record=golden, trust=trust, ended=Ended(how="completed", head=""), packages=())
    assert _unsound(Disk(), left) == ()
    (golden / "plan.json").unlink()
    assert len(_unsound(Disk(), left)) > 1


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_shows_the_findings_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = bench.variant("drop: mode-initialization", "rule: SIT002, step: create-world, exit: 3", name="Forgotten")
    away = "  - {name: Away, absent: [finn], fails: {rule: QUO004, step: look-at-seal, exit: 3}}\n"
    path = bench.project(tmp_path, wrong + away)
    assert main([str(path)]) == 1
    said = capsys.readouterr().out
    heads = [line.split()[0] for line in said.splitlines() if line.startswith(("ok", "FAILED"))]
    assert heads == ["ok", "FAILED", "ok"]
    assert "error[RPL007]" in said
    assert "error[SIT001]" in said
    assert main(["--format", "oneline", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert ": error RPL007 " in lines[2]
    assert ": error SIT001 " in lines[3]


def test_the_command_shows_a_file_that_cannot_be_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bench.project(tmp_path, bench.HEAD + "rooster: x\n")
    assert main([str(path)]) == 1
    assert "error[SHP001]" in capsys.readouterr().out
    assert guarded(lambda: main([str(tmp_path / "none.replay.yaml")])) == 2


@pytest.mark.parametrize(
    ("how", "rule", "code"),
    [
        ("completed", None, 0), ("handed over", None, 9), ("suspended", "RUN042", 130), ("uncertain", "RUN022", 7),
        ("aborted", "RUN002", 6), ("aborted", "QUO008", 4), ("aborted", "RUN040", 5), ("aborted", "RUN043", 5),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_command(how: str, rule: str | None, code: int) -> None:
    from runner.cli.endings import ended_code

    failed = StepFailed(step="a", attempt=1, rule=rule, words="w") if rule else None
    ended = Ended(how=how, head="0" * 64, rule=rule, failed=failed, to="online")
    assert exit_of(ended) == code == ended_code(ended)
