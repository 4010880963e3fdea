"""Claims without another home: the plan made again from a record's sources, and a record that is not gone on with."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from runner.cli.main import main
from runner.errors import Exit
from runner.host.disk import Disk
from runner.host.plans import remade
from runner.render import Rendered, render
from runner.verification.verdict import Outcome
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


def ceremony(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it said beside its results."""
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        return int(main(list(arguments))), said.getvalue()


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = tmp_path_factory.mktemp("claims") / "record"
    assert ceremony("rehearse", "azure-byok", "--region", "eu", "--out", str(record))[0] == 0
    return record


@pytest.fixture
def twin(rehearsed: Path, tmp_path: Path) -> Path:
    """A copy of the record, and of the room beside it, that a test may damage."""
    shutil.copytree(rehearsed.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "record"


def told(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        return int(main(list(arguments))), out.getvalue()


# -- the plan made again -----------------------------------------------------------------------------------------------


def planned_again(record: Path, sources: Path, place: Path) -> bytes:
    """Return the plan that these sources make with what the record's plan was made with."""
    plan = json.loads((record / "plan.json").read_bytes())
    values = {one["name"]: one["value"] for one in plan["parameters"]}
    given = [
        f"--param={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    ]
    playbook = next(sources.glob("*.ceremony.yaml"))
    choice = ("--region", plan["region"], "--edition", plan["ceremony"]["edition"])
    assert ceremony("plan", str(playbook), *choice, *given, "--out", str(place))[0] == 0
    return place.read_bytes()


@pytest.mark.parametrize(("same", "code"), [(True, Exit.FINDINGS), (False, Exit.DONE)], ids=["same", "other"])
def test_verify_makes_the_plan_again(
    rehearsed: Path, monkeypatch: pytest.MonkeyPatch, *, same: bool, code: Exit
) -> None:
    """A plan its sources do not make is a fault for the software that made the record, and a note for any other."""
    trust = str(rehearsed.with_name("record.sim") / "trust.json")
    assert told("verify", str(rehearsed), "--trust", trust, "--rehearsal")[0] == Exit.DONE
    monkeypatch.setattr("runner.cli.verify.remade", lambda _disk, _record: "its sources make another plan")
    if not same:
        monkeypatch.setattr("runner.cli.verify.bundle_sha256", lambda _disk: "0" * 64)
    found, said = told("verify", str(rehearsed), "--trust", trust, "--rehearsal")
    assert (found, "LOG029" in said, "note  with this software" in said) == (code, same, not same)


def test_a_plan_that_its_sources_do_not_make_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever renders leaves a witness out: plan, manifest, signatures and log agree, and only the sources know."""

    def rendered(*arguments: Any, **more: Any) -> Rendered:
        made = render(*arguments, **more)
        assert made.plan is not None
        first, *others = made.plan.steps
        fewer = tuple(need for need in first.quorum if need.role != "witness")
        assert fewer not in ((), first.quorum)
        return replace(made, plan=replace(made.plan, steps=(replace(first, quorum=fewer), *others)))

    record = tmp_path / "record"
    with monkeypatch.context() as patch:
        patch.setattr("runner.planning.render", rendered)
        assert ceremony("rehearse", "azure-byok", "--region", "eu", "--out", str(record))[0] == 0
    trust = tmp_path / "record.sim" / "trust.json"
    alone = verify(record, trust, rehearsal=True)
    assert alone.outcome is Outcome.VALID  # it renders nothing
    code, said = told("verify", str(record), "--trust", str(trust), "--rehearsal")
    assert code == Exit.FINDINGS
    sentence, *_, last = said.splitlines()
    assert sentence.startswith(f"REHEARSAL SIMULATED: TAMPERED, {alone.facts.entries} entries (LOG029 plan.json: ")
    assert last.startswith("LOG029  plan.json: it is not what its sources make: its sources make the plan ")
    monkeypatch.setattr("runner.cli.verify.bundle_sha256", lambda _disk: "0" * 64)
    code, said = told("verify", str(record), "--trust", str(trust), "--rehearsal")
    assert code == Exit.DONE
    (note,) = (line for line in said.splitlines() if "sources" in line)
    assert note.startswith(
        "note  with this software the sources do not make plan.json again (its sources make the plan "
    )
    assert note.endswith("); the one that ran it may")


def test_another_source_makes_another_plan(twin: Path) -> None:
    playbook = next((twin / "source").glob("*.ceremony.yaml"))
    playbook.write_bytes(playbook.read_bytes().replace(b"minutes: 5", b"minutes: 6", 1))
    assert "its sources make the plan" in remade(Disk(), twin)
    playbook.unlink()
    assert remade(Disk(), twin)


def test_the_sources_in_a_record_make_its_plan(rehearsed: Path, tmp_path: Path) -> None:
    made = planned_again(rehearsed, rehearsed / "source", tmp_path / "plan")
    assert made == (rehearsed / "plan.json").read_bytes()


def test_other_sources_make_another_plan(rehearsed: Path, tmp_path: Path) -> None:
    sources = tmp_path / "source"
    sources.mkdir()
    for path in (rehearsed / "source").iterdir():
        (sources / path.name).write_bytes(path.read_bytes())
    playbook = next(sources.glob("*.ceremony.yaml"))
    playbook.write_bytes(playbook.read_bytes() + b"# nothing but a comment\n")
    assert planned_again(rehearsed, sources, tmp_path / "plan") != (rehearsed / "plan.json").read_bytes()


# -- what is not gone on with ------------------------------------------------------------------------------------------


def whole(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def broken_off(twin: Path) -> Path:
    """The record with its first entries alone, which can be read."""
    log = twin / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:12]))
    assert ceremony("status", str(twin))[0] == Exit.DONE
    return twin


def refused(command: str, record: Path, *words: str) -> None:
    before = whole(record.parent)
    code, said = ceremony(command, str(record))
    assert code == Exit.FINDINGS
    assert [word for word in words if word not in said] == [], said
    assert whole(record.parent) == before


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"v":1'], ids=["empty", "no entry", "cut off"])
@pytest.mark.parametrize("at", [0, 5, -1])
def test_a_bad_line_that_has_an_end_is_not_mended(broken_off: Path, at: int, damage: bytes) -> None:
    log = broken_off / "log.jsonl"
    lines = log.read_bytes().splitlines()
    lines[at] = damage
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    for command in ("status", "resume"):
        refused(command, broken_off, "LOG073", "is not as it was written")


def test_a_record_with_another_plan_is_not_gone_on_with(broken_off: Path) -> None:
    plan = broken_off / "plan.json"
    plan.write_bytes(plan.read_bytes().replace(b'"threshold":2', b'"threshold":1'))
    for command in ("status", "resume"):
        refused(command, broken_off, "LOG073", "plan.json is not the plan")


def test_a_tail_longer_than_any_line_is_not_cut_off(broken_off: Path) -> None:
    with (broken_off / "log.jsonl").open("ab") as log:
        log.write(b" " * 65_536)
    refused("resume", broken_off, "LOG072")


def test_a_log_that_was_cut_back_is_not_gone_on_with(broken_off: Path) -> None:
    """The checkpoints it had are still there."""
    code, said = ceremony("resume", str(broken_off))
    assert (code, "LOG073" in said, "LOG018 checkpoints/" in said) == (Exit.FINDINGS, True, True), said


def test_what_was_signed_beyond_a_log_that_was_cut_back_is_kept(broken_off: Path) -> None:
    """A crash leaves the statement of the next entry at most; more of them show that the log was longer."""
    before = set(whole(broken_off / "statements"))
    assert len(before) > 10
    ceremony("resume", str(broken_off))
    assert set(whole(broken_off / "statements")) == before
