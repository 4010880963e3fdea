"""How long it takes to find what is wrong in playbooks: the shipped one, and ones of 100, 1000 and 10,000 steps.

Beside `ceremony lint` stand ansible-playbook --syntax-check, check-jsonschema and yamllint on files of as many steps,
in one go, so that ratios mean something whatever the machine. Prints; asserts nothing. `python bench/authoring.py
[FOLDER]` keeps what it makes in FOLDER. Peers get an environment of their own there, or are left out without a network.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

RUNS = 5
STEPS = (14, 100, 1000, 10_000)
MOST = 1000
"""Peers are not asked for more steps than this, and ours reads no more nodes than those of some 1400."""

EDITION = "2017-05-09"
"""The one that the shipped playbook takes where nobody says which."""

PEERS = ("ansible-core==2.19.14", "check-jsonschema==0.39.0", "yamllint==1.38.0")
PURE = "import sys; sys.modules['_ruamel_yaml'] = None; from runner.cli.main import main; sys.exit(main(sys.argv[1:]))"
"""`ceremony` without the C parser."""

LIFTED = (
    "import sys; import runner.document.source as s, runner.document.reading as r; "
    "s.MOST_BYTES = r.MOST_NODES = 10**9; "
    "from runner.cli.main import main; sys.exit(main())"
)
"""`ceremony` without the limits on a file's size, to see how time grows beyond them."""

HEAD = """format: ceremony/1
id: bench
title: "Read the instruments in {{ region.name }}"
version: "1"
owner: keys@example.com
review_by: "2030-01-31"
regions: bench.regions.yaml
parameters:
  ticket: {type: text, ask: Number of the ticket, example: T-1, max_length: 20}
stations:
  room: {title: Room, network: false}
roles:
  operator: {title: Operator}
  witness: {title: Witness}
separation:
  - [operator, witness]
starts_with: {}
ends_with: {}
steps:
"""
STEP = """  - id: step-{number:05d}
    action: do_by_hand
    title: "Read instrument {number} in {{{{ region.name }}}}"
    station: room
    minutes: 5
    quorum: {{operator: 1, witness: 1}}
    note: "The seal is {{{{ region.seal }}}}, the ticket {{{{ params.ticket }}}}."
    repeat: safe
    asks:
      dial: {{type: text, ask: What the dial says, example: N-1}}
    expect: {{dial: "{{{{ region.seal }}}}"}}
"""
REGIONS = """format: regions/1
editions:
  "2026-01-01": {note: First}
values:
  name: {type: text}
  seal: {type: text}
regions:
  north: {offered: {from: "2026-01-01"}, name: North, seal: N-1}
  south: {offered: {from: "2026-01-01"}, name: South, seal: S-1}
"""
PLAY_HEAD = """- hosts: localhost
  gather_facts: false
  vars: {region: north, seal: N-1, ticket: T-1}
  tasks:
"""
TASK = """    - name: "Read instrument {number} in {{{{ region }}}}"
      ansible.builtin.debug:
        msg: "The seal is {{{{ seal }}}}, the ticket {{{{ ticket }}}}."
      register: dial_{number:05d}
      changed_when: false
      failed_when: dial_{number:05d}.msg == ""
      vars:
        minutes: 5
        quorum: {{operator: 1, witness: 1}}
        repeat: safe
"""


def playbook(base: Path, steps: int) -> Path:
    """Write a playbook of so many steps, with its regions, and a play of as many tasks."""
    folder = base / f"steps-{steps}"
    folder.mkdir(exist_ok=True)
    file = folder / "bench.ceremony.yaml"
    file.write_text(HEAD + "".join(STEP.format(number=number) for number in range(steps)))
    (folder / "bench.regions.yaml").write_text(REGIONS)
    (folder / "play.yaml").write_text(PLAY_HEAD + "".join(TASK.format(number=number) for number in range(steps)))
    return file


def show(name: str, command: list[str], *, wanted: int = 0, ours: float = 0) -> float:
    """Print the median of some runs, each in a fresh process; the first, which writes compiled modules, left out.

    Returns:
        the median in milliseconds; where that of `ours` is given, its ratio to that is printed too.
    """
    taken: list[float] = []
    for _run in range(RUNS + 1):
        begin = time.perf_counter()
        code = subprocess.run(command, capture_output=True, check=False).returncode
        taken.append(time.perf_counter() - begin)
        if code != wanted:
            raise SystemExit(f"{command} ended with {code}")
    median = statistics.median(taken[1:]) * 1000
    print(f"{median:8.0f} ms  {name}{f', {median / ours:.1f} times ours' if ours else ''}", flush=True)
    return median


def peers(base: Path) -> Path | None:
    """Return the folder of the peers' programs; None where they cannot be installed."""
    place = base / "peers"
    if not (place / "bin" / "yamllint").exists():
        venv.create(place, with_pip=True)
        if subprocess.run([place / "bin" / "python", "-m", "pip", "install", "-q", *PEERS], check=False).returncode:
            return None
    return place / "bin"


def main() -> None:
    """Print the medians."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start as they do where a package is installed
    parser = argparse.ArgumentParser(description="Print how long it takes to check playbooks, beside peers.")
    parser.add_argument(
        "folder", nargs="?", type=Path, help="keep what is made there, and take it from there next time"
    )
    folder = parser.parse_args().folder
    schema = Path(__file__).parents[1] / "schemas" / "ceremony-1.schema.json"
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(folder or temporary).absolute()
        base.mkdir(exist_ok=True)
        programs = peers(base)
        print(f"{platform.machine()}, Python {platform.python_version()}, medians of {RUNS}, the first run left out")
        ours = [str(Path(sys.executable).with_name("ceremony")), "lint"]
        pure = [sys.executable, "-c", PURE, "lint"]
        for name, more in (("every region and language", ["--edition", EDITION]), ("every edition, too", [])):
            show(f"ceremony lint azure-byok: {name}", [*ours, "azure-byok", *more])
            show("  without the C parser", [*pure, "azure-byok", *more])
        for steps in STEPS:
            file = playbook(base, steps)
            if steps > MOST:
                show(f"ceremony lint, {steps} steps: refused", [*ours, str(file)], wanted=1)
                show("  with the limits lifted", [sys.executable, "-c", LIFTED, "lint", str(file)])
                continue
            took = show(f"ceremony lint, {steps} steps", [*ours, str(file)])
            show("  without the C parser", [*pure, str(file)])
            if programs is None:
                continue
            for peer, options in (
                ("ansible-playbook", ["-i", "localhost,", "--syntax-check", str(file.with_name("play.yaml"))]),
                ("check-jsonschema", ["--schemafile", str(schema), str(file)]),
                ("yamllint", ["-d", "relaxed", "--no-warnings", str(file)]),
            ):
                show(f"  {peer}", [str(programs / peer), *options], ours=took)


if __name__ == "__main__":
    main()
