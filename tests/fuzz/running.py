"""Many mutated files in processes of their own, each held to so much time and memory.

`python tests/fuzz/running.py COUNT [SEED]` takes COUNT inputs from SEED on, of the large files too; exit 1 where any of
them is anything but findings, a refusal or a plan. `--one SEED` judges one input again and writes it to `fuzz.bin`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from judging import OUTCOMES, Seed, judge, seeds
from mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

MOST_SECONDS: Final = 2.0
"""Processor time for one input."""

MOST_BYTES: Final = 200 * 1024 * 1024
"""Memory an input may take beyond what the process had before."""

PART: Final = 2500
"""Inputs of one process."""

SAID: Final = 50_000
"""How far it has come is said now and then: a run of hours may be broken off."""


def _spin() -> None:
    while True:
        pass


PLANTED: Final[dict[str, Callable[[], object]]] = {
    "": lambda: None,
    "traceback": lambda: 1 // 0,
    "slow": _spin,
    "large": lambda: bytes(2 * MOST_BYTES),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
}
"""What a test puts in to see that it is found."""


class TooSlow(BaseException):  # nothing that catches exceptions may swallow it
    """An input took more than its time."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How many inputs came to what, and what is bad: the seed, the file it began as, and why."""

    counts: Counter[str]
    bad: tuple[tuple[int, str, str], ...]


def run(count: int, *, first: int, large: bool, workers: int) -> Ran:
    """Judge `count` inputs, those with the seeds from `first` on."""
    parts = [(start, min(PART, first + count - start)) for start in range(first, first + count, PART)]
    counts: Counter[str] = Counter()
    bad: list[tuple[int, str, str]] = []
    with ThreadPoolExecutor(workers) as pool:
        for (start, _), told in zip(parts, pool.map(lambda part: _part(*part, large=large), parts), strict=True):
            counts.update(told["counts"])
            bad.extend((seed, name, why) for seed, name, why in told["bad"])
            if start % SAID == 0:
                sys.stderr.write(f"up to seed {start}: {len(bad)} bad\n")
    return Ran(counts=counts, bad=tuple(bad))


def _part(start: int, count: int, *, large: bool) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile() as progress:
        command = [sys.executable, __file__, "--part", str(start), str(count), str(int(large)), progress.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=count * MOST_SECONDS + 60)
        if done.returncode == 0:
            told: dict[str, Any] = json.loads(done.stdout)
            return told
        at = Path(progress.name).read_text() or str(start)
        return {
            "counts": {},
            "bad": [(int(at), "?", f"the process ended with {done.returncode}: {done.stderr[-2000:]}")],
        }


def _input(seed: int, *, large: bool) -> tuple[Seed, bytes]:
    every = seeds(large=large)
    sound = tuple(one for one in every if one.sound)
    of = every if seed % 4 == 0 else sound
    chosen = of[seed // 4 % len(of)]
    others = tuple(one.content for one in every)
    return chosen, mutated(seed, chosen.content, chosen.tree, others)


def _inside(start: int, count: int, *, large: bool, progress: str) -> None:
    """Judge one part in this process, and print what came of it."""
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, _late)
    seeds(large=large)
    _limit_memory()
    counts: Counter[str] = Counter()
    bad: list[tuple[int, str, str]] = []
    with Path(progress).open("wb", buffering=0) as at:
        for seed in range(start, start + count):
            os.pwrite(at.fileno(), f"{seed:020d}".encode(), 0)
            chosen, content = _input(seed, large=large)
            why, took = _judged(seed, chosen, content)
            good = why in OUTCOMES and took <= MOST_SECONDS
            counts[why if good else "bad"] += 1
            if not good:
                bad.append((seed, chosen.name, why if why not in OUTCOMES else f"{took:.1f} seconds"))
    sys.stdout.write(json.dumps({"counts": counts, "bad": bad}))


def _judged(seed: int, chosen: Seed, content: bytes) -> tuple[str, float]:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        PLANTED[os.environ.get("FUZZ_PLANTED", "")]()
        why = judge(chosen, content, "pure" if seed % 2 else "best")
    except TooSlow:
        why = f"more than {MOST_SECONDS} seconds"
    except BaseException:  # noqa: BLE001 (whatever it is, it is what is looked for)
        why = traceback.format_exc(limit=-6)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return why, time.process_time() - began


def _late(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _shown(ran: Ran) -> Iterator[str]:
    yield f"{sum(ran.counts.values())} inputs: " + ", ".join(f"{n} {what}" for what, n in sorted(ran.counts.items()))
    for seed, name, why in ran.bad[:20]:
        yield f"seed {seed} ({name}): {why}"


def _again(seed: int) -> int:
    chosen, content = _input(seed, large=True)
    Path("fuzz.bin").write_bytes(content)
    sys.stdout.write(f"{chosen.name}: {judge(chosen, content, 'pure' if seed % 2 else 'best')}\n")
    return 0


def main(arguments: list[str]) -> int:
    if arguments[0] == "--part":
        start, count, large, progress = arguments[1:]
        _inside(int(start), int(count), large=large == "1", progress=progress)
        return 0
    if arguments[0] == "--one":
        return _again(int(arguments[1]))
    first = int(arguments[1]) if len(arguments) > 1 else 0
    ran = run(int(arguments[0]), first=first, large=True, workers=os.cpu_count() or 1)
    sys.stdout.write("".join(f"{line}\n" for line in _shown(ran)))
    return 1 if ran.bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
