"""A small live ceremony, in this process: two stations, a device, and a terminal at which a script answers."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from live_bench import Premises as AtTerminals

from runner.backends.emulator.setting_up import make_hsm
from runner.cli import abort, plan, resolve, resume, run
from runner.cli.main import guarded
from runner.exchange import ModeSet, SetMode
from runner.host.approvals import keep_approval, prepare
from runner.host.bundle import bundle_sha256
from runner.host.clock import today
from runner.host.disk import Disk
from runner.host.live_sitting import read_environment
from runner.host.plans import load_plan
from runner.host.premises import Premises
from runner.host.room import StopAsked
from runner.host.simulated import days_after
from runner.host.simulated_slot import SimulatedSlot
from runner.host.terminal import Terminal
from runner.signing.manifest import Terms
from runner.signing.signers import APPROVE
from runner.signing.sshsig import SimulatedSigner
from runner.spoken import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pexpect
    import pytest

    Answer = str | BaseException | Callable[[], str]

SERIAL = "SIM0-0000-0001"
BOB, FAY = (SimulatedSigner.from_seed(bytes([number]) * 32) for number in (2, 3))

PLAYBOOK = """\
format: ceremony/1
id: small
title: Small
version: "1"
owner: keys@example.com
review_by: "2090-01-31"
stations:
  desk: {title: Desk, network: true}
  room: {title: Room, network: false}
devices:
  hsm: {kind: nshield, at: room}
roles:
  approver: {title: Approver}
  clerk: {title: Clerk}
  witness: {title: Witness}
approvals: {plan: {approver: 1}, close: {witness: 1}, days: 30}
starts_with:
  hsm: {mode: operational, world: none}
ends_with: {}
steps:
  - part: At the desk
    station: desk
    quorum: {clerk: 1}
  - id: look
    action: record_facts
    title: Look around
    minutes: 5
    asks:
      seen: {type: text, ask: What is there, example: a press}
  - part: In the room
    station: room
    quorum: {clerk: 1}
  - id: switch
    action: set_mode
    title: Put the device into initialization mode
    minutes: 5
    device: hsm
    with: {mode: initialization}
  - id: back
    action: set_mode
    title: Put the device back
    minutes: 5
    device: hsm
    with: {mode: operational}
  - part: At the desk again
    station: desk
    quorum: {clerk: 1}
  - id: tell
    action: record_facts
    title: Say what was done
    minutes: 5
    asks:
      told: {type: text, ask: What was said, example: done}
"""
ROSTER = f"""\
format: roster/1
ceremony: small
people:
  bob: {{name: Bob, roles: [approver], key: "{BOB.public}"}}
  dee: {{name: Dee, roles: [clerk]}}
  eve: {{name: Eve, roles: [clerk]}}
  fay: {{name: Fay, roles: [witness], key: "{FAY.public}"}}
"""
ENVIRONMENT = (
    "format: environment/1\nid: here\nstations: [{stations}]\ndevices: {{{devices}}}\nkeys: {{fay: keys/fay}}\n"
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command returned and said, and what the terminal showed and asked."""

    code: int
    out: str
    err: str
    told: str
    asked: tuple[str, ...]


@dataclass
class Script:
    """A terminal at which each question that a pattern is found in has its answer; an exception is raised there."""

    answers: dict[str, Answer]
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    stopping: bool = False
    stopped_by: None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        yield

    @contextmanager
    def under_way(self, _words: str) -> Iterator[None]:
        yield

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask(self, prompt: str, *, waiting: str = "") -> str:  # noqa: ARG002 (a terminal has it)
        self.asked.append(prompt)
        answer = next(found for pattern, found in self.answers.items() if re.search(pattern, prompt))
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, str) else answer()


def write_key(path: Path) -> None:
    """Write fay's private key as OpenSSH writes one."""
    private = Ed25519PrivateKey.from_private_bytes(b"\x03" * 32)
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


class Bench:
    """The small ceremony in a folder of its own, which is the current one, approved and ready to run."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        (folder / "small.ceremony.yaml").write_text(PLAYBOOK)
        (folder / "small.roster.yaml").write_text(ROSTER)
        assert plan.main(["small.ceremony.yaml", "--out", "plan.json"]) == 0
        disk, path = Disk(), Path("plan.json")
        self.checked, _ = load_plan(disk, path)
        terms = Terms(
            approval="ab" * 16,
            not_before=today(),
            not_after=days_after(today(), 30),
            software=bundle_sha256(disk),
            version="0.1.0",
        )
        approved = prepare(self.checked, terms)
        keep_approval(disk, path, approved, "bob", BOB.sign(APPROVE, approved.manifest))
        self.machine("room.environment.yaml", "desk, room")

    def machine(self, name: str, stations: str) -> None:
        """Write the environment of a machine; one that plays the room has the device."""
        here = "room" in stations
        named = f"hsm: {{backend: emulator, serial: {SERIAL}}}" if here else ""
        path = self.folder / name
        write_key(path.parent / "keys" / "fay")
        path.write_text(ENVIRONMENT.format(stations=stations, devices=named))
        if here:
            make_hsm(path.parent / "devices" / "hsm", serial=SERIAL, cards=["SIM-CARD-0001"])

    def move_switch(self, name: str, mode: str) -> None:
        """Put the device of a machine into a mode, beside any ceremony."""
        with self.premises(name) as here:
            done = here.hsms["hsm"].set_mode(SetMode(device="hsm", mode=mode), f"moved-to-{mode}")
            assert done == ModeSet(mode=mode), done

    @contextmanager
    def premises(self, name: str) -> Iterator[Premises]:
        """Open the devices of a machine, beside any ceremony."""
        path = self.folder / name
        place, _, _ = read_environment(Disk(), path)
        assert place is not None
        cards = SimulatedSlot((), lambda _: None)
        with Premises.open(
            Disk(), place.environment, self.checked.plan, base=path.parent, sha256=place.sha256, dialogue=cards
        ) as here:
            yield here

    @property
    def record(self) -> Path:
        return self.folder / "record"

    def answers(self, **more: Answer) -> dict[str, Answer]:
        """What people of goodwill type, with other answers before; `_` in a name stands for any character."""
        here = iter(["dee", "eve", "fay", *["done"] * 9])
        digest = bytes.fromhex(self.checked.sha256)[:8]
        return {
            **{name.replace("_", "."): answer for name, answer in more.items()},
            r"Your id, or `done`": lambda: next(here),
            r"first 8 of them": " ".join(words(digest)),
            r"serial number": SERIAL,
            r"to the minute": "agrees",
            r"Who acts|read it out|Who comes in": "dee",
            r"types their id to (say|sign) this": self._speaker,
            r"^(seen|told):": "a press",
            r"again. begins the step": "again",
        }

    def _speaker(self) -> str:
        return re.split(r"\s", self.script.asked[-1])[0]

    def go(self, command: str, *arguments: str, answers: dict[str, Answer] | None = None) -> Said:
        """Run one command at the terminal; `answers` None: as people of goodwill do."""
        self.script = Script(self.answers() if answers is None else answers)
        self._monkeypatch.setattr(Terminal, "open", lambda: self.script)
        main = {"run": run.main, "resume": resume.main, "abort": abort.main, "resolve": resolve.main}[command]
        self._capsys.readouterr()
        code = guarded(lambda: main(list(arguments)))
        said = self._capsys.readouterr()
        told = "\n".join(self.script.told)
        return Said(code=int(code), out=said.out, err=said.err, told=told, asked=tuple(self.script.asked))

    def run(self, *more: str, answers: dict[str, Answer] | None = None, record: str = "record") -> Said:
        return self.go(
            "run", "plan.json", "--environment", "room.environment.yaml", "--out", record, *more, answers=answers
        )

    def resume(self, *, answers: dict[str, Answer] | None = None, record: str = "record") -> Said:
        return self.go("resume", record, "--environment", "room.environment.yaml", answers=answers)

    def abort(self, by: str = "dee") -> Said:
        return self.go(
            "abort", "record", "--as", by, "--because", "enough", "--environment", "room.environment.yaml",
            answers=self.answers(ends_the_ceremony=by),
        )  # fmt: skip

    def ledger(self) -> dict[str, str]:
        return {path.name: path.read_text().strip() for path in (self.folder / "ledger").glob("*")}

    def entries(self, record: str = "record") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / record / "log.jsonl").read_bytes().splitlines()]

    def without_ledger(self) -> None:
        shutil.rmtree(self.folder / "ledger")


STOP = StopAsked()


def at(bench: Bench, question: str, *command: str) -> pexpect.spawn[str]:
    """A command at a terminal, where everything before a question was answered."""
    child = AtTerminals(bench.folder).spawn(*command, "--environment", "room.environment.yaml")
    digest = " ".join(words(bytes.fromhex(bench.checked.sha256)[:8]))
    asked = [r"Your id, or `done`:", r"first 8 of them:", r"printed on it:", r"to the minute:"]
    answers = iter(["dee", "done"]), iter([digest]), iter([SERIAL]), iter(["agrees"])
    while (found := child.expect([question, *asked])) > 0:
        child.sendline(next(answers[found - 1]))
    return child
