"""Make one file for a room without a network: the runner's wheel and those of all it needs, as pip installs them.

    python scripts/make_bundle.py [--out FOLDER]

The versions are those installed beside this Python; pip fetches the wheels from where it is configured to. The same
tree and the same wheels make the same bytes. What is in the file, and how to install it: docs/offline.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from runner.canonical import file_digest
from runner.host.bundle_file import check, pack, software_line

ROOT: Final = Path(__file__).resolve().parents[1]
MADE_FOR: Final = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def gather(folder: Path) -> dict[str, bytes]:
    """Return the wheels by their file names: the extra `fast` is with them where there is a wheel of it.

    Raises:
        SystemExit: pip did not find them all.
    """
    pins = folder / "pins.txt"
    pins.write_text("".join(sorted({f"{item.name}=={item.version}\n" for item in distributions()})), encoding="utf-8")
    for place, what in ((folder / "fast", ".[fast]"), (folder / "core", ".")):
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--only-binary=:all:"]
        command += ["--constraint", str(pins), "--wheel-dir", str(place), what]
        if subprocess.run(command, cwd=ROOT, check=False).returncode == 0:
            return {wheel.name: wheel.read_bytes() for wheel in place.glob("*.whl")}
        print(f"pip did not find every wheel of {what}", file=sys.stderr)
    raise SystemExit(1)


def main(arguments: list[str]) -> int:
    """Write the bundle, and say what people compare."""
    parser = argparse.ArgumentParser(description="Make one file for a room without a network.")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=ROOT / "dist")
    out: Path = parser.parse_args(arguments).out
    with TemporaryDirectory() as folder:
        content = pack(gather(Path(folder)), made_for=MADE_FOR)
    made = check(content)
    path = out / f"ceremony-runner-{made.version}-{made.made_for}.bundle.zip"
    out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{path}: {len(made.wheels)} wheels, {len(content)} bytes")
    print(f"bundle     {file_digest(content)}")
    print(software_line(made.software, made.version))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
