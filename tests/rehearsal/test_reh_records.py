"""Earlier records: verified before a plan is made, and needed no more afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings

from runner.canonical import encode
from runner.errors import Exit, PlaybookFault
from runner.host import earlier_records
from runner.host.disk import Disk
from runner.host.plans import load_plan, remade
from runner.host.sitting import require_kind
from runner.plan import parse_plan
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parents[1] / "vectors" / "grammar"
DIGEST = "29f8e55e717692b644b457196186abf901f94f464adb245000238e1270c47c45"
NAMES = [f"{name}.{kind}.yaml" for name in ("brought", "recorded", "answers") for kind in ("ceremony", "roster")] + [
    "request.csr"
]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the playbooks, and the records of two of them."""
    folder = tmp_path_factory.mktemp("earlier")
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        for name in NAMES:
            shutil.copy(VECTORS / name, folder)
        for name in ("brought", "answers"):
            code, _, err = bench.say("rehearse", str(folder / f"{name}.ceremony.yaml"), "--out", str(folder / name))
            assert code == 0, err
    return folder


@pytest.fixture
def place(rehearsed: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(rehearsed, tmp_path / "here"))


def plan(place: Path, *more: str, record: str = "brought") -> tuple[int, str, str]:
    given = () if not record else (f"--record=carried={place / record}",)
    return bench.say("plan", str(place / "recorded.ceremony.yaml"), *given, *more)


def written(place: Path, name: str = "plan.json", **more: Any) -> dict[str, Any]:
    code, _, err = plan(place, "--out", str(place / name), **more)
    assert code == 0, err
    made: dict[str, Any] = json.loads((place / name).read_bytes())
    return made


def test_the_values_stand_in_the_plan_with_where_they_come_from(place: Path) -> None:
    code, out, _ = plan(place)
    (record,) = written(place)["records"]
    lines = (place / "brought" / "log.jsonl").read_bytes().splitlines()
    opened = json.loads(lines[0])["data"]
    verdict = verify(place / "brought", place / "brought.sim" / "trust.json", rehearsal=True)
    assert record == {
        "name": "carried",
        "playbook": "brought",
        "ceremony": opened["ceremony"],
        "rehearsal": True,
        "origin": opened["origin"],
        "size": len(lines),
        "root": verdict.facts.root,
        "results": [
            {"step": "carry", "result": "sha256", "type": "sha256", "value": DIGEST},
            {"step": "keep", "result": "files", "type": "whole", "value": 1},
        ],
        "files": [{"artefact": "request", "sha256": DIGEST}],
    }
    assert code == 0
    assert f"record carried: rehearsal {opened['ceremony']} of brought" in out
    last = max((place / "brought" / "checkpoints").iterdir()).read_text(encoding="utf-8").splitlines()
    assert last[:3] == [record["origin"], str(record["size"]), record["root"]]


def test_a_plan_needs_the_earlier_record_no_more(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)
    written(place)
    arguments = (str(place / "recorded.ceremony.yaml"), f"--record=carried={place / 'brought'}")
    assert bench.say("rehearse", *arguments, "--out", str(place / "again"))[0] == 0
    shutil.rmtree(place / "brought")
    checked, _ = load_plan(Disk(), place / "plan.json")
    assert checked.content == (place / "plan.json").read_bytes() == (place / "again" / "plan.json").read_bytes()
    assert remade(Disk(), place / "again") == ""
    trust = str(place / "again.sim" / "trust.json")
    code, out, _ = bench.say("verify", str(place / "again"), "--trust", trust, "--rehearsal")
    assert code == 0
    assert "note  the plan takes values from the record carried" in out
    assert bench.say("replay", str(place / "again"))[0] == 0


def forged(place: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    data = written(place)
    change(data)
    (place / "plan.json").write_bytes(encode(data))
    return place / "plan.json"


FORGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a value nobody takes": lambda data: data["records"][0]["results"].append(
        {"step": "keep", "result": "more", "type": "whole", "value": 1}
    ),
    "a value is gone": lambda data: data["records"][0]["results"].pop(),
    "another file than is brought": lambda data: data["records"][0]["files"][0].update(sha256="55" * 32),
    "another ceremony": lambda data: data["records"][0].update(playbook="answers"),
    "another name": lambda data: data["records"][0].update(name="other"),
    "none": lambda data: data["records"].clear(),
    "twice": lambda data: data["records"].append(data["records"][0]),
    "two lines for one": lambda data: data["records"][0].update(ceremony="0\nowner      me"),
    "no root": lambda data: data["records"][0].update(root=""),
    "no log": lambda data: data["records"][0].update(origin="a log"),
    "no entry": lambda data: data["records"][0].update(size=0),
    "another type": lambda data: data["records"][0]["results"][1].update(type="flag"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_plan_with_other_values_than_its_sources_take_is_refused(place: Path, name: str) -> None:
    load_plan(Disk(), forged(place, lambda _: None))
    shutil.rmtree(place / "plan.json.sources")
    (place / "plan.json").unlink()
    with pytest.raises(PlaybookFault) as caught:
        load_plan(Disk(), forged(place, FORGED[name]))
    assert caught.value.rule == "RUN012"


def test_whoever_has_the_record_makes_the_same_plan_and_no_forged_one(place: Path) -> None:
    """What the sources cannot tell: another value. It gives another digest than the record does."""
    path = forged(place, lambda data: data["records"][0]["results"][1].update(value=2))
    checked, _ = load_plan(Disk(), path)
    assert checked.plan.records[0].results[1].value == 2
    code, out, _ = plan(place, "--format", "json")
    assert (code, json.loads(out)["sha256"] != checked.sha256) == (0, True)
    path.write_bytes(encode(json.loads(out)["plan"]))
    assert json.loads(out)["sha256"] == load_plan(Disk(), path)[0].sha256


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ([], Exit.WRONG_USE, "The record of the day the request was carried into the room"),
        (["--record=carry={here}/brought"], Exit.WRONG_USE, "names no record `carry`"),
        (["--record=carried={here}/none"], Exit.WRONG_USE, "there is no record"),
        (["--record=carried={here}/answers"], Exit.REFUSED, "one of the ceremony `answers`, not of `brought`"),
        (["--record=carried={here}/brought,{here}/answers.sim/trust.json"], Exit.REFUSED, "UNVERIFIABLE"),
        (["--record=carried={here}/brought,{here}/none.json"], Exit.REFUSED, "UNVERIFIABLE"),
        (["--record=carried={here}/brought,{here}/brought/SHA256SUMS"], Exit.REFUSED, "UNVERIFIABLE"),
    ],
    ids=["none", "another name", "no folder", "another ceremony", "another's trust", "no trust file", "inside"],
)
@pytest.mark.parametrize("command", ["plan", "rehearse", "lint"])
def test_a_record_that_is_not_the_one_meant_is_refused(
    rehearsed: Path, tmp_path: Path, command: str, *, given: list[str], code: Exit, words: str
) -> None:
    playbook = str(rehearsed / "recorded.ceremony.yaml")
    out = () if command == "lint" else ("--out", str(tmp_path / "out"))
    filled = [item.format(here=rehearsed) for item in given]
    if command == "lint" and not given:
        assert bench.say(command, playbook)[0] == 0
        return
    with_code = bench.say(command, playbook, *filled, *out)
    assert (with_code[0], words in with_code[2]) == (code, True), with_code
    assert list(tmp_path.iterdir()) == []


def flip_a_result(place: Path) -> None:
    path = place / "brought" / "log.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"name":"files","value":1', b'"name":"files","value":2'))


def cut_the_end(place: Path) -> None:
    path = place / "brought" / "log.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in path.read_bytes().splitlines()[:-3]))


def another_plan(place: Path) -> None:
    shutil.copy(place / "answers" / "plan.json", place / "brought" / "plan.json")


def no_trust(place: Path) -> None:
    shutil.rmtree(place / "brought.sim")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip_a_result, "TAMPERED"),
        (cut_the_end, "TAMPERED"),
        (another_plan, "TAMPERED"),
        (no_trust, "UNANCHORED"),
    ],
    ids=["result", "end", "plan", "trust"],
)
def test_a_record_that_is_not_valid_gives_nothing(place: Path, damage: Callable[[Path], None], words: str) -> None:
    assert plan(place)[0] == 0
    damage(place)
    code, out, err = plan(place, "--out", str(place / "plan.json"))
    assert (code, out, "LOG020" in err, words in err) == (Exit.REFUSED, "", True, True)
    assert not (place / "plan.json").exists()


def test_a_ceremony_that_was_ended_gives_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)
    arguments = ["rehearse", str(place / "brought.ceremony.yaml"), "--out", str(place / "ended")]
    sittings.killed(monkeypatch, lambda: bench.say(*arguments), after=sittings.is_entry("step.done", step="carry"))
    code, _, err = plan(place, record="ended")
    assert (code, "LOG020" in err) == (Exit.REFUSED, True)
    assert bench.say("abort", str(place / "ended"), "--as", "dana", "--because", "no more time")[0] == Exit.STOPPED
    code, _, err = plan(place, record="ended")
    assert (code, "LOG020" in err, "ABORTED" in err) == (Exit.REFUSED, True, True)


@pytest.mark.parametrize("file", ["log.jsonl", "plan.json"])
def test_what_is_read_is_what_was_verified(place: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Somebody swaps a file between the verdict and the reading."""

    def verified(record: Path, *arguments: Any, **more: Any) -> Any:
        verdict = verify(record, *arguments, **more)
        content = (record / file).read_bytes()
        swapped = content.replace(b'"files","value":1', b'"files","value":2').replace(b"request.csr", b"request.crt")
        assert swapped != content
        (record / file).write_bytes(swapped)
        return verdict

    monkeypatch.setattr(earlier_records, "verify", verified)
    code, _, err = plan(place)
    assert (code, "LOG020" in err, "changed while it was looked at" in err) == (Exit.REFUSED, True, True)


def test_only_a_rehearsal_goes_on_from_a_rehearsal(place: Path) -> None:
    written(place)
    made = parse_plan((place / "plan.json").read_bytes())
    require_kind(made, rehearsal=True)
    with pytest.raises(PlaybookFault, match="from the record of a rehearsal: carried") as caught:
        require_kind(made, rehearsal=False)
    assert caught.value.rule == "SEC001"


def test_lint_has_the_values_where_it_has_the_record(place: Path) -> None:
    path = place / "recorded.ceremony.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("steps.keep.files", "steps.keep.file"), encoding="utf-8")
    assert bench.say("lint", str(path))[0] == 0
    code, out, _ = bench.say("lint", str(path), f"--record=carried={place / 'brought'}")
    assert (code, "TPL010" in out, "there is `files`" in out) == (Exit.FINDINGS, True, True)
    code, _, err = bench.say("lint", str(path), str(place / "brought.ceremony.yaml"), "--record=carried=x")
    assert (code, "one playbook at a time" in err) == (Exit.WRONG_USE, True)


def test_a_difference_between_two_plans_names_the_record(place: Path) -> None:
    written(place)
    other = forged_copy(place)
    code, out, _ = bench.say("diff", str(place / "plan.json"), str(other))
    assert (code, "earlier record carried" in out) == (Exit.FINDINGS, True)


def forged_copy(place: Path) -> Path:
    data = json.loads((place / "plan.json").read_bytes())
    data["records"][0]["results"][1]["value"] = 2
    path = place / "other.json"
    path.write_bytes(encode(data))
    return path


@pytest.mark.parametrize("given", [["--record=carried"], ["--record=carried=a", "--record=carried=b"]])
def test_a_record_is_named_once(place: Path, given: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        plan(place, *given, record="")
    assert caught.value.code == Exit.WRONG_USE
