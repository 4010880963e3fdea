"""One file into a room without a network: which software it is, what it refuses, and that it installs and runs."""

from __future__ import annotations

import hashlib
import io
import marshal
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import __version__
from runner.cli.software import main
from runner.errors import EvidenceFault, WrongUse
from runner.host import bundle_file
from runner.host.bundle import bundle_sha256, require_own_bytecode, software_sha256
from runner.host.bundle_file import check, pack
from runner.host.disk import Disk
from runner.spoken import word_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

ROOT = Path(__file__).resolve().parents[2]
COUNT = (
    "find hsm_emulator runner -type f ! -path '*/__pycache__/*' ! -path 'runner/shipped/*' "
    "| LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1"
)
SOFTWARE = (
    "import sys; from runner.cli.main import guarded; from runner.cli.software import main;"
    "sys.exit(guarded(lambda: main(sys.argv[1:])))"
)
DEPENDENCY = "some_thing-1.2-py3-none-any.whl"
MADE_FOR = "cpython-311-linux-x86_64"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner's own wheel."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = place.glob("ceremony_runner-*.whl")
    return made


@pytest.fixture(scope="module")
def wheels(wheel: Path) -> dict[str, bytes]:
    """The runner's own wheel, and another that no installer will see."""
    return {wheel.name: wheel.read_bytes(), DEPENDENCY: zipped({"some_thing.py": b"pass\n"})}


@pytest.fixture
def site(wheel: Path, tmp_path: Path) -> Path:
    """The wheel's files in a folder of their own, to be changed."""
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of one module, which takes less time than all."""
    (tmp_path / "small/runner").mkdir(parents=True)
    shutil.copy(ROOT / "runner/canonical.py", tmp_path / "small/runner")
    return tmp_path / "small"


def zipped(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# -- which software it is --------------------------------------------------------------------------------------------


def test_a_checkout_its_wheel_and_what_is_installed_of_it_are_the_same_software(
    wheels: dict[str, bytes], site: Path
) -> None:
    own = bundle_sha256(Disk())
    assert bundle_sha256(Disk(), site) == own
    assert check(pack(wheels, made_for=MADE_FOR)).software == own


@pytest.mark.parametrize("place", ["checkout", "installed"])
def test_standard_tools_count_the_same(site: Path, place: str) -> None:
    folder = ROOT if place == "checkout" else site
    done = subprocess.run(["sh", "-c", COUNT], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == bundle_sha256(Disk(), folder) + "\n"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


CHANGES: dict[str, Callable[[Path], object]] = {
    "one byte of a module": lambda site: flip(site / "runner/engine.py"),
    "one byte of the rules": lambda site: flip(site / "runner/rules.d/room.toml"),
    "one byte of a simulated region": lambda site: flip(site / "hsm_emulator/region/data/EU-1.json"),
    "one byte of the script that installs": lambda site: flip(site / "runner/offline.d/install.sh"),
    "a module more": lambda site: (site / "runner/actions/more.py").write_bytes(b""),
    "a machine's module": lambda site: (site / "runner/engine.cpython-311-x86_64-linux-gnu.so").write_bytes(b""),
    "a compiled module without source": lambda site: (site / "runner/more.pyc").write_bytes(b""),
    "a package more": lambda site: shutil.copytree(site / "runner/audit", site / "runner/audit2"),
    "a file of no known kind": lambda site: (site / "hsm_emulator/note").write_bytes(b""),
    "a module less": lambda site: (site / "runner/engine.py").unlink(),
    "a module of another name": lambda site: (site / "runner/engine.py").rename(site / "runner/Engine.py"),
    "two files swapped": lambda site: (
        (site / "runner/check.py").rename(site / "x"),
        (site / "runner/render.py").rename(site / "runner/check.py"),
        (site / "x").rename(site / "runner/render.py"),
    ),
    "a package less": lambda site: shutil.rmtree(site / "hsm_emulator"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_other_software(site: Path, what: str) -> None:
    before = bundle_sha256(Disk(), site)
    CHANGES[what](site)
    assert bundle_sha256(Disk(), site) != before


def test_documents_and_caches_are_not_counted(site: Path) -> None:
    before = bundle_sha256(Disk(), site)
    with (site / "runner/shipped/ceremonies/azure-byok/azure-byok.roster.yaml").open("a") as file:
        file.write("# a change\n")
    plant(site / "runner/engine.py", None)
    assert bundle_sha256(Disk(), site) == before


def test_what_is_beside_the_packages_is_not_counted(site: Path) -> None:
    before = bundle_sha256(Disk(), site)
    (site / "runner_more").mkdir()
    (site / "runner_more" / "x.py").write_bytes(b"")
    assert bundle_sha256(Disk(), site) == before


@pytest.mark.parametrize("name", ["two\nlines.py", "back\\slash.py", "hid\u200bden.py"])
def test_a_name_that_can_be_read_in_two_ways_is_refused(site: Path, name: str) -> None:
    (site / "runner" / "plain.py").write_bytes(b"")
    bundle_sha256(Disk(), site)
    (site / "runner" / "plain.py").rename(site / "runner" / name)
    with pytest.raises(EvidenceFault) as refused:
        bundle_sha256(Disk(), site)
    assert refused.value.rule == "SEC007"


def test_two_files_cannot_be_written_as_one() -> None:
    one, two = "11" * 32, "22" * 32
    software_sha256({"runner/a.py": one, "runner/b.py": two})
    with pytest.raises(EvidenceFault):
        software_sha256({f"runner/a.py\n{two}  runner/b.py": one})


def test_a_link_among_the_files_is_refused(site: Path) -> None:
    (site / "runner/engine.py").rename(site / "elsewhere.py")
    (site / "runner/engine.py").symlink_to(site / "elsewhere.py")
    with pytest.raises(WrongUse):
        bundle_sha256(Disk(), site)


def test_an_emulator_from_elsewhere_is_refused(site: Path, tmp_path: Path) -> None:
    program = [sys.executable, "-P", "-c", SOFTWARE]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

    shutil.copytree(site / "hsm_emulator", tmp_path / "other/hsm_emulator")
    environment["PYTHONPATH"] = f"{tmp_path / 'other'}:{site}"
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "SEC007" in done.stderr


# -- caches: what Python runs ----------------------------------------------------------------------------------------


def plant(source: Path, code: CodeType | None, *, late: int = 0) -> None:
    """Write a cache that names the time and size of its source; `late`: by so many seconds wrong."""
    facts = source.stat()
    head = (int(facts.st_mtime) + late).to_bytes(4, "little") + (facts.st_size & 0xFFFFFFFF).to_bytes(4, "little")
    cache = Path(cache_from_source(str(source)))
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(MAGIC_NUMBER + bytes(4) + head + (marshal.dumps(code) if code else b"no code"))


def code_of(source: Path, old: str = "", new: str = "") -> CodeType:
    text = source.read_text(encoding="utf-8")
    assert old in text
    return compile(text.replace(old, new), str(source), "exec", dont_inherit=True)


def test_a_poisoned_cache_is_run_by_python_and_refused_here(site: Path) -> None:
    require_own_bytecode(Disk(), site)
    before = bundle_sha256(Disk(), site)
    module = site / "runner/__init__.py"
    plant(module, code_of(module, f'__version__ = "{__version__}"', '__version__ = "6.6.6"'))

    program = [sys.executable, "-P", "-c", "import runner; print(runner.__version__)"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "6.6.6\n"
    assert bundle_sha256(Disk(), site) == before

    with pytest.raises(EvidenceFault) as refused:
        require_own_bytecode(Disk(), site)
    assert (refused.value.rule, "runner/__init__.py" in refused.value.words) == ("SEC007", True)

    done = subprocess.run(
        [sys.executable, "-P", "-c", SOFTWARE], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "SEC007" in done.stderr


def inside(code: CodeType, **changes: object) -> CodeType:
    """The code of a module with one function of it changed."""
    at, function = next((at, item) for at, item in enumerate(code.co_consts) if hasattr(item, "co_code"))
    consts = (*code.co_consts[:at], function.replace(**changes), *code.co_consts[at + 1 :])
    return code.replace(co_consts=consts)


POISONS: dict[str, Callable[[CodeType], CodeType | None]] = {
    "no code at all": lambda _: None,
    "another function": lambda code: inside(code, co_code=b"\x97\x00d\x00S\x00"),
    "another name": lambda code: inside(code, co_names=("x",) * 9),
    "other lines": lambda code: inside(code, co_linetable=b""),
    "other handlers": lambda code: inside(code, co_exceptiontable=b"\x81\x04\x0a\x00"),
    "another stack": lambda code: inside(code, co_stacksize=99),
    "other flags": lambda code: inside(code, co_flags=0),
    "another qualified name": lambda code: inside(code, co_qualname="x"),
    "a function less": lambda code: code.replace(co_consts=(None,) * len(code.co_consts)),
}


@pytest.mark.parametrize("what", POISONS)
def test_whatever_differs_in_a_cache_is_refused(small: Path, what: str) -> None:
    module = small / "runner/canonical.py"
    plant(module, code_of(module))
    require_own_bytecode(Disk(), small)
    plant(module, POISONS[what](code_of(module)))
    with pytest.raises(EvidenceFault) as refused:
        require_own_bytecode(Disk(), small)
    assert refused.value.rule == "SEC007"


def test_a_cache_that_python_would_not_use_is_no_matter(small: Path) -> None:
    module = small / "runner/canonical.py"
    other = code_of(module, "64 lower-case", "46 lower-case")
    plant(module, other, late=1)
    require_own_bytecode(Disk(), small)
    plant(module, other)
    with pytest.raises(EvidenceFault):
        require_own_bytecode(Disk(), small)


def test_looking_at_caches_makes_none(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    require_own_bytecode(Disk(), small)
    assert [path.name for path in (small / "runner").iterdir()] == ["canonical.py"]


# -- what a bundle may hold ------------------------------------------------------------------------------------------


def test_a_bundle_is_a_function_of_its_wheels(wheels: dict[str, bytes]) -> None:
    made = pack(wheels, made_for=MADE_FOR)
    assert pack(dict(reversed(wheels.items())), made_for=MADE_FOR) == made
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        members = archive.infolist()
    assert [member.filename for member in members] == sorted(member.filename for member in members)
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {stat.S_IFREG | 0o644}


def test_a_bundle_says_what_it_holds(wheels: dict[str, bytes]) -> None:
    made = pack(wheels, made_for=MADE_FOR)
    held = check(made)
    assert (held.version, held.made_for, held.wheels) == (__version__, MADE_FOR, tuple(sorted(wheels)))
    parts = unzipped(made)
    assert parts["SOFTWARE"].decode() == f"software   {held.software} version {__version__}\nmade for   {MADE_FOR}\n"
    assert parts["install.sh"] == (ROOT / "runner/offline.d/install.sh").read_bytes() != b""
    assert parts["README.txt"] == (ROOT / "runner/offline.d/README.txt").read_bytes() != b""
    hashes = [hashlib.sha256(content).hexdigest() for _, content in sorted(wheels.items())]
    assert parts["requirements.txt"].decode() == (
        f"ceremony-runner=={__version__} --hash=sha256:{hashes[0]}\nsome-thing==1.2 --hash=sha256:{hashes[1]}\n"
    )


Parts = dict[str, bytes]


def own_name(parts: Parts) -> str:
    return next(name for name in parts if name.startswith("wheels/ceremony_runner"))


def rewheel(parts: Parts, more: Parts) -> Parts:
    """Put files into the runner's wheel, and its new hash into the requirements."""
    name = own_name(parts)
    changed = zipped(unzipped(parts[name]) | more)
    old, new = (hashlib.sha256(content).hexdigest() for content in (parts[name], changed))
    required = parts["requirements.txt"].decode().replace(old, new).encode()
    return parts | {name: changed, "requirements.txt": required}


def without(parts: Parts, name: str) -> Parts:
    return {key: content for key, content in parts.items() if key != name}


def twice(parts: Parts) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("README.txt", b"another")
    return written.getvalue()


REPACKED: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "a dependency that is not the hashed one": (
        lambda parts: parts | {f"wheels/{DEPENDENCY}": zipped({"some_thing.py": b"evil\n"})},
        "requirements.txt",
    ),
    "a changed module, its hash with it": (lambda parts: rewheel(parts, {"runner/engine.py": b""}), "SOFTWARE"),
    "a module more, the hash with it": (lambda parts: rewheel(parts, {"runner/more.py": b""}), "SOFTWARE"),
    "a module that an installer puts elsewhere": (
        lambda parts: rewheel(parts, {f"ceremony_runner-{__version__}.data/purelib/runner/engine.py": b""}),
        "does not belong",
    ),
    "a module beside the packages": (lambda parts: rewheel(parts, {"sitecustomize.py": b""}), "does not belong"),
    "a name that leaves the folder": (lambda parts: rewheel(parts, {"../x.py": b""}), "does not belong"),
    "another script": (lambda parts: parts | {"install.sh": b"#!/bin/sh\n"}, "install.sh"),
    "another script, in the wheel too": (
        lambda parts: rewheel(parts | {"install.sh": b"evil"}, {"runner/offline.d/install.sh": b"evil"}),
        "SOFTWARE",
    ),
    "another page": (lambda parts: parts | {"README.txt": b"run evil\n"}, "README.txt"),
    "another digest": (lambda parts: parts | {"SOFTWARE": parts["SOFTWARE"].replace(b"a", b"b")}, "SOFTWARE"),
    "no digest": (lambda parts: without(parts, "SOFTWARE"), "SOFTWARE"),
    "no hashes": (lambda parts: parts | {"requirements.txt": b"ceremony-runner\n"}, "requirements.txt"),
    "a requirement more": (
        lambda parts: parts | {"requirements.txt": parts["requirements.txt"] + b"--index-url http://x\n"},
        "requirements.txt",
    ),
    "a dependency less": (lambda parts: without(parts, f"wheels/{DEPENDENCY}"), "requirements.txt"),
    "a file more": (lambda parts: parts | {"pip.conf": b""}, "pip.conf"),
    "a wheel without a name": (lambda parts: parts | {"wheels/x.tar.gz": b""}, "no name for a wheel"),
    "no runner": (lambda parts: without(parts, own_name(parts)), "0 wheels of the runner"),
    "two runners": (
        lambda parts: parts | {"wheels/ceremony_runner-9-py3-none-any.whl": parts[own_name(parts)]},
        "2 wheels of the runner",
    ),
    "a runner that is no zip": (lambda parts: parts | {own_name(parts): b"PK"}, "damaged"),
}


@pytest.mark.parametrize("what", REPACKED)
def test_a_bundle_that_is_not_what_it_says_is_refused(wheels: dict[str, bytes], what: str) -> None:
    change, words = REPACKED[what]
    parts = unzipped(pack(wheels, made_for=MADE_FOR))
    changed = change(parts)
    assert changed != parts
    with pytest.raises(EvidenceFault, match=words) as refused:
        check(zipped(changed))
    assert refused.value.rule == "SEC006"


RAW: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "the same files packed in another way": (lambda made: zipped(unzipped(made)), "more than its files"),
    "something before it": (lambda made: b"#!/bin/sh\n" + made, "more than its files"),
    "something after it": (lambda made: made[:-2] + b"\x01\x00x", "more than its files"),
    "a file twice": (lambda made: twice(unzipped(made)), "twice"),
    "half of it": (lambda made: made[: len(made) // 2], "not a zip"),
    "one bit of a wheel": (lambda made: made[:90_000] + bytes([made[90_000] ^ 1]) + made[90_001:], "damaged"),
    "nothing": (lambda _: b"", "not a zip"),
}


@pytest.mark.parametrize("what", RAW)
def test_other_bytes_are_not_the_bundle(wheels: dict[str, bytes], what: str) -> None:
    change, words = RAW[what]
    made = pack(wheels, made_for=MADE_FOR)
    check(made)
    with pytest.raises(EvidenceFault, match=words) as refused:
        check(change(made))
    assert refused.value.rule == "SEC006"


def test_a_bundle_that_would_fill_the_disk_is_refused(
    wheels: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pack(wheels, made_for=MADE_FOR)
    monkeypatch.setattr(bundle_file, "LARGEST", len(made) // 2)
    with pytest.raises(EvidenceFault, match="unpacks to more"):
        check(made)


# -- the command -----------------------------------------------------------------------------------------------------


def spoken(digest: str) -> str:
    return "".join(f"           {line}\n" for line in word_lines(digest))


def test_the_command_says_the_digest_in_hex_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    own = bundle_sha256(Disk())
    assert capsys.readouterr().out == f"software   {own} version {__version__}\n{spoken(own)}"


def test_the_command_checks_a_bundle(
    wheels: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, made, path = bundle_sha256(Disk()), pack(wheels, made_for=MADE_FOR), tmp_path / "b.zip"
    path.write_bytes(made)
    whole = hashlib.sha256(made).hexdigest()
    assert main(["--bundle", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"bundle     {whole}\n{spoken(whole)}software   {own} version {__version__}\n{spoken(own)}"
        f"made for   {MADE_FOR}\nwheels     2, each with its hash in requirements.txt\nthis one   the same software\n"
    )

    path.write_bytes(made + b"\0")
    with pytest.raises(EvidenceFault):
        main(["--bundle", str(path)])
    assert capsys.readouterr().out == ""
    with pytest.raises(WrongUse):
        main(["--bundle", str(tmp_path / "none.zip")])


def test_the_command_says_that_a_bundle_holds_other_software(
    wheels: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = rewheel(unzipped(pack(wheels, made_for=MADE_FOR)), {"runner/engine.py": b""})
    changed = {name.removeprefix("wheels/"): content for name, content in parts.items() if name.endswith(".whl")}
    (tmp_path / "b.zip").write_bytes(pack(changed, made_for=MADE_FOR))
    assert main(["--bundle", str(tmp_path / "b.zip")]) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"this one   other software: {bundle_sha256(Disk())} version {__version__}\n")


# -- the script that installs ----------------------------------------------------------------------------------------

OFFLINE = {
    "PATH": os.environ["PATH"],
    "HOME": os.environ["HOME"],
    "PIP_NO_INDEX": "1",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "PYTHON": sys.executable,
}
"""Every way out leads to a closed port."""


def install(unpacked: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(unpacked / "install.sh"), *arguments]
    return subprocess.run(
        command, cwd=unpacked.parent, env=OFFLINE | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "python", "words"),
    [
        ((), sys.executable, "say where"),
        (("one", "two"), sys.executable, "say where"),
        (("there",), sys.executable, "is there already"),
        (("dangling",), sys.executable, "is there already"),
        (("new",), "no-such-python", "no-such-python is needed"),
    ],
)
def test_the_script_refuses_wrong_use_and_touches_nothing(
    wheels: dict[str, bytes], tmp_path: Path, arguments: tuple[str, ...], python: str, words: str
) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(io.BytesIO(pack(wheels, made_for=MADE_FOR))) as archive:
        archive.extractall(unpacked)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = sorted(path.name for path in tmp_path.iterdir())
    done = install(unpacked, *arguments, PYTHON=python)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there" / "mine").exists()


def build(out: Path) -> Path:
    command = [sys.executable, str(ROOT / "scripts/make_bundle.py"), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real one; pip needs its index for it."""
    return build(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    """The files of the bundle, in a folder with a blank in its name."""
    place = tmp_path / "a room" / "unpacked"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(bundle), str(place)], check=True)
    return place


@pytest.mark.slow
def test_two_builds_make_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "again")
    assert again.name == bundle.name
    assert again.read_bytes() == bundle.read_bytes()


@pytest.mark.slow
def test_it_holds_all_that_is_needed_each_with_its_hash(bundle: Path) -> None:
    held = check(bundle.read_bytes())
    assert bundle.name == f"ceremony-runner-{__version__}-{held.made_for}.bundle.zip"
    projects = {name.split("-")[0].lower().replace(".", "_") for name in held.wheels}
    assert projects >= {"ceremony_runner", "cryptography", "jinja2", "pycryptodome", "pydantic", "ruamel_yaml"}
    assert projects & {"pytest", "hypothesis", "mypy", "ruff"} == set()


@pytest.mark.slow
def test_it_installs_and_rehearses_without_a_network(bundle: Path, unpacked: Path) -> None:
    hostile = {"PYTHONPATH": str(ROOT), "PIP_TARGET": "/nowhere", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_NO_DEPS": "1"}
    done = install(unpacked, "ceremony runner", **hostile)
    assert done.returncode == 0, done.stderr
    room = unpacked.parent

    def run(*arguments: str) -> str:
        command = [str(room / "ceremony runner/bin/ceremony"), *arguments]
        done = subprocess.run(command, cwd=room, env=OFFLINE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("--version") == f"ceremony-runner {__version__}\n"
    own = bundle_sha256(Disk())
    assert run("software").startswith(f"software   {own} version {__version__}\n")
    assert run("software", "--bundle", str(bundle)).endswith("this one   the same software\n")
    assert run("lint", "azure-byok") == ""
    assert "VALID" in run("rehearse", "azure-byok", "--region", "eu", "--out", "demo")
    assert "VALID" in run("verify", "demo", "--trust", "demo.sim/trust.json", "--rehearsal")
    assert run("software").startswith(f"software   {own} version {__version__}\n")


@pytest.mark.slow
def test_pip_refuses_a_wheel_that_is_not_the_hashed_one(unpacked: Path) -> None:
    (wheel,) = (unpacked / "wheels").glob("jinja2-*.whl")
    changed = unzipped(wheel.read_bytes()) | {"jinja2/more.py": b""}
    wheel.write_bytes(zipped(changed))
    done = install(unpacked, "runner")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (unpacked.parent / "runner").exists()


@pytest.mark.slow
def test_the_script_refuses_software_that_is_not_what_the_bundle_says(unpacked: Path) -> None:
    parts = {str(path.relative_to(unpacked)): path.read_bytes() for path in unpacked.rglob("*") if path.is_file()}
    for name, content in rewheel(parts, {"runner/more.py": b""}).items():
        (unpacked / name).write_bytes(content)
    done = install(unpacked, "runner")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing is installed. SOFTWARE says" in done.stderr
    assert not (unpacked.parent / "runner").exists()
