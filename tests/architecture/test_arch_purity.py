"""The core has no clock, no entropy, no files and no processes; files are touched in one module of each package.

What may be imported is listed, not what may not: nobody thinks of everything that can open a file.
"""

from __future__ import annotations

import ast

import pytest
from house_sources import Module, calls, imports, modules, names

OUTSIDE = ("runner/host/", "runner/cli/", "runner/backends/", "runner/__main__.py", "runner/pytest_plugin.py")
"""What is not the core: it brings the world in."""

ALLOWED = {
    "__future__", "base64", "binascii", "bisect", "collections.abc", "contextlib", "dataclasses", "datetime", "difflib",
    "enum", "functools", "hashlib", "itertools", "json", "operator", "re", "types", "typing", "unicodedata",
    "cryptography.exceptions", "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.asymmetric.rsa", "cryptography.hazmat.primitives.asymmetric.utils",
    "cryptography.hazmat.primitives.hashes",
    "cryptography.hazmat.primitives.serialization", "jinja2", "msgspec", "msgspec.structs", "pydantic", "pydantic_core",
    "pydantic_core.core_schema", "ruamel.yaml", "ruamel.yaml.error", "ruamel.yaml.parser", "ruamel.yaml.scanner",
    "typing_extensions",
}  # fmt: skip
"""What the core may import from elsewhere: what computes, and nothing that looks at the world."""

EXCEPTIONS = {
    "runner/document/kinds.py": {"warnings"},  # what Python says of a pattern that will mean something else
    "runner/document/events.py": {"importlib", "importlib.import_module"},  # the C parser, where it is installed
    "runner/verification/companion.py": {"multiprocessing", "os"},  # a second process for big logs
    "runner/verification/spelling.py": {"orjson"},  # where it is installed
    "runner/verification/folder.py": {"os", "stat"},  # the verifier's own reader: it may not lean on the runner's
}
FORBIDDEN = {"open", "__import__", "eval", "exec", "compile", "input", "print", "breakpoint", "globals", "vars"}
FORBIDDEN_ON = {
    "now", "today", "utcnow", "fromtimestamp", "generate", "import_module", "read_text", "read_bytes", "write_text",
    "write_bytes", "urandom",
}  # fmt: skip


def impure(tree: ast.Module) -> set[str]:
    """Return what a module of the core does that none may do."""
    found = {name for name in imports(tree) if name.split(".")[0] != "runner" and name not in ALLOWED}
    found |= names(tree) & FORBIDDEN
    return found | {f"{owner}.{name}" for owner, name in calls(tree) if owner and name in FORBIDDEN_ON}


def core() -> list[Module]:
    return [module for module in modules() if module.path.startswith("runner/") and not module.path.startswith(OUTSIDE)]


def test_the_core_is_pure() -> None:
    assert len(core()) > 60
    found = {module.path: what for module in core() if (what := impure(module.tree))}
    assert found == EXCEPTIONS


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ("import tempfile", "tempfile"),
        ("def f():\n    import os.path", "os.path"),
        ("from random import choice", "random"),
        ("import time", "time"),
        ("text = open('x').read()", "open"),
        ("reader = open", "open"),
        ("os = __import__('os')", "__import__"),
        ("eval('1')", "eval"),
        ("import importlib\nimportlib.import_module('os')", "importlib.import_module"),
        ("import datetime as dt\nday = dt.date.today()", "date.today"),
        ("import datetime as dt\nnow = dt.datetime.now(dt.UTC)", "datetime.now"),
        ("def f(path):\n    return path.read_bytes()", "path.read_bytes"),
        ("key = Ed25519PrivateKey.generate()", "Ed25519PrivateKey.generate"),
    ],
)
def test_what_the_test_above_would_see(planted: str, seen: str) -> None:
    assert seen in impure(ast.parse(planted))


def test_types_of_the_outside_may_be_named() -> None:
    assert impure(ast.parse("if TYPE_CHECKING:\n    from pathlib import Path\n    import os")) == set()


DISKS = {"runner/host/disk.py", "hsm_emulator/disk.py"}

OTHERS_WITH_FILES = {
    "runner/verification/companion.py": "looks how many cores there are; its files are the folder's",
    "runner/verification/folder.py": "the verifier reads a record with code of its own, not the producer's",
    "runner/host/rules.py": "reads the rules that are shipped inside the package",
    "runner/host/documents.py": "looks which files and shipped folders there are; the disk reads them",
    "runner/host/archive.py": "opens the items of a zip it holds in memory",
    "runner/host/rehearsal.py": "looks whether the record's parent is a folder",
    "runner/host/replay_script.py": "makes the temporary folder a scripted ceremony is tried in",
    "runner/host/sshkeygen.py": "runs ssh-keygen, with a key file of a moment for the agent",
    "runner/host/terminal.py": "talks to the controlling terminal",
    "runner/cli/main.py": "turns a closed stdout into the null device",
    "runner/cli/verify.py": "looks whether the record is a folder",
    "hsm_emulator/region/catalogue.py": "reads the regions that are shipped inside the package",
    "hsm_emulator/region/verifier.py": "the program the toolset ships: it stands alone and reads two packages",
    "hsm_emulator/region/client.py": "starts the importer as a process, and looks whether a region is there",
    "hsm_emulator/region/importer.py": "looks whether a region is there before a store would make one",
}
"""Modules that touch files beside the two disks, and why."""

SYSTEM = {"os", "shutil", "tempfile", "fcntl", "glob", "mmap", "subprocess", "socket", "sqlite3", "os.path", "pty"}
ALWAYS = {
    "read_text", "read_bytes", "write_text", "write_bytes", "touch", "rmdir", "iterdir", "glob", "rglob", "is_file",
    "is_dir", "is_symlink", "lstat", "stat", "symlink_to", "hardlink_to", "chmod", "readlink", "extract", "extractall",
}  # fmt: skip
UNLESS_ON_A_DISK = {"open", "mkdir", "exists", "unlink", "rename"}


def touches_files(tree: ast.Module) -> set[str]:
    """Return what a module does with files, processes or sockets by itself, not by its disk."""
    found = imports(tree) & SYSTEM
    for owner, name in calls(tree):
        ours = owner.casefold().endswith("disk") or (owner[:1].isupper() and owner != "Path")  # such as `Store.open`
        if (owner and name in ALWAYS) or (name in UNLESS_ON_A_DISK and not ours):
            found.add(f"{owner}.{name}")
    return found


def test_files_are_touched_where_it_is_written_down() -> None:
    assert {module.path for module in modules() if touches_files(module.tree)} == DISKS | set(OTHERS_WITH_FILES)


@pytest.mark.parametrize(
    "planted",
    ["open('x')", "import shutil", "path.write_text('x')", "path.open()", "folder.mkdir()", "Path('x').unlink()",
     "(a / b).read_bytes()", "from subprocess import run"],
)  # fmt: skip
def test_what_touches_files(planted: str) -> None:
    assert touches_files(ast.parse(planted))


@pytest.mark.parametrize("planted", ["self._disk.mkdir(x)", "Disk().read(x)", "Store.open(x)", "text.replace(a, b)"])
def test_what_does_not(planted: str) -> None:
    assert not touches_files(ast.parse(planted))
