"""A stranger with the tools of any machine follows the record's own VERIFY.txt, and notices a tampered twin."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pymerkle
import pytest
import rehearsal_bench as bench

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = ("bash", "sha256sum", "perl", "openssl", "jq", "find", "sed", "cut", "cmp", "base64")
MISSING = [name for name in TOOLS if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SIGNED = "Signature Verified Successfully"


def commands(left: bench.Left) -> list[str]:
    """Every command of the record's own VERIFY.txt: the blocks that are set in by seven spaces, in order."""
    text = (left.record / "VERIFY.txt").read_text()
    blocks = re.findall(r"(?:^ {7}.*\n)+", text, re.MULTILINE)
    return ["".join(line[7:] for line in block.splitlines(keepends=True)) for block in blocks]


def command(left: bench.Left, start: str) -> str:
    (found,) = [block for block in commands(left) if block.startswith(start)]
    return found


def paste(left: bench.Left, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=left.record,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=bench.OVER,
    )


def last_checkpoint(left: bench.Left) -> list[str]:
    return max((left.record / "checkpoints").iterdir()).read_text(encoding="utf-8").splitlines()


def test_there_are_as_many_commands_as_headings_need(left: bench.Left) -> None:
    starts = [block.split()[0] for block in commands(left)]
    assert starts == ["sha256sum", "perl", "sed", 'last="$(ls', "jq", "head", "tail"]


@pytest.mark.parametrize(
    "environment", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}, {"PERL_UNICODE": "SDA", "LC_ALL": "C.UTF-8"}]
)
def test_the_whole_text_pasted_at_once_says_all_is_well(left: bench.Left, environment: dict[str, str]) -> None:
    before = bench.tree(left.record)
    ran = paste(left, "\n".join(commands(left)), **environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert "FAILED" not in ran.stdout
    assert SIGNED in lines
    assert lines[-1] == "completed"
    assert bench.tree(left.record) == before


def test_sha256sum_knows_every_file(twin: bench.Left) -> None:
    ran = paste(twin, command(twin, "sha256sum"))
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0
    assert lines[-1] == lines[-2] == str(len(bench.tree(twin.record)) - 1)
    assert sum(line.endswith(": OK") for line in lines) == int(lines[-1])
    for name in bench.tree(twin.record):
        if name == "SHA256SUMS":
            continue
        path = twin.record / name
        content = path.read_bytes()
        path.write_bytes(bench.flip(content, bench.pick(name, len(content))))
        assert f"{name}: FAILED" in paste(twin, "sha256sum --strict -c SHA256SUMS").stdout
        path.write_bytes(content)


def test_perl_gives_the_root_of_the_last_checkpoint_and_stops_at_an_edit(twin: bench.Left) -> None:
    perl = command(twin, "perl")
    ran = paste(twin, perl)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == last_checkpoint(twin)[1:3]
    assert paste(twin, command(twin, "sed")).stdout == ran.stdout
    lines = twin.lines()
    for at in (0, 1, 63, 64, len(lines) - 2):
        bench.put_log(twin, [*lines[:at], lines[at].replace(b'Z","type"', b'z","type"'), *lines[at + 1 :]])
        ran = paste(twin, perl)
        assert ran.returncode != 0
        assert f"line {at + 2} does not follow" in ran.stderr
    bench.put_log(twin, [*lines[:-1], lines[-1].replace(b"completed", b"abandoned")])
    ran = paste(twin, perl)  # nothing follows the last line: there the root is what differs
    assert ran.returncode == 0
    assert ran.stdout.splitlines() != last_checkpoint(twin)[1:3]


def test_perl_gives_the_root_of_every_checkpoint(twin: bench.Left) -> None:
    lines = twin.lines()
    for path in sorted((twin.record / "checkpoints").iterdir()):
        bench.put_log(twin, lines[: int(path.stem)])
        ran = paste(twin, command(twin, "perl"))
        assert ran.stdout.splitlines() == path.read_text(encoding="utf-8").splitlines()[1:3]


def other_size(text: str) -> str:
    return text.replace("\n137\n", "\n136\n")


def other_origin(text: str) -> str:
    return text.replace("azure-byok.rehearsal/", "azure-byok.ceremony/", 1)


def other_root(text: str) -> str:
    root = text.splitlines()[2]
    return text.replace(root, base64.b64encode(bytes(32)).decode())


def other_signature(text: str) -> str:
    blob = base64.b64decode(text.rsplit(maxsplit=1)[-1])
    return text.replace(text.rsplit(maxsplit=1)[-1], base64.b64encode(bench.flip(blob, 40)).decode())


def test_openssl_accepts_every_checkpoint(twin: bench.Left) -> None:
    openssl = command(twin, "last=")
    paths = sorted((twin.record / "checkpoints").iterdir(), reverse=True)
    for path in paths:
        assert SIGNED in paste(twin, openssl).stdout, path.name
        path.unlink()  # so that the one before is the last


@pytest.mark.parametrize("edit", [other_size, other_origin, other_root, other_signature])
def test_openssl_refuses_a_tampered_checkpoint(twin: bench.Left, edit: Callable[[str], str]) -> None:
    openssl = command(twin, "last=")
    ran = paste(twin, openssl)
    assert (ran.returncode, ran.stderr) == (0, "")
    path = max((twin.record / "checkpoints").iterdir())
    text = path.read_text(encoding="utf-8")
    assert edit(text) != text
    path.write_text(edit(text), encoding="utf-8")
    ran = paste(twin, openssl)
    assert ran.returncode != 0
    assert SIGNED not in ran.stdout


def test_openssl_refuses_another_rehearsals_key(twin: bench.Left, together: tuple[bench.Left, bench.Left]) -> None:
    shutil.copy(together[1].record / "keys/log-0.pub.pem", twin.record / "keys/log-0.pub.pem")
    assert SIGNED not in paste(twin, command(twin, "last=")).stdout


def test_jq_finds_the_one_spelling(twin: bench.Left) -> None:
    jq = command(twin, "jq")
    ran = paste(twin, jq)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    for name in ("log.jsonl", "plan.json"):
        path = twin.record / name
        content = path.read_bytes()
        for spelled in (content.replace(b'","', b'", "', 1), content.replace(b"a", b"\\u0061", 1), content + b"\n"):
            path.write_bytes(spelled)
            ran = paste(twin, jq)
            assert ran.stdout + ran.stderr != "", (name, spelled[:80])
        path.write_bytes(content)


def test_plan_and_sources_are_those_of_entry_0(twin: bench.Left) -> None:
    ran = paste(twin, command(twin, "head"))
    lines = ran.stdout.splitlines()
    assert lines[0] == lines[1].split()[0]
    assert [line.endswith(": OK") for line in lines[2:]] == [True] * 3
    path = next((twin.record / "source").glob("*.regions.yaml"))
    path.write_bytes(path.read_bytes().replace(b"7A64B942", b"7A64B943"))
    assert f"source/{path.name}: FAILED" in paste(twin, command(twin, "head")).stdout


def test_pymerkle_gives_the_root_of_every_checkpoint(left: bench.Left) -> None:
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    roots = {}
    for size, line in enumerate(left.lines(), 1):
        theirs.append_entry(line)
        roots[size] = base64.b64encode(theirs.get_root()).decode()
    for path in (left.record / "checkpoints").iterdir():
        shown, root = path.read_text(encoding="utf-8").splitlines()[1:3]
        assert roots[int(shown)] == root
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for line in left.lines():
        other.append_entry(line.replace(b"completed", b"abandoned"))
    assert base64.b64encode(other.get_root()).decode() != last_checkpoint(left)[2]
