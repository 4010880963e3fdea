"""What the tests here share: a rehearsal through the command line, and a record read, damaged and judged."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.audit.entry import Entry, EntryType
from runner.audit.note import LogKey
from runner.check import check
from runner.cli.main import main
from runner.plan import CheckedPlan, TrustList, parse_plan, trust_list
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from runner.verification.verdict import Verdict

EDITION = "2019-08-16"
"""The edition in which every region is offered."""

OVER = 60
"""Seconds after which a process of ours hangs rather than works."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a rehearsal left behind, and what it said. `seeds` are the private log keys, caught in memory."""

    record: Path
    code: int
    out: str
    err: str
    seeds: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def sim(self) -> Path:
        return self.record.with_name(f"{self.record.name}.sim")

    @property
    def trust(self) -> Path:
        return self.sim / "trust.json"

    def verdict(self) -> Verdict:
        return verify(self.record, self.trust, rehearsal=True)

    def lines(self) -> list[bytes]:
        return (self.record / "log.jsonl").read_bytes().splitlines()

    def entries(self) -> list[Entry]:
        return [entry(line) for line in self.lines()]

    def checked(self) -> CheckedPlan:
        made = check(parse_plan((self.record / "plan.json").read_bytes()))
        assert isinstance(made, CheckedPlan)
        return made

    def values(self) -> TrustList:
        (values,) = json.loads(self.trust.read_bytes())["trust_lists"]
        return trust_list(values["list"], {item["name"]: item["value"] for item in values["values"]})

    def copy(self, place: Path) -> Left:
        """A copy of the record and its trust file, to be damaged."""
        twin = Left(record=place / "record", code=self.code, out=self.out, err=self.err)
        shutil.copytree(self.record, twin.record)
        twin.sim.mkdir()
        shutil.copy(self.trust, twin.trust)
        return twin


def entry(line: bytes) -> Entry:
    data: dict[str, Any] = json.loads(line)
    del data["v"]
    return Entry(**{**data, "type": EntryType(data["type"]), "actors": tuple(data["actors"])})


def leaf(line: bytes) -> str:
    """The leaf hash of a line (RFC 6962, section 2.1), written down here a second time."""
    return hashlib.sha256(b"\0" + line).hexdigest()


def say(*arguments: str) -> tuple[int, str, str]:
    """Run `ceremony` in this process; what it returned, and said on stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = int(main(list(arguments)))
    return code, out.getvalue(), err.getvalue()


def rehearse(record: Path, region: str, *more: str, patch: pytest.MonkeyPatch | None = None) -> Left:
    """Rehearse the shipped ceremony in this process; with `patch`, the log's private keys are kept for a search."""
    seeds: list[bytes] = []
    if patch is not None:
        from_seed = LogKey.from_seed

        def caught(origin: str, seed: bytes) -> LogKey:
            seeds.append(seed)
            return from_seed(origin, seed)

        patch.setattr(LogKey, "from_seed", caught)
    code, out, err = say("rehearse", "azure-byok", "--region", region, *more, "--out", str(record))
    return Left(record=record, code=code, out=out, err=err, seeds=tuple(seeds))


def start(*arguments: str) -> subprocess.Popen[str]:
    """Begin `ceremony` in a process of its own, with hardly any environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )


def finish(process: subprocess.Popen[str], record: Path) -> Left:
    out, err = process.communicate(timeout=OVER)
    return Left(record=record, code=process.returncode, out=out, err=err)


def put_log(left: Left, lines: Sequence[bytes]) -> None:
    (left.record / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def put_sums(left: Left) -> None:
    """Write SHA256SUMS as if all were well: whoever changes a file can do that too."""
    names = sorted(str(path.relative_to(left.record)) for path in left.record.rglob("*") if path.is_file())
    sums = [
        f"{hashlib.sha256((left.record / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
        if name != "SHA256SUMS"
    ]
    (left.record / "SHA256SUMS").write_text("".join(sums))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def pick(seed: str, below: int) -> int:
    """A place that is as good as random and the same in every run."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % below


def flip(content: bytes, place: int, bit: int = 1) -> bytes:
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
