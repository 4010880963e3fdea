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

TOOLS = ("bash", "sha256sum", "perl", "openssl", "jq", "find", "sed", "cut", "cmp", "base64", "ssh-keygen", "expr")
MISSING = [name for name in TOOLS if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SUMS, LOG, LAST, NOTES, KEYS, SPELLING, NAMED, SIGNED, PEOPLE, END = range(10)
"""The commands of VERIFY.txt, in its order."""


def commands(left: bench.Left) -> list[str]:
    """Every command of the record's own VERIFY.txt: the blocks that are set in by seven spaces, in order."""
    text = (left.record / "VERIFY.txt").read_text()
    blocks = re.findall(r"(?:^ {7}.*\n)+", text, re.MULTILINE)
    return ["".join(line[7:] for line in block.splitlines(keepends=True)) for block in blocks]


def command(left: bench.Left, number: int) -> str:
    return commands(left)[number]


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
    assert starts == ["sha256sum", "perl", "sed", 'tmp="$(mktemp', 'tmp="$(mktemp', "jq", "jq", "for", "jq", "tail"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PERL_UNICODE": "SDA", "LC_ALL": "C.UTF-8"},
        pytest.param({"LC_ALL": "C"}, marks=pytest.mark.slow),
        pytest.param({"LC_ALL": "C.UTF-8"}, marks=pytest.mark.slow),
    ],
)
def test_the_whole_text_pasted_at_once_says_all_is_well(left: bench.Left, environment: dict[str, str]) -> None:
    before = bench.tree(left.record)
    ran = paste(left, "\n".join(commands(left)), **environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    differ = [line for line in lines if "differ" in line]  # the people's keys of a rehearsal are not those of the plan
    assert [line.split(":")[0] for line in differ] == ["- keys/allowed_signers differ"]
    assert "FAILED" not in ran.stdout
    assert f"checkpoints/{max(bench.tree(left.record / 'checkpoints'))} keys/log-0.pub.pem" in lines
    assert sum(line.endswith(".sshsig OK") for line in lines) == len(signatures(left))
    assert not any(line.endswith(" typed") for line in lines)
    assert lines[-1] == "completed"
    assert bench.tree(left.record) == before


def manifest_asks_for_less(twin: bench.Left) -> str:
    path = twin.record / "approval/manifest.txt"
    path.write_bytes(path.read_bytes().replace(b"approves   2", b"approves   1"))
    return "approval/manifest.txt: FAILED"


def entry_edited(twin: bench.Left) -> str:
    lines = twin.lines()
    bench.put_log(twin, [*lines[:20], lines[20].replace(b'"v":1', b'"v":2'), *lines[21:]])
    return "line 22 does not follow"


def end_cut_off(twin: bench.Left) -> str:
    bench.put_log(twin, twin.lines()[:-1])
    return ""


def statement_edited(twin: bench.Left) -> str:
    path = next((twin.record / "statements").glob("*.txt"))
    path.write_bytes(path.read_bytes().replace(b"I", b"J", 1))
    return f"statements/{path.name}: FAILED"


def plan_edited(twin: bench.Left) -> str:
    path = twin.record / "plan.json"
    path.write_bytes(path.read_bytes().replace(b'"minutes":5', b'"minutes":6', 1))
    return "plan.json: FAILED"


def another_file(twin: bench.Left) -> str:
    (twin.record / "transfer" / "more.byok").write_bytes(b"more")
    return ""


DAMAGES = (manifest_asks_for_less, entry_edited, end_cut_off, statement_edited, plan_edited)


@pytest.mark.parametrize(
    ("damage", "sums"),
    [
        *((damage, True) for damage in DAMAGES),
        *(pytest.param(damage, False, marks=pytest.mark.slow) for damage in DAMAGES),
        (another_file, False),
    ],
)
def test_the_whole_text_pasted_at_once_notices_a_tampered_twin(
    twin: bench.Left, damage: Callable[[bench.Left], str], *, sums: bool
) -> None:
    page = "\n".join(commands(twin))
    shown = damage(twin)
    if sums:
        bench.put_sums(twin)
    ran = paste(twin, page)
    counts = [line for line in ran.stdout.splitlines() if line.isdigit()]
    assert (
        "FAILED" in ran.stdout
        or ran.stderr != ""
        or ran.stdout.splitlines()[-1] != "completed"
        or len(set(counts[:2])) > 1  # files that there are, and files with a sum
    )
    assert shown in ran.stdout + ran.stderr


def signatures(left: bench.Left) -> list[str]:
    return [name for name in bench.tree(left.record) if name.endswith(".sshsig")]


def test_sha256sum_knows_every_file(twin: bench.Left) -> None:
    ran = paste(twin, command(twin, SUMS))
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
    perl = command(twin, LOG)
    ran = paste(twin, perl)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == last_checkpoint(twin)[1:3]
    assert paste(twin, command(twin, LAST)).stdout == ran.stdout
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
        ran = paste(twin, command(twin, LOG))
        assert ran.stdout.splitlines() == path.read_text(encoding="utf-8").splitlines()[1:3]


def other_size(text: str) -> str:
    size = text.splitlines()[1]
    return text.replace(f"\n{size}\n", f"\n{int(size) - 1}\n")


def other_origin(text: str) -> str:
    return text.replace("azure-byok.rehearsal/", "azure-byok.ceremony/", 1)


def other_root(text: str) -> str:
    root = text.splitlines()[2]
    return text.replace(root, base64.b64encode(bytes(32)).decode())


def other_signature(text: str) -> str:
    blob = base64.b64decode(text.rsplit(maxsplit=1)[-1])
    return text.replace(text.rsplit(maxsplit=1)[-1], base64.b64encode(bench.flip(blob, 40)).decode())


def checked(left: bench.Left) -> dict[str, str]:
    """What openssl says of every checkpoint: the key it was made with, or FAILED."""
    ran = paste(left, command(left, NOTES))
    assert (ran.returncode, ran.stderr) == (0, "")
    said = dict(line.split() for line in ran.stdout.splitlines())
    assert list(said) == [f"checkpoints/{name}" for name in bench.tree(left.record / "checkpoints")]
    return said


def test_openssl_accepts_every_checkpoint(left: bench.Left) -> None:
    assert set(checked(left).values()) == {"keys/log-0.pub.pem"}


@pytest.mark.parametrize("edit", [other_size, other_origin, other_root, other_signature])
def test_openssl_refuses_a_tampered_checkpoint(twin: bench.Left, edit: Callable[[str], str]) -> None:
    path = max((twin.record / "checkpoints").iterdir())
    text = path.read_text(encoding="utf-8")
    assert edit(text) != text
    path.write_text(edit(text), encoding="utf-8")
    failed = [name for name, key in checked(twin).items() if key == "FAILED"]
    assert failed == [f"checkpoints/{path.name}"]


def test_openssl_refuses_another_rehearsals_key(twin: bench.Left, together: tuple[bench.Left, bench.Left]) -> None:
    shutil.copy(together[1].record / "keys/log-0.pub.pem", twin.record / "keys/log-0.pub.pem")
    assert set(checked(twin).values()) == {"FAILED"}
    assert "keys/log-0 FAILED" in paste(twin, command(twin, KEYS)).stdout.splitlines()
    shutil.copy(together[1].record / "keys/log-0.vkey", twin.record / "keys/log-0.vkey")
    ran = paste(twin, command(twin, KEYS))
    assert ran.stdout.splitlines()[0] == "keys/log-0 OK"  # the two files fit each other, and not the log
    assert ran.returncode != 0


def test_ssh_keygen_accepts_every_signature_and_refuses_what_was_not_signed(
    twin: bench.Left, together: tuple[bench.Left, bench.Left]
) -> None:
    """Refused: a statement with one letter changed; another statement's signature; the same person's of the other
    rehearsal; and every approver's once the manifest asks for fewer of them."""

    def said() -> dict[str, str]:
        ran = paste(twin, command(twin, SIGNED))
        assert (ran.returncode, ran.stderr) == (0, "")
        return dict(line.rsplit(" ", 1) for line in ran.stdout.splitlines())

    every = signatures(twin)
    assert said() == dict.fromkeys(every, "OK")
    assert len(every) > 30
    approvals, one, two, close = every[:2], every[2], every[3], every[-1]
    text, manifest = (twin.record / name for name in (one.removesuffix(".sshsig"), "approval/manifest.txt"))
    text.write_bytes(text.read_bytes().replace(b"I", b"J", 1))
    manifest.write_bytes(manifest.read_bytes().replace(b"approves   2", b"approves   1"))
    shutil.copy(twin.record / one, twin.record / two)
    shutil.copy(together[1].record / close, twin.record / close)
    failed = [signature for signature, verdict in said().items() if verdict == "FAILED"]
    assert failed == [*approvals, one, two, close]


def test_a_key_of_a_stranger_makes_no_signature_good(twin: bench.Left) -> None:
    """Whoever swaps a person's key has none of that person's signatures any more, and the log names the file."""
    path = twin.record / "keys/allowed_signers"
    lines = path.read_text().splitlines()
    mine = next(place for place, line in enumerate(lines) if line.startswith("hana "))
    other = lines[0].split()[-1]
    path.write_text(
        "".join(f"{line}\n" for line in [*lines[:mine], f"hana {lines[0].split(' ', 1)[1]}", *lines[mine + 1 :]])
    )
    assert other in path.read_text()
    said = paste(twin, command(twin, SIGNED)).stdout.splitlines()
    failed = {line.split()[0] for line in said if line.endswith("FAILED")}
    assert failed == {name for name in signatures(twin) if ".hana." in name}
    assert "keys/allowed_signers: FAILED" in paste(twin, command(twin, NAMED)).stdout


def test_jq_finds_the_one_spelling(twin: bench.Left) -> None:
    jq = command(twin, SPELLING)
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


def test_what_people_signed_is_what_the_log_names(twin: bench.Left) -> None:
    named = command(twin, NAMED)
    lines = paste(twin, named).stdout.splitlines()
    signed = [name for name in bench.tree(twin.record) if name.startswith(("approval/manifest", "statements/"))]
    assert {line.split(":")[0] for line in lines} >= {*signed, "plan.json", "keys/allowed_signers"}
    assert all(line.endswith(": OK") for line in lines)
    path = next((twin.record / "source").glob("*.regions.yaml"))
    path.write_bytes(path.read_bytes().replace(b"7A64B942", b"7A64B943"))
    assert f"source/{path.name}: FAILED" in paste(twin, named).stdout
    for name in (signed[0], signed[-1], "plan.json"):
        changed = twin.record / name
        content = changed.read_bytes()
        changed.write_bytes(bench.flip(content, len(content) // 2))
        assert f"{name}: FAILED" in paste(twin, named).stdout
        changed.write_bytes(content)
    sums = twin.record / "approval/sums.txt"
    sums.write_bytes(sums.read_bytes() + b"\n")
    assert paste(twin, named).stdout.splitlines()[-1] == "approval/manifest.txt: FAILED"


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
