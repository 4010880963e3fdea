"""What the tests here share: the small ceremony and the shipped one rehearsed with faults through the command line."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "emulator"))

from emulator_bench import CHEAP, SeededDraw

from runner.backends.emulator.inside import Inside
from runner.cli.main import main
from runner.host.disk import Disk
from runner.host.replay_record import Same, replay_record
from runner.host.simulated_room import Ground
from runner.verification.verify import verify

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "goldens" / "tiny.ceremony.yaml"
HEAD = "format: faults/1\nceremony: tiny\nfaults:\n"


def script(*faults: str, ends: str = "exit: 0") -> str:
    """Return a file of faults: the first at line 4, its end on the last."""
    return HEAD + "".join(f"  - {{{fault}}}\n" for fault in faults) + f"ends: {{{ends}}}\n"


@dataclass
class Room:
    """Runs `ceremony` in this process; `waited` is how long its people and devices waited, in seconds."""

    place: Path
    patch: pytest.MonkeyPatch
    now: float = 1_700_000_000.0
    waited: float = 0.0
    out: str = ""
    err: str = ""

    def __post_init__(self) -> None:
        def ground(disk: Disk) -> Ground:
            self.now += 1
            inside = Inside(draw=SeededDraw(f"at {self.now}"), scrypt_n=CHEAP, clock=lambda: self.now)
            return Ground(disk=disk, wait=self._wait, inside=inside)

        for command in ("rehearse", "resume"):
            self.patch.setattr(f"runner.cli.{command}.Ground", ground)

    def _wait(self, seconds: float) -> None:
        self.waited += seconds
        self.now += seconds

    @property
    def record(self) -> Path:
        return self.place / "record"

    def say(self, *words: str) -> int:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = int(main(list(words)))
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

    def rehearse(self, text: str, *more: str, playbook: str = str(TINY)) -> int:
        path = self.place / "x.faults.yaml"
        path.write_text(text, encoding="utf-8")
        words = ("--faults", str(path), "--out", str(self.record), "--format", "oneline", *more)
        return self.say("rehearse", playbook, *words)

    def came(self, *faults: str, ends: str = "exit: 0") -> list[tuple[Any, ...]]:
        """Rehearse with these faults, which must come and end so; return the story. What is left must stand."""
        code = int(ends.partition(",")[0].removeprefix("exit: "))
        assert self.rehearse(script(*faults, ends=ends)) == code, self.out + self.err
        self.stands()
        return self.story()

    def stands(self) -> None:
        """The verifier finds nothing wrong with the record, and it replays."""
        verdict = verify(self.record, self.place / "record.sim" / "trust.json", rehearsal=True)
        assert verdict.outcome.name in {"VALID", "ABORTED", "OPEN"}, verdict.findings
        assert isinstance(replay_record(Disk(), self.record), Same)

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.record / "log.jsonl").read_bytes().splitlines()]

    def story(self) -> list[tuple[Any, ...]]:
        """What the record says that does not go by itself: failures, later attempts, interruptions, ends."""
        found: list[tuple[Any, ...]] = []
        for one in self.entries():
            data = one["data"]
            match one["type"]:
                case "step.failed":
                    found.append(("failed", one["step"], one["attempt"], data["rule"], data["status"]))
                case "step.begun" if one["attempt"] > 1:
                    found.append(("begun", one["step"], one["attempt"]))
                case "ceremony.suspended" | "ceremony.aborted":
                    found.append((one["type"].removeprefix("ceremony."), data["rule"]))
                case "ceremony.resumed":
                    found.append(("resumed",))
                case "ceremony.closed":
                    found.append((data["outcome"],))
                case _:
                    pass
        return found
