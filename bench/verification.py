"""How long records take to verify: a log of a million entries, and a thousand steps with two people each.

Beside them stand the Perl lines of VERIFY.txt and pymerkle on the same log, and in-toto-verify on a layout of as many
steps and people. Prints; asserts nothing. `python bench/verification.py [FOLDER]` keeps what it makes in FOLDER, and
takes it from there the next time. in-toto gets an environment of its own there, or is left out without a network.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import big_record

from runner.verification.spelling import Spelling, fastest, standard
from runner.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES = 1_000_000
STEPS = 1000
IN_TOTO = "in-toto==3.1.0"
NEVER = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to verify: what parses JSON, and from how many bytes on a second process helps."""

    spelling: Callable[[], Spelling]
    big: int


WAYS = {
    "two cores": Way(spelling=fastest, big=0),
    "one core": Way(spelling=fastest, big=NEVER),
    "one core, standard library alone": Way(spelling=standard, big=NEVER),
}


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Run a command and return its seconds, its seconds of all cores, and its largest process in MB."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:3]} ended with {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def show(name: str, command: list[str], folder: Path, runs: int) -> None:
    """Print the fastest of some runs, as what else a machine does only ever adds, and the median."""
    taken = sorted(measured(command, folder) for _run in range(runs))
    seconds, cores, memory = taken[0]
    middle = statistics.median(one[0] for one in taken)
    print(
        f"{seconds:8.2f} s  (median {middle:.2f} s; {cores:.2f} s of all cores; {memory:4.0f} MB)  {name}", flush=True
    )


def one(way: Way, folder: Path) -> None:
    """Verify a record in one way; what `show` runs."""
    verdict = verify(
        folder / "record", folder / "trust.json", rehearsal=True, spelling=way.spelling(), big=way.big
    )  # fmt: skip
    if verdict.outcome != "valid":
        raise SystemExit(verdict.sentence())


def made(base: Path, name: str, *, entries: int, steps: int, sign_off: str = "none") -> Path:
    """Return the folder of a record, made now where it is not there."""
    folder = base / name
    if not (folder / "trust.json").exists():
        folder.mkdir()
        big_record.write(folder, entries=entries, steps=steps, sign_off=sign_off)
    return folder


def perl_lines(record: Path) -> list[str]:
    """Return the command of VERIFY.txt that follows chain and tree."""
    found = re.search(r"^ +(perl -C0 .*?' log\.jsonl)", (record / "VERIFY.txt").read_text(), re.DOTALL | re.MULTILINE)
    if found is None:
        raise SystemExit("VERIFY.txt has no Perl lines")
    return ["sh", "-c", found[1]]


PYMERKLE = """
from pymerkle import InmemoryTree
tree = InmemoryTree("sha256")
with open("log.jsonl", "rb") as log:
    for line in log:
        tree.append_entry(line[:-1])
tree.get_state()
"""
LAYOUT = """
from pathlib import Path
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from in_toto.models.layout import Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Envelope
from securesystemslib.signer import CryptoSigner

def write(metadata, signers, path):
    envelope = Envelope.from_signable(metadata)
    for signer in signers:
        envelope.create_signature(signer)
    envelope.dump(str(path))

private = [Ed25519PrivateKey.generate() for _ in range(3)]
signers = [CryptoSigner(key) for key in private]
owner, people = signers[0], signers[1:]
Path("links").mkdir()
steps = []
for number in range(STEPS):
    name = f"step-{number:04d}"
    step = Step(name=name, threshold=2, pubkeys=[signer.public_key.keyid for signer in people])
    if number:
        before = f"step-{number - 1:04d}"
        step.expected_materials = [["MATCH", "*", "WITH", "PRODUCTS", "FROM", before], ["DISALLOW", "*"]]
    step.expected_products = [["CREATE", f"art-{number}"], ["ALLOW", "art-*"], ["DISALLOW", "*"]]
    steps.append(step)
    digest = lambda place: {"sha256": f"{place:064x}"}
    materials = {f"art-{number - 1}": digest(number - 1)} if number else {}
    link = Link(name=name, materials=materials, products={f"art-{number}": digest(number)})
    for signer in people:
        write(link, [signer], Path("links") / f"{name}.{signer.public_key.keyid[:8]}.link")
keys = {signer.public_key.keyid: {**signer.public_key.to_dict(), "keyid": signer.public_key.keyid} for signer in people}
write(Layout(steps=steps, inspect=[], keys=keys, expires="2099-01-01T00:00:00Z"), [owner], "root.layout")
pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
Path("owner.pub").write_bytes(private[0].public_key().public_bytes(*pem))
"""


def in_toto(base: Path) -> list[str] | None:
    """Return the command that verifies a layout of as many steps, each by two people; None where it cannot be made."""
    folder, binaries = base / "in-toto", base / "in-toto.venv" / "bin"
    if not (binaries / "in-toto-verify").exists():
        venv.create(base / "in-toto.venv", with_pip=True)
        if subprocess.run([binaries / "python", "-m", "pip", "install", "-q", IN_TOTO], check=False).returncode:
            return None
    if not (folder / "owner.pub").exists():
        folder.mkdir(exist_ok=True)
        script = LAYOUT.replace("STEPS", str(STEPS))
        subprocess.run([binaries / "python", "-c", script], cwd=folder, check=True)
    begin = [str(binaries / "python"), str(binaries / "in-toto-verify")]
    return [*begin, "-l", "root.layout", "--verification-keys", "owner.pub", "--link-dir", "links"]


def main() -> None:
    """Print what everything takes."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start as they do where a package is installed
    parser = argparse.ArgumentParser(description="Print how long it takes to verify records, beside peers.")
    parser.add_argument(
        "folder", nargs="?", type=Path, help="keep what is made there, and take it from there next time"
    )
    parser.add_argument("--one", metavar=("WAY", "RECORD"), nargs=2, help="verify one record, and print nothing")
    given = parser.parse_args()
    if given.one is not None:
        way, record = given.one
        one(WAYS[way], Path(record))
        return
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(given.folder or temporary).absolute()
        base.mkdir(exist_ok=True)
        cores = len(os.sched_getaffinity(0))
        print(f"{platform.machine()}, {cores} cores, Python {platform.python_version()}; the fastest of some runs")
        here = [sys.executable, str(Path(__file__).absolute()), "--one"]
        for sign_off in ("none", "typed", "signed"):
            steps = made(base, f"steps-{sign_off}", entries=1, steps=STEPS, sign_off=sign_off)
            show(f"{STEPS} steps, two people each, sign-off {sign_off}", [*here, "one core", str(steps)], base, 5)
        command = in_toto(base)
        if command is None:
            print("in-toto cannot be installed here, and is left out")
        else:
            show(f"{STEPS} steps, two people each, by in-toto-verify", command, base / "in-toto", 5)
        big = made(base, "big", entries=ENTRIES, steps=100)
        for name in WAYS:
            show(f"a log of {ENTRIES} entries, {name}", [*here, name, str(big)], base, 2)
        show("its chain and tree alone, by the Perl lines of VERIFY.txt", perl_lines(big / "record"), big / "record", 2)
        show("its tree alone, by pymerkle", [sys.executable, "-c", PYMERKLE], big / "record", 1)


if __name__ == "__main__":
    main()
