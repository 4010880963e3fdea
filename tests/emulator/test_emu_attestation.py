"""nfkmattest: a bundle of a key, and what it proves to somebody who has nothing but the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from emulator_bench import Bench, Packages, contents, generate
from test_emu_attacks import forge
from tool_bench import Tools

from hsm_emulator import attestation, bundle
from hsm_emulator.facts import Mode
from hsm_emulator.messages import InspectKey, KeyInspected, LoadWorld, RestoreFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = ("simple", "contosokey")
KEY_FILE = "key_simple_contosokey"
MODULE_FILE = "module_SIM0-0000-0001"


def test_a_bundle_is_made_and_proves_itself_without_the_device(ready: Bench, tmp_path: Path) -> None:
    shown = ready.device.look(InspectKey(app="simple", ident="contosokey"))
    assert isinstance(shown, KeyInspected)
    ready.device.close()
    tools, output = Tools(ready.folder), tmp_path / "contoso.att"
    assert f"New file: {output}" in tools.done("nfkmattest", "bundle", "--output", str(output), "simple", "contosokey")
    said = json.loads(Tools(tmp_path / "nowhere").done("nfkmattest", "verify", str(output)))
    assert said["simulated"] is True
    assert (said["protection"], said["recovery"]) == ("module", True)
    assert said["permissions"] == ["decrypt", "unwrap", "sign"]
    assert said["esn"] == "SIM0-0000-0001"
    assert said["root"] == attestation.root_hash(attestation.root_public())
    assert said["k"]["type"] == "RSAPublic"
    assert said["k"]["data"]["e"] == "AQAB"
    found = bundle.verify(bundle.parse(output.read_bytes()), said["root"])
    assert found.key_hash == shown.key_hash


def test_a_bundle_is_not_overwritten(tools: Tools, tmp_path: Path) -> None:
    output = tmp_path / "key.att"
    tools.done("nfkmattest", "bundle", "--output", str(output), "simple", "contosokey")
    before = output.read_bytes()
    assert "AlreadyExists" in tools.refused(1, "nfkmattest", "bundle", "--output", str(output), *KEY).err
    assert output.read_bytes() == before


def test_the_file_is_named_after_the_key(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tools.done("nfkmattest", "bundle", *KEY)
    assert (tmp_path / "key_simple_contosokey.att").is_file()


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (1, ["bundle", "simple", "none"], "there are: simple contosokey"),
        (1, ["verify", "nothing.att"], "there is no file"),
        (2, ["bundle", "simple"], "required"),
        (2, ["verify"], "required"),
        (2, ["sign", "simple", "contosokey"], "invalid choice"),
        (2, [], "required"),
    ],
)
def test_what_nfkmattest_does_not_do(tools: Tools, code: int, words: list[str], said: str) -> None:
    assert said in tools.refused(code, "nfkmattest", *words).err


def test_no_bundle_without_a_world_and_none_of_a_copy(
    blank_tools: Tools, ready: Bench, packages: Packages, tmp_path: Path
) -> None:
    assert "no Security World" in blank_tools.refused(1, "nfkmattest", "bundle", *KEY).err
    ready.copy(packages)
    ready.device.close()
    output = str(tmp_path / "copy.att")
    shown = Tools(ready.folder).refused(1, "nfkmattest", "bundle", "--output", output, "xferacld", "contosokey")
    assert "attest the key itself" in shown.err


def test_a_changed_file_is_refused(tools: Tools, tmp_path: Path) -> None:
    output = tmp_path / "key.att"
    tools.done("nfkmattest", "bundle", "--output", str(output), *KEY)
    output.write_bytes(output.read_bytes().replace(b'"protection":"module"', b'"protection":"madule"'))
    assert "the key-generation certificate is not signed" in tools.refused(1, "nfkmattest", "verify", str(output)).err


def test_the_certificates_of_one_key_are_no_bundle_of_another(ready: Bench, tmp_path: Path) -> None:
    ready.do(generate("second"))
    ready.device.close()
    tools = Tools(ready.folder)
    for ident in ("contosokey", "second"):
        tools.done("nfkmattest", "bundle", "--output", str(tmp_path / ident), "simple", ident)
    said = [
        json.loads(tools.done("nfkmattest", "verify", str(tmp_path / ident)))["k"] for ident in ("contosokey", "second")
    ]
    assert said[0] != said[1]


def test_a_restored_key_proves_where_it_was_made_where_that_modules_file_is(
    ready: Bench, make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    files = contents(ready.folder)
    output = str(tmp_path / "key.att")
    for name, names in (("without", ("world", "key_simple_contosokey")), ("whole", ("world", MODULE_FILE, KEY_FILE))):
        new = make_bench(name, seed=name, esn="SIM0-0000-0002")
        forge(new, {path: data for path, data in files.items() if path.startswith(("cardstore/", "silicon/cards/"))})
        for file in names:
            new.do(RestoreFile(name=file, content=files[f"kmdata/local/{file}"]))
        new.mode(Mode.INITIALIZATION)
        new.do(LoadWorld(threshold=0), *ready.serials[:2])
        new.device.close()
        shown = Tools(new.folder).run("nfkmattest", "bundle", "--output", output, *KEY)
        assert shown.code == (name == "without")
        verified = Tools(new.folder).run("nfkmverify")
        assert verified.code == (name == "without")
        assert ("there is no file module_SIM0-0000-0001" in verified.err) is (name == "without")
        assert ("there is no file module_SIM0-0000-0001" in shown.err) is (name == "without")
    assert json.loads(Tools(tmp_path).done("nfkmattest", "verify", output))["esn"] == "SIM0-0000-0001"
