"""`lint --fix`: what is certain is mended in the file itself, a second look finds it gone, and all else is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from refusal_bench import EU, edit, name, tree, within

from runner.cli.lint import MOST_ROUNDS
from runner.document.findings import Fix, Place, Span
from runner.errors import StepFault, WrongUse
from runner.host.disk import Disk, Operation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refusal_bench import Bench, Said


def fix(bench: Bench, *more: str) -> Said:
    return bench.run("lint", name("ceremony"), *EU, "--format", "oneline", "--fix", *more)


FAULTS = {
    "SHP001": edit("review_by:", "reviewby:"),
    "SHP005": within("obtain-toolset", "action: obtain_file", "action: obtain_fil"),
    "REG001": within("obtain-toolset", "{{ region.label }}", "{{ region.lable }}"),
    "TPL001": within("seal-package", "-{{ params.friendly_name }}.byok", "-{{ params.freindly_name }}.byok"),
    "TPL010": within("inspect-copy", "steps.verify-packages.kek_hash", "steps.verify-package.kek_hash"),
}


LAYERS = ("SHP001", "SHP005", "TPL001", "TPL010")
"""One of each that is looked at only once those before it are mended."""


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_mended_and_the_file_is_as_it_was(bench: Bench, rule: str) -> None:
    good = tree(bench.folder)
    bench.change(FAULTS[rule])
    before = bench.lint()
    assert before.code == 1
    assert f" error {rule} " in before.out
    said = fix(bench)
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith(f"fixed {name('ceremony')}:")
    assert tree(bench.folder) == good


def test_a_misspelt_result_that_is_expected_is_renamed(bench: Bench) -> None:
    good = tree(bench.folder)
    bench.change(within("seal-package", "{key_hash: steps", "{key_hsh: steps"))
    assert bench.lint().out.count(" error TPL010 `seal-package` has no result `key_hsh`; write `key_hash`") == 1
    said = fix(bench)
    assert (said.code, said.out) == (0, "")
    assert tree(bench.folder) == good


def test_a_misspelt_name_in_a_block_of_text_is_renamed(bench: Bench) -> None:
    block = "say: >-\n      The vault of\n      {{ params.vault_nam }} never gives the key back."
    bench.change(within("back-up-key", "say: The vault never gives the key back.", block))
    said = fix(bench)
    assert "fixed " in said.err
    assert "\n      {{ params.vault_name }} never gives the key back. This" in bench.text()


def test_two_results_that_would_be_the_same_are_left(bench: Bench) -> None:
    bench.change(within("seal-package", "{key_hash: steps", "{key_hsh: steps.generate-key.key_hash, key_hash: steps"))
    before = tree(bench.folder)
    said = fix(bench)
    assert (said.code, "TPL010" in said.out) == (1, True)
    assert tree(bench.folder) == before


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        ("title: {{ ceremony.id }} is made", 'title: "{{ ceremony.id }} is made"'),
        ("title: Step 1: generate the key", 'title: "Step 1: generate the key"'),
        ("title: @the desk", 'title: "@the desk"'),
    ],
)
def test_text_is_put_in_quotes_where_it_ends_on_its_line(bench: Bench, written: str, quoted: str) -> None:
    """The next line is deeper there than the key: what is put in quotes would end in the middle of the text."""
    path = bench.folder / name("ceremony")
    path.write_text(re.sub("^title: .*$", written, bench.text(), count=1, flags=re.MULTILINE))
    assert fix(bench).err.startswith("fixed ")
    assert quoted in path.read_text()
    path.write_text(path.read_text().replace(quoted, f"{written}\n  aloud by the witness"))
    before = tree(bench.folder)
    first = bench.lint()
    said = fix(bench)
    assert (said.code, said.out) == (1, first.out)
    assert tree(bench.folder) == before


def test_one_run_mends_what_one_fault_hides_behind_another(bench: Bench) -> None:
    """A number that is text hides the misspelt key, which hides the action, which hides the reference."""
    bench.change(edit('version: "1.0"', 'version: "007"'))
    good = tree(bench.folder)
    bench.change(edit('version: "007"', "version: 007"), *(FAULTS[rule] for rule in LAYERS))
    said = fix(bench)
    assert (said.code, said.out, said.err.count("fixed ")) == (0, "", 1 + len(LAYERS))
    assert tree(bench.folder) == good
    again = fix(bench)
    assert (again.code, again.out, "fixed" in again.err) == (0, "", False)
    assert tree(bench.folder) == good


def test_fixes_that_follow_each_other_for_ever_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def mended(_disk: Disk, _documents: object, _findings: object) -> tuple[Fix, ...]:
        looks.append(1)
        return (Fix(words="turn it round", place=Place(file="x", span=Span(1, 1, 1, 2)), text="y"),)

    monkeypatch.setattr("runner.cli.lint.mend", mended)
    assert fix(bench).code == 0
    assert len(looks) == MOST_ROUNDS


def test_without_being_asked_nothing_is_written(bench: Bench) -> None:
    bench.change(FAULTS["SHP001"])
    before = tree(bench.folder)
    assert "(safe fix: ceremony lint --fix)" in bench.run("lint", name("ceremony"), *EU).out
    assert tree(bench.folder) == before


def test_windows_lines_a_mark_and_permissions_stay(bench: Bench) -> None:
    path = bench.folder / name("ceremony")
    good = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(good.replace(b"review_by:", b"reviewby:"))
    path.chmod(0o640)
    assert fix(bench).code == 0
    assert path.read_bytes() == good
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_regions_file_is_mended_too(bench: Bench) -> None:
    text = bench.text("regions")
    (bench.folder / name("regions")).write_text(text.replace("\neditions:", "\nedition:", 1))
    said = fix(bench)
    assert f"fixed {name('regions')}:" in said.err
    assert bench.text("regions") == text


def test_what_is_left_is_shown(bench: Bench) -> None:
    bench.change(FAULTS["SHP001"], edit("threshold: 2, cards: 3", "threshold: 4, cards: 3"))
    said = fix(bench)
    assert (said.code, said.out.count("\n")) == (1, 1)
    assert " error QUO001 " in said.out
    assert "review_by:" in bench.text()


def test_who_acts_is_for_a_person_to_say(bench: Bench) -> None:
    bench.change(edit("held_by: administrator", "held_by: administrater"))
    before = tree(bench.folder)
    said = fix(bench)
    assert " error QUO006 there is no role `administrater`; write `administrator`" in said.out
    assert (said.code, tree(bench.folder)) == (1, before)


def test_a_file_with_a_fault_of_reading_without_a_fix_is_not_touched(bench: Bench) -> None:
    path = bench.folder / name("ceremony")
    text = bench.text()
    mendable = text.replace('version: "1.0"', "version: 007")
    assert mendable != text
    path.write_text(mendable)
    assert "fixed" in fix(bench).err
    assert path.read_text() == text.replace('version: "1.0"', 'version: "007"')
    path.write_text(mendable + "again: &x 1\n")
    before = tree(bench.folder)
    said = fix(bench)
    assert (said.code, "fixed" in said.err) == (1, False)
    assert "YAM010" in said.out
    assert "YAM017" in said.out
    assert tree(bench.folder) == before


# -- the file itself -------------------------------------------------------------------------------------------------


def hook(number: int, act: Callable[[], None]) -> Callable[[Operation], None]:
    """Return a hook that acts before the change of that number, from 0."""
    seen: list[Operation] = []

    def told(operation: Operation) -> None:
        seen.append(operation)
        if len(seen) == number + 1:
            act()

    return told


class Crash(BaseException):
    """The power went."""


def crash() -> None:
    raise Crash


def full() -> None:
    raise OSError(28, "No space left on device")


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    Disk().replace(path, b"two", was=b"one")
    assert path.read_bytes() == b"two"
    for number in range(3):
        path.write_bytes(b"one")
        with pytest.raises(WrongUse, match="changed while it was looked at"):
            Disk(hook(number, lambda: path.write_bytes(b"somebody else's"))).replace(path, b"two", was=b"one")
        assert tree(tmp_path) == {"a": b"somebody else's"}


@pytest.mark.parametrize("number", range(5))
def test_a_crash_leaves_the_old_file_or_the_new_one(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with pytest.raises(Crash):
        Disk(hook(number, crash)).replace(path, b"two", was=b"one")
    assert path.read_bytes() == (b"one" if number < 4 else b"two")
    Disk().replace(path, b"three", was=path.read_bytes())
    assert tree(tmp_path) == {"a": b"three"}


@pytest.mark.parametrize("number", range(4))
def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with pytest.raises(StepFault) as caught:
        Disk(hook(number, full)).replace(path, b"two", was=b"one")
    assert caught.value.rule == "RUN030"
    assert tree(tmp_path) == {"a": b"one"}


def test_what_is_not_a_plain_file_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_bytes(b"one")
    link = tmp_path / "link"
    link.symlink_to(real)
    with pytest.raises(WrongUse):
        Disk().replace(link, b"two", was=b"one")
    with pytest.raises((WrongUse, StepFault)):
        Disk().replace(tmp_path / "none", b"two", was=b"")
    assert tree(tmp_path) == {"link": b"one", "real": b"one"}
