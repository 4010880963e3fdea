"""Any bytes, to each tool as a command line and to each reader as a file: a result or the documented error."""

from __future__ import annotations

import contextlib
import os
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import ESN, Bench, Packages, contents, pack
from hypothesis import given, settings
from hypothesis import strategies as st
from operators_bench import recoverable_world
from tool_bench import Tools

from hsm_emulator import (
    acl,
    byok,
    cards,
    encoding,
    keyfile,
    keys,
    messages,
    operator_cards,
    pages,
    receipts,
    replies,
    softcards,
    worlds,
)
from hsm_emulator.errors import EmulatorError, StoreBroken
from hsm_emulator.facts import CardFact, FileFact
from hsm_emulator.region import verifier
from hsm_emulator.state import State, render
from hsm_emulator.tools import looking
from hsm_emulator.tools.arguments import tool_name
from hsm_emulator.tools.main import all_tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis.strategies import DrawFn

TOOLS = all_tools()
OPTIONS = sorted(
    {
        "-m", "1", "--module=1", "--json", "-h", "--", "-", "-k", "-w", "-s", "-I", "-O", "-c", "-i", "-Q", "2/3", "=",
        "--initialize", "--acs-quorum=2/3", "--cipher-suite=DLf3072s256mRijndael", "--wait-limit=0", "--generate",
        "simple", "size=2048", "ident=", "pubexp=", "-ModifyAcls", "-Package", "-KeyAppName", "-KeyIdentifier",
        "-ExchangeKeyPackage", "-NewSecurityWorldPackage", "-SubscriptionId", "-KeyFriendlyName", "-A", "-K", "python",
        "aclprint.py", "--examine", "--check", "--change", "--serial", "--cards", "--region", "--into", "--vault",
        "-N", "-p", "-T", "-R", "-e", "-t", "--new", "--list", "--delete", "protect=token", "cardset=ops",
        "protect=softcard", "softcard=soft", "slot=0", "exit", "pause", "--cardset-name", "SIM-CARD-0001",
        "--name", "--subscription-id", "--folder", "%NFAST_KMDATA%\\local\\world", "contosokey", "xferacId",
    }
)  # fmt: skip

NASTY = ["\0", "a\0b", "\ud800", "\udcff", "\x1b[2J", "", " ", "/", "\\", "x" * 5000, "%NFAST_HOME%", "kmfile-dump"]
words = st.one_of(
    st.sampled_from(OPTIONS),
    st.sampled_from(NASTY),
    st.binary(max_size=12).map(os.fsdecode),
    st.text(max_size=12),
    st.tuples(st.sampled_from(OPTIONS), st.text(max_size=6)).map("".join),
)


def check(shown: Any) -> None:
    """Check that a tool gave a result, or an exit code and a line that say what is wrong."""
    assert shown.code in {0, 1, 2, 3, 4}
    said = [line for line in shown.err.split("\n") if "hsm-emulator: " in line]
    assert bool(said) == (shown.code != 0), shown.err
    assert all(char.isprintable() or char == "\n" for char in shown.out + shown.err)


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without an installation."""
    place = tmp_path_factory.mktemp("nowhere")
    (place / "file").write_bytes(b"\xff\x00")
    return place


@pytest.fixture(scope="module", autouse=True)
def _inside(nowhere: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(nowhere)
        yield


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@settings(max_examples=60, deadline=None)
@given(line=st.lists(words, max_size=8), typed=st.lists(st.text(string.printable, max_size=9), max_size=3))
def test_any_command_line_of_a_tool(nowhere: Path, tool: Any, line: list[str], typed: list[str]) -> None:
    before = sorted(path.name for path in nowhere.iterdir())
    check(Tools(nowhere / "none").run(*tool.name.split(), *line, typed=typed))
    assert sorted(path.name for path in nowhere.iterdir()) == before


@settings(max_examples=200, deadline=None)
@given(line=st.lists(words, max_size=4))
def test_any_command_line(nowhere: Path, line: list[str]) -> None:
    check(Tools(nowhere / "none").run(*line))


LOOKING = [tool for tool in TOOLS if tool in looking.TOOLS or tool.name == "preload"]


@pytest.mark.parametrize("tool", LOOKING, ids=lambda tool: tool.name)
@settings(max_examples=25, deadline=None)
@given(line=st.lists(words, max_size=5))
def test_any_question_to_a_device(samples: Samples, tool: Any, line: list[str]) -> None:
    check(Tools(samples.folder).run(tool.name, *line))


@given(st.lists(st.text()))
def test_a_name_has_no_folder_and_no_ending(line: list[str]) -> None:
    if any(part not in {"python", "python2", "python3"} for part in line):
        name, rest = tool_name([r"C:\bin\enquiry.EXE", *line])
        assert (name, rest) == ("enquiry", tuple(line))


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """Good files by the kind of reader, and the installation they are of."""

    folder: Path
    files: dict[str, bytes]
    packages: Packages


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, origins: tuple[Path, Path], packages: Packages) -> Samples:
    place = tmp_path_factory.mktemp("samples") / "hsm"
    bench = Bench(place, seed="samples", like=origins[1])
    bench.copy(packages)
    bench.talk(pack(packages), bench.operator(), request="package")
    output = bench.device.look(messages.CollectOutput(request_id="package"))
    assert isinstance(output, messages.Output)
    bench.device.close()
    names = {
        "world": "kmdata/local/world",
        "module": f"kmdata/local/module_{ESN}",
        "key": "kmdata/local/key_xferacld_contosokey",
        "card": "cardstore/SIM-C-0001.card",
        "receipt": "audit/0000000001.json",
    }
    files = {kind: (place / name).read_bytes() for kind, name in names.items()}
    files["reply"] = replies.store(
        messages.WorldMade(
            hknso="a" * 40,
            hkm="b" * 40,
            hkre="c" * 40,
            cards=(CardFact(number=1, serial="SIM-C-0001"),),
            world=FileFact(name="world", size=1, sha256="d" * 64),
        )
    )
    staffed = Bench(place.parent / "staffed", seed="staffed")
    recoverable_world(staffed)
    kept = contents(staffed.folder)
    staffed.device.close()
    for kind, begins in (("card set", "cards_"), ("operator card", "card_"), ("softcard", "softcard_")):
        files[kind] = next(data for name, data in kept.items() if name.startswith(f"kmdata/local/{begins}"))
    files["area"] = _saved_area()
    files |= {"kek": packages.kek, "region": packages.world, "transfer": output.content}
    return Samples(folder=place, files=files, packages=packages)


def _saved_area() -> bytes:
    content = {"name": "one", "size": 4, "sealed": encoding.text(b"sealed")}
    return render("nvram area", "a" * 40, content)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw: DrawFn, data: bytes) -> bytes:
    """Return bytes that are near a good file, or not: cut, with a byte changed, or with a value of it changed."""
    match draw(st.sampled_from(["any", "cut", "byte", "value", "value", "value"])):
        case "any":
            return draw(st.binary(max_size=60))
        case "cut":
            return data[: draw(st.integers(0, len(data)))] + draw(st.binary(max_size=3))
        case "byte":
            at = draw(st.integers(0, len(data) - 1))
            return data[:at] + draw(st.binary(min_size=1, max_size=1)) + data[at + 1 :]
        case _:
            return _with_another_value(draw, data)


def _with_another_value(draw: DrawFn, data: bytes) -> bytes:
    line, newline, body = data.rpartition(b"\n") if b"\n" in data else (b"", b"", data)
    tree = encoding.decode(body, "the sample")
    inner = tree
    while True:
        name = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))))
        deeper = inner[name]
        if not isinstance(deeper, dict | list) or not deeper or draw(st.booleans()):
            break
        inner = deeper
    if isinstance(inner, dict) and draw(st.booleans()):
        del inner[name]
    else:
        inner[name] = draw(values)
    try:
        return line + newline + encoding.encode(tree)
    except (TypeError, ValueError):  # a value with no canonical form
        return line + newline


READERS: dict[str, tuple[Callable[[bytes, Samples], object], ...]] = {
    "world": (lambda data, _: worlds.read(data),),
    "module": (),
    "key": (lambda data, _: keyfile.parse_file(data),),
    "card": (lambda data, _: cards.read(State(esn=ESN, files={"cardstore/SIM-C-0001.card": data}), "SIM-C-0001"),),
    "card set": (lambda data, _: operator_cards.parse_cards(data),),
    "operator card": (lambda data, _: operator_cards.parse_card(data),),
    "softcard": (lambda data, _: softcards.parse_softcard(data),),
    "reply": (lambda data, _: replies.recover(data),),
    "receipt": (lambda data, _: receipts.parse(data, 1),),
    "area": (),
    "kek": (lambda data, samples: byok.verify_packages(data, samples.packages.world),),
    "region": (lambda data, samples: byok.verify_packages(samples.packages.kek, data),),
    "transfer": (
        lambda data, _: byok.read_transfer(data),
        lambda data, samples: byok.open_transfer(data, samples.packages.kek_private),
    ),
}


@pytest.mark.parametrize(
    "content", [b'{"reply":[]}', b'{"reply":"ModeChanged"}', b'{"mode":"x","reply":"ModeChanged"}', b"[]"]
)
def test_a_stored_reply_that_is_none_is_said_to_be_broken(content: bytes) -> None:
    with pytest.raises(StoreBroken, match="holds no reply"):
        replies.recover(content)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_file(samples: Samples, nowhere: Path, kind: str, data: Any) -> None:
    content = data.draw(changed(samples.files[kind]))
    readers = (*READERS[kind], lambda data, _: pages.file_page("file", data), lambda data, _: pages.owner(data))
    for reader in readers:
        with contextlib.suppress(EmulatorError):
            reader(content, samples)
    (nowhere / "file").write_bytes(content)
    for words in (["kmfile-dump", "file"], ["kmfile-dump", "--json", "file"]):
        check(Tools(nowhere).run(*words))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_permissions(data: Any) -> None:
    good = acl.to_data(keys.default_acl("a" * 40, "b" * 40, "c" * 40))
    content = data.draw(changed(encoding.encode(good)))
    with contextlib.suppress(EmulatorError):
        acl.from_data(encoding.decode(content, "the permissions"))


@pytest.mark.parametrize("kind", ["kek", "region"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_package(samples: Samples, nowhere: Path, kind: str, data: Any) -> None:
    content = data.draw(changed(samples.files[kind]))
    both = {"kek": samples.packages.kek, "region": samples.packages.world} | {kind: content}
    for name, package in both.items():
        (nowhere / name).write_bytes(package)
    line = ("verifykeypackage", "-k", str(nowhere / "kek"), "-w", str(nowhere / "region"))
    shown = Tools(samples.folder).run(*line)
    check(shown)
    assert "InvalidState" not in shown.err  # the packages are looked at
    good = content == samples.files[kind]
    assert (shown.code == 0) == good
    assert (verifier.main(["-k", str(nowhere / "kek"), "-w", str(nowhere / "region")]) == 0) == good
