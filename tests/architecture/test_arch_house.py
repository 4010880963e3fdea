"""Sizes, start-up, generated pages and words: what nobody looks at until it has gone wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from house_sources import ROOT, modules

MOST_LINES = 300


def test_a_long_module_says_why() -> None:
    long = {module.path: module.docstring for module in modules() if module.lines > MOST_LINES}
    silent = {path for path, docstring in long.items() if "longer than others because" not in docstring}
    assert not silent


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_none_of_the_libraries(argument: str) -> None:
    program = (
        "import sys; from runner.cli.main import main; code = main([sys.argv[1]]);"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\w+", done.stderr))
    assert "runner" in loaded
    assert loaded & {"pydantic", "cryptography", "Crypto", "jinja2", "ruamel", "hsm_emulator"} == set()


def test_nothing_generated_is_stale() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), "run `make docs`"


MACHINES = re.compile(r"(?<![\w.\-*}])/(?:work|root|home|Users)/")
REGISTRIES = re.compile(r"py[p]i\.org|pythonhos[t]ed\.org|registry\.npm[j]s")


def test_no_file_names_a_machine_or_a_registry() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    assert len(paths) > 100
    found = []
    for path in paths:
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        found += [(path.name, match[0]) for match in (MACHINES.search(text), REGISTRIES.search(text)) if match]
    assert found == []


@pytest.mark.parametrize("text", ["cd /" + "work/x", '"/' + 'home/a"', "(/" + "root/)"])
def test_what_a_machine_looks_like(text: str) -> None:
    assert MACHINES.search(text)
    assert not MACHINES.search(text.replace("/", "a/", 1))
