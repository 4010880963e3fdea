"""How long the main jobs take here, each in a fresh process, as a user meets them. Prints; asserts nothing."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runner.host.disk import Disk
from runner.host.replay_record import Same, replay_record

RUNS = 5


def seconds(arguments: list[str]) -> float:
    """Return the seconds one command takes."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "runner", *arguments], check=True, capture_output=True)
    return time.perf_counter() - begin


def replay(record: Path) -> float:
    """Return the seconds that replaying a record takes in a process that has started."""
    begin = time.perf_counter()
    if not isinstance(replay_record(Disk(), record), Same):
        raise SystemExit("the record does not replay")
    return time.perf_counter() - begin


def main() -> None:
    """Print the medians."""
    argparse.ArgumentParser(description="Print how long rehearsals take.").parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start as they do where a package is installed
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {RUNS}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def rehearse() -> float:
            shutil.rmtree(place / "record", ignore_errors=True)
            shutil.rmtree(place / "record.sim", ignore_errors=True)
            return seconds(["rehearse", "azure-byok", "--region", "eu", "--out", str(place / "record")])

        jobs = {
            "ceremony --help": lambda: seconds(["--help"]),
            "lint azure-byok, all editions and regions": lambda: seconds(["lint", "azure-byok"]),
            "rehearse azure-byok, one region": rehearse,
            "verify that record": lambda: seconds(
                ["verify", str(place / "record"), "--trust", str(place / "record.sim" / "trust.json"), "--rehearsal"]
            ),
        }
        for name, job in jobs.items():
            print(f"{statistics.median(job() for _ in range(RUNS)) * 1000:8.0f} ms  {name}")
        print(f"{statistics.median(replay(place / 'record') for _ in range(RUNS)) * 1000:8.0f} ms  replay it, started")
        every = seconds(
            ["rehearse", "azure-byok", "--all-regions", "--edition", "2019-08-16", "--out", str(place / "all")]
        )
        print(f"{every * 1000:8.0f} ms  rehearse azure-byok, 18 regions (once)")


if __name__ == "__main__":
    main()
