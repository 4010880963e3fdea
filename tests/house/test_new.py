"""`ceremony new`: what it makes is clean and passes, and where it refuses nothing is made."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from runner.cli.main import main
from runner.errors import StepFault
from runner.host.disk import Disk, Operation
from runner.host.replay_script import Loaded, load_replay, try_case
from runner.schemas import NAMES, file_name, schema_text

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ("Anders Holm", "Elif Aydin", "Finn Byrne", "Bea Weiss", "Chidi Obi", "Dora Kovacs")
GIVEN = ("--title", "A key of the zone", "--owner", "key-office@example.com", "--people", *PEOPLE)
MADE = ["zmk.ceremony.yaml", "zmk.replay.yaml", "zmk.roster.yaml", *(f"schemas/{file_name(name)}" for name in NAMES)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_what_it_makes_lints_clean_and_its_replay_passes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "zmk", *GIVEN]) == 0
    assert capsys.readouterr().out == "made zmk\n"
    files = made(place / "zmk")
    assert sorted(files) == sorted(MADE)
    assert not any(b"@title" in content or b"@NAME" in content for content in files.values())
    for name in NAMES:
        assert files[f"schemas/{file_name(name)}"] == schema_text(name).encode()
    for name in ("ceremony", "replay", "roster"):
        first = files[f"zmk.{name}.yaml"].decode().partition("\n")[0]
        assert first == f"# yaml-language-server: $schema=./schemas/{file_name(name)}"
    assert main(["lint", "zmk/zmk.ceremony.yaml"]) == 0
    assert capsys.readouterr() == ("", "nothing found\n")
    loaded = load_replay(Disk(), Path("zmk/zmk.replay.yaml"))
    assert isinstance(loaded, Loaded)
    assert len(loaded.cases) == 6
    assert [case.name for case in loaded.cases if try_case(Disk(), loaded, case).findings] == []


@pytest.mark.parametrize(
    "text",
    [
        '"quoted" \\ and \\n',
        "it's: # no comment",
        "- no list",
        "null",
        "yes",
        "2027-01-01",
        "李 雷 Ö",
        "@owner@",
        "{a: 1}",
    ],
)
def test_any_text_stays_what_it_was(place: Path, text: str) -> None:
    given = ("--title", text, "--owner", text, "--people", text, *PEOPLE[1:])
    assert main(["new", "zmk", *given]) == 0
    assert main(["lint", "zmk/zmk.ceremony.yaml"]) == 0
    assert main(["plan", "zmk/zmk.ceremony.yaml", "--out", "plan.json"]) == 0
    plan = json.loads((place / "plan.json").read_bytes())
    assert plan["ceremony"]["title"] == text
    assert text in {person["name"] for person in plan["people"]}


def instead(option: str, *values: str) -> list[str]:
    """Return the options with one of them given otherwise."""
    rest = list(GIVEN)
    start = rest.index(option) + 1
    end = next((number for number in range(start, len(rest)) if rest[number].startswith("--")), len(rest))
    return [*rest[:start], *values, *rest[end:]]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["Zmk", *GIVEN], 2, "a ceremony cannot be called Zmk"),
        (["../zmk", *GIVEN], 2, "a ceremony cannot be called ../zmk"),
        (["zmk\n", *GIVEN], 2, "a ceremony cannot be called"),
        (["zmk", *instead("--title", "")], 3, "SHP003: what was given does not do for title"),
        (["zmk", *instead("--title", "{{ region.name }}")], 3, "what was given does not do for title"),
        (["zmk", *instead("--title", "{{ region")], 3, "what was given does not do for title"),
        (["zmk", *instead("--title", "Unpack tools.zip")], 3, "TXT002: what was given does not do for title"),
        (["zmk", *instead("--title", "two\nlines")], 2, "title holds a character that cannot be printed"),
        (["zmk", *instead("--owner", "\udcff")], 2, "owner holds a character that cannot be printed"),
        (["zmk", *instead("--people", *PEOPLE[:5], "anders holm")], 2, "two of the people have one name"),
        (["zmk", *GIVEN, "--dir", "nowhere"], 2, "nothing can be written in"),
        (["k" * 81, *GIVEN], 3, "DEV011"),
    ],
)
def test_where_it_refuses_nothing_is_made(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert main(["new", *arguments]) == code
    said = capsys.readouterr()
    assert (said.out, words in said.err.replace("refused ", "")) == ("", True), said.err
    assert list(place.iterdir()) == []


def test_five_people_are_too_few(place: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["new", "zmk", *instead("--people", *PEOPLE[:5])])
    assert ended.value.code == 2
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "empty folder", "file", "link"])
def test_it_never_overwrites(place: Path, capsys: pytest.CaptureFixture[str], there: str) -> None:
    path = place / "zmk"
    if there == "file":
        path.write_text("mine", encoding="utf-8")
    elif there == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
        if there == "folder":
            (path / "zmk.ceremony.yaml").write_text("mine", encoding="utf-8")
    before = (path.lstat().st_ino, made(place))
    assert main(["new", "zmk", *GIVEN]) == 3
    assert "ART009" in capsys.readouterr().err
    assert (path.lstat().st_ino, made(place)) == before


# -- all or nothing --------------------------------------------------------------------------------------------------


def operations(place: Path) -> list[Operation]:
    seen: list[Operation] = []
    Disk(seen.append).write_folder(place / "dry", {"a": b"1", "b/c": b"2"})
    return seen


def stop_at(number: int, raised: Callable[[], Exception]) -> Disk:
    count = iter(range(1000))

    def hook(_operation: Operation) -> None:
        if next(count) == number:
            raise raised()

    return Disk(hook)


def test_a_disk_that_fails_anywhere_leaves_nothing_or_all_of_it(place: Path) -> None:
    total = len(operations(place))
    assert total > 10
    whole = {"a": b"1", "b/c": b"2"}
    for number in range(total):
        room = place / str(number)
        room.mkdir()
        disk = stop_at(number, lambda: OSError(errno.ENOSPC, "full"))
        with pytest.raises(StepFault, match="RUN030"):
            disk.write_folder(room / "zmk", whole)
        last = number == total - 1  # the folder is there by then, and only its name may not be durable
        assert made(room / "zmk") == (whole if last else {})
        assert [path.name for path in room.iterdir()] == (["zmk"] if last else [])


def test_what_a_crash_left_is_cleared_away_by_the_next_try(place: Path) -> None:
    (place / ".zmk.half" / "old").mkdir(parents=True)
    (place / ".zmk.half" / "old" / "file").write_bytes(b"half")
    Disk().write_folder(place / "zmk", {"a": b"1"})
    assert made(place) == {"zmk/a": b"1"}
    with pytest.raises(StepFault, match="ART009"):
        Disk().write_folder(place / "zmk", {"a": b"2"})
    (place / ".other.half").symlink_to(place / "zmk")
    with pytest.raises(StepFault):
        Disk().write_folder(place / "other", {"a": b"3"})
    assert made(place / "zmk") == {"a": b"1"}


# -- asking ----------------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "TERM": "xterm"}


def test_without_a_terminal_what_is_missing_ends_it(place: Path) -> None:
    command = [sys.executable, "-m", "runner", "new", "zmk", *GIVEN[:4]]
    done = subprocess.run(
        command, env=environment(), input="Anders\n" * 9, capture_output=True, text=True, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (8, "")
    assert "there is no terminal" in done.stderr
    assert list(place.iterdir()) == []


def at_a_terminal(*arguments: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable, ["-m", "runner", "new", *arguments], env=environment(), encoding="utf-8", timeout=20
    )


def test_at_a_terminal_only_what_is_missing_is_asked(place: Path) -> None:
    child = at_a_terminal("zmk", "--owner", "key-office@example.com")
    for question, answer in [
        ("What is the ceremony called", "A key of the zone"), ("Who approves", PEOPLE[0]), ("Who operates", PEOPLE[1]),
        ("Who is the witness", PEOPLE[2]), ("first administrator card", PEOPLE[3]), ("the second", PEOPLE[4]),
        ("the third", PEOPLE[5]),
    ]:  # fmt: skip
        child.expect(question)
        child.sendline(answer)
    child.expect("made zmk")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    asked = made(place / "zmk")
    assert main(["new", "zmk", *GIVEN, "--dir", str(place)]) == 3
    (place / "given").mkdir()
    assert main(["new", "zmk", *GIVEN, "--dir", "given"]) == 0
    assert made(place / "given" / "zmk") == asked


def test_whoever_stops_at_a_question_has_made_nothing(place: Path) -> None:
    child = at_a_terminal("zmk")
    child.expect("What is the ceremony called")
    child.sendline("A key")
    child.expect("Whom does one ask")
    child.sendintr()
    child.expect("nothing was made")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5
    assert list(place.iterdir()) == []
