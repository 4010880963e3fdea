"""A whole ceremony as people would carry it out: keys, roster, approvals, a terminal, and what everybody types."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect

from runner.spoken import words

if TYPE_CHECKING:
    from collections.abc import Callable

SHIPPED = Path(__file__).parents[2] / "ceremonies" / "azure-byok"
PEOPLE = ("amara", "bjorn", "chiara", "deniz", "emeka", "freya", "goran", "hana", "ines")
SERIAL = "SIM0-0000-0001"
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
PROGRAM = [sys.executable, "-m", "runner"]
WRONG = "canary-pin-of-nobody-3c1d"
PINS = {f"SIM-CARD-{number:04d}": f"canary-pin-{number}-7f3a" for number in range(1, 4)}

ENVIRONMENT = """\
format: environment/1
id: test-room
stations: [{stations}]
devices: {{{devices}}}
media: {{usb: {{folder: media/usb}}, backup-disk: {{folder: media/backup}}}}
keys: {{{keys}}}
"""


@dataclass
class Premises:
    """A folder with everything that a ceremony needs, and nothing simulated but the device and the vault."""

    place: Path

    def environment_of_process(self) -> dict[str, str]:
        root = Path(__file__).parents[2]
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "PYTHONPATH": str(root),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
        }

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ceremony` without a terminal."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.place,
            env=self.environment_of_process(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )

    def spawn(self, *arguments: str) -> pexpect.spawn[str]:
        """Run `ceremony` at a terminal of its own."""
        return pexpect.spawn(
            PROGRAM[0],
            [*PROGRAM[1:], *arguments],
            cwd=str(self.place),
            env=self.environment_of_process(),
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 200),
        )

    @property
    def digest(self) -> bytes:
        return hashlib.sha256((self.place / "plan.json").read_bytes()).digest()


def furnish(place: Path) -> Premises:
    """Make keys for everybody, a roster with them, a device with four blank cards, a vault, and the plan."""
    premises = Premises(place)
    for folder in ("keys", "media/usb", "media/backup"):
        (place / folder).mkdir(parents=True)
    for person in PEOPLE:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(place / "keys" / person)]
        subprocess.run(command, check=True)
    texts = [path.name for path in SHIPPED.glob("*.texts.yaml")]
    for name in ("azure-byok.ceremony.yaml", "azure-byok.regions.yaml", *texts):
        shutil.copy(SHIPPED / name, place / name)
    roster = (SHIPPED / "azure-byok.roster.yaml").read_text()
    for person in PEOPLE:
        key = " ".join((place / "keys" / f"{person}.pub").read_text().split()[:2])
        roster = re.sub(rf'(?m)^(  {person}:.*key: ")[^"]*', lambda match, key=key: match[1] + key, roster)  # type: ignore[misc]
    (place / "azure-byok.roster.yaml").write_text(roster)
    (place / "room.environment.yaml").write_text(
        ENVIRONMENT.format(
            stations="online, offline",
            devices=f"hsm: {{backend: emulator, serial: {SERIAL}}}",
            keys=", ".join(f"{person}: keys/{person}" for person in PEOPLE),
        )
    )
    for tool in (
        ["manufacture", "devices/one", "--serial", SERIAL, "--cards", "4"],
        ["install-vault", "vaults/eu", "--region", "eu"],
    ):
        command = [sys.executable, "-c", "from hsm_emulator.tools.main import main; raise SystemExit(main())", *tool]
        subprocess.run(command, cwd=place, env=premises.environment_of_process(), check=True, capture_output=True)
    planned = premises.call(
        "plan", "azure-byok.ceremony.yaml", "--region", "eu", "--param", f"subscription_id={SUBSCRIPTION}",
        "--param", "vault_name=ContosoKeyVaultHSM", "--out", "plan.json",
    )  # fmt: skip
    assert planned.returncode == 0, planned.stderr
    return premises


def approve(premises: Premises, person: str) -> int:
    """Let one person approve the plan at a terminal."""
    child = premises.spawn("approve", "plan.json", "--as", person, "--key", f"keys/{person}")
    child.expect("first 4 words")
    child.sendline(" ".join(words(premises.digest)[:4]))
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus)


STEP = re.compile(r"\[([a-z][a-z0-9-]*), (?:online|offline), ")


@dataclass
class People:
    """The people at the terminal: each answers what they are asked.

    `events` are things that happen at a step's first call for people: they are typed there, word by word.
    `interrupt` is the step at whose first call for people somebody presses Ctrl-C.
    `head` is what was written down when the log was handed over, hex; None where it is the plan that is compared.
    """

    premises: Premises
    here: list[str]
    events: dict[str, list[str]] = field(default_factory=dict)
    interrupt: str | None = None
    step: str = ""
    said: list[str] = field(default_factory=list)
    mistakes: set[str] = field(default_factory=set)
    head: str | None = None
    _acts: list[str] = field(default_factory=list)
    _attending: list[str] = field(default_factory=list)
    _typing: list[str] = field(default_factory=list)
    _card: str = ""
    _twice: str = ""

    def attend(self, child: pexpect.spawn[str]) -> int:
        """Answer until the process ends; return its exit code."""
        self._attending = [*self.here, "done"]
        answers: list[tuple[str, Callable[[re.Match[str]], str | None]]] = [
            (r"Your id, or `done`:", lambda _: self._attending.pop(0)),
            (r"types the first 8 of them:", lambda _: self._compares()),
            (r"\d+ of \d+: [^\n]*:", lambda _: "here"),
            (r"serial number that is printed on it:", lambda _: SERIAL),
            (r"to the minute:", lambda _: "agrees"),
            (r"(\w+) types their id to s(?:ign|ay) this:", lambda match: match[1]),
            (r"\[([a-z][a-z0-9-]*), (?:online|offline), [^\n]*\n", self._begins),
            (r"(?:Still to confirm|Not everybody is here)(.*?)Who acts types their id:", self._gathers),
            (r"Who acts types their id:", self._acts_next),
            (r"One of you types its id:", lambda _: self.step),
            (r"\r\n([a-z_]+): ?$", lambda match: self._value(match[1])),
            (r"Who read it out types their id:", lambda _: self._speaker()),
            (r"Who did it types their id:", lambda _: self._speaker()),
            (r"Card \d+ of \d+ is written: a blank one for number (\d+)[^\n]*\n", self._wanted),
            (r"Card (\d+) of \d+ is read: any card of acs \(([^\n]*)\)", self._reads),
            (r"Serial printed on the card in the slot[^\n]*:", lambda _: self._puts_in()),
            (r"New passphrase for card[^\n]*:", lambda _: PINS[self._card]),
            (r"The same passphrase again[^\n]*:", lambda _: PINS[self._card]),
            (r"Passphrase of card[^\n]*:", lambda _: self._types_pin()),
            (r"In a break\. `back` goes on:", lambda _: "back"),
            (r"(?:Who|Why)[^\n]*: ?$", lambda _: self._typing.pop(0)),
        ]
        patterns = [pattern for pattern, _ in answers]
        while True:
            index = child.expect([*patterns, pexpect.EOF])
            self.said.append(f"{child.before}{child.after if index < len(patterns) else ''}")
            if index == len(patterns):
                child.close()
                return int(child.exitstatus) if child.exitstatus is not None else 128 + int(child.signalstatus)
            answer = answers[index][1](child.match)
            if answer == "^C":
                child.sendintr()
            elif answer is not None:
                child.sendline(answer)

    def _compares(self) -> str:
        said = words(self.premises.digest if self.head is None else bytes.fromhex(self.head))[:8]
        if "word" in self.mistakes:
            self.mistakes.remove("word")
            said = [said[0], said[3], said[2], said[1], *said[4:]]
        return " ".join(said)

    def _begins(self, match: re.Match[str]) -> None:
        self.step, self._acts = match[1], []
        self._typing = self.events.pop(self.step, [])

    def _gathers(self, match: re.Match[str]) -> str:
        self._acts = re.findall(r"  [a-z-]+: (\w+)", match[1])
        return self._acts_next(match)

    def _acts_next(self, _match: re.Match[str]) -> str:
        if self.interrupt == self.step:
            self.interrupt = None
            return "^C"
        if self._typing:
            return self._typing.pop(0)
        if "twice" in self.mistakes and len(self._acts) == 1:
            self.mistakes.remove("twice")
            return self._twice
        self._twice = self._acts[0] if self._acts else ""
        return self._acts.pop(0)

    def _value(self, name: str) -> str:
        return SUBSCRIPTION if name == "subscription" else f"{name} as read"

    def _speaker(self) -> str:
        return "ines" if "ines" in self.here else "goran"

    def _wanted(self, match: re.Match[str]) -> None:
        self._card = f"SIM-CARD-{int(match[1]):04d}"

    def _reads(self, match: re.Match[str]) -> None:
        numbers = [int(number) for number in re.findall(r"card (\d+):", match[2])]
        self._card = f"SIM-CARD-{numbers[int(match[1]) - 1]:04d}"

    def _puts_in(self) -> str:
        if "card" in self.mistakes:
            self.mistakes.remove("card")
            return "SIM-CARD-9999"
        return self._card

    def _types_pin(self) -> str:
        if "pin" in self.mistakes:
            self.mistakes.remove("pin")
            return WRONG
        return PINS[self._card]


def entries(record: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (record / "log.jsonl").read_bytes().splitlines()]
