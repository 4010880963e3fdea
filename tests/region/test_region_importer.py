"""The vault's process: what it is given, what it answers, and that it needs nothing of the exporter."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from region_source import OTHER_SUBSCRIPTION, ROOT, SUBSCRIPTION, Lab, export

from hsm_emulator import byok, encoding
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.region import client, importer
from hsm_emulator.store import BEGINNING, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Targets = dict[str, byok.VerifiedPackages]
ASKED = {"vault": "ContosoVault", "name": "FirstKey", "subscription_id": SUBSCRIPTION, "request_id": "import-1"}


@pytest.fixture
def exporter(tmp_path: Path) -> Path:
    """A stand-in for everything on the exporter's side."""
    folder = tmp_path / "exporter"
    folder.mkdir()
    return folder


def test_import_works_after_the_exporter_is_gone(
    installed: Callable[[str], Path], source: Lab, targets: Targets, exporter: Path, tmp_path: Path
) -> None:
    (exporter / "key_simple_contosokey").write_bytes(source.kek)
    made = exporter / "KeyTransferPackage.byok"
    made.write_bytes(export(source, targets["EU-1"]).seal())
    carried = tmp_path / "usb.byok"
    shutil.copy(made, carried)
    shutil.rmtree(exporter)
    folder = installed("eu")
    head = client.state(folder).head
    answer = client.import_key(folder, carried, **ASKED)
    key = client.read_key(folder, "ContosoVault", "FirstKey")
    assert (answer.kid, answer.public_key, answer.key_hash) == (key.kid, key.public_key, key.key_hash)
    state = client.state(folder)
    assert (answer.audit_size, answer.audit_head) == (state.size, state.head)
    assert client.since(folder, head) == (True, ("import-1",))
    assert client.since(folder, BEGINNING) == (True, ("install", "import-1"))
    assert client.since(folder, "f" * 64) == (False, ())
    assert client.import_key(folder, carried, **ASKED) == answer
    with pytest.raises(Refused) as refusal:
        client.import_key(folder, carried, **{**ASKED, "request_id": "import-2", "name": "SecondKey"})
    assert refusal.value.status is Status.ALREADY_EXISTS


@pytest.mark.parametrize("places", [("EU-1", "na"), ("NA-1", "eu"), ("GERMANY-1", "france")])
def test_another_region_refuses(
    installed: Callable[[str], Path], source: Lab, targets: Targets, tmp_path: Path, places: tuple[str, str]
) -> None:
    token, code = places
    package = tmp_path / "x.byok"
    package.write_bytes(export(source, targets[token]).seal())
    folder = installed(code)
    with pytest.raises(Refused, match=f"another exchange key: that of {token}") as refusal:
        client.import_key(folder, package, **ASKED)
    assert refusal.value.status is Status.UNKNOWN_KEY
    assert client.state(folder).keys == ()


def test_another_subscription_refuses(
    installed: Callable[[str], Path], source: Lab, targets: Targets, tmp_path: Path
) -> None:
    package = tmp_path / "x.byok"
    package.write_bytes(export(source, targets["EU-1"]).seal())
    with pytest.raises(Refused, match="is for subscription"):
        client.import_key(installed("eu"), package, **{**ASKED, "subscription_id": OTHER_SUBSCRIPTION})


def test_what_is_no_package_or_no_region_is_refused(installed: Callable[[str], Path], tmp_path: Path) -> None:
    folder, package = installed("eu"), tmp_path / "x.byok"
    with pytest.raises(Refused, match="there is no such package"):
        client.import_key(folder, package, **ASKED)
    with pytest.raises(Refused, match="not a plain file"):
        client.import_key(folder, tmp_path, **ASKED)
    package.write_bytes(b"noise")
    with pytest.raises(Refused, match="does not begin"):
        client.import_key(folder, package, **ASKED)
    with pytest.raises(Refused, match="zero byte"):
        client.import_key(folder, package, **{**ASKED, "name": "a\0"})
    for missing in (tmp_path, tmp_path / "none"):
        with pytest.raises(Refused, match="no region is installed"):
            client.import_key(missing, package, **ASKED)
        with pytest.raises(Refused, match="no region is installed"):
            client.state(missing)
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "audit").exists()


def test_an_edited_region_is_broken_and_a_busy_one_refuses(installed: Callable[[str], Path], tmp_path: Path) -> None:
    folder, package = installed("eu"), tmp_path / "x.byok"
    package.write_bytes(b"noise")
    with Store.open(folder, Disk()), pytest.raises(Refused) as refusal:
        client.import_key(folder, package, **ASKED)
    assert refusal.value.status is Status.INVALID_STATE
    (folder / "region.json").write_bytes(b"edited")
    with pytest.raises(StoreBroken):
        client.import_key(folder, package, **ASKED)


def test_a_slow_vault_gives_no_answer_rather_than_a_wrong_one(
    installed: Callable[[str], Path], source: Lab, targets: Targets, tmp_path: Path
) -> None:
    package = tmp_path / "x.byok"
    package.write_bytes(export(source, targets["EU-1"]).seal())
    folder = installed("eu")
    with pytest.raises(client.NoAnswerError, match="within"):
        client.import_key(folder, package, **ASKED, time_out=0.001)
    assert client.import_key(folder, package, **ASKED).audit_size == 2


def test_a_file_in_the_region_cannot_stand_in_for_a_module(
    installed: Callable[[str], Path], source: Lab, targets: Targets, tmp_path: Path
) -> None:
    """The process runs in the region's folder, which is not on its import path; the strange file itself is noticed."""
    package = tmp_path / "x.byok"
    package.write_bytes(export(source, targets["EU-1"]).seal())
    folder = installed("eu")
    (folder / "json.py").write_text("raise SystemExit(0)\n")
    with pytest.raises(StoreBroken, match=r"json\.py"):
        client.import_key(folder, package, **ASKED)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["a"] * 5, ["a"] * 7])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert importer.main(arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", importer.USAGE)


def test_the_process_loads_nothing_slow() -> None:
    loaded = "import sys, hsm_emulator.region.importer; print('Crypto' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "False False\n"


def test_each_answer_has_its_exit_code(
    installed: Callable[[str], Path],
    source: Lab,
    targets: Targets,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package, folder = tmp_path / "x.byok", installed("eu")
    package.write_bytes(export(source, targets["EU-1"]).seal())

    def run(name: str) -> tuple[int, dict[str, str]]:
        code = importer.main([str(folder), str(package), "ContosoVault", name, SUBSCRIPTION, f"import-{name}"])
        line = capsys.readouterr().out
        assert line.endswith("\n")
        answer = encoding.decode(line.rstrip("\n").encode(), "the line")
        return code, answer

    code, answer = run("First")
    assert (code, answer["kind"], sorted(answer)) == (
        0,
        "imported",
        ["audit_head", "audit_size", "key_hash", "kid", "kind", "public_key"],
    )
    code, answer = run("Second")
    assert (code, answer["kind"], answer["status"]) == (1, "refused", "AlreadyExists")
    (folder / "strange").write_bytes(b"")
    code, answer = run("Third")
    assert (code, answer["kind"]) == (1, "broken")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Traceback",
        b"{}\n",
        b"[]\n",
        b'{"kind":"other"}\n',
        b'{"kind":"imported"}\n',
        b'{"kind":"refused"}\n',
        b'{"kind":"refused","status":"Fine","words":"x"}\n',
    ],
)
def test_an_answer_that_is_none_is_no_answer(line: bytes) -> None:
    with pytest.raises(client.NoAnswerError):
        client._answer(line)


def test_a_key_that_is_not_there(installed: Callable[[str], Path]) -> None:
    with pytest.raises(Refused) as refusal:
        client.read_key(installed("eu"), "ContosoVault", "FirstKey")
    assert refusal.value.status is Status.UNKNOWN_KEY
