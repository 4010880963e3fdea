"""What the tests here share: keys in files, a small ceremony with two approvers and an auditor, and its commands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from plan_bench import signer

from runner.cli import approve, plan
from runner.cli.main import guarded
from runner.host.approvals import Approved, read_approved
from runner.host.disk import Disk
from runner.host.plans import load_plan
from runner.signing.manifest import Terms
from runner.spoken import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from runner.plan import CheckedPlan

PLAYBOOK = """\
format: ceremony/1
id: press-test
title: Test of a press
version: "1"
owner: keys@example.com
review_by: "2030-01-31"
parameters:
  label: {type: text, ask: Label, default: blue}
  kind: {type: choice, of: [red, green], ask: Which, default: red}
  copies: {type: whole, ask: How many, default: 3}
  twice: {type: flag, ask: Press twice, default: true}
  day: {type: date, ask: Which day, default: "2026-12-01"}
  space: {type: size, ask: Room, default: 16 MB}
stations:
  room: {title: Room, network: false}
roles:
  author: {title: Author}
  approver: {title: Approver}
  auditor: {title: Auditor}
  clerk: {title: Clerk}
separation:
  - [author, approver]
approvals: {plan: {approver: 2, auditor: 1}, close: {clerk: 1}, days: 30}
starts_with: {}
ends_with: {}
steps:
  - part: In the room
    station: room
    quorum: {clerk: 1}
  - id: look
    action: record_facts
    title: "Look around for {{ params.label }} and {{ params.kind }}"
    minutes: 5
    asks:
      seen: {type: text, ask: What is there, example: a press}
  - id: press
    action: record_facts
    title: "Press {{ params.copies }} times"
    minutes: 5
    asks:
      pressed: {type: whole, ask: How often it was pressed, example: 3}
"""
PEOPLE = {
    "ada": (1, "roles: [author]"),
    "bob": (2, "roles: [approver]"),
    "cyd": (3, "roles: [approver]"),
    "dee": (4, "roles: [clerk]"),
    "eve": (5, "roles: [approver], stands_in_for: bob"),
    "hal": (8, "roles: [approver, auditor]"),
}
"""Each with the number of their key."""

ROSTER = "format: roster/1\nceremony: press-test\npeople:\n" + "".join(
    f'  {who}: {{name: {who.title()}, {more}, key: "{signer(number).public}"}}\n'
    for who, (number, more) in PEOPLE.items()
)


def write_key(path: Path, number: int) -> Path:
    """Write the private key of `plan_bench.signer(number)` as OpenSSH writes one."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return path


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command returned and said, and what the terminal showed."""

    code: int
    out: str
    err: str
    told: str = ""


class PaperTerminal:
    """A terminal that shows onto paper and reads what was typed beforehand."""

    def __init__(self, typed: Sequence[str]) -> None:
        self.typed = list(typed)
        self.told: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, prompt: str) -> str:
        self.told.append(prompt)
        return self.typed.pop(0)


class Bench:
    """The small ceremony in a folder of its own, which is the current one."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.disk = Disk()
        (folder / "press.ceremony.yaml").write_text(PLAYBOOK)
        (folder / "press.roster.yaml").write_text(ROSTER)
        keys = folder / "keys"
        keys.mkdir()
        for who, (number, _more) in PEOPLE.items():
            write_key(keys / who, number)

    def plan(self, name: str = "plan.json", *more: str) -> Said:
        return self.run(plan.main, "press.ceremony.yaml", "--out", name, *more)

    def approve(
        self,
        who: str,
        *more: str,
        plan_: str = "plan.json",
        typed: Sequence[str] | None = None,
        with_key: bool = True,
    ) -> Said:
        """Run `ceremony approve` with the person's key in a file; `typed` None: the right words."""
        said = words(bytes.fromhex(self.checked(plan_).sha256)[:4]) if typed is None else ()
        terminal = PaperTerminal([" ".join(said)] if typed is None else typed)
        self._monkeypatch.setattr(approve.Terminal, "open", lambda: terminal)
        key = () if "--key" in more or not with_key else ("--key", f"keys/{who}")
        found = self.run(approve.main, plan_, "--as", who, *key, *more)
        return Said(code=found.code, out=found.out, err=found.err, told="\n".join(terminal.told))

    def checked(self, name: str = "plan.json") -> CheckedPlan:
        return load_plan(self.disk, Path(name))[0]

    def approved(self, name: str = "plan.json") -> Approved:
        found = read_approved(self.disk, Path(name))
        assert found is not None
        return found

    def run(self, command: object, *arguments: str) -> Said:
        self._capsys.readouterr()
        try:
            code = guarded(lambda: command(list(arguments)))  # type: ignore[operator]
        except SystemExit as left:
            code = int(left.code or 0)
        said = self._capsys.readouterr()
        return Said(code=int(code), out=said.out, err=said.err)

    def tree(self) -> dict[str, bytes | None]:
        """Everything in the folder: files with their bytes, folders with None."""
        return {
            str(path.relative_to(self.folder)): None if path.is_dir() else path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
        }


def terms(**more: str) -> Terms:
    fields = {
        "approval": os.urandom(16).hex(),
        "not_before": "2026-11-25",
        "not_after": "2026-12-25",
        "software": "5f" * 32,
        "version": "0.1.0",
    }
    return Terms(**(fields | more))
