"""How long the device's work takes, and the same work on SoftHSM2 2.6, a PKCS#11 token in software.

Both in one go, so that ratios mean something whatever the machine. The two do not do the same: the emulator writes each
change and its receipt to the disk and syncs them, and what it wraps a key for is a region whose packages it verifies
first. Prints; asserts nothing. The peer needs the Debian package `softhsm2` and gets python-pkcs11 in an environment of
its own; it is left out where either cannot be had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_emulator import crypto
from hsm_emulator.device import CardAsk, Device, Pin, PinAsk
from hsm_emulator.facts import Mode
from hsm_emulator.messages import ChangeMode, GenerateKey, ModifyAcls, NewWorld, Package, ProveKey
from hsm_emulator.region.catalogue import world as region_world

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 15
LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
PEER = "python-pkcs11==0.10.1"
SUITE = "DLf3072s256mRijndael"
CARDS = ("SIM-C-0001", "SIM-C-0002", "SIM-C-0003")

ON_SOFTHSM = """
import json, os, statistics, sys, time
import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
runs = int(sys.argv[2])
token = pkcs11.lib(sys.argv[1]).get_token(token_label="bench")
def median(job):
    taken = []
    for number in range(runs):
        begin = time.perf_counter()
        job(number)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000
with token.open(rw=True, user_pin="1234") as session:
    made = []
    def generate(number):
        made.append(session.generate_keypair(KeyType.RSA, 2048, store=True, label=f"key-{number}",
                    private_template={Attribute.EXTRACTABLE: True}))
    found = {"generate": median(generate)}
    private = made[0][1]
    found["sign"] = median(lambda _: private.sign(b"challenge", mechanism=Mechanism.SHA256_RSA_PKCS))
    wrapping = session.generate_key(KeyType.AES, 256, template={Attribute.WRAP: True})
    found["wrap"] = median(lambda _: wrapping.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_PAD))
print(json.dumps(found))
"""


class Operator:
    """Puts in card after card of three, over and over, and types the same PIN for each."""

    def __init__(self) -> None:
        self._next = 0

    def card(self, _: CardAsk) -> str | None:
        self._next += 1
        return CARDS[(self._next - 1) % len(CARDS)]

    def pin(self, _: PinAsk) -> Pin:
        return Pin("correct horse")

    def tell(self, _: str) -> None:
        pass


def median(job: Callable[[int], object], runs: int = RUNS) -> float:
    """Return the median of a job's milliseconds; it is told which run it is."""
    taken: list[float] = []
    for number in range(runs):
        begin = time.perf_counter()
        job(number)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1000


def key(number: int) -> GenerateKey:
    """Return the request for one RSA key of 2048 bits."""
    ident = f"key{number}"
    return GenerateKey(
        app="simple",
        ident=ident,
        plainname=ident,
        type="RSA",
        size=2048,
        protect="module",
        nvram=False,
        pubexp="",
    )


def emulated(place: Path) -> dict[str, float]:
    """Return the medians of the device."""
    region = region_world("EU-1")
    operator = Operator()
    with Device.manufacture(place, esn="SIM-BENC-0001", draw=crypto.SystemDraw(), clock=time.time) as device:
        device.blank_cards(CARDS)

        def do(name: str, command: object) -> object:
            return device.change(command, name, operator)  # type: ignore[arg-type]

        def world(_: int) -> None:
            do("world", NewWorld(cipher_suite=SUITE, threshold=2, cards=3))

        do("initialization", ChangeMode(mode=Mode.INITIALIZATION))
        found = {"world": median(world, 1)}
        do("operational", ChangeMode(mode=Mode.OPERATIONAL))
        found["generate"] = median(lambda number: do(f"generate-{number}", key(number)))
        prove = ProveKey(app="simple", ident="key0", challenge=b"challenge")
        found["sign"] = median(lambda _: device.look(prove))
        packages = {"kek_package": region.kek_package, "world_package": region.world_package}
        found["reduce"] = median(lambda n: do(f"reduce-{n}", ModifyAcls(app="simple", ident=f"key{n}", **packages)), 5)
        subscription = "00000000-0000-4000-8000-000000000000"

        def wrap(number: int) -> None:
            named = {"subscription_id": subscription, "friendly_name": "bench"}
            do(f"wrap-{number}", Package(ident=f"key{number}", **packages, **named))

        found["wrap"] = median(wrap, 5)
        return found


def peer(base: Path) -> dict[str, float]:
    """Return the medians of SoftHSM2; nothing where it cannot be had."""
    util = shutil.which("softhsm2-util")
    if util is None or not LIBRARY.exists():
        return {}
    place = base / "peer"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    if subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=False).returncode:
        return {}
    (base / "tokens").mkdir()
    (base / "softhsm2.conf").write_text(f"directories.tokendir = {base / 'tokens'}\nobjectstore.backend = file\n")
    environment = os.environ | {"SOFTHSM2_CONF": str(base / "softhsm2.conf")}
    init = [util, "--init-token", "--free", "--label", "bench", "--pin", "1234", "--so-pin", "1234"]
    subprocess.run(init, check=True, capture_output=True, env=environment)
    asked = [python, "-c", ON_SOFTHSM, LIBRARY, str(RUNS)]
    said = subprocess.run(asked, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(said.stdout))


def cold(place: Path) -> float:
    """Return the milliseconds of `hsm-emulator enquiry` in a process of its own."""
    command = [sys.executable, "-m", "hsm_emulator.tools.main", "--folder", place, "enquiry"]
    return median(lambda _: subprocess.run(command, check=True, capture_output=True))


JOBS = {
    "generate": "generate an RSA-2048 key, stored",
    "sign": "sign with it, PKCS #1 v1.5 and SHA-256",
    "wrap": "wrap it: for a region; AES-KEY-WRAP-PAD",
}


def main() -> None:
    """Print the medians and ratios."""
    argparse.ArgumentParser(description="Print how long the emulator takes, beside SoftHSM2.").parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs start as they do where a package is installed
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {RUNS}")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        ours = emulated(base / "device")
        theirs = peer(base)
        print(f"{'emulator':>10} {'SoftHSM2':>10} {'ratio':>7}")
        for name, words in JOBS.items():
            other = theirs.get(name)
            beside = f"{other:7.2f} ms {ours[name] / other:7.1f}" if other else f"{'-':>10} {'-':>7}"
            print(f"{ours[name]:7.2f} ms {beside}  {words}")
        print(f"{ours['reduce']:7.2f} ms {'':>18}  reduce a key's permissions, two cards read")
        print(f"{ours['world']:7.0f} ms {'':>18}  create a world, three cards written (once)")
        print(f"{cold(base / 'device'):7.0f} ms {'':>18}  hsm-emulator enquiry, cold")


if __name__ == "__main__":
    main()
