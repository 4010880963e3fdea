"""`lint --against`: the shipped digests beside another file of them; a wrong digit anywhere is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from refusal_bench import EU, name

if TYPE_CHECKING:
    from refusal_bench import Bench, Said

OTHER = "second.regions.yaml"


def against(bench: Bench, text: str, *more: str) -> Said:
    (bench.folder / OTHER).write_text(text)
    return bench.run("lint", name("ceremony"), *more, "--against", OTHER, "--format", "oneline")


def test_every_single_digest_is_compared(bench: Bench) -> None:
    text = bench.text("regions")
    assert (against(bench, text).code, against(bench, text).out) == (0, "")
    digests = list(re.finditer(r"(?<![0-9A-F])[0-9A-F]{64}", text))
    assert len(digests) == 48
    wrong = text
    for match in digests:
        digit = "0" if match[0][0] != "0" else "1"
        wrong = wrong[: match.start()] + digit + wrong[match.start() + 1 :]
    said = against(bench, wrong)
    lines = [int(line.split(":")[1]) for line in said.out.splitlines()]
    assert said.code == 1
    assert all(" error REG012 `toolset_sha256` is " in line for line in said.out.splitlines())
    assert lines == [text.count("\n", 0, match.start()) + 1 for match in digests]


def test_both_places_are_shown(bench: Bench) -> None:
    text = bench.text("regions")
    (bench.folder / OTHER).write_text(text.replace("label: Europe", "label: Europa"))
    said = bench.run("lint", name("ceremony"), *EU, "--against", OTHER)
    assert "error[REG012]: `label` is `Europe` here and `Europa` in the second source" in said.out
    assert f"  --> {name('regions')}:" in said.out
    assert f"  the second source: {OTHER}:" in said.out
    assert "label: Europa" in said.out


def test_what_is_wrong_in_the_second_source_is_told(bench: Bench) -> None:
    said = against(bench, bench.text("regions").replace("label: Europe\n", "label: [Europe]\n"))
    assert said.code == 1
    assert said.out.startswith(f"{OTHER}:")


def test_there_must_be_something_to_compare(bench: Bench) -> None:
    missing = bench.run("lint", name("ceremony"), "--against", "none.regions.yaml")
    assert (missing.code, missing.out) == (2, "")
    (bench.folder / "small.ceremony.yaml").write_text("format: ceremony/1\n")
    said = bench.run("lint", "small.ceremony.yaml", "--against", name("regions"))
    assert (said.code, "refused REG010" in said.err) == (2, True)
