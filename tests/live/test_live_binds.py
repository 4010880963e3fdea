"""What `--beacon` and `--previous` may say: what does not fit entry 0 is refused before anybody is asked."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from small_bench import STOP

from runner.cli.binds import beacon, previous
from runner.errors import WrongUse
from runner.host.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path

    from small_bench import Bench

ROOT = base64.b64encode(bytes(32)).decode()
CHECKPOINT = f"small.ceremony/{'ab' * 16}\n17\n{ROOT}\n\n\u2014 name c2lnbmF0dXJl\n"

BAD_BEACONS = (
    "",
    "drand",
    "=1",
    "drand=",
    "dr\x7fand=1",
    "drand=a\x01b",
    "drand=\udc80",
    "drand=" + "1" * 4000,
    "a=\u202e",
)
BAD_CHECKPOINTS = {
    "empty": b"",
    "one line": b"small\n",
    "no number": f"small\nx\n{ROOT}\n".encode(),
    "negative": f"small\n-5\n{ROOT}\n".encode(),
    "another spelling": f"small\n017\n{ROOT}\n".encode(),
    "digits of another script": f"small\n\u0661\n{ROOT}\n".encode(),
    "a number no entry holds": f"small\n9999999999999999\n{ROOT}\n".encode(),
    "no root": b"small\n17\nzzz\n",
    "a short root": b"small\n17\nAAAA\n",
    "cut off": f"small\n17\n{ROOT}".encode(),
    "a name with a space": f"small name\n17\n{ROOT}\n".encode(),
    "a name that cannot be seen": f"sm\x7fall\n17\n{ROOT}\n".encode(),
    "a long name": f"{'s' * 4000}\n17\n{ROOT}\n".encode(),
    "no text": b"\xff\xfe\n17\n" + ROOT.encode() + b"\n",
}


@pytest.mark.parametrize("written", BAD_BEACONS)
def test_a_beacon_that_does_not_fit(written: str) -> None:
    with pytest.raises(WrongUse, match="--beacon"):
        beacon(written)


@pytest.mark.parametrize("content", BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS.keys())
def test_a_checkpoint_that_does_not_fit(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.ckpt"
    path.write_bytes(content)
    with pytest.raises(WrongUse, match="--previous"):
        previous(Disk(), str(path))


@pytest.mark.parametrize(
    "option", [("--beacon", "drand=a\x7fb"), ("--previous", "p.ckpt"), ("--previous", "none.ckpt")]
)
def test_nobody_is_asked_and_nothing_is_made(small: Bench, option: tuple[str, str]) -> None:
    (small.folder / "p.ckpt").write_text("small\n-5\nzzz\n")
    before = sorted(small.folder.rglob("*"))
    said = small.run(*option)
    assert (said.code, said.asked, said.told) == (2, (), "")
    assert sorted(small.folder.rglob("*")) == before


def test_what_fits_is_bound_by_entry_0(small: Bench) -> None:
    (small.folder / "p.ckpt").write_text(CHECKPOINT)
    said = small.run("--previous", "p.ckpt", "--beacon", "drand=a=1", answers=small.answers(told=STOP))
    assert said.code == 130, said
    opened = small.entries()[0]["data"]
    assert opened["beacon"] == {"source": "drand", "value": "a=1"}
    assert opened["previous"] == {"origin": f"small.ceremony/{'ab' * 16}", "size": 17, "root": ROOT}
