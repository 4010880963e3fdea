"""Make a golden record: a ceremony rehearsed, kept with its trust file, for good.

python tests/goldens/make_golden.py NAME [PLAYBOOK [OPTION …]]

The playbook is the small one here if none is named; options are those of `ceremony rehearse`.

Whatever this version writes must be read by every later one, so a golden record is never made again: where the form of
records changes, a second one is made under another name and the first stays.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from runner.cli.main import main

HERE = Path(__file__).resolve().parent


def make(name: str, playbook: str = str(HERE / "tiny.ceremony.yaml"), *options: str) -> int:
    """Rehearse a ceremony and keep its record and trust file; return the exit code."""
    place = HERE / name
    if place.exists():
        sys.stderr.write(f"{place} is there already, and a golden record is never made again\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record")
        code = main(["rehearse", playbook, *options, "--out", str(record)])
        if code == 0:
            place.mkdir()
            shutil.copytree(record, place / "record")
            shutil.copy(Path(folder, "record.sim", "trust.json"), place / "trust.json")
    return code


if __name__ == "__main__":
    if len(sys.argv) == 1:
        raise SystemExit(__doc__)
    sys.exit(make(*sys.argv[1:]))
